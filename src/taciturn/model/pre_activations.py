"""The encoder's pre-activations, computed only as far as a coding layer needs them."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.world import SINGLE_PROCESS, WHOLE_BATCH, Axis, RowShard, largest
from ..kernels import Above, AtLeast, Index, Kernels, Top, TopBatch
from .codes import Codes, Dense, Sparse

ROUNDING = 1e-4  # of the largest pre-activation: far more than products of other shapes differ


@dataclass(frozen=True, eq=False)
class PreActivations:
    """The pre-activations (x - centre) W' + b of every row and latent, computed only when a method needs them.

    `dense` computes all of them; `top`, `top_batch` and `above` select entries, for which the kernels may avoid the
    [B, L] array.

    Parameters
    ----------
    x : Tensor [B, D]
        Rows: inputs of the encoder's last layer.
    weight : Tensor [L, D]
        W, one row per latent.
    bias : Tensor [L]
        b.
    centre : Tensor [D] or None
        Subtracted from each row first; None subtracts nothing.
    kernels : Kernels
        The sparse operations that select entries.
    latent_ids : Tensor [L] of int64, optional
        After `restricted_to`: the number of each of these latents in the whole dictionary. None: 0 … L - 1.
    n_all : int, default=0
        After `restricted_to`: the size of the whole dictionary. Unused while `latent_ids` is None.
    shard : RowShard, default=WHOLE_BATCH
        Which rows of the whole batch these are, where several processes share it.
    latents : Axis, default=SINGLE_PROCESS
        The processes with other latents. Codes then have this process's entries only, selected among all.

    Examples
    --------
    >>> from taciturn.kernels import Plain
    >>> x = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, 4.0]])
    >>> pre = PreActivations(x, torch.eye(3), torch.zeros(3), None, Plain())
    >>> pre.top(1).dense()
    tensor([[2., 0., 0.],
            [0., 0., 4.]])
    >>> pre.restricted_to(torch.tensor([0, 1])).top(1).dense()
    tensor([[2., 0., 0.],
            [0., 3., 0.]])
    """

    x: Tensor
    weight: Tensor
    bias: Tensor
    centre: Tensor | None
    kernels: Kernels
    latent_ids: Tensor | None = None
    n_all: int = 0
    shard: RowShard = WHOLE_BATCH
    latents: Axis = SINGLE_PROCESS

    @cached_property
    def _dense(self) -> Tensor:
        return F.linear(self.x if self.centre is None else self.x - self.centre, self.weight, self.bias)

    def dense(self) -> Tensor:
        """Return all pre-activations [B, L], computed once."""
        return self._dense

    def top(self, k: int, *, signed: bool = False) -> "Sparse":
        """Return each row's k largest as codes.

        Parameters
        ----------
        k : int, at least 1
            Entries per row; a k above the number of latents keeps all.
        signed : bool, default=False
            Select by absolute value, and keep the sign.

        Returns
        -------
        Sparse
            k entries per row, in no order; differentiable.
        """
        index, values = self._top(k, signed)
        if self.latents.size > 1:
            sizes = (values.abs() if signed else values).view(len(self.x), min(k, len(self.bias)))
            selected = largest(sizes.T, k, self.latents).T.flatten()
            index, values = index.keep(selected), values[selected]
        return self._sparse(index, values)

    def _top(self, k: int, signed: bool = False) -> tuple[Index, Tensor]:
        """Return the index of each row's k largest entries here, and their values."""
        if not len(self.bias):  # none of the latents to which these are restricted is here
            nothing = torch.zeros(len(self.x) + 1, dtype=torch.long, device=self.x.device)
            return Index(nothing[:0], nothing, 0), self.x.new_zeros(0)
        return self.kernels.pick(*self._affine, Top(min(k, len(self.bias)), signed))

    def top_batch(self, k: float) -> "Sparse":
        """Return the k · B largest of the whole batch as codes: k per row on average.

        Parameters
        ----------
        k : float, greater than 0
            Mean number of entries per row; k · B is rounded, and limited to B · L.

        Returns
        -------
        Sparse
            round(k · B) entries, ordered by row; differentiable.

        Notes
        -----
        Kernels that work in blocks of rows look at each row's 2k largest first. A row whose candidates are all
        selected may have more entries that belong to the batch's largest, so that row is searched again, above the
        least selected value.
        """
        n_rows, n_latents = len(self.x), len(self.bias)
        n_selected, alone = round(k * self.shard.total(n_rows)), self.shard.axis.size == self.latents.size == 1
        if not self.kernels.sparse_below:
            index, values = self.kernels.pick(*self._affine, TopBatch(min(n_selected, n_rows * n_latents)))
            if not alone:
                selected = self._largest(values, n_selected)
                index, values = index.keep(selected), values[selected]
            return self._sparse(index, values)
        candidates = min(math.ceil(2 * k), n_latents)
        index, values = self._top(candidates)
        selected = self._largest(values, n_selected)
        full_R = selected.view(n_rows, candidates).all(1).nonzero()[:, 0]
        if self._any(candidates < n_latents and len(full_R) > 0):
            # Entries below the least selected value cannot belong to the batch's largest. The bound is a little lower:
            # a product of fewer rows is rounded otherwise, and the entry with that value would fall below it.
            bound = self.least(values[selected]) - ROUNDING * -self.least(-values.abs())
            x, W, b, centre = self._affine
            full_index, full_values = self.kernels.pick(x[full_R], W, b, centre, AtLeast(bound))
            index, order_N = index.replace_rows(full_R, full_index)
            values = torch.cat([values, full_values])[order_N]
            selected = self._largest(values, n_selected)
        return self._sparse(index.keep(selected), values[selected])

    def _largest(self, values_N: Tensor, count: int) -> Tensor:
        """Return the mask [N] of the values that are among the `count` largest of all processes."""
        return largest(values_N, count, self.shard.axis, self.latents)

    def _any(self, here: bool) -> bool:
        """Return whether `here` is true on any process."""
        return self.latents.any(self.shard.axis.any(here))

    def least(self, values_N: Tensor) -> Tensor:
        """Return the least of some values on all processes, a scalar without gradient; infinity if there is none."""
        return -self.latents.max(-self.shard.least(values_N))

    def std(self) -> Tensor:
        """Return the standard deviation of all pre-activations of all latents, a scalar; 0 of a single one."""
        z, total = self.dense(), self.latents.sum
        if self.latents.size == 1:
            return z.std() if z.numel() > 1 else z.new_zeros(())
        count = total(z.new_tensor(float(z.numel())))
        mean = total(z.sum()) / count
        return (total((z - mean).square().sum()) / (count - 1)).sqrt()

    def above(self, threshold: Tensor) -> "Codes":
        """Return codes that hold at least every entry greater than a threshold.

        Parameters
        ----------
        threshold : Tensor, a scalar or [L]
            In units of pre-activations.

        Returns
        -------
        Codes
            Sparse with exactly these entries where they are few; otherwise Dense with *all* pre-activations. In the
            dense form the caller must zero the entries at or below the threshold. NaN is always included.
        """
        if self.kernels.sparse_below:
            index, values = self.kernels.pick(*self._affine, Above(threshold))
            if len(values) <= self.kernels.sparse_below * len(self.x) * len(self.bias):
                return self._sparse(index, values)
        return Dense(self.dense())

    def restricted_to(self, latents_M: Tensor) -> "PreActivations":
        """Return the pre-activations of the latents with these numbers [M] only.

        Sparse codes selected from the result are codes of all L latents; those of the other latents are 0. `dense`
        returns [B, M].
        """
        weight, bias = self.weight[latents_M], self.bias[latents_M]
        return replace(self, weight=weight, bias=bias, latent_ids=latents_M, n_all=len(self.bias))

    def plus(self, x: Tensor, weight: Tensor) -> "PreActivations":
        """Return the sum of these pre-activations and x [B, …] weight' [L, …].

        Both products become one product of concatenated factors, so that the sum need not be formed either.
        """
        centred_x = self.x if self.centre is None else self.x - self.centre
        return replace(self, x=torch.cat([centred_x, x], 1), weight=torch.cat([self.weight, weight], 1), centre=None)

    @property
    def _affine(self) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        return self.x, self.weight, self.bias, self.centre

    def _sparse(self, index: Index, values: Tensor) -> "Sparse":
        values = self.kernels.scores(*self._affine, index, values)
        if self.latent_ids is not None:
            index = Index(self.latent_ids[index.latents], index.starts, self.n_all)
        return Sparse(values, index, self.kernels)
