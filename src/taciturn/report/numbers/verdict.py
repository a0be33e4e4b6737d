"""Is it any good? In one sentence, in few numbers, and what a specialist would warn of."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...probes import Baseline
from .curves import Curves
from .neighbours import Neighbours
from .study import Study
from .summary import Summary

MISSED_RATE, MISSED_L0 = 0.1, 0.05  # of the ask
DEAD, DOUBLES = 0.02, 0.02  # of the latents
FALLING = 0.02  # of the error, over the last tenth of the epochs
BELOW_TRAINING = 1.25  # times the training error
MIN_ACTIVE = 1  # expected codes a batch below which a rate cannot be seen in it


@dataclass(frozen=True)
class ReportWarning:
    """What is wrong, and what to try."""

    what: str
    mend: str


@dataclass(frozen=True)
class Verdict:
    """The answer in words."""

    sentence: str
    points: list[tuple[str, str]]  # a few numbers that carry it: (number, of what)
    warnings: list[ReportWarning]


def verdict(
    summary: Summary,
    curves: Curves,
    neighbours: Neighbours,
    baselines: list[Baseline],
    *,
    batch_size: int,
) -> Verdict:
    """Return what the numbers come to."""
    clauses = [clause for clause in _clauses(summary, baselines) if clause]
    warnings = list(_warnings(summary, curves, neighbours, baselines, batch_size))
    return Verdict("; ".join(clauses) + ".", list(_points(summary)), warnings)


def _clauses(now: Summary, baselines: list[Baseline]) -> Iterator[str]:
    explained = (
        "Its rows are constant and not met" if now.fvu is None else f"Reconstructs {1 - now.fvu:.1%} of the variance"
    )
    said = (
        f" with {now.l0:.1f} of {now.latents:,} latents a row"
        if now.target_rate is None
        else f" with {now.latents:,} latents"
    )
    yield explained + said
    if now.target_rate is not None:
        yield f"asked for a rate of {now.target_rate:.1%}, got {now.rate:.1%}"
    if now.target_l0 is not None:
        yield f"asked for {now.target_l0:g} latents a row, got {now.l0:.1f}"
    if now.dead and now.target_rate is None:
        yield f"{now.dead:,} latent{'s' if now.dead > 1 else ''} never {'fire' if now.dead > 1 else 'fires'}"
    if now.psnr_before is not None and now.psnr_after is not None:
        lifts = "lifts" if now.psnr_after > now.psnr_before else "lowers"
        yield f"{lifts} noisy rows from {now.psnr_before:.1f} to {now.psnr_after:.1f} dB"
    for one in baselines:
        if one.name == "untrained encoder":
            yield f"an untrained encoder of the same size reaches {max(1 - one.fvu, 0.0):.1%}"


def _points(now: Summary) -> Iterator[tuple[str, str]]:
    if now.fvu is not None:
        yield f"{1 - now.fvu:.1%}", "of the variance reconstructed"
    if now.target_rate is not None:
        yield f"{now.rate:.2%}", f"mean activation, asked {now.target_rate:.2%}"
    else:
        asked = "" if now.target_l0 is None else f", asked {now.target_l0:g}"
        yield f"{now.l0:.1f}", f"of {now.latents:,} latents a row{asked}"
    if now.psnr_before is not None and now.psnr_after is not None:
        yield f"{now.psnr_after - now.psnr_before:+.1f} dB", f"PSNR gained on {now.corruption}"
    if now.target_rate is None:
        yield f"{now.dead:,}", "latents that never fire"


def _warnings(
    now: Summary, curves: Curves, near: Neighbours, baselines: list[Baseline], batch_size: int
) -> Iterator[ReportWarning]:
    if now.target_rate is not None and abs(now.rate / now.target_rate - 1) > MISSED_RATE:
        yield ReportWarning(
            f"The rate is {now.rate:.2%}, {now.target_rate:.2%} was asked.",
            "Train longer, or leave the penalty's weight to be found (write no weight=).",
        )
    if now.target_l0 is not None and abs(now.l0 / now.target_l0 - 1) > MISSED_L0:
        yield ReportWarning(
            f"{now.l0:.1f} latents a row are at work, {now.target_l0:g} were asked.",
            "Train longer; rows unlike those learnt from need other numbers of latents.",
        )
    if now.dead > DEAD * now.latents and now.target_rate is None:
        yield ReportWarning(
            f"{now.dead:,} of {now.latents:,} latents never fire on these rows.",
            'Use fewer latents, or revive="auxk+resample".',
        )
    if near.doubles > DOUBLES * now.latents:
        yield ReportWarning(
            f"{near.doubles:,} latents have a near-duplicate (|cosine| at least .95).",
            'Use fewer latents, or matryoshka="auto"; look at the pairs below.',
        )
    error = [value for value in curves.get("validation_loss", curves.get("loss", [])) if value is not None]
    tenth = max(len(error) // 10, 1)
    if len(error) >= 5 and min(error[-tenth:]) < (1 - FALLING) * min(error[:-tenth]):
        yield ReportWarning("The error was still falling when training stopped.", "Train longer: --epochs, max_iter=.")
    yield from _generalises(curves)
    for one in baselines:
        if one.name == "PCA" and one.components < now.columns and now.fvu is not None and one.fvu < now.fvu:
            yield ReportWarning(
                f"PCA with {one.components:,} components reconstructs more: {1 - one.fvu:.1%}.",
                "For reconstruction alone PCA does better here; train longer, or let more latents speak.",
            )
        if one.name == "untrained encoder" and now.fvu is not None and one.fvu <= now.fvu:
            yield ReportWarning(
                f"An untrained encoder with a fitted decoder reconstructs as much: {1 - one.fvu:.1%}.",
                "So many latents reconstruct such rows whatever they mean: let fewer speak, or have fewer.",
            )
    if now.target_rate is not None and now.target_rate * batch_size < MIN_ACTIVE:
        yield ReportWarning(
            f"A batch of {batch_size} rows is small to measure a rate of {now.target_rate:.1%} in.",
            f"Use batches of {round(MIN_ACTIVE / now.target_rate):,} rows or more.",
        )


def _generalises(curves: Curves) -> Iterator[ReportWarning]:
    """Warn where rows kept apart are met much worse than those learnt from."""
    for name in ("squared_error", "cross_entropy"):
        learnt, held = curves.get(name, []), curves.get(f"validation_{name}", [])
        if (
            learnt
            and held
            and learnt[-1] is not None
            and held[-1] is not None
            and held[-1] > BELOW_TRAINING * learnt[-1]
        ):
            yield ReportWarning(
                f"Rows kept apart have {held[-1] / learnt[-1] - 1:.0%} more error than those learnt from.",
                "Give more rows, more noise, or fewer latents.",
            )


def measure(study: Study) -> Verdict:
    """Return the verdict of a report."""
    batch_size = study.artifact.config["training"]["batch_size"]
    return verdict(study["summary"], study["curves"], study["neighbours"], study["baselines"], batch_size=batch_size)
