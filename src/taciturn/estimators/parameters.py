"""The parameters of estimators: those that decide a run, and their texts in docstrings."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..training import Order, Resample


@dataclass(frozen=True, kw_only=True)
class RunParameters:
    """What decides a run beside its rows, "auto" not yet resolved: estimator parameters, and what dictionaries add."""

    n_components: Any
    corruption: Any
    sparsity: Any
    activation: Any
    output_activation: Any
    scaling: Any
    loss: Any
    tied: Any
    solver: Any
    learning_rate: Any
    batch_size: Any
    max_iter: Any
    alpha: Any
    early_stopping: Any
    warm_start: Any
    precision: Any
    device: Any
    n_iter_no_change: Any = 10
    tol: Any = 1e-4
    constraint: Any = "free"
    refine: Any = 0
    centred: bool = False
    initial_norm: float | None = None
    resample: "Resample | None" = None
    order: "Order | None" = None


def run_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of an estimator's parameters that decide a run."""
    known = {each.name for each in fields(RunParameters)}
    return {name: value for name, value in parameters.items() if name in known}


SHARED = """
    Parameters
    ----------
    n_components : int, tuple of int or None, default=None
        Latents; a tuple names the hidden layers' widths before them, mirrored by the decoder. None: four an
        input, within 16 … 1024.
    corruption : str, Corruption or None, default="auto"
        What is done to the rows that the network sees while it trains, in units of the scaled rows:
        "gaussian:0.4", "dropout:0.3", "masking:0.3", "salt_pepper:0.1", "swap:0.15", or a chain
        "gaussian:0.1+dropout:0.3". "auto" is none where a target is given: such pairs bring their own noise.
    sparsity : str, Sparsifier, Term, several of them, or None, default="auto"
        What keeps codes few: a penalty "kl:0.05", "squared_rate:0.05", "l1:l0=8", a coding layer "topk:32", or
        both "topk:32+l1:weight=0.01". What has a target meets it: its weight is found while training, unless it is
        written, "kl:0.05,weight=0.2".
    activation : str, Elementwise or pair of them, default="auto"
        "identity", "relu", "elu", "tanh", "sigmoid"; a pair names the hidden layers' and the coding layer's.
        "auto": "relu", and "sigmoid" for the coding layer under a penalty that needs codes in (0, 1).
    output_activation : str or Elementwise, default="auto"
        "auto": "sigmoid" where the scaled rows lie in [0, 1], else "identity".
    scaling : str, default="auto"
        "none", "standard", "minmax", "uint8" (divide by 255). "auto": rows in [0, 1] stay, uint8 is divided by
        255, everything else is standardised; "mean_norm": divided by one number that makes rows √n_features long on
        average; "whiten": standardised and freed of correlations. Part of the model; `scaling_` says what was done.
    loss : str or Term, default="squared_error"
        The reconstruction error, or "cross_entropy" for rows in [0, 1].
    tied : bool, default=False
        Share each encoder weight with the mirrored decoder layer.
    solver : str or Solver, default="adam"
        "adam", "nadam", "sgd:momentum=0.9", "tensorflow_adam"; each takes clip=1.0, a bound on the gradients' norm.
    learning_rate : float, str or Schedule, default="auto"
        A number or "cosine:0.003", "decay:0.01,last=0.3", "linear:0.01,0". "auto": 0.01 for sigmoid codes,
        0.001 for L1 towards an L0, else 0.003, falling to 0 over the last 30% of the run. `partial_fit`, which
        knows no end, uses 0.001 in place of a schedule.
    batch_size : int, default="auto"
        "auto": the power of two next to rows / 32, within 32 … 256. An epoch is split into near-equal batches.
    max_iter : int or None, default=None
        Epochs. None: as many as make about 4,000 steps, within 20 … 1,000.
    alpha : float, default=0.01
        Decoupled weight decay; biases do not decay.
    early_stopping : bool, default=False
        Hold out rows, stop when their loss falls no more, and keep the best weights.
    validation_fraction : float, default=0.1
        Share of the rows held out for early stopping.
    n_iter_no_change : int, default=10
        Epochs without an improvement by `tol` after which early stopping ends the run.
    tol : float, default=1e-4
        See `n_iter_no_change`.
    warm_start : bool, default=False
        Let `fit` go on from the weights and the scaling of the last one.
    precision : str, default="fp32"
        "bf16" lets training round what it multiplies to bfloat16, where it gains by it: one layer whose codes are
        all kept, penalties on their rates or none, an AMD processor from Zen 4 on; weights and sums stay in float32.
        Where a coding layer or a term selects latents ("topk:32"), "bf16" and "int8" as in DictionaryAutoencoder.
    device : str, default="auto"
        "cpu", "cuda", …; "auto": cuda where there is one.
    random_state : int, RandomState or None, default=None
        Initial weights, order, corruption and split. The same seed on the same machine gives the same bits.
    verbose : int, default=0
        1: a progress bar on a terminal.

    Attributes
    ----------
    module_ : taciturn.Autoencoder, the torch module.
    components_ : ndarray [n_components, n_features], what each latent adds to the reconstruction.
    history_ : taciturn.History, losses, rates and learning rate, a step and an epoch.
    n_iter_ : int, epochs trained.
    scaling_ : str, what was done to the rows.
    settings_ : the parts of the run, every "auto" decided.
    stopped_ : str or None, why training ended before its last epoch.
    weights_ : dict, the weight found for each penalty that has a target.
    n_features_in_, feature_names_in_ : as in scikit-learn.
    plot : figures of what was learnt, `plot.history()`, `plot.atlas()`, `plot.rates(X)` and others.

    Notes
    -----
    Rows are trained on in float32; `transform` and the others compute in the precision of the rows they are
    given. There is no `sample_weight`: training sees minibatches, whose split depends on the number of rows, so a
    weight of 2 could not equal a row given twice.
    """
