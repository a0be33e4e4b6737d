"""How much is said: each latent's rate and firing, latents a row, dead ones; streamed."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..model import Codes


class Sparsity:
    """Sums over rows added block by block, in float64.

    Examples
    --------
    >>> import torch
    >>> from taciturn.model.codes import Dense
    >>> codes = Dense(torch.tensor([[0.0, 2.0, 0.0], [0.0, 4.0, -1.0]]))
    >>> sparsity = Sparsity()
    >>> sparsity.add(codes, codes.active_counts())
    >>> sparsity.rates.tolist(), sparsity.firing.tolist()
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
        self._fired: NDArray[np.float64] = np.zeros(0)

    def add(self, codes: Codes, fired_L: Tensor) -> None:
        """Take in a block's codes, and in how many of its rows each latent is at work."""
        exact, fired = codes.with_values(codes.values.double()), fired_L.double().cpu().numpy()
        total, squares = exact.sum().cpu().numpy(), exact.with_values(exact.values.square()).sum().cpu().numpy()
        self._sum = self._sum + total if self.rows else total
        self._squares = self._squares + squares if self.rows else squares
        self._fired = self._fired + fired if self.rows else fired
        self.rows += codes.n_rows

    @property
    def rates(self) -> NDArray[np.float64]:
        """[L]: each latent's mean activation Σ code / N over N rows; what is signed may cancel."""
        return self._sum / self.rows

    @property
    def variances(self) -> NDArray[np.float64]:
        """[L]: each latent's mean squared distance from its mean activation."""
        return np.maximum(self._squares / self.rows - np.square(self.rates), 0.0)

    @property
    def firing(self) -> NDArray[np.float64]:
        """[L]: in which share of the rows each latent is at work, from 0 to 1."""
        return self._fired / self.rows

    @property
    def l0(self) -> float:
        """How many latents are at work in a row, on average: Σ firing, from 0 to L."""
        return float(self.firing.sum())

    @property
    def dead(self) -> float:
        """The share of latents that are at work in none of the rows added, from 0 to 1."""
        return float((self._fired == 0).mean())
