"""The rules of the network and its objective: coding layer, activations, widths and terms."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.errors import RecipeError
from ...core.recipe import find, names, parse
from ...model import Capability, Layout
from ...model.coding_layers import CodingLayer, Elementwise, Identity, ReLU, Sigmoid
from ...model.networks import Network
from ...objective import Objective, Term
from .values import part

# The parameter that provides what a term requires.
MEND_FOR = {
    Capability.UNIT_INTERVAL_CODES: "activation='sigmoid'",
    Capability.ZERO_CODES: "activation='relu'",
    Capability.UNIT_INTERVAL_OUTPUT: "output_activation='sigmoid'",
}


def sparsity(value: Any) -> tuple[list[CodingLayer], list[Term]]:
    """Return the coding layer, if there is one, and the penalties.

    Parameters
    ----------
    value : str, CodingLayer, Term, Objective, sequence of them, or None
        "topk:32", "kl:0.05", "topk:32+l1:weight=0.01", or parts. None and "none": neither.

    Returns
    -------
    layers : list of CodingLayer
        At most one.
    penalties : list of Term

    Raises
    ------
    RecipeError
        There are two coding layers, or a value is not a coding layer or a term.

    Examples
    --------
    >>> layers, penalties = sparsity("topk:32+l1:weight=0.01")
    >>> [layer.text for layer in layers], [penalty.text for penalty in penalties]
    (['topk:32'], ['l1:weight=0.01'])
    """
    if value in (None, "none"):
        return [], []
    values = value.terms if isinstance(value, Objective) else [value] if isinstance(value, str) else value
    values = values if isinstance(values, Sequence) else [values]
    parts = [each for v in values for each in (parse(v, CodingLayer, Term) if isinstance(v, str) else [v])]
    for each in parts:
        if not isinstance(each, CodingLayer | Term):
            raise RecipeError(f"sparsity={each!r} is neither a coding layer nor a penalty, nor the text of one")
    layers = [each for each in parts if isinstance(each, CodingLayer)]
    if len(layers) > 1:
        raise RecipeError(f"sparsity: {' + '.join(layer.text for layer in layers)} are two coding layers; name one")
    return layers, [each for each in parts if isinstance(each, Term)]


def activations(value: Any, penalties: Sequence[Term]) -> tuple[Elementwise, Elementwise]:
    """Return the activation functions of the hidden layers and of the coding layer.

    "auto" is ReLU for both, except that the coding layer has a sigmoid if a penalty requires codes in (0, 1).

    Parameters
    ----------
    value : str, Elementwise or pair of them
        One activation function for both, or a pair (hidden layers, coding layer).
    penalties : sequence of Term
        The penalties.

    Returns
    -------
    hidden, coding : Elementwise

    Raises
    ------
    RecipeError
        The value is not an activation function or a pair of them.

    Examples
    --------
    >>> activations(("elu", "sigmoid"), [])
    (ELU(), Sigmoid())
    """
    if value == "auto":
        unit_interval = any(Capability.UNIT_INTERVAL_CODES in term.requires for term in penalties)
        return ReLU(), Sigmoid() if unit_interval else ReLU()
    pair = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(pair) != 2:
        raise RecipeError(f"activation={value!r}: give one activation, or a pair (hidden layers, coding layer)")
    return part(pair[0], Elementwise, "activation"), part(pair[1], Elementwise, "activation")


def output(value: Any, unit_interval: bool) -> Elementwise:
    """Return the output activation; "auto" is sigmoid if the scaled rows and targets lie in [0, 1], else identity.

    Parameters
    ----------
    value : str or Elementwise
        "auto", or an activation function.
    unit_interval : bool
        Whether the scaled rows and targets lie in [0, 1].

    Returns
    -------
    Elementwise

    Raises
    ------
    RecipeError
        The value is not an activation function.

    Examples
    --------
    >>> output("auto", True), output("auto", False)
    (Sigmoid(), Identity())
    """
    if value == "auto":
        return Sigmoid() if unit_interval else Identity()
    return part(value, Elementwise, "output_activation")


def widths(n_components: Any, n_inputs: int, network: Network, image: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the widths of all layers: the inputs, the hidden layers and, last, the number of latents.

    None is one layer of four latents per input, at least 16 and at most 1,024.

    Parameters
    ----------
    n_components : int, tuple of int or None
        The number of latents, or all widths.
    n_inputs : int
        The number of columns.
    network : Network
        The kind of the layers, which may have hidden layers of its own, before the others, or no latents.
    image : tuple of int or None
        The shape of a row, if it is an image.

    Returns
    -------
    tuple of int
        Each ≥ 1; the last is 0 for a network without codes.

    Raises
    ------
    RecipeError
        A width is not a positive whole number, or there is none.

    Examples
    --------
    >>> from taciturn.model.networks import ConvNetwork, DenseNetwork
    >>> widths(None, 64, DenseNetwork(), None), widths(20, 64, ConvNetwork((4,)), (8, 8))
    ((64, 256), (64, 64, 20))
    """
    if not network.has_codes:
        return n_inputs, 0
    return n_inputs, *network.hidden_widths(image or ()), *_components(n_components, n_inputs)


def _components(n_components: Any, n_inputs: int) -> tuple[int, ...]:
    if n_components is None:
        return (min(max(4 * n_inputs, 16), 1024),)
    values = n_components if isinstance(n_components, Sequence) else (n_components,)
    for width in values:
        if isinstance(width, bool) or not isinstance(width, int | np.integer) or width < 1:
            raise RecipeError(f"n_components={n_components!r} must be a positive whole number or a tuple of them")
    if not values:
        raise RecipeError("n_components=() names no layer; give at least the number of latents")
    return tuple(int(width) for width in values)


def check_codes(network: Network, n_components: Any, sparsity: Sequence[CodingLayer | Term]) -> None:
    """Raise RecipeError if something is of codes, which the network does not have.

    Examples
    --------
    >>> from taciturn.model.networks import ResidualNetwork
    >>> check_codes(ResidualNetwork(), 32, [])
    Traceback (most recent call last):
    taciturn.core.errors.RecipeError: network='residual' has no latents, but n_components=32; leave it out
    """
    if n_components is not None:
        raise RecipeError(f"network={network.text!r} has no latents, but n_components={n_components}; leave it out")
    if sparsity:
        text = "+".join(part.text for part in sparsity)
        raise RecipeError(f"network={network.text!r} has no codes, but sparsity={text!r}; set sparsity='none'")


def objective(error: Term, penalties: Sequence[Term], layout: Layout) -> Objective:
    """Return the sum of the reconstruction error and the penalties.

    Parameters
    ----------
    error : Term
        The reconstruction error.
    penalties : sequence of Term
        The penalties; may be empty.
    layout : Layout
        The network.

    Returns
    -------
    Objective

    Raises
    ------
    RecipeError
        The network does not provide what a term requires; the message names the parameter to change.
    """
    terms, provided = Objective((error, *penalties)), layout.provides()
    try:
        terms.check(provided)
    except RecipeError as failure:
        missing = next(iter(terms.missing(provided).values()))[0]
        excluded = not (isinstance(layout.coder, Elementwise) or missing.part == "output")
        mend = f"leave out {layout.coder.text}" if excluded else f"set {MEND_FOR.get(missing, 'another activation')}"
        raise RecipeError(f"{failure}; {mend}") from None
    return terms


def dictionary_parts() -> dict[str, type[CodingLayer] | type[Term]]:
    """Return the parts that a dictionary's `sparsity` may name alone, by name.

    Each has a `dictionary_text`: the recipe that its name stands for.

    Examples
    --------
    >>> sorted(dictionary_parts())
    ['batch_topk', 'gated', 'jumprelu', 'l1', 'topk']
    """
    parts = (find(name, CodingLayer, Term) for name in names(CodingLayer, Term))
    return {kind.name: kind for kind in parts if issubclass(kind, CodingLayer | Term) and kind.dictionary_text}
