"""A sparse dictionary in the terms that all libraries share."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...core.errors import ArtifactError, RecipeError
from ...model import LayerNorm
from ...model.coding_layers import BatchTopK, ElementwiseForm, Form, GateForm, ThresholdForm, TopForm
from ..artifact import Artifact

RELU = ElementwiseForm("relu", None, torch.relu)
UNIT_NORM_TOLERANCE = 1e-3
UNKNOWN_K = 32  # has no effect until it is set
MEAN_BATCHES = 100  # BatchTopK's running mean of thresholds then goes on where it was


@dataclass(frozen=True, eq=False)
class Dictionary:
    """A sparse dictionary as plain tensors in float32, in the units of its rows.

    Parameters
    ----------
    encoder : Tensor [L, D]
        The encoder's weight; of a transcoder [L, inputs].
    encoder_bias : Tensor [L]
        The encoder's bias.
    decoder : Tensor [L, D]
        The decoder's weight, one direction per latent.
    bias : Tensor [D]
        The decoder's bias, which is also subtracted from the encoder's input, but for transcoders.
    form : Form
        The coding layer: codes are form((x - bias) encoder', encoder_bias).
    k : int or None
        The L0 that it was trained for, where the file tells it.
    batch_threshold : bool, default=False
        Whether the thresholds of a ThresholdForm, which are all equal, are that of BatchTopK.
    matryoshka : tuple of int or None
        Sizes of the nested dictionaries, where the file tells them.
    transcodes : bool, default=False
        Whether codes are of rows with other columns than those that are put out; nothing is subtracted from them.
    skip : Tensor [D, inputs] or None
        The linear map of a skip transcoder.
    scaling : {"none", "layer_norm", "layer_norm:centre=false"}, default="none"
        What is done to each row before it is encoded, and undone to its reconstruction.

    Raises
    ------
    ArtifactError
        The shapes do not fit each other, or a number is not finite.

    Examples
    --------
    >>> weights = torch.eye(3)
    >>> dictionary = Dictionary(weights, torch.zeros(3), weights, torch.zeros(3), TopForm(1, False), k=1)
    >>> dictionary.codes(torch.tensor([[1.0, 3.0, 2.0]]))
    tensor([[0., 3., 0.]])
    """

    encoder: Tensor
    encoder_bias: Tensor
    decoder: Tensor
    bias: Tensor
    form: Form
    k: int | None = None
    batch_threshold: bool = False
    matryoshka: tuple[int, ...] | None = None
    transcodes: bool = False
    skip: Tensor | None = None
    scaling: str = "none"

    def __post_init__(self) -> None:
        if self.decoder.dim() != 2 or not self.decoder.numel():
            raise ArtifactError(f"the decoder is {list(self.decoder.shape)}; a matrix [latents, columns] is required")
        n_latents, n_columns = self.decoder.shape
        n_inputs = self.encoder.shape[-1] if self.transcodes and self.encoder.dim() else n_columns
        skip = {} if self.skip is None else {"skip": (self.skip, (n_columns, n_inputs))}
        numbers = skip | {
            "encoder": (self.encoder, (n_latents, n_inputs)),
            "encoder's bias": (self.encoder_bias, (n_latents,)),
            "decoder": (self.decoder, (n_latents, n_columns)),
            "decoder's bias": (self.bias, (n_columns,)),
            **{f"coding layer's {name}": (numbers, (n_latents,)) for name, numbers in self.form.named_buffers()},
        }
        for name, (tensor, shape) in numbers.items():
            if tensor.shape != shape:
                raise ArtifactError(f"the {name} is {list(tensor.shape)}, but the decoder requires {list(shape)}")
            if not bool(tensor.isfinite().all()):
                raise ArtifactError(f"the {name} holds numbers that are not finite; the file is damaged")
        if isinstance(self.form, TopForm) and not 1 <= self.form.k <= n_latents:
            raise ArtifactError(f"k={self.form.k} is not 1 … {n_latents}, the number of latents; the file is damaged")

    def codes(self, x: Tensor) -> Tensor:
        """Return the codes [B, L] of rows [B, D], to which `scaling` was applied."""
        x = x if self.transcodes else x - self.bias
        codes: Tensor = self.form(x @ self.encoder.T, self.encoder_bias)
        return codes

    def reconstruct(self, codes: Tensor, x: Tensor | None = None) -> Tensor:
        """Return rows [B, D], from which `scaling` is not yet undone, for codes [B, L].

        A skip transcoder requires the rows x that the codes are of.
        """
        if self.skip is None:
            return codes @ self.decoder + self.bias
        assert x is not None
        return codes @ self.decoder + self.bias + x @ self.skip.T

    @property
    def has_unit_norm(self) -> bool:
        """Whether every direction has norm 1."""
        return bool(((self.decoder.norm(dim=1) - 1).abs() < UNIT_NORM_TOLERANCE).all())

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of a DictionaryAutoencoder that computes this and goes on training it."""
        sparsity, k = _SPARSITY[type(self.form)], self.k
        if isinstance(self.form, TopForm):
            k, sparsity = self.form.k, sparsity.format(k=self.form.k, signed=",signed=true" if self.form.signed else "")
        if self.batch_threshold:
            sparsity = f"batch_topk:{k}+auxk"
        return {
            "k": k or min(UNKNOWN_K, len(self.decoder)),
            "n_components": len(self.decoder),
            "sparsity": sparsity,
            "matryoshka": self.matryoshka,
            "constraint": "unit_norm" if self.has_unit_norm else "free",
            "scaling": self.scaling,
            "revive": None,
            "skip": self.skip is not None,
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return the numbers by the names of `Autoencoder.state_dict`."""
        tensors = {
            "encoder.0.weight": self.encoder,
            "encoder.0.bias": self.encoder_bias,
            "decoder.0.weight": self.decoder,
            "decoder.0.bias": self.bias,
        }
        if self.skip is not None:
            tensors["skip"] = self.skip
        match self.form:
            case ThresholdForm() if self.batch_threshold:
                tensors |= {"coder.value": self.form.threshold[0], "coder.batches": torch.tensor(MEAN_BATCHES)}
            case ThresholdForm():
                tensors |= {"coder.value": self.form.threshold, "coder.spread": torch.ones(())}
            case GateForm():
                tensors |= {"coder.log_scale": self.form.scale.log(), "coder.bias": self.form.bias}
        return tensors


_SPARSITY: dict[type[Form], str] = {
    TopForm: "topk:{k}{signed}+auxk",
    ThresholdForm: "jumprelu:0.1",
    GateForm: "gated+gated_aux",
    ElementwiseForm: "none",
}


def centred(
    encoder: Tensor,
    encoder_bias: Tensor,
    decoder: Tensor,
    bias: Tensor,
    form: Form,
    *,
    subtracts: bool,
    **known: Any,
) -> Dictionary:
    """Return a dictionary for the numbers of a file, in any precision.

    Parameters
    ----------
    encoder, encoder_bias, decoder, bias, form
        As of `Dictionary`.
    subtracts : bool
        Whether `bias` is subtracted from the encoder's input. If not, the encoder's bias is made to hold what the
        subtraction takes away: W x + b = W (x - c) + (b + W c).
    **known
        `k`, `batch_threshold`, `matryoshka`, `transcodes`, `skip` and `scaling`.

    Returns
    -------
    Dictionary
    """
    if isinstance(skip := known.get("skip"), Tensor):
        known["skip"] = _float32(skip)
    folds = not (subtracts or known.get("transcodes"))
    if folds and encoder.dim() == 2 and encoder.shape[1:] == bias.shape and len(encoder) == len(encoder_bias):
        encoder_bias = encoder_bias.double() + encoder.double() @ bias.double()
    return Dictionary(
        _float32(encoder), _float32(encoder_bias), _float32(decoder), _float32(bias), form.float(), **known
    )


def _float32(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.float32).contiguous()


def dictionary_of(artifact: Artifact) -> Dictionary:
    """Return the dictionary that a model is, with its scaling folded into the weights.

    Parameters
    ----------
    artifact : Artifact
        A model with one layer.

    Returns
    -------
    Dictionary
        Codes are the model's own; reconstructions are in the units of rows.

    Raises
    ------
    RecipeError
        The model is more than an encoder, a coding layer and a dictionary; the message has the name of the part.

    Notes
    -----
    With scaled rows (x - s) / u, the encoder's weight is W / u and the subtracted bias s + u c; the decoder's weight is
    D u. So its directions have other norms than in the model.
    """
    module, coder = artifact.inference_module(), artifact.model.layout.coder
    layout, (encoder, decoder) = module.layout, module.dense_layers
    if len(encoder) > 1:
        raise RecipeError("a model with hidden layers is not a dictionary; only models with one layer can be converted")
    if layout.output.name != "identity" or len(module.refinements) or layout.hides:
        part = "refine" if len(module.refinements) else "blind_spot" if layout.hides else layout.output.name
        raise RecipeError(f"{part} cannot be expressed in other libraries' dictionaries")
    scaling = artifact.settings.scaling
    by_row = isinstance(scaling, LayerNorm) and artifact.settings.target_scaling == scaling
    if module.knots is not None or (module.row_lengths is not None and not by_row):
        raise RecipeError(
            f"scaling={scaling.name!r} is not linear, so that it cannot be folded into weights; train without it"
        )
    shift, scale, target_shift, target_scale = (
        numbers.double() for numbers in (module.shift, module.scale, module.target_shift, module.target_scale)
    )
    weight, bias = encoder[0].weight.double(), encoder[0].bias.double()
    directions, centre = decoder[0].weight.double(), decoder[0].bias.double()
    if layout.subtracts_bias:
        bias = bias - weight @ centre
    if module.whitening is not None and module.target_colouring is not None:
        weight = weight @ module.whitening.double().T
        colouring = module.target_colouring.double()
        directions, centre = directions @ colouring, centre @ colouring
    weight = weight / scale
    bias = bias - weight @ shift
    skip = None if module.skip is None else module.skip.double()
    if skip is not None:
        if module.whitening is not None and module.target_colouring is not None:
            skip = module.target_colouring.double().T @ skip @ module.whitening.double().T
        skip = skip * target_scale[:, None] / scale
        target_shift = target_shift - skip @ shift
    targets = [term.target_value for term in artifact.settings.objective.terms if term.target_kind == "l0"]
    k = next((round(target) for target in [coder.target_l0, *targets] if target), None)
    return centred(
        weight,
        bias,
        directions * target_scale,
        centre * target_scale + target_shift,
        module.form,
        subtracts=False,
        k=k,
        batch_threshold=isinstance(coder, BatchTopK),
        transcodes=bool(layout.outputs),
        skip=skip,
        scaling=scaling.text if by_row else "none",
    )


def as_transcoder(dictionary: Dictionary) -> Dictionary:
    """Return a dictionary from whose rows nothing is subtracted: W (x - c) + b = W x + (b - W c)."""
    if dictionary.transcodes:
        return dictionary
    bias = dictionary.encoder_bias.double() - dictionary.encoder.double() @ dictionary.bias.double()
    return replace(dictionary, encoder_bias=_float32(bias), transcodes=True)


def with_unit_norm(dictionary: Dictionary, form: Form | None = None) -> Dictionary:
    """Return a dictionary with directions of norm 1 and the same reconstructions: each code is larger by its norm.

    Parameters
    ----------
    dictionary : Dictionary
        The dictionary.
    form : Form, optional
        The coding layer in units of the larger codes; by default the dictionary's own is made to fit them.

    Raises
    ------
    RecipeError
        TopK would then select other latents, and `form` is not given.
    """
    norms = dictionary.decoder.norm(dim=1).clamp_min(1e-8)
    batch_threshold = dictionary.batch_threshold
    match dictionary.form if form is None else None:
        case TopForm() if not dictionary.has_unit_norm:
            raise RecipeError("directions of different norms: TopK would select other latents if they had norm 1")
        case ThresholdForm(threshold=threshold):
            form, batch_threshold = ThresholdForm(threshold * norms), False
        case GateForm(scale=scale, bias=bias):
            form = GateForm(scale, bias * norms)
    return replace(
        dictionary,
        encoder=dictionary.encoder * norms[:, None],
        encoder_bias=dictionary.encoder_bias * norms,
        decoder=dictionary.decoder / norms[:, None],
        form=form or dictionary.form,
        batch_threshold=batch_threshold,
    )
