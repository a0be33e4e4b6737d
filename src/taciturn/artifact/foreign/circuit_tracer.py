"""Transcoders in the format of circuit-tracer: config.yaml and layer_N.safetensors."""

from pathlib import Path

from ...core.errors import ArtifactError, RecipeError
from ...core.messages import one_line
from ...model.coding_layers import ElementwiseForm, ThresholdForm
from .dictionary import RELU, Dictionary, as_transcoder, centred
from .files import Tensors, write_tensors

CONFIG, WEIGHTS = "config.yaml", "layer_0.safetensors"
THRESHOLD = "activation_function.threshold"
# The hooks are those of a transformer's MLP in TransformerLens; a transcoder of other activations has others.
CONFIG_TEXT = """model_kind: transcoder_set
feature_input_hook: mlp.hook_in
feature_output_hook: hook_mlp_out
scan: taciturn
"""


def recognises(path: Path) -> bool:
    """Return whether a folder holds layers of circuit-tracer."""
    return any(path.glob("layer_*.safetensors"))


def read(path: Path) -> Dictionary:
    """Return the transcoder of a folder of circuit-tracer with one layer.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    Dictionary
        With ReLU or JumpReLU.

    Raises
    ------
    ArtifactError
        There are several layers, or the file is damaged.
    """
    files = sorted(path.glob("layer_*.safetensors"))
    if len(files) != 1:
        raise ArtifactError(
            f"{one_line(path)} holds {len(files)} layers; copy {CONFIG} and one of them into a folder of their own"
        )
    tensors = Tensors(files[0])
    encoder, encoder_bias = tensors.matrix("W_enc"), tensors.take("b_enc")
    decoder, bias = tensors.matrix("W_dec"), tensors.take("b_dec")
    skip = tensors.matrix("W_skip") if "W_skip" in tensors else None
    form = ThresholdForm(tensors.thresholds(THRESHOLD)) if THRESHOLD in tensors else RELU
    tensors.check_all_taken()
    return centred(encoder, encoder_bias, decoder, bias, form, subtracts=False, transcodes=True, skip=skip)


def write(dictionary: Dictionary, folder: Path) -> None:
    """Write a transcoder into an existing folder, as circuit-tracer reads it, as its layer 0.

    Parameters
    ----------
    dictionary : Dictionary
        A dictionary is written as the transcoder from rows to themselves that it is.
    folder : Path
        An existing folder.

    Raises
    ------
    RecipeError
        circuit-tracer does not have the coding layer, or targets have another width than rows.
    """
    dictionary = as_transcoder(dictionary)
    (n_latents, n_inputs), n_outputs = dictionary.encoder.shape, dictionary.decoder.shape[1]
    if n_inputs != n_outputs:
        raise RecipeError(f"circuit-tracer requires targets of the rows' width, {n_inputs}, but they have {n_outputs}")
    tensors = {
        "W_enc": dictionary.encoder,
        "b_enc": dictionary.encoder_bias,
        "W_dec": dictionary.decoder,
        "b_dec": dictionary.bias,
    }
    match form := dictionary.form:
        case ThresholdForm():
            tensors[THRESHOLD] = form.threshold.expand(n_latents)
        case ElementwiseForm(activation="relu"):
            pass
        case _:
            raise RecipeError("circuit-tracer has no such coding layer; it has ReLU and JumpReLU (and so BatchTopK)")
    if dictionary.skip is not None:
        tensors["W_skip"] = dictionary.skip
    write_tensors(tensors, folder / WEIGHTS)
    (folder / CONFIG).write_text(CONFIG_TEXT, encoding="utf-8")
