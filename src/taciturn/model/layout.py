"""The network's shape, as a recipe."""

import math
from dataclasses import dataclass

from ..core.errors import RecipeError
from ..core.recipe import Recipe, check
from .capability import Capability
from .coding_layers import CodingLayer, Elementwise, Identity, ReLU


@dataclass(frozen=True)
class Layout(Recipe):
    """The network's shape: widths = (inputs, hidden …, latents), mirrored by the decoder.

    `tied` shares each encoder weight with the mirrored decoder layer; `centred` subtracts the decoder's last bias
    from the input, as sparse dictionaries do (Bricken et al., 2023). `refine` looks so many times at what the codes
    leave over, and says them anew: codes = S(pre + η (x - x̂) W'), a step of LISTA (Gregor and LeCun, 2010) with a
    learnt η, trained through; for one layer with identity output. `whitened`: scaled rows are multiplied by a matrix.
    `norm`: the length at which every row of the dictionary, and of the encoder as its transpose, begins.
    """

    widths: tuple[int, ...]
    coder: CodingLayer
    hidden: Elementwise = ReLU()
    output: Elementwise = Identity()
    tied: bool = False
    centred: bool = False
    refine: int = 0
    whitened: bool = False
    norm: float | None = None

    name = "layout"
    parsable = False

    def __post_init__(self) -> None:
        whole = isinstance(self.widths, tuple) and all(type(width) is int and width > 0 for width in self.widths)
        if not whole or len(self.widths) < 2:
            raise RecipeError(f"widths={self.widths} must be two or more positive whole numbers: inputs …, latents")
        for field, family in (("coder", CodingLayer), ("hidden", Elementwise), ("output", Elementwise)):
            if not isinstance(getattr(self, field), family):
                raise RecipeError(f"layout: {field}={getattr(self, field)!r} is no {family.__name__}")
        check(self, "refine", 0, whole=True)
        if self.refine and (len(self.widths) > 2 or not isinstance(self.output, Identity)):
            raise RecipeError(f"layout: refine={self.refine} needs one layer and output identity; set refine=0")

    def provides(self) -> frozenset[Capability]:
        """Return what terms may require of this network."""
        of_decoder = {Capability.ONE_LAYER_DECODER} if len(self.widths) == 2 else set()
        of_output = {(0.0, 1.0): Capability.UNIT_INTERVAL_OUTPUT, (-math.inf, math.inf): Capability.UNBOUNDED_OUTPUT}
        bounds = self.output.bounds
        return self.coder.provides | of_decoder | ({of_output[bounds]} if bounds in of_output else set())
