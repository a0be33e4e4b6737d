"""Exact selection of the largest entries of each row and of the True entries of a mask, faster than torch's calls."""

import torch
from torch import Tensor

from . import native

GROUP_SIZES = (8,)  # latents per group, of which only the maximum is compared at first
GPU_GROUP_SIZES = (32, 8)  # on a GPU the selection of groups costs more than the search in them
WORD_ENTRIES = 8  # entries of a mask that are tested together


def top_k(block_BL: Tensor, k: int, group_sizes: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
    """Return the k largest entries of each row, as torch.topk does.

    Parameters
    ----------
    block_BL : Tensor [B, L]
        Entries; NaN counts as the largest.
    k : int, 1 ≤ k ≤ L
        Entries per row.
    group_sizes : tuple of int, default=()
        Latents per group. The first size is used that divides L into at least 2k groups; if none does, torch.topk is
        called. (): sizes that suit the device; on a processor the compiled loop where there is one.

    Returns
    -------
    Tensor [B, k]
        The entries, in no order. Of entries that are equal, others may be returned than torch.topk returns.
    Tensor [B, k], int64
        Their latents.

    Notes
    -----
    The k largest entries lie in the k groups with the largest maxima, so only these groups are searched. Groups are
    strided (latents j, j + L/8, …), so that their maxima are maxima of whole slices.

    Examples
    --------
    >>> values, latents = top_k(torch.tensor([[3.0, 1.0, 2.0]]), 2)
    >>> values.sort().values, latents.sort().values
    (tensor([[2., 3.]]), tensor([[0, 2]]))
    """
    n_rows, n_latents = block_BL.shape
    if not group_sizes and native.can_select(block_BL, n_latents, k):
        return native.top_k(block_BL, k)
    sizes = group_sizes or (GPU_GROUP_SIZES if block_BL.is_cuda else GROUP_SIZES)
    group = next((size for size in sizes if n_latents % size == 0 and n_latents // size >= 2 * k), None)
    if group is None:
        top = block_BL.topk(k, dim=1, sorted=False)
        return top.values, top.indices
    n_groups = n_latents // group
    grouped = block_BL.view(n_rows, group, n_groups)
    group_BK = grouped.amax(1).topk(k, dim=1, sorted=False).indices
    members = grouped.gather(2, group_BK[:, None].expand(n_rows, group, k)).view(n_rows, group * k)
    values_BK, member_BK = members.topk(k, dim=1, sorted=False)
    return values_BK, group_BK.gather(1, member_BK % k) + member_BK.div(k, rounding_mode="floor") * n_groups


def lower_bound_of_top_k(block_BL: Tensor, k: int) -> Tensor:
    """Return a bound [B, 1] that at least k entries of each row [B, L] reach, and few more.

    It is the k-th largest of the maxima of groups.
    """
    group = next(
        size for size in (32, 16, 8, 4, 2, 1) if block_BL.shape[1] % size == 0 and block_BL.shape[1] // size >= k
    )
    maxima = block_BL.view(len(block_BL), group, -1).amax(1)
    return maxima.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)


def positions(mask_BL: Tensor) -> Tensor:
    """Return the positions [N] of True entries in the flattened mask [B · L], in ascending order.

    On a processor eight entries are tested at a time, which is faster where most are False.

    Examples
    --------
    >>> positions(torch.tensor([[False, True], [True, False]]))
    tensor([1, 2])
    """
    mask = mask_BL.reshape(-1)
    if len(mask) % WORD_ENTRIES or mask.is_cuda:
        return mask.nonzero()[:, 0]
    word_M = mask.view(torch.int64).nonzero()[:, 0]
    within = mask.view(-1, WORD_ENTRIES)[word_M].nonzero()
    return word_M[within[:, 0]] * WORD_ENTRIES + within[:, 1]
