"""Simpler models on the same rows."""

from ...probes import Baseline, principal_components, untrained
from .study import Study


def measure(study: Study) -> list[Baseline]:
    """Return PCA with as many components as latents are active in a row, and as there are; the untrained network."""
    summary, latents = study["summary"], study.model.layout.widths[-1]
    active = summary.l0 if summary.target_rate is None else summary.target_rate * latents
    training, rows = study.halves
    baselines = principal_components(study.model, training, rows, sorted({max(round(active), 1), latents}))
    seed = study.artifact.config["training"]["seed"]
    return [*baselines, untrained(study.model, study.objective, training, rows, seed=seed)]
