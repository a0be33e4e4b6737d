"""The model and example rows for the page's section "Try the model", as numbers that html/try_it.js reads."""

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
from ...model import Autoencoder, InferenceModule
from ...model.coding_layers import Elementwise, ElementwiseForm, Form, GateForm, ThresholdForm, TopForm
from ...model.rank_tables import interpolated
from ...plots import is_image
from .numbers import ShortRepr

MAX_CHARACTERS = 2_000_000  # of a model's numbers in the page: 750,000 weights of float16 in base64
MAX_ERROR = 5e-4  # a float16 model farther from Python's, as a share of the range, is replaced by float32 if it fits
MAX_COLUMNS = 10_000
MAX_EXAMPLE_NUMBERS = 50_000  # of all examples together
MAX_SLIDERS = 30
MAX_NAME = 80  # characters of a column's or an example's name

Array = NDArray[np.float64]


class PageModel(ShortRepr):
    """The base class of what a page computes with: `TryIt` and `TryDenoiser`."""

    activations: dict[str, str]

    @property
    def activations_script(self) -> str:
        """JavaScript that defines the activation functions where try_it.js reads them."""
        functions = ", ".join(f"{name}: {source}" for name, source in self.activations.items())
        return f"window.taciturnActivations = {{ {functions} }};"


@dataclass(frozen=True, repr=False)
class TryIt(PageModel):
    """A model and example rows, as a page holds them. Rows are flat and in the input's units.

    Parameters
    ----------
    model : dict
        The model, as decodeModel of try_it.js reads it.
    activations : dict of str to str
        The activation functions that the model uses: name, JavaScript.
    examples : list of list of float or None [R, D]
        The example rows; None is a missing value.
    example_names : list of str [R]
        Their names.
    column_names : list of str [D]
        The columns' names; [] for images.
    shape : list of int
        A row's shape: [height, width] or [height, width, 3] for images, else [D].
    is_image : bool
        Whether rows are drawn as images; otherwise columns have sliders.
    low, high : list of float [D]
        Each column's range, which contains the examples.
    slider_columns : list of int
        Up to 30 columns that change the codes most, ascending; [] for images.
    max_error : float
        The largest difference between the page's and Python's codes and rows on the examples, as a share of the range;
        0 if the page holds the weights in float32.
    max_noise : float
        The largest standard deviation of the noise that can be added, in scaled units.
    peak : float
        The largest range of a column, in units of errors (`model.unit`), for PSNR.
    """

    model: dict[str, Any]
    activations: dict[str, str]
    examples: list[list[float | None]]
    example_names: list[str]
    column_names: list[str]
    shape: list[int]
    is_image: bool
    low: list[float]
    high: list[float]
    slider_columns: list[int]
    max_error: float
    max_noise: float
    peak: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def exclusion_reason(model: Autoencoder, *, max_characters: int = MAX_CHARACTERS, table: bool = False) -> str | None:
    """Return why a page cannot hold and compute a model, or None if it can.

    Parameters
    ----------
    model : Autoencoder
        The model.
    max_characters : int, default=2_000_000
        Characters that the model's numbers may take in the page.
    table : bool, default=False
        Whether the rows are a table with booleans, categories or dates.

    Returns
    -------
    str or None
        A clause without a full stop.
    """
    layout = model.layout
    if layout.outputs:
        return "the page computes reconstructions of rows, and the targets have other columns"
    if layout.network.for_images:
        return f"the page cannot compute the convolutions of {layout.network.text}"
    if model.blind_spots is not None:
        return "a model that was trained with blind_spot denoises in many passes"
    if model.row_lengths is not None:
        return "the page cannot divide rows by their lengths (scaling=row_norm)"
    if table:
        return "the page computes with numbers, and the table has booleans, categories or dates"
    for activation in used_activations(model):
        if activation.javascript is None:
            return f"the page cannot compute the activation {activation.name}"
    if layout.coder.form(model.coder, layout.widths[-1]) is None:
        return f"the page cannot compute the coding layer {layout.coder.name}"
    if layout.widths[0] > MAX_COLUMNS:
        return f"rows of {layout.widths[0]:,} columns are too wide for the page, which shows up to {MAX_COLUMNS:,}"
    return weights_reason(model, _characters(model), max_characters, "model")


def weights_reason(model: Autoencoder, size: int, max_characters: int, name: str) -> str | None:
    """Return why a page cannot hold weights that take `size` characters, as a clause; None if it can."""
    if size > max_characters:
        return f"the {name} is too large for the page: {size / 1e6:.1f} MB, of at most {max_characters / 1e6:.1f} MB"
    if not all(bool(numbers.isfinite().all()) for numbers in model.state_dict().values()):
        return f"the {name} holds numbers that are not finite"
    return None


def try_it(
    model: Autoencoder,
    *,
    examples: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    shape: Sequence[int] | None = None,
    column_names: Sequence[str] | None = None,
    example_names: Sequence[str] | None = None,
    max_characters: int = MAX_CHARACTERS,
) -> TryIt | None:
    """Return a model and example rows as a page holds them.

    Parameters
    ----------
    model : Autoencoder
        The model.
    examples : array_like [R, D]
        At least one row, in the input's units; NaN is a missing value. Only the first 50,000 numbers are used, but at
        least one row.
    low, high : array_like [D]
        Each column's range; it is widened to contain the examples. Where low is above high, no value is known.
    shape : sequence of int or None, default=None
        A row's shape. Rows of shape (height, width) or (height, width, 3) are drawn, all others have sliders.
    column_names : sequence of str [D] or None, default=None
        The columns' names; None: "0", "1", …
    example_names : sequence of str [R] or None, default=None
        The examples' names; None: "row 0", "row 1", …
    max_characters : int, default=2_000_000
        Characters that the model's numbers may take in the page.

    Returns
    -------
    TryIt or None
        None if the page cannot hold the model; see `exclusion_reason`.

    Raises
    ------
    DataError
        If the arguments' lengths do not match the model or each other, or a number is infinite, or NaN in a
        range.
    """
    if exclusion_reason(model, max_characters=max_characters) is not None:
        return None
    module = InferenceModule(model).cpu()
    n_columns = model.layout.widths[0]
    examples_RD = np.asarray(examples, np.float64).reshape(-1, n_columns)[: max(MAX_EXAMPLE_NUMBERS // n_columns, 1)]
    low_D, high_D = np.asarray(low, np.float64).reshape(-1), np.asarray(high, np.float64).reshape(-1)
    shape = (n_columns,) if shape is None else tuple(shape)
    column_names = [str(number) for number in range(n_columns)] if column_names is None else column_names
    example_names = [f"row {number}" for number in range(len(examples_RD))] if example_names is None else example_names
    if not len(low_D) == len(high_D) == len(column_names) == math.prod(shape) == n_columns:
        raise DataError(f"low, high, column_names and shape must describe rows of {n_columns} columns")
    if not len(examples_RD) or len(example_names) < len(examples_RD):
        counts = f"{len(examples_RD)} example rows with {len(example_names)} names"
        raise DataError(f"{counts}; give at least one row, and a name for each")
    mean_D, unknown_D = model.mean.cpu().numpy(), low_D > high_D
    low_D, high_D = np.where(unknown_D, mean_D, low_D), np.where(unknown_D, mean_D, high_D)
    if not np.isfinite([low_D, high_D]).all() or np.isinf(examples_RD).any():
        raise DataError("examples, low and high must be finite; replace infinite numbers, and NaN in low and high")
    low_D, high_D = np.fmin(low_D, np.fmin.reduce(examples_RD)), np.fmax(high_D, np.fmax.reduce(examples_RD))
    range_D = high_D - low_D
    image, (scaled_low_D, scaled_high_D) = is_image(shape), _scaled(model, np.stack([low_D, high_D]))
    # all pixels of an image share one unit
    unit_D = np.full_like(range_D, (high_D.max() - low_D.min()) or 1.0) if image else np.where(range_D, range_D, 1.0)
    error = _float16_error(module, examples_RD, unit_D)
    exact = error > MAX_ERROR and _characters(model, 4) <= max_characters
    return TryIt(
        model=plain_model(module, model, as_float32 if exact else as_float16),
        activations={activation.name: activation.javascript or "" for activation in used_activations(model)},
        examples=np.where(np.isnan(examples_RD), None, examples_RD).tolist(),  # type: ignore[call-overload]
        example_names=[_shortened(str(name)) for name in example_names[: len(examples_RD)]],
        column_names=[] if image else [_shortened(str(name)) for name in column_names],
        shape=list(shape),
        is_image=image,
        low=low_D.tolist(),
        high=high_D.tolist(),
        slider_columns=[] if image else _slider_columns(model, scaled_high_D - scaled_low_D),
        max_error=0.0 if exact else error,
        max_noise=_round_down(float(np.median(scaled_high_D - scaled_low_D)) / 2),
        peak=float((range_D / model.unit.cpu().numpy()).max()),
    )


def _characters(model: Autoencoder, weight_bytes: int = 2) -> int:
    """Return how many characters the model's numbers take: base64 writes 3 bytes as 4."""
    weights = {id(layer.weight): layer.weight.numel() for layer in chain(*model.layers)}
    n_columns, scalings = model.layout.widths[0], 1 + _has_own_target_scaling(model)
    n_bytes = weight_bytes * sum(weights.values()) + 4 * sum(model.layout.widths) * 2 + (16 + 16 * scalings) * n_columns
    if model.layout.quantiles:
        n_bytes += 8 * scalings * (model.knots.numel() + model.scores.numel())
    return (n_bytes + (4 * (1 + scalings) * n_columns**2 if model.layout.whitened else 0)) * 4 // 3


@torch.no_grad()
def _float16_error(module: InferenceModule, rows_RD: Array, unit_D: Array) -> float:
    """Return the largest error of codes and reconstructions if weights are in float16, as a share of their range."""
    exact, rows = copy.deepcopy(module).double(), torch.tensor(rows_RD)
    rounded = copy.deepcopy(exact)
    for layer in chain(*rounded.layers):
        layer.weight.copy_(rounded_to_float16(layer.weight))
    codes, rounded_codes = exact.encode(rows), rounded.encode(rows)
    code_error = (codes - rounded_codes).abs().max() / (codes.abs().max() or 1.0)
    error_RD = (exact.decode(codes) - rounded.decode(rounded_codes)).abs().numpy() / unit_D
    return max(float(code_error), float(error_RD.max()))


def plain_model(
    module: InferenceModule, model: Autoencoder, matrix: Callable[[Tensor], dict[str, Any]]
) -> dict[str, Any]:
    """Return a model as decodeModel of try_it.js reads it; `matrix` encodes a weight."""
    layout, (encoder, decoder) = module.layout, module.layers
    return {
        "widths": list(layout.widths),
        "hidden": layout.hidden.name,
        "output": layout.output.name,
        "coder": _plain_form(module.form),
        "centred": layout.centred,
        "refine": [eta.item() for eta in module.refinements],
        "encoder": [{"weight": matrix(layer.weight), "bias": vector(layer.bias)} for layer in encoder],
        # a tied weight is that of the mirrored encoder layer, and the page holds it once
        "decoder": [
            {"weight": None if layout.tied else matrix(layer.weight), "bias": vector(layer.bias)} for layer in decoder
        ],
        "shift": vector(module.shift, "<f8"),
        "scale": vector(module.scale, "<f8"),
        "mean": vector(module.mean, "<f8"),
        "whitening": None if module.whitening is None else vector(module.whitening),
        "colouring": vector(model.colouring) if layout.whitened else None,
        **_plain_tables(module.knots, module.scores),
        # None: rows are their own targets
        "target": _plain_target(module) if _has_own_target_scaling(model) else None,
        "unit": vector(model.unit, "<f8"),
    }


def _has_own_target_scaling(model: Autoencoder) -> bool:
    names = ("shift", "scale", *(("colouring",) if model.layout.whitened else ()))
    names += ("knots", "scores") if model.layout.quantiles else ()
    return not all(torch.equal(getattr(model, name), getattr(model, f"target_{name}")) for name in names)


def _plain_target(module: InferenceModule) -> dict[str, Any]:
    return {
        "shift": vector(module.target_shift, "<f8"),
        "scale": vector(module.target_scale, "<f8"),
        "colouring": None if module.target_colouring is None else vector(module.target_colouring),
        **_plain_tables(module.target_knots, module.target_scores),
    }


def _plain_tables(knots: Tensor | None, scores: Tensor | None) -> dict[str, str | None]:
    tables = {"knots": knots, "scores": scores}
    return {name: None if numbers is None else vector(numbers, "<f8") for name, numbers in tables.items()}


def _plain_form(form: Form) -> dict[str, Any]:
    """Return a coding layer's form as try_it.js reads it."""
    match form:
        case TopForm():
            return {"kind": "top", "k": form.k, "signed": form.signed}
        case ThresholdForm():
            return {"kind": "threshold", "threshold": vector(form.threshold)}
        case GateForm():
            return {"kind": "gate", "scale": vector(form.scale), "bias": vector(form.bias)}
        case ElementwiseForm():
            return {"kind": "elementwise", "activation": form.activation, "active_above": form.active_above}
    raise AssertionError(f"the page computes no {type(form).__name__}")


def used_activations(model: Autoencoder) -> list[Elementwise]:
    """Return the activation functions that the model uses."""
    layers = (model.layout.coder, model.layout.hidden, model.layout.output)
    return [layer for layer in layers if isinstance(layer, Elementwise)]


def _halves(weight: Tensor) -> tuple[int, NDArray[np.float16]]:
    """Return e and a float16 matrix that is to be multiplied by 2ᵉ; its largest entry is in [2¹⁴, 2¹⁵)."""
    numbers = weight.detach().cpu().double().numpy()
    exponent = math.frexp(float(np.abs(numbers).max()))[1] - 15
    return exponent, np.ldexp(numbers, -exponent).astype(np.float16)


def rounded_to_float16(weight: Tensor) -> Tensor:
    """Return a matrix as a page holds it in float16, in float64."""
    exponent, halves = _halves(weight)
    return torch.from_numpy(np.ldexp(halves.astype(np.float64), exponent))


def as_float16(weight: Tensor) -> dict[str, Any]:
    """Return a weight as decodeMatrix of try_it.js reads it, in float16."""
    exponent, halves = _halves(weight)
    return {"factor": math.ldexp(1.0, exponent), "float16": _base64(halves, "<f2")}


def as_float32(weight: Tensor) -> dict[str, Any]:
    """Return a weight as decodeMatrix of try_it.js reads it, in float32."""
    return {"float32": vector(weight)}


def vector(numbers: Tensor, dtype: str = "<f4") -> str:
    """Return numbers in base64."""
    return _base64(numbers.detach().cpu().numpy(), dtype)


def _base64(numbers: NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(numbers, dtype).tobytes()).decode("ascii")


def _scaled(model: Autoencoder, rows_RD: Array) -> Array:
    """Return scaled rows, but not whitened ones: whitening would mix the columns' ranges."""
    shift, scale = (numbers.cpu().numpy() for numbers in (model.shift, model.scale))
    scaled: Array = (rows_RD - shift) / scale
    if not model.quantiles:
        return scaled
    scores: Array = interpolated(torch.from_numpy(scaled), model.knots.cpu(), model.scores.cpu()).numpy()
    return scores


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


@torch.no_grad()
def _slider_columns(model: Autoencoder, range_D: Array) -> list[int]:
    """Return the columns that change the encoder's first layer most over their range; no constant columns."""
    weight_LD = model.layers[0][0].weight.cpu().double()
    if model.layout.whitened:
        weight_LD = weight_LD @ model.whitening.cpu().T
    change_D = weight_LD.norm(dim=0).numpy() * range_D
    return sorted(int(d) for d in np.argsort(-change_D, kind="stable")[:MAX_SLIDERS] if change_D[d] > 0)


def _round_down(x: float) -> float:
    """Return the largest of … 0.5, 1, 2, 5, 10 … that is not above x; 1 for 0."""
    if x <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(x))
    return max(step * unit for step in (1, 2, 5) if step == 1 or step * unit <= x * (1 + 1e-9))
