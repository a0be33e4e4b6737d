"""A fit with checkpoints that a signal ends after some epochs, and that goes on in any number of processes."""

import os
import signal
import sys

import numpy as np

import together
from taciturn import DictionaryAutoencoder


def stop_after(epoch):
    """Return a callback of `fit`, which process 0 calls: it interrupts its process after an epoch."""

    def stop(line):
        if line["kind"] == "interval" and line["epoch"] == epoch:
            os.kill(os.getpid(), signal.SIGINT)

    return [stop] if epoch else []


def run(folder, epoch, begins):
    """Begin or resume the run, until an epoch or, for 0, to its end; return the estimator, or None."""
    X, options = together.rows(), {"callbacks": stop_after(epoch), "latent_processes": together.LATENT_PROCESSES}
    try:
        if begins:
            estimator = together.dictionary("topk:4", max_iter=10)
            return estimator.fit(X, checkpoint=folder, checkpoint_every=1000, **options)
        return DictionaryAutoencoder.resume(folder, X, **options)
    except KeyboardInterrupt:
        return None


if __name__ == "__main__":
    folder, epoch, what = sys.argv[1:]
    estimator = run(folder, int(epoch), what == "fit")
    if estimator is not None and together.LATENT_PROCESSES > 1:
        estimator.save(f"{folder}-model")
    elif estimator is not None:
        np.save(f"{folder}-{os.environ['RANK']}.npy", estimator.components_)
