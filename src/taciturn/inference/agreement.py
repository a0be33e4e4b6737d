"""The check that an exported program computes what the model computes."""

import copy
import os
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import TaciturnError
from ..core.messages import one_line
from ..model import InferenceModule
from ..model.coding_layers import ElementwiseForm
from .program import Program, in_precision

SAMPLE_ROWS = 64
MAX_ERROR = {torch.float32: 1e-4, torch.float64: 1e-9}  # in units of the outputs' spread
MAX_FACTOR = 10  # times torch's own error, for models whose products cancel
N_SHAKES = 4

Compute = Callable[[NDArray[np.generic]], NDArray[np.generic]]


@torch.no_grad()
def check_agreement(program: Program, module: InferenceModule, compute: Compute, path: str | os.PathLike[str]) -> None:
    """Raise unless a program gives the model's outputs for batches of 0, 1 and 64 rows.

    Parameters
    ----------
    program : Program
        What was exported.
    module : InferenceModule
        The model.
    compute : callable
        The exported program: from an array [B, width] to an array [B, output_width].
    path : str or path-like
        The file to be written, for the message.

    Raises
    ------
    TaciturnError
        An output has another shape or type, or differs by more than rounding can explain.

    Notes
    -----
    Rows are drawn from N(shift, scale²). Outputs are compared with those of the model in float64, in units of their
    spread. The bound is 1e-4 (float64: 1e-9), or ten times torch's own error in the program's type if that is larger.
    Rows on which rounding could select other latents are left out: two latents may be nearly equal.
    """
    double, own = in_precision(module, torch.float64), in_precision(module, program.dtype)
    x = _inputs(program, double)
    outputs = []
    for batch in (x[:0], x[:1], x[1:]):
        outputs.append(compute(batch.numpy()))
        if outputs[-1].shape != (len(batch), program.output_width) or outputs[-1].dtype != batch.numpy().dtype:
            found = f"{outputs[-1].dtype} {list(outputs[-1].shape)} for {len(batch)} rows"
            raise TaciturnError(f"{one_line(path)} would give {found}; it is not written")
    expected = _outputs(program.what, double, x.double())
    if program.what == "encode":
        spread = expected.abs().max()
    else:
        spread = (expected - double.target_shift).abs() + double.target_scale
    clear = torch.full([len(x)], True) if program.what == "decode" else _selected_clearly(double, own, x)
    if not bool(clear.any()):
        return
    own_errors = _errors(_outputs(program.what, own, x), expected, spread)[clear]
    errors = _errors(torch.from_numpy(np.concatenate(outputs)), expected, spread)[clear]
    bound = max(MAX_ERROR[program.dtype], MAX_FACTOR * float(own_errors.median()))
    if not bool((errors <= bound).all()):  # also for NaN
        raise TaciturnError(
            f"{one_line(path)} would not compute what the model computes (error {float(errors.max()):.1g} of the "
            f"outputs' spread, of at most {bound:.1g}); it is not written"
        )


def _inputs(program: Program, double: InferenceModule) -> Tensor:
    """Return rows drawn around the scaling's shift, or the codes of such rows."""
    noise = torch.randn(SAMPLE_ROWS, len(double.shift), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = double.shift + double.scale * noise
    return (double.encode(rows) if program.what == "decode" else rows).to(program.dtype)


def _selected_clearly(double: InferenceModule, own: InferenceModule, x: Tensor) -> Tensor:
    """Return on which rows [B] rounding cannot change which latents are selected."""
    codes = double.encode(x.double())
    if isinstance(double.form, ElementwiseForm):  # no latent is selected: a small code may become 0
        return torch.full([len(x)], True)
    active = codes != 0
    clear = ((own.encode(x) != 0) == active).all(1)
    rng, shaken = torch.Generator().manual_seed(1), copy.deepcopy(double)
    size, bias = MAX_ERROR[x.dtype] * codes.abs().max(), shaken.layers[0][-1].bias
    for _ in range(N_SHAKES):
        noise = torch.randn(bias.shape, generator=rng, dtype=bias.dtype)
        bias.copy_(double.layers[0][-1].bias + size * noise)
        clear &= ((shaken.encode(x.double()) != 0) == active).all(1)
    return clear


def _outputs(what: str, module: InferenceModule, x: Tensor) -> Tensor:
    """Return the model's outputs [B, output_width]."""
    if what == "encode":
        return module.encode(x)
    return module.decode(x) if what == "decode" else module(x)


def _errors(output: Tensor, expected: Tensor, spread: Tensor) -> Tensor:
    """Return the largest error of each row [B] in units of the spread, beyond the rounding of the output itself."""
    rounding = torch.finfo(output.dtype).eps * expected.abs()
    beyond = ((output.double() - expected).abs() - rounding).clamp(min=0)
    return (beyond / spread.clamp(min=torch.finfo(torch.float64).tiny)).amax(1)
