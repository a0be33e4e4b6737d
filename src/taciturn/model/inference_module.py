"""A trained model in torch operators alone, without kernels and without anything of the training."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from .autoencoder import Autoencoder
from .layers import Layer, layer_of
from .rank_tables import interpolated
from .row_lengths import by_own_length, lengthened

# the buffers of the scaling; those that may be None last, because torch.export counts them
TABLES = ("knots", "scores", "target_knots", "target_scores")
AFFINE = ("shift", "scale", "target_shift", "target_scale", "mean")
SCALING = (*AFFINE, "whitening", "target_colouring", *TABLES, "row_lengths")


class InferenceModule(nn.Module):
    """A model as five plain steps: scale, pre-activations, select, decode, unscale.

    Other formats are made from it, and the fast paths of `Autoencoder` are tested against it.

    Parameters
    ----------
    model : Autoencoder
        The model; its numbers are copied, and tied weights stay one.

    Attributes
    ----------
    layout : Layout
        Widths, activations and how the decoder mirrors the encoder.
    encoder, decoder : nn.ModuleList of Layer
        The layers; dense encoder weights are [out, in], decoder weights [in, out].
    form : Form
        The coding layer: a module that maps the encoder's products and bias to codes.
    refinements : nn.ParameterList
        The scalar η of each refinement.
    skip : nn.Parameter [outputs, inputs] or None
        The linear map of a skip transcoder.
    shift, scale, target_shift, target_scale : Tensor [D], float64
        The scaling of rows and of reconstructions; see `ScaledModule`.
    mean : Tensor [D], float64
        What a missing value (NaN) is replaced by, in the input's units.
    whitening, target_colouring : Tensor [D, D], float64, or None
        Only for a scaling that whitens.
    knots, scores, target_knots, target_scores : Tensor [D, Q + 2], float64, or None
        Only for a scaling by ranks: its tables.
    row_lengths : Tensor [3], float64, or None
        Only for a scaling by rows: (divisor, least, mean) of their lengths.

    Raises
    ------
    RecipeError
        The coding layer has no form; see `CodingLayer.form`.

    Examples
    --------
    >>> from taciturn.model import Layout
    >>> from taciturn.model.coding_layers import TopK
    >>> model = Autoencoder(Layout((4, 8), TopK(2)), rng=torch.Generator().manual_seed(0))
    >>> module, x = InferenceModule(model), torch.rand(3, 4)
    >>> torch.allclose(module.encode(x), model.encode(x).dense()), torch.allclose(module(x), model(x))
    (True, True)
    """

    shift: Tensor
    scale: Tensor
    whitening: Tensor | None
    target_shift: Tensor
    target_scale: Tensor
    target_colouring: Tensor | None
    mean: Tensor
    knots: Tensor | None
    scores: Tensor | None
    target_knots: Tensor | None
    target_scores: Tensor | None
    row_lengths: Tensor | None

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.layout = model.layout
        if not model.layout.network.has_codes:
            raise RecipeError(f"network={model.layout.network.text!r} has no codes; only taciturn itself computes it")
        form = model.layout.coder.form(model.coder, model.layout.widths[-1])
        if form is None:
            raise RecipeError(
                f"the coding layer {model.layout.coder.name} has no form, so that only its own code can compute it; "
                "define form() in its class"
            )
        self.form = form
        # together, so that tied weights stay one
        self.encoder, self.decoder, self.refinements = copy.deepcopy((model.encoder, model.decoder, model.refinements))
        self.skip = None if model.skip is None else copy.deepcopy(model.skip)
        self.requires_grad_(False)
        for name in SCALING:
            numbers = getattr(model, name, None)
            self.register_buffer(name, None if numbers is None else numbers.detach().clone())

    @property
    def layers(self) -> tuple[list[Layer], list[Layer]]:
        """The encoder's layers and the decoder's."""
        return [layer_of(layer) for layer in self.encoder], [layer_of(layer) for layer in self.decoder]

    @property
    def dense_layers(self) -> tuple[list[Layer], list[Layer]]:
        """The same, for formats that hold dense layers only; raise RecipeError if there are others."""
        if self.layout.network.for_images:
            raise RecipeError(f"network={self.layout.network.text!r} has convolutions, which this format does not hold")
        return self.layers

    def scale_rows(self, x: Tensor) -> Tensor:
        """Return scaled rows [B, D], in the weights' precision, for rows in the input's units."""
        return self.scaled_and_lengths(x)[0]

    def scaled_and_lengths(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return scaled rows [B, D], and the rows' lengths [B, 1] where a scaling divides by them."""
        missing = x.isnan()
        x = torch.where(missing, self.mean.double(), x.double())
        scaled = (x - self.shift.double()) / self.scale.double()
        if self.whitening is not None:
            scaled = scaled @ self.whitening.double()
        if self.knots is not None and self.scores is not None:
            scaled = interpolated(scaled, self.knots.double(), self.scores.double())
        dtype = self.layers[0][0].weight.dtype
        if self.row_lengths is None:
            return scaled.to(dtype), None
        scaled, lengths = by_own_length(torch.where(missing, torch.nan, scaled), self.row_lengths)
        return torch.where(missing, 0.0, scaled).to(dtype), lengths

    def select(self, product: Tensor) -> Tensor:
        """Return the codes [B, L] for the products [B, L] of the encoder's last layer, without its bias."""
        codes: Tensor = self.form(product, self.layers[0][-1].bias)
        return codes

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes [B, L] of rows in the input's units [B, D]."""
        return self.encode_scaled(self.scale_rows(x))

    def encode_scaled(self, x: Tensor) -> Tensor:
        """Return the codes [B, L] of scaled rows [B, D]."""
        encoder, decoder = self.layers
        h = x - decoder[-1].bias if self.layout.subtracts_bias else x
        *hidden, last = encoder
        for layer in hidden:
            h = self.layout.hidden.activate(layer.encode(h))
        product = F.linear(h, last.weight)
        codes = self.select(product)
        for eta in self.refinements:
            product = product + eta * F.linear(x - self.decode_scaled(codes), decoder[0].weight)
            codes = self.select(product)
        return codes

    def decode_scaled(self, codes: Tensor, x: Tensor | None = None) -> Tensor:
        """Return the logits [B, D]: scaled reconstructions before the output activation.

        `x` [B, D] are the scaled rows, which a skip transcoder requires.
        """
        first, *rest = self.layers[1]
        h = codes @ first.weight + first.bias
        for layer in rest:
            h = layer.decode(self.layout.hidden.activate(h))
        if self.skip is None:
            return h
        if x is None:
            raise RecipeError("skip=True: codes alone do not give the targets; set what='denoise'")
        return h + F.linear(x, self.skip)

    def unscale_rows(self, y: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return reconstructions [B, D] in the targets' units, in float64, for scaled ones.

        `lengths` [B, 1] are those of the rows; None: the mean length, where a scaling divides by them.
        """
        y = lengthened(y.double(), lengths, self.row_lengths)
        if self.target_knots is not None and self.target_scores is not None:
            y = interpolated(y, self.target_scores.double(), self.target_knots.double())
        if self.target_colouring is not None:
            y = y @ self.target_colouring.double()
        return y * self.target_scale.double() + self.target_shift.double()

    def decode(self, codes: Tensor) -> Tensor:
        """Return the reconstructions [B, D] of codes [B, L] in the targets' units, in the weights' precision."""
        scaled = self.layout.output.activate(self.decode_scaled(codes))
        return self.unscale_rows(scaled).to(scaled.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstructions [B, D] of rows in the input's units."""
        scaled, lengths = self.scaled_and_lengths(x)
        output = self.layout.output.activate(self.decode_scaled(self.encode_scaled(scaled), scaled))
        return self.unscale_rows(output, lengths).to(output.dtype)
