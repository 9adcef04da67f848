import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import views
from keras_ssl.errors import UserError

SEED = np.array([1, 2])
POLICIES = {
    "digits": views.digits(),
    "natural_images": views.natural_images(16),
    "every operation": views.Policy(
        [
            views.random_resized_crop(16),
            views.flip(0.5, 0.5),
            views.affine(30, 0.2, (0.5, 1.5), 20, fill=0.5),
            views.color_jitter(0.9, 0.9, 0.9, 0.5, 1.0),
            views.grayscale(0.5),
            views.blur(),
            views.solarize(),
            views.noise((0.0, 0.5)),
            views.erase(),
        ],
        name="every operation",
    ),
}


def photographs(n=8, channels=3):
    return np.random.default_rng(0).random((n, 16, 16, channels), dtype="float32")


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_policy_is_pure_in_range_and_different_for_each_sample(policy, channels):
    images = np.tile(photographs(n=1, channels=channels), (8, 1, 1, 1))
    before = images.copy()
    one, again, other = (np.asarray(policy(images, np.array(seed))) for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(images, before)
    assert one.shape == images.shape
    assert one.dtype == np.float32
    assert one.min() >= 0
    assert one.max() <= 1
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert len({image.tobytes() for image in one}) == 8


def test_operations_get_seeds_of_their_own():
    seen = []

    def spy(images, seed):
        seen.append(tuple(np.asarray(seed)))
        return images

    policy = views.Policy([spy, spy, spy])
    policy(photographs(), np.array([0, 0]))
    policy(photographs(), np.array([0, 1]))  # the next seed of a stream shares no draws with the one before
    assert len(set(seen)) == 6


def test_policy_clips_at_the_end():
    policy = views.Policy([lambda images, seed: images * 4 - 2])
    view = np.asarray(policy(photographs(), SEED))
    np.testing.assert_allclose(view, np.clip(photographs() * 4 - 2, 0, 1))


def test_policy_refuses_what_is_no_list_of_operations_and_no_batch():
    for operations in ([], [3], [views.flip(), None]):
        with pytest.raises(UserError, match="operation"):
            views.Policy(operations)
    with pytest.raises(UserError, match=r"shape \(8, 16, 16\)"):
        views.digits()(photographs()[..., 0], SEED)


def test_size_and_strengths_reach_the_operations():
    assert views.natural_images((8, 12))(photographs(), SEED).shape == (8, 8, 12, 3)
    off = views.natural_images(16, (1.0, 1.0), flip=0, jitter=0, grayscale=0, blur=0, solarize=0)
    assert np.asarray(off(photographs(), SEED)).std() == pytest.approx(photographs().std(), rel=0.01)
    still = views.digits(rotate=0, translate=0, scale=(1, 1), shear=0, noise=0, erase=0)
    np.testing.assert_allclose(still(photographs(), SEED), photographs(), atol=1e-5)


def test_pair_makes_two_independent_views():
    pair = views.pair(views.digits())
    both = {key: np.asarray(view) for key, view in pair(photographs(), SEED).items()}
    assert tuple(both) == pair.keys == ("view_1", "view_2")
    assert not np.allclose(both["view_1"], both["view_2"])
    again = pair(photographs(), SEED)
    np.testing.assert_array_equal(again["view_2"], both["view_2"])


def test_pair_of_two_policies():
    pair = views.pair(views.Policy([views.flip(1.0)]), views.Policy([views.flip(0.0, 1.0)]))
    both = pair(photographs(), SEED)
    np.testing.assert_array_equal(both["view_1"], photographs()[:, :, ::-1])
    np.testing.assert_array_equal(both["view_2"], photographs()[:, ::-1])
    with pytest.raises(UserError, match="policy"):
        views.pair("digits")


def test_purity_is_said():
    assert views.pair(views.digits()).pure
    assert not views.pair(views.digits(), lambda images, seed: images).pure


@pytest.mark.exhaustive
def test_in_tf_data_with_the_last_batch_smaller():
    policy = POLICIES["every operation"]
    data = tf.data.Dataset.from_tensor_slices(photographs(n=10)).batch(4).enumerate()
    data = data.map(lambda step, batch: views.pair(policy)(batch, tf.stack([0, tf.cast(step, tf.int32)])))
    batches = list(data.as_numpy_iterator())
    assert [batch["view_1"].shape for batch in batches] == [(4, 16, 16, 3), (4, 16, 16, 3), (2, 16, 16, 3)]
    for batch, again in zip(batches, data.as_numpy_iterator()):
        np.testing.assert_array_equal(batch["view_2"], again["view_2"])
    eager = np.asarray(views.pair(policy)(photographs(n=10)[4:8], np.array([0, 1]))["view_1"])
    np.testing.assert_allclose(batches[1]["view_1"], eager, atol=1e-5)


def test_under_xla_alone_and_in_tf_data():
    compiled = tf.function(POLICIES["every operation"], jit_compile=True)
    images = tf.constant(np.tile(photographs(n=1), (8, 1, 1, 1)))
    one, again, other = (compiled(images, tf.constant(seed)).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert len({image.tobytes() for image in one}) == 8
    data = tf.data.Dataset.from_tensors(images).map(lambda batch: compiled(batch, tf.constant([1, 2])))
    np.testing.assert_array_equal(next(data.as_numpy_iterator()), one)
