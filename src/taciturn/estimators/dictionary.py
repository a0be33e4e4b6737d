"""The sparse dictionary."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.utils._set_output import _get_output_config

from ..core.errors import RecipeError, TaciturnWarning
from .base import BaseAutoencoder
from .parameters import RunParameters, run_parameters

if TYPE_CHECKING:
    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..model.coding_layers import CodingLayer
    from ..objective import Term
    from ..training.constraints import Constraint
    from ..training.solvers import Solver

# Weight of a row's direction in each latent's initial one. With none many latents die; nearer to rows many latents are
# alike, and few steps reconstruct worse (benchmarks/results/ablation.md).
FROM_ROWS = 0.3
# Shares of the training: until k is reached, and until a coding layer that starts as TopK selects in its own way. With
# a longer start fewer features are found in rows with a varying number of them, but more by nested dictionaries.
START, NESTED_START = (0.3, 0.3), (0.5, 0.6)
MOVING = {"resample", "redirect"}  # ways of revival that change the dictionary by hand


class DictionaryAutoencoder(BaseAutoencoder):
    """A sparse dictionary: each row is reconstructed as a sum of few of many learnt directions.

    The network has one layer. The decoder's rows have norm 1 and start near random directions, turned towards those of
    rows unless the dictionary is nested. Its bias starts at the rows' geometric median and is subtracted from the
    encoder's input. The encoder starts as the decoder's transpose. About k latents are active per row. TopK and
    BatchTopK select k themselves. For other coding layers the weight of a penalty is adjusted during training, and a
    closing shift of the biases sets k. This shift is calibrated on a held-out tenth of the rows if there are 500 rows
    or more, because more latents are active on rows that were not trained on.

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
        "k": (
            "int",
            "Active latents per row on average (L0), ≥ 1. A k above the number of latents is lowered to it.",
        ),
        "sparsity": (
            "str, CodingLayer, Term, or list of them",
            'A coding layer with its usual terms: {dictionaries}. "topk" selects the k largest pre-activations of each '
            'row (Gao et al., 2024): 2 k at first, k from the middle of the training on. "batch_topk" selects k per '
            'row on average (Bussmann et al., 2024). "jumprelu", "gated" (Rajamanoharan et al., 2024) and "l1" (ReLU '
            'with an L1 penalty) adjust the weight of their penalty. All but "l1" start as "topk", for '
            '30% of the training, or 60% if the dictionary is nested. Any other text, such as "topk:32", and parts are '
            "used as written, as in the other estimators; k then has no effect.",
        ),
        "matryoshka": (
            'None, "auto" or tuple of int',
            "Sizes of nested dictionaries, each of which is trained to reconstruct the rows alone (Bussmann et al., "
            '2025). "auto": a 16th, an 8th, a quarter and half of the latents. None: no nested dictionaries.',
        ),
        "ordered": (
            "bool",
            "Whether to sort the latents by firing rate during the first half of the training, so that the first "
            "nested dictionaries hold the most frequent latents.",
        ),
        "refine": ("int", "How often codes are computed again from the error that they leave, ≥ 0."),
        "skip": (
            "bool",
            "Whether a linear map of the row is added to what the codes decode to, so that latents need only model the "
            "rest (a skip transcoder; Paulo, Shabalin and Belrose, 2025). Requires `target`.",
        ),
        "revive": (
            "str or None",
            'How dead and redundant latents are revived: "auxk" (a penalty trains dead ones to reconstruct what the '
            'others leave over; Gao et al., 2024), "resample" (dead ones are set to badly reconstructed rows; Bricken '
            'et al., 2023), "redirect" (those without which the error hardly rises get directions that all others '
            'lack), several joined by a plus, or None. "auto": '
            '"auxk+redirect", but "auxk" for nested or frozen dictionaries; for "l1" and recipes "resample", or '
            "nothing if the dictionary is frozen.",
        ),
        "constraint": (
            "str or Constraint",
            'Constraint on the rows of the dictionary: {constraints}. "frozen" keeps their random initial values: it '
            "shows how much of a score does not require a trained dictionary (Korznikov et al., 2026).",
        ),
        "initial_norm": (
            "float",
            "Initial norm of the encoder's rows and, unless the constraint is \"unit_norm\", of the dictionary's, > 0.",
        ),
        "corruption": (
            "str, Corruption or None",
            "The noise of the network's input during training, in units of the scaled rows: {corruptions}; several are "
            "joined by a plus.",
        ),
        "scaling": (
            "str or Scaling",
            'How rows are scaled: {scalings}. "auto": rows in [0, 1] are not scaled, an array of uint8 without column '
            "names is divided by 255. Others are centred and divided by one number if their columns are of one kind "
            '("common": the largest standard deviation is at most 4 times the smallest), else standardised '
            '("standard"), as are all rows of `partial_fit`. The scaling is a part of the model; `scaling_` '
            "describes it.",
        ),
        "learning_rate": (
            "float, str or Schedule",
            'A number ≥ 0, or a schedule over the run: {schedules}. "auto": 0.003, for batches of more than 256 rows '
            "times the square root of rows / 256, at most 0.01. With more than 1,024 latents it is multiplied by the "
            "fourth root of 1,024 / latents and rises from 0 over the first tenth of the run. It falls to 0 over the "
            "last fifth.",
        ),
        "sparse_output": (
            'bool or "auto"',
            'Whether `transform` returns a SciPy CSR array. "auto": yes, unless `set_output` selects data frames.',
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
        skip: bool = False,
        revive: str | None = "auto",
        constraint: str | Constraint = "unit_norm",
        initial_norm: float = 1.0,
        corruption: str | Corruption | None = None,
        scaling: str = "auto",
        solver: str | Solver = "adam",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = "auto",
        shuffle_window: int | str = "auto",
        survey_rows: int | str = "all",
        max_iter: int | None = None,
        max_steps: int | None = None,
        validate_every: int | str | None = None,
        alpha: float = 0.0,
        warm_start: bool = False,
        sparse_output: bool | str = "auto",
        precision: str = "fp32",
        device: str = "auto",
        shape: tuple[int, ...] | None = None,
        variables: dict[str, str] | None = None,
        outputs: str = "codes",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.k = k
        self.sparsity = sparsity
        self.matryoshka = matryoshka
        self.ordered = ordered
        self.refine = refine
        self.skip = skip
        self.revive = revive
        self.constraint = constraint
        self.initial_norm = initial_norm
        self.corruption = corruption
        self.scaling = scaling
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.shuffle_window = shuffle_window
        self.survey_rows = survey_rows
        self.max_iter = max_iter
        self.max_steps = max_steps
        self.validate_every = validate_every
        self.alpha = alpha
        self.warm_start = warm_start
        self.sparse_output = sparse_output
        self.precision = precision
        self.device = device
        self.shape = shape
        self.variables = variables
        self.outputs = outputs
        self.random_state = random_state
        self.verbose = verbose

    def _returns_sparse(self, rows_are_sparse: bool) -> bool:
        if self.sparse_output == "auto":
            return bool(_get_output_config("transform", self)["dense"] == "default")
        if not isinstance(self.sparse_output, bool):
            raise RecipeError(f"sparse_output={self.sparse_output!r} must be True, False or 'auto'")
        return self.sparse_output

    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        from ..training import Order, Redirect, Resample
        from .resolve import dictionary_parts, dictionary_rate, flag, number, positive_integer

        latents, k = positive_integer("n_components", self.n_components), positive_integer("k", self.k)
        if k > latents:
            warnings.warn(
                f"k={k} exceeds n_components={latents}; all latents may be active", TaciturnWarning, stacklevel=4
            )
        kind = dictionary_parts().get(self.sparsity) if isinstance(self.sparsity, str) else None
        revival, sparsity = self._revival(kind), self.sparsity
        if kind is not None and kind.dictionary_text is not None:
            k = min(k, latents)
            # TopK starts with twice as many, because it then finds features that would otherwise share a latent.
            # The others start as TopK: from the start they find fewer rare features (benchmarks/results/ablation.md).
            falling = f"linear({min(2 * k, latents)},{k},over={{}})" if k < latents else str(k)
            over, until = START if self.matryoshka is None else NESTED_START
            # the phase as TopK finds directions, of which a frozen dictionary learns none
            first_k = 0 if self._frozen else f"until({falling.format(over)},{until})"
            sparsity = kind.dictionary_text.format(k=k, falling=falling.format(0.5), first_k=first_k) + (
                "+auxk" if "auxk" in revival else ""
            )
        own = run_parameters(self) | {
            "sparsity": sparsity,
            "activation": "relu",
            "output_activation": "identity",
            "loss": self._loss(),
            "tied": False,
            "early_stopping": False,
            "centred": True,
            "initial_norm": number("initial_norm", self.initial_norm, 1e-6, np.inf),
            # the first latents of a nested dictionary have to find what many rows share
            "from_rows": 0.0 if self._frozen or self.matryoshka is not None else FROM_ROWS,
            "resample": Resample() if "resample" in revival else None,
            "redirect": Redirect() if "redirect" in revival else None,
            "order": Order() if flag("ordered", self.ordered) else None,
        }
        if self.learning_rate == "auto":
            own["learning_rate"] = dictionary_rate(self.batch_size, latents)
        return RunParameters(**own)

    @property
    def _frozen(self) -> bool:
        from ..training.constraints import Frozen

        return self.constraint == "frozen" or isinstance(self.constraint, Frozen)

    def _revival(self, kind: type[CodingLayer] | type[Term] | None) -> list[str]:
        """Return the names of the ways in which dead latents are revived.

        `kind` is the part whose name `sparsity` is, or None if `sparsity` is written in full.
        """
        if self.revive in (None, "none"):
            return []
        if self.revive == "auto":
            ways = ["resample"] if kind is None else kind.dictionary_revival.split("+")
            # a nested dictionary's parents look redundant beside their children
            refused = MOVING if self._frozen else set() if self.matryoshka is None else {"redirect"}
            return [way for way in ways if way not in refused]
        ways = str(self.revive).split("+")
        if self._frozen and not MOVING.isdisjoint(ways):
            raise RecipeError(f"revive={self.revive!r} would change a frozen dictionary; set revive='auxk' or None")
        if not set(ways) <= {"auxk", *MOVING}:
            raise RecipeError(
                f"revive={self.revive!r} must be 'auto', None or 'auxk', 'resample', 'redirect', or some of these "
                "joined by a plus"
            )
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
