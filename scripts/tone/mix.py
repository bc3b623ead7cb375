"""Weighs the encoder against the base reader, and writes how much each counts into encoder.npz.

    OMP_NUM_THREADS=2 .venv/bin/python scripts/tone/mix.py

The bend of the chances is fitted on every second text of the held-out part of goemotions. How much each reader counts
was chosen there and on emobank (see reading-tone.md), as one of .6, .75, .85 and 1.
"""

from __future__ import annotations

import numpy as np
import sets
from average import WEIGHTS
from sklearn.linear_model import LogisticRegression

from beforehand.text import base_model
from beforehand.text.encoder import encoder

ENCODER_SHARE = 0.75


def main() -> None:
    """Fits and writes."""
    part = sets.goemotions(held_out=True)
    base, own = base_model().read(part.texts), encoder().odds(part.texts)[0]
    mixing = np.zeros((2, 3))
    for column, labels in enumerate((part.negative, part.positive)):
        held = np.clip(np.nan_to_num(base.chances[:, column], nan=0.25), 1e-6, 1 - 1e-6)
        mixed = ENCODER_SHARE * own[:, column] + (1 - ENCODER_SHARE) * np.log(held / (1 - held))
        fitted = (np.arange(len(part)) % 2 == 0) & ((labels < 0.4) | (labels > 0.6))
        bend = LogisticRegression(C=100).fit(mixed[fitted, None], labels[fitted] > 0.5)
        slope = float(bend.coef_[0, 0])
        mixing[column] = slope * ENCODER_SHARE, slope * (1 - ENCODER_SHARE), float(bend.intercept_[0])
    with np.load(WEIGHTS) as stored:
        kept = {name: stored[name] for name in stored.files}
    kept["mixing"] = mixing
    np.savez_compressed(WEIGHTS, **kept)
    print(mixing.round(3))


if __name__ == "__main__":
    main()
