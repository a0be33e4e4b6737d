"""The autoencoder: scaling, encoder, coding layer and decoder as one torch module."""

from collections.abc import Callable
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.errors import RecipeError
from ..core.world import SINGLE_PROCESS, WHOLE_BATCH, Axis, RowShard
from ..kernels import Kernels, Plain
from .blind_spots import BlindSpots
from .codes import Codes, dense
from .coding_layers import Elementwise
from .initial_layers import new_layers
from .layers import Layer, layer_of
from .layout import Layout
from .pre_activations import PreActivations
from .scaled_module import ScaledModule, real_matrix


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
    encoder, decoder : nn.ModuleList of Layer
        The layers. Dense encoder weights are [out, in], decoder weights [in, out], so that the dictionary's rows are
        the latents' directions and a tied pair is one parameter.
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
        self.part = latents.part(layout.widths[-1])
        encoder, decoder = self._new_layers(rng)
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)
        self.coder: nn.Module = layout.coder.create_state(self.part[1] - self.part[0])
        # η of each refinement
        self.refinements = nn.ParameterList(nn.Parameter(torch.tensor(0.3)) for _ in range(layout.refine))
        self.blind_spots = BlindSpots(layout.widths[0]) if layout.hides else None
        self.skip = nn.Parameter(torch.zeros(layout.outputs, layout.widths[0])) if layout.skip else None

    skip: nn.Parameter | None

    def _new_layers(self, rng: torch.Generator | None) -> tuple[list[Layer], list[Layer]]:
        """Return the layers of the encoder and of the decoder."""
        return new_layers(self.layout, rng, self.part)

    @cached_property
    def layers(self) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
        """The encoder's layers and the decoder's, as tuples; cached, because indexing an nn.ModuleList is slow."""
        return tuple(map(layer_of, self.encoder)), tuple(map(layer_of, self.decoder))

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
    def outer_layers(self) -> tuple[Layer, Layer]:
        """The encoder's first layer and the decoder's last."""
        encoder, decoder = self.layers
        return encoder[0], decoder[-1]

    @property
    def row_multiplications(self) -> int:
        """Multiplications of the largest product, per row."""
        return max(layer.multiplications for layer in self.layers[0])

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
            x = inputs[-1] if centre is None else inputs[-1] - centre
            inputs.append(self.layout.hidden.activate(layer.encode(x)))
            centre = None
        return inputs

    def hidden_activations(self, x: Tensor) -> list[Tensor]:
        """Return the activations of all hidden layers for scaled rows [B, D], from the first to the last [B, …].

        They are those of the encoder's hidden layers, the codes, and those of the decoder's hidden layers.
        """
        codes = self.codes(x)
        layers, hidden = [*self._encoder_inputs(x)[1:], codes.dense()], self.layout.hidden
        first, *rest = self.layers[1]
        h = self.decode_linear(codes) + first.bias
        for layer in rest:
            layers.append(hidden.activate(h))
            h = layer.decode(layers[-1])
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
        every = self.named_parameters(remove_duplicate=False)  # a tied weight has two names
        return {name for name, parameter in every if id(parameter) in own}

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
        first, *rest = self.layers[1]
        W, b = first.parameters_of(frozen)
        h = self.latents.sum(codes @ W).add_(self.latents.once(b))
        for layer in rest:
            h = layer.decode(self.layout.hidden.activate(h), frozen=frozen)
        if self.skip is None:
            return h
        if x is None:
            raise RecipeError(
                "skip=True: codes alone do not give the targets, which depend on rows too; use predict(X)"
            )
        return h + F.linear(x, self.skip.detach() if frozen else self.latents.once(self.skip))

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
