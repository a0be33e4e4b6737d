"""A verdict on a model: one sentence, its main numbers, and warnings with remedies."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...probes import Baseline
from .curves import Curves
from .neighbours import Neighbours
from .numbers import signed_percent
from .study import Study
from .summary import Summary

MAX_RATE_MISS, MAX_L0_MISS = 0.1, 0.05  # distance from the target, as a share of it
MAX_DEAD, MAX_DUPLICATES = 0.02, 0.02  # shares of the latents
MIN_FALL = 0.02  # of the error, over the last tenth of the epochs
MAX_HELD_OUT_RATIO = 1.25  # error of held-out rows divided by that of training rows
MIN_ACTIVE_PER_BATCH = 1  # expected active codes of a latent; below, a batch cannot measure its mean activation


@dataclass(frozen=True)
class ReportWarning:
    """A problem of a model and its remedy.

    Parameters
    ----------
    what : str
        The problem, as one sentence.
    mend : str
        What to try, as one sentence or two.
    """

    what: str
    mend: str


@dataclass(frozen=True)
class Verdict:
    """What the numbers of a report mean, as text.

    Parameters
    ----------
    sentence : str
        The verdict in one sentence.
    points : list of (str, str)
        The main numbers: pairs (number with its unit, what it is).
    warnings : list of ReportWarning
        Problems and their remedies.
    """

    sentence: str
    points: list[tuple[str, str]]
    warnings: list[ReportWarning]


def verdict(
    summary: Summary,
    curves: Curves,
    neighbours: Neighbours,
    baselines: list[Baseline],
    *,
    batch_size: int,
) -> Verdict:
    """Return the verdict on a model.

    Parameters
    ----------
    summary : Summary
        The model's main numbers.
    curves : dict of lists
        One number per epoch, by name.
    neighbours : Neighbours
        The similar latents.
    baselines : list of Baseline
        The errors of simpler models.
    batch_size : int
        Rows per training batch.

    Returns
    -------
    Verdict

    Notes
    -----
    docs/report.md lists the conditions of the warnings.
    """
    sentence = "; ".join(_clauses(summary, baselines)) + "."
    warnings = list(_warnings(summary, curves, neighbours, baselines, batch_size))
    return Verdict(sentence, list(_points(summary)), warnings)


def _clauses(summary: Summary, baselines: list[Baseline]) -> Iterator[str]:
    share = (
        "Does not reconstruct its constant rows exactly"
        if summary.fvu is None
        else f"Reconstructs {1 - summary.fvu:.1%} of the variance"
    )
    l0_target = "" if summary.target_l0 is None else f" (target {summary.target_l0:g})"
    if summary.target_rate is None:
        yield f"{share} with {summary.l0:.1f} of {summary.latents:,} latents active per row{l0_target}"
        if summary.dead:
            yield f"{summary.dead:,} dead latent{'s' if summary.dead > 1 else ''}"
    else:
        yield f"{share} with {summary.latents:,} latents"
        yield f"mean activation {summary.rate:.1%} (target {summary.target_rate:.1%})"
        if l0_target:
            yield f"{summary.l0:.1f} latents active per row{l0_target}"
    if summary.psnr_before is not None and summary.psnr_after is not None:
        effect = "denoises" if summary.psnr_after > summary.psnr_before else "makes corrupted rows worse,"
        if summary.images:
            yield f"{effect} from {summary.psnr_before:.1f} to {summary.psnr_after:.1f} dB"
        else:
            yield f"{effect.rstrip(',')}: squared error {signed_percent(summary.error_change or 0)}"
    for baseline in baselines:
        if baseline.name == "untrained encoder":
            yield f"an untrained encoder of the same size reaches {max(1 - baseline.fvu, 0.0):.1%}"


def _points(summary: Summary) -> Iterator[tuple[str, str]]:
    if summary.fvu is not None:
        yield f"{1 - summary.fvu:.1%}", "of the variance reconstructed"
    if summary.target_rate is not None:
        yield f"{summary.rate:.2%}", f"mean activation (target {summary.target_rate:.2%})"
    else:
        target = "" if summary.target_l0 is None else f" (target {summary.target_l0:g})"
        yield f"{summary.l0:.1f}", f"of {summary.latents:,} latents active per row{target}"
    if summary.psnr_before is not None and summary.psnr_after is not None and summary.images:
        yield f"{summary.psnr_after - summary.psnr_before:+.1f} dB", f"PSNR gained on {summary.corruption}"
    elif summary.error_change is not None:
        yield signed_percent(summary.error_change), f"squared error of rows with {summary.corruption}"
    if summary.target_rate is None:
        yield f"{summary.dead:,}", "dead latents"


def _warnings(
    summary: Summary, curves: Curves, neighbours: Neighbours, baselines: list[Baseline], batch_size: int
) -> Iterator[ReportWarning]:
    rate, l0 = summary.target_rate, summary.target_l0
    if rate is not None and abs(summary.rate / rate - 1) > MAX_RATE_MISS:
        yield ReportWarning(
            f"The mean activation is {summary.rate:.2%}; its target is {rate:.2%}.",
            "Train longer, or remove weight= from the penalty, so that its weight is adjusted automatically.",
        )
    if l0 is not None and abs(summary.l0 / l0 - 1) > MAX_L0_MISS:
        yield ReportWarning(
            f"{summary.l0:.1f} latents are active per row; the target is {l0:g}.",
            "Train longer. On rows unlike the training rows the number can differ from the target.",
        )
    if summary.dead > MAX_DEAD * summary.latents and rate is None:
        yield ReportWarning(
            f"{summary.dead:,} of {summary.latents:,} latents are active on none of these rows.",
            'Use fewer latents, or revive="auxk+resample".',
        )
    if neighbours.latents_with_duplicate > MAX_DUPLICATES * summary.latents:
        yield ReportWarning(
            f"{neighbours.latents_with_duplicate:,} latents have a near-duplicate (|cosine| at least .95).",
            'Use fewer latents, or matryoshka="auto". The section on similar latents lists pairs.',
        )
    if _still_falling(curves):
        yield ReportWarning("The error was still falling when training stopped.", "Train longer (--epochs, max_iter=).")
    yield from _held_out_errors(curves)
    yield from _better_baselines(summary, baselines)
    if rate is not None and rate * batch_size < MIN_ACTIVE_PER_BATCH:
        yield ReportWarning(
            f"A batch of {batch_size} rows is too small to measure a mean activation of {rate:.1%}.",
            f"Use batches of {round(MIN_ACTIVE_PER_BATCH / rate):,} rows or more.",
        )


def _still_falling(curves: Curves) -> bool:
    """Return whether the last tenth of the epochs lowered the least error by more than 2%."""
    errors = [value for value in curves.get("validation_loss", curves.get("loss", [])) if value is not None]
    tenth = max(len(errors) // 10, 1)
    return len(errors) >= 5 and min(errors[-tenth:]) < (1 - MIN_FALL) * min(errors[:-tenth])


def _held_out_errors(curves: Curves) -> Iterator[ReportWarning]:
    """Warn if held-out rows have much larger errors than training rows."""
    for name in ("squared_error", "cross_entropy"):
        training, held_out = curves.get(name, []), curves.get(f"validation_{name}", [])
        if (
            training
            and held_out
            and training[-1] is not None
            and held_out[-1] is not None
            and held_out[-1] > MAX_HELD_OUT_RATIO * training[-1]
        ):
            yield ReportWarning(
                f"Held-out rows have {held_out[-1] / training[-1] - 1:.0%} more error than training rows.",
                "Use more rows, more noise, or fewer latents.",
            )


def _better_baselines(summary: Summary, baselines: list[Baseline]) -> Iterator[ReportWarning]:
    """Warn if a simpler model reconstructs as well as the model or better."""
    for baseline in baselines:
        if summary.fvu is None:
            continue
        if baseline.name == "PCA" and baseline.components < summary.columns and baseline.fvu < summary.fvu:
            yield ReportWarning(
                f"PCA with {baseline.components:,} components reconstructs more: {1 - baseline.fvu:.1%}.",
                "For reconstruction alone, PCA is better here. Train longer, or allow more active latents.",
            )
        if baseline.name == "untrained encoder" and baseline.fvu <= summary.fvu:
            yield ReportWarning(
                f"An untrained encoder with a fitted decoder reconstructs as much: {1 - baseline.fvu:.1%}.",
                "So many latents reconstruct such rows whatever they encode. Use fewer latents, or fewer active ones.",
            )


def measure(study: Study) -> Verdict:
    """Return the verdict of a report."""
    batch_size = study.artifact.config["training"]["batch_size"]
    return verdict(study["summary"], study["curves"], study["neighbours"], study["baselines"], batch_size=batch_size)
