"""Masked objectives, beyond the contract that all objectives share, and their loss."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, convolutional, dense, discriminator, images, masked_patches, masked_pixels, tokens

from keras_ssl import blocks, decoders, encoders, losses, objectives, transforms
from keras_ssl.errors import UserError

N = 8
RNG = np.random.default_rng(0)
X = images(N, 0)


def compiled(objective, rate=0.1):
    objective.compile(keras.optimizers.SGD(rate), run_eagerly=True)
    return objective


def loss_of(objective, batch):
    return compiled(objective).evaluate(batch, batch_size=N, return_dict=True, verbose=0)["loss"]


def scrambled(x, hidden):
    """Return the images with random values in the hidden pixels."""
    return np.where(hidden, RNG.random(x.shape), x).astype("float32")


def hidden_pixels(mask, patch=2):
    """Return the mask of pixels for a mask of patches, for images of `SHAPE`."""
    return mask.reshape(-1, 4, 4).repeat(patch, 1).repeat(patch, 2)[..., None]


# ---- the loss --------------------------------------------------------------------------------------------------------


def test_masked_squared_error_by_hand():
    x, r = np.zeros((2, 2, 2)), np.array([[[1.0, 3.0], [9, 9]], [[2.0, 2.0], [0, 4]]])
    mask = np.array([[True, False], [True, True]])
    # The first sample's hidden elements have the squares 1 and 9, the second's 4, 4, 0 and 16.
    assert float(losses.masked_squared_error(x, r, mask)) == pytest.approx((5 + 6) / 2)
    assert float(losses.masked_squared_error(x, r, np.zeros((2, 2)))) == 0


@pytest.mark.parametrize("shape", [(5, 6, 3), (5, 4, 3, 2)])
def test_masked_squared_error_equals_the_loops(shape):
    x, r = RNG.normal(size=(2, *shape)).astype("float32")
    mask = RNG.random(shape[:-1]) < 0.5
    means = [np.mean([(a - b) ** 2 for a, b in zip(x[k][mask[k]], r[k][mask[k]])]) for k in range(5)]
    assert float(losses.masked_squared_error(x, r, mask)) == pytest.approx(np.mean(means), rel=1e-5)
    assert float(losses.masked_squared_error(x, r, mask.astype("float32"))) == pytest.approx(np.mean(means), rel=1e-5)


def test_masked_squared_error_sees_only_what_is_hidden_and_is_the_plain_one_where_all_is():
    x, r = RNG.normal(size=(2, 4, 6, 3)).astype("float32")
    mask = RNG.random((4, 6)) < 0.5
    value = float(losses.masked_squared_error(x, r, mask))
    elsewhere = np.where(mask[..., None], r, 7.0)
    assert float(losses.masked_squared_error(x, elsewhere, mask)) == value
    whole = float(losses.masked_squared_error(x, r, np.ones((4, 6))))
    assert whole == pytest.approx(float(losses.squared_error(x, r)), rel=1e-5)


# ---- MaskedAutoencoder -----------------------------------------------------------------------------------------------


def autoencoder(**arguments):
    return objectives.MaskedAutoencoder(tokens(), **{"mask_ratio": 0.3, **arguments})


def test_it_has_the_papers_defaults():
    objective = objectives.MaskedAutoencoder(tokens())
    assert (objective.mask_ratio, objective.hidden, objective.normalize_targets) == (0.75, 12, True)
    assert objective.decoder.output_shape == (None, 16, 4)
    assert objective.decoder.get_layer("narrow").units == 4
    assert objective.mask_token.trainable


@pytest.mark.parametrize("normalize_targets", [True, False])
def test_predictions_do_not_depend_on_hidden_pixels(normalize_targets):
    objective = autoencoder(normalize_targets=normalize_targets)
    batch = masked_patches(N, 0)
    other = {**batch, "input": scrambled(batch["input"], hidden_pixels(batch["mask"]))}
    assert np.abs(other["input"] - batch["input"]).max() > 0.5
    one, two = (objective.forward_pass(b, training=False)["prediction"] for b in (batch, other))
    np.testing.assert_array_equal(one, two)
    visible = {**batch, "input": scrambled(batch["input"], ~hidden_pixels(batch["mask"]))}
    assert np.abs(np.array(objective.forward_pass(visible, training=False)["prediction"]) - one).max() > 1e-3


def test_the_loss_is_that_of_the_papers_steps():
    objective = autoencoder()
    objective.mask_token.assign(RNG.normal(size=8))
    batch = masked_patches(N, 0)
    encoder, positions = objective.encoder, blocks.sine_cosine(4, 4, 8)
    patches = np.array(blocks.patchify(batch["input"], 2))
    errors = []
    for image, own, mask in zip(batch["input"], patches, batch["mask"]):
        embedded = np.array(encoder.get_layer("tokens")(image[None]))[0]
        full = np.tile(np.array(objective.mask_token), (16, 1))
        full[~mask] = encoder.get_layer("trunk")(embedded[None, ~mask])[0]
        prediction = np.array(objective.decoder((full + positions)[None]))[0]
        targets = (own - own.mean(-1, keepdims=True)) / np.sqrt(own.var(-1, keepdims=True) + 1e-6)
        errors.append(np.square(targets - prediction)[mask].mean())
    assert loss_of(objective, batch) == pytest.approx(np.mean(errors), rel=1e-4)


def test_the_representation_of_whole_images_is_trunk_and_pool_of_all_tokens():
    objective = autoencoder()
    parts = [objective.encoder.get_layer(name) for name in ("tokens", "trunk", "pool")]
    h = X
    for part in parts:
        h = part(h)
    np.testing.assert_allclose(objective(X), h, atol=1e-6)


def test_every_weight_learns_the_mask_token_too():
    objective = compiled(autoencoder())
    before = [np.array(w) for w in objective.trainable_weights]
    objective.fit(X, batch_size=N, verbose=0)
    still = [w.path for a, w in zip(before, objective.trainable_weights) if np.array_equal(a, np.array(w))]
    assert still == []
    assert any(w is objective.mask_token for w in objective.trainable_weights)


def test_masks_are_drawn_anew_in_training_and_hide_as_many_as_asked():
    objective = autoencoder(mask_ratio=0.5)
    masks = [np.array(objective.forward_pass({"input": X}, training=True)["mask"]) for _ in range(2)]
    assert all((mask.sum(axis=1) == 8).all() for mask in masks)
    assert (masks[0] != masks[1]).any()
    fixed = [np.array(objective.forward_pass({"input": X}, training=False)["mask"]) for _ in range(2)]
    np.testing.assert_array_equal(*fixed)


@pytest.mark.parametrize("normalize_targets", [True, False])
def test_reconstructions_keep_what_is_visible_and_predict_the_rest(normalize_targets):
    objective = autoencoder(normalize_targets=normalize_targets)
    mask = masked_patches(N, 0)["mask"]
    rebuilt = np.array(objective.reconstruct(X, mask))
    hidden = np.broadcast_to(hidden_pixels(mask), X.shape)
    np.testing.assert_array_equal(rebuilt[~hidden], X[~hidden])
    prediction = np.array(objective.forward_pass({"input": X, "mask": mask}, training=False)["prediction"])
    if normalize_targets:
        patches = np.array(blocks.patchify(X, 2))
        prediction = prediction * np.sqrt(patches.var(-1, keepdims=True) + 1e-6) + patches.mean(-1, keepdims=True)
    expected = np.array(blocks.unpatchify(prediction, SHAPE, 2))
    np.testing.assert_allclose(rebuilt[hidden], expected[hidden], atol=1e-5)
    drawn = np.array(objective.reconstruct(X))
    np.testing.assert_array_equal(drawn, objective.reconstruct(X))
    assert (drawn == X).mean() == pytest.approx(11 / 16, abs=0.02)


def test_it_learns_to_fill_patches_in():
    objective = autoencoder(normalize_targets=False, mask_ratio=0.5)
    objective.compile(keras.optimizers.Adam(1e-2))
    x = (
        np.repeat(RNG.random((64, 1, 1, 1)), 64, axis=1).reshape(64, *SHAPE).astype("float32")
    )  # each of one shade of gray
    objective.fit(tf.data.Dataset.from_tensors(x).repeat(150), verbose=0)
    error = objective.evaluate(x, batch_size=64, return_dict=True, verbose=0)["loss"]
    assert error < 0.3 * x.var()  # the error of the best constant prediction


@pytest.mark.parametrize("ratio", [0, 0.01, 0.99, 1, -0.5, 1.5, float("nan")])
def test_a_mask_ratio_that_hides_nothing_or_all_is_a_clear_error(ratio):
    with pytest.raises(UserError, match="mask_ratio"):
        autoencoder(mask_ratio=ratio)


@pytest.mark.parametrize(
    ("encoder", "word"),
    [
        (convolutional, "'conv_net', which has no tokens, trunk.*encoders.vit"),
        (dense, "has no tokens, trunk, pool"),
        (lambda: of_fixed_length(tokens()), r"trunk takes \(None, 16, 8\)"),
        (lambda: of_strips(), "one token for each square patch.*8 tokens"),
    ],
)
def test_an_encoder_without_the_three_layers_is_a_clear_error(encoder, word):
    with pytest.raises(UserError, match=word):
        objectives.MaskedAutoencoder(encoder())


def of_fixed_length(encoder):
    inputs = keras.Input((16, 8))
    trunk = keras.Model(inputs, keras.layers.Dense(8)(inputs), name="trunk")
    return around(encoder.get_layer("tokens"), trunk)


def of_strips():
    """Return an encoder with one token for each row of pixels."""
    inputs = keras.Input(SHAPE)
    strips = keras.Model(inputs, keras.layers.Dense(8)(keras.layers.Reshape((8, 8))(inputs)), name="tokens")
    return around(strips, tokens().get_layer("trunk"))


def around(embed, trunk):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling1D(name="pool")(trunk(embed(inputs))))


def test_a_decoder_that_does_not_fit_is_a_clear_error():
    other = decoders.patches(encoders.vit(SHAPE, patch=4, width=8, depth=1, heads=2))
    with pytest.raises(UserError, match=r"pixels of their patches \(n, length, 4\).*16"):
        autoencoder(decoder=other)
    with pytest.raises(UserError, match="multiple of 3 heads"):
        decoders.patches(tokens(), width=4, heads=3)


def test_a_mask_that_hides_another_number_is_a_clear_error():
    objective = compiled(autoencoder())
    for mask in (np.ones((N, 16), bool), np.zeros((N, 8), bool), masked_patches(4, 0)["mask"]):
        with pytest.raises(UserError, match=r"mask \(8, 16\) that hides 5 patches"):
            objective.reconstruct(X, mask)
    with pytest.raises(UserError, match="hides 5 patches"):
        objective.fit({"input": X, "mask": np.ones((N, 16), bool)}, verbose=0)
    assert int(objective.step) == 0


# ---- Inpainting ------------------------------------------------------------------------------------------------------


def inpainting(**arguments):
    return objectives.Inpainting(convolutional(), **{"area": (0.2, 0.4), **arguments})


def adversarial(**arguments):
    return objectives.AdversarialInpainting(
        convolutional(), **{"area": (0.2, 0.4), "discriminator": discriminator(), **arguments}
    )


def test_inpainting_predicts_from_what_is_around_the_box():
    objective = inpainting()
    batch = masked_pixels(N, 0)
    other = {**batch, "input": scrambled(batch["input"], batch["mask"][..., None])}
    one, two = (objective.forward_pass(b, training=False)["prediction"] for b in (batch, other))
    np.testing.assert_array_equal(one, two)
    filled = np.where(batch["mask"][..., None], np.float32(0.5), batch["input"])
    np.testing.assert_allclose(one, objective.decoder(objective.encoder(filled)), atol=1e-6)


def test_the_loss_of_inpainting_is_the_error_in_the_box():
    objective = inpainting()
    batch = masked_pixels(N, 0)
    prediction = np.array(objective.forward_pass(batch, training=False)["prediction"])
    errors = [np.square(p - x)[m].mean() for p, x, m in zip(prediction, batch["input"], batch["mask"])]
    assert loss_of(objective, batch) == pytest.approx(np.mean(errors), rel=1e-5)


def test_inpainting_draws_boxes_of_the_asked_area():
    objective = inpainting()
    masks = np.array(objective.forward_pass({"input": images(200, 0)}, training=True)["mask"])
    assert masks.shape == (200, 8, 8)
    assert masks.mean() == pytest.approx(0.3, abs=0.03)
    assert masks.any(axis=(1, 2)).all()


def test_inpainting_rebuilds_inside_the_box_only():
    objective = inpainting()
    batch = masked_pixels(N, 0)
    mask = batch["mask"][..., None]
    rebuilt = np.array(objective.reconstruct(X, batch["mask"]))
    np.testing.assert_array_equal(rebuilt[~mask], X[~mask])
    expected = np.array(objective.forward_pass(batch, training=False)["prediction"])
    np.testing.assert_array_equal(rebuilt[mask], expected[mask])
    np.testing.assert_array_equal(objective.reconstruct(X), objective.reconstruct(X))


def test_the_terms_of_adversarial_inpainting_are_those_of_whole_predictions():
    objective = adversarial(adversarial_weight=0.25)
    batch = masked_pixels(N, 0)
    logs = compiled(objective).evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    real = np.array(objective.discriminator(batch["input"]), "float64")
    generated = objective.forward_pass(batch, training=False)["prediction"]
    generated = np.array(objective.discriminator(generated), "float64")
    discriminator_loss = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(generated)).mean()
    adversarial_term = np.log1p(np.exp(-generated)).mean() + np.log1p(np.exp(real)).mean()
    plain = inpainting(decoder=objective.decoder)
    plain.encoder.set_weights(objective.encoder.get_weights())
    assert logs["discriminator_loss"] == pytest.approx(discriminator_loss, rel=1e-5)
    assert logs["adversarial"] == pytest.approx(adversarial_term, rel=1e-5)
    assert logs["reconstruction"] == pytest.approx(loss_of(plain, batch), rel=1e-5)
    assert logs["loss"] == pytest.approx(logs["reconstruction"] + 0.25 * logs["adversarial"], rel=1e-5)


def test_each_optimizer_of_adversarial_inpainting_trains_its_own_weights():
    def moved(rate, discriminator_rate):
        objective = adversarial()
        objective.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(discriminator_rate), run_eagerly=True)
        before = [np.array(w) for w in objective.trainable_weights]
        objective.fit(X, batch_size=N, verbose=0)
        return {id(w) for a, w in zip(before, objective.trainable_weights) if not np.array_equal(a, w)}, objective

    changed, objective = moved(0.0, 0.1)
    assert changed == {id(w) for w in objective.discriminator.trainable_weights}
    changed, objective = moved(0.1, 0.0)
    others = [*objective.encoder.trainable_weights, *objective.decoder.trainable_weights]
    assert changed == {id(w) for w in others}


def test_the_default_discriminator_of_adversarial_inpainting_fits_and_is_saved(tmp_path):
    objective = compiled(objectives.AdversarialInpainting(convolutional()))
    assert objective.discriminator.input_shape == (None, *SHAPE)
    assert objective.discriminator.output_shape == (None, 1)
    shared = {id(w) for w in objective.encoder.weights} & {id(w) for w in objective.discriminator.weights}
    assert not shared
    before = [np.array(w) for w in objective.trainable_weights]
    history = objective.fit(X, batch_size=N, verbose=0).history
    assert set(history) == set(objective.terms)
    assert not [w.path for a, w in zip(before, objective.trainable_weights) if np.array_equal(a, np.array(w))]
    objective.save(tmp_path / "objective.keras")
    loaded = keras.saving.load_model(tmp_path / "objective.keras")
    assert loss_of(loaded, masked_pixels(N, 0)) == pytest.approx(loss_of(objective, masked_pixels(N, 0)), rel=1e-6)


def test_inpainting_without_a_discriminator_has_one_update():
    objective = compiled(inpainting())
    ((_, optimizer, variables),) = objective.updates
    assert optimizer is objective.optimizer
    assert len(variables) == len(objective.trainable_variables)
    assert objective.terms == ("loss",)


def test_networks_that_do_not_fit_inpainting_are_clear_errors():
    with pytest.raises(UserError, match=r"'decoder' from \(None, 8\)"):
        inpainting(decoder=decoders.mirror(encoders.mlp((4, 4, 1), units=(8,))))
    with pytest.raises(UserError, match=r"discriminator from images \(None, 8, 8, 1\) to logits \(None, 1\)"):
        adversarial(discriminator=convolutional())
    with pytest.raises(UserError, match="adversarial_weight at least 0"):
        adversarial(adversarial_weight=-1)


@pytest.mark.parametrize(
    "arguments",
    [{"area": (0, 0.3)}, {"area": (0.1, 1.1)}, {"area": (0.3, 0.1)}, {"area": 0.2}, {"ratio": (0, 2)}, {"ratio": (1,)}],
)
def test_a_range_that_is_none_is_a_clear_error(arguments):
    with pytest.raises(UserError, match=f"{next(iter(arguments))} as numbers .low, high."):
        inpainting(**arguments)


def test_masks_of_the_objectives_are_those_of_corruption():
    seed = np.array([3, 0])  # what evaluation uses, with the objective's seed
    drawn = objectives.MaskedAutoencoder(tokens(), seed=3).forward_pass({"input": X}, training=False)["mask"]
    np.testing.assert_array_equal(drawn, transforms.random_mask(N, 16, 12, seed))
    drawn = inpainting(seed=3).forward_pass({"input": X}, training=False)["mask"]
    np.testing.assert_array_equal(drawn, transforms.block_mask(N, 8, 8, (0.2, 0.4), (0.5, 2.0), seed))


@pytest.fixture(scope="module")
def in_graph_mode():
    """One objective whose step is traced once."""
    objective = objectives.MaskedAutoencoder(encoders.vit((8, 8, 1), patch=2, width=8, depth=1, heads=2))
    objective.compile(keras.optimizers.SGD(0.0))
    return objective


@pytest.mark.parametrize("hidden", [0, 1, 16])
def test_masks_of_another_count_in_a_later_batch_are_told(hidden, in_graph_mode):
    objective = in_graph_mode
    before = [np.array(weight) for weight in objective.trainable_weights]
    mask = np.stack([np.arange(16)[None].repeat(4, axis=0) < count for count in (12, hidden)])
    batch = {"input": np.random.default_rng(0).random((2, 4, 8, 8, 1), "float32"), "mask": mask}
    with pytest.raises(tf.errors.InvalidArgumentError, match="hide 12 of 16 patches"):
        objective.fit(tf.data.Dataset.from_tensor_slices(batch), verbose=0)
    for a, b in zip(before, objective.trainable_weights):
        np.testing.assert_array_equal(a, b)
