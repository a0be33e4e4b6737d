"""The main numbers of a model on rows, and the same as lines of text."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any, Self

import msgspec
from numpy.typing import ArrayLike

from ...core.errors import ArtifactError, DataError
from ...core.messages import missing_values, one_line
from ...corruption import Corruption
from ...data.extreme_rows import share_of_largest
from ...data.row_shape import is_image
from ...data.sources import Source
from ...inference import Evaluation, evaluate
from ...model import Autoencoder
from ...model.coding_layers import ByVariable
from ...objective import Objective
from .hidden_errors import HiddenErrors, hidden_errors
from .numbers import ShortRepr, counted, finite, signed_percent
from .study import Study


@dataclass(frozen=True, repr=False)
class Summary(ShortRepr):
    """The main numbers of a model on rows.

    Errors and PSNR are in units of the data: those that scaling="auto" finds for the training rows. Of a table with
    booleans or categories, the error of a variable is its loss (the squared error, or the cross-entropy) divided by
    that of the best constant: the mean, or the shares of the levels.

    Parameters
    ----------
    rows : int
        Number of rows, N.
    rows_kind : {"training", "held-out", "given"}
        What is known of the rows; see `Artifact.rows_kind`.
    columns : int
        Number of columns, D; a category has one for each level.
    latents : int
        Number of latents, L.
    mean_squared_error : float
        Of the clean rows' reconstructions, ≥ 0; with `hidden`, of each entry's estimate from the others. With
        `variables`, the mean over these of the loss divided by that of the training rows' best constant.
    fvu : float or None
        Fraction of variance unexplained, ≥ 0; None if the rows are constant and not reconstructed exactly. With
        `variables`, the mean over these of the loss divided by that of these rows' best constant.
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
    missing : int, default=0
        Number of values of the rows that are missing; of a table, of cells. All errors are those of the known values.
    hidden : HiddenErrors or None, default=None
        Of a model that hides entries (`blind_spot`), on rows that are noisy themselves.
    variables : int or None, default=None
        Number of variables of a table with booleans or categories; None if all columns are numbers.
    unseen : int, default=0
        Number of cells whose level the training rows did not have. Errors are those of the others.
    largest_share : float or None, default=None
        Share of the squared error that the 1% of the rows with the largest errors carries; None of fewer than 100 rows.
    targets : int or None, default=None
        Number of columns of the targets, with which reconstructions are compared; None if rows are their own targets.
        Errors and missing values are then those of the targets.
    patch : list of int or None, default=None
        The shape of a row, [side, side] or [side, side, 3], if rows are patches of images; texts then say so.

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
    >>> summary = summarise(model, rows, objective=objective, corruption=Clean(), rows_kind="held-out")
    >>> dict(summary.lines())["evaluated on"]
    '10 held-out rows of 4 columns'
    """

    rows: int
    rows_kind: str
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
    missing: int = 0
    hidden: HiddenErrors | None = None
    variables: int | None = None
    unseen: int = 0
    largest_share: float | None = None
    targets: int | None = None
    patch: list[int] | None = None

    @property
    def noun(self) -> str:
        """What a row is: "row", or "patch" (of an image)."""
        return "row" if self.patch is None else "patch"

    @property
    def nouns(self) -> str:
        """What rows are: "rows", or "patches" (of images)."""
        return "rows" if self.patch is None else "patches"

    @property
    def rate(self) -> float:
        """The mean activation of all latents (mean code over rows and latents)."""
        return sum(self.rates) / len(self.rates)

    @property
    def described_rows(self) -> str:
        """How many rows of which kind, and of how many columns, variables or pixels, as text."""
        if self.patch is not None:
            side, colour = self.patch[0], " in colour" if len(self.patch) == 3 else ""
            clean = "" if self.targets is None else ", with their targets"
            return f"{self.rows:,} {self.rows_kind} patches of {side} × {side} pixels{colour}{clean}"
        width = f"{self.columns:,} columns" if self.variables is None else f"{self.variables:,} variables"
        targets = "" if self.targets is None else f", with targets of {counted(self.targets, 'column')}"
        targets = ", with targets" if targets and self.variables is not None else targets
        return f"{self.rows:,} {self.rows_kind} rows of {width}{targets}"

    @property
    def reconstructed_columns(self) -> int:
        """The number of columns of a reconstruction."""
        return self.columns if self.targets is None else self.targets

    @property
    def values(self) -> int:
        """The number of values: cells of a table, else rows times columns; with `targets`, theirs."""
        return self.rows * (self.reconstructed_columns if self.variables is None else self.variables)

    @property
    def missing_values(self) -> str:
        """How many of the rows' values are missing, as text; "" if none is."""
        of = "" if self.targets is None else " of the targets"
        return missing_values(self.missing, self.values, of) if self.missing else ""

    @property
    def left_out(self) -> list[str]:
        """Which values have no error, as clauses."""
        levels = f"{self.unseen:,} cell{'s have levels' if self.unseen > 1 else ' has a level'}"
        unseen = [f"{levels} that the training rows did not have"] if self.unseen else []
        return [*([self.missing_values] if self.missing else []), *unseen]

    @property
    def few_rows(self) -> str:
        """Which share of the squared error 1% of the rows carry, as text; "" if it is no more than half."""
        if self.largest_share is None or self.largest_share <= 0.5:
            return ""
        return f"1% of the {self.nouns} carry {self.largest_share:.0%} of the squared error"

    @property
    def share(self) -> str:
        """The share of variance reconstructed, as text; with `variables`, how much less error than constants have."""
        if self.fvu is None:
            return "constant rows, not exactly"
        if self.variables is not None:
            of = f"{self.variables:,} variables"
            if self.fvu >= 1:
                times = f" (it is {self.fvu:.3g} times as large)" if self.fvu > 1.005 else ""
                return f"{of} with no less error than the best constants{times}"
            return f"{of} with {1 - self.fvu:.1%} less error than the best constants"
        if self.fvu >= 1:
            return f"none {self.of_variance}" + (
                f" (the error is {self.fvu:.3g} times as large)" if self.fvu > 1.005 else ""
            )
        return f"{1 - self.fvu:.1%} {self.of_variance}"

    @property
    def of_variance(self) -> str:
        """What a share is of: "of the variance", or "of the targets' variance"."""
        return "of the variance" if self.targets is None else "of the targets' variance"

    @property
    def explained(self) -> str:
        """The share of variance reconstructed, as text; without a rate target, also the active latents per row."""
        if self.fvu is None or self.target_rate is not None or not self.latents:
            return self.share
        return f"{self.share}{self.joint}{self.l0:.1f} active latents per row"

    @property
    def joint(self) -> str:
        """What stands between `share` and a number of latents."""
        return " with " if self.variables is None else ", "

    @property
    def noise_removed(self) -> float | None:
        """The share of the noise's squared error that reconstructions do not have, at most 1; None without noise."""
        if self.psnr_before is None or self.psnr_after is None:
            return None
        return 1 - float(10 ** ((self.psnr_before - self.psnr_after) / 10))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON; metrics.json and report.json hold them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Return the summary that `to_dict` wrote.

        Parameters
        ----------
        plain : dict
            The fields by name.

        Returns
        -------
        Summary

        Raises
        ------
        ArtifactError
            If a field is missing or unknown, or has another type.
        """
        try:
            if unknown := plain.keys() - {field.name for field in fields(cls)}:
                raise msgspec.ValidationError(f"unknown field `{min(unknown)}`")
            summary: Self = msgspec.convert(plain, cls)
        except msgspec.ValidationError as error:
            message = f"metrics.json does not fit this version of taciturn: {one_line(error)}; fit the model again"
            raise ArtifactError(message) from error
        return summary

    def lines(self) -> list[tuple[str, str]]:
        """Return the numbers as pairs (label, text), for a table of two columns."""
        error = f" (mean squared error {self.mean_squared_error:.4g})" if self.variables is None else ""
        reconstruction = "reconstruction" if self.targets is None else "estimates", f"{self.share}{error}"
        levels = self.left_out[-1:] if self.unseen else []
        lines = [
            ("evaluated on", self.described_rows),
            *([("missing values", f"{self.missing_values}; errors are of the others")] if self.missing else []),
            *(("new levels", f"{text}; errors are of the others") for text in levels),
            *([reconstruction] if self.hidden is None else self.hidden.lines()),
            *([("few rows", f"{self.few_rows}; the others hardly count in these numbers")] if self.few_rows else []),
            *([("latents", self._latents())] if self.latents else []),
        ]
        if self.target_rate is not None:
            spread = f"per latent {100 * min(self.rates):.2f}–{max(self.rates):.2%}"
            lines.append(("mean activation", f"{self.rate:.2%} (target {self.target_rate:.2%}; {spread})"))
        if self.weights:
            weights = ", ".join(f"{name} {weight:.4g}" for name, weight in self.weights.items())
            lines.append(("penalty weight (auto)", weights))
        if self.noise_removed is not None:
            gain = f"{self.psnr_before:.1f} → {self.psnr_after:.1f} dB PSNR"
            effect = gain if self.images else f"squared error {signed_percent(-self.noise_removed)}"
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
    rows_kind: str,
    seed: int = 0,
    weights: Mapping[str, float] | None = None,
    images: bool = True,
    unit: ArrayLike | None = None,
    noise: float | None = None,
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
    rows_kind : {"training", "held-out", "given"}
        What is known of the rows; see `Artifact.rows_kind`.
    seed : int, default=0
        Seed of the corruption's noise.
    weights : Mapping[str, float] or None, default=None
        Penalty weights that were adjusted automatically during training, by the penalty's name.
    images : bool, default=True
        Whether rows are images.
    unit : array-like [D] or None, default=None
        The unit of each column in which errors are measured; None: the model's own.
    noise : float or None, default=None
        Standard deviation of the noise that the rows have themselves, in their units, if it is known.

    Returns
    -------
    Summary

    Raises
    ------
    DataError
        No value of the rows is known.

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
    >>> summary = summarise(model, rows, objective=objective, corruption=Clean(), rows_kind="held-out")
    >>> summary.latents, summary.target_l0
    (8, 2)
    """
    evaluation = evaluate(model, source, corruption=corruption, seed=seed, unit=unit, noise=noise)
    return summary_of(
        evaluation,
        model,
        objective=objective,
        corruption=corruption,
        rows_kind=rows_kind,
        weights=weights,
        images=images,
        noise=noise,
    )


def summary_of(
    evaluation: Evaluation,
    model: Autoencoder,
    *,
    objective: Objective,
    corruption: Corruption,
    rows_kind: str,
    weights: Mapping[str, float] | None = None,
    images: bool = True,
    noise: float | None = None,
    targets: int | None = None,
    patch: list[int] | None = None,
) -> Summary:
    """Return the main numbers of an evaluation; see `summarise` and `Summary` for the parameters."""
    missing, variables = evaluation.clean.moments.missing, None
    if isinstance(output := model.layout.output, ByVariable):
        missing, variables = missing[output.first_columns.numpy()], len(output.levels)
    if int(missing.sum()) == evaluation.sparsity.rows * len(missing):
        of = "rows" if targets is None else "targets"
        raise DataError(f"no value of the {of} is known; give {of} with values")
    # of two targets of a kind, the first; a penalty without a target hides none
    set_points = {t.target_kind: t.target_value for t in reversed(objective.terms) if t.target_value is not None}
    largest = share_of_largest(evaluation.row_errors)
    return Summary(
        rows=evaluation.sparsity.rows,
        rows_kind=rows_kind,
        columns=model.layout.widths[0],
        latents=model.layout.widths[-1],
        mean_squared_error=evaluation.clean.mean,
        fvu=finite(evaluation.clean.fvu),
        rates=evaluation.sparsity.mean_activations.tolist(),
        target_rate=set_points.get("rate"),
        target_l0=set_points.get("l0", model.layout.coder.target_l0),
        weights=dict(weights or {}),
        active_above=model.layout.coder.active_above,
        dead=int((evaluation.sparsity.firing_rates == 0).sum()),
        l0=evaluation.sparsity.l0,
        corruption="" if corruption.clean else corruption.text,
        psnr_before=None if evaluation.before is None else finite(evaluation.before.psnr),
        psnr_after=None if evaluation.after is None else finite(evaluation.after.psnr),
        images=images,
        missing=int(missing.sum()) - sum(evaluation.unseen),
        hidden=hidden_errors(evaluation, noise),
        variables=variables,
        unseen=sum(evaluation.unseen),
        largest_share=None if largest is None else largest[0],
        targets=targets,
        patch=patch,
    )


def measure(study: Study) -> Summary:
    """Return the summary of a report."""
    return summary_of(
        study.evaluation,
        study.model,
        objective=study.objective,
        corruption=study.corruption,
        rows_kind=study.rows_kind,
        weights=study.artifact.metrics.get("weights"),
        images=is_image(study.shape),
        noise=study.artifact.settings.noise,
        targets=None if study.targets is None else prod(study.targets.shape),
        patch=list(study.artifact.rows.shape) if study.artifact.rows_name == "patches" else None,
    )
