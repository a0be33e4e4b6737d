"""The docstrings of the estimators: one text for each parameter, with the parts that it may name."""

import inspect
from functools import cache
from typing import Any

from ..core.catalogue import part_lists

# Type and text of each parameter. Names in braces are lists of parts or an estimator's defaults.
TEXTS = {
    "n_components": (
        "int, tuple of int or None",
        "Number of latents. In a tuple it is the last number; the others are the widths of the hidden layers before "
        "the latents, which the decoder mirrors. None: four latents per input, at least 16 and at most 1,024.",
    ),
    "corruption": (
        "str, Corruption or None",
        "The noise of the network's input during training, in units of the scaled rows: {corruptions}; several "
        'are joined by a plus, "gaussian:0.1+dropout:0.3". "auto": {default_corruption} (with a `target` of `fit` '
        "none, because the rows X are then noisy themselves), and `missing` noise at the rows' own share of missing "
        "values, unless a `target` is given that has them all.",
    ),
    "sparsity": (
        "str, CodingLayer, Term, list of them, or None",
        "What makes codes sparse: a penalty ({penalties}), a coding layer ({selections}), or both, joined by a plus, "
        '"topk:32+l1:weight=0.01". The weight of a penalty with a target ("kl:0.05", "l1:l0=8") is adjusted during '
        'training so that the target is reached, unless a weight is written, "kl:0.05,weight=0.2". "auto": '
        "{default_sparsity}.",
    ),
    "activation": (
        "str, Elementwise or pair of them",
        "Activation function: {activations}. A pair is that of the hidden layers and that of the coding layer. "
        '"auto": "relu", but "sigmoid" for the coding layer if a penalty requires codes in (0, 1).',
    ),
    "output_activation": (
        "str or Elementwise",
        'Activation function of the output: {activations}. "auto": "sigmoid" if the scaled rows lie in [0, 1], else '
        '"identity"; always "identity" in `partial_fit`.',
    ),
    "network": (
        "str or Network",
        'The kind of layers: {networks}. "conv" has convolutions before the dense layers that `n_components` names, '
        '"conv:channels=32/64"; "residual" is a denoiser of images of any size, without codes. Both require rows that '
        "are images, see `shape`.",
    ),
    "scaling": (
        "str or Scaling",
        'How rows are scaled: {scalings}. "auto": rows in [0, 1] are not scaled, an array of uint8 without column '
        'names is divided by 255, others are standardised ("standard"), as are all rows of `partial_fit`. The scaling '
        "is a part of the model; `scaling_` describes it.",
    ),
    "loss": ("str or Term", "The reconstruction error: {losses}. Cross-entropy requires rows in [0, 1]."),
    "tied": ("bool", "Whether each decoder layer shares the weight of the mirrored encoder layer."),
    "solver": (
        "str or Solver",
        'The optimiser: {solvers}. Each takes clip, the largest norm of all gradients together: "adam:clip=1.0".',
    ),
    "learning_rate": (
        "float, str or Schedule",
        'A number ≥ 0, or a schedule over the run: {schedules}. "auto": 0.01 if codes lie in (0, 1), 0.001 if a '
        "penalty has a target L0, else 0.003; it falls to 0 over the last 30% of the run. In `partial_fit` the end of "
        "the run is not known, and 0.001 replaces a schedule.",
    ),
    "batch_size": (
        'int or "auto"',
        'Rows in a batch. "auto": the power of two nearest to rows / 32, at least 32 and at most 256; more if that is '
        "too small to measure a penalty's target mean activation.",
    ),
    "shuffle_window": (
        'int or "auto"',
        "Within how many rows streamed rows are shuffled, ≥ 1: rows of a folder of files, or of a file larger than the "
        "memory, of which one window is in memory and the next one is read ahead. Blocks of neighbouring rows are "
        'shuffled over all rows before. "auto": 67 million numbers. It has no effect on rows in memory.',
    ),
    "survey_rows": (
        'int or "all"',
        "How many streamed rows are measured before the first step, ≥ 1, for the scaling, the rows' fingerprint and "
        'the check that values are finite: blocks from everywhere in the files. "all": one pass over all rows. Other '
        "rows are checked when they are read. It has no effect on rows in memory.",
    ),
    "max_iter": (
        "int or None",
        "Number of epochs. None: as many as `max_steps` takes, or as give about 4,000 steps, at least 20 and at most "
        "1,000.",
    ),
    "max_steps": (
        "int or None",
        "Number of steps after which training ends, if the epochs are not done before. None: no bound.",
    ),
    "validate_every": (
        "int, str or None",
        'After how many steps or rows, 1000 or "100000rows", the validation loss is computed, early stopping looks at '
        "it, and `history_` gets a value. None: after each epoch.",
    ),
    "alpha": ("float", "Decoupled weight decay, ≥ 0. Biases do not decay."),
    "early_stopping": (
        "bool",
        "Whether to stop when the loss on held-out rows no longer falls, and to keep the weights of the best epoch.",
    ),
    "validation_fraction": (
        "float",
        "Share of the rows that early stopping holds out, in (0, 1), if `fit` has no `validation` rows.",
    ),
    "n_iter_no_change": (
        "int",
        "Early stopping ends the run after so many epochs, or times `validate_every`, without an improvement by `tol`.",
    ),
    "tol": ("float", "The least decrease of the validation loss that counts as an improvement, ≥ 0."),
    "variables": (
        "dict or None",
        'Kinds of columns of a table, by name: "number", "integer", "boolean", "category", "date"; "id" and "drop" '
        "leave a column out. Columns that are not named are decided by their values; `variables_` tells how.",
    ),
    "warm_start": ("bool", "Whether `fit` continues from the weights and the scaling of the last `fit`."),
    "precision": (
        "str",
        '"fp32", "bf16" or "int8". "bf16" allows training to round the factors of its products to bfloat16 where that '
        "is faster: one layer of elementwise codes, penalties on their mean activation or none, on an AMD processor "
        'from Zen 4 on, and `network="residual"`; weights and sums stay in float32. Where a coding layer or a term '
        'selects latents, "bf16" and "int8" find candidates in a rounded product and score them again in float32. This '
        "is faster for "
        'hundreds of inputs and thousands of latents, "int8" on a CPU, "bf16" on a GPU. The selection differs only '
        "where the rounding of two latents is off by six standard deviations.",
    ),
    "device": ("str", '"cpu", "cuda" or another device of torch. "auto": "cuda" if there is one, else "cpu".'),
    "shape": (
        "tuple of int or None",
        "Shape of flat rows as images, (height, width) or (height, width, 3). Figures and the report draw rows and "
        'latents in this shape; training depends on it for `network="conv"` and "residual" only. None: the shape of '
        "the rows in a source.",
    ),
    "outputs": (
        "str",
        'What `transform` returns. "codes"; "hidden": the activations of all hidden layers, from the first to the '
        "last: the encoder's, the codes, the decoder's; \"input+codes\": the rows as they are given, in their own "
        "units and with their missing values, and the codes. Training does not depend on it; it can be set later.",
    ),
    "random_state": (
        "int, RandomState or None",
        "Seed of the initial weights, the order of the rows, the corruption and the split. The same seed on the same "
        "machine gives the same bits.",
    ),
    "verbose": ("int", "1 or more: show a progress bar on standard error, if it is a terminal."),
}

ATTRIBUTES = """
    Attributes
    ----------
    module_ : taciturn.Autoencoder
        The network, a torch module.
    components_ : ndarray [n_components, n_features]
        What each latent with code 1 adds to the reconstruction, in scaled units; with one layer the decoder's weights.
    history_ : taciturn.History
        Losses, mean activations and learning rate, by step and by epoch.
    n_iter_ : int
        Number of epochs trained.
    scaling_ : str
        The scaling in words.
    settings_ : taciturn.training.Settings
        The parts of the run, with every "auto" resolved.
    stopped_ : str or None
        Why training stopped before its last epoch; None if it did not.
    weights_ : dict of str to float
        The automatic weight of each penalty with a target.
    n_features_in_, feature_names_in_
        As in scikit-learn.
    image_shape_in_ : tuple of int
        The shape of an image, if the estimator was trained on an array of images.
    plot : Plots
        Figures of the model: `plot.history()`, `plot.atlas()`, `plot.rates(X)` and others.

    Notes
    -----
    Training computes in float32; `transform` and the other methods compute in float64 for float64 rows, else in
    float32. There is no `sample_weight`: the split into batches depends on the number of rows, so a row with weight 2
    could not have the same effect as the row twice.
    """


class Docstring:
    """Descriptor for a class's `__doc__`: its own text, with parameters and attributes before the examples.

    The text is composed when it is first read, so that importing an estimator does not parse the parts' files.

    Parameters
    ----------
    text : str
        The docstring as the class has it.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __get__(self, instance: object, owner: type) -> str:
        return _composed(owner, self.text)


@cache
def _composed(owner: type, text: str) -> str:
    texts = TEXTS | getattr(owner, "PARAMETER_TEXTS", {})
    lists = part_lists() | {
        name: str(getattr(owner, name) or "none") for name in ("default_corruption", "default_sparsity")
    }
    lines = []
    for name, parameter in inspect.signature(owner).parameters.items():
        kind, description = texts[name]
        lines.append(f"    {name} : {kind}, default={_default(parameter.default)}")
        lines += [f"        {line}" for line in _wrapped(description.format(**lists))]
    summary, heading, examples = text.partition("    Examples\n")
    parameters = "\n".join([summary.rstrip(), "", "    Parameters", "    ----------", *lines])
    return parameters + "\n" + ATTRIBUTES.rstrip() + ("\n\n" if heading else "\n    ") + heading + examples


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
