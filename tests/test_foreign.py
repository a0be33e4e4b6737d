"""Dictionaries of other libraries: read at 1e-5, written back, and refused in one line where damaged."""

import io
import json
import os
import pickle
import shutil
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import taciturn
from commandline import output_text, run
from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.artifact.foreign import dictionary_of, format_of, read, write
from taciturn.core.errors import ArtifactError, RecipeError, TaciturnError, TaciturnWarning
from taciturn.model.coding_layers import ThresholdForm, TopForm

GOLDEN = Path(__file__).parent / "golden" / "interop"
TRANSCODERS = ("sparsify/transcoder_skip",)  # see test_foreign_transcoders.py
NAMES = sorted(str(path.parent.relative_to(GOLDEN)) for path in GOLDEN.glob("*/*/expected.npz"))
READ = [name for name in NAMES if name not in TRANSCODERS]
WRITERS = ("saelens", "sparsify", "dictionary_learning", "sentence-transformers")


def expected(name: str) -> dict[str, np.ndarray]:
    """Return the rows, and the codes and reconstructions that the other library's own code computed."""
    with np.load(GOLDEN / name / "expected.npz") as stored:
        arrays = dict(stored)
    if "codes" not in arrays:
        arrays["codes"] = np.zeros((len(arrays["x"]), 48), np.float32)
        np.put_along_axis(arrays["codes"], arrays["top_indices"], arrays["top_acts"], 1)
    return arrays


def assert_same(actual, desired):
    """Compare at 1e-5 of the largest number."""
    np.testing.assert_allclose(actual, desired, rtol=0, atol=1e-5 * abs(desired).max())


def test_there_are_eighteen():
    assert len(NAMES) == 18


@pytest.mark.parametrize("name", READ)
def test_read(name):
    model, arrays = taciturn.load(GOLDEN / name), expected(name)
    codes = model.transform(arrays["x"]).toarray()
    assert ((codes != 0) == (arrays["codes"] != 0)).all()
    assert_same(codes, arrays["codes"])
    assert_same(model.denoise(arrays["x"]), arrays["reconstruction"])
    if model.scaling == "none":  # else codes do not know how long their row was
        assert_same(model.inverse_transform(arrays["codes"]), arrays["reconstruction"])


@pytest.mark.parametrize("name", READ)
def test_read_saved_and_read_again(name, tmp_path):
    model, x = taciturn.load(GOLDEN / name), expected(name)["x"]
    model.save(tmp_path / "ours")
    assert (taciturn.load(tmp_path / "ours").transform(x) != model.transform(x)).nnz == 0


@pytest.mark.parametrize("to", WRITERS)
@pytest.mark.parametrize("name", READ)
def test_written_and_read_again(name, to, tmp_path):
    dictionary, arrays = read(GOLDEN / name), expected(name)
    if to != "saelens" and dictionary.scaling != "none":
        with pytest.raises(RecipeError, match=f"{to} has no scaling of each row"):
            write(dictionary, tmp_path / "new", to)
        return
    if to == "sparsify" and not isinstance(dictionary.form, TopForm):
        with pytest.raises(RecipeError, match="sparsify has only TopK"):
            write(dictionary, tmp_path / "new", to)
        assert not (tmp_path / "new").exists()
        return
    if to == "sentence-transformers" and not name.startswith("sentence_transformers"):
        with pytest.raises(RecipeError, match=r"requires a decoder that is the encoder's|only TopK"):
            write(dictionary, tmp_path / "new", to)
        return
    write(dictionary, tmp_path / "new", to)
    assert format_of(tmp_path / "new") == to
    again = read(tmp_path / "new")
    model, x = taciturn.load(tmp_path / "new"), arrays["x"]
    codes = model.transform(x).toarray()
    assert_same(model.denoise(x), arrays["reconstruction"])
    if to != "dictionary_learning":  # which gets directions of norm 1, and codes to match
        assert_same(codes, arrays["codes"])
        assert again.k == dictionary.k
        assert again.scaling == dictionary.scaling


def test_directions_of_dictionary_learning_have_norm_1(tmp_path):
    for name in ("saelens/standard_bdec_true", "saelens/jumprelu", "saelens/gated"):
        dictionary, x = read(GOLDEN / name), torch.from_numpy(expected(name)["x"])
        write(dictionary, tmp_path / name, "dictionary_learning")
        again = read(tmp_path / name)
        assert_same(again.decoder.norm(dim=1).numpy(), np.ones(48))
        norms = dictionary.decoder.norm(dim=1)
        assert_same(again.codes(x).numpy(), (dictionary.codes(x) * norms).numpy())


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
@pytest.mark.parametrize("scaling", ["none", "standard", "mean_norm", "minmax", "whiten", "robust", "auto"])
@pytest.mark.parametrize("sparsity", ["topk", "batch_topk", "jumprelu", "gated", "l1"])
def test_our_scaling_is_folded_into_the_weights(scaling, sparsity):
    x = np.random.default_rng(0).normal([5, -300, 0, 1e3, 2, 7], [1, 9, 0.1, 40, 3, 2], (200, 6)).astype(np.float32)
    model = DictionaryAutoencoder(12, k=3, sparsity=sparsity, scaling=scaling, max_iter=1, random_state=0).fit(x)
    dictionary = dictionary_of(model.to_artifact())
    assert dictionary.k == 3
    codes, rows = model.transform(x).toarray(), torch.from_numpy(x)
    assert_same(dictionary.reconstruct(torch.from_numpy(codes)).numpy(), model.inverse_transform(codes))
    # a code at the edge of its threshold may be on either side of it in float32
    different = (dictionary.codes(rows).numpy() != 0) != (codes != 0)
    assert different.mean() < 0.01
    np.testing.assert_allclose(
        np.where(different, 0, dictionary.codes(rows).numpy()), np.where(different, 0, codes), atol=2e-3 * codes.max()
    )


def test_rows_of_norm_one_are_what_saelens_computes(tmp_path):
    """constant_norm_rescale: the row times √D / its norm, and the reconstruction divided by it again, in NumPy."""
    folder = altered(tmp_path, "saelens/topk", lambda cfg: cfg.update(normalize_activations="constant_norm_rescale"))
    dictionary, x = read(folder), expected("saelens/topk")["x"]
    factor = np.sqrt(16) / np.linalg.norm(x, axis=1, keepdims=True)
    codes = dictionary.codes(torch.from_numpy(x * factor).float())
    model = taciturn.load(folder)
    assert_same(model.transform(x).toarray(), codes.numpy())
    assert_same(model.denoise(x), dictionary.reconstruct(codes).numpy() / factor)
    model.to_dictionary(tmp_path / "new", "saelens")
    assert json.loads((tmp_path / "new/cfg.json").read_text())["normalize_activations"] == "constant_norm_rescale"
    assert_same(taciturn.load(tmp_path / "new").denoise(x), model.denoise(x))


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
@pytest.mark.parametrize("sparsity", ["topk", "batch_topk", "jumprelu", "gated", "l1"])
def test_a_model_of_layer_norm_for_saelens(sparsity, tmp_path):
    x = np.random.default_rng(0).normal(5, 3, (300, 8)).astype(np.float32)
    model = DictionaryAutoencoder(12, k=3, sparsity=sparsity, scaling="layer_norm", max_iter=2, random_state=0).fit(x)
    model.to_dictionary(tmp_path / "sae", "saelens")
    assert json.loads((tmp_path / "sae/cfg.json").read_text())["normalize_activations"] == "layer_norm"
    again = taciturn.load(tmp_path / "sae")
    assert_same(again.transform(x).toarray(), model.transform(x).toarray())
    assert_same(again.denoise(x), model.denoise(x))


@pytest.mark.parametrize(
    ("estimator", "part"),
    [
        (SparseAutoencoder((8, 4), max_iter=1), "hidden layers"),
        (SparseAutoencoder(4, output_activation="sigmoid", max_iter=1), "sigmoid"),
        (DictionaryAutoencoder(8, k=2, refine=1, max_iter=1), "refine"),
        (DictionaryAutoencoder(8, k=2, scaling="rank_gauss", max_iter=1), "rank_gauss"),
        (DictionaryAutoencoder(8, k=2, scaling="row_norm", max_iter=1), "row_norm"),
    ],
)
def test_a_model_that_is_more_than_a_dictionary_is_refused_by_name(estimator, part):
    model = estimator.set_params(random_state=0).fit(np.random.default_rng(0).random((50, 5)))
    with pytest.raises(RecipeError, match=part):
        dictionary_of(model.to_artifact())


@pytest.mark.parametrize("scaling", ["none", "mean_norm"])
def test_a_tied_model_for_sentence_transformers(scaling, tmp_path):
    x = np.random.default_rng(0).normal(1, 3, size=(200, 6)).astype(np.float32)
    parameters = {"sparsity": "topk:3", "tied": True, "output_activation": "identity", "max_iter": 2, "random_state": 0}
    model = SparseAutoencoder(12, scaling=scaling, **parameters).fit(x)
    dictionary = dictionary_of(model.to_artifact())
    write(dictionary, tmp_path / "new", "sentence-transformers")
    again = read(tmp_path / "new")
    codes, scale = again.codes(torch.from_numpy(x)).numpy(), float(model.module_.scale[0])
    assert_same(codes, model.transform(x) * scale)
    assert_same(again.reconstruct(torch.from_numpy(codes)).numpy(), model.denoise(x))


def test_a_coding_layer_that_others_do_not_have_is_refused(tmp_path):
    model = SparseAutoencoder(4, output_activation="identity", max_iter=1, random_state=0).fit(np.eye(6))
    dictionary = dictionary_of(model.to_artifact())
    for to in WRITERS:
        with pytest.raises(RecipeError, match=r"has no such coding layer|has only TopK"):
            write(dictionary, tmp_path / to, to)
    with pytest.raises(RecipeError, match="none of saelens, sparsify, dictionary_learning, sentence-transformers"):
        write(dictionary, tmp_path / "new", "gemma-scope")


@pytest.mark.parametrize(
    "name", ["sparsify/topk", "saelens/batchtopk", "saelens/jumprelu", "dictionary_learning/gated"]
)
def test_to_dictionary(name, tmp_path):
    model, arrays = taciturn.load(GOLDEN / name), expected(name)
    model.to_dictionary(tmp_path / "new", "saelens")
    assert_same(taciturn.load(tmp_path / "new").denoise(arrays["x"]), arrays["reconstruction"])
    assert taciturn.load(tmp_path / "new").sparsity == model.sparsity
    with pytest.raises(TaciturnError, match="exists"):
        model.to_dictionary(tmp_path / "new", "saelens")


@pytest.mark.parametrize(
    "name",
    [
        "sparsify/topk",
        "saelens/batchtopk",
        "saelens/jumprelu",
        "saelens/standard_layernorm",
        "dictionary_learning/gated",
    ],
)
def test_fine_tuned_on_other_rows(name):
    x = np.random.default_rng(1).normal(size=(600, 16)).astype(np.float32)
    for warm in (False, True):
        model = taciturn.load(GOLDEN / name).set_params(learning_rate=0.01, batch_size=64, random_state=0)
        before = np.square(model.denoise(x) - x).mean()
        if warm:
            model.set_params(warm_start=True, max_iter=5).fit(x)
        else:
            for _ in range(5):
                model.partial_fit(x)
        assert np.square(model.denoise(x) - x).mean() < 0.9 * before


def test_k_of_a_fine_tuned_jumprelu_is_reached():
    x = np.random.default_rng(1).normal(size=(2000, 16)).astype(np.float32)
    model = taciturn.load(GOLDEN / "saelens/jumprelu").set_params(
        sparsity="jumprelu+l0:l0=6", warm_start=True, max_iter=20, batch_size=64, random_state=0
    )
    assert abs(model.fit(x).transform(x).nnz / len(x) / 6 - 1) < 0.1


def test_gemma_scope(tmp_path):
    rng = np.random.default_rng(0)
    w_enc, w_dec = rng.normal(size=(5, 9)).astype(np.float32), rng.normal(size=(9, 5)).astype(np.float32)
    b_enc, b_dec = rng.normal(size=9).astype(np.float32), rng.normal(size=5).astype(np.float32)
    threshold, x = rng.random(9).astype(np.float32), rng.normal(size=(20, 5)).astype(np.float32)
    tensors = {"w_enc": w_enc, "w_dec": w_dec, "b_enc": b_enc, "b_dec": b_dec, "threshold": threshold}
    save_file({name: torch.from_numpy(array) for name, array in tensors.items()}, tmp_path / "params.safetensors")
    config = {"architecture": "jump_relu", "model_name": "gemma-v3-1b-pt"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    z = x @ w_enc + b_enc
    codes = np.maximum(z, 0) * (z > threshold)
    model = taciturn.load(tmp_path)
    assert_same(model.transform(x).toarray(), codes)
    assert_same(model.denoise(x), codes @ w_dec + b_dec)
    (tmp_path / "config.json").write_text(json.dumps(config | {"affine_connection": True}))
    with pytest.raises(ArtifactError, match="affine_skip_connection' is missing"):
        read(tmp_path)


def test_qwen_scope(tmp_path):
    rng = np.random.default_rng(0)
    W_enc, W_dec = rng.normal(size=(9, 5)).astype(np.float32), rng.normal(size=(5, 9)).astype(np.float32)
    b_enc, b_dec = rng.normal(size=9).astype(np.float32), rng.normal(size=5).astype(np.float32)
    folder, x = tmp_path / "SAE-Res-Qwen3-1.7B-Base-W32K-L0_2", rng.normal(size=(20, 5)).astype(np.float32)
    folder.mkdir()
    tensors = {"W_enc": W_enc, "W_dec": W_dec, "b_enc": b_enc, "b_dec": b_dec}
    torch.save({name: torch.from_numpy(array) for name, array in tensors.items()}, folder / "layer0.sae.pt")
    z = x @ W_enc.T + b_enc
    codes = np.where(z >= np.sort(z)[:, -2:-1], np.maximum(z, 0), 0)
    model = taciturn.load(folder / "layer0.sae.pt")
    assert_same(model.transform(x).toarray(), codes)
    assert_same(model.denoise(x), codes @ W_dec.T + b_dec)
    shutil.copy(folder / "layer0.sae.pt", tmp_path / "layer0.sae.pt")
    with pytest.raises(ArtifactError, match="name its folder as Qwen-Scope does"):
        read(tmp_path / "layer0.sae.pt")


def altered(tmp_path, name: str, change) -> Path:
    """Return a copy of a golden folder whose configuration was changed."""
    folder = tmp_path / name
    shutil.copytree(GOLDEN / name, folder, dirs_exist_ok=True)
    file = next(file for file in folder.glob("*.json"))
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))
    return folder


def test_configurations_of_saelens(tmp_path):
    folder = altered(tmp_path, "saelens/topk", lambda cfg: cfg.update(normalize_activations="expected_average_only_in"))
    with pytest.warns(TaciturnWarning, match="mean norm of rows"):
        read(folder)

    def old(cfg):
        cfg.clear()
        cfg.update(d_in=16, d_sae=48, activation_fn_str="topk", activation_fn_kwargs={"k": 5})

    arrays = expected("saelens/topk")
    assert_same(
        read(altered(tmp_path, "saelens/topk", old)).codes(torch.from_numpy(arrays["x"])).numpy(), arrays["codes"]
    )
    for key, value in {
        "architecture": "os.system",
        "finetuning_scaling_factor": True,
        "normalize_activations": "x",
    }.items():
        with pytest.raises(ArtifactError, match=str(value if key != "finetuning_scaling_factor" else key)):
            read(altered(tmp_path, "saelens/topk", lambda cfg, key=key, value=value: cfg.update({key: value})))
    temporal = {
        "architecture": "temporal",
        "normalize_activations": "constant_scalar_rescale",
        "activation_normalization_factor": 0.5,
    }
    with pytest.raises(ArtifactError, match=r"'temporal' cannot be read: it estimates a row from the rows before it"):
        read(altered(tmp_path, "saelens/topk", lambda cfg: cfg.update(temporal)))
    signed = read(altered(tmp_path, "saelens/topk", lambda cfg: cfg.update(architecture="abstopk")))
    assert isinstance(signed.form, TopForm)
    assert signed.form.signed
    write(signed, tmp_path / "signed", "saelens")
    assert json.loads((tmp_path / "signed" / "cfg.json").read_text())["architecture"] == "abstopk"


def test_weights_of_training_in_saelens(tmp_path):
    """A checkpoint of training has one threshold, in units of codes that are as large as their directions are long."""
    arrays, folder = expected("saelens/batchtopk"), tmp_path / "training"
    shutil.copytree(GOLDEN / "saelens/batchtopk", folder)
    weights = load_file(folder / "sae_weights.safetensors")
    norms = torch.linspace(0.5, 2, 48)
    threshold = weights.pop("threshold")[0]
    weights |= {"W_dec": weights["W_dec"] * norms[:, None], "topk_threshold": threshold}
    norms = weights["W_dec"].norm(dim=1)
    weights |= {"W_enc": weights["W_enc"] / norms, "b_enc": weights["b_enc"] / norms}
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, folder / "sae_weights.safetensors")
    cfg = {
        "d_in": 16,
        "d_sae": 48,
        "architecture": "batchtopk",
        "k": 5.0,
        "apply_b_dec_to_input": True,
        "rescale_acts_by_decoder_norm": True,
    }
    (folder / "cfg.json").write_text(json.dumps(cfg))
    dictionary = read(folder)
    codes = dictionary.codes(torch.from_numpy(arrays["x"]))
    assert dictionary.batch_threshold
    assert dictionary.k == 5
    assert_same(codes.numpy(), arrays["codes"])


# --- damage: one clear line, no code run, memory bounded ---


def weights_of(folder: Path) -> Path:
    return next(file for file in folder.iterdir() if file.suffix in (".safetensors", ".pt"))


def assert_refused(folder: Path) -> None:
    """Check that a folder is refused in one line that names a file, without memory for what it only claims."""
    tracemalloc.start()
    try:
        with pytest.raises(TaciturnError) as failure:
            read(folder)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    message = str(failure.value)
    assert "\n" not in message
    assert folder.name in message
    assert len(message) < 600
    assert peak < 50e6


def rewritten(file: Path, tensors: dict[str, torch.Tensor]) -> None:
    tensors = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
    torch.save(tensors, file) if file.suffix == ".pt" else save_file(tensors, file)


def tensors_of(file: Path) -> dict[str, torch.Tensor]:
    return torch.load(file, weights_only=True) if file.suffix == ".pt" else load_file(file)


@pytest.mark.parametrize("damage", ["missing", "extra", "shape", "nan", "complex", "matrix"])
@pytest.mark.parametrize("name", [*READ, *TRANSCODERS])
def test_damaged_tensors(name, damage, tmp_path):
    shutil.copytree(GOLDEN / name, tmp_path / "damaged")
    file = weights_of(tmp_path / "damaged")
    for key in tensors_of(file):
        tensors = tensors_of(file)
        if damage in ("missing", "shape", "nan", "matrix") and (
            key in ("k", "stats_last_nonzero") or (key == "threshold" and name.endswith("/topk"))
        ):
            continue  # buffers of a class that does not use them
        match damage:
            case "missing":
                del tensors[key]
            case "extra":
                tensors[f"{key}.more"] = tensors[key]
            case "shape" if tensors[key].dim():
                tensors[key] = tensors[key][1:]
            case "nan" if tensors[key].is_floating_point():
                tensors[key] = tensors[key] * torch.nan
            case "complex" if file.suffix == ".pt":
                tensors[key] = tensors[key].to(torch.complex64)
            case "matrix" if tensors[key].dim():
                tensors[key] = tensors[key][None]
            case _:
                continue
        if damage in ("shape", "matrix") and (key == "group_sizes" or tensors[key].dim() == 0):
            continue
        original = file.read_bytes()
        rewritten(file, tensors)
        assert_refused(tmp_path / "damaged")
        file.write_bytes(original)


@pytest.mark.parametrize(
    "name", ["saelens/topk", "saelens/standard_layernorm", "sparsify/topk", "dictionary_learning/batchtopk"]
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_truncated_or_changed_bytes(name, data, tmp_path):
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GOLDEN / name, folder)
    file = data.draw(st.sampled_from([weights_of(folder), next(folder.glob("*.json"))]))
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        file.write_bytes(content[: data.draw(st.integers(0, len(content) - 2))])
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        file.write_bytes(content)
    message = ""
    try:
        read(folder)  # some bytes are numbers or names that do not matter
    except TaciturnError as error:
        message = str(error)
    assert "\n" not in message
    assert not message or folder.name in message


class Payload:
    """An object whose unpickling would run code."""

    def __reduce__(self):
        return os.system, (f"touch {Path(os.environ['PAYLOAD'])}",)


@pytest.mark.parametrize("name", ["saelens/topk", "sparsify/topk", "dictionary_learning/topk"])
def test_no_code_is_run(name, tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    monkeypatch.setenv("PAYLOAD", str(mark))
    folder = tmp_path / "damaged"
    shutil.copytree(GOLDEN / name, folder)
    file = weights_of(folder)
    file.write_bytes(pickle.dumps(Payload()))
    assert_refused(folder)
    torch.save({"W_enc": Payload()}, file)
    assert_refused(folder)
    torch.save({"W_enc": torch.zeros(3), "b_enc": [1]}, file)
    assert_refused(folder)
    assert not mark.exists()


def test_claims_of_ten_gigabytes(tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(GOLDEN / "saelens/topk", folder)
    file = weights_of(folder)
    header = json.dumps(
        {"W_enc": {"dtype": "F32", "shape": [50_000, 50_000], "data_offsets": [0, 10_000_000_000]}}
    ).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 64)
    assert_refused(folder)
    file.write_bytes(struct.pack("<Q", 10_000_000_000) + b"{}")
    assert_refused(folder)
    file.unlink()
    (folder / "cfg.json").unlink()
    other = tmp_path / "other"
    shutil.copytree(GOLDEN / "dictionary_learning/topk", other)
    torch.save({"encoder.weight": torch.zeros(1).expand(100_000, 100_000)}, other / "ae.pt")
    assert_refused(other)
    buffer = io.BytesIO()
    torch.save({"encoder.weight": torch.zeros(10_000_000)}, buffer)
    with zipfile.ZipFile(buffer) as archive, zipfile.ZipFile(other / "ae.pt", "w", zipfile.ZIP_DEFLATED) as smaller:
        for entry in archive.namelist():
            smaller.writestr(entry, archive.read(entry))
    assert (other / "ae.pt").stat().st_size < 100_000
    assert_refused(other)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"trainer": 3}', '{"trainer": {"dict_class": "os.system"}}'])
def test_configurations_that_are_not(text, tmp_path):
    for name in ("saelens/topk", "sparsify/topk", "dictionary_learning/topk"):
        folder = tmp_path / name / "damaged"
        shutil.copytree(GOLDEN / name, folder, dirs_exist_ok=True)
        next(folder.glob("*.json")).write_text(text)
        assert_refused(folder)


@pytest.mark.parametrize("k", [None, 0, -1, 2.5, "5", True, 49, 1e300])
def test_k_that_is_not(k, tmp_path):
    for name in ("saelens/topk", "sparsify/topk"):
        with pytest.raises(ArtifactError, match="k"):
            read(altered(tmp_path, name, lambda cfg: cfg.update(k=k)))


# --- the command line ---


def test_convert(tmp_path):
    x = expected("dictionary_learning/batchtopk")["x"]
    source, ours = GOLDEN / "dictionary_learning/batchtopk", tmp_path / "ours"
    run("convert", source, ours, "--to", "taciturn")
    assert taciturn.load(ours).k == 5
    run("convert", ours, tmp_path / "sae", "--to", "saelens")
    assert isinstance(read(tmp_path / "sae").form, ThresholdForm)
    assert_same(taciturn.load(tmp_path / "sae").denoise(x), expected("dictionary_learning/batchtopk")["reconstruction"])
    assert "exists" in output_text(run("convert", ours, tmp_path / "sae", "--to", "saelens", code=1))
    run("convert", ours, tmp_path / "sae", "--to", "saelens", "--overwrite")
    (tmp_path / "sae" / "notes.txt").write_text("mine")
    done = run("convert", ours, tmp_path / "sae", "--to", "saelens", "--overwrite", code=1)
    assert "holds files that taciturn did not write" in output_text(done)
    assert "no conversion" in output_text(run("convert", ours, tmp_path / "x", "--to", "taciturn", code=2))
    assert "none of saelens" in output_text(run("convert", ours, tmp_path / "x", "--to", "onnx", code=2))
    assert "taciturn convert SRC DST --to taciturn" in output_text(run("info", source, code=1))


def test_a_folder_of_ours_is_ours_whatever_stands_beside(tmp_path):
    rows = np.random.default_rng(0).normal(size=(100, 6))
    model = DictionaryAutoencoder(8, k=2, max_iter=1, random_state=0).fit(rows)
    model.save(tmp_path / "model")
    DictionaryAutoencoder(9, k=2, max_iter=1, random_state=1).fit(rows).to_dictionary(tmp_path / "sae", "saelens")
    for file in (tmp_path / "sae").iterdir():
        shutil.copy(file, tmp_path / "model")
    assert format_of(tmp_path / "model") == "saelens"
    again = taciturn.load(tmp_path / "model")
    assert again.n_components == 8
    assert (again.transform(rows) != model.transform(rows)).nnz == 0
    assert taciturn.artifact.load(tmp_path / "model").model.layout.widths == (6, 8)
