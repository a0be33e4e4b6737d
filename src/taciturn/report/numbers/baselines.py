"""Errors of simpler models on the same rows, under the same noise."""

from ...probes import Baselines, baselines, target_baselines
from .study import Study


def measure(study: Study) -> Baselines:
    """Return the baselines of a report: PCA and the untrained network; of targets, the linear map in place of PCA.

    On clean rows PCA has as many components as the model has active latents per row (under a rate target: the target
    rate times the number of latents), and as many as it has latents. Under noise it has the best number.
    """
    training, rows = study.baseline_pairs
    if study.targets is not None:
        seeds = {"model_seed": study.artifact.training.seed, "seed": study.seed}
        return target_baselines(study.model, study.objective, training, rows, **seeds)
    summary, n_latents = study["summary"], study.model.layout.widths[-1]
    active = summary.l0 if summary.target_rate is None else summary.target_rate * n_latents
    return baselines(
        study.model,
        study.objective,
        training[0],
        rows[0],
        corruption=study.corruption,
        sizes=sorted({max(round(active), 1), max(n_latents, 1)}),
        model_seed=study.artifact.training.seed,
        seed=study.seed,
    )
