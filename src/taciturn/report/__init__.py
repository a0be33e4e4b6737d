"""F11. What a model is worth: numbers here, layout elsewhere."""

from .summary import Summary, summarise

__all__ = ["Summary", "summarise"]
