"""What a model is worth in a few numbers, and the same in words. No layout here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from ...core.errors import ArtifactError
from ...corruption import Corruption
from ...data.sources import Source
from ...inference import Evaluation, evaluate
from ...model import Autoencoder
from ...objective import Objective
from .numbers import finite
from .study import Study


@dataclass(frozen=True)
class Summary:
    """The numbers of a closing table, measured on `rows` rows; errors and dB in scaled units."""

    rows: int
    held_out: bool
    columns: int
    latents: int
    mean_squared_error: float
    fvu: float | None  # None: the rows are constant and not met
    rates: list[float]  # each latent's mean activation
    target_rate: float | None
    target_l0: float | None
    weights: dict[str, float]  # found while training, by the penalty's name
    active_above: float | None  # codes above it count as active; None: all that are not 0
    dead: int  # latents that never fire
    l0: float  # latents that fire in a row, on average
    corruption: str
    psnr_before: float | None
    psnr_after: float | None

    @property
    def rate(self) -> float:
        """The mean activation over rows and latents."""
        return sum(self.rates) / len(self.rates)

    @property
    def explained(self) -> str:
        """The share of the variance that is reconstructed, and with how many latents a row, where they are counted."""
        if self.fvu is None:
            return "constant rows"
        return f"{1 - self.fvu:.1%} of the variance" + (
            f" with {self.l0:.1f} latents a row" if self.target_rate is None else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Return the summary that `to_dict` wrote."""
        # folders of format 1 have older names
        named = {("dead" if name == "silent" else name): value for name, value in plain.items()}
        if "at_work" in named:
            named["active_above"] = 0.5 if named.pop("at_work") == "above 0.5" else None
        try:
            return cls(**named)
        except TypeError as error:
            raise ArtifactError(f"metrics.json is not of this version: {error}") from error

    def lines(self) -> list[tuple[str, str]]:
        """Return pairs (what, in words)."""
        rows = f"{self.rows:,} {'held-out' if self.held_out else 'training'} rows of {self.columns:,} columns"
        explained = "constant rows, not exactly" if self.fvu is None else f"{1 - self.fvu:.1%} of their variance"
        said = [
            ("measured on", rows),
            ("reconstructs", f"{explained} (mean squared error {self.mean_squared_error:.4g})"),
            ("latents", self._latents()),
        ]
        if self.target_rate is not None:
            spread = f"its latents' from {min(self.rates):.2%} to {max(self.rates):.2%}"
            said.append(("rate", f"{self.rate:.2%} mean activation, asked for {self.target_rate:.2%}; {spread}"))
        if self.weights:
            said.append(("weight found", ", ".join(f"{name} {weight:.4g}" for name, weight in self.weights.items())))
        if self.psnr_before is not None and self.psnr_after is not None:
            said.append(
                ("denoises", f"{self.corruption} from {self.psnr_before:.1f} dB to {self.psnr_after:.1f} dB PSNR")
            )
        return said

    def _latents(self) -> str:
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
) -> Summary:
    """Return the summary of a model on a source's rows."""
    found = evaluate(model, source, corruption=corruption, seed=seed)
    return summary_of(found, model, objective=objective, corruption=corruption, held_out=held_out, weights=weights)


def summary_of(
    found: Evaluation,
    model: Autoencoder,
    *,
    objective: Objective,
    corruption: Corruption,
    held_out: bool,
    weights: Mapping[str, float] | None = None,
) -> Summary:
    """Return the summary of what was found."""
    targets = {term.target_kind: term.target_value for term in reversed(objective.terms)}  # of two, the first
    return Summary(
        rows=found.sparsity.rows,
        held_out=held_out,
        columns=model.layout.widths[0],
        latents=model.layout.widths[-1],
        mean_squared_error=found.clean.mean,
        fvu=finite(found.clean.fvu),
        rates=found.sparsity.mean_activations.tolist(),
        target_rate=targets.get("rate"),
        target_l0=targets.get("l0", model.layout.coder.target_l0),
        weights=dict(weights or {}),
        active_above=model.layout.coder.active_above,
        dead=int((found.sparsity.firing_rates == 0).sum()),
        l0=found.sparsity.l0,
        corruption="" if corruption.clean else corruption.text,
        psnr_before=None if found.before is None else finite(found.before.psnr),
        psnr_after=None if found.after is None else finite(found.after.psnr),
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
    )
