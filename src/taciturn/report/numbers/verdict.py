"""A verdict on a model: one sentence, its main numbers, and warnings with remedies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...model import row_norm_instead
from ...probes import UNTRAINED, Baselines
from . import advice
from .advice import remedy, revival
from .curves import Curves
from .denoised_images import filter_ahead
from .neighbours import Neighbours
from .relation import obstacle
from .study import Study
from .summary import Summary

MAX_RATE_MISS, MAX_L0_MISS = 0.1, 0.05  # distance from the target, as a share of it
MAX_DEAD, MAX_DUPLICATES = 0.02, 0.02  # shares of the latents
MIN_FALL = 0.02  # of the error, over the last tenth of the epochs
MAX_VALIDATION_RATIO = 1.25  # error of validation rows divided by that of training rows
MIN_ACTIVE_PER_BATCH = 1  # expected active codes of a latent; below, a batch cannot measure its mean activation
TARGET_MODELS = {"linear map": "the least squares map", "skip alone": "its skip alone"}  # in a verdict


@dataclass(frozen=True)
class ReportWarning:
    """A problem of a model and its remedy.

    Parameters
    ----------
    what : str
        The problem, as one sentence.
    mend : str
        What to try, as one sentence or two; "" if nothing is known to help.
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


@dataclass(frozen=True)
class Circumstances:
    """What a verdict needs to know of a model and its training beside the report's numbers.

    Parameters
    ----------
    parameters : Mapping[str, Any]
        The estimator's parameters; remedies name no others.
    batch_size : int
        Rows per training batch.
    fixed_weight : bool, default=False
        Whether the weight of the penalty with a target mean activation is fixed, so that it can miss its target.
    stop_reason : str or None, default=None
        Why training stopped before its last epoch; None if it did not.
    row_scaling : str, default=""
        The scaling under which each row counts the same; "" if the model has such a one, or cannot have one.
    label_obstacle : str or None, default=None
        Why the labels cannot be related to latents; None if they can, or if there are none.
    filter_ahead : (str, float, float) or None, default=None
        The classical filter that denoises images as well as the model or better, its PSNR and the model's.
    """

    parameters: Mapping[str, Any]
    batch_size: int
    fixed_weight: bool = False
    stop_reason: str | None = None
    row_scaling: str = ""
    label_obstacle: str | None = None
    filter_ahead: tuple[str, float, float] | None = None


def verdict(
    summary: Summary, curves: Curves, neighbours: Neighbours, baselines: Baselines, circumstances: Circumstances
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
    baselines : Baselines
        The errors of simpler models.
    circumstances : Circumstances
        The estimator's parameters and the course of its training.

    Returns
    -------
    Verdict

    Notes
    -----
    A model that is worse than a simpler one, than its own input, or than its targets has a warning; docs/report.md
    lists the conditions. A baseline is in the sentence or in a warning, not in both.
    """
    if not summary.latents:  # a network without codes, whose number of latents cannot be chosen
        parameters = {name: value for name, value in circumstances.parameters.items() if name != "n_components"}
        circumstances = replace(circumstances, parameters=parameters)
    warnings = [
        *_losses(summary, baselines, circumstances.parameters),
        *_missed_targets(summary, circumstances),
        *_few_rows(summary, circumstances),
        *_wasted_latents(summary, neighbours, circumstances.parameters),
        *_training_problems(summary, curves, circumstances),
    ]
    if circumstances.filter_ahead is not None:
        name, of_filter, of_model = circumstances.filter_ahead
        yet = f"{of_filter:.1f} dB, the model {of_model:.1f} dB"
        mend = remedy(circumstances.parameters, advice.LONGER)
        warnings.append(ReportWarning(f"A {name} denoises the images as well or better: {yet}.", mend))
    if circumstances.label_obstacle is not None:
        warnings.append(ReportWarning(f"Latents were not related to the labels: {circumstances.label_obstacle}.", ""))
    return Verdict(
        "; ".join(_clauses(summary, baselines)) + ".",
        list(_points(summary)),
        warnings,
    )


def _clauses(summary: Summary, baselines: Baselines) -> Iterator[str]:
    verb, of = ("Reconstructs", "rows") if summary.targets is None else ("Estimates", "targets")
    share = f"Does not reconstruct its constant {of} exactly" if summary.fvu is None else f"{verb} {summary.share}"
    if summary.hidden is not None:
        share = f"Predicts {summary.share} of noisy rows, each entry from the others{summary.hidden.limit},"
    l0_target = "" if summary.target_l0 is None else f" (target {summary.target_l0:g})"
    if not summary.latents:
        yield share
    elif summary.target_rate is None:
        yield f"{share}{summary.joint}{summary.l0:.1f} of {summary.latents:,} latents active per row{l0_target}"
        if summary.dead:
            yield f"{summary.dead:,} dead latent{'s' if summary.dead > 1 else ''}"
    else:
        yield f"{share}{summary.joint}{summary.latents:,} latents"
        yield f"mean activation {summary.rate:.1%} (target {summary.target_rate:.1%})"
        if l0_target:
            yield f"{summary.l0:.1f} latents active per row{l0_target}"
    if summary.hidden is not None and summary.hidden.estimate:
        yield f"denoised rows have a mean squared error of {summary.hidden.estimate}, estimated without clean rows"
    if summary.noise_removed is not None:
        if summary.noise_removed <= 0:
            yield "makes corrupted rows worse"
        elif summary.images:
            yield f"denoises from {summary.psnr_before:.1f} to {summary.psnr_after:.1f} dB"
        else:
            yield f"removes {summary.noise_removed:.1%} of the noise's squared error"
    for baseline in baselines.models:
        if baseline.name in TARGET_MODELS and not _loses(baselines, baseline.fvu):
            yield f"{TARGET_MODELS[baseline.name]} explains {_percent(baseline.fvu)}"
        if baseline.name == UNTRAINED and not _loses(baselines, baseline.fvu):
            noisy = f"noisy rows give {_percent(baselines.model)} of it, " if baselines.corruption else ""
            yield f"{noisy}an untrained encoder of the same size reaches {_percent(baseline.fvu)}"


def _points(summary: Summary) -> Iterator[tuple[str, str]]:
    if summary.hidden is not None:
        yield _percent(summary.fvu), f"of the noisy rows' variance predicted{summary.hidden.limit}"
        if summary.hidden.estimate:
            yield summary.hidden.estimate, "mean squared error of denoised rows, estimated without clean rows"
    elif summary.fvu is not None and summary.variables is not None:
        yield _percent(summary.fvu), f"less error than the best constants, mean of {summary.variables:,} variables"
    elif summary.fvu is not None:
        done = "reconstructed" if summary.targets is None else "explained"
        yield _percent(summary.fvu), f"{summary.of_variance} {done}"
    if summary.target_rate is not None:
        yield f"{summary.rate:.2%}", f"mean activation (target {summary.target_rate:.2%})"
    elif summary.latents:
        target = "" if summary.target_l0 is None else f" (target {summary.target_l0:g})"
        yield f"{summary.l0:.1f}", f"of {summary.latents:,} latents active per row{target}"
    if summary.psnr_before is not None and summary.psnr_after is not None and summary.noise_removed is not None:
        if summary.images:
            yield f"{summary.psnr_after - summary.psnr_before:+.1f} dB", f"PSNR gained on {summary.corruption}"
        else:
            yield f"{max(summary.noise_removed, 0.0):.1%}", f"of the squared error of {summary.corruption} removed"
    if summary.target_rate is None and summary.latents:
        yield f"{summary.dead:,}", "dead latents"
    if summary.missing:
        share = summary.missing / summary.values
        yield f"{share:.1%}" if share >= 0.001 else f"{summary.missing:,}", "of the values missing"


def _losses(summary: Summary, baselines: Baselines, parameters: Mapping[str, Any]) -> Iterator[ReportWarning]:
    """Warn if the model reconstructs less than the rows' mean, its own noisy input, or a simpler model."""
    improve = remedy(parameters, advice.LONGER, advice.MORE_LATENTS, advice.MORE_ACTIVE)
    if baselines.hidden:
        yield from _hidden_losses(summary, baselines, parameters)
        return
    if summary.fvu is None:
        of = "rows" if summary.targets is None else "targets"
        yield ReportWarning(f"The {of} are constant and are not reconstructed exactly.", f"Evaluate {of} that differ.")
    elif summary.fvu >= 1 and summary.variables is not None:
        yield ReportWarning(
            "The best constants (the means, and the shares of the levels) reconstruct the variables as well or better: "
            f"the model's error is {summary.fvu:.3g} times theirs.",
            remedy(parameters, advice.LONGER, advice.SMALLER_STEPS),
        )
    elif summary.fvu >= 1:
        of, does = ("rows", "reconstructs") if summary.targets is None else ("targets", "estimates")
        yield ReportWarning(
            f"The mean of the {of} {does} them as well or better: the model's error is {summary.fvu:.3g} times "
            "the variance.",
            f"Give rows in the units of the training rows. {remedy(parameters, advice.LONGER, advice.SMALLER_STEPS)}",
        )
    if summary.noise_removed is not None and summary.noise_removed <= 0:
        yield ReportWarning(
            f"Under {summary.corruption} the rows are nearer to the clean rows than the model's reconstructions are: "
            f"their squared error is {1 / (1 - summary.noise_removed):.1%} of the reconstructions'.",
            improve,
        )
    for baseline in baselines.models:
        if not _loses(baselines, baseline.fvu):
            continue
        shares = f"{_percent(baseline.fvu)} {summary.of_variance}, the model {_percent(baselines.model)}"
        if summary.targets is not None:
            yield _target_loss(baseline.name, shares, improve)
        elif baselines.corruption:
            what = {"PCA": f"PCA with {baseline.components:,} components"}.get(
                baseline.name, "An untrained encoder with a fitted decoder"
            )
            yield ReportWarning(f"{what} denoises as well or better ({baselines.corruption}): {shares}.", improve)
        elif baseline.name != "PCA":
            yield ReportWarning(
                f"An untrained encoder with a fitted decoder reconstructs as much or more: {shares}.",
                "So many latents reconstruct such rows whatever they encode. "
                + remedy(parameters, advice.FEWER_LATENTS, advice.FEWER_ACTIVE),
            )
        elif baseline.components < summary.columns:  # with as many components as columns PCA is always exact
            yield ReportWarning(
                f"PCA with {baseline.components:,} components reconstructs as much or more: {shares}.",
                f"For reconstruction alone, PCA is better here. {improve}",
            )


def _target_loss(name: str, shares: str, improve: str) -> ReportWarning:
    """Return the warning that a simpler model estimates targets as well as the model or better."""
    match name:
        case "linear map":
            return ReportWarning(
                f"The least squares map estimates the targets as well or better: {shares}.",
                f"For the estimates alone, the linear map is better here. {improve}",
            )
        case "skip alone":
            return ReportWarning(
                f"The skip alone explains as much or more: {shares}: the latents add nothing.", improve
            )
    return ReportWarning(
        f"An untrained encoder with a fitted linear map estimates as much or more: {shares}.",
        "So many latents estimate such targets whatever they encode. " + improve,
    )


def _hidden_losses(summary: Summary, baselines: Baselines, parameters: Mapping[str, Any]) -> Iterator[ReportWarning]:
    """Warn if the model predicts hidden entries worse than the rows' mean or a simpler model."""
    mend = remedy(parameters, advice.OTHER_LATENTS, advice.OTHER_EPOCHS)
    choose = f"{mend} The error of hidden entries is less for the better model."
    if summary.fvu is not None and summary.fvu >= 1:
        yield ReportWarning(
            "The mean of the rows predicts hidden entries as well or better: the columns tell nothing of each other.",
            "Give the standard deviation of the noise if it is known: noise= in the corruption.",
        )
    for baseline in baselines.models:
        if _loses(baselines, baseline.fvu):
            yield ReportWarning(
                f"PCA with {baseline.components:,} components predicts hidden entries as well or better: "
                f"{_percent(baseline.fvu)} of the variance, the model {_percent(baselines.model)}.",
                choose,
            )


def _loses(baselines: Baselines, fvu: float) -> bool:
    """Return whether a simpler model of this error is as good as the model or better."""
    return baselines.model is not None and fvu <= baselines.model


def _percent(fvu: float | None) -> str:
    """Return the share of variance reconstructed, as text; less than nothing is "none"."""
    return "none" if fvu is None or fvu >= 1 else f"{1 - fvu:.1%}"


def _missed_targets(summary: Summary, circumstances: Circumstances) -> Iterator[ReportWarning]:
    parameters, rate, l0 = circumstances.parameters, summary.target_rate, summary.target_l0
    if rate is not None and abs(summary.rate / rate - 1) > MAX_RATE_MISS:
        free = ("sparsity", "leave weight= out of the penalty, so that its weight is adjusted")
        yield ReportWarning(
            f"The mean activation is {summary.rate:.2%}; its target is {rate:.2%}.",
            remedy(parameters, advice.LONGER, *([free] if circumstances.fixed_weight else [])),
        )
    if l0 is not None and abs(summary.l0 / l0 - 1) > MAX_L0_MISS:
        yield ReportWarning(
            f"{summary.l0:.1f} latents are active per row; the target is {l0:g}.",
            f"{remedy(parameters, advice.LONGER)} On rows unlike the training rows the number can differ from the "
            "target.".lstrip(),
        )
    if rate is not None and rate * circumstances.batch_size < MIN_ACTIVE_PER_BATCH:
        enough = f"use batches of {round(MIN_ACTIVE_PER_BATCH / rate):,} rows or more"
        yield ReportWarning(
            f"A batch of {circumstances.batch_size} rows is too small to measure a mean activation of {rate:.1%}.",
            remedy(parameters, ("batch_size", enough)),
        )


def _few_rows(summary: Summary, circumstances: Circumstances) -> Iterator[ReportWarning]:
    if not summary.few_rows:
        return
    if not circumstances.row_scaling:
        mend = "The share of variance is mostly theirs: evaluate the other rows apart."
        yield ReportWarning(f"{summary.few_rows}.", mend)
        return
    change = ("scaling", "give each row the same weight", circumstances.row_scaling)
    mend = remedy(circumstances.parameters, change)
    yield ReportWarning(f"{summary.few_rows}, so that the others hardly count in training.", mend)


def _wasted_latents(summary: Summary, neighbours: Neighbours, parameters: Mapping[str, Any]) -> Iterator[ReportWarning]:
    if summary.dead > MAX_DEAD * summary.latents and summary.target_rate is None:
        yield ReportWarning(
            f"{summary.dead:,} of {summary.latents:,} latents are active on none of these rows.",
            remedy(parameters, advice.FEWER_LATENTS, revival(parameters)),
        )
    if neighbours.latents_with_duplicate > MAX_DUPLICATES * summary.latents:
        yield ReportWarning(
            f"{neighbours.latents_with_duplicate:,} latents have a near-duplicate (|cosine| at least .95).",
            f"{remedy(parameters, advice.FEWER_LATENTS, advice.NESTED)} The section on similar latents lists pairs.",
        )


def _training_problems(summary: Summary, curves: Curves, circumstances: Circumstances) -> Iterator[ReportWarning]:
    parameters = circumstances.parameters
    if circumstances.stop_reason is not None and "diverged" in circumstances.stop_reason:
        yield ReportWarning(
            f"Training stopped early: {circumstances.stop_reason}.", remedy(parameters, advice.SMALLER_STEPS)
        )
    elif _still_falling(curves, only_validation=summary.hidden is not None):
        yield ReportWarning("The error was still falling when training stopped.", remedy(parameters, advice.LONGER))
    for name in ("squared_error", "cross_entropy", "variable_error"):
        training, validation = ((curves.get(column) or [None])[-1] for column in (name, f"validation_{name}"))
        if training is not None and validation is not None and validation > MAX_VALIDATION_RATIO * training:
            more = f"{validation / training - 1:.0%} more" if training else "more"
            changes = [advice.MORE_NOISE] if summary.hidden is None else []
            yield ReportWarning(
                f"Validation rows have {more} error than training rows.",
                f"Use more rows. {remedy(parameters, *changes, advice.FEWER_LATENTS)}",
            )


def _still_falling(curves: Curves, *, only_validation: bool) -> bool:
    """Return whether the last tenth of the epochs lowered the least error by more than 2%.

    On noisy rows the loss of training rows also falls where their noise is memorised; `only_validation` leaves it out.
    """
    training = [] if only_validation else curves.get("loss", [])
    errors = [value for value in curves.get("validation_loss", training) if value is not None]
    tenth = max(len(errors) // 10, 1)
    return len(errors) >= 5 and min(errors[-tenth:]) < (1 - MIN_FALL) * min(errors[:-tenth])


def _row_scaling(study: Study) -> str:
    model = study.model
    if (
        model.layout.outputs
        or model.row_lengths is not None
        or study.schema is not None
        or model.blind_spots is not None
    ):
        return ""
    return row_norm_instead(model.scale.cpu().numpy()).text


def measure(study: Study) -> Verdict:
    """Return the verdict of a report."""
    artifact = study.artifact
    circumstances = Circumstances(
        parameters=artifact.estimator.parameters,
        batch_size=artifact.settings.batch_size,
        fixed_weight=any(
            term.target_kind == "rate" and term.target_value is not None and not term.controlled
            for term in study.objective.terms
        ),
        stop_reason=artifact.training.stopped,
        row_scaling=_row_scaling(study),
        label_obstacle=obstacle(study),
        filter_ahead=filter_ahead(study["denoised_images"]),
    )
    return verdict(study["summary"], study["curves"], study["neighbours"], study["baselines"], circumstances)
