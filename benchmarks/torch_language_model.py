"""Train the language model of `language_models.py` in PyTorch: a minimal loop of the same model. Needs no keras_ssl.

    PEER_PYTHON benchmarks/torch_language_model.py INPUT.npz --seed 0 [--steps 2000]

INPUT holds the ids of train and validation, and the numbers of the setting. The model is nanoGPT's: blocks with layer
normalization first, no biases, learned positions, the vectors of the ids also score them, weights of N(0, 0.02), those
before an addition divided by √(2 depth). PyTorch's own fused attention and fused AdamW, and windows drawn by NumPy, as
fast as a plain loop is. What is timed is the loop. The last line printed is JSON: the loss of validation, as
`language_models.py` defines it, the seconds of the loop, and the milliseconds of its median step.
"""

import argparse
import json
import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    """A pre-norm transformer block without biases."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.qkv, self.project = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.hidden, self.output = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x):
        """Return frames like the tokens x (n, length, width)."""
        n, length, width = x.shape
        qkv = self.qkv(self.norm_1(x)).view(n, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(n, length, width))
        return x + self.output(functional.gelu(self.hidden(self.norm_2(x))))


class Model(nn.Module):
    """The scores of the next id at each place."""

    def __init__(self, vocabulary, context, width, depth, heads):
        super().__init__()
        self.ids, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:
                last = name.endswith(("project.weight", "output.weight"))
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * depth) if last else 1))

    def forward(self, ids):
        """Return scores (n, length, vocabulary)."""
        x = self.ids(ids) + self.places(torch.arange(ids.shape[1]))
        return self.norm(self.blocks(x)) @ self.ids.weight.T


def loss(model, windows):
    """The mean cross-entropy of the next ids of windows of context + 1."""
    return functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())


def main():
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    rng = np.random.default_rng(given.seed)
    with np.load(given.input) as file:
        train, validation = file["train"].astype("int64"), file["validation"].astype("int64")
        about = json.loads(str(file["setting"]))
    steps = given.steps or about["steps"]
    context, rate, lowest, warmup = (about[key] for key in ("context", "rate", "lowest_rate", "warmup"))
    model = Model(about["vocabulary"], context, about["width"], about["depth"], about["heads"])
    weights = list(model.parameters())
    groups = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": about["weight_decay"]},
        {"params": [w for w in weights if w.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, about["beta_2"]), fused=True)
    begin, seconds = time.perf_counter(), []
    for step in range(steps):
        before = time.perf_counter()
        done = (step - warmup) / (steps - warmup)
        cosine = lowest + 0.5 * (rate - lowest) * (1 + math.cos(math.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = rate * (step + 1) / (warmup + 1) if step < warmup else cosine
        starts = rng.integers(len(train) - context, size=about["batch_size"])
        windows = torch.from_numpy(train[starts[:, None] + np.arange(context + 1)])
        optimizer.zero_grad(set_to_none=True)
        loss(model, windows).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - before)
    total = time.perf_counter() - begin
    starts = np.arange(0, len(validation) - context, context)
    windows = torch.from_numpy(validation[starts[:, None] + np.arange(context + 1)])
    with torch.no_grad():
        losses = [float(loss(model, part)) * len(part) for part in windows.split(100)]
    figures = {"loss": sum(losses) / len(windows), "seconds": total, "step_ms": 1000 * float(np.median(seconds))}
    print(json.dumps({**figures, "torch": torch.__version__}))


if __name__ == "__main__":
    main()
