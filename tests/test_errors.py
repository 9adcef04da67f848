"""The one error of the package."""

import pickle

import pytest

from keras_ssl.errors import UserError


def test_it_tells_three_parts_in_one_paragraph():
    error = UserError("a cat", "a dog", "look again")
    assert str(error) == "Expected a cat. Received a dog. Do: look again."
    assert (error.expected, error.received, error.do) == ("a cat", "a dog", "look again")
    assert "\n" not in str(error)


def test_it_is_a_value_error_and_crosses_processes():
    with pytest.raises(ValueError, match="Expected a"):
        raise UserError("a", "b", "c")
    again = pickle.loads(pickle.dumps(UserError("a", "b", "c")))
    assert type(again) is UserError
    assert str(again) == "Expected a. Received b. Do: c."


def test_no_part_can_be_left_out():
    with pytest.raises(TypeError):
        UserError("a", "b")
