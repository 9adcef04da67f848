"""Recipes: each one builds and trains for an epoch on a tiny source of the kind that it is for."""

import inspect
import operator

import numpy as np
import pytest
from PIL import Image
from quick import dear, eagerly

from keras_ssl import data, objectives, recipes, runs, transfer
from keras_ssl.errors import UserError

MADE = {
    "digits.simclr": ((8, 8, 1), objectives.SimCLR),
    "digits.autoencoder": ((8, 8, 1), objectives.Autoencoder),
    "mnist.simclr": ((12, 12, 1), objectives.SimCLR),
    "mnist.autoencoder": ((12, 12, 1), objectives.Autoencoder),
    "mnist.autoencoder_for_cifar10": ((12, 12, 1), objectives.Autoencoder),
    "photographs.joint_embedding": ((8, 8, 3), objectives.SimCLR),
    "photographs.autoencoder": ((8, 8, 3), objectives.Autoencoder),
    **{f"small_images.{name}": ((12, 12, 3), kind) for name, kind in recipes.JOINT_EMBEDDING.items()},
    "small_images.autoencoder": ((12, 12, 1), objectives.Autoencoder),
    "small_images.bottleneck_autoencoder": ((12, 12, 1), objectives.Autoencoder),
    "small_images.dense_autoencoder": ((12, 12, 1), objectives.Autoencoder),
    "small_images.deep_dense_autoencoder": ((12, 12, 3), objectives.Autoencoder),
    "small_images.sparse_autoencoder": ((12, 12, 1), objectives.SparseAutoencoder),
    "small_images.denoising_autoencoder": ((12, 12, 1), objectives.DenoisingAutoencoder),
    "small_images.variational_autoencoder": ((12, 12, 3), objectives.VariationalAutoencoder),
    "small_images.gan": ((12, 12, 1), objectives.GAN),
    "small_images.bigan": ((12, 12, 3), objectives.BiGAN),
    "small_images.masked_autoencoder": ((12, 12, 3), objectives.MaskedAutoencoder),
    "small_images.inpainting": ((12, 12, 1), objectives.Inpainting),
    "small_images.rotation": ((12, 12, 1), objectives.RotationPrediction),
    "small_images.flip": ((12, 12, 3), objectives.FlipPrediction),
    "small_images.jigsaw": ((12, 12, 1), objectives.JigsawPrediction),
    "small_images.attributes": ((12, 12, 3), objectives.AttributePrediction),
}

DEAR = ("small_images", "photographs")
USUAL = [name for name in MADE if not name.startswith(DEAR)] + ["small_images.simclr", "small_images.gan"]
"""Those that `make test` trains; `make test-all` trains all."""

COMMANDS = {"joint_embedding": "simclr", "autoencoder_for_cifar10": "bottleneck_autoencoder --epochs 5"}
"""What follows `--objective` if a recipe is not named after it."""


def made(name):
    return operator.attrgetter(name)(recipes)


def a_source(shape, n=12):
    return data.from_arrays(np.random.default_rng(0).integers(0, 256, (n, *shape), "uint8"))


def quick(recipe):
    """Spare what compiling costs, which is nearly all the time of one step."""
    recipe.objective.run_eagerly = True
    if recipe.views is not None:
        recipe.views = eagerly(recipe.views)
    return recipe


def test_every_recipe_is_among_these():
    others = {"pairs", "series", "speech", "text", "video", "words", "items"}  # which have tests of their own
    of_images = set(recipes.__all__) - others
    modules = {name: getattr(recipes, name) for name in of_images if inspect.ismodule(getattr(recipes, name))}
    assert {f"{name}.{function}" for name, module in modules.items() for function in module.__all__} == set(MADE)


@pytest.mark.parametrize("name", [*USUAL, *dear([name for name in MADE if name not in USUAL])])
def test_a_recipe_trains_for_an_epoch_and_changes_its_encoder(name):
    shape, kind = MADE[name]
    recipe = made(name)(a_source(shape), epochs=1, seed=3)
    assert isinstance(recipe.objective, kind)
    assert (recipe.epochs, recipe.seed, recipe.batch_size) == (1, 3, 12)  # a small source is one batch
    kernel = recipe.objective.encoder.trainable_weights[0]
    before = np.array(kernel)
    history = quick(recipe).fit(verbose=0).history
    assert len(history["loss"]) == 1
    assert np.isfinite(history["loss"]).all()
    assert not np.array_equal(before, np.array(kernel))


@pytest.mark.parametrize("name", MADE)
def test_a_recipe_has_epochs_of_its_own_and_a_docstring_with_its_command(name):
    make = made(name)
    recipe = make(a_source(MADE[name][0], n=4))
    assert recipe.epochs > 1
    assert f"Default: {recipe.epochs}." in make.__doc__
    objective = name.split(".")[1]
    assert f"--objective {COMMANDS.get(objective, objective)}" in make.__doc__
    assert "keras-ssl pretrain --dataset" in make.__doc__
    assert "{" not in make.__doc__


def test_the_encoder_pretrained_for_cifar10_fits_it_once_its_input_is_adapted():
    recipe = recipes.mnist.autoencoder_for_cifar10(a_source((28, 28, 1)))
    gray = np.random.default_rng(1).random((2, 32, 32, 1), "float32")
    small, large = (transfer.adapt_input(recipe.objective.encoder, (32, 32, n)) for n in (1, 3))
    assert large.output_shape == recipe.objective.encoder.output_shape == (None, 128)
    np.testing.assert_allclose(large(np.repeat(gray, 3, axis=-1)), small(gray), rtol=1e-4, atol=1e-5)


def test_a_seed_gives_the_same_weights_and_batches():
    source = a_source((8, 8, 1))
    one, same, other = (recipes.digits.simclr(source, 1, seed) for seed in (1, 1, 2))
    for a, b in zip(one.objective.get_weights(), same.objective.get_weights()):
        np.testing.assert_array_equal(a, b)
    kernels = [np.array(recipe.objective.encoder.trainable_weights[0]) for recipe in (one, other)]
    assert not np.allclose(*kernels)
    first, second, third = (next(iter(quick(recipe).batches()))["view_1"] for recipe in (one, same, other))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, third)


def test_a_folder_by_the_name_of_a_known_set_is_a_folder(tmp_path, monkeypatch):
    assert recipes.choose("simclr", "mnist") is recipes.mnist.simclr
    (tmp_path / "mnist").mkdir()
    monkeypatch.chdir(tmp_path)
    assert recipes.choose("simclr", "mnist") is recipes.choose("simclr", tmp_path / "mnist")
    for k in range(3):
        Image.new("L", (8, 8), 80 * k).save(tmp_path / "mnist" / f"{k}.png")
    assert len(runs.load_unlabeled("simclr", "mnist", {}, say=str)) == 3


def test_a_resumed_run_gets_the_batches_of_its_epoch():
    recipe = recipes.digits.autoencoder(a_source((8, 8, 1)), 2)
    batches = recipe.batches()
    next(iter(batches))  # the first epoch
    np.testing.assert_array_equal(next(iter(batches))["input"], next(iter(recipe.batches(first_epoch=1)))["input"])


@pytest.mark.parametrize(
    ("objective", "dataset", "chosen"),
    [
        ("simclr", "digits", "digits.simclr"),
        ("autoencoder", "digits", "digits.autoencoder"),
        ("simclr", "mnist", "mnist.simclr"),
        ("simclr", "fashion_mnist", "small_images.simclr"),
        ("barlow_twins", "cifar10", "small_images.barlow_twins"),
        ("autoencoder", "fashion_mnist", "mnist.autoencoder"),
        ("autoencoder", "cifar10", "small_images.autoencoder"),
        ("autoencoder", "photos/", "photographs.autoencoder"),
        ("masked_autoencoder", "cifar10", "small_images.masked_autoencoder"),
        ("gan", "mnist", "small_images.gan"),
    ],
)
def test_choose_picks_by_name(objective, dataset, chosen):
    assert recipes.choose(objective, dataset) is made(chosen)


@pytest.mark.parametrize(("name", "kind"), recipes.JOINT_EMBEDDING.items())
def test_every_joint_embedding_objective_takes_photographs(name, kind):
    assert recipes.choose(name, "photos/").keywords == {"objective": kind}


@pytest.mark.parametrize("name", [name for name in recipes.CLASSICAL if name != "autoencoder"])
def test_every_other_objective_takes_small_images_of_any_data_set(name):
    make = recipes.choose(name, "photos/")
    assert make is recipes.CLASSICAL[name]
    with pytest.raises(UserError, match=r"up to 64x64 pixels for the recipe of .*Received 65x30\. Do: .*--size 32"):
        make(a_source((65, 30, 3)), epochs=1)


def test_an_unknown_objective_is_told_which_there_are():
    with pytest.raises(
        UserError, match=r"among simclr, .*, causal_language_model.* Received 'simclear' \(did you mean 'simclr'\?\)"
    ):
        recipes.choose("simclear", "digits")
