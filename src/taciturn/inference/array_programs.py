"""A model as a short program in NumPy or in MATLAB that computes with the arrays of a file."""

import re

from ..core.errors import RecipeError
from ..model import InferenceModule
from ..model.coding_layers import ByVariable, ElementwiseForm, Form, GateForm, ThresholdForm, TopForm

LANGUAGES = ("numpy", "matlab")

# Each activation of Z in NumPy.
ACTIVATIONS = {
    "identity": "Z",
    "relu": "np.maximum(Z, 0)",
    "elu": "np.maximum(Z, 0) + np.expm1(np.minimum(Z, 0))",
    "tanh": "np.tanh(Z)",
    "sigmoid": "1 / (1 + np.exp(-Z))",
}

# NumPy's notation and MATLAB's, replaced in this order. Both sort stably, so that of equal entries the first is kept.
TO_MATLAB = (
    (r"np\.interp\((\w\[:, d\]), (\S+), (\S+)\)", r"interp1(\2, \3, \1, 'linear', 'extrap')"),
    (r"range\((\w)\.shape\[1\]\)", r"1:size(\1, 2)"),
    (r"\[:, d\]", "(:, d)"),
    (r"\[d\]", "(d, :)"),
    (r"^#", "%"),
    (r" \* ", " .* "),
    (r" / ", " ./ "),
    (r" @ ", " * "),
    (r"\.T\b", "'"),
    (r'm\["(\w+)"\]', r"m.\1"),
    (r"^for (.*) in (.*):", r"for \1 = \2"),
    (r"np\.asarray\(X, float\)", "double(X)"),
    (r'^order = np\.argsort\(-(.*), axis=1, kind="stable"\)', r"[~, order] = sort(\1, 2, 'descend')"),
    (r"^rank = np\.argsort\(order, axis=1\)", "[~, rank] = sort(order, 2)"),
    (r"rank < ", "rank <= "),
    (r"np\.mean\((.*?), axis=1, keepdims=True\)", r"mean(\1, 2)"),
    (r"np\.(max|min)imum\(", r"\1("),
    (r"np\.", ""),
)


def program(module: InferenceModule, language: str, file: str) -> str:
    """Return the lines that encode and denoise rows with the arrays of a file.

    They compute in float64, and need NumPy or MATLAB (R2016b or later; also GNU Octave) alone.

    Parameters
    ----------
    module : InferenceModule
        The model.
    language : {"numpy", "matlab"}
        The language.
    file : str
        The name of the file that holds the arrays of `arrays`, as the program is to open it.

    Returns
    -------
    str
        Lines that compute H (the codes of `transform`) and Y (the rows of `denoise`) from X, one row each.

    Raises
    ------
    RecipeError
        The language is unknown, an activation or a coding layer is not one of taciturn's own, or the model was trained
        on a table with booleans or categories.

    Notes
    -----
    Beside comments, one layer takes 7 lines in NumPy and 6 in MATLAB, with top-k codes 9 and 8. A further layer on each
    side adds 2 (ELU: 4), refinements add 3 to 6 in all.

    Examples
    --------
    >>> import torch
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import Sigmoid
    >>> model = Autoencoder(Layout((64, 32), Sigmoid()), rng=torch.Generator().manual_seed(0))
    >>> print(program(InferenceModule(model), "matlab", "digits.mat"))
    % X: rows [n, 64] in the units of the training rows
    m = load('digits.mat');
    S = double(X);
    Z = S * m.encoder_weight_1 + m.encoder_bias_1;
    H = 1 ./ (1 + exp(-Z));
    % H: codes [n, 32]
    Y = H * m.decoder_weight_1 + m.decoder_bias_1;
    % Y: denoised rows [n, 64]
    """
    if language not in LANGUAGES:
        raise RecipeError(f"language={language!r} is none of {', '.join(LANGUAGES)}")
    if isinstance(module.layout.output, ByVariable):
        raise RecipeError(
            "programs of NumPy and MATLAB have no outputs for booleans and categories; write an .onnx or .pt2 file, "
            "which does"
        )
    widths = module.layout.widths
    lines = [
        *_encoder(module),
        f"# H: codes [n, {widths[-1]}]",
        *_decoder(module),
        f"# Y: denoised rows [n, {widths[0]}]",
    ]
    first = f"# X: rows [n, {widths[0]}] in the units of the training rows"
    if language == "numpy":
        begin = [first, "import numpy as np", f"m = dict(np.load({file!r}))"]
        return "\n".join([*begin, *(line for line in lines if line != "end")])
    quoted = file.replace("'", "''")
    return "\n".join([_matlab(first), f"m = load('{quoted}');", *map(_matlab, lines)])


def _encoder(module: InferenceModule) -> list[str]:
    """Return the lines from the rows X to the codes H."""
    layout, n_layers = module.layout, len(module.encoder)
    rows = "np.asarray(X, float)"
    ranks = module.knots is not None  # which change S in place: it must not be X itself
    scaled = f"({rows} - {_array('shift')}) / {_array('scale')}" if ranks or _rescales(module, "") else rows
    lines = [f"S = {scaled}" if module.whitening is None else f"S = {scaled} @ {_array('whitening')}"]
    lines += _interpolated("S", "knots", "scores") if ranks else []
    if module.row_lengths is not None:
        divisor, least, *numbers = module.row_lengths.tolist()
        own = f"np.sqrt(np.mean(S * S, axis=1, keepdims=True)) / {divisor!r}"
        if len(numbers) == 2:
            lines += ["M = np.mean(S, axis=1, keepdims=True)", "S = S - M", f"L = {own} + {least!r}"]
        else:
            lines.append(f"L = np.maximum({own}, {least!r})")
        lines.append("S = S / L")
    layer_input = f"(S - {_array('decoder_bias', n_layers)})" if layout.centred else "S"
    for number in range(1, n_layers):
        lines += _hidden(layout.hidden.name, _affine(layer_input, "encoder", number, _array("encoder_weight", number)))
        layer_input = "A"
    codes = _codes(module.form, _array("encoder_bias", n_layers))
    lines += [f"Z = {_affine(layer_input, 'encoder', n_layers, _array('encoder_weight', n_layers))}", *codes]
    if len(module.refinements):
        dictionary = _decoder_weight(module, 1)
        transposed = dictionary.removesuffix(".T") if layout.tied else f"{dictionary}.T"
        left = f"(S - {_array('decoder_bias', 1)} - H @ {dictionary})"
        loop = [f"Z = Z + eta * {left} @ {transposed}", *codes]
        lines += [f"for eta in {_array('refinement')}:", *(f"    {line}" for line in loop), "end"]
    return lines


def _decoder(module: InferenceModule) -> list[str]:
    """Return the lines from the codes H to the reconstructions Y."""
    layout, n_layers, layer_input = module.layout, len(module.decoder), "H"
    lines: list[str] = []
    for number in range(1, n_layers):
        lines += _hidden(layout.hidden.name, _affine(layer_input, "decoder", number, _decoder_weight(module, number)))
        layer_input = "A"
    lines.append(f"Y = {_affine(layer_input, 'decoder', n_layers, _decoder_weight(module, n_layers))}")
    if layout.output.name != "identity":
        lines.append(f"Y = {_activation(layout.output.name, 'Y')}")
    if module.target_knots is not None:
        lines += _interpolated("Y", "target_scores", "target_knots")
    if module.row_lengths is not None:
        lines.append("Y = Y * L + M" if len(module.row_lengths) == 4 else "Y = Y * L")
    coloured = "Y" if module.target_colouring is None else f"Y @ {_array('target_colouring')}"
    if _rescales(module, "target_"):
        coloured += f" * {_array('target_scale')} + {_array('target_shift')}"
    return lines if coloured == "Y" else [*lines, f"Y = {coloured}"]


def _codes(form: Form, bias: str) -> list[str]:
    """Return the lines from the pre-activations Z to the codes H."""
    match form:
        case ElementwiseForm():
            return [f"H = {_activation(form.activation, 'Z')}"]
        case ThresholdForm():
            return [f"H = Z * (Z > {_array('threshold')})"]
        case GateForm():
            size = f"(Z - {bias}) * {_array('gate_scale')} + {_array('gate_bias')}"
            return [f"H = np.maximum({size}, 0) * (Z > 0)"]
        case TopForm():
            size, kept = ("np.abs(Z)", "Z") if form.signed else ("Z", "np.maximum(Z, 0)")
            order = f'order = np.argsort(-{size}, axis=1, kind="stable")'
            return [order, "rank = np.argsort(order, axis=1)", f"H = {kept} * (rank < {_array('k')})"]
    raise RecipeError(f"a coding layer of the form {type(form).__name__} cannot be written as a program")


def _hidden(activation: str, affine: str) -> list[str]:
    """Return the lines that compute the hidden layer A."""
    template = _activation(activation, "Z")
    if template.count("Z") == 1:
        return [f"A = {_activation(activation, f'({affine})' if '-Z' in template else affine)}"]
    return [f"A = {affine}", f"A = {_activation(activation, 'A')}"]


def _activation(name: str, argument: str) -> str:
    if name not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise RecipeError(f"the activation {name} cannot be written as a program; known are {known}")
    return ACTIVATIONS[name].replace("Z", argument)


def _interpolated(name: str, knots: str, values: str) -> list[str]:
    """Return the lines that replace each column of an array by the values of its table."""
    column = f"{name}[:, d]"
    return [
        f"for d in range({name}.shape[1]):",
        f"    {column} = np.interp({column}, {_array(knots)}[d], {_array(values)}[d])",
        "end",
    ]


def _affine(layer_input: str, side: str, number: int, weight: str) -> str:
    return f"{layer_input} @ {weight} + {_array(f'{side}_bias', number)}"


def _decoder_weight(module: InferenceModule, number: int) -> str:
    """Return the decoder's weight [in, out]; a tied one is the mirrored encoder weight, transposed."""
    if not module.layout.tied:
        return _array("decoder_weight", number)
    return f"{_array('encoder_weight', len(module.encoder) + 1 - number)}.T"


def _array(name: str, number: int | None = None) -> str:
    return f'm["{name}"]' if number is None else f'm["{name}_{number}"]'


def _rescales(module: InferenceModule, of: str) -> bool:
    shift, scale = getattr(module, f"{of}shift"), getattr(module, f"{of}scale")
    return bool(shift.any()) or bool((scale != 1).any())


def _matlab(line: str) -> str:
    """Return a line of NumPy in MATLAB."""
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    for old, new in TO_MATLAB:
        body = re.sub(old, new, body)
    ends = body.startswith(("%", "for ")) or body == "end"
    return f"{indent}{body}" if ends else f"{indent}{body};"
