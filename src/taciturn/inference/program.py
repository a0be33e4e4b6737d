"""One computation of a trained model in one precision: what an exported program holds."""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.version import __version__
from ..model import InferenceModule
from ..model.inference_module import SCALING
from ..model.row_lengths import by_own_length, lengthened
from ..training import Settings

INPUTS = {"encode": "rows", "denoise": "rows", "decode": "codes"}
OUTPUTS = {"encode": "codes", "denoise": "reconstruction", "decode": "reconstruction"}
TYPES = {"float32": torch.float32, "float64": torch.float64}


class Program(nn.Module):
    """One computation of a trained model in one precision, with the scaling inside.

    Parameters
    ----------
    module : InferenceModule
        The model; its numbers are copied.
    what : {"encode", "denoise", "decode"}
        From rows to codes, from rows to reconstructions, or from codes to reconstructions.
    dtype : {"float32", "float64"}
        The type of the input, of the output and of every number between them, but for a scaling by ranks: it computes
        in float64, because its knots may be nearer to each other than float32 tells. So are lengths of rows, whose
        squares may be too large for float32.

    Attributes
    ----------
    input, output : str
        Their names: "rows" or "codes", "codes" or "reconstruction".
    width, output_width : int
        The length of a row of the input and of the output.

    Raises
    ------
    RecipeError
        `what` or `dtype` is unknown, the model denoises in many passes (`blind_spot`), or the scaling has numbers
        beyond the range of float32.

    Notes
    -----
    In float32, a shift is the sum of two float32 numbers. Rounded to one, it would move the centre of a column near
    10⁶ by up to 1/32.

    Examples
    --------
    >>> from taciturn.model import Autoencoder, Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> module = InferenceModule(Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0)))
    >>> Program(module, "encode", "float32")(torch.rand(3, 4)).shape
    torch.Size([3, 8])
    """

    shift_high: Tensor
    shift_low: Tensor
    inverse_scale: Tensor
    fill: Tensor
    target_scale: Tensor
    target_shift_low: Tensor
    target_shift_high: Tensor

    def __init__(self, module: InferenceModule, what: str, dtype: str) -> None:
        super().__init__()
        if what not in INPUTS:
            raise RecipeError(f"what={what!r} is none of {', '.join(INPUTS)}")
        if dtype not in TYPES:
            raise RecipeError(f"dtype={dtype!r} is none of {', '.join(TYPES)}")
        if what == "denoise" and module.layout.hides:
            raise RecipeError("a model that was trained with blind_spot denoises in many passes; set what='encode'")
        self.what, self.input, self.output, self.dtype = what, INPUTS[what], OUTPUTS[what], TYPES[dtype]
        n_inputs, n_latents = module.layout.widths[0], module.layout.widths[-1]
        self.width = n_latents if self.input == "codes" else n_inputs
        self.output_width = n_latents if self.output == "codes" else module.layout.n_outputs
        if what == "decode" and module.skip is not None:
            raise RecipeError("skip=True: codes alone do not give the targets; set what='encode' or 'denoise'")
        self.ranks = module.knots is not None
        self.module = in_precision(module, self.dtype) if self.ranks else copy.deepcopy(module).to("cpu", self.dtype)
        buffers = (module.shift, module.scale, module.target_shift, module.target_scale)
        shift, scale, target_shift, target_scale = (buffer.detach().cpu().double() for buffer in buffers)
        self.rescales = bool(shift.any()) or bool((scale != 1).any())
        self.rescales_targets = bool(target_shift.any()) or bool((target_scale != 1).any())
        high, target_high = shift.to(self.dtype), target_shift.to(self.dtype)
        numbers = {
            "shift_high": high,
            "shift_low": (shift - high) / scale,
            "inverse_scale": 1 / scale,
            "fill": (module.mean.detach().cpu().double() - shift) / scale,
            "target_scale": target_scale,
            "target_shift_low": target_shift - target_high,
            "target_shift_high": target_high,
        }
        for name, number in numbers.items():
            self.register_buffer(name, number.to(self.dtype))
            if not bool(number.to(self.dtype).isfinite().all()):
                raise RecipeError(f"the scaling has numbers beyond the range of {dtype}; set dtype='float64'")

    def scale_rows(self, x: Tensor) -> Tensor:
        """Return scaled rows [B, D] for rows in the input's units; NaN enters as the module's `mean`."""
        return self._scaled_and_lengths(x)[0]

    def _scaled_and_lengths(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.ranks:
            return self.module.scale_rows(x), None
        missing, lengths = x.isnan(), None
        if self.rescales:
            x = (x - self.shift_high) * self.inverse_scale - self.shift_low
        if self.module.row_lengths is not None:
            x, lengths = by_own_length(x, self.module.row_lengths)
        x = torch.where(missing, self.fill, x)
        return (x if self.module.whitening is None else x @ self.module.whitening), lengths

    def unscale_rows(self, y: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return reconstructions [B, D] in the targets' units for scaled ones; `lengths` as of `InferenceModule`."""
        if self.ranks:
            return self.module.unscale_rows(y).to(self.dtype)
        y = lengthened(y, lengths, self.module.row_lengths).to(self.dtype)
        if self.module.target_colouring is not None:
            y = y @ self.module.target_colouring
        return y * self.target_scale + self.target_shift_low + self.target_shift_high if self.rescales_targets else y

    def forward(self, x: Tensor) -> Tensor:
        """Return the output [B, output_width] for an input [B, width]."""
        codes, scaled, lengths = x, None, None
        if self.what != "decode":
            scaled, lengths = self._scaled_and_lengths(x)
            codes = self.module.encode_scaled(scaled)
        if self.what == "encode":
            return codes
        return self.unscale_rows(self.module.layout.output.activate(self.module.decode_scaled(codes, scaled)), lengths)

    def example(self) -> Tensor:
        """Return an input for tracing; of 2 rows, because torch takes sizes of 0 and 1 for constants."""
        return torch.zeros(2, self.width, dtype=self.dtype)


def in_precision(module: InferenceModule, dtype: torch.dtype) -> InferenceModule:
    """Return a copy on the CPU whose weights have a type, while its scaling stays in float64."""
    twin = copy.deepcopy(module).to("cpu", dtype)
    for name in SCALING:
        numbers = getattr(module, name)
        setattr(twin, name, None if numbers is None else numbers.cpu().double())
    return twin


def description(
    program: Program,
    settings: Settings | None,
    columns: Sequence[str] | None,
    encoding: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, str]:
    """Return what an exported file tells of itself, as texts by name.

    Parameters
    ----------
    program : Program
        What the file computes.
    settings : Settings or None
        The parts of the run.
    columns : sequence of str or None
        The names of the rows' columns.
    encoding : sequence of dict or None, default=None
        What each column of a table's encoded rows holds; see `Variables.encoding`.

    Returns
    -------
    dict of str to str
        "what", "input", "output", "taciturn" and "torch" (versions); "settings" (JSON, as `Settings.to_dict` returns
        them), "columns" and "encoding" (JSON lists) where they are known.
    """
    texts: dict[str, Any] = {"what": program.what, "input": program.input, "output": program.output}
    texts |= {"taciturn": __version__, "torch": torch.__version__}
    if settings is not None:
        texts["settings"] = json.dumps(settings.to_dict())
    if columns is not None:
        texts["columns"] = json.dumps(list(columns), ensure_ascii=False)
    if encoding is not None:
        texts["encoding"] = json.dumps(list(encoding), ensure_ascii=False)
    return texts
