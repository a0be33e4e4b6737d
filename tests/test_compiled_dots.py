"""Compiled products with rows of a table, as each kind of processor that this one can run, against float64."""

import pytest
import torch

from compiler import needs_library
from taciturn.kernels import Index, TorchTables
from taciturn.kernels.native import dots


def problem(width, n_rows=7, n_latents=40, dtype=torch.float32):
    """Return rows, a table, and an index in which row 2 has no entries."""
    rng = torch.Generator().manual_seed(0)
    rows, table = (torch.randn(n, width, generator=rng, dtype=dtype) for n in (n_rows, n_latents))
    counts = torch.tensor([3, 1, 0, 40, 5, 1, 9])
    latents = torch.cat([torch.randperm(n_latents, generator=rng)[:count].sort().values for count in counts])
    return rows, table, Index(latents, torch.cat([torch.zeros(1, dtype=torch.long), counts.cumsum(0)]), n_latents)


@pytest.mark.parametrize("width", [1, 5, 16, 63, 64, 70, 512])
def test_each_entry_is_the_product_of_its_row_and_its_latent(kind, width):
    rows, table, index = problem(width)
    wanted = (rows.double() @ table.double().t())[index.rows, index.latents]
    products = TorchTables().dots(rows, index, table)
    assert products.dtype == torch.float32
    assert abs(products - wanted).max() <= 1e-6 * width**0.5
    strided = rows.t().contiguous().t(), table.t().contiguous().t()
    assert torch.equal(dots(strided[0], index.rows, strided[1], index.latents), products)


@needs_library
def test_any_number_of_threads_gives_the_same_bits(threads):
    rows, table, index = problem(70)
    results = []
    for n in (1, 2, 3):
        threads(n)
        results.append(dots(rows, index.rows, table, index.latents))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@needs_library
def test_nan_stays_in_its_entries_and_no_entries_give_no_products():
    rows, table, index = problem(70)
    table[index.latents[0], 69] = float("nan")
    assert dots(rows, index.rows, table, index.latents).isnan().equal(index.latents == index.latents[0])
    no_entries = torch.empty(0, dtype=torch.long)
    assert dots(rows, no_entries, table, no_entries).shape == (0,)


@needs_library
def test_arrays_that_do_not_fit_together_are_refused():
    rows, table, index = problem(70)
    with pytest.raises(ValueError, match="rows have 69 columns and the table 70"):
        dots(rows[:, 1:], index.rows, table, index.latents)
    with pytest.raises(ValueError, match="row_index has 1 entries and table_index 59"):
        dots(rows, index.rows[:1], table, index.latents)
    assert dots(rows, index.rows.int(), table, index.latents) is None
    assert dots(rows, index.rows, table, index.latents.int()) is None


def test_other_dtypes_are_computed_by_torch():
    rows, table, index = problem(70, dtype=torch.float64)
    for left, right in ((rows, table), (rows.float(), table), (rows, table.float())):
        assert dots(left, index.rows, right, index.latents) is None
    wanted = (rows @ table.t())[index.rows, index.latents]
    torch.testing.assert_close(TorchTables().dots(rows, index, table), wanted)


def test_without_a_compiler_torch_computes_the_same(uncompiled):
    rows, table, index = problem(70)
    wanted = (rows.double() @ table.double().t())[index.rows, index.latents]
    assert dots(rows, index.rows, table, index.latents) is None
    torch.testing.assert_close(TorchTables().dots(rows, index, table).double(), wanted, rtol=1e-5, atol=1e-5)
