"""Teaches a second set of adapters, to the upper four layers of six, and averages it with the first in encoder.npz.

    .venv/bin/uv pip install --group train --group teach
    OMP_NUM_THREADS=1 .venv/bin/python scripts/tone/teach_again.py

Half an hour of a core. It begins from the encoder as its makers left it, like the first, but with another seed and with
more texts of our own, and sees no held-out text at all. The lower layers stay, so what they say of a text is kept. What
is taken are the means of the weights over the last steps (Izmailov et al. 2018); the layers reckon in half precision.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import teach
import torch
from adapters import RANK, averaged, first_of
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from transformers import AutoModel

from beforehand.text.encoder import tokenizer

LOWER, SEED, BATCH = 2, 7, 64
STAGE = teach.Stage(1900, 1900, 6e-4, 20_000, held_out_ratings=False)
TEXTS_SEED = 41
# How much of the mean of the weights stays at each step.
MEAN = 0.995
HALF = torch.bfloat16


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


class Upper(nn.Module):
    """The layers that learn, and a linear head over mean and maximum; below them what stays."""

    def __init__(self) -> None:
        super().__init__()
        encoder = AutoModel.from_pretrained(teach.MODEL)
        layers = encoder.encoder.layer
        self.embeddings = encoder.embeddings.requires_grad_(False)
        self.lower = nn.ModuleList(Layer(layer) for layer in layers[:LOWER]).requires_grad_(False)
        self.layers = nn.ModuleList(Layer(layer) for layer in layers[LOWER:])
        self.head = nn.Linear(2 * encoder.config.hidden_size, 3)

    def below(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What the layers that stay say of each piece."""
        states = self.embeddings(ids)
        for layer in self.lower:
            states = layer(states, mask)
        return states

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """`[n, 3]`: log-odds of negative and positive, and half the rating."""
        for layer in self.layers:
            states = layer(states, mask)
        kept = mask[:, :, None]
        mean = (states * kept).sum(1) / kept.sum(1)
        top = states.masked_fill(~kept, -9).max(1).values
        return self.head(functional.dropout(torch.cat([mean, top], 1), 0.1, self.training))


def joined(parts: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts of different length as one table, and where each has something."""
    width = max(len(part) for part in parts)
    table = torch.zeros(len(parts), width, *parts[0].shape[1:], dtype=parts[0].dtype)
    mask = torch.zeros(len(parts), width, dtype=torch.bool)
    for row, part in enumerate(parts):
        table[row, : len(part)], mask[row, : len(part)] = part, True
    return table, mask


@torch.inference_mode()
def heard(model: Upper, encoded: list[list[int]]) -> list[torch.Tensor]:
    """What the layers that stay say of each text, in half precision: some 1.5 GB."""
    model.eval()
    kept: list[torch.Tensor] = [torch.empty(0)] * len(encoded)
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    for begins in range(0, len(order), 128):
        rows = order[begins : begins + 128]
        ids, mask = joined([torch.tensor(encoded[row]) for row in rows])
        states = model.below(ids, mask).to(HALF)
        for at, row in enumerate(rows):
            kept[row] = states[at, : len(encoded[row])].clone()
    model.train()
    return kept


def learn(model: Upper, states: list[torch.Tensor], labels: NDArray[np.float32]) -> None:
    """All steps, and the means of the weights in place of the last ones."""
    learns = [parameter for parameter in model.parameters() if parameter.requires_grad]
    means = [parameter.detach().clone() for parameter in learns]
    steps = torch.optim.AdamW(learns, lr=STAGE.peak, weight_decay=0.01)
    began, lengths = time.monotonic(), [[0] * len(part) for part in states]
    teach.BATCH = BATCH
    for at, rows in enumerate(teach.batches(lengths, STAGE.steps, np.random.default_rng(SEED))):
        for group in steps.param_groups:
            group["lr"] = STAGE.peak * min(1.0, (at + 1) / 100) * (1 - 0.95 * at / STAGE.steps)
        table, mask = joined([states[row] for row in rows])
        loss = teach.loss_of(model(table.float(), mask), torch.tensor(labels[rows]))
        steps.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learns, 1.0)
        steps.step()
        stays = min(MEAN, (1 + at) / (10 + at))
        for mean, parameter in zip(means, learns, strict=True):
            mean.mul_(stays).add_(parameter.detach(), alpha=1 - stays)
        if at % 100 == 99:
            print(f"  step {at + 1} of {STAGE.steps}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for mean, parameter in zip(means, learns, strict=True):
        parameter.data.copy_(mean)


def write(model: Upper, path: Path) -> None:
    """The file that is shipped: both sets."""
    adapted = [part for layer in model.layers for part in layer.adapted]
    second = {LOWER * 6 + at: (part.a.detach().numpy(), part.b.detach().numpy()) for at, part in enumerate(adapted)}
    head = np.concatenate([model.head.weight[:2].detach().numpy().T, model.head.bias[None, :2].detach().numpy()])
    with np.load(path) as stored:
        np.savez_compressed(path, **averaged(first_of(stored), second, head))


def main() -> None:
    """Teaches, averages, writes."""
    torch.manual_seed(SEED)
    model = Upper()
    texts, labels = teach.targets(STAGE, TEXTS_SEED)
    pieces = tokenizer()
    pieces.enable_truncation(teach.LONGEST)
    learn(model, heard(model, [found.ids for found in pieces.encode_batch(texts)]), labels)
    write(model, teach.WEIGHTS)
    print(f"{teach.WEIGHTS.stat().st_size / 1e6:.2f} MB; now train.py --taught, then mix.py")


if __name__ == "__main__":
    main()
