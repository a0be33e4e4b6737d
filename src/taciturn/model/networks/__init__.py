"""What lies between rows and their reconstructions, as recipes: one that a text names is a class in this folder."""

from .conv import ConvNetwork
from .dense import DenseNetwork
from .network import Network
from .residual import ResidualNetwork

__all__ = ["ConvNetwork", "DenseNetwork", "Network", "ResidualNetwork"]
