"""The recorded step against the step computed each time; a stand-in replaces CUDA's recorder here."""

import pickle

import numpy as np
import pytest
import torch

from taciturn.core.schedules import Linear
from taciturn.corruption import Clean, Gaussian
from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Batch, Layout
from taciturn.model.coding_layers import ReLU, Sigmoid, TopK
from taciturn.objective import KL, L1, CrossEntropy, Objective, SquaredError, SquaredRate
from taciturn.training import Feed, Run, train
from taciturn.training.solvers import Adam, parameter_groups
from taciturn.training.step import ByHand, Captured, captured, plan

NOISE = {"clean": Clean(), "gaussian": Gaussian(0.1)}
KL_FOUND = Objective((CrossEntropy(), KL(0.2)))


def leaves(tree):
    return [tree] if isinstance(tree, torch.Tensor) else [x for part in tree for x in leaves(part)]


class Recorder:
    """Stands in for `capture`: each replay computes the step again, and copies its results into the first tensors.

    CUDA records without computing, so the changes of `buffers` by the recorded step are undone.
    """

    def __init__(self):
        self.recorded = self.replayed = 0
        self.buffers, self.parameters = [], []

    @torch.no_grad()
    def __call__(self, warm_up, step, device, pool):
        warm_up()
        before = [buffer.clone() for buffer in self.buffers]
        names, *tensors = step()
        for buffer, value in zip(self.buffers, before, strict=True):
            buffer.copy_(value)
        first = leaves(tensors)
        self.recorded += 1

        @torch.no_grad()
        def replay():
            self.replayed += 1
            grads = [parameter.grad for parameter in self.parameters]
            _, *again = step()
            for recorded, new in zip(first, leaves(again), strict=True):
                recorded.copy_(new)
            for parameter, grad in zip(self.parameters, grads, strict=True):  # a graph does not set `.grad`
                parameter.grad = grad

        return (names, *tensors), replay


@pytest.fixture
def recorder(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(captured, "capture", recorder)
    return recorder


def trained(kind, layout, objective, noise=NOISE["clean"], epochs=4, rows=530):
    """Return every record's numbers and the state after a fit in batches of 53 rows (or of 49 and 48)."""
    X = np.random.default_rng(0).random((rows, 6))
    model = Autoencoder(layout, rng=torch.Generator().manual_seed(0))
    step = kind(model, objective)
    if kind is Captured:
        captured.capture.buffers, captured.capture.parameters = (
            [step.inactive_rows, step.firing_rates],
            list(step.parameters()),
        )
    for _, controller in step.controlled():
        controller.reset(scale=0.1, steps=epochs * 10)
        controller.correction.fill_(0.01)
    feed = Feed(Rows(X), torch.Tensor.float, 53, seed=0, corruption=noise)
    optimiser = Adam().build(parameter_groups(step.named_parameters(), 0.0), 0.01)
    records = list(train(Run(step, feed, optimiser, 0.01, epochs)))
    return [record.numbers for record in records], step


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(
    ("coder", "terms"),
    [
        (Sigmoid(), (SquaredError(),)),
        (Sigmoid(), (SquaredError(weight=2.0), KL(0.2, weight=0.3))),
        (Sigmoid(), (CrossEntropy(), KL(0.2))),
        (Sigmoid(), (SquaredError(), SquaredRate(0.2), KL(0.3))),
        (ReLU(), (SquaredError(), L1(l0=3.0))),
    ],
    ids=lambda part: "+".join(term.text for term in part) if isinstance(part, tuple) else part.name,
)
def test_a_replay_computes_what_the_step_computes(recorder, coder, terms, tied, noise):
    layout = Layout((6, 11), coder, output=Sigmoid() if isinstance(coder, Sigmoid) else ReLU(), tied=tied)
    (ours, our_step), (expected, their_step) = (
        trained(kind, layout, Objective(terms), NOISE[noise]) for kind in (Captured, ByHand)
    )
    assert (recorder.recorded, recorder.replayed) == (1, len(ours) - captured.BATCHES_BEFORE_RECORDING)
    for mine, theirs in zip(ours, expected, strict=True):
        assert mine.keys() == theirs.keys()
        for name in mine:
            torch.testing.assert_close(mine[name].double(), theirs[name].double(), rtol=1e-4, atol=1e-6, msg=name)
    for name, tensor in their_step.state_dict().items():
        torch.testing.assert_close(
            our_step.state_dict()[name].double(), tensor.double(), rtol=1e-4, atol=1e-5, msg=name
        )


def test_each_shape_has_its_own_recording(recorder):
    ours, _ = trained(Captured, Layout((6, 11), Sigmoid(), output=Sigmoid()), KL_FOUND, epochs=6, rows=533)
    assert (recorder.recorded, recorder.replayed) == (2, len(ours) - 2 * captured.BATCHES_BEFORE_RECORDING)


def test_numbers_of_a_step_stay_when_the_next_is_replayed(recorder):
    ours, _ = trained(Captured, Layout((6, 11), Sigmoid(), output=Sigmoid()), KL_FOUND)
    assert len({float(numbers["loss"]) for numbers in ours}) == len(ours)
    assert len({float(numbers["rates"][0]) for numbers in ours}) == len(ours)


def test_a_recording_is_valid_for_the_weights_addresses_and_is_not_pickled(recorder):
    _, step = trained(Captured, Layout((6, 11), Sigmoid(), output=Sigmoid()), KL_FOUND)
    other = pickle.loads(pickle.dumps(step))
    assert not other._recordings
    x, replayed = torch.rand(53, 6), recorder.replayed
    batch = Batch(x, x, x)
    step.gradients(batch)
    assert recorder.replayed == replayed + 1
    for parameter in step.parameters():
        parameter.data = parameter.data.clone()
    step.gradients(batch)
    assert recorder.replayed == replayed + 1
    assert recorder.recorded == 1


def test_a_gpu_records_steps_without_schedules():
    layout = Layout((6, 11), Sigmoid(), output=Sigmoid())
    scheduled = Objective((SquaredError(), KL(0.2, weight=Linear(0.0, 0.3))))
    assert plan.step(layout, KL_FOUND, "cuda") is Captured
    assert plan.step(layout, scheduled, "cuda") is ByHand
    assert plan.step(layout, KL_FOUND, "cpu") is not Captured
    assert not Captured.fits(Layout((6, 11), TopK(3)), Objective((SquaredError(),)))
