"""A saved artifact is read back exactly; damaged files are refused by an error that names the file."""

import json
import os
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import taciturn
from taciturn import DictionaryAutoencoder, SparseAutoencoder, artifact
from taciturn.artifact.config import Config
from taciturn.artifact.writing import PARTS
from taciturn.cli.app import app
from taciturn.core.checksum import checksum
from taciturn.core.errors import ArtifactError, ClassNotImported, RecipeError, TaciturnError
from taciturn.data.sources import Rows
from taciturn.training import Settings


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
    """Change sections of config.json; a dictionary changes keys of its section."""
    config = json.loads((folder / "config.json").read_text())
    for name, change in changes.items():
        config[name] = config[name] | change if isinstance(change, dict) else change
    (folder / "config.json").write_text(json.dumps(config))


def reseal(folder):
    """Write the checksums of the files as they are now: a folder changed on purpose, not damaged."""
    edit(folder, files={name: checksum(folder / name) for name in PARTS})


def edit_weights(folder, **changes):
    """Change tensors of weights.safetensors and the checksums; None removes one."""
    tensors = load_file(folder / "weights.safetensors") | changes
    save_file({name: t for name, t in tensors.items() if t is not None}, folder / "weights.safetensors")
    reseal(folder)


def test_the_files_and_what_they_hold(run):
    assert sorted(file.name for file in run.iterdir()) == [
        "config.json",
        "history.parquet",
        "metrics.json",
        "training.safetensors",
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
        "mean": (64,),
        "unit": (64,),
    }
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["objective"]["terms"][1] == {"name": "kl", "weight": None, "rate": 0.05}
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


WEIGHT_CHANGES = {
    "another shape": ({"encoder.0.bias": torch.zeros(13)}, r"'encoder.0.bias' is [13], but config.json requires [12]"),
    "one missing": ({"decoder.1.bias": None}, "'decoder.1.bias' is missing"),
    "one more": ({"extra": torch.zeros(1)}, "'extra' is not a tensor of this network"),
    "NaN": ({"encoder.0.bias": torch.full((12,), torch.nan)}, "'encoder.0.bias' holds numbers that are not finite"),
    "inf": ({"shift": torch.full((64,), torch.inf, dtype=torch.float64)}, "'shift' holds numbers that are not finite"),
    "a scale of 0": ({"scale": torch.zeros(64, dtype=torch.float64)}, "'scale' must be greater than 0"),
    "bool": ({"encoder.0.bias": torch.zeros(12, dtype=torch.bool)}, "'encoder.0.bias' has type BOOL"),
    "int8": ({"encoder.0.bias": torch.zeros(12, dtype=torch.int8)}, "'encoder.0.bias' has type I8"),
    "complex": ({"encoder.0.bias": torch.zeros(12, dtype=torch.complex64)}, "'encoder.0.bias' has type C64"),
    "float64 for float32": ({"encoder.0.bias": torch.zeros(12).double()}, "'encoder.0.bias' has type F64"),
}


@pytest.mark.parametrize("change", WEIGHT_CHANGES)
def test_other_weights_than_the_network_has_are_refused(copied, change):
    changes, words = WEIGHT_CHANGES[change]
    edit_weights(copied, **changes)
    with pytest.raises(ArtifactError, match=re.escape(words)):
        artifact.load(copied)


def test_a_gate_whose_scale_is_infinite_is_refused(digits, tmp_path):
    DictionaryAutoencoder(16, k=2, sparsity="gated", max_iter=1, random_state=0).fit(digits[:100]).save(
        tmp_path / "run"
    )
    edit_weights(tmp_path / "run", **{"coder.log_scale": torch.full((16,), 1e30)})
    with pytest.raises(ArtifactError, match=r"the coding layer's scale. holds numbers that are not finite"):
        artifact.load(tmp_path / "run")


def test_weights_of_a_smaller_type_that_float32_holds_exactly_are_taken(copied):
    halves = load_file(copied / "weights.safetensors")["encoder.0.bias"].half()
    edit_weights(copied, **{"encoder.0.bias": halves})
    assert torch.equal(artifact.load(copied).model.encoder[0].bias, halves.float())


@pytest.mark.parametrize("name", PARTS)
def test_one_flipped_bit_of_a_part_is_noticed(copied, name):
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{name} is not the file that config.json describes"):
        artifact.load(copied)


@pytest.mark.parametrize(
    ("format", "words"),
    [
        (4, "has format 4, this version of taciturn reads 3; upgrade taciturn"),
        (1, "has format 1 of an older taciturn, this version reads 3; train the model again"),
        (True, "has no format of taciturn"),
        (-5, "has no format of taciturn"),
        ("x", "has no format of taciturn"),
        (None, "has no format of taciturn"),
    ],
)
def test_another_format(copied, format, words):
    edit(copied, format=format)
    with pytest.raises(ArtifactError, match=re.escape(words)):
        artifact.load(copied)


def test_an_older_format_names_the_recipe_of_its_folder(copied):
    edit(copied, format=1)
    (copied / "recipe.toml").touch()
    with pytest.raises(ArtifactError, match=re.escape(f"taciturn fit {copied / 'recipe.toml'} -o NEW_FOLDER")):
        artifact.load(copied)


LAYOUT = {"name": "layout", "widths": [64, 6], "coder": {"name": "relu"}}
DAMAGE = {
    "a section of another type": ({"rows": None}, "Expected `object`, got `null` - at `$.rows`"),
    "an unknown key": ({"training": {"speed": 1}}, "unknown field `speed` - at `$.training`"),
    "a negative count": ({"training": {"seed": -1}}, "`int` >= 0 - at `$.training.seed`"),
    "a part of another family": ({"settings": {"corruption": {"name": "kl", "rate": 0.1}}}, "corruption=KL("),
    "an unknown part": ({"settings": {"corruption": {"name": "telepathy"}}}, "no part is named 'telepathy'"),
    "a missing setting": ({"settings": {"speed": 1}}, "'speed' is unknown"),
    "a batch of no rows": ({"settings": {"batch_size": 0}}, "batch_size=0 must be 1 or more"),
    "infinite decay": ({"settings": {"weight_decay": 1e400}}, "config.json"),
    "no widths": ({"settings": {"layout": LAYOUT | {"widths": 5}}}, "widths=5 must be two or more"),
    "a text for a part": ({"settings": {"layout": LAYOUT | {"coder": "relu"}}}, "coder='relu' is not an instance"),
    "widths beyond memory": ({"settings": {"layout": LAYOUT | {"widths": [64, 30_000_000]}}}, "config.json"),
    "widths beyond numbers": ({"settings": {"layout": LAYOUT | {"widths": [64, 2**62]}}}, "config.json"),
    "endless refinements": ({"settings": {"layout": LAYOUT | {"refine": 10**9}}}, "refine=1e+09 lies outside"),
    "a norm of text": ({"settings": {"layout": LAYOUT | {"norm": "x"}}}, "config.json"),
    "an unknown parameter": ({"estimator": {"parameters": {"latents": 3}}}, "does not describe an estimator"),
    "an unknown estimator": ({"estimator": {"shipped": "Oracle", "name": "Oracle"}}, "no estimator is named 'Oracle'"),
    "three names for 64 columns": ({"rows": {"columns": ["a", "b", "c"]}}, "do not describe the network's 64 inputs"),
    "a shape of another width": ({"rows": {"shape": [8, 9]}}, "do not describe the network's 64 inputs"),
    "another position": ({"training": {"steps": 1}}, "'position' is not that of config.json"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_config_gets_one_line(copied, damage):
    change, words = DAMAGE[damage]
    edit(copied, **change)
    with pytest.raises(ArtifactError, match=re.escape(words)) as refusal:
        SparseAutoencoder.load(copied)
    assert "\n" not in str(refusal.value)
    assert str(copied) in str(refusal.value)


def test_json_nested_a_thousand_times(copied):
    text = (
        (copied / "config.json")
        .read_text()
        .replace('"parameters": {', '"parameters": {"x": ' + "[" * 5000 + "]" * 5000 + ",")
    )
    (copied / "config.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"config\.json"):
        SparseAutoencoder.load(copied)


STATE_DAMAGE = {
    "no position": ({"position": None}, "'position' must be two whole numbers"),
    "an unknown room": ({"plans.x": torch.zeros(1)}, "'plans.x' is not a part of a learner's state"),
    "no moments": ({"moments.mean": None}, "'mean' is missing or unknown among the moments"),
    "other columns": ({"moments.low": torch.zeros(3).double()}, "different numbers of columns"),
    "a controller of another shape": (
        {"step.controllers.kl._extra_state": torch.ones(2, 1).double().expand(2, 3).clone()},
        "a controller's state must hold two positive numbers",
    ),
    "a controller without a horizon": (
        {"step.controllers.kl._extra_state": torch.zeros(2).double()},
        "a controller's state must hold two positive numbers",
    ),
    "an unknown counter": ({"step.hours": torch.zeros(1)}, "the step's state does not fit"),
    "an unknown weight": ({"optimiser.ghost.step": torch.zeros(())}, "'optimiser.ghost.step' does not fit"),
}


@pytest.mark.parametrize("damage", STATE_DAMAGE)
def test_a_damaged_training_state_gets_one_line(copied, damage):
    changes, words = STATE_DAMAGE[damage]
    tensors = load_file(copied / "training.safetensors") | changes
    save_file({name: t for name, t in tensors.items() if t is not None}, copied / "training.safetensors")
    reseal(copied)
    with pytest.raises(ArtifactError, match=re.escape(words)):
        SparseAutoencoder.load(copied)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), os.mkdir])
@pytest.mark.parametrize("name", ["config.json", *PARTS])
def test_a_part_that_is_not_a_regular_file_is_not_opened(copied, name, make):
    (copied / name).unlink()
    make(copied / name)
    with pytest.raises(ArtifactError, match=f"{name} is not a regular file"):
        artifact.load(copied)


def test_all_files_have_the_same_mode(run):
    assert len({file.stat().st_mode for file in run.iterdir()}) == 1


@pytest.mark.parametrize("name", ["config.json", *PARTS])
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

    monkeypatch.setattr("taciturn.artifact.writing.save_tensors", full)
    with pytest.raises(TaciturnError, match="run cannot be written: No space left on device"):
        model.save(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def keys_of(record, prefix=""):
    """Every key of the schema, as docs/folder.md writes it: rows.count."""
    for field in msgspec.structs.fields(record):
        inner = field.type
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            yield from keys_of(inner, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"


def test_the_documentation_lists_every_key_of_the_schema_and_every_setting():
    text = (Path(__file__).parents[1] / "docs" / "folder.md").read_text(encoding="utf-8")
    names = [*keys_of(Config), *Settings.__dataclass_fields__, *PARTS]
    assert [name for name in names if f"`{name}`" not in text] == []


# --- what loading keeps ---------------------------------------------------------------------------------------------
class Doubled(SparseAutoencoder):
    """An estimator of a user's own, with a parameter of its own."""

    def __init__(self, n_components=None, *, factor=1.0, max_iter=None, random_state=None):
        super().__init__(n_components, max_iter=max_iter, random_state=random_state)
        self.factor = factor

    def transform(self, X):
        return self.factor * super().transform(X)


def test_a_subclass_is_loaded_as_itself_if_it_is_imported(digits, tmp_path):
    model = Doubled(4, factor=3.0, max_iter=1, random_state=0).fit(digits[:100])
    model.save(tmp_path / "model")
    for load in (taciturn.load, Doubled.load, SparseAutoencoder.load):
        loaded = load(tmp_path / "model")
        assert (type(loaded), loaded.factor) == (Doubled, 3.0)
        np.testing.assert_array_equal(loaded.transform(digits[:9]), model.transform(digits[:9]))


def test_a_subclass_that_is_not_imported_is_loaded_as_the_class_it_inherits_from(digits, tmp_path):
    model = Doubled(4, factor=3.0, max_iter=1, random_state=0).fit(digits[:100])
    model.save(tmp_path / "model")
    edit(tmp_path / "model", estimator={"module": "users.own"})
    with pytest.warns(ClassNotImported, match=r"loaded as SparseAutoencoder, because the class Doubled of the module"):
        loaded = taciturn.load(tmp_path / "model")
    assert (type(loaded), loaded.n_components) == (SparseAutoencoder, 4)
    np.testing.assert_array_equal(3.0 * loaded.transform(digits[:9]), model.transform(digits[:9]))
    with (
        pytest.warns(ClassNotImported),
        pytest.raises(RecipeError, match="holds a SparseAutoencoder, not a DictionaryAutoencoder"),
    ):
        DictionaryAutoencoder.load(tmp_path / "model")


def test_pairs_keep_that_they_had_no_corruption(digits, tmp_path):
    model = taciturn.DenoisingAutoencoder(4, max_iter=1, random_state=0).fit(digits[:90], target=digits[:90] ** 2)
    model.save(tmp_path / "model")
    assert model.settings_.corruption.clean
    assert taciturn.load(tmp_path / "model").settings_ == model.settings_


def test_a_loaded_run_is_saved_with_its_source_its_split_and_its_metrics(tmp_path):
    run = tmp_path / "run"
    done = CliRunner().invoke(
        app, ["fit", "iris", "--latents", "4", "--epochs", "1", "-q", "--no-report", "-o", str(run)]
    )
    assert done.exit_code == 0
    taciturn.load(run).save(tmp_path / "again")
    first, second = artifact.load(run), artifact.load(tmp_path / "again")
    assert first.rows == second.rows
    assert (first.rows.source, first.rows.split.count, first.rows.split.fraction) == ("iris", 150, 0.1)
    assert first.metrics == second.metrics != {}
    taciturn.load(run).partial_fit(taciturn.datasets.load("iris")).save(tmp_path / "further")
    further = artifact.load(tmp_path / "further")
    assert (further.metrics, further.rows.source, further.rows.training) == ({}, None, None)  # no longer true


def test_what_rows_are_is_said_only_where_it_is_known(digits):
    model = SparseAutoencoder(4, max_iter=1, random_state=0, warm_start=True)
    model.fit(digits[:300], validation=digits[300:400])
    kinds = {"training": digits[:300], "held-out": digits[300:400], "given": digits[400:500]}
    for kind, rows in kinds.items():
        assert model.to_artifact().rows_kind(Rows(rows)) == kind
    assert model.to_artifact().rows_kind(Rows(digits[:300][::-1].copy())) == "given"
    # these held-out rows were trained on before
    model.fit(digits[:200], validation=digits[200:300])
    assert model.to_artifact().rows_kind(Rows(digits[200:300])) == "given"
    model.partial_fit(digits[:200])
    assert model.to_artifact().rows_kind(Rows(digits[:200])) == "given"


def test_parameters_that_json_cannot_hold_are_named(digits, tmp_path):
    model = SparseAutoencoder(4, max_iter=1, random_state=0).fit(digits[:90]).set_params(device=object())
    with pytest.raises(ArtifactError, match=r"device=<object object at .*> cannot be saved"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


class Small(SparseAutoencoder):
    """An estimator of a user's own that lists few of the parameters that it inherits."""

    def __init__(self, max_iter=1):
        super().__init__(4, tied=True, random_state=0, max_iter=max_iter)


def test_parameters_that_a_subclass_does_not_list_are_kept(digits, tmp_path):
    model = Small().fit(digits[:100])
    model.save(tmp_path / "model")
    loaded = taciturn.load(tmp_path / "model")
    assert (type(loaded), loaded.tied, loaded.n_components) == (Small, True, 4)
    np.testing.assert_array_equal(loaded.fit(digits[:100]).components_, model.components_)
    edit(tmp_path / "model", estimator={"module": "users.own"})
    with pytest.warns(ClassNotImported):
        assert taciturn.load(tmp_path / "model").tied
