"""The version of taciturn."""

__version__ = "0.1.0"
