"""Compiled products with rows of a table, for each kind of processor that this one is too, against float64."""

import pytest
import torch

from compiler import needed
from taciturn.kernels import Index, Torch
from taciturn.kernels.native import dots


def given(width, n_rows=7, n_latents=40, dtype=torch.float32):
    """Return rows, a table, and an index of which row 2 keeps nothing."""
    rng = torch.Generator().manual_seed(0)
    rows, table = (torch.randn(n, width, generator=rng, dtype=dtype) for n in (n_rows, n_latents))
    counts = torch.tensor([3, 1, 0, 40, 5, 1, 9])
    latents = torch.cat([torch.randperm(n_latents, generator=rng)[:count].sort().values for count in counts])
    return rows, table, Index(latents, torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)]), n_latents)


@pytest.mark.parametrize("width", [1, 5, 16, 63, 64, 70, 512])
def test_each_is_the_product_of_its_row_and_its_latent(kind, width):
    rows, table, index = given(width)
    wanted = (rows.double() @ table.double().t())[index.rows, index.latents]
    found = Torch().dots(rows, index, table)
    assert found.dtype == torch.float32
    assert abs(found - wanted).max() <= 1e-6 * width**0.5
    across = rows.t().contiguous().t(), table.t().contiguous().t()
    assert torch.equal(dots(across[0], index.rows, across[1], index.latents), found)


@needed
def test_any_number_of_threads_finds_the_same_bits(threads):
    rows, table, index = given(70)
    found = []
    for n in (1, 2, 3):
        threads(n)
        found.append(dots(rows, index.rows, table, index.latents))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@needed
def test_what_is_no_number_is_seen_and_nothing_is_nothing():
    rows, table, index = given(70)
    table[index.latents[0], 69] = float("nan")
    assert dots(rows, index.rows, table, index.latents).isnan().equal(index.latents == index.latents[0])
    nothing = torch.empty(0, dtype=torch.long)
    assert dots(rows, nothing, table, nothing).shape == (0,)


@needed
def test_what_does_not_fit_together_is_refused():
    rows, table, index = given(70)
    with pytest.raises(ValueError, match="rows of 69 numbers for 70"):
        dots(rows[:, 1:], index.rows, table, index.latents)
    with pytest.raises(ValueError, match="1 rows for 59 entries"):
        dots(rows, index.rows[:1], table, index.latents)
    assert dots(rows, index.rows.int(), table, index.latents) is None
    assert dots(rows, index.rows, table, index.latents.int()) is None


def test_other_numbers_are_left_to_torch():
    rows, table, index = given(70, dtype=torch.float64)
    for left, right in ((rows, table), (rows.float(), table), (rows, table.float())):
        assert dots(left, index.rows, right, index.latents) is None
    wanted = (rows @ table.t())[index.rows, index.latents]
    torch.testing.assert_close(Torch().dots(rows, index, table), wanted)


def test_without_a_compiler_torch_finds_the_same(uncompiled):
    rows, table, index = given(70)
    wanted = (rows.double() @ table.double().t())[index.rows, index.latents]
    assert dots(rows, index.rows, table, index.latents) is None
    torch.testing.assert_close(Torch().dots(rows, index, table).double(), wanted, rtol=1e-5, atol=1e-5)
