"""The autoencoder: scaling, encoder, coding layer and decoder as one torch module."""

from collections.abc import Callable
from functools import cached_property
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.seeds import normal_rows
from ..core.world import SINGLE_PROCESS, WHOLE_BATCH, Axis, RowShard
from ..kernels import Kernels, Plain
from .blind_spots import BlindSpots
from .codes import Codes, dense
from .coding_layers import CodingLayer, Elementwise
from .layout import Layout
from .pre_activations import PreActivations
from .scaled_module import ScaledModule, real_matrix


class Affine(nn.Module):
    """The parameters of one affine layer; layers with tied weights share the parameter `weight`.

    Parameters
    ----------
    weight : nn.Parameter
        [out, in] in the encoder, [in, out] in the decoder.
    n_out : int
        The length of the bias, which starts at 0.

    Examples
    --------
    >>> layer = Affine(nn.Parameter(torch.ones(2, 3)), 2)
    >>> layer.bias.shape
    torch.Size([2])
    """

    weight: nn.Parameter
    bias: nn.Parameter

    def __init__(self, weight: nn.Parameter, n_out: int) -> None:
        super().__init__()
        self.weight = weight
        self.bias = nn.Parameter(torch.zeros(n_out))


class Autoencoder(ScaledModule):
    """An autoencoder: rows in the input's units → codes → reconstructions in the targets' units.

    Parameters
    ----------
    layout : Layout
        Widths, activations and how the decoder mirrors the encoder.
    rng : torch.Generator or None
        Draws every weight; the global generator is not used. Biases start at 0. None: weights are not initialised, for
        a model that is loaded.
    kernels : Kernels, optional
        The sparse operations; None: Plain().
    latents : Axis, default=SINGLE_PROCESS
        The axis over which the latents of a network of one layer are distributed. Each process holds the rows of its
        own latents, of all that has one row per latent, and calls each method with the same rows as the others.

    Attributes
    ----------
    part : tuple of (int, int)
        The first latent of this process, and the one after its last.
    encoder, decoder : nn.ModuleList of Affine
        The layers. Encoder weights are [out, in], decoder weights [in, out], so that the dictionary's rows are the
        latents' directions and a tied pair is one parameter.
    coder : nn.Module
        The parameters and buffers of the coding layer.
    refinements : nn.ParameterList
        The scalar η of each refinement, initially 0.3.
    blind_spots : BlindSpots or None
        What estimates of hidden entries need; None unless the layout hides entries.
    skip : nn.Parameter or None
        [outputs, inputs]: the linear map of scaled rows that is added to the logits, initially 0; None unless skip.

    Notes
    -----
    The scaling is part of the model: see `ScaledModule` for its buffers. Calling the model is `reconstruct(encode(x))`,
    but for the lengths that a scaling by rows keeps; corruption is not part of the model, so `train()` and `eval()`
    make no difference.

    Examples
    --------
    >>> from taciturn.model.coding_layers import Sigmoid
    >>> model = Autoencoder(Layout((64, 300, 150), Sigmoid()), rng=torch.Generator().manual_seed(0))
    >>> x = torch.rand(5, 64)
    >>> model.encode(x).dense().shape, model(x).shape, model.dictionary.shape
    (torch.Size([5, 150]), torch.Size([5, 64]), torch.Size([150, 300]))
    """

    def __init__(
        self,
        layout: Layout,
        *,
        rng: torch.Generator | None,
        kernels: Kernels | None = None,
        latents: Axis = SINGLE_PROCESS,
    ) -> None:
        super().__init__(
            layout.widths[0],
            n_targets=layout.n_outputs,
            whitened=layout.whitened,
            quantiles=layout.quantiles,
            row_norm=layout.row_norm,
            centre_rows=layout.centre_rows,
        )
        self.layout, self.kernels, self.latents = layout, kernels or Plain(), latents
        widths, coder = layout.widths, layout.coder
        self.part = latents.part(widths[-1])
        activations: list[CodingLayer] = [layout.hidden] * (len(widths) - 2) + [coder]
        parts = [(0, width) for width in widths[1:-1]] + [self.part]
        weights = [
            _normal_weight((n_out, n_in), part, activation.init_std(n_in, n_out), rng)
            for (n_in, n_out), part, activation in zip(pairwise(widths), parts, activations, strict=True)
        ]
        encoder = [Affine(weight, len(weight)) for weight in weights]
        if layout.norm is not None and rng is not None:
            last = encoder[-1].weight.data
            last.copy_(layout.norm * F.normalize(last, dim=1))
        decoder = []
        mirrored = zip(encoder, pairwise(widths), parts, [layout.output, *activations[:-1]], strict=True)
        for layer, (n_out, n_in), part, activation in reversed(list(mirrored)):
            transcodes = bool(layout.outputs) and layer is encoder[0]
            if layout.tied:
                weight = layer.weight
            elif transcodes:
                n_out = layout.outputs
                weight = _normal_weight((n_in, n_out), part, activation.init_std(n_in, n_out), rng)
                if layout.norm is not None and rng is not None and layer is encoder[-1]:
                    weight.data.copy_(layout.norm * F.normalize(weight.data, dim=1))
            elif (coder.transpose_initialised or layout.centred or layout.norm) and layer is encoder[-1]:
                weight = nn.Parameter(layer.weight.detach().clone())
            else:
                weight = _normal_weight((n_in, n_out), part, activation.init_std(n_in, n_out), rng)
            decoder.append(Affine(weight, n_out))
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.coder: nn.Module = coder.create_state(self.part[1] - self.part[0])
        # η of each refinement
        self.refinements = nn.ParameterList(nn.Parameter(torch.tensor(0.3)) for _ in range(layout.refine))
        self.blind_spots = BlindSpots(widths[0]) if layout.hides else None
        self.skip = nn.Parameter(torch.zeros(layout.outputs, widths[0])) if layout.skip else None

    skip: nn.Parameter | None

    @cached_property
    def layers(self) -> tuple[tuple[Affine, ...], tuple[Affine, ...]]:
        """The encoder's layers and the decoder's, as tuples; cached, because indexing an nn.ModuleList is slow."""
        return tuple(map(affine, self.encoder)), tuple(map(affine, self.decoder))

    @property
    def n_latents(self) -> int:
        """The number of latents of the whole dictionary, over all processes."""
        return self.layout.widths[-1]

    @property
    def dictionary(self) -> nn.Parameter:
        """The weight of the decoder's first layer, one row per latent: [L, D] in a network of one layer."""
        return self.layers[1][0].weight

    @property
    def weights(self) -> list[nn.Parameter]:
        """The weights of all layers, without the biases; tied ones once."""
        skip = [] if self.skip is None else [self.skip]
        return [*dict.fromkeys(layer.weight for layers in self.layers for layer in layers), *skip]

    @property
    def outer_layers(self) -> tuple[Affine, Affine]:
        """The encoder's first layer and the decoder's last."""
        encoder, decoder = self.layers
        return encoder[0], decoder[-1]

    @property
    def row_multiplications(self) -> int:
        """Multiplications of the largest product, per row."""
        return max(layer.weight.numel() for layer in self.layers[0])

    def pre_activations(self, x: Tensor, shard: RowShard = WHOLE_BATCH) -> PreActivations:
        """Return the pre-activations of scaled rows [B, D], before any refinement."""
        *hidden, x = self._encoder_inputs(x)
        last = self.layers[0][-1]
        centre = None if hidden else self._centre
        return PreActivations(x, last.weight, last.bias, centre, self.kernels, shard=shard, latents=self.latents)

    @property
    def _centre(self) -> Tensor | None:
        """What is subtracted from the input of the encoder's first layer."""
        return self.outer_layers[1].bias if self.layout.subtracts_bias else None

    def _encoder_inputs(self, x: Tensor) -> list[Tensor]:
        """Return the input of each layer of the encoder: scaled rows, then the activations of the hidden layers."""
        inputs, centre = [x], self._centre
        for layer in self.layers[0][:-1]:
            pre = PreActivations(inputs[-1], layer.weight, layer.bias, centre, self.kernels)
            inputs.append(self.layout.hidden.activate(pre.dense()))
            centre = None
        return inputs

    def hidden_activations(self, x: Tensor) -> list[Tensor]:
        """Return the activations of all hidden layers for scaled rows [B, D], from the first to the last [B, …].

        They are those of the encoder's hidden layers, the codes, and those of the decoder's hidden layers.
        """
        codes = self.codes(x)
        layers, product = [*self._encoder_inputs(x)[1:], codes.dense()], self.decode_linear(codes)
        for layer, following in pairwise(self.layers[1]):
            layers.append(self.layout.hidden.activate(product + layer.bias))
            product = layers[-1] @ following.weight
        return layers

    def pre_and_codes(
        self, x: Tensor, coding_function: Callable[[PreActivations, nn.Module], Codes], shard: RowShard = WHOLE_BATCH
    ) -> tuple[PreActivations, Codes]:
        """Return the pre-activations and the codes of scaled rows, after all refinements.

        Parameters
        ----------
        x : Tensor [B, D]
            Scaled rows.
        coding_function : callable (PreActivations, nn.Module) -> Codes
            A coding layer, or its `training_codes`; called once and after each refinement.
        shard : RowShard, default=WHOLE_BATCH
            Which rows of a batch these are, for codes that depend on the whole batch.

        Returns
        -------
        tuple of (PreActivations, Codes)
        """
        pre = self.refined_pre(x, coding_function, shard)
        return pre, coding_function(pre, self.coder)

    def refined_pre(
        self,
        x: Tensor,
        coding_function: Callable[[PreActivations, nn.Module], Codes] | None = None,
        shard: RowShard = WHOLE_BATCH,
    ) -> PreActivations:
        """Return the pre-activations of scaled rows [B, D], after all refinements.

        Each refinement needs the codes before it: those of the coding layer, or of `coding_function`.
        """
        pre = self.pre_activations(x, shard)
        for eta in self.refinements:
            codes = (coding_function or self.layout.coder)(pre, self.coder)
            pre = pre.plus(self.latents.distributed(x - self.decode(codes)), eta * self.dictionary)
        return pre

    def activate(self, pre: Tensor) -> Tensor:
        """Return the coding layer's activation of pre-activations of any shape.

        Raises
        ------
        RecipeError
            If the coding layer is not elementwise.
        """
        coder = self.layout.coder
        if not isinstance(coder, Elementwise):
            raise RecipeError(f"{coder.name} is not elementwise; use activation=sigmoid or another elementwise one")
        return coder.activate(pre)

    def margin(self, pre: Tensor) -> Tensor:
        """Return by how much pre-activations [B, L] exceed the value above which their latents are active."""
        return self.layout.coder.margin(pre, self.coder)

    @torch.no_grad()
    def shift_biases(self, shift: Tensor) -> None:
        """Add `shift` ([L] or [1], in units of pre-activations) to the latents' biases.

        A coding layer may move something else instead: JumpReLU lowers its thresholds.
        """
        self.layout.coder.shift_biases(self.layers[0][-1].bias, self.coder, shift)

    @torch.no_grad()
    def compensate_output(self, change_L: Tensor) -> None:
        """Subtract from the decoder's first bias what a change of the codes' means [L] adds to its first layer.

        Where this bias is also subtracted from the encoder's input, the latents' biases move so that codes stay.
        """
        encoder, first = self.layers[0][-1], self.layers[1][0]
        change = self.latents.sum(change_L @ first.weight)
        first.bias.sub_(change)
        if self.layout.subtracts_bias and first is self.outer_layers[1]:
            self.layout.coder.compensate_rise(encoder.bias, self.coder, F.linear(change[None], encoder.weight)[0])

    @torch.no_grad()
    def initialise_output(self, mean_D: Tensor) -> None:
        """Set the decoder's last bias, so that codes of 0 decode to this scaled row [D].

        The bias is the row itself; for a sigmoid output the row's logit, with the row clamped to [0.001, 0.999]; for a
        category the logarithm of its levels' shares.
        """
        self.outer_layers[1].bias.copy_(self.layout.output.inverse(mean_D))

    @torch.no_grad()
    def initialise_dictionary(self, x: Tensor) -> None:
        """Turn the initial directions of the latents towards scaled rows x [N, D]; nothing without `Layout.from_rows`.

        A direction is the sum of a drawn one and of a row's, less the centre, with the weights 1 - s and s; its norm
        stays. A latent with a drawn direction alone can be active on no row, because rows vary along few directions.
        """
        share, encoder = self.layout.from_rows, self.layers[0][-1]
        if not share:
            return
        rows = x[self.spread(len(x)).to(x.device)]
        drawn = F.normalize(encoder.weight, dim=1)
        directions = share * F.normalize(rows - self.outer_layers[1].bias, dim=1) + (1 - share) * drawn
        directions = F.normalize(directions, dim=1)
        for weight in dict.fromkeys((encoder.weight, self.dictionary)):
            weight.copy_(directions * weight.norm(dim=1, keepdim=True))

    def spread(self, n_rows: int) -> Tensor:
        """Return the number of a row for each latent here, so that all latents are spread evenly over the rows."""
        return torch.arange(*self.part) * n_rows // self.n_latents

    def latent_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that have one row per latent, each once; for a network of one layer."""
        layer = self.layers[0][-1]
        return list(dict.fromkeys([layer.weight, layer.bias, self.dictionary, *self.coder.parameters()]))

    def shared_parameters(self) -> list[nn.Parameter]:
        """Return the other parameters, which all processes hold; for a network of one layer."""
        own = {id(parameter) for parameter in self.latent_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in own]

    def names_of_parts(self) -> set[str]:
        """Return the names of parameters of which this process holds its latents' rows; none if it holds all rows."""
        own = {id(parameter) for parameter in self.latent_parameters()} if self.latents.size > 1 else set()
        return {name for name, parameter in self.named_parameters() if id(parameter) in own}

    @torch.no_grad()
    def resampled_rows(
        self, alive_L: Tensor, directions_MD: Tensor, inputs_MD: Tensor | None = None
    ) -> dict[nn.Parameter, Tensor]:
        """Return new rows for resampled latents, by parameter; for a network of one layer.

        Parameters
        ----------
        alive_L : Tensor [L] of bool
            The latents that are not resampled.
        directions_MD : Tensor [M, D]
            The directions of the M resampled latents, of norm 1.
        inputs_MD : Tensor [M, D], optional
            The directions of the encoder's rows, of norm 1; by default the same. A transcoder's have other columns.

        Returns
        -------
        dict of nn.Parameter to Tensor
            For the dictionary: the directions times the mean norm of the alive latents' rows. For the encoder: times a
            fifth of the mean norm of theirs, so that a resampled latent starts with small codes; tied weights are
            those of the dictionary. Biases are 0, every other parameter of a latent is the alive latents' mean. Rows
            [M, …], or one value for all of them.
        """
        layer = self.layers[0][-1]
        new = {parameter: self.mean_of(parameter[alive_L]) for parameter in self.coder.parameters()}
        new[layer.bias] = torch.zeros_like(layer.bias[0])
        inputs_MD = directions_MD if inputs_MD is None else inputs_MD
        new[layer.weight] = inputs_MD * (0.2 * self.mean_of(layer.weight[alive_L].norm(dim=1)))
        new[self.dictionary] = directions_MD * self.mean_of(self.dictionary[alive_L].norm(dim=1))
        return new

    def mean_of(self, numbers_M: Tensor) -> Tensor:
        """Return the mean over latents of one number for each of some latents [M], those of other processes too."""
        if self.latents.size == 1:
            return numbers_M.mean(0)
        return self.latents.sum(numbers_M.sum(0)) / self.latents.sum(numbers_M.new_tensor(float(len(numbers_M))))

    def codes(self, x: Tensor) -> Codes:
        """Return the codes of scaled rows [B, D]."""
        return self.pre_and_codes(x, self.layout.coder)[1]

    def decode_linear(self, codes: Codes) -> Tensor:
        """Return the product of codes and the dictionary [B, …], without a bias."""
        return self.latents.sum(codes @ self.dictionary)

    def decode(self, codes: Codes, x: Tensor | None = None, *, frozen: bool = False) -> Tensor:
        """Return the logits, the reconstruction before the output activation.

        Parameters
        ----------
        codes : Codes [B, L]
            Dense or sparse.
        x : Tensor [B, D], optional
            The scaled rows that the codes are of. A skip transcoder adds a linear map of them.
        frozen : bool, default=False
            Pass no gradient to the decoder's parameters.

        Returns
        -------
        Tensor [B, D]

        Raises
        ------
        RecipeError
            The model is a skip transcoder, and the rows are not given.
        """
        (W, b), *rest = [(w.detach(), b.detach()) if frozen else (w, b) for w, b in self._decoder_parameters()]
        h = self.latents.sum(codes @ W).add_(self.latents.once(b))
        for W, b in rest:
            h = self.layout.hidden.activate(h) @ W + b
        if self.skip is None:
            return h
        if x is None:
            raise RecipeError(
                "skip=True: codes alone do not give the targets, which depend on rows too; use predict(X)"
            )
        return h + F.linear(x, self.skip.detach() if frozen else self.latents.once(self.skip))

    def _decoder_parameters(self) -> list[tuple[Tensor, Tensor]]:
        return [(layer.weight, layer.bias) for layer in self.layers[1]]

    def output(self, logits: Tensor) -> Tensor:
        """Return the scaled reconstruction [B, D]: the output activation of logits."""
        return self.layout.output.activate(logits)

    def output_gradient(self, recon: Tensor, up: Tensor) -> Tensor:
        """Return the gradient in the logits [B, D], given the reconstruction and the gradient `up` in it."""
        return self.layout.output.gradient(recon, up)

    def encode(self, x: Tensor) -> Codes:
        """Return the codes [B, L] of rows in the input's units [B, D].

        Raises
        ------
        DataError
            x is not a tensor of real numbers [B, D].
        """
        return self.codes(self.scale_rows(x))

    def reconstruct(self, codes: Codes | Tensor) -> Tensor:
        """Return rows in the targets' units [B, D] for codes [B, L].

        Under a scaling by rows, whose lengths codes do not know, they have the mean length of the training rows.

        Raises
        ------
        DataError
            A tensor of codes is not [B, L] or not real.
        """
        if not isinstance(codes, Codes):
            codes = dense(real_matrix(codes, self.layout.widths[-1], "codes").to(self.dictionary))
        return self.unscale_rows(self.output(self.decode(codes)))

    def denoise(self, x: Tensor) -> Tensor:
        """Return rows without noise [B, D], in the targets' units, for noisy rows in the input's units.

        They are the reconstructions; for a model that hides entries, `BlindSpots.denoised`.
        """
        missing = x.isnan() if x.is_floating_point() and self.blind_spots is not None else None
        scaled, lengths = self.scaled_and_lengths(x)
        return self.unscale_rows(self.denoised(scaled, missing), lengths)

    def denoised(self, x: Tensor, missing: Tensor | None = None) -> Tensor:
        """Return scaled rows without noise [B, D] for scaled noisy rows, of which `missing` [B, D] are unknown."""
        if self.blind_spots is None:
            return self.output(self.decode(self.codes(x), x))
        return self.blind_spots.denoised(self, x, missing)

    def predicted(self, x: Tensor) -> Tensor:
        """Return what is compared with scaled rows [B, D] themselves: the reconstructions.

        For a model that hides entries, the estimate of each entry from the others: only its error tells something of
        the rows without noise.
        """
        if self.blind_spots is None:
            return self.output(self.decode(self.codes(x), x))
        return self.blind_spots.estimates(self, x)

    def forward(self, x: Tensor) -> Tensor:
        """Return the reconstruction [B, D], in the targets' units, of rows in the input's units."""
        scaled, lengths = self.scaled_and_lengths(x)
        return self.unscale_rows(self.output(self.decode(self.codes(scaled), scaled)), lengths)


def affine(layer: Any) -> Affine:
    """Return the layer as an Affine; the elements of an nn.ModuleList have no specific type."""
    assert isinstance(layer, Affine)
    return layer


def _normal_weight(
    shape: tuple[int, int], part: tuple[int, int], std: float, rng: torch.Generator | None
) -> nn.Parameter:
    """Return some rows of a weight drawn from N(0, std²), or of one that is not initialised."""
    start, stop = part
    if rng is None:
        return nn.Parameter(torch.empty(stop - start, shape[1]))
    drawn = torch.randn(shape, generator=rng) if stop - start == shape[0] else normal_rows(*shape, rng, part)
    return nn.Parameter(drawn.mul_(std))
