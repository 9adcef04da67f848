"""What every objective must do, over the rows of `cases.py`."""

import copy
import functools
import inspect
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, each_mechanism, every_case, unless_mechanism

from keras_ssl import objectives, specs
from keras_ssl.errors import UserError

N = 8


@functools.cache
def shared(case):
    """Make an objective and take a step with it, for tests that leave its state as it was."""
    objective = case.build()
    objective.compile("adam", run_eagerly=True)
    objective.train_on_batch(case.batch(N, 0))
    return objective


def class_name(case):
    """The objective that a row is of, as its name begins."""
    return case.name.split(",")[0]


def state(objective):
    """Every variable of the model and its optimizer but the trackers, as arrays by path."""
    trackers = {id(variable) for variable in objective.metrics_variables}
    variables = [*objective.variables, *(v for update in objective.updates for v in update.optimizer.variables)]
    return [(v.path, np.array(v)) for v in variables if id(v) not in trackers]


def assert_same_state(one, other):
    assert len(one) == len(other)
    for (path, a), (_, b) in zip(one, other):
        np.testing.assert_array_equal(a, b, err_msg=path)


def test_every_objective_has_a_row():
    public = set(objectives.__all__) - {"Objective", "Adversarial"}
    assert public == {class_name(case) for case in CASES}


@each_mechanism()
def test_call_and_predict_give_the_representation(case):
    objective = shared(case)
    x = next(iter(case.batch(3, 0).values()))
    h = objective.embedder(x, training=False)
    assert h.shape == (3, objective.encoder.output_shape[-1])
    np.testing.assert_array_equal(objective(x), h)
    np.testing.assert_array_equal(objective({"input": x}), h)
    np.testing.assert_allclose(objective.predict(x, verbose=0), h, atol=1e-6)


@each_mechanism()
def test_evaluate_repeats_itself_and_changes_nothing(case):
    objective, batch = shared(case), case.batch(N, 0)
    before = state(objective)
    first = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    second = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    assert first == second
    assert set(first) == set(objective.terms)
    assert_same_state(before, state(objective))


@each_mechanism()
def test_keras_file_keeps_everything_and_fits_on(case, tmp_path):
    objective = case.build()
    assert objective.get_compile_config() is None  # else it could not be saved before
    objective.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    objective.train_on_batch(case.batch(N, 0))  # a third of what `fit` takes
    objective.save(tmp_path / "objective.keras")
    loaded = keras.saving.load_model(tmp_path / "objective.keras")
    assert type(loaded) is type(objective)
    assert loaded.run_eagerly
    assert int(loaded.optimizer.iterations) == 1
    assert_same_state(state(objective), state(loaded))
    for model in (objective, loaded):
        model.train_on_batch(case.batch(N, 1))
    assert_same_state(state(objective), state(loaded))


@every_case
def test_arguments_are_attributes_and_config_keys(case):
    objective = case.build()
    assert type(objective).__name__ == class_name(case)
    config = objective.get_config()
    parameters = inspect.signature(type(objective).__init__).parameters.values()
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.name != "self"]
    assert set(config) == {"name", "dtype", *names}
    owned = {"loss", "metrics", "optimizer", "name", "dtype", *dir(keras.Model)}
    assert not owned & set(names)
    again = type(objective).from_config(copy.deepcopy(config))  # Keras empties the configurations that it reads
    assert json.dumps(again.get_config()) == json.dumps(config)  # JSON knows no tuples
    for name in names:
        assert type(getattr(again, name)) is type(getattr(objective, name))
        if not isinstance(getattr(objective, name), keras.Model):
            assert getattr(again, name) == getattr(objective, name)


@each_mechanism()
def test_regularization_of_the_encoder_is_part_of_the_loss(case):
    objective, batch = shared(case), case.batch(N, 0)
    plain = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)["loss"]
    layers = objective.encoder._flatten_layers()
    tables = (getattr(layer, "kernel", getattr(layer, "embeddings", None)) for layer in layers)
    weight = next(table for table in tables if table is not None)
    weight.regularizer = keras.regularizers.L2(0.5)
    regularized = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)["loss"]
    weight.regularizer = None
    assert regularized - plain == pytest.approx(0.5 * np.square(np.array(weight)).sum(), rel=1e-4)


# ---- wrong batches ---------------------------------------------------------------------------------------------------


def without_a_key(batch):
    first, *others = batch
    return {"foreign": batch[first], **{key: batch[key] for key in others}}


def each(spoil):
    """Spoil every tensor of a batch."""
    return lambda batch: keras.tree.map_structure(spoil, batch)


def another_structure(batch):
    """One tensor where several are wanted, and several where one is."""
    return {key: next(iter(x.values())) if isinstance(x, dict) else {"one": x} for key, x in batch.items()}


def of_another_sort(x):
    """Integers for floats, and floats for integers."""
    return (255 * np.nan_to_num(x)).astype("uint8") if np.issubdtype(x.dtype, np.floating) else x.astype("float32")


WRONG = {
    "missing key": (without_a_key, "keys"),
    "last axis": (each(lambda x: np.repeat(x, 3, -1)), "shape"),
    "rank": (each(lambda x: x[..., 0]), "shape"),
    "dtype": (each(of_another_sort), "(floats|integers).* dtype"),
    "structure": (another_structure, "(one tensor|a dict) of"),
    "tuple": (lambda batch: tuple(batch.values()), "keys"),
    "nested tuple": (lambda batch: (tuple(batch.values()), np.zeros(N)), "keys"),
    "bare tensor": (lambda batch: next(iter(batch.values())), "keys"),
}


def is_wrong(case, wrong):
    """Not so where there is a single key, or where the last axis has any size."""
    if len(case.needed(2, 0)) == 1 and wrong in ("tuple", "bare tensor"):
        return False
    return wrong != "last axis" or keras.tree.flatten(specs.specs_of(case.encoder()))[0].shape[-1] is not None


WRONG_FOR = [
    pytest.param(case, wrong, id=f"{case.name}-{wrong}", marks=unless_mechanism(case))
    for case in CASES
    for wrong in WRONG
    if is_wrong(case, wrong)
]


@pytest.mark.parametrize(("case", "wrong"), WRONG_FOR)
def test_a_wrong_batch_is_a_clear_error(case, wrong):
    objective = shared(case)
    batch = case.needed(N, 0)
    spoil, word = WRONG[wrong]
    before = state(objective)
    for method in (objective.fit, objective.evaluate):
        with pytest.raises(UserError, match=word) as caught:
            method(tf.data.Dataset.from_tensors(spoil(batch)), verbose=0)
        assert all((caught.value.expected, caught.value.received, caught.value.do))
    assert_same_state(before, state(objective))


@every_case
def test_wrong_arrays_and_arguments_are_clear_errors_before_training(case):
    objective, batch = shared(case), case.needed(N, 0)
    before = state(objective)
    for spoiled, message in wrong_values(case, batch):
        with pytest.raises(UserError, match=message):
            objective.fit(spoiled, verbose=0)
    with pytest.raises(UserError, match="dtype"):
        objective.fit(keras.tree.map_structure(of_another_sort, batch), verbose=0)
    with pytest.raises(UserError, match="at least one epoch"):
        objective.fit(batch, epochs=0, verbose=0)
    for foreign in ({"loss": "mse"}, {"metrics": ["accuracy"]}):
        with pytest.raises(UserError, match=f"Received {next(iter(foreign))}"):
            objective.compile("sgd", **foreign)
    assert_same_state(before, state(objective))


def wrong_values(case, batch):
    """Batches with a value that is not finite or out of range, each with a part of its error."""
    key = next(iter(batch))
    spec = keras.tree.flatten(specs.specs_of(case.encoder()))[0]
    unknown = np.inf if spec.missing else np.nan
    for value, message in [(unknown, r"finite.*index 2")] * spec.is_float + [(300, r"in 0\.\.")] * (spec.low == 0):
        spoiled = keras.tree.map_structure(np.copy, batch)
        first = spoiled[key] if not isinstance(spoiled[key], dict) else spoiled[key][min(spoiled[key])]
        first[2, ..., 0] = value
        yield spoiled, message


@every_case
def test_a_batch_of_one_is_an_error_where_samples_are_compared(case):
    objective, one = shared(case), case.batch(1, 0)
    single = tf.data.Dataset.from_tensors(one)
    if not objective.compares_samples:
        assert np.isfinite(objective.evaluate(single, verbose=0)).all()
        return
    for call in (
        lambda: objective.fit(single, verbose=0),
        lambda: objective.fit(case.batch(N, 0), batch_size=1, verbose=0),
    ):
        with pytest.raises(UserError, match="at least 2 samples"):
            call()
    with pytest.raises(UserError, match="at least 2"):
        objective.fit(one, verbose=0)


@pytest.mark.parametrize(
    "case", [case for case in CASES if set(case.needed(2, 0)) == {"input"}], ids=lambda case: case.name
)
def test_a_single_key_takes_a_bare_tensor_and_labels_beside_it_in_a_data_set(case):
    objective, batch = shared(case), case.needed(N, 0)
    x, y = batch["input"], np.zeros(N)
    losses = [objective.evaluate(data, batch_size=N, return_dict=True, verbose=0)["loss"] for data in (batch, x)]
    losses.append(objective.evaluate(tf.data.Dataset.from_tensors((x, y)), return_dict=True, verbose=0)["loss"])
    assert len(set(losses)) == 1
    with pytest.raises(UserError, match=r"x alone .* Received y"):
        objective.evaluate(x, y, batch_size=N, verbose=0)
