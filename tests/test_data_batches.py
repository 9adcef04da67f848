"""Batches: what they hold, that each epoch is another one, and that a seed, an epoch and a step determine them."""

import keras
import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.data.plan import Plan
from keras_ssl.errors import UserError


def numbered(n=10, dtype="uint8"):
    """Images whose only gray value is their number, as a source or, for floats, an array in 0..1."""
    pixels = np.arange(n)[:, None, None, None] * np.ones((1, 2, 3, 1))
    return data.from_arrays(pixels.astype("uint8")) if dtype == "uint8" else (pixels / 255).astype(dtype)


def numbers(images):
    return (np.asarray(images)[:, 0, 0, 0] * 255).round().astype(int).tolist()


def noisy(images, seed):
    """Policy that adds noise of its seed, so that views differ and show it."""
    from keras_ssl.seeds import SeedStream

    noise = keras.random.uniform(keras.ops.shape(images), seed=SeedStream(seed))
    return keras.ops.clip(images + 0.2 * noise, 0.0, 1.0)


def epoch(dataset):
    return [{key: np.asarray(value) for key, value in batch.items()} for batch in dataset]


def same(left, right):
    return all(np.array_equal(a[key], b[key]) for a, b in zip(left, right, strict=True) for key in a)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_without_views_each_epoch_holds_every_sample_once(dtype):
    dataset = data.batches(numbered(dtype=dtype), batch_size=4)
    assert int(dataset.cardinality()) == 3
    assert dataset.element_spec["input"].shape == (None, 2, 3, 1)
    batches = epoch(dataset)
    assert [len(batch["input"]) for batch in batches] == [4, 4, 2]
    assert all(batch["input"].dtype == np.float32 for batch in batches)
    seen = [number for batch in batches for number in numbers(batch["input"])]
    assert sorted(seen) == list(range(10))
    assert seen != sorted(seen)


def test_without_shuffling_the_order_stays():
    dataset = data.batches(numbered(), batch_size=4, shuffle=False)
    for _ in range(2):
        assert [numbers(batch["input"]) for batch in dataset] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_policy_gives_two_views_of_whole_batches():
    dataset = data.batches(numbered(), views=noisy, batch_size=4)
    assert int(dataset.cardinality()) == 2
    assert {key: tuple(spec.shape) for key, spec in dataset.element_spec.items()} == {
        "view_1": (4, 2, 3, 1),
        "view_2": (4, 2, 3, 1),
    }
    for batch in epoch(dataset):
        assert not np.array_equal(batch["view_1"], batch["view_2"])
        assert np.abs(batch["view_1"] - batch["view_2"]).max() < 0.2
    assert len(epoch(data.batches(numbered(), views=noisy, batch_size=4, drop_remainder=False))) == 3
    assert len(epoch(data.batches(numbered(), batch_size=4, drop_remainder=True))) == 2


@pytest.mark.parametrize("pure", [True, False])
def test_views_with_keys_are_used_as_they_are(pure):
    traced = []

    class Crops:
        keys = ("view_1", "crop_1")

        def __call__(self, images, seed):
            import tensorflow as tf

            traced.append(tf.executing_eagerly())
            return {"view_1": noisy(images, seed), "crop_1": noisy(images, seed + 1)[:, :1]}

    views = Crops()
    views.pure = pure
    batch = epoch(data.batches(numbered(), views=views, batch_size=4))[0]
    assert {key: value.shape for key, value in batch.items()} == {"view_1": (4, 2, 3, 1), "crop_1": (4, 1, 3, 1)}
    assert not traced[-1]


@pytest.mark.parametrize("views", [None, noisy], ids=["images", "views"])
def test_epochs_differ_and_a_resumed_run_goes_on_with_the_same_batches(views):
    dataset = data.batches(numbered(), views=views, batch_size=4, seed=3)
    epochs = [epoch(dataset) for _ in range(4)]
    assert not any(same(epochs[k], epochs[k + 1]) for k in range(3))
    resumed = data.batches(numbered(), views=views, batch_size=4, seed=3, first_epoch=2)
    assert same(epoch(resumed), epochs[2])
    assert same(epoch(resumed), epochs[3])
    assert not same(epoch(data.batches(numbered(), views=views, batch_size=4, seed=4)), epochs[0])


@pytest.mark.parametrize("views", [None, noisy], ids=["images", "views"])
def test_batches_begin_in_mid_epoch(views):
    dataset = data.batches(numbered(), views=views, batch_size=4, seed=3)
    steps = int(dataset.cardinality())
    whole = [batch for _ in range(3) for batch in epoch(dataset)]
    for first in range(2 * steps + 1):
        rest = data.batches(numbered(), views=views, batch_size=4, seed=3, first_step=first)
        epochs = [epoch(rest) for _ in range(3 - first // steps)]
        assert [len(batches) for batches in epochs[:2]] == [steps - first % steps, steps][: len(epochs)]
        assert same([batch for batches in epochs for batch in batches], whole[first:])
        assert int(rest.cardinality()) == steps  # of the following epochs


def test_a_place_in_the_plan_follows_from_the_step():
    plan = Plan(samples=10, batch_size=4, seed=3, shuffle=True, drop=False)
    batches = data.batches(numbered(), batch_size=4, seed=3)
    seen = [numbers(batch["input"]) for _ in range(2) for batch in batches]
    for step, expected in enumerate(seen):
        place = plan.at(step)
        assert (place.epoch, place.position) == divmod(step, 3)
        assert place.indices.tolist() == expected
        np.testing.assert_array_equal(place.view_seed, plan.view_seeds(place.epoch)[place.position])


class Idle(keras.Model):
    """Has a weight, as `fit` wants, and trains nothing."""

    def __init__(self):
        super().__init__()
        self.layer = keras.layers.Dense(1)
        self.layer.build((None, 1))
        self.built = True

    def call(self, batch):
        return self.layer(batch["input"])


class Recorder(Idle):
    """Keeps what `fit` feeds it."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, batch):
        import tensorflow as tf

        tf.py_function(lambda x: self.seen.append(numbers(x)), [batch["input"]], [])
        return {"nothing": tf.zeros(())}


def test_fit_gets_the_batches_of_one_epoch_after_the_other():
    model = Recorder()
    model.compile("sgd")
    with pytest.warns(UserWarning, match="shuffle"):
        model.fit(data.batches(numbered(), batch_size=4, seed=1), epochs=3, verbose=0)
    dataset = data.batches(numbered(), batch_size=4, seed=1)
    assert model.seen == [numbers(batch["input"]) for _ in range(3) for batch in dataset]


def test_view_seeds_never_meet():
    plan = Plan(samples=1000, batch_size=10, seed=0, shuffle=True, drop=True)
    seeds = np.concatenate([plan.view_seeds(k) for k in range(100)])
    assert len({tuple(seed) for seed in seeds}) == 10_000
    # Operations add small counters to the second number: no two seeds may be so near.
    ordered = seeds[np.lexsort(seeds.T[::-1])]
    near = (np.diff(ordered[:, 0]) == 0) & (np.diff(ordered[:, 1]) < 1000)
    assert not near.any()
    assert seeds.min() >= 0


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (numbered(0), {}, "at least 2 images"),
        (numbered(1), {}, "at least 2 images"),
        (numbered(dtype="float32")[..., 0], {}, "height, width, channels"),
        (numbered(dtype="float32") * 255, {}, "values in 0..1"),
        (np.full((4, 2, 2, 1), np.nan), {}, "NaN or Inf in 4 of 4"),
        (numbered(dtype="float32").astype("int32"), {}, "int32"),
        (numbered(), {"drop_remainder": True}, "lower `batch_size` to 10"),
        (numbered(), {"views": noisy}, "lower `batch_size` to 10"),
        (numbered(), {"batch_size": 0}, "batch_size as a whole number at least 1"),
        (numbered(), {"seed": -1}, "seed as a whole number at least 0"),
        (numbered(), {"first_epoch": 0.5}, "first_epoch as a whole number at least 0"),
        (numbered(), {"first_step": -1}, "first_step as a whole number at least 0"),
        (numbered(), {"batch_size": 4, "first_epoch": 1, "first_step": 2}, "one place to begin at"),
        (numbered(), {"views": lambda images, seed: images, "batch_size": 4}, "views"),
        (numbered(), {"views": lambda images, seed: noisy(images, seed) * 9, "batch_size": 4}, "0..1"),
        (numbered(), {"views": "digits", "batch_size": 4}, "policy"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_at_once(source, options, message):
    with pytest.raises(UserError, match=message):
        data.batches(source, **options)


def test_replicas_share_the_batches_of_one_device(two_replicas):
    images = (np.arange(8)[:, None, None, None] * np.ones((1, 2, 3, 1)) / 255).astype("float32")
    halves = []
    dataset = data.batches(images, batch_size=4, drop_remainder=True)
    for batch in two_replicas.experimental_distribute_dataset(dataset):
        halves.append([part.numpy() for part in two_replicas.experimental_local_results(batch["input"])])
    whole = [batch["input"].numpy() for batch in data.batches(images, batch_size=4, drop_remainder=True)]
    assert len(halves) == len(whole) == 2
    for parts, batch in zip(halves, whole):
        assert [len(part) for part in parts] == [2, 2]
        np.testing.assert_array_equal(np.concatenate(parts), batch)
