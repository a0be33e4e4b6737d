"""Changes of latents' weights outside the optimiser; the optimiser's state follows each of them."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


def of_part(
    part: tuple[int, int], latents_M: Tensor, new: Mapping[nn.Parameter, Tensor]
) -> tuple[Tensor, dict[nn.Parameter, Tensor]]:
    """Return those of some latents that a process holds, numbered from its first, and their new rows.

    Parameters
    ----------
    part : tuple of (int, int)
        The process's first latent, and the one after its last.
    latents_M, new
        As of `rewrite_rows`, of the whole dictionary.

    Examples
    --------
    >>> import torch
    >>> W = torch.nn.Parameter(torch.zeros(3, 1))
    >>> latents, new = of_part((3, 6), torch.tensor([1, 4]), {W: torch.tensor([[10.0], [40.0]])})
    >>> latents.tolist(), new[W].tolist()
    ([1], [[40.0]])
    """
    first, stop = part
    is_here = (latents_M >= first) & (latents_M < stop)
    own = {parameter: rows[is_here] if rows.ndim == parameter.ndim else rows for parameter, rows in new.items()}
    return latents_M[is_here] - first, own


@torch.no_grad()
def rewrite_rows(optimiser: torch.optim.Optimizer, latents_M: Tensor, new: Mapping[nn.Parameter, Tensor]) -> None:
    """Replace some latents' rows of parameters, and set the optimiser's state of these rows to 0.

    An old moment would move the new rows in the direction of the old ones.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
        The optimiser of these parameters.
    latents_M : Tensor [M], int64
        Numbers of the latents.
    new : Mapping from nn.Parameter to Tensor
        The new rows [M, …] of each parameter, or one row for all of these latents.

    Examples
    --------
    >>> import torch
    >>> W = torch.nn.Parameter(torch.zeros(3, 2))
    >>> rewrite_rows(torch.optim.Adam([W]), torch.tensor([1]), {W: torch.ones(1, 2)})
    >>> W.tolist()
    [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    """
    for parameter, rows in new.items():
        parameter[latents_M] = rows.to(parameter)
        for state in _state_by_row(optimiser, parameter):
            state[latents_M] = 0


@torch.no_grad()
def permute_rows(optimiser: torch.optim.Optimizer, order_L: Tensor, parameters: Iterable[nn.Parameter]) -> None:
    """Permute the rows of parameters, and the optimiser's state of these rows with them.

    Parameters
    ----------
    optimiser : torch.optim.Optimizer
        The optimiser of these parameters.
    order_L : Tensor [L], int64
        A permutation; row i becomes what row order_L[i] was.
    parameters : iterable of nn.Parameter
        Parameters with one row per latent [L, …].

    Examples
    --------
    >>> import torch
    >>> b = torch.nn.Parameter(torch.tensor([10.0, 20.0, 30.0]))
    >>> permute_rows(torch.optim.Adam([b]), torch.tensor([2, 0, 1]), [b])
    >>> b.tolist()
    [30.0, 10.0, 20.0]
    """
    for parameter in parameters:
        parameter.copy_(parameter[order_L])
        for state in _state_by_row(optimiser, parameter):
            state.copy_(state[order_L])


def _state_by_row(optimiser: torch.optim.Optimizer, parameter: nn.Parameter) -> list[Tensor]:
    """Return the tensors of the optimiser's state that have the parameter's shape, such as Adam's moments."""
    tensors = optimiser.state.get(parameter, {}).values()
    return [state for state in tensors if isinstance(state, Tensor) and state.shape == parameter.shape]
