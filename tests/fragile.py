"""An encoder whose process is killed, once, before a batch that holds the row with the id 140."""

import os
import signal
from pathlib import Path

import numpy as np

from taciturn import Encoder


class Fragile(Encoder):
    def __init__(self, path, marker, **options):
        super().__init__(path, **options)
        self.marker = Path(marker)

    def __call__(self, batch):
        if 140 in np.asarray(batch["id"]) and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)
