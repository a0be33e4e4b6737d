"""The sections of the pages, in their order. A new section is a file, its template and a line here."""

from ..section import ImputationMaterial, Material, OutlierMaterial, Section
from .atlas import ATLAS
from .baselines import BASELINES
from .denoised_images import DENOISED_IMAGES
from .errors import ERRORS
from .filters import FILTERS
from .hidden_errors import HIDDEN_ERRORS
from .imputation_claims import IMPUTATION_CLAIMS
from .imputation_trial import IMPUTATION_TRIAL
from .imputed_rows import IMPUTED_ROWS
from .imputed_variables import IMPUTED_VARIABLES
from .latents import LATENTS
from .long_texts import LONG_TEXTS
from .missing_cells import MISSING_CELLS
from .neighbours import NEIGHBOURS
from .outlier_claims import OUTLIER_CLAIMS
from .outlier_reasons import OUTLIER_REASONS
from .outlier_scores import OUTLIER_SCORES
from .outlying_rows import OUTLYING_ROWS
from .provenance import IMPUTATION_PROVENANCE, OUTLIER_PROVENANCE, PROVENANCE
from .relate import RELATE
from .samples import SAMPLES
from .training import TRAINING
from .try_denoiser import TRY_DENOISER
from .try_it import TRY_IT

SECTIONS: tuple[Section[Material], ...] = (
    HIDDEN_ERRORS,
    DENOISED_IMAGES,
    SAMPLES,
    TRAINING,
    ERRORS,
    ATLAS,
    FILTERS,
    RELATE,
    LATENTS,
    NEIGHBOURS,
    BASELINES,
    LONG_TEXTS,
    TRY_IT,
    TRY_DENOISER,
    PROVENANCE,
)

OUTLIER_SECTIONS: tuple[Section[OutlierMaterial], ...] = (
    OUTLYING_ROWS,
    OUTLIER_SCORES,
    OUTLIER_REASONS,
    OUTLIER_CLAIMS,
    LONG_TEXTS,
    OUTLIER_PROVENANCE,
)

IMPUTATION_SECTIONS: tuple[Section[ImputationMaterial], ...] = (
    MISSING_CELLS,
    IMPUTATION_TRIAL,
    IMPUTED_VARIABLES,
    IMPUTED_ROWS,
    IMPUTATION_CLAIMS,
    LONG_TEXTS,
    IMPUTATION_PROVENANCE,
)

__all__ = ["IMPUTATION_SECTIONS", "OUTLIER_SECTIONS", "SECTIONS"]
