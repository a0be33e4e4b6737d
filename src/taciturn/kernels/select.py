"""Which entries of a block are the largest, or lie above something: exactly, and faster than by the obvious call."""

import torch
from torch import Tensor

from . import native

GROUPS = (8,)  # latents that are looked at as one at first
GPU_GROUPS = (32, 8)  # on a GPU, where the groups' own selection costs more than searching them
WORD = 8  # entries of a mask that are looked at as one


def top_k(block_BL: Tensor, k: int, groups: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
    """Return each row's k largest entries and where they are [B, k], in no order: torch.topk, but for who of equals.

    The k largest lie in the k groups with the largest maxima, so only these groups are searched. Groups are strided
    (latents j, j + L/8, …), for which their maxima are maxima of whole slices; of the first of the sizes `groups` that
    divides the latents into twice k or more, by default such as suit the device; on a processor by compiled code, if
    there is any.
    """
    n_rows, n_latents = block_BL.shape
    if not groups and native.selects(block_BL, n_latents, k):
        return native.top(block_BL, k)
    sizes = groups or (GPU_GROUPS if block_BL.is_cuda else GROUPS)
    group = next((size for size in sizes if n_latents % size == 0 and n_latents // size >= 2 * k), None)
    if group is None:
        found = block_BL.topk(k, dim=1, sorted=False)
        return found.values, found.indices
    n_groups = n_latents // group
    grouped = block_BL.view(n_rows, group, n_groups)
    group_BK = grouped.amax(1).topk(k, dim=1, sorted=False).indices
    members = grouped.gather(2, group_BK[:, None].expand(n_rows, group, k)).view(n_rows, group * k)
    values_BK, at_BK = members.topk(k, dim=1, sorted=False)
    return values_BK, group_BK.gather(1, at_BK % k) + at_BK.div(k, rounding_mode="floor") * n_groups


def floor_of_top(block_BL: Tensor, k: int) -> Tensor:
    """Return a bound that at least k entries of each row reach, and few more [B, 1]: the k-th largest of maxima."""
    group = next(
        size for size in (32, 16, 8, 4, 2, 1) if block_BL.shape[1] % size == 0 and block_BL.shape[1] // size >= k
    )
    maxima = block_BL.view(len(block_BL), group, -1).amax(1)
    return maxima.topk(k, dim=1, sorted=False).values.amin(1, keepdim=True)


def positions(mask_BL: Tensor) -> Tensor:
    """Return where a mask holds, in order, counted through all its rows [N]: eight entries at a time if most are not.

    Examples
    --------
    >>> positions(torch.tensor([[False, True], [True, False]]))
    tensor([1, 2])
    """
    flat = mask_BL.reshape(-1)
    if len(flat) % WORD or flat.is_cuda:
        return flat.nonzero()[:, 0]
    word_M = flat.view(torch.int64).nonzero()[:, 0]
    within = flat.view(-1, WORD)[word_M].nonzero()
    return word_M[within[:, 0]] * WORD + within[:, 1]
