"""The comparison of several runs: numbers that can be saved as JSON or as a page."""

import os
from collections.abc import Mapping

from ..artifact import Artifact
from ..core.atomic import atomic
from ..data.sources import Source
from .html import comparison_card, comparison_page
from .numbers import ComparisonNumbers, measure_comparison


class Comparison(ComparisonNumbers):
    """The comparison of several runs. A notebook shows it as one sentence.

    `compare` creates it. `save` writes the page, `save_json` the numbers; docs/report.md describes both. Lists have one
    entry per run, in the order of `names`.

    Attributes
    ----------
    names : list of str
        The runs' names.
    sentence : str
        The comparison in one sentence.
    summaries : list of Summary
        The runs' main numbers.
    differing_parameters : dict of str to list
        The parameters that are not the same in all runs; None for a run that has no such parameter.
    mean_cosines : list of float
        Mean |cosine| of two latents of the run, from 0 to 1.
    seconds : list of float
        Duration of the training.
    seeds : list of int
        Seed of the training.
    shared : list of SharedLatents
        The latents that two runs share, for each two runs whose rows have as many columns and that have at most 8,192
        latents.
    evaluated_on : str
        "the same … rows" or "each run's own rows".
    histories : dict of str to History
        The runs' histories, by name.
    directions : dict of str to array [L, D]
        The runs' dictionaries, by name; empty unless the rows of all runs have the same shape.
    shape : tuple of int
        The rows' shape; () unless all runs have the same.
    """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, one self-contained HTML file. A failure leaves no partial file."""
        with atomic(path) as temporary:
            temporary.write_text(comparison_page(self), encoding="utf-8")

    def _repr_html_(self) -> str:
        """Return the sentence as HTML."""
        return comparison_card(self)


def compare(runs: Mapping[str, Artifact], rows: Source | None = None) -> Comparison:
    """Return the comparison of two or more runs.

    Parameters
    ----------
    runs : Mapping[str, Artifact]
        The runs by name, at least two.
    rows : Source [N, D] or None, default=None
        The rows on which all runs are evaluated. Use rows that none was trained on. None: each run's own metrics, of
        its own rows.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If there are fewer than two runs, if a run has no metrics and no rows are given, or if a run was trained on
        other columns than the rows have.

    Notes
    -----
    Latents of two runs are matched one to one so that the sum of |cosine| is largest (`taciturn.metrics.matched`). A
    pair is shared if its |cosine| is .9 or more. Runs of one seed begin with the same weights if their networks are the
    same; what they share then is no evidence of stability, and the sentence and the page note it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from taciturn import DictionaryAutoencoder
    >>> from taciturn.data.sources import Rows
    >>> X = load_iris().data
    >>> fits = {f"k={k}": DictionaryAutoencoder(8, k=k, max_iter=2, random_state=0).fit(X) for k in (1, 2)}
    >>> compare({name: fit.to_artifact() for name, fit in fits.items()}, Rows(X)).differing_parameters
    {'k': [1, 2]}
    """
    return Comparison(**vars(measure_comparison(runs, rows)))
