"""How much is said: each latent's rate and firing, and latents a row; streamed."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..codes import Codes


class Sparsity:
    """Sums over rows added block by block, in float64."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum: NDArray[np.float64] = np.zeros(0)
        self._fired: NDArray[np.float64] = np.zeros(0)

    def add(self, codes: Codes, fired_L: Tensor) -> None:
        """Take in a block's codes, and in how many of its rows each latent is at work."""
        total, fired = codes.sum().double().cpu().numpy(), fired_L.double().cpu().numpy()
        self._sum = self._sum + total if self.rows else total
        self._fired = self._fired + fired if self.rows else fired
        self.rows += codes.n_rows

    @property
    def rates(self) -> NDArray[np.float64]:
        """[L]: each latent's mean activation."""
        return self._sum / self.rows

    @property
    def firing(self) -> NDArray[np.float64]:
        """[L]: in which share of the rows each latent is at work."""
        return self._fired / self.rows

    @property
    def l0(self) -> float:
        """How many latents are at work in a row, on average."""
        return float(self.firing.sum())
