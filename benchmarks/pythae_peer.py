"""Train pythae (PyTorch) on the networks, batches and budget of `autoencoders.py`. Needs no keras_ssl.

    PEER_PYTHON benchmarks/pythae_peer.py VAE INPUT.npz [--beta 4] [--batch 128] [--learning-rate 1e-3] [--seed 0]
        [--check]

INPUT holds uint8 images in "train" and "test"; the order in which each epoch sees the images of train in "order",
`(epochs, n)`; the first kernels, as `(inputs, outputs)`, and biases in "weight_0", "weight_1", …: encoder, decoder, of
three dense layers each, and for VAE and BetaVAE that of the log variance after the encoder's third, which is the mean;
and in "untrained" what the networks make of the first images of test before training: reconstructions by way of the
mean, and mean and log variance. It is an error if pythae's differ by more than 1e-5 of the largest; `--check` stops
there.

Models and losses are pythae's: squared error summed over pixels for AE, cross-entropy for the others. In place of its
trainer, which reads image by image and has no fixed order, there is a plain loop, and what is timed is that loop: rows
taken and converted to floats, forward and backward pass, Adam, sum of the losses. The last line printed is JSON: mean
squared error per pixel of the reconstructions of test, the two parts of the bound in nats per image, each epoch's mean
loss and its seconds. `requirements-pythae.txt` says how to install the peer.
"""

import argparse
import json
import time

import numpy as np
import torch
from pythae.models import AE, VAE, AEConfig, BetaVAE, BetaVAEConfig, VAEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from torch import nn

TOLERANCE = 1e-5
CHUNK = 500  # images at a time after training


def dense(kernel, bias):
    """A dense layer with these weights."""
    layer = nn.Linear(*kernel.shape)
    layer.weight.data, layer.bias.data = torch.tensor(kernel.T).contiguous(), torch.tensor(bias)
    return layer


class Encoder(BaseEncoder):
    """Two dense layers with ReLU, and a linear one for the mean, or code, and perhaps one for the log variance."""

    def __init__(self, first, second, mean, log_variance=None):
        super().__init__()
        self.hidden = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        self.mean, self.log_variance = mean, log_variance

    def forward(self, x):
        """Return what pythae's models read."""
        h = self.hidden(x)
        output = ModelOutput(embedding=self.mean(h))
        if self.log_variance is not None:
            output["log_covariance"] = self.log_variance(h)
        return output


class Decoder(BaseDecoder):
    """Two dense layers with ReLU, and a linear one, after which a sigmoid where probabilities are wanted."""

    def __init__(self, first, second, pixels, activation):
        super().__init__()
        self.layers = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), pixels, activation)

    def forward(self, z):
        """Return what pythae's models read."""
        return ModelOutput(reconstruction=self.layers(z))


def make(name, weights, beta):
    """One of pythae's models on networks that have these weights."""
    layers = [dense(*weights[k : k + 2]) for k in range(0, len(weights), 2)]
    sizes = {"input_dim": (layers[0].in_features,), "latent_dim": layers[2].out_features}
    if name == "AE":
        return AE(AEConfig(**sizes), Encoder(*layers[:3]), Decoder(*layers[3:], nn.Identity()))
    networks = Encoder(*layers[:4]), Decoder(*layers[4:], nn.Sigmoid())
    if name == "VAE":
        return VAE(VAEConfig(**sizes, reconstruction_loss="bce"), *networks)
    return BetaVAE(BetaVAEConfig(**sizes, reconstruction_loss="bce", beta=beta), *networks)


def floats(images):
    """Images as rows in 0..1."""
    return torch.from_numpy(images).flatten(1).float() / 255


@torch.inference_mode()
def check(model, images, untrained):
    """Raise where the networks are not those that made `untrained` of the images; return the difference."""
    output = model.encoder(x := floats(images))
    found = torch.cat([model.predict(x).recon_x, *output.values()], dim=1).numpy()
    difference = np.abs(found - untrained).max() / np.abs(untrained).max()
    if not difference <= TOLERANCE:
        raise SystemExit(f"Expected the outputs in INPUT within {TOLERANCE:g}. Received a difference of {difference}.")
    return float(difference)


def train(model, images, order, options):
    """Train; return the mean loss of each epoch and its seconds."""
    optimizer = torch.optim.Adam(model.parameters(), options.learning_rate, eps=1e-7, fused=True)
    losses, seconds = [], []
    for epoch in order:
        begun, total = time.perf_counter(), 0.0
        for k in range(0, len(epoch), options.batch):
            rows = epoch[k : k + options.batch]
            optimizer.zero_grad()
            loss = model({"data": floats(images[rows])}).loss
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        seconds.append(time.perf_counter() - begun)
        losses.append(total / len(epoch))
    return losses, seconds


@torch.inference_mode()
def scores(model, images):
    """Mean squared error per pixel by way of the mean, and the two parts of the bound where there is one."""
    sums: dict = {}
    for k in range(0, len(images), CHUNK):
        x = floats(images[k : k + CHUNK])
        output, error = model({"data": x}), (model.predict(x).recon_x - x).square().mean()
        parts = {"mse": error, "reconstruction": output.get("recon_loss"), "kl": output.get("reg_loss")}
        for key, value in parts.items():
            if value is not None:
                sums[key] = sums.get(key, 0.0) + value.item() * len(x)
    return {key: value / len(images) for key, value in sums.items()}


def main():
    """Check the networks, train, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", choices=("AE", "VAE", "BetaVAE"))
    parser.add_argument("input", help=".npz: see the top of this file")
    parser.add_argument("--beta", type=float, default=4.0, help="BetaVAE's (4)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0, help="of the draws from the posterior (0)")
    parser.add_argument("--check", action="store_true", help="only compare the untrained networks")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    given = dict(np.load(options.input))
    weights = [given[f"weight_{k}"] for k in range(sum(name.startswith("weight_") for name in given))]
    model = make(options.model, weights, options.beta)
    untrained = given["untrained"]
    figures = {"difference": check(model, given["test"][: len(untrained)], untrained)}
    if not options.check:
        losses, seconds = train(model, given["train"], given["order"], options)
        figures |= {"losses": losses, "seconds": seconds, **scores(model, given["test"])}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
