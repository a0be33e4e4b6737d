"""Errors of simpler models on the same rows, under the same noise."""

from ...probes import Baselines, baselines
from .study import Study


def measure(study: Study) -> Baselines:
    """Return the baselines of a report: PCA and the untrained network.

    On clean rows PCA has as many components as the model has active latents per row (under a rate target: the target
    rate times the number of latents), and as many as it has latents. Under noise it has the best number.
    """
    summary, n_latents = study["summary"], study.model.layout.widths[-1]
    active = summary.l0 if summary.target_rate is None else summary.target_rate * n_latents
    training, rows = study.baseline_rows
    return baselines(
        study.model,
        study.objective,
        training,
        rows,
        corruption=study.corruption,
        sizes=sorted({max(round(active), 1), max(n_latents, 1)}),
        model_seed=study.artifact.training.seed,
        seed=study.seed,
    )
