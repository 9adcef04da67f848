"""Pictures of samples: how images are laid out, and what is written while a generator is trained."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_ssl import callbacks, figures
from keras_ssl.errors import UserError

X = np.random.default_rng(0).random((8, 3), "float32")


@keras.saving.register_keras_serializable("tests")
class Generator(keras.Model):
    """A dense layer from three latent numbers to images, trained on anything."""

    def __init__(self, shape=(4, 5, 1)):
        super().__init__()
        self.shape = shape
        self.dense = keras.layers.Dense(int(np.prod(shape)), activation="sigmoid")
        self.dense.build((None, 3))
        self.seeds = []

    def call(self, z):
        return self.dense(z)

    def sample(self, count, seed=0):
        self.seeds.append(seed)
        z = keras.random.normal((count, 3), seed=seed)
        return keras.ops.reshape(self.dense(z), (count, *self.shape))


def fit(model, *given, rate=5.0, **arguments):
    model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
    y = np.zeros((8, int(np.prod(getattr(model, "shape", 1)))), "float32")
    return model.fit(X, y, verbose=0, callbacks=list(given), **arguments)


# ---- the grid --------------------------------------------------------------------------------------------------------


def test_images_are_laid_out_row_by_row():
    images = np.arange(5, dtype="float32").reshape(5, 1, 1, 1) / 10 * np.ones((5, 2, 3, 1), "float32")
    grid = figures.image_grid(images, columns=3)
    assert (grid.shape, grid.dtype) == ((2 * 3 - 1, 3 * 4 - 1), np.float32)
    np.testing.assert_allclose(grid[0], [0, 0, 0, 1, 0.1, 0.1, 0.1, 1, 0.2, 0.2, 0.2], atol=1e-7)
    np.testing.assert_allclose(grid[3], [0.3, 0.3, 0.3, 1, 0.4, 0.4, 0.4, 1, 1, 1, 1], atol=1e-7)
    assert (grid[2] == 1).all()
    assert figures.image_grid(images, columns=5, gap=0).shape == (2, 15)
    assert figures.image_grid(images, columns=2, gap=3).shape == (3 * 5 - 3, 2 * 6 - 3)


def test_three_channels_are_color_others_their_mean_and_values_are_clipped():
    images = np.random.default_rng(0).random((4, 3, 3, 3), "float32")
    color = figures.image_grid(images, columns=2)
    assert color.shape == (7, 7, 3)
    np.testing.assert_array_equal(color[4:, :3], images[2])
    np.testing.assert_allclose(figures.image_grid(images[..., :2], columns=2)[:3, :3], images[0, ..., :2].mean(-1))
    np.testing.assert_array_equal(
        figures.image_grid(3 * images - 1, 2), figures.image_grid(np.clip(3 * images - 1, 0, 1), 2)
    )


def test_what_is_no_batch_of_images_makes_no_grid():
    images = np.zeros((4, 3, 3, 1), "float32")
    for wrong, message in [
        (images[0], "shape"),
        (images[:0], "at least 1 images"),
        (images + np.nan, "finite"),
    ]:
        with pytest.raises(UserError, match=message):
            figures.image_grid(wrong)
    with pytest.raises(UserError, match="columns as a whole number at least 1"):
        figures.image_grid(images, columns=0)
    np.testing.assert_array_equal(
        figures.image_grid(np.full((4, 3, 3, 1), 255, "uint8")), figures.image_grid(images + 1)
    )
    with pytest.raises(UserError, match="gap as a whole number at least 0"):
        figures.image_grid(images, gap=-1)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_png_holds_the_grid_and_nothing_stays_beside_it(tmp_path, channels, mode):
    grid = figures.image_grid(np.random.default_rng(0).random((4, 3, 3, channels), "float32"), columns=2)
    path = figures.write_png(tmp_path / "grid.png", grid)
    read = Image.open(path)
    assert read.mode == mode
    np.testing.assert_allclose(np.array(read) / 255, grid, atol=0.5 / 255 + 1e-6)
    with pytest.raises(TypeError):
        figures.write_png(tmp_path / "other.png", grid[None, None])
    assert [file.name for file in tmp_path.iterdir()] == ["grid.png"]


# ---- the callback ----------------------------------------------------------------------------------------------------


def test_a_picture_of_the_same_points_is_written_after_each_epoch(tmp_path):
    model = Generator()
    fit(model, callbacks.SampleGrid(tmp_path / "deep" / "samples", count=9, seed=4), epochs=2)
    files = sorted((tmp_path / "deep" / "samples").iterdir())
    assert [file.name for file in files] == ["epoch_0001.png", "epoch_0002.png"]
    assert set(model.seeds) == {4}
    pictures = [np.array(Image.open(file)) for file in files]
    assert pictures[0].shape == (3 * 5 - 1, 3 * 6 - 1)
    now = figures.image_grid(np.array(model.sample(9, seed=4)), columns=3)
    np.testing.assert_array_equal(pictures[1], (255 * now).round().astype("uint8"))
    assert not np.array_equal(*pictures)  # the model learns between them
    fit(Generator(), callbacks.SampleGrid(tmp_path, count=9), epochs=2, rate=0.0)
    pictures = [np.array(Image.open(tmp_path / f"epoch_000{k}.png")) for k in (1, 2)]
    np.testing.assert_array_equal(*pictures)


def test_pictures_can_be_rarer_and_count_the_epochs_of_a_resumed_run(tmp_path):
    fit(Generator((4, 4, 3)), callbacks.SampleGrid(tmp_path, count=2, every=2), epochs=8, initial_epoch=4)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["epoch_0006.png", "epoch_0008.png"]
    assert Image.open(tmp_path / "epoch_0006.png").mode == "RGB"


def test_only_the_chief_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ssl.callbacks.samples.is_chief", lambda strategy: False)
    fit(Generator(), callbacks.SampleGrid(tmp_path))
    assert not list(tmp_path.iterdir())


def test_what_cannot_work_is_an_error_before_training(tmp_path):
    (tmp_path / "file").write_text("in the way")
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    seen = []
    counter = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(batch))
    for model, folder, message in [
        (plain, tmp_path / "samples", "a method `sample`. Received Sequential"),
        (Generator(), tmp_path / "file", "can be written in"),
        (Generator(), tmp_path / "file" / "samples", "can be written in"),
        (Generator((20,)), tmp_path / "samples", "height, width, channels"),
    ]:
        with pytest.raises(UserError, match=message):
            fit(model, callbacks.SampleGrid(folder), counter)
    assert not seen
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", ["count", "every"])
def test_numbers_below_one_are_refused(tmp_path, name):
    with pytest.raises(UserError, match=f"{name} as a whole number at least 1"):
        callbacks.SampleGrid(tmp_path, **{name: 0})
