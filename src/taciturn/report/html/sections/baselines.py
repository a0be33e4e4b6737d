"""Simpler models on the same rows."""

from typing import Any

from ....probes import UNTRAINED, Baselines
from ..section import Material, Section


def _context(material: Material) -> dict[str, Any]:
    baselines, targets = material.report.baselines, material.report.summary.targets
    models = [("this model", material.report.summary.latents, baselines.model)] if baselines.model is not None else []
    models += [(baseline.name, baseline.components, baseline.fvu) for baseline in baselines.models]
    lines = [(name, f"{components:,}", f"{1 - fvu:.2%}") for name, components, fvu in models]
    note = baselines.reason or (_note(baselines) if targets is None else _targets_note(baselines))
    if material.report.summary.missing and not baselines.reason:
        note += " Every model receives missing values as their column's mean, and is evaluated on the others."
    share = "explained" if targets is not None else "predicted" if baselines.hidden else "reconstructed"
    return {"note": note, "lines": lines, "share": share}


def _note(baselines: Baselines) -> str:
    if baselines.hidden:
        return (
            f"Share of the variance of the same {baselines.rows:,} noisy rows that each model predicts, each entry "
            "from the others of its row. The noise cannot be predicted, so that no model reaches 100%. PCA is the "
            "Gaussian of Tipping and Bishop (1999) with the number of components that is best on held-out training "
            "rows."
        )
    shares = f"Share of the variance of the same {baselines.rows:,} rows that each model reconstructs"
    pca = "as many components as the model has active latents per row, and as many as it has latents"
    if baselines.corruption:
        shares += f" from rows with the same noise, {baselines.corruption}"
        pca = "the number of components that is best under such noise on the rows that it was fitted to"
    notes = [f"{shares}.", f"PCA has {pca}."]
    if any(baseline.name == UNTRAINED for baseline in baselines.models):
        notes.append("The untrained encoder is the same network with its initial weights and the best linear decoder.")
    return " ".join(notes)


def _targets_note(baselines: Baselines) -> str:
    names = {baseline.name for baseline in baselines.models}
    notes = [f"Share of the variance of the targets of the same {baselines.rows:,} rows that each model explains."]
    if "linear map" in names:
        notes.append("The linear map is that of least squares with an intercept, fitted to the training rows.")
    rows = ""
    if "skip alone" in names:
        notes.append("The skip alone is the model's own linear map, with the best constant in place of its latents.")
        rows = " of codes and rows"
    if UNTRAINED in names:
        notes.append(
            f"The untrained encoder is the same network with its initial weights and the best linear map{rows}."
        )
    return " ".join(notes)


BASELINES = Section("baselines", "Baselines", _context)
