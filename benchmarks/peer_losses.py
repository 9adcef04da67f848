"""Values and gradients of lightly's losses on fixed tensors, for `tests/test_losses_peer.py`.

    python -m benchmarks.peer_losses

Needs torch and lightly 1.6 (no keras_ssl); torchvision is not needed. Writes `tests/peer_losses.json`.
"""

import json
import pathlib
import sys
from unittest import mock

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent


def lightly_losses():
    """The module `lightly.loss`; its package imports torchvision for other things, so that is stood in for."""
    for name in ("torchvision", "torchvision.ops", "torchvision.transforms", "torchvision.models"):
        sys.modules[name] = mock.MagicMock()
    import lightly.loss

    return lightly.loss


def tensors(seed=0, n=16, d=12):
    """The tensors of the test: two views that are alike but not the same."""
    rng = np.random.default_rng(seed)
    z_1 = rng.normal(size=(n, d))
    return z_1.astype("float32"), (z_1 + 0.5 * rng.normal(size=(n, d))).astype("float32")


def measured(call):
    """Value, and gradient with respect to the first tensor."""
    z_1, z_2 = (torch.tensor(z, requires_grad=True) for z in tensors())
    loss = call(z_1, z_2)
    loss.sum().backward()
    return {"value": float(loss.sum().detach()), "gradient": z_1.grad.tolist()}


def main():
    """Measure all and write them."""
    peer = lightly_losses()
    found = {
        "nt_xent": measured(peer.NTXentLoss()),
        "dcl": measured(peer.DCLLoss()),
        "barlow_twins": measured(peer.BarlowTwinsLoss()),
        "vicreg": measured(peer.VICRegLoss()),
        "negative_cosine": measured(peer.NegativeCosineSimilarity()),
        "dino": measured(lambda a, b: peer.DINOLoss(12)([b.detach(), b.detach().flip(0)], [a, b, a + b])),
        "swav": measured(lambda a, b: peer.SwaVLoss()([a / 10, b / 10], [(a + b) / 10])),
    }
    (HERE.parent / "tests" / "peer_losses.json").write_text(json.dumps(found) + "\n")
    print({name: figures["value"] for name, figures in found.items()})


if __name__ == "__main__":
    main()
