"""The shape of the network, as a recipe."""

import math
from dataclasses import dataclass

from ..core.errors import RecipeError
from ..core.recipe import Recipe, check
from .capability import Capability
from .coding_layers import ByVariable, CodingLayer, Elementwise, Identity, ReLU
from .networks import DenseNetwork, Network

# Far beyond any use; a damaged recipe is then refused before anything is allocated or repeated.
MAX_WIDTH, MAX_WIDTHS, MAX_REFINE = 2**31 - 1, 1000, 1000


@dataclass(frozen=True)
class Layout(Recipe):
    """The shape of an autoencoder: widths, activations and how the decoder mirrors the encoder.

    Parameters
    ----------
    widths : tuple of int, each 1 … 2³¹ - 1
        (inputs, hidden …, latents), 2 … 1000 of them; the decoder has the same widths in reverse. A network without
        codes has (inputs, 0).
    coder : CodingLayer
        The coding layer, after the encoder's last affine map.
    hidden : Elementwise, default=ReLU()
        The activation of the hidden layers on both sides.
    output : Elementwise, default=Identity()
        The activation of the decoder's last layer.
    tied : bool, default=False
        Share each encoder weight with the mirrored decoder layer; biases are not shared.
    centred : bool, default=False
        Subtract the decoder's last bias from the scaled input, as sparse dictionaries do (Bricken et al., 2023). The
        decoder's first weight is then initialised as the transpose of the encoder's last. With `outputs` the bias has
        other columns: nothing is subtracted, but the encoder's bias starts as if the rows' median were.
    refine : int, default=0
        The number of refinements of the codes, 0 … 1000. Each requires one layer and identity output.
    whitened : bool, default=False
        Scaled rows are multiplied by a matrix; the model has buffers for it and for its inverse.
    quantiles : int, default=0
        Scaled rows are normal scores, by tables of so many quantiles; the model has buffers for them. 0: none.
    row_norm : bool, default=False
        Scaled rows are divided by their own lengths; the model has a buffer for it.
    centre_rows : bool, default=False
        With `row_norm`: each row's own mean is subtracted before.
    hides : bool, default=False
        The model estimates each entry from the others; it has buffers for it, see `BlindSpots`.
    norm : float, optional
        The initial norm of each row of the encoder's last weight and of the dictionary, which starts as its transpose.
        None: the coding layer's `init_std` decides.
    from_rows : float, default=0
        0 … 1: how near the initial directions of the latents lie to those of training rows, see
        `initialise_dictionary`. Requires one layer and `centred`.
    outputs : int, default=0
        The width of targets that have other columns than rows: the network is a transcoder. 0: targets have the rows'
        columns. A transcoder has no tied weights, and its codes are not refined.
    skip : bool, default=False
        Add a linear map of the scaled row to what the codes decode to (Paulo, Shabalin and Belrose, 2025). Requires
        `outputs`, one layer and output identity.
    network : Network, default=DenseNetwork()
        The kind of its layers.
    image : tuple of int, optional
        The shape of rows that are images, (height, width) or (height, width, 3), or signals, (time, channels), for a
        network that requires it.

    Raises
    ------
    RecipeError
        If a value has the wrong type or lies outside its range, or cannot be used with this network.

    Notes
    -----
    One refinement encodes again with what the reconstruction x̂ leaves over: codes = S(pre + η (x - x̂) W'), where S
    is the coding layer, W the dictionary and η a trained scalar. It is one step of LISTA (Gregor and LeCun, 2010);
    gradients pass through all refinements.

    Examples
    --------
    >>> from taciturn.model.coding_layers import TopK
    >>> layout = Layout((64, 256), TopK(8), centred=True)
    >>> sorted(capability.name for capability in layout.provides())
    ['ONE_LAYER_DECODER', 'RANKED_CODES', 'UNBOUNDED_OUTPUT', 'ZERO_CODES']
    """

    widths: tuple[int, ...]
    coder: CodingLayer
    hidden: Elementwise = ReLU()
    output: Elementwise = Identity()
    tied: bool = False
    centred: bool = False
    refine: int = 0
    whitened: bool = False
    quantiles: int = 0
    row_norm: bool = False
    centre_rows: bool = False
    hides: bool = False
    norm: float | None = None
    from_rows: float = 0.0
    outputs: int = 0
    skip: bool = False
    network: Network = DenseNetwork()
    image: tuple[int, ...] | None = None

    name = "layout"
    parsable = False

    def __post_init__(self) -> None:
        families = {"coder": CodingLayer, "hidden": Elementwise, "output": Elementwise, "network": Network}
        for field, family in families.items():
            if not isinstance(getattr(self, field), family):
                raise RecipeError(f"layout: {field}={getattr(self, field)!r} is not an instance of {family.__name__}")
        widths = self.widths if isinstance(self.widths, tuple) else ()
        lowest = [1] * (len(widths) - 1) + [int(self.network.has_codes)]
        whole = all(type(width) is int and width >= low for width, low in zip(widths, lowest, strict=False))
        if not whole or len(widths) < 2:
            raise RecipeError(f"widths={self.widths} must be two or more positive whole numbers: inputs …, latents")
        if max(self.widths) > MAX_WIDTH or len(self.widths) > MAX_WIDTHS:
            raise RecipeError(f"widths={self.widths}: give at most {MAX_WIDTHS} widths, each at most {MAX_WIDTH}")
        check(self, "refine", 0, MAX_REFINE, whole=True)
        check(self, "quantiles", 0, MAX_WIDTH, whole=True)
        if self.norm is not None:
            check(self, "norm", 0, ends="(]", fixed=True)
        check(self, "from_rows", 0, 1, fixed=True)
        if self.from_rows and (len(self.widths) > 2 or not self.centred):
            raise RecipeError(f"layout: from_rows={self.from_rows} requires one layer and centred; set from_rows=0")
        if self.refine and (len(self.widths) > 2 or not isinstance(self.output, Identity)):
            raise RecipeError(f"layout: refine={self.refine} requires one layer and output identity; set refine=0")
        self._check_outputs()
        self._check_network()

    def _check_network(self) -> None:
        if self.image is not None and not self.network.fits(self.image):
            raise RecipeError(f"layout: image={self.image} is not a shape of rows for network={self.network.text!r}")
        self.network.check_widths(self.widths, self.image)
        of_codes = () if self.network.has_codes else ("tied", "centred", "refine", "norm")
        of_columns = ("whitened", "quantiles", "row_norm") if self.network.same_at_each_pixel else ()
        excluded = (*of_codes, *of_columns, "outputs") if self.network.for_images else ()
        if name := next((name for name in excluded if getattr(self, name)), None):
            found = f"{name}={getattr(self, name)!r}"
            raise RecipeError(f"layout: {found} cannot be used with network={self.network.text!r}; leave it out")

    def _check_outputs(self) -> None:
        check(self, "outputs", 0, MAX_WIDTH, whole=True)
        if type(self.skip) is not bool:
            raise RecipeError(f"layout: skip={self.skip!r} must be True or False")
        if self.skip and not (self.outputs and len(self.widths) == 2 and isinstance(self.output, Identity)):
            raise RecipeError("layout: skip=True requires targets, one layer and output identity; set skip=False")
        excluded = ("tied", "refine", "hides")
        if self.outputs and (name := next((name for name in excluded if getattr(self, name)), None)):
            raise RecipeError(f"layout: {name}={getattr(self, name)!r} cannot be used with outputs; leave it out")

    @property
    def subtracts_bias(self) -> bool:
        """Whether the decoder's last bias is subtracted from the scaled input."""
        return self.centred and not self.outputs

    @property
    def n_outputs(self) -> int:
        """The width of targets, and of what the network puts out."""
        return self.outputs or self.widths[0]

    @property
    def components(self) -> tuple[int, ...]:
        """What `n_components` names: the widths after the network's own hidden layers; () without codes."""
        own = len(self.network.hidden_widths(self.image or ()))
        return self.widths[own + 1 :] if self.network.has_codes else ()

    @property
    def widest(self) -> int:
        """The most numbers that a row has anywhere in the network."""
        return max(*self.widths, *self.network.inner_widths(self.image or ()))

    @property
    def one_layer(self) -> bool:
        """Whether the encoder and the decoder are one dense layer each."""
        return len(self.widths) == 2 and self.network.has_codes

    def provides(self) -> frozenset[Capability]:
        """Return the capabilities of this network, which terms may require."""
        decoder = {Capability.ONE_LAYER_DECODER} if self.one_layer else set()
        by_bounds = {(0.0, 1.0): Capability.UNIT_INTERVAL_OUTPUT, (-math.inf, math.inf): Capability.UNBOUNDED_OUTPUT}
        bounds = self.output.bounds
        output = {by_bounds[bounds]} if bounds in by_bounds else set()
        if isinstance(self.output, ByVariable):
            output.add(Capability.VARIABLES_OUTPUT)
        return (self.coder.provides if self.network.has_codes else frozenset()) | decoder | output
