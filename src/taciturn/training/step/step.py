"""One training step without the optimiser's update: forward, backward, and the state that changes with each step."""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...kernels import fast_products, multiplies_bfloat16
from ...model import Autoencoder, Batch, Capability, Pass, initialise_dictionary, initialise_pairs
from ...objective import Controller, Objective
from ..geometric_median import WIDE, geometric_median

RECENT_ROWS = 10_000  # rows over which the firing rates are averaged
PART_ROWS = 16  # of rows wider than WIDE, whose errors are computed at a time
INITIALISATION_ROWS = 500  # rows on which the coding layer is initialised
COUNTERS = ("inactive_rows", "firing_rates")  # buffers with one number per latent
Numbers = dict[str, Tensor]
# one is enough, unless codes depend on what a round changes (a refinement), or a shift does harm and is halved
CALIBRATION_ROUNDS = 8
# by how much a closing shift may raise the mean squared error: a share of the error, plus a share of the variance
MAX_RELATIVE_RISE, MAX_RISE = 0.25, 0.001


@dataclass(frozen=True)
class Calibration:
    """What the closing shift reached for one target.

    Parameters
    ----------
    ratio : float
        The measured value over the target.
    harmful : bool
        Whether the target is missed because a further shift would raise the reconstruction error too much.
    """

    ratio: float
    harmful: bool


class Step(nn.Module):
    """A model and its objective, which compute one training step by autograd.

    Subclasses compute the same gradients faster, up to rounding. The optimiser is not part of the step.

    Parameters
    ----------
    model : Autoencoder
        The network.
    objective : Objective
        Reconstruction error and penalties.
    precision : str, default="fp32"
        "bf16" permits rounding the factors of products to bfloat16, where that is faster.

    Attributes
    ----------
    controllers : nn.ModuleDict
        By the term's name, the controller of each automatic penalty weight (weight=auto).
    inactive_rows : Tensor [L], int64
        Number of rows since each latent was last active; of this process's latents only, where they are distributed.
    firing_rates : Tensor [L]
        Share of recent rows on which each latent was active: a running mean over about 10,000 rows, from 0. Of the same
        latents.

    Raises
    ------
    RecipeError
        A term requires what the model does not provide.

    Notes
    -----
    Latents whose codes are never exactly 0 are not counted: their `inactive_rows` and `firing_rates` stay 0.

    Examples
    --------
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> from taciturn.objective import SquaredError
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> step, x = Step(model, Objective((SquaredError(),))), torch.ones(5, 4)
    >>> numbers = step.gradients(Batch(x, x, x))
    >>> sorted(numbers), model.dictionary.grad.shape
    (['loss', 'rates', 'squared_error'], torch.Size([8, 4]))
    """

    inactive_rows: Tensor
    firing_rates: Tensor

    def __init__(self, model: Autoencoder, objective: Objective, precision: str = "fp32") -> None:
        super().__init__()
        objective.check(model.layout.provides())
        self.model, self.objective, self.precision = model, objective, precision
        self.controllers = objective.controllers()
        start, stop = model.part
        self.register_buffer("inactive_rows", torch.zeros(stop - start, dtype=torch.long))
        self.register_buffer("firing_rates", torch.zeros(stop - start))

    def names_of_parts(self) -> set[str]:
        """Return the names of what this process holds its latents' rows of; none if it holds all rows.

        Names of the model's parameters are as the model has them; see `is_part`.
        """
        own = self.model.names_of_parts()
        return own | set(COUNTERS) if own else own

    def tensors(self) -> dict[str, Tensor]:
        """Return all parameters and buffers by name."""
        return dict(self.named_parameters()) | dict(self.named_buffers())

    @torch.no_grad()
    def initialise(self, x: Tensor, *, steps: int, from_scratch: bool = True, target: Tensor | None = None) -> None:
        """Prepare a run.

        The biases are initialised so that each controlled penalty starts at its target. Otherwise the penalty would be
        large at first, and the codes could collapse to a constant.

        Parameters
        ----------
        x : Tensor [N, D]
            A sample of the scaled rows.
        steps : int
            Number of steps of the run.
        from_scratch : bool, default=True
            False: keep the weights as they are, and only reset the controllers.
        target : Tensor [N, D], optional
            The rows' scaled targets, NaN where they are not known; by default the rows themselves.
        """
        target = x if target is None else target
        if bool((missing := target.isnan()).any()):
            mean_D = target.nanmean(0).nan_to_num(0.0)
            scale = float((target - mean_D).square().nanmean())
            target = torch.where(missing, mean_D, target)
        else:
            mean_D = target.mean(0)
            scale = float((target - mean_D).square().mean())
        if from_scratch:
            layout = self.model.layout
            self.model.initialise_output(geometric_median(target).to(x) if layout.centred else mean_D)
            if layout.outputs and layout.centred:
                initialise_pairs(self.model, x, target, geometric_median(x).to(x))
            else:
                initialise_dictionary(self.model, x)
            self.model.layout.coder.initialise(self.model.pre_activations(x[:INITIALISATION_ROWS]), self.model.coder)
        for name, controller in self.controlled():
            if from_scratch:
                self.objective.by_name()[name].calibrate(self.model, x, each=True)
            controller.reset(scale=scale, steps=steps)

    @torch.no_grad()
    def calibrate(self, x: Tensor, target: Tensor | None = None, *, within: float = 0.02) -> dict[str, Calibration]:
        """Meet each missed target on rows x by a closing shift of all coding biases, and finalise the coding layer.

        Of all shifts tried, none included, the one that comes nearest to the target is kept. A shift that raises the
        error of the reconstructions beyond a bound is refused, and the shift half-way to it is tried next.

        Parameters
        ----------
        x : Tensor [N, D]
            Scaled rows on which the targets are to be met.
        target : Tensor [N, D] or None
            What is to be reconstructed, NaN where it is not known; None: the rows themselves.
        within : float, default=0.02
            Relative deviation up to which a target counts as met.

        Returns
        -------
        dict of Calibration
            By the term's name.

        Notes
        -----
        The bound of the mean squared error is 1.25 times the error before, plus 0.001 times the variance of the target.
        """
        y = x if target is None else target
        results: dict[str, Calibration] = {}
        highest = math.inf
        for name, _ in self.controlled():
            p = self._clean_pass(x)
            if not results:  # the bound is that of the error before the first shift
                highest = (1 + MAX_RELATIVE_RISE) * _mean_square(p.recon, y)
                highest += MAX_RISE * _mean_square(_mean(y).expand_as(y), y)
            results[name] = self._calibrate(name, p, y, within, highest)
        coder = self.model.layout.coder.at(1.0)
        coder.finalise(self.model.refined_pre(x, coder.training_codes), self.model.coder)
        return results

    def _calibrate(self, name: str, p: Pass, y: Tensor, within: float, highest: float) -> Calibration:
        """Shift the biases towards the target of a term, from the pass p of clean rows before the shift.

        The reconstruction error stays at `highest` or below.
        """
        model, term, x = self.model, self.objective.by_name()[name].at(1.0), p.batch.x
        layers = model.layers
        tensors = [layers[0][-1].bias, layers[1][0].bias, *model.coder.parameters()]  # all that a shift changes
        best, ratio = [tensor.clone() for tensor in tensors], term.ratio(p).item()
        refused: list[Tensor] | None = None
        try:
            for _ in range(CALIBRATION_ROUNDS):
                if abs(ratio - 1) <= within:
                    break
                if refused is None:
                    term.calibrate(model, x, each=False)
                    model.compensate_output(model.codes(x).sum() / len(x) - p.mean_activation)
                else:
                    _copy(tensors, torch._foreach_lerp(best, refused, 0.5))
                p = self._clean_pass(x)
                trial = term.ratio(p).item()
                if not _mean_square(p.recon, y) <= highest:
                    refused = [tensor.clone() for tensor in tensors]
                elif _distance(trial) < _distance(ratio):
                    best, ratio = [tensor.clone() for tensor in tensors], trial
        finally:  # also after an interrupt
            _copy(tensors, best)
        return Calibration(ratio, refused is not None)

    def controlled(self) -> Iterator[tuple[str, Controller]]:
        """Yield each controller with its term's name."""
        for name, controller in self.controllers.items():
            assert isinstance(controller, Controller)
            yield name, controller

    def _clean_pass(self, x: Tensor) -> Pass:
        """Return the pass of clean rows through the model as it is used after training."""
        return self._forward_pass(Batch(x, x, x), 1.0)

    def forward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Return the batch's pass, and "loss" and each term's number by name.

        Parameters
        ----------
        batch : Batch
            Scaled rows.
        progress : float, default=0.0
            Position in the run, 0 … 1, at which schedules are resolved.
        """
        with self._rounded(batch.x.device.type):
            p = self._forward_pass(batch, progress)
        loss, numbers = self.objective.at(progress)(p, dict(self.controlled()))
        return p, {"loss": loss, **numbers}

    def _rounded(self, device: str) -> AbstractContextManager[object]:
        """Return a context in which convolutions are computed in bfloat16, if they may and if that is faster."""
        may_round = self.precision == "bf16" and self.model.layout.network.rounds
        if may_round and (device != "cpu" or multiplies_bfloat16()):
            return torch.autocast(device, torch.bfloat16)
        return nullcontext()

    def _forward_pass(self, batch: Batch, progress: float) -> Pass:
        model, coder = self.model, self.model.layout.coder.at(progress)
        pre, codes = model.pre_and_codes(batch.corrupted, coder.training_codes, batch.shard)
        return Pass(model, batch, coder, pre, codes, model.decode(codes, batch.corrupted), self.inactive_rows)

    def backward(self, batch: Batch, progress: float = 0.0) -> tuple[Pass, Numbers]:
        """Set the gradient of every parameter; return what `forward` returns, the numbers detached."""
        p, numbers = self(batch, progress)
        numbers["loss"].backward()
        return p, {name: number.detach() for name, number in numbers.items()}

    @torch.no_grad()
    def update_state(self, p: Pass, progress: float, ease: float) -> None:
        """Update all state that is not trained by gradient: the coding layer's, the counters, the controllers.

        The controllers rest as long as the coding layer selects codes in another way.

        Called after backward, because buffers must not change before it.
        """
        self.update_counters(p)
        if p.coding_layer.starting:
            return
        terms = self.objective.at(progress).by_name()
        for name, controller in self.controlled():
            controller.update(terms[name].ratio(p).item(), ease)

    def update_counters(self, p: Pass) -> None:
        """Update the coding layer's state, and count on which rows each latent was active."""
        p.coding_layer.update(p, self.model.coder)
        # codes that are never 0 are always active
        if Capability.ZERO_CODES in self.model.layout.coder.provides:
            self.count_active(p.batch.shard.axis.sum(p.codes.active_counts()), p.n_rows)

    def count_active(self, fired: Tensor, n: int) -> None:
        """Update `inactive_rows` and `firing_rates` by the number of n rows on which each latent fired [L]."""
        self.inactive_rows.add_(n).masked_fill_(fired > 0, 0)
        self.firing_rates.lerp_((fired / n).to(self.firing_rates), min(n / RECENT_ROWS, 1.0))

    def weights(self) -> Numbers:
        """Return the present automatic penalty weights: `weight_…` by the term's name."""
        return {f"weight_{name}": torch.tensor(controller.weight) for name, controller in self.controlled()}

    def gradients(self, batch: Batch, progress: float = 0.0, ease: float = 1.0) -> Numbers:
        """Set the gradient of every parameter, and update all other state.

        Parameters
        ----------
        batch : Batch
            Scaled rows.
        progress : float, default=0.0
            Position in the run, 0 … 1, at which schedules are resolved.
        ease : float, default=1.0
            The learning rate as a share of its largest value, 0 … 1. The controllers change the penalty weights in
            proportion to it.

        Returns
        -------
        dict of Tensor
            "loss", each term by name, `weight_…` of each automatic penalty weight, and "rates" [L],
            each latent's mean activation, of the whole dictionary.
        """
        with fast_products(len(batch.x) * self.model.row_multiplications):
            p, numbers = self.backward(batch, progress)
        numbers |= self.weights()
        self.update_state(p, progress, ease)
        # read after the objective: cached first without gradient, the property would have no gradient for a term
        return numbers | {"rates": self.model.latents.joined(p.mean_activation.detach())}


def _copy(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """Write each value into its tensor, in place."""
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)


def _mean(y: Tensor) -> Tensor:
    """Return the mean of each column's known values [D]."""
    if y.shape[1] <= WIDE:
        return y.nanmean(0)
    parts = y.split(PART_ROWS)
    known = torch.stack([(~part.isnan()).sum(0) for part in parts]).sum(0)
    return torch.stack([part.nansum(0) for part in parts]).sum(0) / known


def _mean_square(recon: Tensor, y: Tensor) -> float:
    """Return the mean squared error of the entries of y that are known."""
    if y.shape[1] > WIDE:  # in parts, so that no second array of their size is made
        parts = zip(recon.split(PART_ROWS), y.split(PART_ROWS), strict=True)
        sums = [((a - b).square_().nansum().double(), (~b.isnan()).sum()) for a, b in parts]
        total, known = (torch.stack(column).sum() for column in zip(*sums, strict=True))
        return float(total / known.clamp_min(1))
    known = ~y.isnan()
    errors = recon - y
    return (errors if bool(known.all()) else errors[known]).square().mean().item()


def _distance(ratio: float) -> float:
    """Return how far a measured value over its target lies from 1, alike for twice and for half the target."""
    return abs(math.log(max(ratio, 1e-30)))
