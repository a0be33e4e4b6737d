"""From rows to features for another model: codes, all hidden activations, or the rows beside their codes."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import torch

from ..core.errors import RecipeError
from ..data.sources import Source, stored_rows
from ..model import Autoencoder, Layout
from .blocks import row_blocks, threads_for_rows
from .encode import to_csr
from .precision import in_row_precision

OUTPUTS = ("codes", "hidden", "input+codes")


def check_outputs(outputs: str) -> str:
    """Return `outputs`; RecipeError unless it is one of `OUTPUTS`."""
    if outputs not in OUTPUTS:
        raise RecipeError(f"outputs={outputs!r} must be 'codes', 'hidden' or 'input+codes'")
    return outputs


def require_codes(layout: Layout) -> None:
    """Raise RecipeError if a network has no codes."""
    if not layout.network.has_codes:
        raise RecipeError(f"network={layout.network.text!r} has no codes; call denoise(X), or set network='conv'")


def feature_names(layout: Layout, outputs: str, columns: Sequence[str], codes: Sequence[str]) -> list[str]:
    """Return the names of the features that `features` yields.

    Parameters
    ----------
    layout : Layout
        The network.
    outputs : {"codes", "hidden", "input+codes"}
        Which features.
    columns : sequence of str [D]
        The rows' columns.
    codes : sequence of str [L]
        The names of the codes, which are the same in all outputs. Where a column has one of these names, the codes'
        end with _2, or with the first number that makes them differ.

    Returns
    -------
    list of str
        Activations of hidden layers are hidden1_0, hidden1_1 and so on; layers are numbered from the input to the
        output, without that of the codes.

    Examples
    --------
    >>> from taciturn.model.coding_layers import ReLU
    >>> layout = Layout((3, 2, 1), ReLU())
    >>> feature_names(layout, "hidden", "abc", ["code0"])
    ['hidden1_0', 'hidden1_1', 'code0', 'hidden2_0', 'hidden2_1']
    >>> feature_names(layout, "input+codes", "abc", ["code0"])
    ['a', 'b', 'c', 'code0']
    """
    require_codes(layout)
    if outputs == "hidden":
        inner = layout.widths[1:-1]
        widths = enumerate([*inner, *inner[::-1]], 1)
        names = [f"hidden{number}_{i}" for number, width in widths for i in range(width)]
        return [*names[: sum(inner)], *codes, *names[sum(inner) :]]
    if outputs == "codes":
        return list(codes)
    taken, ending, number = set(columns), "", 2
    while any(f"{name}{ending}" in taken for name in codes):
        ending, number = f"_{number}", number + 1
    return [*columns, *(f"{name}{ending}" for name in codes)]


def codes_among(layout: Layout, outputs: str) -> tuple[int, slice]:
    """Return the number of features that `features` yields, and which of them are the codes.

    Examples
    --------
    >>> from taciturn.model.coding_layers import ReLU
    >>> codes_among(Layout((3, 2, 1), ReLU()), "hidden")
    (5, slice(2, 3, None))
    """
    require_codes(layout)
    n_inputs, *inner, n_latents = layout.widths
    first = {"codes": 0, "hidden": sum(inner), "input+codes": n_inputs}[outputs]
    width = first + n_latents + (sum(inner) if outputs == "hidden" else 0)
    return width, slice(first, first + n_latents)


@torch.no_grad()
def features(model: Autoencoder, source: Source, outputs: str = "codes", *, sparse: bool = False) -> Iterator[Any]:
    """Yield the features of each block of rows.

    Parameters
    ----------
    model : Autoencoder
        The model; for float64 rows a twin computes in float64.
    source : Source
        Rows [N, D], in the input's units.
    outputs : {"codes", "hidden", "input+codes"}, default="codes"
        "hidden": the activations of the encoder's hidden layers, the codes, and the activations of the decoder's hidden
        layers. "input+codes": the rows as they are given, missing values included, and the codes.
    sparse : bool, default=False
        Whether blocks are SciPy CSR arrays. Rows of a sparse source are then not made dense.

    Yields
    ------
    array or scipy.sparse.csr_array [B, F]
        The features of one block, blocks in order. Codes and activations are float64 for float64 rows, else float32;
        beside rows of another type the type that holds both.

    Examples
    --------
    >>> from taciturn.data.sources import Rows
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> rows = Rows(torch.rand(10, 4).numpy())
    >>> [block.shape for block in features(model, rows, "input+codes")]
    [(10, 12)]
    """
    from scipy.sparse import csr_array, hstack

    require_codes(model.layout)
    model, start = in_row_precision(model, source.dtype), 0
    for x in row_blocks(model, source):
        with threads_for_rows(model, len(x)):
            if outputs == "hidden":
                layers = [layer.cpu().numpy() for layer in model.hidden_activations(model.scale_rows(x))]
                block: Any = np.concatenate(layers, axis=1)
                block = csr_array(block) if sparse else block
            else:
                codes = model.encode(x)
                block = to_csr(codes) if sparse else codes.dense().cpu().numpy()
        stop = start + len(x)
        if outputs == "input+codes" and sparse:
            rows = stored_rows(source, slice(start, stop))
            dense: Any = source.read(start, stop)
            block = hstack([csr_array(dense) if rows is None else rows, block], format="csr")
        elif outputs == "input+codes":
            block = np.concatenate([source.read(start, stop).reshape(len(x), prod(source.shape)), block], axis=1)
        yield block
        start = stop
