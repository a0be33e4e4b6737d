"""The network: scaling, encoder, coding layer, decoder, and one batch's pass through them."""

from .autoencoder import Autoencoder
from .blind_spots import BlindSpots
from .capability import Capability, description
from .channel_scaling import Channels
from .codes import Codes, Dense, Sparse, dense
from .create import create
from .inference_module import InferenceModule
from .initial_dictionary import initialise_dictionary
from .initial_pairs import initialise_pairs
from .layer_norm_scaling import LayerNorm
from .layers import Affine, Layer
from .layout import Layout
from .passes import Batch, Model, Pass
from .pre_activations import PreActivations
from .range_scaling import Range
from .residual_denoiser import ResidualDenoiser
from .robust_scaling import Robust, RowNorm, row_norm_instead
from .scaling import (
    Auto,
    Common,
    Given,
    GivenWhitening,
    MeanNorm,
    MinMax,
    NoScaling,
    RankGauss,
    Scaling,
    Standard,
    UInt8,
    Whiten,
    scaled_range,
)
from .variable_scaling import VariableScaling, VariableTargets, VariableUnits, best_constants

__all__ = [
    "Affine",
    "Auto",
    "Autoencoder",
    "Batch",
    "BlindSpots",
    "Capability",
    "Channels",
    "Codes",
    "Common",
    "Dense",
    "Given",
    "GivenWhitening",
    "InferenceModule",
    "Layer",
    "LayerNorm",
    "Layout",
    "MeanNorm",
    "MinMax",
    "Model",
    "NoScaling",
    "Pass",
    "PreActivations",
    "Range",
    "RankGauss",
    "ResidualDenoiser",
    "Robust",
    "RowNorm",
    "Scaling",
    "Sparse",
    "Standard",
    "UInt8",
    "VariableScaling",
    "VariableTargets",
    "VariableUnits",
    "Whiten",
    "best_constants",
    "create",
    "dense",
    "description",
    "initialise_dictionary",
    "initialise_pairs",
    "row_norm_instead",
    "scaled_range",
]
