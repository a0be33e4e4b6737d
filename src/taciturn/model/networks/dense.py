"""Dense layers: the textbook's autoencoder."""

from dataclasses import dataclass

from .network import Network


@dataclass(frozen=True)
class DenseNetwork(Network):
    """Dense hidden layers, whose widths `n_components` names, and their mirror."""

    name = "dense"
