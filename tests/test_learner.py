"""A learner from one call to the next: continued, interrupted, stopped, restored."""

import inspect
import os
import signal
import sys
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from taciturn import DictionaryAutoencoder, SparseAutoencoder
from taciturn.core.errors import DataError, Diverged, RecipeError
from taciturn.core.schedules import Schedule
from taciturn.data.moments import measure_moments
from taciturn.data.sources import Rows
from taciturn.estimators.resolve import resolve
from taciturn.training import History, Learner, Record, Recorder, Run, divergence_guard, train
from taciturn.training.divergence_guard import CHECK_EVERY
from taciturn.training.step import Step

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


# --- interrupted --------------------------------------------------------------------------------------------------
ROOMS = ("training", "model", "objective", "data", "corruption")
INTERRUPTED = {
    "kl": (SparseAutoencoder(6, corruption="gaussian:0.1", max_iter=2, batch_size=16), ROWS[:64]),
    "jumprelu": (
        DictionaryAutoencoder(
            32, k=2, sparsity="jumprelu", revive="resample", ordered=True, max_iter=2, batch_size=16
        ).set_params(max_iter=2),
        ROWS[:48],
    ),
    "batch_topk": (DictionaryAutoencoder(32, k=2, sparsity="batch_topk", max_iter=2, batch_size=16), ROWS[:48]),
}


class InterruptAt:
    """Raise KeyboardInterrupt at the n-th call of a function of the package's inner rooms; count the calls."""

    def __init__(self, n):
        self.n, self.count = n, 0

    def __call__(self, frame, event, argument):
        folder = frame.f_code.co_filename.split("/taciturn/")[-1].split("/")[0]
        # a generator is also resumed to be closed, where Python drops an exception
        if event == "call" and folder in ROOMS and not frame.f_code.co_flags & inspect.CO_GENERATOR:
            self.count += 1
            if self.count == self.n:
                sys.setprofile(None)
                raise KeyboardInterrupt

    def __enter__(self):
        sys.setprofile(self)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)


def check_consistent(trained):
    history = trained.recorder.history()
    assert {len(column) for column in history.steps.values()} <= {trained.steps_done}
    assert {len(column) for column in history.epochs.values()} <= {trained.epochs_done}
    assert history.n_epochs == trained.recorder.n_epochs == trained.epochs_done
    assert history.epochs.get("epoch", np.zeros(0)).tolist() == list(range(trained.epochs_done))
    assert history.steps.get("step", np.zeros(0)).tolist() == list(range(trained.steps_done))
    assert all(tensor.isfinite().all() for tensor in trained.model.state_dict().values())


@pytest.mark.filterwarnings("ignore::taciturn.core.errors.TargetMissed")
@pytest.mark.parametrize("part", range(5))
@pytest.mark.parametrize("name", INTERRUPTED)
def test_an_interrupt_at_any_call_leaves_a_learner_that_continues(name, part, monkeypatch):
    estimator, rows = INTERRUPTED[name]
    for _ in range(2):  # what is loaded at the first call is no part of the count
        counted = learner(estimator, rows)
        with InterruptAt(0) as calls:
            counted.fit(Rows(rows))
    moments = np.linspace(1, calls.count, 100).astype(int)[part::5]
    initialised = []
    initialise = Step.initialise
    monkeypatch.setattr(Step, "initialise", lambda *args, **kw: initialised.append(1) or initialise(*args, **kw))
    for moment in moments:
        trained = learner(estimator.set_params(max_iter=2), rows)
        with pytest.raises(KeyboardInterrupt), InterruptAt(moment):
            trained.fit(Rows(rows))
        check_consistent(trained)
        steps, epochs = trained.steps_done, trained.epochs_done
        assert steps == 0 or trained.stopped.startswith("interrupted")
        initialised.clear()
        if trained.settings.order is None or steps:
            trained.partial_fit(Rows(rows))
            assert len(initialised) == (steps == 0)
            assert trained.steps_done == steps + len(trained._feed(Rows(rows)).bounds)
            assert trained.epochs_done == epochs + 1
            assert trained.stopped is None
            check_consistent(trained)
        trained.fit(Rows(rows))
        assert trained.recorder.n_epochs == trained.epochs_done == 2


def test_an_estimator_that_was_interrupted_is_fitted_from_its_first_step_on():
    for moment in (30, 150, 400):
        model = SparseAutoencoder(6, batch_size=16, random_state=0)
        with pytest.raises(KeyboardInterrupt), InterruptAt(moment):
            model.partial_fit(ROWS)
        assert hasattr(model, "history_") == hasattr(model, "n_features_in_") == hasattr(model, "_learner")
        if hasattr(model, "history_"):
            assert model.n_iter_ == len(model.history_["loss"]) == 1
        assert model.partial_fit(ROWS).stopped_ is None


def test_a_warm_start_that_is_interrupted_before_its_first_step_changes_nothing(monkeypatch):
    model = SparseAutoencoder(6, warm_start=True, max_iter=2, random_state=0).fit(ROWS)
    before, weights = model.transform(ROWS), model.weights_

    def interrupted(self, *args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Step, "initialise", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(sparsity="kl:0.2").fit(ROWS)
    np.testing.assert_array_equal(model.transform(ROWS), before)
    assert (model.weights_, model.n_iter_, model.settings_.objective.terms[1].rate) == (weights, 2, 0.05)


def test_latents_are_sorted_completely_or_not_at_all(monkeypatch):
    """Ctrl-C arrives while one of the tensors is permuted; the network still computes the same."""
    trained = learner(DictionaryAutoencoder(32, k=2, ordered=True, batch_size=8, max_iter=2))
    sent, computed = [], []

    def permuted(optimiser, order, parameters):
        computed.append(trained.model(torch.tensor(ROWS)))
        for parameter in parameters:
            parameter.copy_(parameter[order])
            if not sent:
                sent.append(os.kill(os.getpid(), signal.SIGINT))

    monkeypatch.setattr("taciturn.training.ordering.permute_rows", permuted)
    with pytest.raises(KeyboardInterrupt):
        trained.fit(Rows(ROWS))
    torch.testing.assert_close(trained.model(torch.tensor(ROWS)), computed[-1])
    assert trained.stopped.startswith("interrupted in epoch")


# --- stopped by a loss that is not finite ---------------------------------------------------------------------------
def test_a_long_epoch_that_diverges_is_stopped_soon_and_keeps_its_last_finite_weights():
    """200 steps in one epoch; the rate of learning explodes after the 50th."""

    class Explosion(Schedule):
        def at(self, progress):
            return 0.01 if progress < 0.25 else 1e30

    estimator = SparseAutoencoder(6, solver="sgd", sparsity=None, batch_size=2, max_iter=1)
    rows = np.random.default_rng(0).normal(size=(400, 5))
    trained = learner(estimator, rows)
    trained.settings = replace(trained.settings, learning_rate=Explosion())
    with pytest.warns(Diverged, match=r"at step 51; the weights after 16 steps are kept; lower learning_rate"):
        trained.fit(Rows(rows))
    assert 51 <= trained.steps_done <= 51 + CHECK_EVERY
    reference = learner(estimator, rows)
    reference.step.initialise(reference._sample(reference._feed(Rows(rows)))[0], steps=200)
    run = Run(reference.step, reference._feed(Rows(rows)), reference.optimiser, 0.01, 1)
    assert len(list(islice(train(run), 16))) == 16
    for name, tensor in reference.model.state_dict().items():
        assert torch.equal(tensor, trained.model.state_dict()[name]), name


def test_weights_are_copied_at_rising_intervals(monkeypatch):
    trained = learner(SparseAutoencoder(6, sparsity=None, batch_size=2, max_iter=1), ROWS[:80])
    copies = []

    monkeypatch.setattr(divergence_guard, "COPY_EVERY", 12)
    monkeypatch.setattr(divergence_guard, "SavedState", lambda step: copies.append(len(trained.recorder._pending)))
    trained.fit(Rows(ROWS[:80]))
    assert copies == [0, 1, 4, 16, 28]  # not after the last step


# --- partial_fit ------------------------------------------------------------------------------------------------------
def test_dead_latents_are_resampled_over_all_calls_of_partial_fit():
    """Steps of all calls count: one step a call, and each 200th is due (a twentieth of 4,000)."""
    rows = np.random.default_rng(0).normal(size=(64, 8))
    model = DictionaryAutoencoder(64, k=1, sparsity="topk:1", revive="resample", batch_size=64, random_state=0)
    changed = []
    for call in range(1, 402):
        if call in (199, 200, 399, 400):
            before = model.components_.copy()
        model.partial_fit(rows)
        if call in (199, 200, 399, 400):
            dead = model._learner.step.inactive_rows
            changed.append(int((np.abs(model.components_ - before).max(1) > 0.05).sum()))
    assert changed[0] == changed[2] == 0
    assert changed[1] > 0
    assert len(dead) == 64


def test_sorted_latents_are_refused_before_a_fit_and_stay_after_it():
    model = DictionaryAutoencoder(16, k=2, ordered=True, max_iter=2, random_state=0)
    with pytest.raises(RecipeError, match="set ordered=False, or call fit first"):
        model.partial_fit(ROWS)
    assert not hasattr(model, "_learner")
    assert model.fit(ROWS).partial_fit(ROWS).n_iter_ == 3


def test_a_warm_start_with_rows_of_another_width_is_refused():
    model = SparseAutoencoder(6, warm_start=True, max_iter=2, random_state=0).fit(ROWS)
    before = model.components_.copy()
    with pytest.raises(DataError, match="X has 4 columns, but the fitted network has 5; give rows with the same"):
        model.fit(ROWS[:, :4])
    np.testing.assert_array_equal(model.components_, before)
    assert model.n_features_in_ == 5
