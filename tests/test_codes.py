"""Dense and sparse codes agree; pre-activations are computed only when they are needed."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.utils._python_dispatch import TorchDispatchMode

from taciturn.kernels import Chunked, Index, Plain
from taciturn.model import Autoencoder, Dense, Layout, PreActivations, Sparse, dense
from taciturn.model.coding_layers import TopK

# four rows of five latents: one without codes, one with all, one that stores a value of 0, one with a negative code
CODES_BL = np.array([[0.0, 0, 0, 0, 0], [1, 2, 3, 4, 5], [0, 0, 7, 0, 0], [0, -2.5, 0, 0.5, 0]])
LATENTS_N = [4, 0, 2, 1, 3, 2, 0, 3, 1]  # in no order within a row
STARTS = [0, 0, 5, 7, 9]
VALUES_N = [5.0, 1, 3, 2, 4, 7, 0, 0.5, -2.5]


def index():
    return Index(torch.tensor(LATENTS_N), torch.tensor(STARTS), n_latents=5)


def both_forms(kernels):
    return Dense(torch.tensor(CODES_BL)), Sparse(torch.tensor(VALUES_N, dtype=torch.float64), index(), kernels)


@pytest.mark.parametrize("kernels", [Plain(), Chunked(2)], ids=str)
@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_either_form_agrees_with_numpy(form, kernels):
    codes = both_forms(kernels)[form]
    W_LD = np.random.default_rng(0).normal(size=(5, 3))
    assert codes.n_rows == 4
    assert_array_equal(codes.dense(), CODES_BL)
    assert_array_equal(codes.sum(), [1, -0.5, 10, 4.5, 5])
    assert_array_equal(codes.active_counts(), [1, 2, 2, 2, 1])
    assert_array_equal(codes.row_sums(codes.abs_values), [0, 15, 7, 3])
    assert_array_equal(codes.l0(), [0, 5, 1, 2])
    assert_allclose(codes @ torch.tensor(W_LD), CODES_BL @ W_LD, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("form", [0, 1], ids=["dense", "sparse"])
def test_with_values_puts_other_values_at_the_same_entries(form):
    codes = both_forms(Plain())[form]
    scaled = codes.with_values(codes.values * -2)
    assert type(scaled) is type(codes)
    assert_array_equal(scaled.dense(), CODES_BL * -2)
    assert_array_equal(codes.dense(), CODES_BL)


@pytest.mark.parametrize("kernels", [Plain(), Chunked(2)], ids=str)
def test_gradients_of_either_form_agree(kernels):
    """Of sum², l1 and a product: d/dv = 2 Σ v of the latent + sign v + W·g, at the stored entries."""
    W_LD, up_BD = np.random.default_rng(1).normal(size=(2, 5, 3))[0], np.random.default_rng(2).normal(size=(4, 3))
    expected_BL = 2 * CODES_BL.sum(0) + np.sign(CODES_BL) + up_BD @ W_LD.T
    dense_codes, sparse_codes = both_forms(kernels)
    for codes in (dense_codes, sparse_codes):
        values = codes.values.requires_grad_()
        derived = codes.with_values(values)
        product = ((derived @ torch.tensor(W_LD)) * torch.tensor(up_BD)).sum()
        (derived.sum().square().sum() + derived.row_sums(derived.abs_values).sum() + product).backward()
    assert_allclose(dense_codes.values.grad, expected_BL, rtol=1e-13)
    assert_allclose(sparse_codes.values.grad, expected_BL[index().rows, LATENTS_N], rtol=1e-13)


def test_an_index_has_its_entries_rows_and_their_order_by_latent():
    order_N, starts = index().by_latent
    assert_array_equal(index().rows, [1, 1, 1, 1, 1, 2, 2, 3, 3])
    assert_array_equal(np.array(LATENTS_N)[order_N], [0, 0, 1, 1, 2, 2, 3, 3, 4])
    assert_array_equal(index().rows[order_N], [1, 2, 1, 3, 1, 2, 1, 3, 1])
    assert_array_equal(starts, [0, 2, 4, 6, 8, 9])


def test_an_empty_index_has_all_its_rows_and_latents():
    codes = Sparse(
        torch.zeros(0), Index(torch.zeros(0, dtype=torch.long), torch.zeros(4, dtype=torch.long), 2), Plain()
    )
    assert_array_equal(codes.dense(), np.zeros((3, 2)))
    assert_array_equal(codes.l0(), np.zeros(3))
    assert_array_equal(codes.sum(), np.zeros(2))
    assert_array_equal(codes.index.by_latent[1], [0, 0, 0])


def test_an_array_becomes_codes_and_codes_are_returned_as_they_are():
    codes = dense(torch.eye(2))
    assert isinstance(codes, Dense)
    assert dense(codes) is codes


class Operators(TorchDispatchMode):
    """Records the operators that PyTorch computes."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


class Counted(Plain):
    """Plain kernels that record their calls."""

    calls: list

    def pick(self, *args):
        self.calls.append("pick")
        return super().pick(*args)

    def scores(self, *args):
        self.calls.append("scores")
        return super().scores(*args)


def counted():
    kernels = Counted()
    object.__setattr__(kernels, "calls", [])
    return kernels


def affine():
    """Rows [B, D], weight [L, D], bias [L] and centre [D]."""
    rng = np.random.default_rng(0)
    return (torch.tensor(rng.normal(size=shape)) for shape in [(4, 3), (6, 3), (6,), (3,)])


def test_pre_activations_compute_nothing_until_needed():
    x_BD, W_LD, b, c = affine()
    expected_BL = (x_BD.numpy() - c.numpy()) @ W_LD.numpy().T + b.numpy()
    kernels = counted()
    with Operators() as operators:
        pre = PreActivations(x_BD, W_LD, b, c, kernels)
        assert operators.names == []
        first = pre.dense()
        n_operators = len(operators.names)
        assert n_operators > 0
        assert pre.dense() is first
        assert len(operators.names) == n_operators
    assert kernels.calls == []  # the dense array needs no kernel
    assert_allclose(first, expected_BL, rtol=1e-13, atol=1e-14)


def test_pre_activations_without_a_centre_use_rows_as_they_are():
    x_BD, W_LD, b, _ = affine()
    expected_BL = x_BD.numpy() @ W_LD.numpy().T + b.numpy()
    assert_allclose(PreActivations(x_BD, W_LD, b, None, Plain()).dense(), expected_BL, rtol=1e-13, atol=1e-14)


def test_the_top_is_picked_once_and_nothing_else_is_computed():
    kernels = counted()
    model = Autoencoder(Layout((3, 6), TopK(2), centred=True), rng=torch.Generator().manual_seed(0), kernels=kernels)
    with Operators() as operators:
        pre = model.pre_activations(torch.ones(4, 3))
        assert [name for name in operators.names if "ones" not in name] == []
        pre.top(2)
    assert kernels.calls == ["pick", "scores"]
    assert "_dense" not in vars(pre)
