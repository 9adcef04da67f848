"""Random draws from a seed that is a tensor."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.seeds import SeedStream


def draw(seed, times=2):
    stream = SeedStream(seed)
    return [np.array(keras.random.uniform((16,), seed=stream)) for _ in range(times)]


def test_the_same_seed_gives_the_same_draws_and_each_draw_is_new():
    first, second = draw((3, 5))
    again, _ = draw(np.array([3, 5]))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, second)
    for other in ((4, 5), (3, 6000)):
        assert not np.allclose(draw(other)[0], first)


def test_the_nth_seed_is_the_seed_plus_n():
    stream = SeedStream((3, 5))
    assert [np.array(stream.next()).tolist() for _ in range(3)] == [[3, 5], [3, 6], [3, 7]]


def test_it_has_no_variable_and_works_where_the_seed_is_a_tensor():
    dataset = tf.data.Dataset.from_tensors(tf.constant([3, 5])).map(
        lambda seed: keras.random.uniform((16,), seed=SeedStream(seed))
    )
    np.testing.assert_array_equal(next(iter(dataset)), draw((3, 5))[0])
    assert not [value for value in vars(SeedStream((3, 5))).values() if isinstance(value, keras.Variable)]


def test_it_cannot_be_saved():
    with pytest.raises(NotImplementedError, match="cannot be saved"):
        SeedStream((0, 0)).get_config()
