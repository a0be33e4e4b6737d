"""Encoder, coding layer, decoder: an nn.Module and nothing else."""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.world import SINGLE_PROCESS, World
from ..data.moments import Moments
from ..kernels import Kernels, Plain
from .codes import Codes, PreActivations
from .coding_layers import CodingLayer, Elementwise
from .layout import Layout
from .scaling import Scaling, Whiten

EXACT = frozenset({torch.float32, torch.float16, torch.bfloat16, torch.uint8, torch.int8, torch.int16})  # in float32


class Affine(nn.Module):
    """A layer's numbers; `weight` is what tying shares."""

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, weight: nn.Parameter, n_out: int) -> None:
        super().__init__()
        self.weight = weight
        self.bias = nn.Parameter(torch.zeros(n_out))


class Autoencoder(nn.Module):
    """Rows in the input's units → codes → rows in the input's units; every parameter drawn from `rng`.

    Encoder weights are [out, in], decoder weights [in, out], so that the dictionary's rows are the latents'
    directions and a tied pair is one parameter.

    Examples
    --------
    >>> from taciturn.model.coding_layers import Sigmoid
    >>> model = Autoencoder(Layout((64, 300, 150), Sigmoid()), rng=torch.Generator().manual_seed(0))
    >>> x = torch.rand(5, 64)
    >>> model.encode(x).dense().shape, model(x).shape, model.dictionary.shape
    (torch.Size([5, 150]), torch.Size([5, 64]), torch.Size([150, 300]))
    """

    shift: Tensor
    scale: Tensor
    whitening: Tensor
    colouring: Tensor

    def __init__(
        self, layout: Layout, *, rng: torch.Generator, kernels: Kernels | None = None, world: World = SINGLE_PROCESS
    ) -> None:
        super().__init__()
        self.layout, self.kernels, self.world = layout, kernels or Plain(), world
        widths, coder = layout.widths, layout.coder
        activations: list[CodingLayer] = [layout.hidden] * (len(widths) - 2) + [coder]
        encoder = [
            Affine(_drawn((n_out, n_in), activation.init_std(n_in, n_out), rng), n_out)
            for (n_in, n_out), activation in zip(pairwise(widths), activations, strict=True)
        ]
        if layout.norm is not None:
            last = encoder[-1].weight.data
            last.copy_(layout.norm * F.normalize(last, dim=1))
        decoder = []
        for layer, activation in reversed(list(zip(encoder, [layout.output, *activations[:-1]], strict=True))):
            n_in, n_out = layer.weight.shape
            if layout.tied:
                weight = layer.weight
            elif (coder.transpose_initialised or layout.centred or layout.norm) and layer is encoder[-1]:
                weight = nn.Parameter(layer.weight.detach().clone())
            else:
                weight = _drawn((n_in, n_out), activation.init_std(n_in, n_out), rng)
            decoder.append(Affine(weight, n_out))
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.coder: nn.Module = coder.create_state(widths[-1])
        # η of each refinement
        self.refinements = nn.ParameterList(nn.Parameter(torch.tensor(0.3)) for _ in range(layout.refine))
        # float64: a column far from 0 must not lose its digits before it is centred
        self.register_buffer("shift", torch.zeros(widths[0], dtype=torch.float64))
        self.register_buffer("scale", torch.ones(widths[0], dtype=torch.float64))
        if layout.whitened:
            self.register_buffer("whitening", torch.eye(widths[0], dtype=torch.float64))
            self.register_buffer("colouring", torch.eye(widths[0], dtype=torch.float64))

    @cached_property
    def layers(self) -> tuple[tuple[Affine, ...], tuple[Affine, ...]]:
        """The encoder's layers and the decoder's: looked up once, for torch's lists are slow."""
        return tuple(map(_affine, self.encoder)), tuple(map(_affine, self.decoder))

    @property
    def dictionary(self) -> nn.Parameter:
        """[L, …]: what each latent adds to the decoder's first layer."""
        return self.layers[1][0].weight

    @property
    def outer_layers(self) -> tuple[Affine, Affine]:
        """The encoder's first layer and the decoder's last."""
        encoder, decoder = self.layers
        return encoder[0], decoder[-1]

    def scale_rows(self, x: Tensor) -> Tensor:
        """Return scaled rows [B, D] for rows in the input's units."""
        W = self.dictionary
        if x.dtype in EXACT and W.dtype == torch.float32 and not self.layout.whitened:
            # a shift rounded to float32 would put rows near 1e6 off their centre, its two halves do not
            high, inverse = self.shift.to(W), 1 / self.scale
            low = ((self.shift - high) * inverse).to(W)
            centred = x.to(W) - high
            return torch.addcmul(-low, centred, inverse.to(W), out=centred)
        scaled = (x.double() - self.shift) / self.scale
        return (scaled @ self.whitening if self.layout.whitened else scaled).to(self.dictionary.dtype)

    @property
    def rescales(self) -> bool:
        """Whether scaled rows are others than those in the input's units; on a GPU, to know it waits."""
        return self.layout.whitened or bool(self.shift.any()) or bool((self.scale != 1).any())

    def cast(self, x: Tensor) -> Tensor:
        """Return rows as numbers of the weights' kind; x itself, if it holds such."""
        return x.to(self.dictionary)

    def unscale_rows(self, x: Tensor) -> Tensor:
        """Return rows in the input's units for scaled rows [B, D]."""
        mixed = x.double() @ self.colouring if self.layout.whitened else x
        return (mixed * self.scale + self.shift).to(x.dtype)

    @torch.no_grad()
    def set_scaling(self, scaling: Scaling, moments: Moments) -> None:
        """Scale rows from now on as a scaling does for rows of these moments."""
        shift, scale = scaling.fit(moments)
        self.shift.copy_(torch.from_numpy(shift))
        self.scale.copy_(torch.from_numpy(scale))
        if isinstance(scaling, Whiten):
            whitening, colouring = scaling.matrices(moments)
            self.whitening.copy_(torch.from_numpy(whitening))
            self.colouring.copy_(torch.from_numpy(colouring))

    def pre_activations(self, x: Tensor) -> PreActivations:
        """Return what the encoder offers for scaled rows [B, D]."""
        centre = self.outer_layers[1].bias if self.layout.centred else None
        *hidden, last = self.layers[0]
        for layer in hidden:
            x = self.layout.hidden.activate(PreActivations(x, layer.weight, layer.bias, centre, self.kernels).dense())
            centre = None
        return PreActivations(x, last.weight, last.bias, centre, self.kernels)

    def pre_and_codes(
        self, x: Tensor, say: Callable[[PreActivations, nn.Module], Codes]
    ) -> tuple[PreActivations, Codes]:
        """Return what the encoder offers for scaled rows, and what a coding layer says of it."""
        pre = self.pre_activations(x)
        codes = say(pre, self.coder)
        for eta in self.refinements:
            pre = pre.plus(x - self.decode(codes), eta * self.dictionary)
            codes = say(pre, self.coder)
        return pre, codes

    def refined_pre(self, x: Tensor) -> PreActivations:
        """Return what the encoder offers to the coding layer for scaled rows, refined if it is to be."""
        return self.pre_and_codes(x, self.layout.coder)[0]

    def activate(self, pre: Tensor) -> Tensor:
        """Return the coding layer's activation of any pre-activations, where it looks at each alone."""
        coder = self.layout.coder
        if not isinstance(coder, Elementwise):
            raise RecipeError(f"{coder.name} does not look at each latent alone")
        return coder.activate(pre)

    def margin(self, pre: Tensor) -> Tensor:
        """Return by how much any pre-activations exceed where their latents begin to speak."""
        return self.layout.coder.margin(pre, self.coder)

    @torch.no_grad()
    def shift_biases(self, shift: Tensor) -> None:
        """Let latents speak the more readily, by [L] or [1] in units of pre-activations."""
        self.layout.coder.shift_biases(self.layers[0][-1].bias, self.coder, shift)

    @torch.no_grad()
    def compensate_output(self, change_L: Tensor) -> None:
        """Let the decoder's first bias take up a change of the codes' means."""
        first = self.layers[1][0]
        first.bias.sub_(change_L @ first.weight)

    @torch.no_grad()
    def initialise_output(self, mean_D: Tensor) -> None:
        """Set the decoder's last bias so that without any codes it says this scaled row."""
        sigmoid = self.layout.output.bounds == (0.0, 1.0)
        self.outer_layers[1].bias.copy_(torch.logit(mean_D, eps=1e-3) if sigmoid else mean_D)

    def by_latent(self) -> list[nn.Parameter]:
        """Return each parameter once that has a row for every latent; for one layer."""
        layer = self.layers[0][-1]
        return list(dict.fromkeys([layer.weight, layer.bias, self.dictionary, *self.coder.parameters()]))

    @torch.no_grad()
    def resampled_rows(self, alive_L: Tensor, directions_MD: Tensor) -> dict[nn.Parameter, Tensor]:
        """Return by parameter the rows of latents that begin anew in directions of length 1; for one layer.

        The dictionary's rows get the living's mean length, the encoder's a fifth of theirs, biases 0, and what else a
        latent learns the living's mean.
        """
        layer = self.layers[0][-1]
        new = {parameter: parameter[alive_L].mean(0) for parameter in self.coder.parameters()}
        new[layer.bias] = torch.zeros_like(layer.bias[0])
        new[layer.weight] = directions_MD * (0.2 * layer.weight[alive_L].norm(dim=1).mean())
        new[self.dictionary] = directions_MD * self.dictionary[alive_L].norm(dim=1).mean()
        return new

    def codes(self, x: Tensor) -> Codes:
        """Return the codes of scaled rows [B, D]."""
        return self.pre_and_codes(x, self.layout.coder)[1]

    def decode_linear(self, codes: Codes) -> Tensor:
        """Return what codes add to the decoder's first layer [B, …]."""
        return self.world.latents.sum(codes @ self.dictionary)

    def decode(self, codes: Codes, *, frozen: bool = False) -> Tensor:
        """Return the reconstruction before the output activation [B, D]; `frozen`: no gradient to the decoder."""
        (W, b), *rest = [(w.detach(), b.detach()) if frozen else (w, b) for w, b in self._decoding()]
        h = self.world.latents.sum(codes @ W).add_(b)
        for W, b in rest:
            h = self.layout.hidden.activate(h) @ W + b
        return h

    def _decoding(self) -> list[tuple[Tensor, Tensor]]:
        return [(layer.weight, layer.bias) for layer in self.layers[1]]

    def output(self, logits: Tensor) -> Tensor:
        """Return the scaled reconstruction [B, D]."""
        return self.layout.output.activate(logits)

    def output_gradient(self, recon: Tensor, up: Tensor) -> Tensor:
        """Return a gradient in the logits for one in the reconstruction."""
        return self.layout.output.gradient(recon, up)

    def encode(self, x: Tensor) -> Codes:
        """Return the codes of rows in the input's units."""
        return self.codes(self.scale_rows(x))

    def reconstruct(self, codes: Codes) -> Tensor:
        """Return rows in the input's units [B, D] for codes."""
        return self.unscale_rows(self.output(self.decode(codes)))

    def forward(self, x: Tensor) -> Tensor:
        """Return each row's reconstruction, in the input's units."""
        return self.reconstruct(self.encode(x))


def _affine(layer: Any) -> Affine:
    """Return the layer; nn.ModuleList has forgotten its type."""
    assert isinstance(layer, Affine)
    return layer


def _drawn(shape: Sequence[int], std: float, rng: torch.Generator) -> nn.Parameter:
    return nn.Parameter(std * torch.randn(tuple(shape), generator=rng))
