"""Train with lightly (PyTorch) on the encoder, views and budget of `joint_embedding.py`. Needs no keras_ssl.

    PEER_PYTHON benchmarks/lightly_peer.py SimCLR INPUT.npz OUTPUT.npz --width 128 [--epochs 4] [--batch 256]
        [--learning-rate 2e-3] [--temperature 0.2] [--momentum 0.99] [--seed 0] [--workers 1] [--check]

INPUT holds uint8 images `(n, height, width, channels)` in "train", "labeled" and "test"; the weights of an untrained
`encoders.conv_net(shape, (32, 64, 128, 128), pooling="flatten", first_stride=2)` in "weight_0", "weight_1", …, in the
order of `get_weights()`; and in "untrained" that encoder's embeddings of the first images of "test". The PyTorch one
starts from these weights, and it is an error if its embeddings differ by more than 1e-5 of the largest; `--check` stops
there. OUTPUT gets the trained encoder's embeddings "labeled" and "test", float32. The last line printed is JSON: loss,
seconds per epoch (views, first batches and workers' start included), and the peak of this process's memory without the
workers'.

Losses, heads, transforms and moving average are lightly's, with the widths, temperature and strengths that the
objectives of keras_ssl have there; inputs are not standardized, as they are not there. Transforms run on PIL images in
worker processes; those of gray images are gray, which hue, saturation and `RandomGrayscale` leave alone. What PyTorch's
layers do by default stays: they start heads otherwise, and their moving variance is n / (n - 1) times as large.
`requirements-lightly.txt` says how to install the peer.
"""

import argparse
import copy
import json
import math
import os
import time

import numpy as np
import torch
from memory import peak_gib
from PIL import Image
from torch import nn
from torch.nn import functional

NAMES = ("SimCLR", "BYOL", "SimSiam", "BarlowTwins", "VICReg")
TOLERANCE = 1e-5


def import_lightly():
    """The package, with its losses, heads and transforms; without torchvision's operators where they do not load."""
    register = torch.library.register_fake

    def register_others(op, *arguments, **options):
        if isinstance(op, str) and op.startswith("torchvision::"):
            return lambda function: function
        return register(op, *arguments, **options)

    torch.library.register_fake = register_others
    try:
        import lightly.loss
        import lightly.models.modules.heads
        import lightly.models.utils
        import lightly.transforms
    finally:
        torch.library.register_fake = register
    return lightly


class Encoder(nn.Module):
    """The convolutional encoder that has these weights, with TensorFlow's padding, at stride 2 throughout."""

    def __init__(self, weights):
        super().__init__()
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for k in range(0, len(weights), 5):
            kernel, gamma, beta, mean, variance = (torch.tensor(weight) for weight in weights[k : k + 5])
            out, into = kernel.shape[3], kernel.shape[2]
            self.convolutions.append(nn.Conv2d(into, out, 3, stride=2, bias=False))
            self.norms.append(nn.BatchNorm2d(out, eps=1.001e-5, momentum=0.1))
            self.convolutions[-1].weight.data = kernel.permute(3, 2, 0, 1).contiguous()
            state = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": variance}
            self.norms[-1].load_state_dict(state, strict=False)

    def forward(self, x):
        """Return the representation `(n, d)` of `(n, channels, height, width)`, flattened in Keras's order."""
        for convolution, norm in zip(self.convolutions, self.norms):
            height, width = x.shape[2:]
            x = functional.relu(norm(convolution(functional.pad(x, (width % 2, 1, height % 2, 1)))))
        return x.permute(0, 2, 3, 1).flatten(1)


class Method(nn.Module):
    """One of lightly's methods on an encoder.

    Heads are as wide as those of keras_ssl's objective of that name: `width` is that of the projection, and that of the
    hidden layers of Barlow Twins and VICReg.
    """

    def __init__(self, name, encoder, features, width, temperature, momentum):
        super().__init__()
        lightly = import_lightly()
        cosine = lightly.loss.NegativeCosineSimilarity()
        narrow, wide = (features, features, width), (features, width, width)
        self.criterion, projector, predictor = {
            "SimCLR": (lightly.loss.NTXentLoss(temperature), narrow, None),
            "BYOL": (cosine, narrow, (width, width, width)),
            "SimSiam": (cosine, narrow, (width, width // 4, width)),
            "BarlowTwins": (lightly.loss.BarlowTwinsLoss(), wide, None),
            "VICReg": (lightly.loss.VICRegLoss(), wide, None),
        }[name]
        heads = lightly.models.modules.heads
        projector = getattr(heads, f"{name}ProjectionHead")(*projector)
        self.predictor = getattr(heads, f"{name}PredictionHead")(*predictor) if predictor else None
        self.online = nn.Sequential(encoder, projector)
        self.target = copy.deepcopy(self.online).requires_grad_(False) if name == "BYOL" else None
        self.momentum = momentum
        self.update_momentum = lightly.models.utils.update_momentum

    def forward(self, view_1, view_2):
        """Return the loss."""
        z_1, z_2 = self.online(view_1), self.online(view_2)
        if self.predictor is None:
            return self.criterion(z_1, z_2)
        p_1, p_2 = self.predictor(z_1), self.predictor(z_2)
        t_1, t_2 = (z_1, z_2) if self.target is None else (self.target(view_1), self.target(view_2))
        return (self.criterion(p_1, t_2.detach()) + self.criterion(p_2, t_1.detach())) / 2

    def after_step(self):
        """Move the target network, where there is one."""
        if self.target is not None:
            self.update_momentum(self.online, self.target, self.momentum)


class TwoViews(torch.utils.data.Dataset):
    """Images and lightly's `SimCLRTransform` of them, twice each.

    As `views.natural_images(size, scale=(0.3, 1.0), strength=0.5, blur=0.0, solarize=0.0)`.
    """

    def __init__(self, images):
        self.images = images
        self.transform = import_lightly().transforms.SimCLRTransform(
            input_size=images.shape[1:3], cj_strength=0.5, min_scale=0.3, gaussian_blur=0.0, normalize=None
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return self.transform(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image))


def embed(encoder, images):
    """Representations of uint8 images, float32 `(n, d)`."""
    encoder.eval()
    with torch.inference_mode():
        parts = [torch.from_numpy(images[k : k + 512]) for k in range(0, len(images), 512)]
        return np.concatenate([encoder(part.permute(0, 3, 1, 2) / 255).numpy() for part in parts])


def check(encoder, untrained, images):
    """Raise where the encoder is not the one that made `untrained` of the first images; return the difference."""
    difference = np.abs(embed(encoder, images[: len(untrained)]) - untrained).max() / np.abs(untrained).max()
    if not difference <= TOLERANCE:
        raise SystemExit(
            f"Expected the embeddings in INPUT within {TOLERANCE:g}. Received a difference of {difference}."
        )
    return float(difference)


def train(method, images, options):
    """Train, and return the mean loss of the last epoch and the seconds of each."""
    method.train()
    method.to(memory_format=torch.channels_last)
    loader = torch.utils.data.DataLoader(
        TwoViews(images),
        options.batch,
        shuffle=True,
        drop_last=True,
        num_workers=options.workers,
        persistent_workers=options.workers > 0,
    )
    weights = [weight for weight in method.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam(weights, options.learning_rate, eps=1e-7, fused=True)
    steps = options.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)
    seconds, total = [], 0.0
    for _ in range(options.epochs):
        begun, total = time.perf_counter(), 0.0
        for view_1, view_2 in loader:
            optimizer.zero_grad()
            loss = method(view_1, view_2)
            loss.backward()
            optimizer.step()
            schedule.step()
            method.after_step()
            total += loss.item()
        seconds.append(time.perf_counter() - begun)
    return total / len(loader), seconds


def main():
    """Check the encoder, train, embed, and print what it cost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("objective", choices=NAMES)
    parser.add_argument("input", help=".npz: see the top of this file")
    parser.add_argument("output", help=".npz to write")
    parser.add_argument("--width", type=int, required=True, help="of the projection")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="at the start of a cosine to 0 (2e-3)")
    parser.add_argument("--temperature", type=float, default=0.2, help="SimCLR's (0.2)")
    parser.add_argument("--momentum", type=float, default=0.99, help="of BYOL's target network (0.99)")
    parser.add_argument("--seed", type=int, default=0, help="of heads, order and views (0)")
    parser.add_argument("--workers", type=int, default=1, help="processes that make views (1)")
    parser.add_argument("--check", action="store_true", help="only compare the untrained encoders")
    options = parser.parse_args()
    torch.set_num_threads(max(1, os.cpu_count() - options.workers))
    torch.manual_seed(options.seed)
    given = np.load(options.input)
    encoder = Encoder([given[f"weight_{k}"] for k in range(sum(name.startswith("weight_") for name in given))])
    figures = {"difference": check(encoder, given["untrained"], given["test"])}
    if not options.check:
        sizes = given["untrained"].shape[1], options.width
        method = Method(options.objective, encoder, *sizes, options.temperature, options.momentum)
        loss, seconds = train(method, given["train"], options)
        figures |= {"loss": loss, "seconds_per_epoch": sum(seconds) / len(seconds), "seconds": seconds}
        figures["peak_gib"] = peak_gib()
        np.savez(options.output, **{key: embed(encoder, given[key]) for key in ("labeled", "test")})
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
