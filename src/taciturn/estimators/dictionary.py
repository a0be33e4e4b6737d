"""The sparse dictionary."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._set_output import _get_output_config

from ..core.errors import RecipeError, TaciturnWarning
from .base import Array, BaseAutoencoder
from .parameters import RunParameters, run_parameters
from .rows import rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..data.sources import Source
    from ..model.coding_layers import CodingLayer
    from ..objective import Term
    from ..training.constraints import Constraint
    from ..training.solvers import Solver

BLOCK = 1024  # rows that are made dense at a time


class DictionaryAutoencoder(BaseAutoencoder):
    """Learns a dictionary of directions, of which each row is the sum of few: today's sparse autoencoder.

    One layer; the decoder's rows have length 1, its bias begins at the rows' geometric median and is subtracted from
    the input, and the encoder begins as its transpose. About k latents speak of a row, whatever the coding layer: where
    it does not count itself, a penalty's weight is found, and a last shift on rows kept apart makes it k.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> model = DictionaryAutoencoder(128, k=8, max_iter=5, random_state=0).fit(X)
    >>> codes = model.transform(X)                          # SciPy CSR
    >>> codes.shape, codes.nnz <= 8 * len(X)
    ((1797, 128), True)
    """

    command_name = "dictionary"
    PARAMETER_TEXTS: ClassVar[dict[str, tuple[str, str]]] = {
        "n_components": ("int", "Number of latents."),
        "k": ("int", "Active latents per row on average: their L0. More than there are latents are all."),
        "sparsity": (
            "str, CodingLayer, Term, or several of them",
            'The coding layer with its usual terms: {dictionaries}. "topk" keeps the k largest of a row (Gao et al., '
            '2024): 2 k at first, k from the middle of the training on. "batch_topk" keeps k a row on average '
            '(Bussmann et al., 2024). "jumprelu", "gated" (Rajamanoharan et al., 2024) and "l1" (ReLU under the '
            "lasso's penalty) find the weight of their penalty. A text or parts as for the other estimators are taken "
            "as they are, and k does not count.",
        ),
        "matryoshka": (
            'None, "auto" or tuple of int',
            "Sizes of nested dictionaries, each of which must reconstruct as well as it can (Bussmann et al., 2025). "
            '"auto": a 16th, an 8th, a quarter and half of the latents.',
        ),
        "ordered": (
            "bool",
            "Whether to sort latents by how often they are active, during the first half of the training, so that the "
            "first of the nested dictionaries hold the most frequent latents.",
        ),
        "refine": ("int", "How often codes are computed again from the error that they leave."),
        "revive": (
            "str or None",
            'What revives dead latents: "auxk" (they learn from what the others leave over; Gao et al., 2024), '
            '"resample" (they are set to badly reconstructed rows; Bricken et al., 2023), "auxk+resample", or None. '
            '"auto": "auxk" where the coding layer selects k latents itself, else "resample", and nothing where the '
            "dictionary is frozen.",
        ),
        "constraint": (
            "str or Constraint",
            'What holds for the rows of the dictionary: {constraints}. "frozen" leaves them as they were drawn: it '
            "shows how much of a score needs no trained dictionary (Korznikov et al., 2026).",
        ),
        "initial_norm": (
            "float",
            "Initial norm of the encoder's rows and, unless \"unit_norm\" holds, of the dictionary's, > 0.",
        ),
        "corruption": (
            "str, Corruption or None",
            "What is done to the input while training: {corruptions}; several are joined by a plus.",
        ),
        "learning_rate": (
            "float, str or Schedule",
            'A number, or a schedule over the run: {schedules}. "auto": 0.003, and in batches of more than 256 rows '
            "more, by the root of their number, up to 0.01; it falls to 0 over the last fifth of the run.",
        ),
        "sparse_output": (
            'bool or "auto"',
            'Whether `transform` returns SciPy CSR. "auto": unless `set_output` selects data frames.',
        ),
    }

    def __init__(
        self,
        n_components: int = 512,
        *,
        k: int = 32,
        sparsity: Any = "topk",
        matryoshka: str | tuple[int, ...] | None = None,
        ordered: bool = False,
        refine: int = 0,
        revive: str | None = "auto",
        constraint: str | Constraint = "unit_norm",
        initial_norm: float = 1.0,
        corruption: str | Corruption | None = None,
        scaling: str = "auto",
        solver: str | Solver = "adam",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = "auto",
        max_iter: int | None = None,
        alpha: float = 0.0,
        warm_start: bool = False,
        sparse_output: bool | str = "auto",
        precision: str = "fp32",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.k = k
        self.sparsity = sparsity
        self.matryoshka = matryoshka
        self.ordered = ordered
        self.refine = refine
        self.revive = revive
        self.constraint = constraint
        self.initial_norm = initial_norm
        self.corruption = corruption
        self.scaling = scaling
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.alpha = alpha
        self.warm_start = warm_start
        self.sparse_output = sparse_output
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def transform(self, X: ArrayLike | Source) -> Array | csr_array:  # type: ignore[override]
        """Return the codes [n_samples, n_components] of rows, SciPy CSR or dense as `sparse_output` says."""
        if not self._sparse():
            return super().transform(X)
        from scipy.sparse import vstack

        from .. import inference

        source = rows(self, X)
        codes: csr_array = vstack(
            [inference.to_csr(block) for block in inference.encode(self.module_, source)], format="csr"
        )
        return codes

    def inverse_transform(self, X: ArrayLike | csr_array) -> Array:
        """Return rows in the input's units [n_samples, n_features] for codes X, dense or SciPy sparse."""
        from scipy.sparse import csr_array, issparse

        if not issparse(X):
            return super().inverse_transform(X)
        codes = csr_array(X)
        blocks = [codes[start : start + BLOCK].toarray() for start in range(0, max(codes.shape[0], 1), BLOCK)]
        return np.concatenate([super(DictionaryAutoencoder, self).inverse_transform(block) for block in blocks])

    def _sparse(self) -> bool:
        if self.sparse_output == "auto":
            return bool(_get_output_config("transform", self)["dense"] == "default")
        if not isinstance(self.sparse_output, bool):
            raise RecipeError(f"sparse_output={self.sparse_output!r} must be True, False or 'auto'")
        return self.sparse_output

    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        from ..training import Order, Resample
        from .resolve import dictionary_kinds, dictionary_rate, flag, number, positive_integer

        latents, k = positive_integer("n_components", self.n_components), positive_integer("k", self.k)
        if k > latents:
            warnings.warn(
                f"k={k} exceeds n_components={latents}; all latents may be active", TaciturnWarning, stacklevel=4
            )
        kind = dictionary_kinds().get(self.sparsity) if isinstance(self.sparsity, str) else None
        revival, sparsity = self._revival(kind), self.sparsity
        if kind is not None and kind.dictionary_text is not None:
            k = min(k, latents)
            # at first twice as many, by which TopK finds features that else share a latent, and BatchTopK fewer
            # (benchmarks/results/truth.md)
            falling = f"linear({min(2 * k, latents)},{k},over=0.5)" if k < latents else str(k)
            sparsity = kind.dictionary_text.format(k=k, falling=falling) + ("+auxk" if "auxk" in revival else "")
        own = run_parameters(self.get_params(deep=False)) | {
            "sparsity": sparsity,
            "activation": "relu",
            "output_activation": "identity",
            "loss": self._loss(),
            "tied": False,
            "early_stopping": False,
            "centred": True,
            "initial_norm": number("initial_norm", self.initial_norm, 1e-6, np.inf),
            "resample": Resample() if "resample" in revival else None,
            "order": Order() if flag("ordered", self.ordered) else None,
        }
        if self.learning_rate == "auto":
            own["learning_rate"] = dictionary_rate(self.batch_size)
        return RunParameters(**own)

    def _revival(self, kind: type[CodingLayer] | type[Term] | None) -> list[str]:
        """Return how dead latents are revived, by name; `kind` is the part that `sparsity` names alone, if it does."""
        from ..training.constraints import Frozen

        if self.revive in (None, "none"):
            return []
        frozen = self.constraint == "frozen" or isinstance(self.constraint, Frozen)
        if self.revive == "auto":
            way = "resample" if kind is None else kind.dictionary_revival
            return [] if frozen and way == "resample" else [way]
        ways = str(self.revive).split("+")
        if frozen and "resample" in ways:
            raise RecipeError(f"revive={self.revive!r} would draw directions of a frozen dictionary anew; set 'auxk'")
        if not set(ways) <= {"auxk", "resample"}:
            raise RecipeError(f"revive={self.revive!r} must be 'auto', 'auxk', 'resample', 'auxk+resample' or None")
        return ways

    def _loss(self) -> Any:
        from ..objective import Matryoshka

        if self.matryoshka is None:
            return "squared_error"
        if self.matryoshka == "auto":
            return Matryoshka()
        if isinstance(self.matryoshka, str):
            raise RecipeError(f"matryoshka={self.matryoshka!r} must be None, 'auto' or a tuple of sizes")
        return Matryoshka(widths=tuple(int(width) for width in self.matryoshka))
