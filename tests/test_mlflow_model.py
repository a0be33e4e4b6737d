"""Models of taciturn as models of MLflow."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from taciturn import AutoencoderOutlierDetector, DenoisingImputer, DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import RecipeError, TaciturnError
from taciturn.estimators.mlflow_model import PyFunc, _load_pyfunc

X = np.random.default_rng(0).normal(size=(300, 6))


@pytest.fixture(scope="module")
def model():
    return DictionaryAutoencoder(12, k=3, max_iter=2, random_state=0).fit(X)


@pytest.fixture
def pyfunc(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    return mlflow.pyfunc


@pytest.mark.filterwarnings("ignore")  # of MLflow's own
def test_mlflow_loads_what_was_written_without_pickle(pyfunc, model, tmp_path):
    model.to_mlflow(tmp_path / "served")
    assert not [each for each in (tmp_path / "served").rglob("*") if each.suffix in (".pkl", ".pickle", ".pt", ".bin")]
    assert "cloudpickle" not in (tmp_path / "served" / "MLmodel").read_text()
    served = pyfunc.load_model(str(tmp_path / "served"))
    assert_array_equal(served.predict(X), model.transform(X).toarray())
    assert_array_equal(served.predict(X, params={"what": "denoise"}), model.denoise(X))
    assert_array_equal(served.predict(X, params={"what": "score"}), model.score_samples(X))
    with pytest.raises(TaciturnError, match="exists"):
        model.to_mlflow(tmp_path / "served")
    model.to_mlflow(tmp_path / "served", overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(TaciturnError, match=r"holds 'notes.txt', which taciturn did not write"):
        model.to_mlflow(tmp_path / "other", overwrite=True)
    (tmp_path / "other" / "notes.txt").unlink()
    (tmp_path / "other" / "MLmodel").write_text("loader_module: mlflow.sklearn")
    with pytest.raises(TaciturnError, match="holds no model of taciturn: its MLmodel is missing or of another program"):
        model.to_mlflow(tmp_path / "other", overwrite=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["notes.txt", "data/rows.npy", "data/model/notes.txt", "code/own.py"])
def test_a_model_with_other_files_beside_it_is_not_replaced(pyfunc, model, tmp_path, name):
    model.to_mlflow(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(TaciturnError, match=f"holds '{name}', which taciturn did not write"):
        model.to_mlflow(tmp_path, overwrite=True)
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.filterwarnings("ignore")
def test_a_model_of_a_run_is_loaded_by_its_address(pyfunc, model, tmp_path):
    import mlflow

    model.to_mlflow(tmp_path / "served")
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(tmp_path / "served"), "model")
    served = pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert_array_equal(served.predict(X), model.transform(X).toarray())


@pytest.mark.filterwarnings("ignore")
def test_every_estimator_is_served(pyfunc, tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcdef"))
    named = SparseAutoencoder(4, max_iter=1, random_state=0).fit(frame)
    named.to_mlflow(tmp_path / "named")
    assert_array_equal(pyfunc.load_model(str(tmp_path / "named")).predict(frame), named.transform(frame))
    detector = AutoencoderOutlierDetector(8, max_iter=2, random_state=0).fit(X)
    detector.to_mlflow(tmp_path / "detector")
    served = pyfunc.load_model(str(tmp_path / "detector"))
    assert_array_equal(served.predict(X, params={"what": "predict"}), detector.predict(X))
    assert_array_equal(served.predict(X, params={"what": "score"}), detector.score_samples(X))
    holes = np.where(np.random.default_rng(1).random(X.shape) < 0.1, np.nan, X)
    imputer = DenoisingImputer(8, max_iter=1, random_state=0).fit(holes)
    imputer.to_mlflow(tmp_path / "imputer")
    assert_array_equal(pyfunc.load_model(str(tmp_path / "imputer")).predict(holes), imputer.transform(holes))


def test_without_mlflow_the_loader_is_the_same(model, tmp_path, monkeypatch):
    model.save(tmp_path / "model")
    assert_array_equal(_load_pyfunc(str(tmp_path / "model")).predict(X), model.transform(X).toarray())
    with pytest.raises(RecipeError, match=r"^what='decode' is none of encode, denoise, score$"):
        PyFunc(model).predict(X, {"what": "decode"})
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    with pytest.raises(RecipeError, match=re.escape("pip install 'taciturn[mlflow]'")):
        model.to_mlflow(tmp_path / "served")
    assert not Path(tmp_path / "served").exists()
