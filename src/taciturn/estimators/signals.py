"""A denoiser of signals of any length, which is trained on segments of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .crops import CropDenoiser
from .parameters import RunParameters

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..data.signals.segments import Segments
    from ..model.networks import Network
    from ..training import Callback
    from ..training.solvers import Solver

LIKELY_CHANNELS = 4


class SignalDenoiser(CropDenoiser):
    """A denoiser of signals: of one or several channels, of any and different lengths, in files or in memory.

    It is trained on random segments of signals without noise, to which `corruption` adds noise; or on pairs of a noisy
    and a clean signal. A signal is denoised in overlapping windows. By default the network is a residual one, which has
    no codes: `transform` is for the other networks, and its rows are segments.

    Examples
    --------
    >>> waves = [np.sin(np.arange(n) / 9) for n in (400, 300)]
    >>> model = SignalDenoiser(corruption="gaussian:0.5", segment=64, max_steps=5, random_state=0).fit(waves)
    >>> noisy = waves[0] + np.random.default_rng(0).normal(0, 0.3, 400)
    >>> model.denoise(noisy).shape
    (400,)
    """

    command_name = "signals"
    crop_name = "segments"
    default_corruption = "gaussian:uniform(0.05,1)"  # of a strength that is not known
    PARAMETER_TEXTS: ClassVar[dict[str, tuple[str, str]]] = {
        "n_components": (
            "int, tuple of int or None",
            'Widths of the layers from a segment to the codes, of `network="dense"` and "conv"; mirrored by the '
            "decoder.",
        ),
        "network": (
            "str or Network",
            'The kind of layers: {networks}; convolutions are along time. "residual" takes signals of any length; the '
            "others take windows of a segment's.",
        ),
        "corruption": (
            "str, Corruption or None",
            "The noise that is added during training, in units of each channel's standard deviation in the signals of "
            '`fit`: "gaussian:0.5" is a signal-to-noise ratio of 6 dB. {corruptions}; several are joined by a plus. '
            '"auto": {default_corruption}, 26 to 0 dB; with a `target` of `fit` none, because the signals are noisy '
            "themselves.",
        ),
        "segment": ("int", "Length of the segments in times, ≥ 2; of a dense network about 64."),
        "channels": (
            'int or "auto"',
            'Of the signals. "auto": those of the signals of `fit`. With 2 or more, an array [time, channels] is one '
            "signal.",
        ),
        "shuffle_window": (
            'int or "auto"',
            'Within how many segments those of different signals are mixed, ≥ 1. "auto": 17 million numbers.',
        ),
        "max_iter": (
            "int or None",
            "Number of epochs; each has at most 256 new segments of each signal, or of each piece of it if there are "
            "less than 20 signals. None: as many as `max_steps` takes, or as give about 4,000 steps.",
        ),
        "early_stopping": (
            "bool",
            "Whether to stop when the loss on held-out signals no longer falls, and to keep the best epoch's weights.",
        ),
        "validation_fraction": (
            "float",
            "Share of the signals that early stopping holds out, in (0, 1), if `fit` has no `validation` signals. Less "
            "than 20 signals are cut into pieces, of which some are held out.",
        ),
    }

    def __init__(
        self,
        n_components: int | tuple[int, ...] | None = None,
        *,
        corruption: str | Corruption | None = "auto",
        network: str | Network = "residual:channels=32/48/64/64/64,blocks=1",
        segment: int = 1024,
        channels: int | str = "auto",
        loss: str = "squared_error",
        solver: str | Solver = "adam",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = 8,
        shuffle_window: int | str = "auto",
        max_iter: int | None = None,
        max_steps: int | None = None,
        validate_every: int | str | None = None,
        alpha: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        warm_start: bool = False,
        precision: str = "fp32",
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.corruption = corruption
        self.network = network
        self.segment = segment
        self.channels = channels
        self.loss = loss
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.shuffle_window = shuffle_window
        self.max_iter = max_iter
        self.max_steps = max_steps
        self.validate_every = validate_every
        self.alpha = alpha
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.precision = precision
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        target: Any = None,
        validation: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | str = "10min",
        callbacks: Sequence[Callback] = (),
        latent_processes: int = 1,
    ) -> Self:
        """Train on signals and return the estimator itself.

        Parameters
        ----------
        X : array, data frame, list, file, folder or pattern
            One signal [time]; an array of signals [n, time] or [n, time, channels]; a data frame, whose columns are the
            channels of one signal; a list of signals [time] or [time, channels] of any lengths; or a file of one of
            these (.npy, .csv, .parquet), a folder or a pattern of such files. Real numbers in any unit.
        y : object
            Ignored.
        target : as X, optional
            The clean signal of each signal of X, which is noisy.
        validation : signals, or (signals, targets), optional
            Signals on which the loss is computed after each epoch.
        checkpoint, checkpoint_every, callbacks, latent_processes
            As of `DenoisingAutoencoder.fit`.

        Returns
        -------
        self

        Raises
        ------
        RecipeError
            A parameter is not valid.
        DataError
            There is no signal, or one cannot be read or is not of this kind; the message names it.
        """
        return super().fit(
            X,
            y,
            target=target,
            validation=validation,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            callbacks=callbacks,
            latent_processes=latent_processes,
        )

    def denoise(self, X: Any) -> Any:
        """Return signals without noise.

        Parameters
        ----------
        X : array, data frame, list, or files
            One signal of any length, or several, as `fit` takes them. If the model has two channels or more, an array
            [time, channels] is one signal.

        Returns
        -------
        ndarray or list of ndarray
            In the shape and the type of X: integers are rounded, and lie within the bounds of their type. A list for a
            list and for files, also for the name of one file.

        Raises
        ------
        DataError
            There is no signal, or one cannot be read or is not of this kind, or has other channels than those of `fit`.
        """
        from ..data.signals.signals import signals_of
        from ..inference.signals import denoise_signal

        check_is_fitted(self)
        arrays = [signal.array for signal in signals_of(X, self._n_channels)]
        denoised = [denoise_signal(self.module_, array, self.segment) for array in arrays]
        if isinstance(X, list | tuple) and len(X) == len(denoised):
            return [each.reshape(np.shape(x) or each.shape) for each, x in zip(denoised, X, strict=True)]
        return np.stack(denoised).reshape(X.shape) if hasattr(X, "shape") else denoised

    @property
    def _n_channels(self) -> int:
        """The number of channels of the signals of `fit`."""
        return int(self.n_features_in_ // self.segment)

    def _crops(self, X: Any, *, reset: bool) -> Segments:
        from ..data.signals.segments import Segments
        from ..data.signals.signals import signals_of
        from .resolve import positive_integer

        length, channels = positive_integer("segment", self.segment), self.channels
        if channels != "auto":
            channels = positive_integer("channels", channels)
        return Segments(signals_of(X, channels if reset else self._n_channels), length)

    def _crop_numbers(self) -> int:
        from .resolve import positive_integer

        return LIKELY_CHANNELS * positive_integer("segment", self.segment)

    def _run_parameters(self, *, pairs: bool = False) -> RunParameters:
        from ..model.networks import ConvNetwork, Network, ResidualNetwork
        from .resolve import part

        parameters = super()._run_parameters(pairs=pairs)
        if not hasattr(self, "n_features_in_"):  # there are no signals yet
            return parameters
        network = part(self.network, Network, "network")
        if isinstance(network, ConvNetwork | ResidualNetwork):
            network = replace(network, axes=1)
        channels = self._n_channels
        return replace(parameters, network=network, scaling=f"channels:{channels}", image=(self.segment, channels))
