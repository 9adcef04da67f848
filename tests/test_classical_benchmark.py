"""The benchmarks of classical objectives and of generated images: what their tables say of made-up results."""

import argparse
import json

import numpy as np
import pytest

from benchmarks import classical, generative, joint_embedding_row, masked_autoencoder, tables
from keras_ssl import data, recipes

PROTOCOL = {"images": 100, "epochs": 2, "seeds": 2, "version": 2}


def runs(*scores, **more):
    return [dict.fromkeys(tables.SCORES, score) | more for score in scores]


def a_result():
    pca, untrained = classical.floors("dense, 32")
    rows = {
        "raw inputs": runs(0.5),
        pca: runs(0.4, mse=0.02),
        untrained: runs(0.3, 0.32),
        "dense_autoencoder": runs(0.6, 0.62, mse=0.0101, seconds_per_epoch=1.6),
    }
    return {"dataset": "mnist", "protocol": PROTOCOL, "test": 50, "rows": rows}


def test_a_group_stands_below_its_floors():
    lines = classical.section(a_result()).splitlines()
    assert lines[2:6] == [
        "| raw inputs | 0.500 | 0.500 | 0.500 |  |  |",
        "| PCA, 32 | 0.400 | 0.400 | 0.400 | 0.0200 |  |",
        "| untrained encoder (dense, 32) | 0.310 ± 0.010 | 0.310 ± 0.010 | 0.310 ± 0.010 |  |  |",
        "| `Autoencoder` | 0.610 ± 0.010 | 0.610 ± 0.010 | 0.610 ± 0.010 | 0.0101 | 2 |",
    ]


def test_what_is_beyond_its_floors_is_named_and_what_is_not_is_not():
    result = a_result()
    assert "by kNN Autoencoder (dense_autoencoder);" in classical.section(result)
    result["rows"]["PCA, 32"] = runs(0.595)
    assert "by kNN none;" in classical.section(result)


def test_every_recipe_has_a_row_and_no_other():
    assert set(classical.NAMES) == set(recipes.CLASSICAL)


RESULTS = [json.loads(file.read_text()) for file in sorted(classical.RESULTS.glob("classical_*.json"))]
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


@pytest.mark.parametrize("name", classical.NAMES)
def test_a_recipe_quotes_the_committed_scores(name):
    docstring = " ".join(recipes.CLASSICAL[name].__doc__.split())
    for result in RESULTS:
        if name in result["rows"]:
            nearest, few = (tables.quoted(result["rows"][name], score) for score in ("knn", "ten_labels"))
            assert f" {nearest} and {few} on {TITLES[result['dataset']]}" in docstring


@pytest.mark.parametrize("group", classical.GROUPS)
def test_a_group_is_named_by_its_width(group):
    source = data.from_arrays(np.zeros((4, 28, 28, 1), "uint8"))
    for name in classical.GROUPS[group]:
        if name != "attributes":  # which needs images that differ
            encoder = recipes.CLASSICAL[name](source, 1).objective.encoder
            assert encoder.output_shape[-1] == int(group.rpartition(", ")[2])


def test_rows_are_kept_while_the_protocol_is_the_same(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(tables, "measured", lambda name, given, folder: measured.append(name) or runs(0.5))
    file, given = tmp_path / "results.json", argparse.Namespace(again=False)
    head = {"dataset": "mnist", "protocol": PROTOCOL}
    tables.collected(file, head, ["a", "b"], given, tmp_path)
    result = tables.collected(file, head, ["b", "c"], given, tmp_path)
    assert measured == ["a", "b", "c"]
    assert list(result["rows"]) == ["a", "b", "c"]
    assert json.loads(file.read_text()) == result
    tables.collected(file, {**head, "protocol": {**PROTOCOL, "epochs": 3}}, ["b"], given, tmp_path)
    tables.collected(
        file, {**head, "protocol": {**PROTOCOL, "epochs": 3}}, ["b"], argparse.Namespace(again=True), tmp_path
    )
    assert measured == ["a", "b", "c", "b", "b"]


def test_principal_components_are_those_of_the_pixels():
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1)).astype("uint8")
    source = data.from_arrays(images, np.arange(60) % 2)
    (h_train, h_test), cost = joint_embedding_row.principal("PCA, 16", None, source, source, 0)
    assert h_train.shape == (60, 16)
    np.testing.assert_array_equal(h_train, h_test)
    assert cost["mse"] == pytest.approx(0, abs=1e-10)
    covariance = np.cov(h_train.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-6)


def test_binarized_images_keep_their_means_and_are_the_same_each_time():
    gray = np.full((50, 28, 28, 1), 64, "uint8")
    one, same, other = (generative.binarized(data.from_arrays(gray), seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.stored, same.stored)
    assert not np.array_equal(one.stored, other.stored)
    assert set(np.unique(one.stored)) == {0, 255}
    assert one.inputs().mean() == pytest.approx(64 / 255, abs=0.01)


def test_the_words_on_likelihood_name_its_samples():
    result = {"nll": 89.875, "negative_elbo": 95.0, "train_negative_elbo": 92.0}
    result |= {"samples": 5000, "images": 60000, "test": 10000, "epochs": 100, "latent_dim": 40, "seed": 0}
    words = " ".join(generative.section(result).split())
    assert "89.88 nats per test image with 5,000 importance samples, negative ELBO 95.00 (92.00 on train)" in words


def test_the_curve_of_the_masked_autoencoder_ends_with_its_gain():
    floors = {"raw inputs": 0.35, "untrained, centered": 0.37, "untrained": 0.3}
    result = {
        "protocol": {"version": 1},
        "floors": floors,
        "curve": {"5": 0.39, "10": 0.42},
        "epochs": 10,
        "mean_share": 0.98,
    }
    result |= {"seconds_per_epoch": 12.3, "images": 20_000, "test": 10_000}
    words = masked_autoencoder.section(result)
    assert "| raw inputs | untrained, centered | untrained | epoch 5 | epoch 10 |" in words
    assert "| 0.350 | 0.370 | 0.300 | 0.390 | 0.420 |" in words
    assert "+12.0 points" in words
    assert "+5.0 over it with the mean subtracted (the mean is 98 % of" in words
    assert words.endswith("\nProtocol 1: the linear probe did not subtract the mean.")


def test_the_table_of_samples_counts_modes():
    model = {"frechet": 3.0, "modes": [100] * 9 + [0], "epochs": 12, "minutes": 2.0}
    result = {
        "classifier": {"accuracy": 0.98, "fingerprint": "ab" * 32},
        "floor": 0.5,
        "train": 0.6,
        "models": {"GAN": model},
    }
    assert "| GAN | 3.00 | 9 of 10 | 0 | 12 | 2 |" in generative.section(result)
