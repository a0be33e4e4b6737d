"""Each noise has its documented distribution, depends on its generator only, and is used during training only."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from taciturn import DenoisingAutoencoder
from taciturn.core.errors import DataError, RecipeError
from taciturn.core.recipe import Recipe
from taciturn.core.schedules import Linear
from taciturn.core.uniform import Uniform
from taciturn.corruption import (
    Chain,
    Clean,
    Corruption,
    Dropout,
    Gaussian,
    Masking,
    Poisson,
    Recorrupted,
    SaltPepper,
    Swap,
    corrupted,
)
from taciturn.data.sources import Rows
from taciturn.model import Autoencoder, Layout
from taciturn.model.coding_layers import Sigmoid, TopK
from taciturn.objective import Objective, SquaredError
from taciturn.training import Feed, Record, Run, Validation, near_equal_batches, train
from taciturn.training.solvers import SGD, parameter_groups
from taciturn.training.step import Step

NOISES = [
    *(Gaussian(0.4), Dropout(0.3), Masking(0.3), SaltPepper(0.3), Swap(0.3), Gaussian(0.1) + Dropout(0.3)),
    *(Poisson(20), Poisson(Uniform(5, 50)), Recorrupted(0.4)),
]
MASKS = [Dropout(0.3), Masking(0.3), SaltPepper(0.3, low=-1.0, high=3.0), Swap(0.3)]
SIGMAS = 5  # how far a statistic may lie from its expectation, in its own standard deviations


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(n_rows: int = 2000, n_columns: int = 50, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Rows in [1, 2): no entry is 0, or one of salt and pepper's values."""
    return 1 + torch.rand(n_rows, n_columns, generator=rng(99), dtype=dtype)


def numbered(n_rows: int, n_columns: int) -> torch.Tensor:
    """Return an array whose entries are row · n_columns + column."""
    return torch.arange(float(n_rows * n_columns)).reshape(n_rows, n_columns)


def text(part: Recipe) -> str:
    return part.text


# --- each noise's statistics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("std", [0.1, 0.5, 3.0])
def test_gaussian_adds_independent_normal_noise(std):
    x = rows(dtype=torch.float64)
    z = ((Gaussian(std)(x, rng()) - x) / std).numpy()
    n = z.size
    # the moments of N(0, 1) are 0, 1, 0, 3; the variances of their means over n draws 1, 2, 15, 96 over n
    for power, moment, variance in [(1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)]:
        assert abs(np.mean(z**power) - moment) < SIGMAS * math.sqrt(variance / n), power
    # entries are independent: neighbours in a row and in a column are uncorrelated
    for one, other in [(z[:, 1:], z[:, :-1]), (z[1:], z[:-1])]:
        assert abs(np.mean(one * other)) < SIGMAS / math.sqrt(one.size)
    assert abs(np.mean(z * (x.numpy() - 1.5))) < SIGMAS * math.sqrt(1 / 12 / n)


@pytest.mark.parametrize("noise", MASKS, ids=text)
def test_each_entry_is_changed_independently_with_probability_rate(noise):
    x = numbered(2000, 50) + 10
    changed = (noise(x, rng()) != x).numpy()
    if isinstance(noise, Dropout):
        changed = (noise(x, rng()) == 0).numpy()
    n_rows, n_columns = changed.shape
    p = noise.rate
    assert abs(changed.sum() - changed.size * p) < SIGMAS * math.sqrt(changed.size * p * (1 - p))
    # counts per row and per column are binomial too: a mask shared by a row or a column would vary far more
    for counts, n in [(changed.sum(1), n_columns), (changed.sum(0), n_rows)]:
        spread = counts.var(ddof=1) / (n * p * (1 - p))
        assert abs(spread - 1) < SIGMAS * math.sqrt(2 / len(counts))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.3, 0.5, 0.9])
def test_dropout_divides_the_other_entries_by_the_keep_probability(rate, dtype):
    x = rows(dtype=dtype)
    dropped = Dropout(rate)(x, rng()).numpy()
    expected = x.numpy() / x.numpy().dtype.type(1 - rate)
    kept = dropped != 0
    assert kept.any()
    np.testing.assert_array_equal(dropped[kept], expected[kept])
    assert kept.all() == (rate == 0)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(rate):
    x = rows(dtype=torch.float64)
    change = Dropout(rate)(x, rng()).numpy() - x.numpy()
    # each entry's variance is x² · rate / (1 - rate)
    deviation = math.sqrt(np.mean(x.numpy() ** 2) * rate / (1 - rate) / change.size)
    assert abs(change.mean()) < SIGMAS * deviation


def test_masking_does_not_change_the_other_entries():
    x = rows()
    masked = Masking(0.3)(x, rng()).numpy()
    kept = masked != 0
    assert 0 < kept.sum() < kept.size
    np.testing.assert_array_equal(masked[kept], x.numpy()[kept])


def test_masking_at_the_ends_of_its_range():
    x = rows(20, 30)
    assert torch.equal(Masking(1.0)(x, rng()), torch.zeros_like(x))
    assert torch.equal(Masking(0.0)(x, rng()), x)
    assert torch.equal(Masking(1)(x, rng()), torch.zeros_like(x))


def test_salt_and_pepper_are_equally_likely():
    x = rows()
    noisy = SaltPepper(0.4, low=-2.0, high=5.0)(x, rng()).numpy()
    salt, pepper = noisy == 5.0, noisy == -2.0
    kept = ~(salt | pepper)
    np.testing.assert_array_equal(noisy[kept], x.numpy()[kept])
    hits = salt.sum() + pepper.sum()
    assert abs(salt.sum() - hits / 2) < SIGMAS * math.sqrt(hits / 4)
    assert abs(hits - 0.4 * x.numel()) < SIGMAS * math.sqrt(x.numel() * 0.4 * 0.6)
    # which of the two does not depend on the column
    assert np.all(np.abs(salt.mean(0) - 0.2) < SIGMAS * math.sqrt(0.2 * 0.8 / len(x)))


@pytest.mark.parametrize("peak", [0.5, 30, 1e6])
def test_poisson_has_the_mean_and_the_variance_of_counts(peak):
    """Of n draws of Poisson(λ), the mean has variance λ / n, and the variance that of (λ + 2 λ²) / n."""
    n = 40_000
    x = torch.tensor([0.0, 0.1, 1.0, 2.0]).repeat(n, 1).double()
    counts = Poisson(peak)(x, rng()).numpy() * peak
    assert np.all(counts[:, 0] == 0)
    np.testing.assert_allclose(counts, counts.round(), atol=1e-6)
    for rate, drawn in zip(peak * np.array([0.1, 1.0, 2.0]), counts.T[1:], strict=True):
        assert abs(drawn.mean() - rate) < SIGMAS * math.sqrt(rate / n)
        assert abs(drawn.var() - rate) < SIGMAS * math.sqrt((rate + 2 * rate**2) / n)
        if rate == 0.5:
            shares = [np.exp(-rate) * rate**k / math.factorial(k) for k in range(3)]
            assert all(abs(np.mean(drawn == k) - p) < SIGMAS * math.sqrt(p / n) for k, p in enumerate(shares))


def test_a_peak_is_drawn_for_each_row():
    """With x = 1 and many columns, a row's variance is 1 / peak."""
    noisy = Poisson(Uniform(5, 50))(torch.ones(300, 4000), rng()).numpy()
    peaks = 1 / noisy.var(1)
    assert 4 < peaks.min() < 8 < 45 < peaks.max() < 60
    assert abs(peaks.mean() - 27.5) < SIGMAS * 45 / math.sqrt(12 * 300) + 0.5


def test_poisson_keeps_missing_values_and_refuses_negative_rows():
    missing = Poisson(10)(torch.tensor([[math.nan, 1.0]]), rng())
    assert missing.isnan().tolist() == [[True, False]]
    with pytest.raises(DataError) as refused:
        DenoisingAutoencoder(2, corruption="poisson:10", scaling="standard", max_iter=1).fit(np.eye(4))
    assert str(refused.value).startswith("poisson:10 needs scaled rows of 0 or more, but one has -0.57")
    assert str(refused.value).endswith("set scaling='none' or 'range', or corruption='gaussian:0.1'")
    with pytest.raises(DataError, match="put it before other noise"):
        DenoisingAutoencoder(2, corruption="gaussian:0.1+poisson:10", scaling="none", max_iter=1).fit(np.eye(4))


def test_the_level_of_noise_at_a_brightness():
    """√(brightness / peak) for Poisson; of a chain the root of the summed variances; None for noise not added."""
    levels = {
        "gaussian:0.2": (0.2, 0.2),
        "gaussian:linear(0.4,0.1)": (0.1, 0.1),
        "gaussian:uniform(0.1,0.2)": (0.1, 0.2),
        "poisson:25": (0.1, 0.1),
        "poisson:peak=uniform(25,100)": (0.05, 0.1),
        "poisson:25+gaussian:0.2": (0.05**0.5, 0.05**0.5),
        "recorrupted:0.1": (0.1, 0.1),
    }
    for noise, expected in levels.items():
        assert Corruption.parse(noise).noise_levels(0.25) == pytest.approx(expected), noise
    assert Corruption.parse("gaussian:0.1+masking:0.2").noise_levels(0.25) is None


# --- rows that are noisy themselves -------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.5, 1.0])
def test_the_loss_of_recorrupted_rows_is_that_of_clean_targets_plus_a_constant(ratio):
    """E |f(input) - target|² = E |f(input) - x|² + std² (1 + 1 / ratio²) for a function that is not linear."""
    draws, std = np.random.default_rng(0), 0.3
    n = 200_000
    x = draws.uniform(-1, 1, (n, 3))
    y = x + std * draws.standard_normal(x.shape)
    noise = Recorrupted(std, ratio)
    noisier = noise(torch.from_numpy(y), rng())
    target = noise.target(torch.from_numpy(y), noisier).numpy()
    estimate = np.tanh(2 * noisier.numpy() @ draws.normal(size=(3, 3))) + noisier.numpy() ** 2 / 3
    difference = (estimate - target) ** 2 - (estimate - x) ** 2 - std**2 * (1 + 1 / ratio**2)
    assert abs(difference.mean()) < SIGMAS * difference.std() / math.sqrt(difference.size)
    assert abs(np.mean((estimate - y) ** 2 - (estimate - x) ** 2) - std**2) > 0.01  # y itself is no such target
    # noise of input and target, each with its documented standard deviation
    input_noise, target_noise = noisier.numpy() - x, target - x
    assert input_noise.std() == pytest.approx(std * math.sqrt(1 + ratio**2), rel=0.01)
    assert target_noise.std() == pytest.approx(std * math.sqrt(1 + 1 / ratio**2), rel=0.01)
    assert abs(np.corrcoef(input_noise.ravel(), target_noise.ravel())[0, 1]) < SIGMAS / math.sqrt(x.size)


def test_the_feed_compares_recorrupted_rows_with_their_own_target():
    source = Rows(rows(150, 5).numpy())
    feed = Feed(source, torch.Tensor.float, 70, 3, Recorrupted(0.2, 0.5))
    for batch in feed.epoch(1):
        added = batch.corrupted - batch.x
        assert 0.08 < added.std() < 0.12
        torch.testing.assert_close(batch.target, batch.x - 4 * added)
    values = torch.tensor([[1.0, math.nan]]).repeat(64, 1)
    (batch,) = Feed(
        Rows(values.numpy()), torch.Tensor.float, 64, 3, Recorrupted(0.2), fill=torch.zeros(2), masked=True
    ).epoch(0)
    assert batch.judged.tolist() == [[True, False]] * 64
    assert batch.corrupted.isfinite().all()


def test_swap_takes_values_of_the_same_column_in_another_row():
    n_rows, n_columns = 200, 60
    x = numbered(n_rows, n_columns)
    swapped = Swap(0.3)(x, rng()).numpy().astype(int)
    donor, column = np.divmod(swapped, n_columns)
    own = np.arange(n_rows)[:, None]
    np.testing.assert_array_equal(column, np.broadcast_to(np.arange(n_columns), swapped.shape))
    # the value always comes from another row, so the share of changed entries is the rate
    changed = donor != own
    assert abs(changed.sum() - 0.3 * changed.size) < SIGMAS * math.sqrt(changed.size * 0.3 * 0.7)
    # the values of one row come from different rows
    assert len(np.unique(donor[0][changed[0]])) > 5


def test_swap_uses_every_other_row_equally_often():
    n_rows, n_columns = 5, 20_000
    donor = Swap(1.0)(numbered(n_rows, n_columns).double(), rng()).numpy().astype(int) // n_columns
    assert np.all(donor != np.arange(n_rows)[:, None])
    for row in range(n_rows):
        counts = np.bincount(donor[row], minlength=n_rows)
        others = np.delete(counts, row)
        assert np.all(np.abs(others - n_columns / 4) < SIGMAS * math.sqrt(n_columns * 0.25 * 0.75)), row


def test_a_single_row_is_not_swapped():
    x = numbered(1, 8) + 1
    assert torch.equal(Swap(1.0)(x, rng()), x)
    assert torch.equal(Swap(1.0)(numbered(2, 3), rng()), numbered(2, 3).flip(0))


@pytest.mark.parametrize("noise", [Swap(1.0), Swap(0.5) + Swap(1.0)], ids=text)
def test_a_block_of_one_row_is_swapped_with_the_rows_before_it(noise):
    """A batch of 65 rows has a block of 64 and one of 1."""
    x = numbered(65, 400).double()
    swapped = corrupted(x, noise, seed=0, purpose="corrupt")
    donors = swapped[64].numpy().astype(int) // 400
    assert set(donors) <= set(range(1, 65))
    assert noise != Swap(1.0) or 64 not in donors
    assert len(set(donors)) > 50
    # the other block stays as it is without this row
    assert torch.equal(swapped[:64], corrupted(x[:64], noise, seed=0, purpose="corrupt"))
    # and other noises draw each block alone
    for other in (Masking(0.5), Gaussian(1.0)):
        alone = corrupted(x[64:], other, seed=0, purpose="corrupt", first_row=64)
        assert torch.equal(corrupted(x, other, seed=0, purpose="corrupt")[64:], alone)


@pytest.mark.parametrize(("n_rows", "batch_size"), [(100, 1), (99, 2), (3, 2), (5, 1)])
def test_swap_refuses_batches_of_one_row(n_rows, batch_size):
    """It would leave them as they are: a model without noise."""
    X = np.random.default_rng(0).random((n_rows, 4))
    for corruption in ("swap:0.3", "gaussian:0.1+swap:0.3"):
        model = DenoisingAutoencoder(4, corruption=corruption, batch_size=batch_size, max_iter=1, random_state=0)
        with pytest.raises(
            RecipeError, match=r"swap:0.3 needs 2 rows or more in each batch, .* set batch_size=3 or more"
        ):
            model.fit(X)
        model.set_params(batch_size=3).fit(X)
    DenoisingAutoencoder(4, corruption="masking:0.3", batch_size=batch_size, max_iter=1, random_state=0).fit(X)


def test_swap_refuses_a_single_row_of_partial_fit_and_keeps_the_model():
    X = np.random.default_rng(0).random((10, 4))
    model = DenoisingAutoencoder(4, corruption="swap:0.3", random_state=0)
    with pytest.raises(RecipeError, match="one has 1; give more rows"):
        model.partial_fit(X[:1])
    assert not hasattr(model, "n_iter_")
    before = model.partial_fit(X).transform(X)
    with pytest.raises(RecipeError, match="one has 1; give more rows"):
        model.partial_fit(X[:1])
    np.testing.assert_array_equal(model.transform(X), before)
    assert model.partial_fit(X[:2]).n_iter_ == 2


# --- chains -----------------------------------------------------------------------------------------------------


def test_a_chain_is_applied_in_order():
    x = rows()
    after = (Gaussian(0.5) + Masking(0.4))(x, rng())
    assert (after == 0).float().mean().item() == pytest.approx(0.4, abs=0.02)
    before = (Masking(0.4) + Gaussian(0.5))(x, rng())
    assert (before == 0).sum() == 0
    assert (before < 0.5).float().mean().item() > 0.25  # the masked entries, with noise around 0

    generator = rng()
    by_hand = Masking(0.4)(Gaussian(0.5)(x, generator), generator)
    assert torch.equal(after, by_hand)


def test_a_sum_of_sums_is_one_flat_chain():
    a, b, c = Gaussian(0.1), Dropout(0.2), Swap(0.3)
    assert (a + b) + c == a + (b + c) == Chain((a, b, c))
    assert Corruption.parse("gaussian:0.1+dropout:0.2+swap:0.3") == Chain((a, b, c))


# --- for all corruptions ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 2, 3, 65])
@pytest.mark.parametrize("noise", [Clean(), *NOISES], ids=text)
def test_any_number_of_rows(noise, n_rows):
    for dtype in (torch.float32, torch.float64):
        x = rows(n_rows, 7, dtype)
        noisy = noise(x, rng())
        assert noisy.shape == x.shape
        assert noisy.dtype == dtype
        assert noisy.isfinite().all()


@pytest.mark.parametrize("noise", NOISES, ids=text)
def test_the_same_generator_draws_the_same_bits(noise):
    x = rows(40, 30)
    assert torch.equal(noise(x, rng(7)), noise(x, rng(7)))
    assert not torch.equal(noise(x, rng(7)), noise(x, rng(8)))
    generator = rng(7)
    assert not torch.equal(noise(x, generator), noise(x, generator))


@pytest.mark.parametrize("noise", [Clean(), *NOISES], ids=text)
def test_the_global_random_state_is_neither_read_nor_changed(noise):
    x = rows(40, 30)
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    state, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = noise(x, rng(7))
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002
    torch.manual_seed(2)
    assert torch.equal(noise(x, rng(7)), first)


@pytest.mark.parametrize("noise", [Clean(), *NOISES, Masking(1.0), SaltPepper(1.0), Swap(1.0)], ids=text)
def test_the_input_is_never_changed(noise):
    x = rows(40, 30)
    before = x.numpy().copy()
    noise(x, rng())
    np.testing.assert_array_equal(x.numpy(), before)


def test_clean_returns_the_rows_themselves():
    x = rows(4, 3)
    assert Clean()(x, rng()) is x


# --- schedules, text, errors ------------------------------------------------------------------------------------


def test_at_replaces_a_schedule_by_its_value():
    falling = Linear(0.4, 0.0)
    assert Gaussian(falling).at(0.5) == Gaussian(0.2)
    assert Dropout(falling).at(0.0) == Dropout(0.4)
    assert SaltPepper(falling, high=2.0).at(0.5) == SaltPepper(0.2, high=2.0)
    assert (Swap(falling) + Masking(0.1)).at(0.5) == Swap(0.2) + Masking(0.1)
    plain = Gaussian(0.1) + Masking(0.1)
    assert plain.at(0.5) is plain


def test_an_unresolved_schedule_counts_as_its_last_value():
    x = rows(40, 30)
    assert torch.equal(Gaussian(Linear(5.0, 0.25))(x, rng()), Gaussian(0.25)(x, rng()))
    assert torch.equal(Dropout(Linear(0.9, 0.25))(x, rng()), Dropout(0.25)(x, rng()))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("clean", Clean()),
        ("gaussian:0.4", Gaussian(0.4)),
        ("gaussian:1e-05", Gaussian(1e-5)),
        ("gaussian:linear(0.4,0.1)", Gaussian(Linear(0.4, 0.1))),
        ("gaussian:linear(0.4,0.1,over=0.5)", Gaussian(Linear(0.4, 0.1, over=0.5))),
        ("dropout:0.3", Dropout(0.3)),
        ("masking:1", Masking(1)),
        ("salt_pepper:0.1", SaltPepper(0.1)),
        ("salt_pepper:0.1,low=-1.5,high=2.0", SaltPepper(0.1, low=-1.5, high=2.0)),
        ("swap:0.15", Swap(0.15)),
        ("poisson:30.0", Poisson(30.0)),
        ("poisson:linear(5,50)", Poisson(Linear(5, 50))),
        ("poisson:uniform(5,100)", Poisson(Uniform(5, 100))),
        ("poisson:100+gaussian:0.02", Poisson(100) + Gaussian(0.02)),
        ("recorrupted:0.1", Recorrupted(0.1)),
        ("recorrupted:auto,ratio=1.0", Recorrupted("auto", 1.0)),
        ("gaussian:0.1+dropout:0.3", Gaussian(0.1) + Dropout(0.3)),
        ("swap:0.1+gaussian:cosine(0.3)+masking:0.2", None),
    ],
)
def test_text_and_json_round_trips(text, part):
    parsed = Corruption.parse(text)
    assert part is None or parsed == part
    assert parsed.text == text
    assert Recipe.from_dict(json.loads(json.dumps(parsed.to_dict()))) == parsed


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(-0.1), "gaussian: std=-0.1 lies outside [0, inf]"),
        (lambda: Gaussian(math.nan), "gaussian: std=nan lies outside [0, inf]"),
        (lambda: Gaussian("much"), "gaussian: std='much' is not a number"),
        (lambda: Gaussian(True), "gaussian: std=True is not a number"),
        (lambda: Dropout(1.2), "dropout: rate=1.2 lies outside [0, 1)"),
        (lambda: Dropout(-0.1), "dropout: rate=-0.1 lies outside [0, 1)"),
        (lambda: Dropout(1), "dropout: rate=1 lies outside [0, 1)"),
        (lambda: Dropout(1.0), "dropout: rate=1 lies outside [0, 1)"),
        (lambda: Masking(1.01), "masking: rate=1.01 lies outside [0, 1]"),
        (lambda: SaltPepper(-0.1), "salt_pepper: rate=-0.1 lies outside [0, 1]"),
        (lambda: SaltPepper(0.1, low="dark"), "salt_pepper: low='dark' is not a number"),
        (lambda: Swap(2), "swap: rate=2 lies outside [0, 1]"),
        (lambda: Poisson(0), "poisson: peak=0 lies outside (0, inf)"),
        (lambda: Poisson(Uniform(0, 5)), "uniform: low=0 lies outside (0, inf)"),
        (lambda: Recorrupted(0), "recorrupted: std=0 lies outside (0, inf)"),
        (lambda: Recorrupted("much"), "recorrupted: std='much' is not a number"),
        (lambda: Recorrupted(0.1, 0), "recorrupted: ratio=0 lies outside (0, inf)"),
        (lambda: Recorrupted(Uniform(0.1, 0.2)), "recorrupted: std=uniform(0.1,0.2) is not a number"),
        (
            lambda: Recorrupted(0.1) + Gaussian(0.1),
            "recorrupted cannot be joined with other noise: the rows are noisy themselves",
        ),
        (lambda: Corruption.parse("dropout:1"), "dropout: rate=1 lies outside [0, 1)"),
        (lambda: Corruption.parse("gaussian:0.1+masking:7"), "masking: rate=7 lies outside [0, 1]"),
    ],
)
def test_invalid_parameters_are_refused(make, message):
    with pytest.raises(RecipeError) as refused:
        make()
    assert str(refused.value) == message


# --- the feed ---------------------------------------------------------------------------------------------------

SHIFT, SCALE = 3.0, 4.0


def scaled(x: torch.Tensor) -> torch.Tensor:
    return (x - SHIFT) / SCALE


def table(n_rows: int = 30, n_columns: int = 4) -> np.ndarray:
    """Return rows whose first column is their number."""
    x = np.random.default_rng(0).normal(size=(n_rows, n_columns))
    x[:, 0] = np.arange(n_rows)
    return x


def number_of(x: torch.Tensor) -> list[int]:
    """Return each scaled row's number."""
    return (x[:, 0] * SCALE + SHIFT).round().int().tolist()


def test_an_epoch_has_every_row_once_and_its_noise_is_on_the_input_only():
    x = table()
    feed = Feed(Rows(x), scaled, batch_size=8, seed=0, corruption=Gaussian(2.0))
    batches = list(feed.epoch(0))
    numbers = [n for batch in batches for n in number_of(batch.x)]
    assert sorted(numbers) == list(range(30))
    assert numbers != list(range(30))
    for batch in batches:
        np.testing.assert_allclose(batch.x.numpy(), (x[number_of(batch.x)] - SHIFT) / SCALE, rtol=1e-12)
        assert batch.target is batch.x
        assert not (batch.corrupted == batch.x).any()


def test_noise_is_in_scaled_units():
    x = np.random.default_rng(0).normal(size=(2000, 50))
    (batch,) = Feed(Rows(x), scaled, batch_size=2000, seed=0, corruption=Gaussian(0.5)).epoch(0)
    noise = (batch.corrupted - batch.x).numpy()
    assert abs(noise.var() / 0.25 - 1) < SIGMAS * math.sqrt(2 / noise.size)


def test_without_corruption_the_input_is_the_row_itself():
    feed = Feed(Rows(table()), scaled, batch_size=8, seed=0)
    for batch in [*feed.epoch(0), *feed.validation_batches()]:
        assert batch.corrupted is batch.x
        assert batch.target is batch.x


def test_the_target_is_each_rows_partner_if_there_are_partners():
    x = table()
    partners = 1000 + np.arange(30)[:, None] * np.ones((1, 4))
    feed = Feed(Rows(x), scaled, batch_size=8, seed=0, corruption=Gaussian(1.0), target=Rows(partners))
    for batches in (feed.epoch(0), feed.validation_batches()):
        for batch in batches:
            expected = (partners[number_of(batch.x)] - SHIFT) / SCALE
            np.testing.assert_allclose(batch.target.numpy(), expected, rtol=1e-12)
            assert not (batch.corrupted == batch.x).any()


def test_validation_batches_are_in_order_with_the_same_noise_each_time():
    feed = Feed(Rows(table()), scaled, batch_size=8, seed=0, corruption=Gaussian(1.0))
    first, second = list(feed.validation_batches()), list(feed.validation_batches())
    assert [n for batch in first for n in number_of(batch.x)] == list(range(30))
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a.corrupted, b.corrupted)
        assert not (a.corrupted == a.x).any()
    noises = [(b.corrupted - b.x)[:7] for b in first] + [(b.corrupted - b.x)[:7] for b in feed.epoch(0)]
    assert_all_differ(noises)  # between batches, and from the noise of training


def assert_all_differ(noises: list[torch.Tensor]) -> None:
    for i, noise in enumerate(noises):
        for other in noises[:i]:
            assert not (noise == other).any()


def test_noise_differs_from_step_to_step_and_between_blocks_of_rows():
    feed = Feed(Rows(np.zeros((256, 3))), lambda x: x, batch_size=128, seed=0, corruption=Gaussian(1.0))
    batches = [*feed.epoch(0), *feed.epoch(1, step=2)]
    assert_all_differ([half for batch in batches for half in batch.corrupted.split(64)])
    other = Feed(Rows(np.zeros((256, 3))), lambda x: x, batch_size=128, seed=1, corruption=Gaussian(1.0))
    assert_all_differ([next(feed.epoch(0)).corrupted, next(other.epoch(0)).corrupted])


def ten_million(noise: Corruption) -> np.ndarray:
    """Return the corrupted rows of two training steps, all ones before, as drawn: 1,000 rows of 5,000 each."""
    feed = Feed(Rows(np.ones((1000, 5000), np.float32)), lambda x: x, batch_size=1000, seed=0, corruption=noise)
    corrupted_rows = [batch.corrupted for epoch in (0, 1) for batch in feed.epoch(epoch, step=epoch)]
    return torch.cat(corrupted_rows).flatten().numpy()


def assert_independent(z: np.ndarray) -> None:
    """Check that no draw correlates with its neighbours, nor with the next row, block of rows and step."""
    for lag in (1, 2, 3, 5000, 64 * 5000, 1000 * 5000):
        assert abs(np.dot(z[lag:], z[:-lag])) < SIGMAS * math.sqrt(len(z) - lag), lag


def test_ten_million_draws_are_normal_and_independent():
    z = ten_million(Gaussian(1.0)).astype(np.float64) - 1
    assert len(z) == 10**7
    # Kolmogorov and Smirnov: the distance that one in a hundred samples of this size exceeds is 1.63 / √n
    assert kstest(z, "norm").statistic < 1.63 / math.sqrt(len(z))
    assert_independent(z)
    assert_independent((z**2 - 1) / math.sqrt(2))  # nor between their squares


def test_ten_million_entries_are_dropped_independently():
    dropped = (ten_million(Dropout(0.3)) == 0).astype(np.float64)
    z = (dropped - 0.3) / math.sqrt(0.3 * 0.7)
    assert abs(z.sum()) < SIGMAS * math.sqrt(len(z))
    assert_independent(z)


def test_a_blocks_noise_does_not_depend_on_the_rest_of_the_batch():
    def corrupted_rows(n_rows: int) -> torch.Tensor:
        feed = Feed(Rows(np.zeros((n_rows, 3))), lambda x: x, batch_size=n_rows, seed=0, corruption=Gaussian(1.0))
        (batch,) = feed.epoch(0)
        return batch.corrupted

    assert torch.equal(corrupted_rows(192)[:128], corrupted_rows(128))


def test_an_empty_array_stays_empty():
    assert corrupted(torch.empty(0, 3), Gaussian(0.1), seed=0, purpose="evaluate").shape == (0, 3)


def test_a_batch_size_above_the_number_of_rows_means_one_batch():
    def corrupted_rows(batch_size: int) -> torch.Tensor:
        return next(
            Feed(Rows(table()), scaled, batch_size=batch_size, seed=0, corruption=Gaussian(0.5)).epoch(0)
        ).corrupted

    assert torch.equal(corrupted_rows(len(table())), corrupted_rows(10**12))


def test_an_epoch_continues_where_it_stopped():
    feed = Feed(Rows(table()), scaled, batch_size=8, seed=0, corruption=Gaussian(Linear(1.0, 0.1)))
    whole = list(feed.epoch(2, step=8, progress=lambda step: step / 12))
    rest = list(feed.epoch(2, start=1, step=9, progress=lambda step: step / 12))
    assert len(whole) == 4
    assert len(rest) == 3
    for a, b in zip(whole[1:], rest, strict=True):
        assert torch.equal(a.x, b.x)
        assert torch.equal(a.corrupted, b.corrupted)


def test_the_feed_resolves_a_schedule_at_each_step():
    x = np.zeros((4000, 20))
    feed = Feed(Rows(x), lambda x: x, batch_size=1000, seed=0, corruption=Gaussian(Linear(0.8, 0.0)))
    stds = [batch.corrupted.std().item() for batch in feed.epoch(0, step=4, progress=lambda step: step / 8)]
    assert stds == pytest.approx([0.4, 0.3, 0.2, 0.1], rel=SIGMAS / math.sqrt(2 * 20_000))
    # validation uses the noise of the run's end
    assert all(torch.equal(batch.corrupted, batch.x) for batch in feed.validation_batches())


@pytest.mark.parametrize("noise", NOISES, ids=text)
def test_noise_does_not_depend_on_the_number_of_threads(noise):
    x = np.random.default_rng(0).random(size=(3000, 64), dtype=np.float32)
    feed = Feed(Rows(x), lambda x: x, batch_size=3000, seed=0, corruption=noise)
    before = torch.get_num_threads()
    corrupted_rows = []
    try:
        for n_threads in (1, 4):
            torch.set_num_threads(n_threads)
            assert torch.get_num_threads() == n_threads
            corrupted_rows += [next(feed.epoch(0)).corrupted, next(feed.validation_batches()).corrupted]
    finally:
        torch.set_num_threads(before)
    assert torch.equal(corrupted_rows[0], corrupted_rows[2])
    assert torch.equal(corrupted_rows[1], corrupted_rows[3])
    assert not torch.equal(corrupted_rows[0], corrupted_rows[1])


def test_batches_are_the_fewest_and_near_equal():
    assert near_equal_batches(10, 4) == [(0, 4), (4, 7), (7, 10)]
    assert near_equal_batches(5, 8) == [(0, 5)]
    assert near_equal_batches(3, 1) == [(0, 1), (1, 2), (2, 3)]
    assert near_equal_batches(66, 32) == [(0, 22), (22, 44), (44, 66)]  # no last batch of two rows
    for n in range(1, 60):
        for size in range(1, 65):
            bounds = near_equal_batches(n, size)
            sizes = [b - a for a, b in bounds]
            assert [0, *(b for _, b in bounds)] == [*(a for a, _ in bounds), n]
            assert max(sizes) <= size
            assert max(sizes) - min(sizes) <= 1
            assert (len(bounds) - 1) * size < n


# --- training only ----------------------------------------------------------------------------------------------


def numpy_of(model: Autoencoder) -> tuple[np.ndarray, ...]:
    (encoder,), (decoder,) = model.encoder, model.decoder
    return tuple(p.detach().numpy() for p in (encoder.weight, encoder.bias, decoder.weight, decoder.bias))


def numpy_codes(weights: tuple[np.ndarray, ...], x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(x @ weights[0].T + weights[1])))


def numpy_recon(weights: tuple[np.ndarray, ...], x: np.ndarray) -> np.ndarray:
    return numpy_codes(weights, x) @ weights[2] + weights[3]


def noisy_run(n_epochs: int = 1) -> Run:
    model = Autoencoder(Layout((4, 6), Sigmoid()), rng=rng()).double()
    x = np.random.default_rng(1).normal(size=(40, 4))
    feed = Feed(Rows(x), model.scale_rows, batch_size=10, seed=0, corruption=Gaussian(3.0))
    step = Step(model, Objective((SquaredError(),)))
    return Run(step, feed, SGD().build(parameter_groups(model.named_parameters(), 0.0), 0.01), 0.01, n_epochs)


def test_training_reconstructs_the_clean_row_from_the_noisy_one():
    run = noisy_run()
    weights = tuple(w.copy() for w in numpy_of(run.step.model))
    batch = next(run.feed.epoch(0))
    noisy, clean = batch.corrupted.numpy(), batch.x.numpy()
    expected = np.mean((numpy_recon(weights, noisy) - clean) ** 2)
    record = next(train(run))
    np.testing.assert_allclose(record.numbers["loss"].item(), expected, rtol=1e-12)
    np.testing.assert_allclose(record.numbers["rates"].numpy(), numpy_codes(weights, noisy).mean(0), rtol=1e-12)


def test_the_loss_compares_with_partners_if_there_are_any():
    run = noisy_run()
    partners = np.random.default_rng(2).normal(size=(40, 4))
    run.feed = Feed(Rows(run.feed.source.read(0, 40)), scaled, 10, 0, Gaussian(3.0), target=Rows(partners))
    weights = tuple(w.copy() for w in numpy_of(run.step.model))
    batch = next(run.feed.epoch(0))
    expected = np.mean((numpy_recon(weights, batch.corrupted.numpy()) - batch.target.numpy()) ** 2)
    assert not torch.equal(batch.target, batch.x)
    np.testing.assert_allclose(next(train(run)).numbers["loss"].item(), expected, rtol=1e-12)


def test_a_model_itself_never_corrupts_rows():
    run = noisy_run(3)
    model = run.step.model
    x = np.random.default_rng(3).normal(size=(5, 4))
    records = 0
    for _ in train(run):
        records += 1
        with torch.no_grad():
            codes, recon = model.encode(torch.from_numpy(x)).dense(), model(torch.from_numpy(x))
        weights = numpy_of(model)
        np.testing.assert_allclose(codes.numpy(), numpy_codes(weights, x), rtol=1e-12)
        np.testing.assert_allclose(recon.numpy(), numpy_recon(weights, x), rtol=1e-12)
    assert records == 12


def test_validation_measures_the_loss_on_noisy_rows_and_the_mean_activation_on_clean_rows():
    run = noisy_run()
    weights = numpy_of(run.step.model)
    batches = list(run.feed.validation_batches())
    record = Record(0, 0, True, 10, 0.01, {})
    Validation(run.feed)(run, batches[0], record)
    clean = np.concatenate([b.x.numpy() for b in batches])
    noisy = np.concatenate([b.corrupted.numpy() for b in batches])
    np.testing.assert_allclose(
        record.numbers["validation_rates"].numpy(), numpy_codes(weights, clean).mean(0), rtol=1e-12
    )
    expected = np.mean((numpy_recon(weights, noisy) - clean) ** 2)
    np.testing.assert_allclose(record.numbers["validation_loss"].item(), expected, rtol=1e-12)
    assert not np.allclose(numpy_codes(weights, clean).mean(0), numpy_codes(weights, noisy).mean(0), rtol=1e-3)


@pytest.mark.parametrize("coder", [Sigmoid(), TopK(2)], ids=text)
@pytest.mark.parametrize("n_rows", [1, 2])
def test_one_or_two_rows_train_under_noise(coder, n_rows):
    model = Autoencoder(Layout((4, 6), coder), rng=rng())
    x = np.random.default_rng(1).normal(size=(n_rows, 4)).astype(np.float32)
    feed = Feed(Rows(x), model.scale_rows, batch_size=8, seed=0, corruption=Gaussian(0.01) + Swap(0.1))
    optimiser = SGD().build(parameter_groups(model.named_parameters(), 0.0), 0.1)
    run = Run(Step(model, Objective((SquaredError(),))), feed, optimiser, 0.1, epochs=40)
    losses = [record.numbers["loss"].item() for record in train(run)]
    assert losses[-1] < 0.8 * losses[0]


def test_uniform_draws_an_amount_for_each_row():
    """Of normal noise the standard deviations of rows; of masks the shares of their entries."""
    x = torch.ones(400, 5000)
    for text, measured in (
        ("gaussian:std=uniform(0.1,0.5)", lambda rows: (rows - 1).std(1)),
        ("masking:uniform(0.1,0.5)", lambda rows: (rows == 0).float().mean(1)),
        ("dropout:uniform(0.1,0.5)", lambda rows: (rows == 0).float().mean(1)),
        ("salt_pepper:uniform(0.1,0.5),low=-1,high=2", lambda rows: (rows != 1).float().mean(1)),
        ("missing:uniform(0.1,0.5)", lambda rows: rows.isnan().float().mean(1)),
    ):
        rows = corrupted(x, Corruption.parse(text), seed=3, purpose="test")
        amounts = measured(rows).numpy()
        assert kstest(amounts, "uniform", (0.1, 0.4)).pvalue > 0.01, text
    dropped = corrupted(x, Corruption.parse("dropout:uniform(0.1,0.5)"), seed=3, purpose="test")
    assert (dropped.mean(1) - 1).abs().max() < 0.05  # each row is divided by its own share


def test_uniform_noise_does_not_depend_on_the_split_into_blocks():
    x, noise = torch.zeros(150, 20), Corruption.parse("gaussian:uniform(0.1,0.5)")
    whole = corrupted(x, noise, seed=1, purpose="test")
    parts = [corrupted(x[a:b], noise, seed=1, purpose="test", first_row=a) for a, b in ((0, 64), (64, 150))]
    assert torch.equal(whole, torch.cat(parts))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gaussian:uniform(0.2,0.2)", "uniform: low=0.2 must be less than high=0.2"),
        ("gaussian:uniform(-1,0.2)", r"uniform: low=-1 lies outside \[0, inf\]"),
        ("masking:uniform(0.2,1.5)", r"uniform: high=1.5 lies outside \[0, 1\]"),
        ("dropout:uniform(0.2,1)", r"uniform: high=1 lies outside \[0, 1\)"),
        ("blind_spot:uniform(0.1,0.2)", "is not a number"),
    ],
)
def test_uniform_amounts_outside_the_noise_range_are_refused(text, message):
    with pytest.raises(RecipeError, match=message):
        Corruption.parse(text)
