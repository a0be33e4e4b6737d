"""A saved artifact is read back exactly; damaged files are refused by an error that names the file."""

import json
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from taciturn import SparseAutoencoder, artifact
from taciturn.core.errors import ArtifactError, TaciturnError


@pytest.fixture(scope="module")
def run(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    SparseAutoencoder((12, 6), tied=True, max_iter=2, random_state=0).fit(digits).save(folder)
    return folder


@pytest.fixture
def copied(run, tmp_path):
    import shutil

    return shutil.copytree(run, tmp_path / "copy")


def edit(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_the_files_and_what_they_hold(run):
    assert sorted(file.name for file in run.iterdir()) == [
        "config.json",
        "history.parquet",
        "metrics.json",
        "weights.safetensors",
    ]
    tensors = load_file(run / "weights.safetensors")
    assert {name: tuple(t.shape) for name, t in tensors.items()} == {
        "encoder.0.weight": (12, 64),
        "encoder.0.bias": (12,),
        "encoder.1.weight": (6, 12),
        "encoder.1.bias": (6,),
        "decoder.0.bias": (12,),
        "decoder.1.bias": (64,),
        "shift": (64,),
        "scale": (64,),
        "target_shift": (64,),
        "target_scale": (64,),
        "unit": (64,),
    }
    config = json.loads((run / "config.json").read_text())
    assert config["objective"]["terms"][1] == {"name": "kl", "weight": None, "rate": 0.05}
    assert config["rows"]["count"] == 1797
    assert config["training"]["seed"] == 0


def test_weights_are_restored_bit_for_bit_and_tied(run):
    loaded = artifact.load(run)
    stored = load_file(run / "weights.safetensors")
    for name, tensor in stored.items():
        assert torch.equal(dict(loaded.model.state_dict())[name], tensor)
    assert loaded.model.decoder[1].weight is loaded.model.encoder[0].weight


def test_history_is_a_parquet_file_that_pandas_reads(run, digits):
    import pandas as pd

    table = pd.read_parquet(run / "history.parquet")
    loaded = artifact.load(run)
    assert len(table) == len(loaded.history.steps["loss"]) == 2 * 29
    np.testing.assert_array_equal(table["loss"], loaded.history.steps["loss"])
    last_steps = table.groupby("epoch").tail(1)
    np.testing.assert_array_equal(last_steps["epoch_loss"], loaded.history["loss"])
    np.testing.assert_array_equal(np.stack(last_steps["epoch_rates"]), loaded.history["rates"])
    assert table["epoch_loss"].notna().sum() == 2
    # an epoch's loss is the rows-weighted mean of its steps'
    first = table[table.epoch == 0]
    assert first.epoch_loss.iloc[-1] == pytest.approx(np.average(first.loss, weights=first.rows), rel=1e-12)


def test_an_existing_folder_is_kept(run, digits):
    before = (run / "config.json").read_bytes()
    model = SparseAutoencoder(3, max_iter=1, random_state=0).fit(digits)
    with pytest.raises(TaciturnError, match="exists; choose another folder, or overwrite it"):
        model.save(run)
    assert (run / "config.json").read_bytes() == before


def test_overwriting(copied, digits):
    SparseAutoencoder(3, max_iter=1, random_state=0).fit(digits).save(copied, overwrite=True)
    assert artifact.load(copied).model.layout.widths == (64, 3)


def test_a_wrong_shape(copied):
    tensors = load_file(copied / "weights.safetensors")
    save_file(tensors | {"encoder.0.bias": torch.zeros(13)}, copied / "weights.safetensors")
    with pytest.raises(ArtifactError, match=r"'encoder.0.bias' is \[13\], but config.json requires \[12\]"):
        artifact.load(copied)


def test_a_missing_tensor(copied):
    tensors = load_file(copied / "weights.safetensors")
    del tensors["decoder.1.bias"]
    save_file(tensors, copied / "weights.safetensors")
    with pytest.raises(ArtifactError, match=r"the tensor 'decoder.1.bias' is missing"):
        artifact.load(copied)


def test_an_unknown_tensor(copied):
    tensors = load_file(copied / "weights.safetensors")
    save_file(tensors | {"extra": torch.zeros(1)}, copied / "weights.safetensors")
    with pytest.raises(ArtifactError, match="'extra' is not a tensor of this network"):
        artifact.load(copied)


def test_a_newer_format(copied):
    edit(copied, format=2)
    with pytest.raises(ArtifactError, match="has format 2, this version reads up to 1; upgrade taciturn"):
        artifact.load(copied)


def test_an_unknown_part(copied):
    config = json.loads((copied / "config.json").read_text())
    config["network"]["coder"]["name"] = "telepathy"
    edit(copied, network=config["network"])
    with pytest.raises(ArtifactError, match="no part is named 'telepathy'"):
        artifact.load(copied)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows": None}, "'rows' is missing or not an object"),
        ({"training": {"seed": 0}}, "training lacks 'epochs'"),
        ({"corruption": {"name": "kl", "rate": 0.1}}, "corruption is a KL, not a Corruption"),
        ({"network": {"name": "layout", "widths": 5, "coder": {"name": "relu"}}}, "widths=5 must be two or more"),
        (
            {"network": {"name": "layout", "widths": [2, 3], "coder": "relu"}},
            "coder='relu' is not an instance of CodingLayer",
        ),
        ({"parameters": {"latents": 3}}, "config.json does not describe an estimator"),
        ({"format": "x"}, "has format 'x'"),
    ],
)
def test_a_damaged_config(copied, change, words):
    edit(copied, **change)
    with pytest.raises(ArtifactError, match=re.escape(words)) as refusal:
        SparseAutoencoder.load(copied)
    assert "config.json" in str(refusal.value)


def test_all_files_have_the_same_mode(run):
    assert len({file.stat().st_mode for file in run.iterdir()}) == 1


def test_an_unknown_estimator(copied):
    edit(copied, estimator="Oracle")
    with pytest.raises(ArtifactError, match="no estimator is named 'Oracle'"):
        SparseAutoencoder.load(copied)


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", "history.parquet", "metrics.json"])
def test_a_missing_or_broken_file_is_named(copied, name):
    (copied / name).write_bytes(b"\x00 no such thing")
    with pytest.raises(ArtifactError, match=name):
        artifact.load(copied)
    (copied / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        artifact.load(copied)


def test_a_missing_folder(tmp_path):
    with pytest.raises(ArtifactError, match="is not a folder; name the folder of a run"):
        artifact.load(tmp_path / "nowhere")


def test_a_failed_save_leaves_no_file(digits, tmp_path, monkeypatch):
    model = SparseAutoencoder(3, max_iter=1, random_state=0).fit(digits)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("taciturn.artifact.writing.save_file", full)
    with pytest.raises(TaciturnError, match="run cannot be written: No space left on device"):
        model.save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
