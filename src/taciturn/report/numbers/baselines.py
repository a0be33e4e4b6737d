"""Errors of simpler models on the same rows."""

from ...probes import Baseline, principal_components, untrained
from .study import Study


def measure(study: Study) -> list[Baseline]:
    """Return the baselines of a report: PCA with two numbers of components, and the untrained network.

    PCA has as many components as the model has active latents per row (under a rate target: the target rate times the
    number of latents), and as many as it has latents.
    """
    summary, n_latents = study["summary"], study.model.layout.widths[-1]
    active = summary.l0 if summary.target_rate is None else summary.target_rate * n_latents
    training, rows = study.baseline_rows
    baselines = principal_components(study.model, training, rows, sorted({max(round(active), 1), n_latents}))
    seed = study.artifact.training.seed
    return [*baselines, untrained(study.model, study.objective, training, rows, seed=seed)]
