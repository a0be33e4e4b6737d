"""The sections of the page, in their order. A new section is a file, its template and a line here."""

from ..section import Section
from .atlas import ATLAS
from .baselines import BASELINES
from .errors import ERRORS
from .hidden_errors import HIDDEN_ERRORS
from .latents import LATENTS
from .long_texts import LONG_TEXTS
from .neighbours import NEIGHBOURS
from .provenance import PROVENANCE
from .relate import RELATE
from .samples import SAMPLES
from .training import TRAINING
from .try_it import TRY_IT

SECTIONS: tuple[Section, ...] = (
    HIDDEN_ERRORS,
    SAMPLES,
    TRAINING,
    ERRORS,
    ATLAS,
    RELATE,
    LATENTS,
    NEIGHBOURS,
    BASELINES,
    LONG_TEXTS,
    TRY_IT,
    PROVENANCE,
)

__all__ = ["SECTIONS"]
