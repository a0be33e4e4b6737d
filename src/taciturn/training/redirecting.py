"""Latents that the dictionary hardly needs get new directions during training."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.recipe import check
from ..core.seeds import generator
from ..core.world import largest
from ..model import Autoencoder, Batch
from ..model.codes import Sparse
from .latent_rows import of_part, rewrite_rows
from .run import Record, Run
from .trigger import Trigger
from .uninterrupted import uninterrupted

ACTIVATIONS = 64  # of the mean latent, on the rows that are used: on few rows rare latents would look redundant
BETWEEN = 4  # times as many rows are trained on between two measurements as one takes, which bounds their time
MAX_CANDIDATES = 512  # rows whose residuals are tried as directions
SIMILAR = 0.5  # cosine of two redundant latents of which only one is redirected at a time
SIMILAR_ROWS = 0.5  # cosine of a direction and of the residuals of which it becomes the mean
MEANS = 2  # how often it does
IMPROVEMENTS = 10  # steps by which the codes of the residual are improved


@dataclass(frozen=True)
class Redirect(Trigger):
    """Recipe: at regular intervals, point redundant latents at what the whole dictionary cannot reconstruct.

    Parameters
    ----------
    every : float, default=0.025
        Interval as a share of the run, in (0, 1].
    until : float, default=0.7
        Share of the run after which no latent is redirected, in [0, 1].
    below : float, default=0.05
        A latent is redundant if the error rises by less than this share of the latents' mean without it, 0 or more.
    most : float, default=0.1
        If more than this share of the latents is redundant, none is redirected: the rows do not need so many, 0 … 1.
    norm : float, default=0.5
        Norm of the encoder's new rows, as a share of the other latents' mean, > 0.
    rows : int, default=8192
        Largest number of rows on which this is measured. At a time at most a quarter as many latents are redirected.

    Examples
    --------
    >>> Redirect(every=0.1).text
    'redirect:every=0.1'
    """

    every: float = 0.025
    until: float = 0.7
    below: float = 0.05
    most: float = 0.1
    norm: float = 0.5
    rows: int = 8192

    name = "redirect"

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self, "below", 0, fixed=True)
        check(self, "most", 0, 1, fixed=True)
        check(self, "norm", 0, ends="(]", fixed=True)
        check(self, "rows", 4, whole=True)


class Redirecting:
    """Hook that points redundant latents at features that the dictionary lacks.

    Latents are measured as if each row had the same number of codes, its largest ones; see `CodingLayer.row_k`.

    Parameters
    ----------
    recipe : Redirect
        When latents are redirected, and which.

    Attributes
    ----------
    n_redirected : int
        Number of latents redirected so far.

    Notes
    -----
    Gradients end where two latents share one frequent feature and no latent has a rare one: each change of a single
    direction raises the error. K-SVD replaces such atoms (Aharon, Elad and Bruckstein, 2006), by their coherence or
    their rare use. Here a latent's use is measured: on each row on which it is active it is left out, and the next
    largest latent of the row takes its place; the use is by how much the squared error rises.

    New directions are means of similar residuals. With k latents per row, residuals consist mostly of features for
    which there was no room. So the codes are computed again with 2 k latents, and improved by projected gradient steps;
    what is left then lacks a latent. Of some directions the one is chosen that reduces the error most, counting only
    rows on which the new latent would be active, then the next by what is left.
    """

    def __init__(self, recipe: Redirect) -> None:
        self.recipe = recipe
        self.n_redirected = 0

    @torch.no_grad()
    def __call__(self, run: Run, batch: Batch, record: Record) -> None:
        """Redirect latents, if the recipe is due after this step."""
        model, recipe, feed = run.step.model, self.recipe, run.feed
        l0 = model.layout.coder.target_l0
        n_rows = recipe.rows if l0 is None else min(recipe.rows, math.ceil(ACTIVATIONS * model.n_latents / l0))
        least = math.ceil(BETWEEN * min(n_rows, len(feed.source)) / feed.batch_size)
        if not recipe.due(run.steps, run.n_steps, open_ended=run.open_ended, least=least):
            return
        rates_L = model.latents.joined(run.step.firing_rates)
        mean_rate = float(rates_L.mean())
        coder = model.layout.coder.at(run.progress(run.steps))
        k = coder.row_k(mean_rate * len(rates_L))
        # latents that are hardly ever active are redundant too: where they are many, the rest need not be measured
        n_rare = int((rates_L <= recipe.below * mean_rate).sum())
        if k is None or k + 1 > len(rates_L) // 2 or n_rare > recipe.most * len(rates_L):
            return
        rng = generator(feed.seed, "redirect", run.steps)
        x, target = feed.sample(min(recipe.rows, math.ceil(ACTIVATIONS / max(mean_rate, 1e-9))), rng)
        pre = model.refined_pre(x, coder.training_codes)
        codes = coder.with_row_k(2 * k).training_codes(pre, model.coder)
        assert isinstance(codes, Sparse)
        use_L, least_B = measured_use(model, largest_of_rows(model, codes, k + 1), target)
        use_L = model.latents.joined(use_L)
        redundant_L = use_L < recipe.below * use_L.mean()
        latents_M = redundant_L.nonzero()[:, 0]
        if not 0 < len(latents_M) <= recipe.most * len(use_L) or not bool(use_L.isfinite().all()):
            return
        missing = residual(model, codes.relu(), target)
        weight_B = missing.square().sum(1).square().cpu()
        n_candidates = min(MAX_CANDIDATES, len(x) // 4, int(weight_B.count_nonzero()))
        if not n_candidates or not bool(weight_B.isfinite().all()):
            return
        rows_C = torch.multinomial(weight_B, n_candidates, generator=rng).to(x.device)
        directions = _shared_directions(missing, missing[rows_C])
        encoder = model.layers[0][-1].weight
        others_L = ~redundant_L[slice(*model.part)]
        length = recipe.norm * model.mean_of(encoder[others_L].norm(dim=1))
        centred = x - model.outer_layers[1].bias if model.layout.centred else x
        active = F.linear(centred, length * directions) > least_B[:, None]
        gains = (missing @ directions.T).relu().square() * active
        gains[rows_C, torch.arange(n_candidates, device=x.device)] = 0  # a row's own error tells nothing of others
        latents_M = latents_M[use_L[latents_M].argsort(stable=True)][:n_candidates]
        latents_M = latents_M[_on(x, _first_of_similar(_directions_of(model, latents_M)))]
        chosen = _largest_gains(gains, missing, directions, use_L[latents_M].tolist())
        if not chosen:
            return
        latents_M, directions = latents_M[: len(chosen)], directions[_on(x, chosen)]
        new = model.resampled_rows(others_L, directions)
        new[encoder] = length * directions
        own_M, new = of_part(model.part, latents_M, new)
        with uninterrupted():
            rewrite_rows(run.optimiser, own_M, new)
            run.step.inactive_rows[own_M] = 0
        self.n_redirected += len(latents_M)


def _directions_of(model: Autoencoder, latents_M: Tensor) -> Tensor:
    """Return the rows of the dictionary [M, D] of some latents, of all processes."""
    own_M, D = (latents_M >= model.part[0]) & (latents_M < model.part[1]), model.dictionary
    rows = D.new_zeros(len(latents_M), D.shape[1])
    rows[own_M] = D[latents_M[own_M] - model.part[0]]
    return model.latents.sum(rows)


def _on(x: Tensor, numbers: list[int]) -> Tensor:
    """Return numbers as a tensor on the device of x."""
    return torch.tensor(numbers, device=x.device)


def _shared_directions(missing: Tensor, seeds: Tensor) -> Tensor:
    """Return the directions, of norm 1, of means of residuals [B, D] near each of the seeds [C, D].

    A residual has other errors beside the feature that the dictionary lacks; of several rows they cancel.
    """
    directions, length_B = F.normalize(seeds, dim=1), missing.norm(dim=1, keepdim=True)
    for _ in range(MEANS):
        along = missing @ directions.T
        directions = F.normalize((along * (along > SIMILAR_ROWS * length_B)).T @ missing, dim=1)
    return directions


def _first_of_similar(directions: Tensor) -> list[int]:
    """Return the numbers of directions [M, D] of a cosine below 0.5 with all that were returned before.

    Of two latents with one feature each looks redundant as long as the other one stays.
    """
    unit = F.normalize(directions, dim=1)
    similar, kept = (unit @ unit.T > SIMILAR).tolist(), list[int]()
    for latent, others in enumerate(similar):
        if not any(others[other] for other in kept):
            kept.append(latent)
    return kept


def measured_use(model: Autoencoder, codes: Sparse, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return by how much the squared error of all rows rises without each latent, and each row's least active code.

    Parameters
    ----------
    model : Autoencoder
        The network.
    codes : Sparse
        k + 1 codes of each row; the least is not active, but takes the place of a latent that is left out.
    target : Tensor [B, D]
        What is to be reconstructed, NaN where it is not known.

    Returns
    -------
    use_L : Tensor [L]
        Σ ‖e + c_l d_l - c' d'‖² - ‖e‖² over the rows on which latent l is active, with the error e, the code c_l of
        direction d_l, and the row's next code c' of direction d'. Below 0 where the next latent suits better.
    least_B : Tensor [B]
        The k-th largest code.
    """
    values, row_N = codes.values.relu(), codes.index.rows
    is_next, least_B = _least_of_rows(model, codes.with_values(values))
    following = model.decode_linear(codes.with_values(values * is_next))
    own = values.masked_fill(is_next, 0)
    error = _error(model, codes.with_values(own), target)
    along_error, along_following = (_products(model, codes, rows) for rows in (error, following))
    squared = codes.per_entry(model.dictionary.square().sum(1))
    replaced_B = (following.square() - 2 * error * following).sum(1)
    rise = own.square() * squared + 2 * own * (along_error - along_following) + replaced_B[row_N]
    return codes.with_values(rise * (own > 0)).sum(), least_B


def largest_of_rows(model: Autoencoder, codes: Sparse, count: int) -> Sparse:
    """Return the largest codes of each row, so many of all processes."""
    by_row, place_N = _by_row(codes, -math.inf)
    return codes.keep(largest(by_row, count, model.latents)[place_N, codes.index.rows])


def _least_of_rows(model: Autoencoder, codes: Sparse) -> tuple[Tensor, Tensor]:
    """Return which entries [N] are the least of their rows, of all processes, and each row's second least value [B]."""
    by_row, place_N = _by_row(codes, math.inf)
    parts = model.latents.gather(by_row)
    joined, start = torch.cat(parts), sum(len(part) for part in parts[: model.latents.rank])
    is_least = torch.zeros_like(joined, dtype=torch.bool).scatter_(0, joined.argmin(0, keepdim=True), True)
    own = is_least[start : start + len(by_row)][place_N, codes.index.rows]
    return own, joined.masked_fill(is_least, math.inf).amin(0)


def _by_row(codes: Sparse, empty: float) -> tuple[Tensor, Tensor]:
    """Return codes as an array [most of a row, B], `empty` where a row has fewer, and each code's line in it [N]."""
    row_N, starts = codes.index.rows, codes.index.starts
    place_N = torch.arange(len(row_N), device=row_N.device) - starts[row_N]
    by_row = codes.values.new_full((int(starts.diff().max()), codes.n_rows), empty)
    by_row[place_N, row_N] = codes.values
    return by_row, place_N


def residual(model: Autoencoder, codes: Sparse, target: Tensor) -> Tensor:
    """Return what is left of the targets [B, D] by codes that are improved at their entries, 0 where not known.

    Notes
    -----
    Projected gradient steps, each row's of the length that is best along its gradient. A row's step is refused if its
    error would not fall, as can happen where codes end at 0; the next is then shorter.
    """
    error, share_B = _error(model, codes, target), target.new_ones(len(target))
    row_N = codes.index.rows
    for _ in range(IMPROVEMENTS):
        slope = _products(model, codes, error)
        slope = slope.where((codes.values > 0) | (slope > 0), 0)
        length = model.decode_linear(codes.with_values(slope)).square().sum(1).clamp_min(1e-12)
        rate_B = share_B * model.latents.sum(codes.row_sums(slope.square())) / length
        tried = codes.with_values((codes.values + rate_B[row_N] * slope).relu())
        after = _error(model, tried, target)
        better_B = after.square().sum(1) < error.square().sum(1)
        share_B = torch.where(better_B, 1.0, share_B / 4)
        codes = codes.with_values(torch.where(better_B[row_N], tried.values, codes.values))
        error = torch.where(better_B[:, None], after, error)
    return error


def _error(model: Autoencoder, codes: Sparse, target: Tensor) -> Tensor:
    """Return target - reconstruction [B, D]; a missing value has no error."""
    return (target - model.decode(codes)).nan_to_num(0.0)


def _products(model: Autoencoder, codes: Sparse, rows: Tensor) -> Tensor:
    """Return the product of each entry's row and its latent's direction [N]."""
    D = model.dictionary
    return codes.kernels.scores(rows, D, D.new_zeros(len(D)), None, codes.index, codes.values)


def _largest_gains(gains: Tensor, missing: Tensor, directions: Tensor, uses: list[float]) -> list[int]:
    """Return the columns of gains [B, C] with the largest sums, one for each use, while the sum exceeds the use.

    A chosen direction takes its share of each row's error [B, D] from the other directions' gains.
    """
    chosen = list[int]()
    squared_B = missing.square().sum(1).clamp_min(1e-12)
    for use in uses[: gains.shape[1]]:
        sums = gains.sum(0)
        best = int(sums.argmax())
        if not float(sums[best]) > max(use, 0.0):
            break
        chosen.append(best)
        gains = gains * (1 - (missing @ directions[best]).relu().square() / squared_B).clamp(0, 1)[:, None]
        gains[:, best] = 0
    return chosen
