"""Self-contained HTML pages: they hold numbers, figures of `plots`, images and text, and load nothing."""

from .compare import comparison_card, comparison_page
from .imputations import imputation_page
from .outliers import outlier_page
from .page import card, page
from .unfinished import unfinished_page

__all__ = ["card", "comparison_card", "comparison_page", "imputation_page", "outlier_page", "page", "unfinished_page"]
