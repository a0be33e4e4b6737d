"""The sections of a report, by name. A new section is a file with a `measure` function and a line here."""

from collections.abc import Callable
from typing import Any

from . import (
    baselines,
    curves,
    denoised_images,
    filters,
    latent_map,
    latents,
    neighbours,
    provenance,
    relation,
    samples,
    summary,
    trust,
    variables,
    verdict,
)
from .study import Study

SECTIONS: dict[str, Callable[[Study], Any]] = {
    "summary": summary.measure,
    "verdict": verdict.measure,
    "trust": trust.measure,
    "curves": curves.measure,
    "denoised_images": denoised_images.measure,
    "samples": samples.measure,
    "errors": samples.measure_errors,
    "variables": variables.measure,
    "latents": latents.measure,
    "atlas": latents.measure_atlas,
    "filters": filters.measure,
    "neighbours": neighbours.measure,
    "baselines": baselines.measure,
    "relation": relation.measure,
    "provenance": provenance.measure,
    "map": latent_map.measure,
}
