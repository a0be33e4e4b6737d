"""What to trust of a dictionary: latents that say little, and how far it is better than random directions."""

from dataclasses import asdict, dataclass
from typing import Any

from ...probes import UNTRAINED
from .neighbours import NEAR_DUPLICATE
from .numbers import ShortRepr
from .study import Study

DENSE = 0.1  # share of the rows; a latent that is active on more is dense


@dataclass(frozen=True, repr=False)
class Trust(ShortRepr):
    """Numbers by which a dictionary is to be judged before its latents are read.

    Parameters
    ----------
    latents : int
        The number of latents.
    dead : int
        Latents that are active on none of the rows.
    dense : int
        Latents that are active on more than 10% of the rows.
    duplicates : int
        Latents whose direction has a |cosine| of .95 or more with that of another.
    fvu : float or None
        The model's fraction of variance unexplained, on the rows and under the noise of the baselines.
    twin_fvu : float or None
        The same of its frozen twin: the network with its initial, random encoder and the best linear decoder. None
        where there are no baselines.
    """

    latents: int
    dead: int
    dense: int
    duplicates: int
    fvu: float | None
    twin_fvu: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """Return the numbers as pairs (label, text), for a table of two columns.

        Examples
        --------
        >>> for line in Trust(64, 3, 12, 4, 0.05, 0.25).lines():
        ...     print(*line, sep=": ")
        what to trust: 3 dead · 12 dense (active on more than 10% of the rows) · 4 duplicate (|cosine| ≥ 0.95)
        frozen twin: random directions explain 75.0% of the variance, this model 95.0%: 20% of the twin's error
        """
        dense = f"{self.dense:,} dense (active on more than {DENSE:.0%} of the rows)"
        duplicates = f"{self.duplicates:,} duplicate (|cosine| ≥ {NEAR_DUPLICATE:g})"
        lines = [("what to trust", f"{self.dead:,} dead · {dense} · {duplicates}")]
        if self.fvu is not None and self.twin_fvu is not None:
            twin, own = (f"{max(1 - fvu, 0):.1%}" for fvu in (self.twin_fvu, self.fvu))
            ratio = f": {self.fvu / self.twin_fvu:.0%} of the twin's error" if self.twin_fvu else ""
            lines.append(("frozen twin", f"random directions explain {twin} of the variance, this model {own}{ratio}"))
        return lines


def measure(study: Study) -> Trust | None:
    """Return what to trust of a report's model; None unless it is a `DictionaryAutoencoder`."""
    if study.artifact.estimator.shipped != "DictionaryAutoencoder":
        return None
    summary, baselines = study["summary"], study["baselines"]
    twin = [baseline.fvu for baseline in baselines.models if baseline.name == UNTRAINED]
    return Trust(
        latents=summary.latents,
        dead=summary.dead,
        dense=sum(rate > DENSE for rate in study["latents"].firing_rates),
        duplicates=study["neighbours"].latents_with_duplicate,
        fvu=baselines.model,
        twin_fvu=twin[0] if twin else None,
    )
