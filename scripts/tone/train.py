"""Trains the base reader and writes src/beforehand/text/weights/tone.npz; prints what its held-out parts say.

    OMP_NUM_THREADS=1 .venv/bin/python scripts/tone/train.py [--taught]

Two steps for each output. First a direction among word vectors (a few hundred numbers), which says something of every
word; then a sparse logistic regression over words, pairs and letters that starts from it. Both are sums over words, so
they fold into one weight a word. With `--taught` the labels of negative and positive are mostly those
of the encoder (Hinton et al. 2015, "Distilling the Knowledge"), which also labels what has none.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import sets
import vectors
import wording
from fit import Design, Floats, dense, fit_sparse, fit_vectors, telling

from beforehand.text.features import GRAM_BITS, PAIR_BITS, grams
from beforehand.text.tone import OUTPUTS, ToneModel, Weights
from beforehand.text.words import read_words

WEIGHTS = Path(__file__).resolve().parents[2] / "src" / "beforehand" / "text" / "weights" / "tone.npz"
WRITTEN = 24_000
SEED = 11
AT_LEAST = 2
# A word is common English where so many of the texts hold it.
COMMON = 12
# Chosen by leaving out one source of the training sets after another, and on emobank: see reading-tone.md.
VECTOR_STRENGTH = 0.1
SPARSE_STRENGTH = 0.5
# The share of the teacher's opinion in the labels of texts that have labels, and of made-up messages.
TAUGHT, TAUGHT_TOLD = 0.8, 0.2
# How much a text of the grammar, and a made-up message, count beside one that people wrote.
OWN, TOLD = 0.75, 0.35
# How much a single word counts beside a text.
SINGLE = 0.3


@dataclass
class Corpus:
    """All texts for training: a label per output (NaN: not known) and a weight per text.

    The first `labelled` of them come from the data sets.
    """

    texts: list[str]
    labels: Floats
    weights: Floats
    labelled: int


def corpus(registers: list[str]) -> Corpus:
    """What is trained on: two labelled sets, texts of the grammar, and the messages of these registers."""
    texts: list[str] = []
    labels: list[Floats] = []
    for part in (sets.goemotions(held_out=False), sets.ratings(held_out=False)):
        rows = np.full((len(part), len(OUTPUTS)), np.nan)
        rows[:, 0], rows[:, 1] = part.negative, part.positive
        calm = part.negative < 0.3
        # What is not negative is not frustrated; who thanks is told by the word, as nobody labelled it.
        rows[calm, 2] = 0.02
        rows[:, 3] = [0.9 if thanks(text) else 0.02 for text in part.texts]
        rows[:, 4] = [np.nan if hurries(text) else 0.02 for text in part.texts]
        texts += part.texts
        labels.append(rows)
    labelled = len(texts)
    written = wording.write(WRITTEN, SEED)
    told = wording.messages(registers) + wording.retold(registers, SEED)
    texts += [text.text for text in written + told]
    labels.append(np.array([text.labels for text in written + told]))
    weights = np.concatenate([np.ones(labelled), np.full(len(written), OWN), np.full(len(told), TOLD)])
    return Corpus(texts, np.concatenate(labels), weights, labelled)


def thanks(text: str) -> bool:
    """Whether somebody thanks, by the word."""
    from beforehand.text.manner import manner_of

    return manner_of(text).thanks


def hurries(text: str) -> bool:
    """Whether a text may be urgent: it is left out of what is taken as not urgent."""
    return bool({word.form for word in read_words(text)} & HURRY)


HURRY = frozenset(
    ("urgent", "urgently", "asap", "immediately", "emergency", "now", "hurry", "quickly", "deadline", "soon", "today",
     "tonight")
)  # fmt: skip


def taught(found: Corpus) -> Corpus:
    """The corpus with the encoder's opinion: mixed into labels, and as labels of what has none.

    It has none of requests to an assistant, and none of single words, from which the reader learns those it never met.
    Of the labelled texts every second one is asked about: the encoder learned from the same labels.
    """
    from teaching import opinions

    single = vectors.whole_words()
    without = sets.requests() + single
    texts = found.texts + without
    asked = np.array([at for at, text in enumerate(texts) if at % 2 == 0 or at >= found.labelled])
    said = opinions([texts[at] for at in asked])
    labels = np.concatenate([found.labels, np.full((len(without), len(OUTPUTS)), np.nan)])
    labels[len(found.texts) : len(texts) - len(single), 2:] = 0.02
    share = np.where((asked >= found.labelled + WRITTEN) & (asked < len(found.texts)), TAUGHT_TOLD, TAUGHT)
    for column in (0, 1):
        own = labels[asked, column]
        mixed = (1 - share) * own + share * said[:, column]
        labels[asked, column] = np.where(np.isnan(own), said[:, column], mixed)
    weights = np.concatenate([found.weights, np.ones(len(without))])
    weights[len(texts) - len(single) :] = SINGLE
    return Corpus(texts, labels, weights, found.labelled)


def train(found: Corpus, strength: float = SPARSE_STRENGTH) -> Weights:
    """The tables of the base reader, in full precision."""
    design = Design.of(found.texts, AT_LEAST)
    matrix = design.matrix(found.texts)
    tells = telling(matrix)
    matrix = (matrix @ sp.diags(tells)).tocsr()
    extra = [word for word in vectors.whole_words() if word not in set(design.vocabulary)]
    vocabulary = design.vocabulary + extra
    known = vectors.vectors(form for form in vocabulary if form[0].isalpha())
    summed = dense(found.texts, known, vectors.SIZE)
    words = np.zeros((len(vocabulary), len(OUTPUTS)))
    pairs = np.zeros((1 << PAIR_BITS, len(OUTPUTS)))
    letters = np.zeros((1 << GRAM_BITS, len(OUTPUTS)))
    bias = np.zeros(len(OUTPUTS))
    by_vectors = np.stack([known.get(form, np.zeros(vectors.SIZE, np.float32)) for form in vocabulary])
    spelled = [grams(form) for form in vocabulary]
    for column in range(len(OUTPUTS)):
        rows = np.flatnonzero(~np.isnan(found.labels[:, column]))
        labels, weights = found.labels[rows, column], found.weights[rows]
        direction = fit_vectors(summed[rows], labels, weights, VECTOR_STRENGTH)
        started = sp.hstack(
            [matrix[rows], sp.csr_matrix((summed[rows] @ direction)[:, None].astype(np.float32))]
        ).tocsr()
        coefficients, bias[column] = fit_sparse(started, labels, weights, strength)
        coefficients[:-1] *= tells
        at = len(design.vocabulary)
        words[:at, column] = coefficients[:at]
        words[:, column] += coefficients[-1] * (by_vectors @ direction)
        pairs[:, column] = coefficients[at : at + len(pairs)]
        letters[:, column] = coefficients[at + len(pairs) : at + len(pairs) + len(letters)]
        words[:, column] += [letters[of, column].sum() / len(of) ** 0.5 if of else 0.0 for of in spelled]
        print(f"  {OUTPUTS[column]}: {len(rows):,} texts, bias {bias[column]:.2f}", file=sys.stderr)
    return Weights(
        vocabulary={form: at for at, form in enumerate(vocabulary)},
        common=sum(count >= COMMON for count in design.counts),
        words=words.astype(np.float32),
        pairs=pairs.astype(np.float32),
        grams=letters.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def write(weights: Weights, path: Path) -> None:
    """The file that is shipped: float16 for words, int8 with a scale per output for the hashed tables."""
    stored = {}
    for name in ("pairs", "grams"):
        table = getattr(weights, name)
        # The few heaviest buckets are cut to what the rest needs.
        scale = np.quantile(np.abs(table), 0.9999, axis=0) / 127
        stored[name] = np.clip(np.rint(table / scale), -127, 127).astype(np.int8)
        stored[f"{name}_scale"] = scale.astype(np.float32)
    np.savez_compressed(
        path,
        vocabulary=np.frombuffer("\n".join(weights.vocabulary).encode(), np.uint8),
        common=np.int64(weights.common),
        words=weights.words.astype(np.float16),
        bias=weights.bias,
        **stored,
    )


def main() -> None:
    """Trains, writes, and reports on the held-out parts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--taught", action="store_true", help="mix in the labels of the encoder")
    parser.add_argument("--to", type=Path, default=WEIGHTS, help="where the weights are written")
    parser.add_argument("--without", default="", help="files of our own messages to leave out, as booking,chat")
    options = parser.parse_args()
    without = [name for name in options.without.split(",") if name]
    found = corpus([name for name in wording.registers() if name not in without])
    weights = train(taught(found) if options.taught else found)
    write(weights, options.to)
    model = ToneModel(Weights.read(str(options.to)))
    from sklearn.metrics import brier_score_loss, roc_auc_score

    print(f"{options.to.stat().st_size / 1e6:.2f} MB, {len(weights.vocabulary):,} words")
    for part in (sets.goemotions(held_out=True), sets.ratings(held_out=True)):
        said = np.nan_to_num(model.read(part.texts).negative, nan=0.3)
        clear = (part.negative < 0.4) | (part.negative > 0.6)
        truth = (part.negative > 0.5)[clear]
        area, brier = roc_auc_score(truth, said[clear]), brier_score_loss(truth, said[clear])
        print(f"{part.name}: AUC {area:.3f}, Brier {brier:.3f}")
    for name in without:
        messages = wording.messages([name])
        truth = np.array([message.labels[0] > 0.5 for message in messages])
        said = np.nan_to_num(model.read([message.text for message in messages]).negative, nan=0.3)
        print(f"{name}, left out: AUC {roc_auc_score(truth, said):.3f}")
    texts, truth = sets.measured()["emobank"]
    print(f"emobank: AUC {roc_auc_score(truth, np.nan_to_num(model.read(texts).negative, nan=0.3)):.3f}")


if __name__ == "__main__":
    main()
