"""A learner from one call to the next: continued, interrupted, stopped, restored."""

import numpy as np
import pytest
import torch

from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import RecipeError
from taciturn.data.moments import measure_moments
from taciturn.data.sources import Rows
from taciturn.estimators.resolve import resolve
from taciturn.training import History, Learner, Record, Recorder

ROWS = np.random.default_rng(0).normal(size=(90, 5)) * [1, 2, 3, 4, 5]


def learner(estimator, rows=ROWS, seed=0):
    """A learner for these rows, before its first step."""
    moments = measure_moments(Rows(rows))
    made = Learner(resolve(estimator._run_parameters(), moments, rows.dtype), seed)
    made.add_moments(moments)
    return made


def same_tensors(first, second):
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name


def everything(of):
    return dict(of.model.state_dict()) | of.state()


# --- continued ----------------------------------------------------------------------------------------------
RESUMED = {
    "kl": SparseAutoencoder(6, corruption="gaussian:0.1"),
    "kl-nadam": SparseAutoencoder(6, solver="nadam", tied=True),
    "kl-tensorflow_adam": SparseAutoencoder((7, 6), solver="tensorflow_adam:clip=0.5"),
    "kl-sgd": SparseAutoencoder(6, solver="sgd:momentum=0.9", alpha=0.1),
    "topk-auxk-refined": DictionaryAutoencoder(32, k=2, refine=1, batch_size=16),
    "jumprelu-resample": DictionaryAutoencoder(32, k=2, sparsity="jumprelu", revive="resample", batch_size=16),
    "batch_topk": DictionaryAutoencoder(32, k=2, sparsity="batch_topk", batch_size=16, solver="sgd"),
    "gated": DictionaryAutoencoder(32, k=2, sparsity="gated", batch_size=16),
    "l1": DictionaryAutoencoder(600, k=2, sparsity="l1", batch_size=16),
}


@pytest.mark.parametrize("first_call", ["partial_fit", "fit"])
@pytest.mark.parametrize("name", RESUMED)
def test_a_restored_learner_goes_on_with_the_same_bits(name, first_call):
    estimator = RESUMED[name].set_params(max_iter=3)
    whole = learner(estimator, ROWS[:60])
    getattr(whole, first_call)(Rows(ROWS[:60]))
    restored = Learner(whole.settings, whole.seed)
    restored.model.load_state_dict(whole.model.state_dict())
    restored.restore({key: tensor.clone() for key, tensor in whole.state().items()})
    same_tensors(everything(restored), everything(whole))
    for each in (whole, restored):
        each.add_moments(measure_moments(Rows(ROWS[60:])))
        each.partial_fit(Rows(ROWS[60:]))
        each.partial_fit(Rows(ROWS[:60]))
    same_tensors(everything(restored), everything(whole))
    assert (restored.epochs_done, restored.steps_done) == (whole.epochs_done, whole.steps_done)


def test_a_state_is_a_copy_that_names_every_part():
    trained = learner(RESUMED["kl"])
    trained.partial_fit(Rows(ROWS))
    state = trained.state()
    kept = {name: tensor.clone() for name, tensor in state.items()}
    trained.partial_fit(Rows(ROWS))
    same_tensors(state, kept)
    assert state["position"].tolist() == [1, 3]
    assert state["optimiser.encoder.0.weight.step"].item() == 3
    assert {name.partition(".")[0] for name in state} == {"position", "moments", "step", "optimiser"}
    assert state["step.controllers.kl.n_updates"].item() == 3
    assert state["moments.count"].item() == len(ROWS)
    assert not any(name.startswith("step.model") for name in state)


def test_a_state_of_another_network_is_refused():
    other = learner(RESUMED["jumprelu-resample"])
    with pytest.raises(RecipeError, match="inactive_rows"):
        other.restore(learner(RESUMED["kl"]).state())


def test_partial_fit_does_not_join_the_history_which_would_take_longer_with_each_call(monkeypatch):
    model = SparseAutoencoder(6, random_state=0).partial_fit(ROWS)
    with monkeypatch.context() as patch:
        patch.setattr("taciturn.training.history._joined", None)
        for _ in range(3):
            model.partial_fit(ROWS[:40])
        assert model.n_iter_ == 4
    assert model.history_["epoch"].tolist() == [0, 1, 2, 3]
    assert model.history_.steps["step"].tolist() == list(range(9))  # 3 batches of 30 rows, then 2 of 20 each time
    assert model.history_.steps["rows"].tolist() == [30] * 3 + [20] * 6
    assert model.history_ is model.history_  # joined once


def test_columns_that_only_some_epochs_have_are_nan_elsewhere():
    earlier = History({"step": [0, 1], "a": [1.0, 2.0]}, {"epoch": [0], "rates": [[0.5, 0.5]]})
    recorder = Recorder(earlier)
    recorder.add(Record(2, 1, True, 3, 0.1, {"loss": torch.tensor(3.0), "rates": torch.tensor([0.25, 0.75])}))
    history = recorder.history()
    np.testing.assert_array_equal(history.steps["a"], [1, 2, np.nan])
    np.testing.assert_array_equal(history.steps["loss"], [np.nan, np.nan, 3])
    np.testing.assert_array_equal(history["rates"], [[0.5, 0.5], [0.25, 0.75]])
    assert history.steps["step"].tolist() == [0, 1, 2]
