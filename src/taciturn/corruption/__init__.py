"""Noise on the rows that the network sees during training."""

from .amounts import Amount
from .blind_spot import BlindSpot, neighbours
from .blocks import BLOCK, block_count, corrupted
from .corruption import Chain, Clean, Corruption
from .dropout import Dropout
from .gaussian import Gaussian
from .masking import Masking
from .missing import Missing
from .poisson import Poisson
from .recorrupted import Recorrupted
from .salt_pepper import SaltPepper
from .swap import Swap
from .variable_noise import VariableNoise

__all__ = [
    "BLOCK",
    "Amount",
    "BlindSpot",
    "Chain",
    "Clean",
    "Corruption",
    "Dropout",
    "Gaussian",
    "Masking",
    "Missing",
    "Poisson",
    "Recorrupted",
    "SaltPepper",
    "Swap",
    "VariableNoise",
    "block_count",
    "corrupted",
    "neighbours",
]
