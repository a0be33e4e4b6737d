"""taciturn plan: expected values are worked by hand; the memory of a process is compared in benchmarks/plan.py."""

import pytest

from commandline import output_text, run
from taciturn.core import plan
from taciturn.core.plan import Plan
from taciturn.estimators.resolve import training as resolve
from taciturn.kernels import chunked
from taciturn.training import checkpoints


def test_one_process():
    need = Plan(rows=5, inputs=10, latents=100, k=2, batch_size=3).need("rows")
    assert need.weights == 4 * (
        1000 + 1000 + 100 + 10 + 10
    )  # encoder, dictionary, biases of latents and outputs, centre
    assert (need.gradients, need.averages, need.message) == (need.weights, 2 * need.weights, 0)
    assert need.batch == 3 * 4 * 3 * 10 + 2 * 12 * 3 * 2
    assert need.pre_activations == 4 * 3 * 100
    assert need.window == 4 * 5 * 10
    assert need.checkpoints == 2 * 3 * need.weights
    assert need.sent == 0
    assert need.operations == 2 * 3 * 10 * 100 + 8 * 3 * 2 * 10
    assert need.memory == 260_000_000 + 4 * need.weights + need.batch + need.pre_activations + need.window


def test_rows_sharded():
    need = Plan(rows=40, inputs=10, latents=100, k=2, processes=4, batch_size=8).need("rows")
    assert need.weights == 4 * 2120
    assert need.sent == 2 * 3 / 4 * need.weights  # a ring of four
    assert need.pre_activations == 4 * 2 * 100
    assert need.window == 4 * 40 * 10  # every process has all rows of a window
    assert need.message == need.weights
    assert need.memory == 260_000_000 + 5 * need.weights + need.batch + need.pre_activations + need.window
    assert need.operations == 2 * 2 * 10 * 100 + 8 * 2 * 2 * 10


def test_latents_sharded():
    need = Plan(rows=40, inputs=10, latents=100, k=2, processes=4, batch_size=8).need("latents")
    assert need.weights == 4 * (2 * 25 * 10 + 25 + 20)
    # values of candidates and mean activations to each of three; reconstructions
    assert need.sent == 3 * 4 * (8 * 2 + 25) + 2 * 3 / 4 * (4 * 8 * 10)
    assert need.pre_activations == 4 * 8 * 25
    assert need.checkpoints == 4 * 2 * 3 * need.weights


def test_the_constants_are_those_of_the_code():
    assert (plan.CHUNK_ENTRIES, plan.MIN_CHUNK_ROWS) == (chunked.CHUNK_ENTRIES, chunked.MIN_ROWS)
    assert chunked.Chunked().rows == plan.MAX_CHUNK_ROWS
    assert resolve.WINDOW_NUMBERS == plan.WINDOW_NUMBERS
    assert checkpoints.KEEP == plan.CHECKPOINTS


def test_the_table():
    text = output_text(
        run("plan", "--rows", "10e9", "--inputs", 4096, "--latents", "1e6", "--k", 64, "--processes", 64)
    )
    assert "rows sharded over 64 processes" in text
    assert "latents sharded over 64 processes" in text
    assert "weights 32.8 GB" in text  # 4 · 2 · 10⁶ · 4096
    assert "weights 512 MB" in text
    assert "latents sharded" not in output_text(run("plan", "--rows", 10, "--inputs", 4, "--latents", 8))


def test_time_and_efficiency():
    sizes = ["--rows", "8", "--inputs", "10", "--latents", "100", "--k", "2", "--processes", "2", "--batch-size", "4"]
    text = output_text(run("plan", *sizes, "--flops", 4320, "--bandwidth", 8480))
    assert "step 2 s, of which 1 s wait for the network efficiency 50.0% epoch 2 steps" in text


@pytest.mark.parametrize("option", ["--rows=0", "--latents=1.5", "--processes=-1", "--flops=nan", "--inputs=1e19"])
def test_impossible_numbers(option):
    done = run("plan", "--rows", 8, "--inputs", 10, "--latents", 100, option, code=2)
    assert f"taciturn: {option.split('=')[0]} " in done.output
    assert len(done.output.splitlines()) == 1
