"""A denoiser of images of any size, which is trained on patches of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..core.errors import RecipeError
from .crops import CropDenoiser

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from ..core.schedules import Schedule
    from ..corruption import Corruption
    from ..data.images.images import Image
    from ..data.images.patches import Patches
    from ..model.networks import Network
    from ..training import Callback
    from ..training.solvers import Solver


class ImageDenoiser(CropDenoiser):
    """A denoiser of images: grey or in colour, of any and different sizes, in files or in memory.

    It is trained on random patches of images without noise, to which `corruption` adds noise; or on pairs of a noisy
    and a clean image. An image is denoised in overlapping windows. By default the network is a residual one, which has
    no codes: `transform` is for the other networks, and its rows are patches.

    Examples
    --------
    >>> from sklearn.datasets import load_sample_image
    >>> flower = load_sample_image("flower.jpg")[::4, ::4]
    >>> model = ImageDenoiser(corruption="gaussian:0.1", patch=32, max_steps=5, random_state=0).fit([flower])
    >>> noisy = np.clip(flower + np.random.default_rng(0).normal(0, 25, flower.shape), 0, 255).astype(np.uint8)
    >>> clean = model.denoise(noisy)
    >>> clean.shape, clean.dtype
    ((107, 160, 3), dtype('uint8'))
    """

    command_name = "images"
    crop_name = "patches"
    default_corruption = "gaussian:uniform(0.02,0.2)"  # of a strength that is not known
    PARAMETER_TEXTS: ClassVar[dict[str, tuple[str, str]]] = {
        "n_components": (
            "int, tuple of int or None",
            'Widths of the layers from a patch to the codes, of `network="dense"` and "conv"; mirrored by the decoder.',
        ),
        "network": (
            "str or Network",
            'The kind of layers: {networks}. "residual" takes windows of any size; the others take those of a patch.',
        ),
        "corruption": (
            "str, Corruption or None",
            'The noise that is added during training, on a scale from 0 (black) to 1 (white): "gaussian:0.1" has a '
            'standard deviation of 25 of 255; or, where the images are noisy themselves, "recorrupted:auto". '
            "{corruptions}; several are joined by a plus. "
            '"auto": {default_corruption}; with a `target` of `fit` none, because the images are noisy themselves.',
        ),
        "patch": ("int", "Side of the patches in pixels, ≥ 2; of a dense network about 12."),
        "channels": (
            'int or "auto"',
            'Of the images: 1 (grey) or 3 (colour). "auto": 3 if an image of `fit` is in colour; grey ones are then '
            "repeated. A grey model denoises each colour by itself.",
        ),
        "shuffle_window": (
            'int or "auto"',
            'Within how many patches those of different images are mixed, ≥ 1. "auto": 17 million numbers.',
        ),
        "max_iter": (
            "int or None",
            "Number of epochs; each has at most 256 new patches of each image, or of each band of it if there are less "
            "than 20 images. None: as many as `max_steps` takes, or as give about 4,000 steps.",
        ),
        "early_stopping": (
            "bool",
            "Whether to stop when the loss on held-out images no longer falls, and to keep the best epoch's weights.",
        ),
        "validation_fraction": (
            "float",
            "Share of the images that early stopping holds out, in (0, 1), if `fit` has no `validation` images. Less "
            "than 20 images are cut into bands, of which some are held out.",
        ),
    }

    def __init__(
        self,
        n_components: int | tuple[int, ...] | None = None,
        *,
        corruption: str | Corruption | None = "auto",
        network: str | Network = "residual",
        patch: int = 64,
        channels: int | str = "auto",
        loss: str = "squared_error",
        solver: str | Solver = "adam",
        learning_rate: float | str | Schedule = "auto",
        batch_size: int | str = "auto",
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
        self.patch = patch
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
        """Train on images and return the estimator itself.

        Parameters
        ----------
        X : folder, pattern, file, array or list
            A folder of image files (.png, .jpg, .tif, .webp), a pattern of their names, a file, or their URL; an array
            [n, height, width] or [n, height, width, 3]; one image [height, width] or [height, width, 3]; or a list of
            files and arrays of any sizes. Numbers are uint8 or uint16, or floats from 0 (black) to 1 (white).
        y : object
            Ignored.
        target : as X, optional
            The clean image of each image of X, which is noisy; files have the same names.
        validation : images, or (images, targets), optional
            Images on which the loss is computed after each epoch.
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
            There is no image, or one cannot be read or is not of this kind; the message names it.
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

    def _crops(self, X: Any, *, reset: bool) -> Patches:
        from ..data.images.images import images_of
        from ..data.images.patches import Patches
        from .resolve import positive_integer

        side, channels = positive_integer("patch", self.patch), self.channels
        if channels not in ("auto", 1, 3):
            raise RecipeError(f"channels={channels!r} must be 1, 3 or 'auto'")
        return Patches(images_of(X), side, channels if reset else self.n_features_in_ // side**2)

    def denoise(self, X: Any) -> Any:
        """Return images without noise.

        Parameters
        ----------
        X : array, list, or files
            One image [height, width] or [height, width, 3] of any size; or several, as `fit` takes them.

        Returns
        -------
        ndarray or list of ndarray
            In the shape and the type of X: integers are rounded, and lie within the bounds of their type. A list for a
            list and for files, also for the name of one file.

        Raises
        ------
        DataError
            There is no image, or one cannot be read or is not of this kind.

        Warns
        -----
        TaciturnWarning
            The noise of an image, as far as it can be estimated from the image alone, is much more or less than that of
            the training.
        """
        from ..data.images.images import images_of

        check_is_fitted(self)
        images = images_of(X)
        denoised = [self._denoised(image) for image in images]
        if isinstance(X, list | tuple) or not hasattr(X, "shape"):
            arrays = X if isinstance(X, list | tuple) and len(X) == len(images) else [None] * len(images)
            return [
                result.reshape(np.shape(given) if hasattr(given, "shape") else _plain(result.shape))
                for result, given in zip(denoised, arrays, strict=True)
            ]
        return np.stack(denoised).reshape(X.shape)

    def _denoised(self, image: Image) -> Any:
        """Return an image [height, width, channels] without noise."""
        from ..inference.images import check_noise, denoise_image

        pixels = image.pixels()
        check_noise(self.settings_.corruption, pixels, image.name)
        return denoise_image(self.module_, pixels, self._learner.shape, image.name)

    def _crop_numbers(self) -> int:
        from .resolve import positive_integer

        return 3 * positive_integer("patch", self.patch) ** 2


def _plain(shape: tuple[int, int, int]) -> tuple[int, ...]:
    """Return an image's shape, without the axis of a single channel."""
    return shape[:2] if shape[2] == 1 else shape
