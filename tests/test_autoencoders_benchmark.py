"""The benchmark of autoencoders: what its section says, and that our side and what the peer is given fit together."""

import argparse
import copy

import numpy as np
import pytest

from benchmarks import autoencoders
from keras_ssl import data


@pytest.fixture(scope="module")
def images():
    """A hundred images, of which most are alike."""
    rng = np.random.default_rng(0)
    return data.from_arrays((rng.random((100, 4, 4, 1)) * 160 + 80 * rng.random((4, 4, 1))).astype("uint8"))


RESULT = {
    "dataset": "mnist",
    "protocol": {"images": 10_000, "epochs": 5, "batch": 128, "seeds": 2},
    "test": 10_000,
    "machine": {"cores": 2, "tensorflow": "2.21.0", "keras": "3.15.1"},
    "floors": {
        "mean image": [{"mse": 0.0673, "reconstruction": 206.2, "kl": 0.0}],
        "16 principal components": [{"mse": 0.0268}],
    },
    "rows": {
        "AE": {
            "keras_ssl": [{"mse": 0.01, "seconds": [9.0, 1.0, 3.0]}, {"mse": 0.02, "seconds": [9.0, 2.0, 2.0]}],
            "pythae": [{"mse": 0.01, "seconds": [1.0, 1.0, 1.0]}, {"mse": 0.03, "seconds": [8.0, 4.0, 4.0]}],
        },
        "BetaVAE": {
            "keras_ssl": [{"mse": 0.04, "reconstruction": 140.0, "kl": 10.5, "seconds": [9.0, 1.0]}] * 2,
            "pythae": [{"mse": 0.05, "reconstruction": 141.0, "kl": 10.0, "seconds": [9.0, 2.0]}] * 2,
        },
    },
}


def test_a_section_shows_means_over_seeds_and_the_epochs_after_the_first():
    lines = autoencoders.section(RESULT).splitlines()
    assert lines[2:8] == [
        "| mean image | 0.0673 | 206.2 | 0.0 |  |",
        "| 16 principal components | 0.0268 |  |  |  |",
        "| `Autoencoder` | 0.0150 ± 0.0050 |  |  | 2.00 |",
        "| pythae's AE | 0.0200 ± 0.0100 |  |  | 2.50 |",
        "| `VariationalAutoencoder`, β = 4 | 0.0400 ± 0.0000 | 150.5 ± 0.0 | 10.5 ± 0.0 | 1.00 |",
        "| pythae's BetaVAE | 0.0500 ± 0.0000 | 151.0 ± 0.0 | 10.0 ± 0.0 | 2.00 |",
    ]
    assert "1.25 (AE), 0.50 (BetaVAE) times as long" in " ".join(lines)


def test_a_single_seed_has_no_deviation():
    result = copy.deepcopy(RESULT)
    for sides in result["rows"].values():
        for side in sides:
            sides[side] = sides[side][:1]
    assert "±" not in autoencoders.section(result).replace("mean ±", "")


def test_the_floors_are_those_of_images_in_a_plane():
    y = np.array([[0, 255, 0], [0, 255, 255]], "uint8").reshape(2, 1, 3, 1)
    found = autoencoders.floors(data.from_arrays(y), data.from_arrays(y))
    mean, components = (runs[0] for runs in found.values())
    assert mean["mse"] == pytest.approx(1 / 12)  # 1/4 in one pixel of three
    assert mean["reconstruction"] == pytest.approx(np.log(2) - 2 * np.log(3 / 4))
    assert mean["kl"] == 0
    assert components["mse"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", autoencoders.NAMES)
def test_the_peer_is_given_the_networks_weights_in_the_order_of_its_layers(name, images):
    objective = autoencoders.make(name, images.shape, seed=0)
    x = images[:3].inputs()
    given = autoencoders.first(name, objective, x)
    *weights, untrained = given.values()
    layers = list(zip(weights[::2], weights[1::2]))
    encoder, (mean, *log_variance), decoder = layers[:2], layers[2:-3], layers[-3:]

    def dense(h, network):
        for kernel, bias in network:
            h = np.maximum(h @ kernel + bias, 0)
        return h

    h = dense(x.reshape(3, -1), encoder)
    codes = [h @ kernel + bias for kernel, bias in (mean, *log_variance)]
    pixels = dense(codes[0], decoder[:2]) @ decoder[2][0] + decoder[2][1]
    expected = pixels if name == "AE" else 1 / (1 + np.exp(-pixels))
    np.testing.assert_allclose(untrained, np.concatenate([expected, *codes], axis=1), rtol=1e-4, atol=1e-5)
    assert [kernel.shape[1] for kernel, _ in layers][-3:] == [256, 512, 16]


def test_our_side_runs_alone(images, monkeypatch):
    monkeypatch.setattr(autoencoders, "NAMES", {"AE": "", "BetaVAE": ""})  # the third costs as much again
    options = argparse.Namespace(epochs=1, batch=50, seeds=1, peer=None)
    rows = autoencoders.measured(images, images, options)
    assert list(rows) == ["AE", "BetaVAE"]
    for name, sides in rows.items():
        (run,) = sides[autoencoders.OURS]
        assert 0 < run["mse"] < 10
        assert len(run["seconds"]) == len(run["losses"]) == 1
        assert ("kl" in run) == (name != "AE")
