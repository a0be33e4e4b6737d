"""The docstrings of estimators: one text for each parameter, with the parts that it may name."""

import inspect
from functools import cache
from typing import Any

from ..core.catalogue import part_lists

TEXTS = {
    "n_components": (
        "int, tuple of int or None",
        "Number of latents. A tuple also gives the widths of hidden layers before them, which the decoder mirrors. "
        "None: four latents for each input, within 16 … 1024.",
    ),
    "corruption": (
        "str, Corruption or None",
        "What is done to the input while training, in units of the scaled rows: {corruptions}; several are joined by "
        'a plus, "gaussian:0.1+dropout:0.3". "auto": {default_corruption}, and none where `target` is given, because '
        "such pairs bring their own noise.",
    ),
    "sparsity": (
        "str, CodingLayer, Term, several of them, or None",
        "What makes codes sparse: a penalty ({penalties}), a coding layer ({selections}), or both, joined by a plus, "
        '"topk:32+l1:weight=0.01". A penalty with a target ("kl:0.05", "l1:l0=8") reaches it: its weight is found '
        'while training, unless it is written, "kl:0.05,weight=0.2". "auto": {default_sparsity}.',
    ),
    "activation": (
        "str, Elementwise or pair of them",
        "Activation function: {activations}; a pair gives that of the hidden layers and that of the coding layer. "
        '"auto": "relu", and "sigmoid" for the coding layer under a penalty that requires codes in (0, 1).',
    ),
    "output_activation": (
        "str or Elementwise",
        '{activations}. "auto": "sigmoid" where the scaled rows lie in [0, 1], else "identity".',
    ),
    "scaling": (
        "str",
        '{scalings}. "auto" leaves rows in [0, 1] as they are, divides uint8 by 255 and standardises everything else. '
        "The scaling is a part of the model; `scaling_` describes it.",
    ),
    "loss": ("str or Term", "The reconstruction error: {losses}. Cross-entropy is for rows in [0, 1]."),
    "tied": ("bool", "Whether each decoder layer shares the weight of the mirrored encoder layer."),
    "solver": (
        "str or Solver",
        'The optimiser: {solvers}. Each takes clip, a bound on the norm of all gradients together: "adam:clip=1.0".',
    ),
    "learning_rate": (
        "float, str or Schedule",
        'A number, or a schedule over the run: {schedules}. "auto": 0.01 for codes in (0, 1), 0.001 for a penalty '
        "towards an L0, else 0.003, falling to 0 over the last 30% of the run. `partial_fit` has no end and uses 0.001 "
        "in place of a schedule.",
    ),
    "batch_size": (
        'int or "auto"',
        'Rows in a batch. "auto": the power of two next to rows / 32, within 32 … 256, and enough to measure the '
        "target of a penalty on the mean activation.",
    ),
    "max_iter": ("int or None", "Epochs. None: as many as make about 4,000 steps, within 20 … 1,000."),
    "alpha": ("float", "Decoupled weight decay, ≥ 0. Biases do not decay."),
    "early_stopping": (
        "bool",
        "Whether to hold out rows, to stop when their loss no longer falls, and to keep the best weights.",
    ),
    "validation_fraction": ("float", "Share of the rows held out for early stopping, in (0, 1)."),
    "n_iter_no_change": ("int", "Epochs without an improvement by `tol` after which early stopping ends the run."),
    "tol": ("float", "Least improvement of the validation loss that counts, ≥ 0."),
    "warm_start": ("bool", "Whether `fit` goes on from the weights and the scaling of the last `fit`."),
    "precision": (
        "str",
        '"fp32", "bf16" or "int8". "bf16" allows training to round the factors of its products to bfloat16 where that '
        "is faster: one layer of elementwise codes, penalties on their mean activation or none, on an AMD processor "
        "from Zen 4 on; weights and sums stay in float32. Where a coding layer or a term selects latents, "
        '"bf16" and "int8" find candidates in a rounded product and score them again in float32: faster where inputs '
        'are hundreds and latents thousands, "int8" on a processor, "bf16" on a GPU. The selection differs only where '
        "the rounding of two latents is off by six standard deviations.",
    ),
    "device": ("str", '"cpu", "cuda", …; "auto": cuda where there is one.'),
    "random_state": (
        "int, RandomState or None",
        "Of initial weights, order, corruption and split. The same seed on the same machine gives the same bits.",
    ),
    "verbose": ("int", "1 shows a progress bar on a terminal."),
}

ATTRIBUTES = """
    Attributes
    ----------
    module_ : taciturn.Autoencoder
        The torch module.
    components_ : ndarray [n_components, n_features]
        What each latent adds to the reconstruction, in scaled units; with one layer the decoder's weights.
    history_ : taciturn.History
        Losses, mean activations and learning rate, by step and by epoch.
    n_iter_ : int
        Epochs trained.
    scaling_ : str
        What was done to the rows.
    settings_ : taciturn.training.Settings
        The parts of the run, with every "auto" resolved.
    stopped_ : str or None
        Why training ended before its last epoch.
    weights_ : dict
        The penalty weight that was found for each penalty with a target.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    plot : Plots
        Figures of the model: `plot.history()`, `plot.atlas()`, `plot.rates(X)` and others.

    Notes
    -----
    Training computes in float32; `transform` and the others in the precision of the rows that they are given. There is
    no `sample_weight`: the split into batches depends on the number of rows, so a weight of 2 could not equal a row
    given twice.
    """


class Docstring:
    """A class's `__doc__`, written when it is first read: its own text, then parameters and attributes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __get__(self, instance: object, owner: type) -> str:
        return _documented(owner, self.text)


@cache
def _documented(owner: type, text: str) -> str:
    texts = TEXTS | getattr(owner, "PARAMETER_TEXTS", {})
    lists = part_lists() | {
        name: str(getattr(owner, name) or "none") for name in ("default_corruption", "default_sparsity")
    }
    lines = []
    for name, parameter in inspect.signature(owner).parameters.items():
        kind, words = texts[name]
        lines.append(f"    {name} : {kind}, default={_default(parameter.default)}")
        lines += [f"        {line}" for line in _wrapped(words.format(**lists))]
    return "\n".join([text.rstrip(), "", "    Parameters", "    ----------", *lines]) + "\n" + ATTRIBUTES


def _default(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _wrapped(text: str, width: int = 108) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]
