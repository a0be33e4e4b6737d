"""Transcoders of other libraries: read at 1e-5, written, and read again."""

import json

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.torch import load_file, save_file

import taciturn
from commandline import run
from taciturn import DictionaryAutoencoder
from taciturn.artifact.foreign import dictionary_of, format_of, read, write
from taciturn.core.errors import ArtifactError, RecipeError
from test_foreign import GOLDEN, assert_same, expected

RNG = np.random.default_rng(0)
NUMBERS = {
    "W_enc": RNG.normal(size=(9, 5)),
    "b_enc": RNG.normal(size=9),
    "W_dec": RNG.normal(size=(9, 4)),
    "b_dec": RNG.normal(size=4),
    "W_skip": RNG.normal(size=(4, 5)),
    "threshold": RNG.random(9),
}
X = RNG.normal(size=(20, 5)).astype(np.float32)


def jumprelu(numbers: dict[str, np.ndarray], x=X) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes and the outputs of a transcoder in float64, of a skip transcoder if there is a W_skip."""
    z = x.astype(np.float64) @ numbers["W_enc"].T + numbers["b_enc"]
    codes = np.maximum(z, 0) * (z > numbers.get("threshold", 0))
    skip = x @ numbers["W_skip"].T if "W_skip" in numbers else 0
    return codes, codes @ numbers["W_dec"] + numbers["b_dec"] + skip


def written(folder, name: str, numbers: dict[str, np.ndarray]) -> None:
    folder.mkdir(exist_ok=True)
    tensors = {key: torch.from_numpy(array.astype(np.float32)).contiguous() for key, array in numbers.items()}
    save_file(tensors, folder / name)


def square(numbers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the numbers of a transcoder whose targets have the rows' width."""
    return numbers | {"W_dec": np.eye(9, 5), "b_dec": np.arange(5.0), "W_skip": np.eye(5)[::-1]}


def test_sparsify():
    model, arrays = taciturn.load(GOLDEN / "sparsify/transcoder_skip"), expected("sparsify/transcoder_skip")
    assert_same(model.transform(arrays["x"]).toarray(), arrays["codes"])
    assert_same(model.predict(arrays["x"]), arrays["reconstruction"])
    assert model.get_params()["skip"]
    with pytest.raises(RecipeError, match="call predict"):
        model.denoise(arrays["x"])


@pytest.mark.parametrize("to", ["sparsify", "saelens", "circuit-tracer", "dictionary_learning"])
def test_sparsify_written_again(to, tmp_path):
    model, arrays = taciturn.load(GOLDEN / "sparsify/transcoder_skip"), expected("sparsify/transcoder_skip")
    if to != "sparsify":
        with pytest.raises(RecipeError, match=r"but not this coding layer|no such coding layer|has no transcoders"):
            model.to_dictionary(tmp_path / "new", to)
        return
    model.to_dictionary(tmp_path / "new", to)
    again = taciturn.load(tmp_path / "new")
    assert_same(again.predict(arrays["x"]), arrays["reconstruction"])
    original = load_file(GOLDEN / "sparsify/transcoder_skip" / "sae.safetensors")
    for name, tensor in load_file(tmp_path / "new" / "sae.safetensors").items():
        assert_same(tensor.numpy(), original[name].numpy())


@pytest.mark.parametrize("skip", [False, True])
def test_gemma_scope(skip, tmp_path):
    numbers = {name: array for name, array in NUMBERS.items() if skip or name != "W_skip"}
    names = {"W_enc": "w_enc", "W_dec": "w_dec", "W_skip": "affine_skip_connection"}
    transposed = {names.get(key, key): a.T if key in ("W_enc", "W_skip") else a for key, a in numbers.items()}
    written(tmp_path, "params.safetensors", transposed)
    config = {"architecture": "jump_relu", "hf_hook_point_in": "a", "hf_hook_point_out": "b"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model, (codes, outputs) = taciturn.load(tmp_path), jumprelu(numbers)
    assert_same(model.transform(X).toarray(), codes)
    assert_same(model.predict(X), outputs)


@pytest.mark.parametrize("kind", ["transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder"])
def test_saelens(kind, tmp_path):
    left_out = {"W_skip": "skip" not in kind, "threshold": "jumprelu" not in kind}
    numbers = {name: array for name, array in NUMBERS.items() if not left_out.get(name)}
    written(tmp_path / "sae", "sae_weights.safetensors", numbers | {"W_enc": numbers["W_enc"].T})
    cfg = {"architecture": kind, "d_in": 5, "d_out": 4, "d_sae": 9, "apply_b_dec_to_input": False}
    (tmp_path / "sae" / "cfg.json").write_text(json.dumps(cfg))
    model, (codes, outputs) = taciturn.load(tmp_path / "sae"), jumprelu(numbers)
    assert_same(model.transform(X).toarray(), codes)
    assert_same(model.predict(X), outputs)
    model.to_dictionary(tmp_path / "new", "saelens")
    again = json.loads((tmp_path / "new" / "cfg.json").read_text())
    assert {key: again[key] for key in cfg} == cfg
    assert_same(taciturn.load(tmp_path / "new").predict(X), outputs)
    (tmp_path / "sae" / "cfg.json").write_text(json.dumps(cfg | {"d_out": 5}))
    with pytest.raises(ArtifactError, match="d_in, d_out are not those of the weights"):
        read(tmp_path / "sae")


@pytest.mark.parametrize("left_out", [(), ("W_skip",), ("threshold",), ("W_skip", "threshold")])
def test_circuit_tracer(left_out, tmp_path):
    numbers = {name: array for name, array in square(NUMBERS).items() if name not in left_out}
    names = {"threshold": "activation_function.threshold"}
    written(tmp_path / "ct", "layer_7.safetensors", {names.get(key, key): a for key, a in numbers.items()})
    (tmp_path / "ct" / "config.yaml").write_text("model_kind: transcoder_set\n")
    model, (codes, outputs) = taciturn.load(tmp_path / "ct"), jumprelu(numbers)
    assert_same(model.transform(X).toarray(), codes)
    assert_same(model.predict(X), outputs)
    model.to_dictionary(tmp_path / "new", "circuit-tracer")
    assert format_of(tmp_path / "new") == "circuit-tracer"
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"config.yaml", "layer_0.safetensors"}
    tensors = load_file(tmp_path / "new" / "layer_0.safetensors")
    assert tensors.keys() == {names.get(key, key) for key in numbers}
    assert_same(taciturn.load(tmp_path / "new").predict(X), outputs)
    model.save(tmp_path / "ours")
    run("convert", tmp_path / "ours", tmp_path / "new", "--to", "circuit-tracer", "--overwrite")
    written(tmp_path / "new", "layer_1.safetensors", numbers)
    with pytest.raises(ArtifactError, match=r"holds 2 layers; copy config.yaml and one of them"):
        read(tmp_path / "new")


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
@pytest.mark.parametrize("scaling", ["none", "standard", "mean_norm", "whiten", "auto"])
@pytest.mark.parametrize("skip", [False, True])
def test_our_scalings_are_folded_into_the_weights(scaling, skip, tmp_path):
    rng = np.random.default_rng(1)
    x = rng.normal([5, -30, 0, 100, 2], [1, 9, 0.1, 4, 3], (200, 5)).astype(np.float32)
    for width in (5, 3):
        y = (np.maximum(x - x.mean(0), 0) @ rng.normal(size=(5, width)) * 50 + 1000).astype(np.float32)
        parameters = {"k": 3, "sparsity": "batch_topk", "scaling": scaling, "skip": skip}
        model = DictionaryAutoencoder(12, max_iter=3, random_state=0, **parameters).fit(x, target=y)
        dictionary = dictionary_of(model.to_artifact())
        rows = torch.from_numpy(x)
        codes = torch.from_numpy(model.transform(x).toarray())
        spread = abs(model.predict(x) - y.mean(0)).max()
        outputs = dictionary.reconstruct(codes, rows).numpy()
        np.testing.assert_allclose(outputs, model.predict(x), rtol=0, atol=1e-3 * spread)
        different = ((dictionary.codes(rows) != 0) != (codes != 0)).float().mean()
        assert different < 0.01
        if width == 5:
            write(dictionary, tmp_path / "ct", "circuit-tracer", overwrite=True)
            again = read(tmp_path / "ct")
            np.testing.assert_allclose(again.reconstruct(codes, rows).numpy(), outputs, rtol=0, atol=1e-3 * spread)
        else:
            for to in ("circuit-tracer", "sparsify"):
                with pytest.raises(RecipeError, match=r"requires targets of the rows' width|has only TopK"):
                    write(dictionary, tmp_path / to, to)


def test_trained_further():
    model = taciturn.load(GOLDEN / "sparsify/transcoder_skip").set_params(learning_rate=0.01, random_state=0)
    x = expected("sparsify/transcoder_skip")["x"]
    y = np.tanh(x)
    before = model.score(x, target=y)
    for _ in range(5):
        model.partial_fit(x, target=y)
    assert model.score(x, target=y) > before
    again = model.set_params(warm_start=True, max_iter=3).fit(x, target=y)
    assert again.settings_.layout.outputs == 16
    assert_array_equal(again.module_.shift.numpy(), 0)
