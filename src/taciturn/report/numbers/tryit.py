"""What travels in a page so that its reader can try the model. Numbers only: html/tryit.js computes with them."""

import base64
import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ...core.errors import DataError
from ...model import Autoencoder
from ...model.coding_layers import Elementwise, ElementwiseForm, Form, GateForm, ThresholdForm, TopForm
from ...plots import is_image

LIMIT = 2_000_000  # characters of a model's numbers in the page: 750,000 weights of float16 in base64
NEAR = 5e-4  # how far the page may be from Python where float32 could travel instead, as a share of the range
COLUMNS = 10_000  # wider rows are not drawn
NUMBERS = 50_000  # of all examples together
SLIDERS = 30
NAME = 80  # characters of a name

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TryIt:
    """A model and some rows of its data, as a page holds them; rows are flat and in the input's units."""

    model: dict[str, Any]  # what decodeModel of tryit.js reads
    activations: dict[str, str]  # the functions that the model uses, in JavaScript, by name
    rows: list[list[float]]  # examples
    names: list[str]  # the examples'
    columns: list[str]  # none for images
    shape: list[int]  # of a row: an image's, or [D]
    image: bool
    low: list[float]  # each column's range, widened to hold the examples
    high: list[float]
    sliders: list[int]  # the columns that move the codes most, in their order; none for images
    off: float  # how far the page's codes and rows are from Python's on the examples at most, as a share of the range
    noise: float  # the strongest that can be added, in scaled units
    peak: float  # the range of scaled values, which PSNR is measured by

    @property
    def activations_script(self) -> str:
        """The activation functions as JavaScript, by which tryit.js finds them."""
        functions = ", ".join(f"{name}: {source}" for name, source in self.activations.items())
        return f"window.taciturnActivations = {{ {functions} }};"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def why_not(model: Autoencoder, *, limit: int = LIMIT) -> str | None:
    """Return why a page cannot hold and compute this model; None where it can."""
    layout = model.layout
    for activation in _activations(model):
        if activation.javascript is None:
            return f"the page does not know the activation {activation.name}"
    if _form(model) is None:
        return f"the page does not know the coding layer {layout.coder.name}"
    if layout.widths[0] > COLUMNS:
        return f"rows of {layout.widths[0]:,} columns are too wide for the page: it draws up to {COLUMNS:,}"
    if (size := _size(model)) > limit:
        return f"the model is too large for the page: {size / 1e6:.1f} MB, of at most {limit / 1e6:.1f} MB"
    if not all(bool(numbers.isfinite().all()) for numbers in model.state_dict().values()):
        return "the model holds numbers that are not finite"
    return None


def try_it(
    model: Autoencoder,
    *,
    rows: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    shape: Sequence[int] | None = None,
    columns: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    limit: int = LIMIT,
) -> TryIt | None:
    """Return what a page needs to try the model on these rows; None where `why_not` says why.

    rows : a few examples [R, D], in the input's units, one at least.
    low, high : each column's range [D].
    shape : a row's; (height, width) and (height, width, 3) are drawn, all others get sliders.
    columns, names : the columns' names and the examples'; numbers from 0 where there are none.
    limit : characters that the model's numbers may take in the page.
    """
    form = _form(model)
    if form is None or why_not(model, limit=limit) is not None:
        return None
    n_columns = model.layout.widths[0]
    examples_RD = np.asarray(rows, np.float64).reshape(-1, n_columns)[: max(NUMBERS // n_columns, 1)]
    low_D, high_D = np.asarray(low, np.float64).reshape(-1), np.asarray(high, np.float64).reshape(-1)
    shape = (n_columns,) if shape is None else tuple(shape)
    columns = [str(number) for number in range(n_columns)] if columns is None else columns
    names = [f"row {number}" for number in range(len(examples_RD))] if names is None else names
    if not len(low_D) == len(high_D) == len(columns) == math.prod(shape) == n_columns:
        raise DataError(f"low, high, columns and shape must describe rows of {n_columns} columns")
    if not len(examples_RD) or len(names) < len(examples_RD):
        raise DataError(f"{len(examples_RD)} example rows with {len(names)} names; give one row at least, a name each")
    low_D, high_D = np.minimum(low_D, examples_RD.min(0)), np.maximum(high_D, examples_RD.max(0))
    range_D = high_D - low_D
    if not np.isfinite([low_D, high_D]).all():
        raise DataError("example rows, low and high must be finite")
    image, (from_D, to_D) = is_image(shape), _scaled(model, np.stack([low_D, high_D]))
    measured = _whitened(model, examples_RD) if model.layout.whitened else np.stack([from_D, to_D])
    # a picture's pixels share one unit
    spread_D = np.full_like(range_D, (high_D.max() - low_D.min()) or 1.0) if image else np.where(range_D, range_D, 1.0)
    off = _off(model, examples_RD, spread_D)
    whole = off > NEAR and _size(model, 4) <= limit
    return TryIt(
        model=_plain(model, form, _whole if whole else _half),
        activations={each.name: each.javascript or "" for each in _activations(model)},
        rows=examples_RD.tolist(),
        names=[_short(str(name)) for name in names[: len(examples_RD)]],
        columns=[] if image else [_short(str(name)) for name in columns],
        shape=list(shape),
        image=image,
        low=low_D.tolist(),
        high=high_D.tolist(),
        off=0.0 if whole else off,
        sliders=[] if image else _telling(model, to_D - from_D),
        noise=_round_down(float(np.median(to_D - from_D)) / 2),
        peak=float(measured.max() - measured.min()),
    )


def _size(model: Autoencoder, weight_bytes: int = 2) -> int:
    """Return how many characters the model's numbers take: base64 writes 3 bytes as 4."""
    weights = {id(layer.weight): layer.weight.numel() for layer in chain(*model.layers)}
    n_bytes = weight_bytes * sum(weights.values()) + 4 * sum(model.layout.widths) * 2 + 16 * model.layout.widths[0]
    return (n_bytes + (8 * model.whitening.numel() if model.layout.whitened else 0)) * 4 // 3


@torch.no_grad()
def _off(model: Autoencoder, rows_RD: Array, spread_D: Array) -> float:
    """Return how far codes and rows are from what they are with matrices in float16, as a share of their range."""
    exact, rows = copy.deepcopy(model).cpu().double(), torch.tensor(rows_RD)
    rounded = copy.deepcopy(exact)
    for layer in chain(*rounded.layers):
        exponent, halves = _halves(layer.weight)
        layer.weight.copy_(torch.from_numpy(np.ldexp(halves.astype(np.float64), exponent)))
    codes, near = exact.encode(rows), rounded.encode(rows)
    far = (codes.dense() - near.dense()).abs().max() / (codes.dense().abs().max() or 1.0)
    off_RD = (exact.reconstruct(codes) - rounded.reconstruct(near)).abs().numpy() / spread_D
    return max(float(far), float(off_RD.max()))


def _plain(model: Autoencoder, form: Form, matrix: Callable[[Tensor], dict[str, Any]]) -> dict[str, Any]:
    layout, (encoder, decoder) = model.layout, model.layers
    return {
        "widths": list(layout.widths),
        "hidden": layout.hidden.name,
        "output": layout.output.name,
        "coder": _coder(form),
        "centred": layout.centred,
        "refine": [eta.item() for eta in model.refinements],
        "encoder": [{"weight": matrix(layer.weight), "bias": _vector(layer.bias)} for layer in encoder],
        # a tied weight is the mirrored encoder layer's, and travels once
        "decoder": [
            {"weight": None if layout.tied else matrix(layer.weight), "bias": _vector(layer.bias)} for layer in decoder
        ],
        "shift": _vector(model.shift, "<f8"),
        "scale": _vector(model.scale, "<f8"),
        "whitening": _vector(model.whitening) if layout.whitened else None,
        "colouring": _vector(model.colouring) if layout.whitened else None,
    }


def _coder(form: Form) -> dict[str, Any]:
    """Return a coding layer's form as tryit.js reads it."""
    match form:
        case TopForm():
            return {"kind": "top", "k": form.k, "signed": form.signed}
        case ThresholdForm():
            return {"kind": "threshold", "threshold": _vector(form.threshold)}
        case GateForm():
            return {"kind": "gate", "scale": _vector(form.scale), "bias": _vector(form.bias)}
        case ElementwiseForm():
            return {"kind": "elementwise", "activation": form.activation, "activeAbove": form.active_above}


def _form(model: Autoencoder) -> Form | None:
    return model.layout.coder.form(model.coder, model.layout.widths[-1])


def _activations(model: Autoencoder) -> list[Elementwise]:
    """Return the activation functions that the model uses."""
    layers = (model.layout.coder, model.layout.hidden, model.layout.output)
    return [layer for layer in layers if isinstance(layer, Elementwise)]


def _halves(weight: Tensor) -> tuple[int, NDArray[np.float16]]:
    """Return e and a matrix in float16, to be multiplied by 2ᵉ: its largest entry lies in [2¹⁴, 2¹⁵)."""
    numbers = weight.detach().cpu().double().numpy()
    exponent = math.frexp(float(np.abs(numbers).max()))[1] - 15
    return exponent, np.ldexp(numbers, -exponent).astype(np.float16)


def _half(weight: Tensor) -> dict[str, Any]:
    exponent, halves = _halves(weight)
    return {"factor": math.ldexp(1.0, exponent), "float16": _text(halves, "<f2")}


def _whole(weight: Tensor) -> dict[str, Any]:
    return {"float32": _vector(weight)}


def _vector(numbers: Tensor, dtype: str = "<f4") -> str:
    return _text(numbers.detach().cpu().numpy(), dtype)


def _text(numbers: NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, dtype).tobytes()).decode("ascii")


def _scaled(model: Autoencoder, rows_RD: Array) -> Array:
    """Return rows shifted and scaled, but not whitened, which would mix the columns' ranges."""
    shift, scale = (numbers.cpu().numpy() for numbers in (model.shift, model.scale))
    scaled: Array = (rows_RD - shift) / scale
    return scaled


def _whitened(model: Autoencoder, rows_RD: Array) -> Array:
    whitened: Array = _scaled(model, rows_RD) @ model.whitening.cpu().numpy()
    return whitened


def _short(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


@torch.no_grad()
def _telling(model: Autoencoder, range_D: Array) -> list[int]:
    """Return the columns that move the encoder's first layer most over their range; no constant ones."""
    weight_LD = model.layers[0][0].weight.cpu().double()
    if model.layout.whitened:
        weight_LD = weight_LD @ model.whitening.cpu().T
    moved_D = weight_LD.norm(dim=0).numpy() * range_D
    return sorted(int(d) for d in np.argsort(-moved_D, kind="stable")[:SLIDERS] if moved_D[d] > 0)


def _round_down(x: float) -> float:
    """Return the largest of … 0.5, 1, 2, 5, 10 … that is not above x; 1 for 0."""
    if x <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(x))
    return max(step * unit for step in (1, 2, 5) if step == 1 or step * unit <= x * (1 + 1e-9))
