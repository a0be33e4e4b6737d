"""Training: order, position and records against hand-worked numbers, and whole runs replayed in NumPy."""

import copy
import gc
import weakref
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from taciturn.artifact.stored_history import read_history, write_history
from taciturn.core.schedules import Cosine, Decay, Linear
from taciturn.core.seeds import generator
from taciturn.corruption import Clean, Gaussian, Masking
from taciturn.data.sources import Rows
from taciturn.data.split import split
from taciturn.kernels import Chunked
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import Sigmoid, TopK
from taciturn.objective import KL, L1, SquaredError
from taciturn.report.numbers.curves import curves
from taciturn.training import EarlyStopping, Feed, Record, Recorder, Run, Validation, near_equal_batches, train
from taciturn.training.constraints import Constraint
from taciturn.training.solvers import SGD, Adam, TensorFlowAdam
from taciturn.training.step import ByHand, Step

N, D, L = 30, 4, 6


def rows(n=N, seed=0):
    return np.random.default_rng(seed).normal(size=(n, D))


def started(
    source=None,
    *,
    coder=None,
    terms=None,
    solver=None,
    corruption=None,
    learning_rate=0.1,
    epochs=2,
    batch_size=8,
    seed=0,
    **options,
):
    """A run of a small float64 network, before its first step."""
    layout = Layout((D, L), coder or Sigmoid(), tied=options.pop("tied", False))
    model = Autoencoder(layout, rng=generator(seed, "init"), kernels=Chunked(3)).double()
    step = Step(model, terms or SquaredError() + 0.1 * KL(0.2))
    optimiser = (solver or SGD()).build([{"params": list(step.parameters()), "weight_decay": 0.0}], 1.0)
    feed = Feed(Rows(rows()) if source is None else source, model.scale_rows, batch_size, seed, corruption or Clean())
    return Run(step, feed, optimiser, learning_rate, epochs, **options)


def weights(run):
    return {name: p.detach().clone() for name, p in run.step.named_parameters()}


def same(first, second):
    return all(torch.equal(value, second[name]) for name, value in first.items())


def finished(run):
    """Train to the end; return the run's history."""
    recorder = Recorder()
    for record in train(run):
        recorder.add(record)
    return recorder.history()


def before_each_step(run, callback):
    """Make the optimiser call `callback` before each step (torch's own hooks run twice for a subclass)."""
    step = run.optimiser.step

    def with_callback():
        callback()
        step()

    run.optimiser.step = with_callback


class StepLog:
    """A hook that collects the batches, the records and the weights after each step."""

    def __init__(self):
        self.batches, self.records, self.weights = [], [], []

    def __call__(self, run, batch, record):
        self.batches.append(batch)
        self.records.append(record)
        self.weights.append(weights(run))


# --- order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_near_equal_batches_are_the_fewest_and_differ_by_one_row(size):
    for n in [1, 2, 3, 6, 7, 8, 63, 64, 65, 129, 1000]:
        bounds = near_equal_batches(n, size)
        sizes = [stop - start for start, stop in bounds]
        assert [start for start, _ in bounds] == [0, *(stop for _, stop in bounds[:-1])]
        assert bounds[-1][1] == n
        assert max(sizes) <= size
        assert max(sizes) - min(sizes) <= 1
        assert len(bounds) == -(-n // size)


def orders(seed, epochs=3):
    """The numbers of each epoch's rows, in the order in which a run with this seed uses them."""
    source = np.zeros((N, D))
    source[:, 0] = np.arange(N)
    step_log = StepLog()
    run = started(Rows(source), epochs=epochs, seed=seed, hooks=(step_log,))
    finished(run)
    assert [len(batch.x) for batch in step_log.batches] == [8, 8, 7, 7] * epochs
    numbers = torch.cat([batch.x[:, 0] for batch in step_log.batches]).long().numpy()
    return numbers.reshape(epochs, N).tolist()


def test_an_epoch_uses_every_row_once_in_an_order_of_its_seed_and_number():
    first = orders(seed=0)
    for order in first:
        assert sorted(order) == list(range(N))
        assert order != sorted(order)
    assert len({tuple(order) for order in first + orders(seed=1)}) == 6
    assert orders(seed=0) == first
    expected = torch.randperm(N, generator=generator(0, "order", 2)).tolist()
    assert first[2] == expected  # a function of (seed, epoch), without the epochs before


@pytest.mark.parametrize(("fraction", "n_held_out"), [(0.1, 3), (0.5, 15), (0.001, 1), (0.999, 29)])
def test_split_holds_out_a_share_of_the_rows_drawn_by_the_seed(fraction, n_held_out):
    training, held_out = split(N, fraction, 0)
    assert len(held_out) == n_held_out
    assert sorted([*training, *held_out]) == list(range(N))
    assert (np.diff(training) > 0).all()
    assert (np.diff(held_out) > 0).all()
    assert_array_equal(split(N, fraction, 0)[1], held_out)
    assert len({tuple(split(N, 0.5, seed)[1]) for seed in range(5)}) == 5


def test_the_noise_of_a_block_of_rows_depends_on_seed_step_and_block_alone():
    """150 rows are two blocks of 64 and one of 22; x and the target are not changed."""
    step_log = StepLog()
    source = Rows(rows(150))
    run = started(source, corruption=Gaussian(Linear(1, 0)), epochs=2, batch_size=150, seed=7, hooks=(step_log,))
    finished(run)
    for step, (batch, std) in enumerate(zip(step_log.batches, [1, 0.5], strict=True)):
        noise = [
            torch.randn(n, D, generator=generator(7, "corrupt", step, block), dtype=torch.float64)
            for block, n in enumerate([64, 64, 22])
        ]
        assert_allclose(batch.corrupted - batch.x, std * torch.cat(noise), rtol=1e-12, atol=1e-14)
        assert batch.target is batch.x
        assert_array_equal(np.sort(batch.x, axis=0), np.sort(rows(150), axis=0))


# --- records, replayed in NumPy ---------------------------------------------------------------------------


class Numpy:
    """The network W, b, V, c with sigmoid codes under squared error + weight · KL(ρ) and plain gradient descent."""

    def __init__(self, run, *, rho, weight):
        model = run.step.model
        self.W, self.b = (p.detach().numpy().copy() for p in (model.encoder[0].weight, model.encoder[0].bias))
        self.V, self.c = (p.detach().numpy().copy() for p in (model.decoder[0].weight, model.decoder[0].bias))
        self.rho, self.weight = rho, weight

    def numbers(self, corrupted, target):
        """Return loss, squared error, KL and mean activations; and the codes and reconstruction errors behind them."""
        codes = 1 / (1 + np.exp(-(corrupted @ self.W.T + self.b)))
        error, q, rho = codes @ self.V + self.c - target, codes.mean(0), self.rho
        squared = (error**2).mean()
        kl = (rho * np.log(rho / q) + (1 - rho) * np.log((1 - rho) / (1 - q))).sum()
        return {"loss": squared + self.weight * kl, "squared_error": squared, "kl": kl, "rates": q}, codes, error

    def step(self, corrupted, target, learning_rate):
        """Take a step along the gradient, derived by hand; return the numbers before it."""
        numbers, codes, error = self.numbers(corrupted, target)
        q, d_recon = numbers["rates"], 2 * error / error.size
        d_codes = d_recon @ self.V.T + self.weight * ((1 - self.rho) / (1 - q) - self.rho / q) / len(corrupted)
        d_pre = d_codes * codes * (1 - codes)
        self.W -= learning_rate * d_pre.T @ corrupted
        self.b -= learning_rate * d_pre.sum(0)
        self.V -= learning_rate * codes.T @ d_recon
        self.c -= learning_rate * d_recon.sum(0)
        return numbers


@pytest.mark.parametrize("corruption", [Clean(), Masking(0.3)], ids=str)
def test_a_run_is_numpys_step_by_step_and_epoch_by_epoch(corruption):
    step_log = StepLog()
    run = started(corruption=corruption, learning_rate=Linear(0.4, 0.0), epochs=3, hooks=(step_log,))
    numpy = Numpy(run, rho=0.2, weight=0.1)
    history = finished(run)
    # 12 steps, the first at 0.4, the last at a twelfth of it
    learning_rates = [0.4 - 0.4 * step / 12 for step in range(12)]
    expected = [
        numpy.step(batch.corrupted.numpy(), batch.x.numpy(), rate)
        for batch, rate in zip(step_log.batches, learning_rates, strict=True)
    ]
    for name in ("loss", "squared_error", "kl"):
        assert_allclose(history.steps[name], [numbers[name] for numbers in expected], rtol=1e-10)
    assert_allclose(history.steps["rate"], [numbers["rates"].mean() for numbers in expected], rtol=1e-10)
    assert_allclose(history.steps["learning_rate"], learning_rates, rtol=1e-12)
    assert_array_equal(history.steps["step"], range(12))
    assert_array_equal(history.steps["epoch"], np.repeat([0, 1, 2], 4))
    assert_array_equal(history.steps["rows"], [8, 8, 7, 7] * 3)
    model = run.step.model
    for p, weight in [
        (model.encoder[0].weight, numpy.W),
        (model.encoder[0].bias, numpy.b),
        (model.decoder[0].weight, numpy.V),
    ]:
        assert_allclose(p.detach(), weight, rtol=1e-10, atol=1e-13)

    # an epoch's number is the mean of its steps' numbers, weighted by their rows
    assert history.n_epochs == 3
    assert_array_equal(history["epoch"], [0, 1, 2])
    for name in ("loss", "squared_error", "kl", "rates"):
        by_step = np.array([numbers[name] for numbers in expected]).reshape(3, 4, -1)
        mean = np.average(by_step, axis=1, weights=[8, 8, 7, 7])
        assert_allclose(history[name].reshape(3, -1), mean, rtol=1e-10, err_msg=name)
    assert history["rates"].shape == (3, L)
    assert_allclose(history["rate"], history["rates"].mean(1), rtol=1e-12)
    assert (history["seconds"] > 0).all()


@pytest.mark.parametrize("corruption", [Clean(), Gaussian(0.1)])
@pytest.mark.parametrize("kind", [Step, ByHand])
def test_no_reference_to_a_batch_is_left_after_its_step(kind, corruption):
    run = started(Rows(rows(30)), epochs=1, batch_size=4, corruption=corruption, terms=SquaredError() + KL(0.2))
    run.step = kind(run.step.model, run.step.objective)
    run.hooks = (lambda run, batch, record: references.append(weakref.ref(batch)),)
    references = []
    gc.collect()
    gc.disable()
    try:
        for _ in train(run):
            assert sum(batch() is not None for batch in references) <= 1
    finally:
        gc.enable()
    assert len(references) == 8


def test_mean_activations_that_are_summed_within_an_epoch_have_the_same_mean(monkeypatch):
    rates = []
    for limit in (10**6, 3 * L):
        monkeypatch.setattr("taciturn.training.history.MAX_PENDING_RATES", limit)
        recorder = Recorder()
        for record in train(started(Rows(rows(30)), epochs=2, batch_size=4)):
            recorder.add(record)
            assert len(recorder._pending) * L <= limit
        rates.append(recorder.history()["rates"])
    assert_allclose(rates[0], rates[1], rtol=1e-12)


def test_an_epochs_mean_is_weighted_by_rows_not_by_batches():
    run = started(Rows(rows(3)), epochs=1, batch_size=2, learning_rate=0.0)
    history = finished(run)
    first, second = history.steps["loss"]
    assert first != pytest.approx(second, rel=1e-3)
    assert history["loss"][0] == pytest.approx((2 * first + second) / 3, rel=1e-12)


SCHEDULES = [
    (0.3, [0.3] * 8),
    (Linear(0.8, 0.0), [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
    (Linear(0.8, 0.2, over=0.5), [0.8, 0.65, 0.5, 0.35, 0.2, 0.2, 0.2, 0.2]),
    (Cosine(0.2), [0.2, 0.192388, 0.170711, 0.138268, 0.1, 0.061732, 0.029289, 0.007612]),
    (Decay(0.4, last=0.5), [0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1]),
]


@pytest.mark.parametrize(("learning_rate", "expected"), SCHEDULES, ids=lambda case: getattr(case, "text", ""))
def test_the_recorded_learning_rate_is_the_optimisers(learning_rate, expected):
    run = started(learning_rate=learning_rate, terms=SquaredError() + L1(weight=0), epochs=2)
    used = []
    before_each_step(run, lambda: used.append(run.optimiser.param_groups[0]["lr"]))
    history = finished(run)
    assert_allclose(history.steps["learning_rate"], expected, atol=5e-7)
    assert used == history.steps["learning_rate"].tolist()


def test_schedules_of_an_open_ended_run_stand_at_their_end():
    run = started(
        learning_rate=Linear(0.8, 0.0), coder=TopK(Linear(5, 1)), terms=SquaredError() + L1(), open_ended=True
    )
    step_log = StepLog()
    run.hooks = (step_log,)
    assert finished(run).steps["learning_rate"].tolist() == [0.0] * 8
    assert run.progress(0) == 1


def test_k_and_weights_follow_their_schedules_step_by_step():
    """k = 5, 4.5, 4, … rounded to even; the weight of l1 grows by 1/8 a step."""
    step_log = StepLog()
    run = started(
        coder=TopK(Linear(5, 1), signed=True), terms=SquaredError() + L1(weight=Linear(0, 1)), hooks=(step_log,)
    )
    history = finished(run)
    weight = (history.steps["loss"] - history.steps["squared_error"]) / history.steps["l1"]
    assert_allclose(weight, np.arange(8) / 8, atol=1e-12)
    l1 = []
    for batch, before in zip(step_log.batches, [None, *step_log.weights[:-1]], strict=True):
        if before is not None:
            pre = batch.x.numpy() @ before["model.encoder.0.weight"].numpy().T + before["model.encoder.0.bias"].numpy()
            k = round(5 - 0.5 * (len(l1) + 1))
            largest = np.sort(np.abs(pre), axis=1)[:, -k:]
            l1.append(largest.sum(1).mean())
    assert_allclose(history.steps["l1"][1:], l1, rtol=1e-11)


# --- reproducible, and continued -------------------------------------------------------------------------

NOISY = {
    "corruption": Gaussian(Linear(0.5, 0.1)),
    "coder": TopK(Linear(5, 2)),
    "terms": SquaredError() + L1(weight=Linear(0.0, 0.1)),
    "learning_rate": Cosine(0.05),
    "epochs": 3,
}


@pytest.mark.parametrize("tied", [False, True])
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(tied):
    first, again, other = (started(**NOISY, solver=Adam(), seed=seed, tied=tied) for seed in (3, 3, 4))
    initial = weights(first)
    histories = [finished(run) for run in (first, again, other)]
    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(other))
    assert not same(weights(first), initial)
    assert histories[0].steps["loss"].tolist() == histories[1].steps["loss"].tolist()
    assert histories[0].steps["loss"].tolist() != histories[2].steps["loss"].tolist()


@pytest.mark.parametrize("stop", [1, 3, 4, 5, 8, 11])
@pytest.mark.parametrize("solver", [SGD(0.9, nesterov=True), Adam(), TensorFlowAdam()], ids=lambda solver: solver.name)
def test_a_run_continued_from_any_step_gives_the_same_bits(solver, stop):
    """3 epochs of 4 steps: stopped within an epoch, at its end, and one step before the end of the run."""
    whole = started(**NOISY, solver=solver)
    history = finished(whole)
    broken = started(**NOISY, solver=solver)
    recorder = Recorder()
    for record in islice(train(broken), stop):
        recorder.add(record)
    assert (broken.epoch, broken.step_in_epoch, broken.steps) == (stop // 4, stop % 4, stop)
    assert not same(weights(broken), weights(whole))
    rest = Run(
        broken.step,
        broken.feed,
        broken.optimiser,
        broken.learning_rate,
        broken.epochs,
        epoch=stop // 4,
        step_in_epoch=stop % 4,
        steps=stop,
    )
    for record in train(rest):
        recorder.add(record)
    assert same(weights(rest), weights(whole))
    assert recorder.history().steps["loss"].tolist() == history.steps["loss"].tolist()
    assert (rest.epoch, rest.step_in_epoch, rest.steps) == (3, 0, 12)
    assert list(train(rest)) == []  # the run is done


def test_a_hook_stops_the_run_after_its_step():
    def stop_at_6(run, batch, record):
        if record.step == 5:
            run.stop_reason = "enough"

    run = started(epochs=3, hooks=(stop_at_6,))
    history = finished(run)
    assert_array_equal(history.steps["step"], range(6))
    assert (run.epoch, run.step_in_epoch, run.steps) == (1, 2, 6)
    assert history.n_epochs == 2  # the unfinished epoch counts with the steps that it has
    assert history["loss"][1] == pytest.approx(history.steps["loss"][4:].mean(), rel=1e-12)


# --- validation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noisy", [False, True])
def test_validation_is_the_objective_on_fixed_noise_and_the_mean_activation_of_clean_rows(noisy):
    """20 held-out rows in batches of 7, 7 and 6; each batch's noise is drawn by its number, at the schedule's end."""
    held_ND = rows(20, seed=9)
    run = started(epochs=3)
    corruption = Gaussian(Linear(2, 0.5)) if noisy else Clean()
    feed = Feed(Rows(held_ND), run.step.model.scale_rows, 7, 5, corruption)
    step_log = StepLog()
    run.hooks = (Validation(feed), step_log)
    history = finished(run)
    assert history["validation_rates"].shape == (3, L)
    for epoch in range(3):
        after = copy.deepcopy(run)
        after.step.load_state_dict(step_log.weights[4 * epoch + 3], strict=False)
        numpy = Numpy(after, rho=0.2, weight=0.1)
        by_batch = []
        for i, x_BD in enumerate(np.split(held_ND, [7, 14])):
            noise = torch.randn(x_BD.shape, generator=generator(5, "validate", i, 0), dtype=torch.float64).numpy()
            numbers = numpy.numbers(x_BD + 0.5 * noise * noisy, x_BD)[0]
            numbers["rates"] = numpy.numbers(x_BD, x_BD)[0]["rates"]
            by_batch.append(numbers)
        for name in ("loss", "squared_error", "kl", "rates"):
            mean = np.average([numbers[name] for numbers in by_batch], axis=0, weights=[7, 7, 6])
            # the means are stored in float32
            assert_allclose(history[f"validation_{name}"][epoch], mean, rtol=1e-6, err_msg=name)


def test_validation_does_not_change_the_run():
    plain, validated = started(**NOISY, solver=Adam()), started(**NOISY, solver=Adam())
    validated.hooks = (Validation(Feed(Rows(rows(9)), validated.step.model.scale_rows, 4, 0, Masking(0.5))),)
    first, second = finished(plain), finished(validated)
    assert same(weights(plain), weights(validated))
    assert first.steps["loss"].tolist() == second.steps["loss"].tolist()
    assert set(second.epochs) - set(first.epochs) == {
        "validation_loss",
        "validation_squared_error",
        "validation_l1",
        "validation_rates",
    }
    assert "validation_loss" not in second.steps


@pytest.mark.parametrize("corruption", [Clean(), Masking(0.0)], ids=str)
def test_validation_uses_every_schedules_last_value(corruption):
    """k, the weight of l1 and the corruption stand at their last value, so that epochs can be compared."""
    run = started(
        coder=TopK(Linear(6, 2), signed=True), terms=SquaredError() + L1(weight=Linear(0.0, 4.0)), learning_rate=0.0
    )
    run.hooks = (Validation(Feed(Rows(rows(9)), run.step.model.scale_rows, 9, 0, corruption)),)
    model = run.step.model
    pre = rows(9) @ model.encoder[0].weight.detach().numpy().T
    second = np.sort(np.abs(pre), axis=1)[:, -2, None]
    codes = np.where(np.abs(pre) >= second, pre, 0)
    error = ((codes @ model.decoder[0].weight.detach().numpy() - rows(9)) ** 2).mean()
    history = finished(run)
    assert_allclose(history["validation_l1"], np.abs(codes).sum(1).mean(), rtol=1e-6)
    assert_allclose(history["validation_squared_error"], error, rtol=1e-6)
    assert_allclose(history["validation_loss"], error + 4 * np.abs(codes).sum(1).mean(), rtol=1e-6)
    assert_allclose(history["validation_rates"], [codes.mean(0)] * 2, rtol=1e-6, atol=1e-7)


# (validation losses, patience, tolerance, epochs done, the best epoch)
PATIENCE = [
    ([5, 4, 3, 2, 1, 0], 1, 0, 6, 5),
    ([5, 4, 3, 3, 3, 3], 2, 0, 5, 2),
    ([5, 6, 7, 1, 0, 0], 2, 0, 3, 0),
    ([5, 6, 4, 5, 3, 4], 2, 0, 6, 4),
    ([5, 6, 4, 5, 3, 4], 1, 0, 2, 0),
    ([5, 4.9, 4.8, 4.7, 1, 1], 3, 1.5, 4, 3),  # the loss falls too little to go on, but the least is kept
    ([5, 4.5, 3, 2.9, 2.8, 0], 2, 1, 5, 4),
    ([5, float("nan"), 4, float("nan"), float("nan"), 0], 2, 0, 5, 2),
    ([float("nan")] * 6, 3, 0, 3, None),
]


@pytest.mark.parametrize(("losses", "patience", "tol", "epochs", "best"), PATIENCE, ids=str)
def test_early_stopping_keeps_the_weights_of_the_least_loss_and_stops_after_patience(
    losses, patience, tol, epochs, best
):
    next_loss, after = iter(losses), []

    def pretend(run, batch, record):
        if record.ends_interval:
            record.numbers["validation_loss"] = torch.tensor(next(next_loss))
            after.append(weights(run))

    keep = EarlyStopping(patience=patience, tol=tol)
    run = started(epochs=6, hooks=(pretend, keep))
    history = finished(run)
    assert history.n_epochs == run.epoch == epochs
    assert run.step_in_epoch == 0
    reason = f"the validation loss has not fallen by {tol:g} for {patience} epochs"
    assert run.stop_reason == (reason if epochs < 6 else None)
    assert same(weights(run), after[-1])
    keep.restore(run.step)
    assert same(weights(run), after[-1 if best is None else best])
    assert len({tuple(a["model.encoder.0.bias"].tolist()) for a in after}) == epochs  # the epochs differ


def test_restoring_keeps_tied_weights_tied():
    def pretend(run, batch, record):
        if record.ends_interval:
            record.numbers["validation_loss"] = torch.tensor(float(record.epoch))

    keep = EarlyStopping(patience=9, tol=0)
    run = started(epochs=2, tied=True, hooks=(pretend, keep))
    finished(run)
    last = weights(run)
    keep.restore(run.step)
    assert run.step.model.encoder[0].weight is run.step.model.decoder[0].weight
    assert not same(weights(run), last)


# --- around the optimiser's step --------------------------------------------------------------------------


@dataclass(frozen=True)
class Logged(Constraint):
    """Keeps the dictionary's rows at norm 1, and logs the dictionary and its gradient."""

    log: list

    def before(self, W):
        assert not torch.is_grad_enabled()
        self.log.append(("before", W.clone(), W.grad.clone()))

    def after(self, W):
        self.log.append(("after", W.clone(), W.grad.clone()))
        W /= W.norm(dim=1, keepdim=True)


@pytest.mark.parametrize("tied", [False, True])
def test_a_constraint_is_applied_before_and_after_the_optimisers_step(tied):
    log = []
    run = started(epochs=1, learning_rate=0.5, tied=tied, constraint=Logged(log))
    before_each_step(run, lambda: log.append(("step",)))
    finished(run)
    assert [entry[0] for entry in log] == ["before", "step", "after"] * 4
    for (_, W, gradient), _, (_, moved, same_gradient) in zip(log[::3], log[1::3], log[2::3], strict=True):
        assert gradient.any()
        assert_array_equal(gradient, same_gradient)
        assert_allclose(moved, W - 0.5 * gradient, rtol=1e-12, atol=1e-14)
    # the next step starts at what `after` wrote, and so does the final model
    for W in (*(entry[1] for entry in log[3::3]), run.step.model.dictionary.detach()):
        assert_allclose(W.norm(dim=1), np.ones(L), rtol=1e-12)


class NoGradient(Constraint):
    """Sets the dictionary's gradient to 0."""

    def before(self, W):
        W.grad.zero_()


def test_the_optimiser_uses_the_gradient_that_the_constraint_changed():
    run = started(constraint=NoGradient())
    initial = weights(run)
    finished(run)
    assert torch.equal(run.step.model.dictionary, initial["model.decoder.0.weight"])
    assert not torch.equal(run.step.model.encoder[0].weight, initial["model.encoder.0.weight"])


def test_clip_bounds_the_norm_of_all_gradients_together():
    """With a learning rate of 1 gradient descent moves the weights by the gradient's norm, or by the bound on it."""
    moved = {}
    for clip in (None, 1e9, 0.01):
        run = started(epochs=1, batch_size=N, learning_rate=1.0, clip=clip)
        initial = weights(run)
        finished(run)
        moved[clip] = {name: value - initial[name] for name, value in weights(run).items()}
    norm = {clip: np.sqrt(sum(float((d**2).sum()) for d in change.values())) for clip, change in moved.items()}
    assert norm[None] > 0.1
    assert norm[1e9] == pytest.approx(norm[None], rel=1e-12)
    assert norm[0.01] == pytest.approx(0.01, rel=1e-4)
    for name, change in moved[0.01].items():
        assert_allclose(change, moved[None][name] * norm[0.01] / norm[None], rtol=1e-8, atol=1e-15)


# --- pairs ------------------------------------------------------------------------------------------------


def test_a_partner_is_the_target_and_stays_with_its_row():
    x_ND = rows()
    step_log = StepLog()
    run = started(Rows(x_ND), hooks=(step_log,), corruption=Masking(0.5))
    run.feed = Feed(run.feed.source, run.feed.scale_rows, 8, 0, Masking(0.5), target=Rows(x_ND * 2 + 1))
    numpy = Numpy(run, rho=0.2, weight=0.1)
    history = finished(run)
    losses = [numpy.step(batch.corrupted.numpy(), batch.x.numpy() * 2 + 1, 0.1)["loss"] for batch in step_log.batches]
    assert_allclose(history.steps["loss"], losses, rtol=1e-10)
    for batch in (*step_log.batches, *run.feed.validation_batches()):
        assert_allclose(batch.target, batch.x * 2 + 1, rtol=1e-14)
    assert_array_equal(torch.cat([batch.x for batch in run.feed.validation_batches()]), x_ND)


@pytest.mark.parametrize("call", range(4))
def test_an_interrupt_while_an_epoch_is_recorded_loses_no_record(monkeypatch, call):
    recorder, stack, calls = Recorder(), torch.stack, iter(range(100))

    def interrupted(tensors):
        if next(calls) == call:
            raise KeyboardInterrupt
        return stack(tensors)

    records = [
        Record(step, 0, step == 2, 8, 0.1, {"loss": torch.tensor(3.0 - step), "rates": torch.full((2,), 0.25)})
        for step in range(3)
    ]
    monkeypatch.setattr("taciturn.training.history.torch.stack", interrupted)
    try:
        for record in records:
            recorder.add(record)
    except KeyboardInterrupt:
        pass
    history = recorder.history()
    assert history.steps["loss"].tolist() == [3, 2, 1]
    assert history["loss"].tolist() == [2]
    assert history["rates"].tolist() == [[0.25, 0.25]]


@pytest.mark.parametrize("most", [8, 20, 100])
def test_a_long_history_keeps_every_2nd_4th_step_and_all_epochs(monkeypatch, tmp_path, most):
    """Epochs of 1 to 11 steps, whose loss is their number."""
    monkeypatch.setattr("taciturn.training.history.MAX_STEP_ROWS", most)
    recorder, step, sizes = Recorder(), 0, [7, 1, 11, 2, 10, 9] * 3
    for epoch, size in enumerate(sizes):
        for i in range(size):
            numbers = {"loss": torch.tensor(float(step)), "rates": torch.full((2,), step / 1000)}
            recorder.add(Record(step, epoch, i == size - 1, 8, 0.1 * step, numbers))
            step += 1
    history, last = recorder.history(), np.cumsum(sizes) - 1
    # the least power of two that leaves few enough steps beside the last ones
    stride = next(s for s in (1, 2, 4, 8, 16, 32) if len(set(range(0, step, s)) - set(last)) <= most)
    kept = sorted({*range(0, step, stride), *last})
    for name, expected in (("step", kept), ("loss", kept), ("learning_rate", np.multiply(0.1, kept))):
        assert_allclose(history.steps[name], expected)
    assert history.steps["epoch"].tolist() == np.repeat(np.arange(18), sizes)[kept].tolist()
    # an epoch's numbers are of all its steps
    means = [np.mean(steps) for steps in np.split(np.arange(step), last[:-1] + 1)]
    assert_allclose(history["loss"], means)
    assert_allclose(history["rates"], np.repeat(np.array(means)[:, None] / 1000, 2, 1), rtol=1e-6)
    # what reads the history finds each epoch's last step
    assert_allclose(curves(history)["learning_rate"], 0.1 * last)
    write_history(history, tmp_path / "history.parquet")
    stored = read_history(tmp_path / "history.parquet")
    assert stored.steps["step"].tolist() == kept
    assert_allclose(stored["loss"], means)
    # and it goes on from there
    longer = Recorder(stored)
    longer.add(Record(step, 18, True, 8, 0.1, {"loss": torch.tensor(1.0), "rates": torch.zeros(2)}))
    assert longer.history().steps["step"].tolist()[-2:] == [last[-1], step]
    assert len(longer.history().steps["step"]) - 19 <= most
