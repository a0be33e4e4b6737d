"""The main numbers of a model on rows, and the same as lines of text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ...core.errors import ArtifactError
from ...corruption import Corruption
from ...data.row_shape import is_image
from ...data.sources import Source
from ...inference import Evaluation, evaluate
from ...model import Autoencoder
from ...objective import Objective
from .numbers import finite, signed_percent
from .study import Study


@dataclass(frozen=True)
class Summary:
    """The main numbers of a model on rows; errors and PSNR are in scaled units.

    Parameters
    ----------
    rows : int
        Number of rows, N.
    held_out : bool
        Whether the rows are known to be held out from training.
    columns : int
        Number of columns, D.
    latents : int
        Number of latents, L.
    mean_squared_error : float
        Of the clean rows' reconstructions, ≥ 0.
    fvu : float or None
        Fraction of variance unexplained, ≥ 0; None if the rows are constant and not reconstructed exactly.
    rates : list of float [L]
        Each latent's mean activation (mean code over rows).
    target_rate : float or None
        The target of the mean activation, if a penalty has one.
    target_l0 : float or None
        The target number of active latents per row, if the coding layer or a penalty has one.
    weights : dict of str to float
        Penalty weights that were adjusted automatically during training, by the penalty's name.
    active_above : float or None
        A latent is active where its code is above this number; None: where its code is not 0.
    dead : int
        Number of latents that are active on none of the rows.
    l0 : float
        Mean number of active latents per row, from 0 to L.
    corruption : str
        The corruption under which denoising was measured; "" for none.
    psnr_before, psnr_after : float or None
        PSNR in dB of the corrupted rows and of their reconstructions; None without a corruption.
    images : bool, default=True
        Whether rows are images. Texts have PSNR for images only, for other rows the change of the squared error.

    Examples
    --------
    >>> import torch
    >>> from taciturn.corruption import Clean
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> from taciturn.objective import Objective, SquaredError
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> rows = Rows(torch.rand(10, 4).numpy())
    >>> objective = Objective((SquaredError(),))
    >>> summary = summarise(model, rows, objective=objective, corruption=Clean(), held_out=True)
    >>> dict(summary.lines())["evaluated on"]
    '10 held-out rows of 4 columns'
    """

    rows: int
    held_out: bool
    columns: int
    latents: int
    mean_squared_error: float
    fvu: float | None
    rates: list[float]
    target_rate: float | None
    target_l0: float | None
    weights: dict[str, float]
    active_above: float | None
    dead: int
    l0: float
    corruption: str
    psnr_before: float | None
    psnr_after: float | None
    images: bool = True

    @property
    def rate(self) -> float:
        """The mean activation of all latents (mean code over rows and latents)."""
        return sum(self.rates) / len(self.rates)

    @property
    def error_change(self) -> float | None:
        """Squared error of the corrupted rows' reconstructions, divided by that of these rows, minus 1; or None."""
        if self.psnr_before is None or self.psnr_after is None:
            return None
        return float(10 ** ((self.psnr_before - self.psnr_after) / 10)) - 1

    @property
    def explained(self) -> str:
        """The share of variance reconstructed, as text; without a rate target, also the active latents per row."""
        if self.fvu is None:
            return "constant rows"
        return f"{1 - self.fvu:.1%} of the variance" + (
            f" with {self.l0:.1f} active latents per row" if self.target_rate is None else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON; metrics.json and report.json hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Return the summary that `to_dict` wrote, also that of an older version.

        Parameters
        ----------
        plain : dict
            The fields by name. The names `silent` (now `dead`) and `at_work` (now `active_above`) of folders of
            format 1 are known.

        Returns
        -------
        Summary

        Raises
        ------
        ArtifactError
            If a field is missing or unknown.
        """
        fields = {("dead" if name == "silent" else name): value for name, value in plain.items()}
        if "at_work" in fields:
            fields["active_above"] = 0.5 if fields.pop("at_work") == "above 0.5" else None
        try:
            return cls(**fields)
        except TypeError as error:
            message = f"metrics.json does not fit this version of taciturn: {error}; fit the model again"
            raise ArtifactError(message) from error

    def lines(self) -> list[tuple[str, str]]:
        """Return the numbers as pairs (label, text), for a table of two columns."""
        rows = f"{self.rows:,} {'held-out rows' if self.held_out else 'rows'} of {self.columns:,} columns"
        share = "constant rows, not exactly" if self.fvu is None else f"{1 - self.fvu:.1%} of the variance"
        lines = [
            ("evaluated on", rows),
            ("reconstruction", f"{share} (mean squared error {self.mean_squared_error:.4g})"),
            ("latents", self._latents()),
        ]
        if self.target_rate is not None:
            spread = f"per latent {100 * min(self.rates):.2f}–{max(self.rates):.2%}"
            lines.append(("mean activation", f"{self.rate:.2%} (target {self.target_rate:.2%}; {spread})"))
        if self.weights:
            weights = ", ".join(f"{name} {weight:.4g}" for name, weight in self.weights.items())
            lines.append(("penalty weight (auto)", weights))
        if self.error_change is not None:
            gain = f"{self.psnr_before:.1f} → {self.psnr_after:.1f} dB PSNR"
            effect = gain if self.images else f"squared error {signed_percent(self.error_change)}"
            lines.append(("denoising", f"{self.corruption}: {effect}"))
        return lines

    def _latents(self) -> str:
        """Return the number of latents; without a rate target, also how many are active per row and how many dead."""
        if self.target_rate is not None and self.target_l0 is None:
            return f"{self.latents:,}"
        target = "" if self.target_l0 is None else f" (target {self.target_l0:g})"
        return f"{self.latents:,} · {self.l0:.1f} active per row{target} · {self.dead:,} dead"


def summarise(
    model: Autoencoder,
    source: Source,
    *,
    objective: Objective,
    corruption: Corruption,
    held_out: bool,
    seed: int = 0,
    weights: Mapping[str, float] | None = None,
    images: bool = True,
) -> Summary:
    """Return the main numbers of a model on a source's rows, in one pass over them.

    Parameters
    ----------
    model : Autoencoder
        The model.
    source : Source
        Rows [N, D], in the input's units.
    objective : Objective
        What the model was trained with; it holds the penalties' targets.
    corruption : Corruption
        The corruption under which denoising is measured; schedules stand at their last value.
    held_out : bool
        Whether the rows are known to be held out from training.
    seed : int, default=0
        Seed of the corruption's noise.
    weights : Mapping[str, float] or None, default=None
        Penalty weights that were adjusted automatically during training, by the penalty's name.
    images : bool, default=True
        Whether rows are images.

    Returns
    -------
    Summary

    Examples
    --------
    >>> import torch
    >>> from taciturn.corruption import Clean
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> from taciturn.objective import Objective, SquaredError
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> rows = Rows(torch.rand(10, 4).numpy())
    >>> objective = Objective((SquaredError(),))
    >>> summary = summarise(model, rows, objective=objective, corruption=Clean(), held_out=True)
    >>> summary.latents, summary.target_l0
    (8, 2)
    """
    evaluation = evaluate(model, source, corruption=corruption, seed=seed)
    return summary_of(
        evaluation,
        model,
        objective=objective,
        corruption=corruption,
        held_out=held_out,
        weights=weights,
        images=images,
    )


def summary_of(
    evaluation: Evaluation,
    model: Autoencoder,
    *,
    objective: Objective,
    corruption: Corruption,
    held_out: bool,
    weights: Mapping[str, float] | None = None,
    images: bool = True,
) -> Summary:
    """Return the main numbers of an evaluation; see `summarise` for the parameters."""
    targets = {term.target_kind: term.target_value for term in reversed(objective.terms)}  # of two of a kind, the first
    return Summary(
        rows=evaluation.sparsity.rows,
        held_out=held_out,
        columns=model.layout.widths[0],
        latents=model.layout.widths[-1],
        mean_squared_error=evaluation.clean.mean,
        fvu=finite(evaluation.clean.fvu),
        rates=evaluation.sparsity.mean_activations.tolist(),
        target_rate=targets.get("rate"),
        target_l0=targets.get("l0", model.layout.coder.target_l0),
        weights=dict(weights or {}),
        active_above=model.layout.coder.active_above,
        dead=int((evaluation.sparsity.firing_rates == 0).sum()),
        l0=evaluation.sparsity.l0,
        corruption="" if corruption.clean else corruption.text,
        psnr_before=None if evaluation.before is None else finite(evaluation.before.psnr),
        psnr_after=None if evaluation.after is None else finite(evaluation.after.psnr),
        images=images,
    )


def measure(study: Study) -> Summary:
    """Return the summary of a report."""
    return summary_of(
        study.evaluation,
        study.model,
        objective=study.objective,
        corruption=study.corruption,
        held_out=study.held_out,
        weights=study.artifact.metrics.get("weights"),
        images=is_image(study.shape),
    )
