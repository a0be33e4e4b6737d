"""Sparsity of codes, streamed: mean activations, firing rates, active latents per row, dead latents."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..model import Codes


class Sparsity:
    """Sparsity statistics of codes, streamed block by block in float64.

    Add blocks with `add`, then read the properties.

    Attributes
    ----------
    rows : int
        How many rows were added.

    Examples
    --------
    >>> import torch
    >>> from taciturn.model.codes import Dense
    >>> codes = Dense(torch.tensor([[0.0, 2.0, 0.0], [0.0, 4.0, -1.0]]))
    >>> sparsity = Sparsity()
    >>> sparsity.add(codes, codes.active_counts())
    >>> sparsity.mean_activations.tolist(), sparsity.firing_rates.tolist()
    ([0.0, 3.0, -0.5], [0.0, 1.0, 0.5])
    >>> sparsity.l0, sparsity.dead
    (1.5, 0.3333333333333333)
    >>> sparsity.variances.tolist()
    [0.0, 1.0, 0.25]
    """

    def __init__(self) -> None:
        self.rows = 0
        self._sum: NDArray[np.float64] = np.zeros(0)
        self._squares: NDArray[np.float64] = np.zeros(0)
        self._active_rows: NDArray[np.float64] = np.zeros(0)

    def add(self, codes: Codes, active_counts_L: Tensor) -> None:
        """Add a block's codes [B, L] and, for each latent, the number of the block's rows in which it is active [L]."""
        exact, active_rows = codes.with_values(codes.values.double()), active_counts_L.double().cpu().numpy()
        total, squares = exact.sum().cpu().numpy(), exact.with_values(exact.values.square()).sum().cpu().numpy()
        self._sum = self._sum + total if self.rows else total
        self._squares = self._squares + squares if self.rows else squares
        self._active_rows = self._active_rows + active_rows if self.rows else active_rows
        self.rows += codes.n_rows

    @property
    def mean_activations(self) -> NDArray[np.float64]:
        """[L]: each latent's mean activation Σ code / N over N rows; positive and negative codes may cancel."""
        return self._sum / self.rows

    @property
    def variances(self) -> NDArray[np.float64]:
        """[L]: each latent's variance, the mean squared distance of its codes from its mean activation; ≥ 0."""
        return np.maximum(self._squares / self.rows - np.square(self.mean_activations), 0.0)

    @property
    def firing_rates(self) -> NDArray[np.float64]:
        """[L]: the share of rows in which each latent is active, from 0 to 1."""
        return self._active_rows / self.rows

    @property
    def l0(self) -> float:
        """The mean number of active latents per row, Σ firing rates, from 0 to L."""
        return float(self.firing_rates.sum())

    @property
    def dead(self) -> float:
        """The share of latents that are active in none of the rows added, from 0 to 1."""
        return float((self._active_rows == 0).mean())
