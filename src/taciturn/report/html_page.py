"""What a report on one model, on outliers or on imputations is beside its numbers: a page, and a card in a notebook."""

import os
from abc import abstractmethod

from ..core.atomic import atomic
from .html import card
from .numbers.page_numbers import PageNumbers


class HtmlPage(PageNumbers):
    """Numbers that can be saved as a page. A notebook shows their verdict."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, one self-contained HTML file. A failure leaves no partial file."""
        with atomic(path) as temporary:
            temporary.write_text(self._page(), encoding="utf-8", errors="xmlcharrefreplace")  # of half a surrogate pair

    @abstractmethod
    def _page(self) -> str:
        """Return the page as HTML."""

    def _repr_html_(self) -> str:
        """Return the verdict and the warnings as HTML."""
        return card(self)
