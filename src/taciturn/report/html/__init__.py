"""Pages that need nothing else: numbers from the report, pictures from `plots`, words around them."""

from .compare import comparison_card, comparison_page
from .page import card, page

__all__ = ["card", "comparison_card", "comparison_page", "page"]
