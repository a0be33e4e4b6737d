"""Models on the Hugging Face Hub, against a stand-in on this machine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from hub_server import TOKEN, hub
from taciturn import AutoencoderOutlierDetector, DenoisingImputer, DictionaryAutoencoder, load
from taciturn.core.errors import ArtifactError, TaciturnError

pytest.importorskip("huggingface_hub")
X = np.random.default_rng(0).normal(size=(300, 12)).astype(np.float32)


@pytest.fixture
def server(monkeypatch, tmp_path):
    from huggingface_hub import constants

    with hub() as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", running.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


@pytest.fixture(scope="module")
def model():
    return DictionaryAutoencoder(24, k=3, max_iter=3, random_state=0).fit(X)


def test_a_model_comes_back_with_the_same_bits(server, model):
    assert model.push_to_hub("me/words") == "hf://me/words"
    assert {"README.md", "config.json", "weights.safetensors"} <= server.repos["me/words"]["main"].keys()
    assert not any(name.endswith((".pkl", ".pt", ".bin")) for name in server.repos["me/words"]["main"])
    again = load("hf://me/words")
    assert_array_equal(again.transform(X).toarray(), model.transform(X).toarray())
    assert again.get_params() == model.get_params()
    downloads = sum("/resolve/" in each and each.startswith("GET") for each in server.requests)
    load(Path("hf://me/words"))  # a path has one slash
    assert sum("/resolve/" in each and each.startswith("GET") for each in server.requests) == downloads  # kept


def test_a_card_says_what_is_known_and_no_more(server, model):
    model.push_to_hub("me/plain")
    card = server.repos["me/plain"]["main"]["README.md"].decode()
    assert card.startswith("---\nlibrary_name: taciturn\ntags:\n- taciturn\n- sparse-autoencoder\n")
    assert server.cards == [card]  # the metadata was checked as the Hub checks it
    assert 'load("hf://me/plain")' in card
    assert "for rows of 12 columns, with 24 latents" in card
    assert "Nothing: the model was saved without rows to measure it on." in card
    new = np.random.default_rng(1).normal(size=(200, 12)).astype(np.float32)
    report = model.report(new, training=X)
    model.push_to_hub("me/plain", report=report)
    files = server.repos["me/plain"]["main"]
    assert "200 given rows of 12 columns" in files["README.md"].decode()
    error, variation = (new - model.denoise(new)) / X.std(0), (new - new.mean(0)) / X.std(0)
    assert f"{1 - np.sum(error**2) / np.sum(variation**2):.1%} of the variance" in files["README.md"].decode().replace(
        "\\", ""
    )
    assert files["report.html"].startswith(b"<!doctype html>")
    assert "is not known" in files["README.md"].decode()
    model.push_to_hub("me/plain", report=model.report(X))
    assert "trained on: of other rows, errors are larger" in server.repos["me/plain"]["main"]["README.md"].decode()


def test_texts_of_a_card_are_no_markdown():
    from taciturn.report.model_card import _cell

    assert _cell("a|b <img src=x>\n[c](d)") == r"a\|b \<img src=x\> \[c\](d)"


def test_other_estimators_and_revisions_and_folders(server, model, tmp_path):
    detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    detector.push_to_hub("me/outliers", revision="second", private=True)
    assert_array_equal(load("hf://me/outliers@second").score_samples(X), detector.score_samples(X))
    branch = server.repos["me/words"] = {"main": {}}
    model.to_dictionary(folder := tmp_path / "sae", "saelens")
    for file in folder.iterdir():
        branch["main"][f"layer_3/{file.name}"] = file.read_bytes()
    branch["main"]["layer_3/huge.bin"] = b"not asked for"
    dictionary = load("hf://me/words/layer_3")
    assert np.abs((dictionary.transform(X) != 0).toarray() ^ (model.transform(X) != 0).toarray()).mean() < 1e-3
    assert not any("huge.bin" in each for each in server.requests if "/resolve/" in each)


def test_a_detector_and_its_page(server):
    detector = AutoencoderOutlierDetector(max_iter=3, random_state=0).fit(X)
    detector.push_to_hub("me/outliers", report=(page := detector.report(X)))
    files = server.repos["me/outliers"]["main"]
    assert "outliers.safetensors" in files
    card = files["README.md"].decode()
    assert server.cards[-1] == card
    assert "- outlier-detection\n" in card
    assert "outliers = model.predict(X) == -1" in card
    assert page.verdict.sentence.split(";")[0] in card
    assert all(text in card for _, text in page.verdict.points)
    assert_array_equal(load("hf://me/outliers").predict(X), detector.predict(X))


def test_an_imputer_and_its_page(server, tmp_path):
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    imputer = DenoisingImputer(8, n_networks=3, max_iter=1, random_state=0).fit(holes)
    assert imputer.push_to_hub("me/filled", report=(page := imputer.report(holes))) == "hf://me/filled"
    files = server.repos["me/filled"]["main"]
    assert {"imputer.json", "imputer.safetensors", "README.md", "report.html"} <= files.keys()
    assert {f"network-{k}/weights.safetensors" for k in range(3)} <= files.keys()
    card = files["README.md"].decode()
    assert server.cards[-1] == card
    assert card.startswith("---\nlibrary_name: taciturn\ntags:\n- taciturn\n- denoising-autoencoder\n- imputation\n")
    assert 'load("hf://me/filled")' in card
    assert "A DenoisingImputer, which replaces missing values in rows of 12 columns." in card
    assert page.verdict.sentence in card
    files["network-0/huge.bin"] = b"not wanted"
    again = load("hf://me/filled")
    assert_array_equal(again.transform(holes), imputer.transform(holes))
    assert_array_equal(again.impute(holes, 2)[1], imputer.impute(holes, 2)[1])
    assert not any("huge.bin" in each for each in server.requests if "/resolve/" in each)
    branch = server.repos["me/both"] = {"main": {}}
    imputer.save(folder := tmp_path / "imputer")
    for file in (each for each in folder.rglob("*") if each.is_file()):
        branch["main"][f"inner/{file.relative_to(folder).as_posix()}"] = file.read_bytes()
    assert_array_equal(load("hf://me/both/inner").transform(holes), imputer.transform(holes))
    imputer.push_to_hub("me/plain_filled")
    assert "Nothing: the model was saved without rows" in server.repos["me/plain_filled"]["main"]["README.md"].decode()


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://me/none", r"^hf://me/none: no such repository, or a private one; correct the name, or set HF_TOKEN$"),
        ("hf://me/empty@x", r"^hf://me/empty@x: no such revision; correct the name after @$"),
        ("hf://me/empty", r"^hf://me/empty holds no model that taciturn reads; name the folder that does$"),
        ("hf://me", r"^hf://me: a model of the Hub is hf://user/name\[@revision\]\[/folder\]$"),
        ("hf://me/a..b", r"^hf://me/a..b: .*; correct the name$"),
    ],
)
def test_what_is_not_there_is_one_line(server, address, message):
    server.repos["me/empty"] = {"main": {"notes.txt": b"none"}}
    with pytest.raises(ArtifactError, match=message):
        load(address)


def test_a_wrong_token_is_one_line_and_is_not_shown(server, model, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with pytest.raises(TaciturnError, match=r"^hf://me/words: the Hub refuses it; set HF_TOKEN to a token") as caught:
        model.push_to_hub("me/words")
    assert "secret" not in str(caught.value)


def test_a_hub_that_does_not_answer_is_one_line(server, model, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    for use in (lambda: load("hf://me/words"), lambda: model.push_to_hub("me/words")):
        with pytest.raises(TaciturnError, match=r"^hf://me/words: .*check the connection, HF_ENDPOINT") as caught:
            use()
        assert "\n" not in str(caught.value)


def test_damage_on_the_way_is_told(server, model):
    model.push_to_hub("me/words")
    files = server.repos["me/words"]["main"]
    files["weights.safetensors"] = files["weights.safetensors"][:-100]
    with pytest.raises(ArtifactError, match=r"weights.safetensors") as caught:
        load("hf://me/words")
    assert "\n" not in str(caught.value)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ArtifactError, match=r"^hf://me/words needs the package huggingface_hub: pip install hugg"):
        load("hf://me/words")


def test_the_command_line_reads_models_of_the_hub(server, model, tmp_path):
    model.push_to_hub("me/words")
    np.save(tmp_path / "rows.npy", X)
    command = [sys.executable, "-c", "from taciturn.cli import main; main()", "encode", "hf://me/words"]
    environment = os.environ | {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home")}
    command += [str(tmp_path / "rows.npy"), "-o", str(tmp_path / "codes.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "codes.npz").is_file()


def test_the_python_of_the_document_runs(server, tmp_path):
    text = (Path(__file__).parent.parent / "docs" / "hub.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    environment = os.environ | {"HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "report.html" in server.repos["me/digits"]["main"]
