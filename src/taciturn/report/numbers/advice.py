"""Remedies in the words of an estimator: only parameters that it has are named."""

from collections.abc import Mapping
from typing import Any

# options of `taciturn fit` that set a parameter
OPTIONS = {
    "n_components": "--latents",
    "k": "--k",
    "corruption": "--corrupt",
    "max_iter": "--epochs",
    "batch_size": "--batch-size",
    "learning_rate": "--learning-rate",
    "scaling": "--scaling",
}

LONGER = ("max_iter", "train longer")
FEWER_LATENTS = ("n_components", "use fewer latents")
MORE_LATENTS = ("n_components", "use more latents")
MORE_ACTIVE = ("k", "allow more active latents")
FEWER_ACTIVE = ("k", "allow fewer active latents")
OTHER_LATENTS = ("n_components", "try other numbers of latents")
OTHER_EPOCHS = ("max_iter", "other numbers of epochs")
MORE_NOISE = ("corruption", "use more noise")
SMALLER_STEPS = ("learning_rate", "lower the learning rate")
NESTED = ("matryoshka", "nest the latents", "auto")


def remedy(parameters: Mapping[str, Any], *changes: tuple[str, ...]) -> str:
    """Return a sentence that names some changes of an estimator's parameters.

    Parameters
    ----------
    parameters : Mapping[str, Any]
        The estimator's parameters.
    *changes : (parameter, text) or (parameter, text, value)
        What to do, in the imperative, and the parameter by which it is done. A change is left out if the estimator has
        no such parameter, or if the parameter has that value already.

    Returns
    -------
    str
        "" if no change is left.

    Examples
    --------
    >>> remedy({"max_iter": 10, "k": 4}, LONGER, NESTED, ("k", "allow 8 active latents", "8"))
    'Train longer (--epochs, max_iter=), or allow 8 active latents (--k, k="8").'
    """
    texts = []
    for parameter, text, *value in changes:
        if parameter in parameters and value != [parameters[parameter]]:
            setting = f"{parameter}=" + "".join(f'"{text}"' for text in value)
            texts.append(f"{text} ({', '.join([*filter(None, [OPTIONS.get(parameter)]), setting])})")
    sentence = ", or ".join(texts)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""


def revival(parameters: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the change that revives dead latents: all ways that the estimator's constraint allows."""
    return "revive", "revive dead ones", "auxk" if parameters.get("constraint") == "frozen" else "auxk+resample"
