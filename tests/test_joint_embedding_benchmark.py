"""The benchmark of joint-embedding objectives: rows, and trainings that go on in pieces."""

import argparse
import json

import keras
import numpy as np
import pytest
from quick import eagerly

from benchmarks import joint_embedding, joint_embedding_row
from keras_ssl import encoders, objectives, recipes, views


@pytest.fixture
def options(tmp_path):
    """Sizes at which a training takes a second, and the arrays to train on."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 26)
    images = (rng.integers(0, 60, (260, 12, 12, 1)) + 19 * labels[:, None, None, None]).astype("uint8")
    np.savez(tmp_path / "data.npz", train_images=images, train_labels=labels, test_images=images, test_labels=labels)
    return argparse.Namespace(
        dataset="fashion_mnist",
        data=str(tmp_path / "data.npz"),
        images=260,
        epochs=2,
        every=1,
        encoder="recipe",
        backend="tensorflow",
        checkpoints=None,
        validate=False,
    )


def test_a_training_in_pieces_ends_where_one_in_a_piece_does(options, tmp_path):
    train, _ = joint_embedding_row.sources(options)
    policy = eagerly(views.digits())

    def run():
        keras.utils.set_random_seed(1)
        moco = objectives.MoCo(encoders.mlp(train.shape, units=(16, 8)), queue_size=128, seed=1)
        recipe = recipes.compiled(moco, train, options.epochs, 1e-3, policy, 64)
        return joint_embedding_row.trained("moco", recipe, options)

    whole, cost = run()
    options.checkpoints = str(tmp_path)
    in_pieces, _ = run()
    again, nothing_left = run()
    for a, b, c in zip(whole.get_weights(), in_pieces.get_weights(), again.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)
        np.testing.assert_array_equal(b, c)
    assert np.isfinite(cost["loss"])
    assert cost["peak_gib"] > 0.1
    assert "loss" not in nothing_left
    assert nothing_left["minutes"] > 0


def test_scores_of_labels_that_are_in_the_representation(options):
    train, test = joint_embedding_row.sources(options)
    h = np.eye(10)[train.labels]
    assert joint_embedding_row.scores(h, h, train, test) == {"knn": 1.0, "linear": 1.0, "ten_labels": 1.0}


def test_validation_looks_at_the_end_of_train_which_is_not_trained_on(options, monkeypatch):
    monkeypatch.setattr(joint_embedding_row, "VALIDATION", 60)
    options.validate = True
    train, test = joint_embedding_row.sources(options)
    images = np.load(options.data)["train_images"]
    np.testing.assert_array_equal(train.stored, images[:200])
    np.testing.assert_array_equal(test.stored, images[200:])


def test_rows_come_with_the_peers_beside_ours():
    given = argparse.Namespace(objectives=["simclr", "moco"], peer="python")
    rows = list(joint_embedding.wanted(given))
    assert rows == ["raw inputs", "untrained encoder", "simclr", "lightly's simclr", "moco"]
    assert set(rows) < set(joint_embedding.order())
    assert joint_embedding.label("lightly's simclr") == "lightly's SimCLR"


def test_the_names_are_those_of_the_recipes():
    assert {name: kind.__name__ for name, kind in recipes.JOINT_EMBEDDING.items()} == joint_embedding.NAMES


@pytest.mark.parametrize("name", recipes.JOINT_EMBEDDING)
def test_a_recipe_quotes_the_committed_scores(name):
    docstring = " ".join(recipes.choose(name, "cifar10").__doc__.split())
    for dataset in ("fashion_mnist", "cifar10"):
        runs = json.loads((joint_embedding.RESULTS / f"joint_embedding_{dataset}.json").read_text())["rows"][name]
        for score in ("knn", "ten_labels"):
            assert joint_embedding.quoted(runs, score) in docstring
