"""Two large views and small crops."""

import keras
import numpy as np
import pytest
from quick import eagerly

from keras_ssl import data, encoders, objectives, views
from keras_ssl.errors import UserError

IMAGES = np.random.default_rng(0).random((8, 16, 16, 3), "float32")


def crops():
    return views.multi_crop(
        views.natural_images(16, scale=(0.3, 1)), views.natural_images(8, scale=(0.05, 0.3)), crops=3
    )


def test_every_view_is_another_draw_of_its_size():
    made = crops()(IMAGES, np.array([1, 2]))
    assert {key: tuple(view.shape) for key, view in made.items()} == {
        "view_1": (8, 16, 16, 3),
        "view_2": (8, 16, 16, 3),
        "crop_1": (8, 8, 8, 3),
        "crop_2": (8, 8, 8, 3),
        "crop_3": (8, 8, 8, 3),
    }
    assert not np.array_equal(made["view_1"], made["view_2"])
    assert not np.array_equal(made["crop_1"], made["crop_3"])
    again = crops()(IMAGES, np.array([1, 2]))
    for key in made:
        np.testing.assert_array_equal(made[key], again[key])


def test_purity_is_that_of_both_policies():
    assert crops().pure
    assert not views.multi_crop(lambda images, seed: images, views.natural_images(8)).pure
    assert "3 crops" in repr(crops())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((views.natural_images(8), None), "a policy, a function"),
        ((views.natural_images(8), views.natural_images(4), 0), "crops as a whole number at least 1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(UserError, match=message):
        views.multi_crop(*arguments)


def test_objectives_train_on_crops_and_name_what_is_missing():
    encoder = encoders.conv_net((None, None, 3), filters=(4, 8))
    swav = objectives.SwAV(encoder, prototypes=6, crops=3, hold_prototypes=0)
    swav.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
    several = crops()
    several.pure = False  # or XLA would compile it
    history = swav.fit(data.batches(IMAGES, views=several, batch_size=4), epochs=1, verbose=0).history
    assert np.isfinite(history["loss"][0])
    pairs = data.batches(IMAGES, views=eagerly(views.natural_images(16)), batch_size=4)
    with pytest.raises(UserError, match=r"crop_1, crop_2, crop_3 missing.*multi_crop\(policy, crop_policy, crops=3\)"):
        swav.fit(pairs, verbose=0)
