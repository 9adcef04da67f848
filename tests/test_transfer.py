"""Heads, freezing and unfreezing under every state of compilation, the linear probe, fine-tuning."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, images, two_convolutions

from keras_ssl import data, encoders, losses, networks, objectives, optimizers, transfer
from keras_ssl.errors import UserError

X, Y = images(16, 0), np.arange(16) % 3
LAYERS = ["conv_1", "norm_1", "conv_2", "norm_2"]


def make(compiled=False, classes=3, **arguments):
    model = transfer.classifier(two_convolutions(), classes)
    if compiled:
        compile_(model, **arguments)
    return model


def compile_(model, optimizer=None, **arguments):
    arguments = {"loss": "sparse_categorical_crossentropy", "run_eagerly": True, **arguments}
    model.compile(optimizer or keras.optimizers.SGD(0.1, momentum=0.9), **arguments)


def fit(model, **keywords):
    return model.fit(X, Y, batch_size=8, verbose=0, shuffle=False, **keywords).history


def values(layer):
    return {weight.path: np.array(weight) for weight in layer.weights}


def moved(before, layer):
    """Paths of the weights that a fit has changed, in the layer's order."""
    return [weight.path for weight in layer.weights if not np.array_equal(before[weight.path], np.array(weight))]


def flags(model):
    return {layer.name: layer.trainable for layer in model.get_layer("conv_net").layers if layer.weights}


# ---- classifier ------------------------------------------------------------------------------------------------------


def test_classifier_nests_the_encoder_under_its_name_and_gives_probabilities():
    encoder = two_convolutions()
    model = transfer.classifier(encoder, 3, name="mine")
    assert model.name == "mine"
    assert model.get_layer("conv_net") is encoder
    assert [layer.name for layer in model.layers] == ["image", "conv_net", "probabilities"]
    p = model.predict(X, verbose=0)
    assert p.shape == (16, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    kernel, bias = model.get_layer("probabilities").get_weights()
    logits = np.array(encoder(X)) @ kernel + bias
    np.testing.assert_allclose(p, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-5)


def test_classifier_is_float32_in_half_precision_and_needs_two_classes():
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert make()(X).dtype == "float32"
    with pytest.raises(UserError, match="classes as a whole number at least 2"):
        make(classes=1)


# ---- freezing: what stays and what moves -----------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before compile", "after compile", "after a fit"])
def test_frozen_weights_stay_bit_for_bit_and_unfrozen_ones_move(when):
    model = make(compiled=when != "before compile")
    if when == "after a fit":
        fit(model)
    transfer.freeze(model, "encoder")
    if when == "before compile":
        compile_(model)
    encoder, head = model.layers[1:]
    before = {**values(encoder), **values(head)}
    fit(model, epochs=2)
    assert moved(before, encoder) == []  # the moving statistics of the batch normalization are among these
    assert moved(before, head) == [weight.path for weight in head.weights]
    transfer.unfreeze(model, "encoder")
    before = {**values(encoder), **values(head)}
    fit(model)
    assert moved(before, encoder) == [weight.path for weight in encoder.weights]
    assert moved(before, head) == [weight.path for weight in head.weights]


def test_freezing_holds_in_compiled_functions_too():
    model = make(compiled=True, run_eagerly=False, jit_compile=False)
    fit(model)
    transfer.freeze(model, "conv_net")
    before = values(model)
    fit(model)
    assert moved(before, model.get_layer("conv_net")) == []
    assert moved(before, model.get_layer("probabilities"))


@pytest.mark.parametrize(
    ("choose", "frozen"),
    [
        (lambda model: "encoder", LAYERS),
        (lambda model: "conv_net", LAYERS),
        (lambda model: model.get_layer("conv_net"), LAYERS),
        (lambda model: model.get_layer("conv_net").get_layer("conv_2"), ["conv_2"]),
        (lambda model: "conv_2", ["conv_2"]),
        (lambda model: "conv_net/conv_2", ["conv_2"]),
        (lambda model: "conv_net/norm_*", ["norm_1", "norm_2"]),
        (lambda model: "*_1", ["conv_1", "norm_1"]),
        (lambda model: ["conv_1", "*/norm_2"], ["conv_1", "norm_2"]),
        (lambda model: "*", LAYERS),
    ],
)
def test_layers_are_named_in_many_ways(choose, frozen):
    model = make()
    transfer.freeze(model, choose(model))
    assert [name for name, trains in flags(model).items() if not trains] == frozen
    transfer.unfreeze(model, choose(model))
    assert all(flags(model).values())


def test_encoder_means_the_nested_model_after_loading_too(tmp_path):
    model = make(compiled=True)
    transfer.freeze(model, "encoder")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert flags(loaded) == dict.fromkeys(LAYERS, False)
    transfer.unfreeze(loaded, "encoder")
    assert all(flags(loaded).values())
    before = values(loaded)
    fit(loaded)
    assert len(moved(before, loaded)) == len(loaded.weights)


def test_encoder_is_the_layer_of_that_name_where_there_is_one():
    inputs = keras.Input(SHAPE)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(4, name="encoder")(x)
    nested = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="inner")], name="nested")
    model = keras.Model(inputs, nested(x))
    state = transfer.freeze(model, "encoder")
    assert state.frozen == ("encoder",)
    assert state.trainable == ("nested/inner",)


def test_an_objective_can_be_frozen_too():
    objective = objectives.SimCLR(two_convolutions())
    objective.compile("sgd", run_eagerly=True)
    transfer.freeze(objective, "conv_net")
    before = values(objective)
    objective.fit({"view_1": X, "view_2": X[::-1].copy()}, batch_size=16, verbose=0)
    assert moved(before, objective.encoder) == []
    assert moved(before, objective.projector)


def test_what_was_frozen_inside_stays_frozen():
    model = make()
    transfer.freeze(model, "conv_1")
    transfer.freeze(model, "encoder")
    assert flags(model) == dict.fromkeys(LAYERS, False)
    transfer.freeze(model, "encoder")  # twice is once
    transfer.unfreeze(model, "encoder")
    assert flags(model) == {"conv_1": False, "norm_1": True, "conv_2": True, "norm_2": True}
    compile_(model)
    before = values(model)
    fit(model)
    assert [path for path in before if path not in moved(before, model)] == ["conv_1/kernel"]
    transfer.unfreeze(model, "conv_1")
    assert all(flags(model).values())


def test_freezing_one_layer_keeps_the_flags_of_the_others():
    model = make()
    transfer.freeze(model, "encoder")
    transfer.unfreeze(model, "norm_2")
    transfer.freeze(model, "probabilities")
    assert flags(model) == {"conv_1": False, "norm_1": False, "conv_2": False, "norm_2": True}
    assert not model.get_layer("probabilities").trainable


def test_a_model_that_was_switched_off_whole_can_be_unfrozen():
    model = make(compiled=True)
    model.trainable = False
    transfer.unfreeze(model, "probabilities")
    assert [weight.path for weight in model.trainable_weights] == ["probabilities/kernel", "probabilities/bias"]
    before = values(model)
    fit(model)
    assert len(moved(before, model)) == 2


def test_unknown_layers_are_clear_errors_that_list_those_there_are():
    model = make()
    for wrong in ("conv_9", "nothing/*", ["conv_1", "conv_9"], keras.layers.Dense(2, name="foreign")):
        with pytest.raises(UserError, match="conv_net/conv_1"):
            transfer.freeze(model, wrong)
    assert all(flags(model).values())


def test_what_trains_is_returned_and_its_repr_is_a_sentence(capsys):
    model = make()
    state = transfer.freeze(model, "encoder")
    parameters = sum(int(np.prod(w.shape)) for w in model.weights)
    assert state == transfer.Trainability(
        ("probabilities",), tuple(f"conv_net/{n}" for n in LAYERS), 8 * 3 + 3, parameters
    )
    assert transfer.trainability(model) == state
    expected = f"27 of {parameters} parameters train: probabilities. Frozen: conv_net (4 layers)."
    assert repr(state) == str(state) == expected
    assert "Frozen: nothing." in repr(transfer.unfreeze(model, "encoder"))
    assert capsys.readouterr().out == ""


# ---- freezing: flags that were there before --------------------------------------------------------------------------


def nested_twice():
    """Two models with layers of the same names, side by side in a third."""

    def dense(name):
        return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4, name=n) for n in "ab")], name=name)

    inputs = keras.Input((4,))
    both = keras.layers.add([dense("left")(inputs), dense("right")(inputs)])
    return keras.Model(inputs, keras.layers.Dense(1, name="head")(both))


def test_a_nested_encoder_keeps_the_layer_that_was_frozen_before():
    encoder = keras.Sequential(
        [keras.Input(SHAPE), two_convolutions(), keras.layers.Dense(4, name="top")], name="outer"
    )
    model = transfer.classifier(encoder, 3)
    before = transfer.freeze(model, "outer/conv_net/conv_2")
    assert before.frozen == ("outer/conv_net/conv_2",)
    frozen = transfer.freeze(model, "encoder")
    assert frozen.trainable == ("probabilities",)
    assert transfer.unfreeze(model, "encoder") == before
    transfer.freeze(model, "conv_net")
    transfer.freeze(model, "encoder")
    assert transfer.unfreeze(model, "encoder") == before


def test_layers_of_the_same_names_in_two_models_are_told_apart():
    model = nested_twice()
    transfer.freeze(model, "left/a")
    transfer.freeze(model, ["left", "right"])
    state = transfer.unfreeze(model, ["left", "right"])
    assert state.frozen == ("left/a",)
    assert state.trainable == ("left/b", "right/a", "right/b", "head")


def test_a_flag_that_was_set_by_hand_after_freezing_counts():
    model = nested_twice()
    transfer.freeze(model, "left")
    model.get_layer("left").get_layer("a").trainable = True
    transfer.freeze(model, "left/a")
    transfer.freeze(model, "left")
    assert transfer.unfreeze(model, "left").frozen == ("left/a",)


def trainable_names(layer):
    return [variable.name for variable in layer.trainable_variables]


def test_a_variable_that_did_not_train_does_not_train_after_unfreezing():
    model = nested_twice()
    left, right, head = model.get_layer("left"), model.get_layer("right"), model.get_layer("head")
    left.get_layer("a").enable_lora(2)  # its kernel stays, and two small ones train
    right.get_layer("b").bias.trainable = False
    head.kernel.trainable = False
    trained = ["bias", "lora_kernel_a", "lora_kernel_b"]
    before = transfer.trainability(model)
    transfer.freeze(model, "right")  # has nothing to do with the LoRA
    assert trainable_names(left.get_layer("a")) == trained
    assert trainable_names(head) == ["bias"]
    for _ in range(2):
        transfer.freeze(model, "*")
        assert not model.trainable_variables
    assert transfer.unfreeze(model, "*") == before
    assert trainable_names(left.get_layer("a")) == trained
    assert trainable_names(right.get_layer("b")) == ["kernel"]
    assert trainable_names(head) == ["bias"]


def test_a_target_network_never_trains():
    objective = objectives.BYOL(two_convolutions())
    before = transfer.trainability(objective)
    trained = [variable.path for variable in objective.trainable_variables]
    transfer.freeze(objective, "projector")
    transfer.freeze(objective, "*")
    assert not objective.trainable_variables
    assert transfer.unfreeze(objective, "*") == before
    assert [variable.path for variable in objective.trainable_variables] == trained
    assert not objective.target.trainable_variables


# ---- freezing: compilation and the optimizer -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [lambda: keras.optimizers.SGD(0.05, momentum=0.9), lambda: keras.optimizers.AdamW(0.01)],
    ids=["SGD", "AdamW"],
)
def test_the_optimizers_state_is_copied(optimizer):
    model = make(compiled=True, optimizer=optimizer())
    fit(model)
    old = model.optimizer
    before = {variable.path: np.array(variable) for variable in old.variables}
    transfer.freeze(model, "encoder")
    new = model.optimizer
    assert new is not old
    assert type(new) is type(old)
    kept = [variable for variable in new.variables if "probabilities" in variable.path]
    assert len(kept) == (2 if "SGD" in str(type(old)) else 4)
    assert all(np.abs(before[variable.path]).max() > 0 for variable in kept)
    for variable in new.variables:
        np.testing.assert_array_equal(np.array(variable), before[variable.path], err_msg=variable.path)
    assert int(new.iterations) == 2
    assert not any("conv" in variable.path for variable in new.variables)
    transfer.unfreeze(model, "encoder", learning_rate=0.002)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.002)
    assert int(model.optimizer.iterations) == 2
    for variable in model.optimizer.variables:
        if "probabilities" in variable.path:
            np.testing.assert_array_equal(np.array(variable), before[variable.path], err_msg=variable.path)
        elif "conv" in variable.path:
            assert np.abs(np.array(variable)).max() == 0, variable.path
    fit(model)
    assert int(model.optimizer.iterations) == 4


def test_compiling_again_in_the_middle_changes_nothing_in_the_course_of_training():
    one, other = make(), make()
    other.set_weights(one.get_weights())
    for model in (one, other):
        transfer.freeze(model, "encoder")
        compile_(model)
        fit(model)
    transfer.freeze(other, "encoder")
    for model in (one, other):
        fit(model)
    for a, b in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_learning_rates_that_were_set_or_scheduled_are_kept():
    model = make(compiled=True)
    model.optimizer.learning_rate = 0.025
    transfer.freeze(model, "encoder")
    assert float(model.optimizer.learning_rate) == pytest.approx(0.025)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
    transfer.unfreeze(model, "encoder", learning_rate=schedule)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.5)
    fit(model)
    transfer.freeze(model, "encoder")
    assert float(model.optimizer.learning_rate) == pytest.approx(0.25)


def test_loss_scaling_survives():
    keras.config.set_dtype_policy("mixed_float16")
    model = make(compiled=True, optimizer=keras.optimizers.SGD(0.1, momentum=0.9))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.dynamic_scale.assign(256.0)
    fit(model)
    momentum = {v.path: np.array(v) for v in model.optimizer.inner_optimizer.variables}
    transfer.freeze(model, "encoder")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert float(model.optimizer.dynamic_scale) == 256
    for variable in model.optimizer.inner_optimizer.variables:
        np.testing.assert_array_equal(np.array(variable), momentum[variable.path], err_msg=variable.path)
    transfer.unfreeze(model, "encoder", learning_rate=0.01)
    assert float(model.optimizer.inner_optimizer.learning_rate) == pytest.approx(0.01)
    before = values(model)
    fit(model)
    assert len(moved(before, model)) == len(model.weights)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_optimizers_whose_lists_are_as_long_as_what_trains(policy):
    keras.config.set_dtype_policy(policy)  # SGD has two variables, loss scaling four
    model = make(compiled=True, optimizer=keras.optimizers.SGD(0.1))
    fit(model)
    for layers in ("encoder", "conv_1"):
        transfer.unfreeze(model, "encoder")
        transfer.freeze(model, layers)
        assert int(optimizers.innermost(model.optimizer).iterations) == 2


def test_a_learning_rate_by_a_function_is_kept():
    model = make(compiled=True, optimizer=keras.optimizers.Adam(lambda: 0.25))
    fit(model)
    transfer.freeze(model, "encoder")
    assert float(model.optimizer.learning_rate) == 0.25


def test_means_of_weights_begin_where_the_weights_are():
    model = make()
    transfer.freeze(model, "encoder")
    compile_(model, keras.optimizers.SGD(1e-6, use_ema=True, ema_momentum=0.9))
    fit(model)
    before = np.array(model.get_layer("conv_net").get_layer("conv_1").kernel)
    transfer.unfreeze(model, "encoder")
    fit(model)  # at its end, the means become the weights
    np.testing.assert_allclose(model.get_layer("conv_net").get_layer("conv_1").kernel, before, atol=1e-4)


@pytest.mark.parametrize(
    "change", [lambda model: transfer.freeze(model, "conv_1"), lambda model: transfer.lora(model, 2)]
)
def test_replicas_train_as_one_after_a_change_outside_the_scope(two_replicas, change):
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = transfer.classifier(encoders.conv_net(SHAPE, filters=(4, 4), normalize=False), 3)
            compile_(model, keras.optimizers.Adam(0.01), run_eagerly=False, jit_compile=False)
        change(model)
        model.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        found.append(model)
    for a, b in zip(*(model.weights for model in found)):
        for of_replica in two_replicas.experimental_local_results(b.value):
            np.testing.assert_allclose(of_replica, a, atol=1e-5)


def test_what_has_two_optimizers_is_frozen_before_it_is_compiled():
    objective = objectives.BiGAN(encoders.conv_net(SHAPE, filters=(4,)))
    transfer.freeze(objective, "encoder")
    objective.compile("adam", "sgd")
    with pytest.raises(UserError, match="before `compile`"):
        transfer.unfreeze(objective, "encoder")
    assert not objective.encoder.trainable


def test_no_layers_are_a_clear_error():
    with pytest.raises(UserError, match="an empty list"):
        transfer.freeze(make(), [])


def test_labels_may_be_missing_and_are_checked_then_too():
    model = make(compiled=True, loss=losses.WhereKnown("sparse_categorical_crossentropy"))
    model.fit(X, np.where(Y == 2, -1, Y), verbose=0)
    with pytest.raises(UserError, match=r"in 0\.\.2"):
        model.fit(X, Y + 1, verbose=0)
    with pytest.raises(UserError, match="at least one label"):
        model.fit(X, np.full(len(X), -1), verbose=0)


def test_loss_metrics_and_other_arguments_are_the_same_after_compiling_again():
    def loss(y, p):
        return 2.0 * keras.losses.sparse_categorical_crossentropy(y, p)

    metric = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top_2")
    model = make(compiled=True, loss=loss, metrics=["accuracy", metric], jit_compile=False)
    before = model.evaluate(X, Y, verbose=0, return_dict=True)
    transfer.freeze(model, "encoder")
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == before
    assert set(before) == {"loss", "accuracy", "top_2"}
    assert model.loss is loss
    assert model.run_eagerly
    assert model.jit_compile is False


def test_a_learning_rate_needs_a_compiled_model():
    model = make()
    transfer.freeze(model, "encoder")
    with pytest.raises(UserError, match=r"compiled model.*compile"):
        transfer.unfreeze(model, "encoder", learning_rate=1e-4)
    assert not any(flags(model).values())


# ---- the linear probe ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_softmax_layer_predicts_what_logistic_regression_predicts(classes):
    from sklearn.linear_model import LogisticRegression

    model = make(classes=classes)
    labels = np.arange(16) % classes
    h = np.array(model.get_layer("conv_net")(X), "float64")
    transfer.start_from_probe(model, X, labels)
    fitted = transfer.fit_linear(h, labels)
    np.testing.assert_allclose(model(X), fitted.predict_proba(h), atol=1e-5)
    centered = h - h.mean(axis=0)
    scaled = 4 * centered / np.sqrt((centered**2).sum(axis=1).mean())
    independent = LogisticRegression(C=1.0, max_iter=1000).fit(scaled, labels)
    np.testing.assert_allclose(model(X), independent.predict_proba(scaled), atol=1e-3)
    assert np.array(model(X)).std() > 1e-3


def test_classes_without_a_label_get_no_weight():
    model = make(classes=4)
    transfer.start_from_probe(model, X, np.array([1, 3] * 8))
    kernel, bias = model.get_layer("probabilities").get_weights()
    assert (kernel[:, [0, 2]] == 0).all()
    assert (bias[[0, 2]] == 0).all()
    np.testing.assert_allclose(kernel[:, 1], -kernel[:, 3])
    assert np.abs(kernel[:, 1]).max() > 0


def test_the_probe_does_not_depend_on_the_scale_of_the_features():
    h = np.random.default_rng(0).normal(size=(30, 4))
    labels = (h[:, 0] > 0).astype(int)
    small, large = transfer.fit_linear(h, labels), transfer.fit_linear(1e3 * h, labels)
    np.testing.assert_allclose(small.predict_proba(h), large.predict_proba(1e3 * h), atol=1e-6)


def test_the_probe_does_not_depend_on_the_mean_of_the_features():
    h = np.random.default_rng(0).normal(size=(30, 4))
    labels = (h[:, 0] > 0).astype(int) + (h[:, 1] > 0)
    offset = np.array([100.0, -50.0, 0.0, 7.0])
    there, elsewhere = transfer.fit_linear(h, labels), transfer.fit_linear(h + offset, labels)
    np.testing.assert_allclose(elsewhere.predict_proba(h + offset), there.predict_proba(h), atol=1e-6)
    assert np.abs(there.predict_proba(h + offset) - there.predict_proba(h)).max() > 0.1


def test_predict_in_batches_is_predict():
    model = make()
    p = networks.predict_in_batches(model, X, batch_size=5)
    assert p.dtype == "float32"
    np.testing.assert_allclose(p, model.predict(X, verbose=0), atol=1e-6)


# ---- fine-tuning -----------------------------------------------------------------------------------------------------


def test_fine_tuning_starts_anew_each_time_and_leaves_the_encoder_alone():
    encoder = encoders.conv_net(SHAPE, filters=(4, 8))
    before = values(encoder)
    tuning = transfer.FineTuning(encoder, classes=3, steps=4, batch_size=8)
    steps = []
    results = []
    for seed in (0, 1, 0):
        tuning.fit(encoder.get_weights(), X, Y, learning_rate=1e-2, seed=seed, after_step=steps.append)
        results.append([np.array(w) for w in (*tuning.model.weights, *tuning.optimizer.variables)])
    for first, third in zip(results[0], results[2]):
        np.testing.assert_array_equal(first, third)
    assert any(not np.array_equal(a, b) for a, b in zip(results[0], results[1]))
    assert steps == [1, 2, 3, 4] * 3
    assert int(tuning.optimizer.iterations) == 4
    assert moved(before, encoder) == []
    tuning.fit(encoder.get_weights(), X, Y, learning_rate=1e-2, seed=0, head="random")
    assert not np.array_equal(np.array(tuning.model.weights[0]), results[0][0])


def test_fine_tuning_in_half_precision_starts_anew_too():
    keras.config.set_dtype_policy("mixed_float16")
    encoder = two_convolutions()
    tuning, found = transfer.FineTuning(encoder, 3, steps=2), []
    for _ in range(2):
        tuning.model.optimizer.dynamic_scale.assign(2.0)
        tuning.fit(encoder.get_weights(), X, Y, head="random")
        found.append([float(tuning.model.optimizer.dynamic_scale), *tuning.model.get_weights()])
        assert found[-1][0] > 2
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_fine_tuning_normalizes_pixels_as_the_encoder_that_it_starts_from():
    def adapted(stretch):
        pixels = keras.layers.Normalization()
        pixels.adapt(stretch * X)
        return keras.Sequential([keras.Input(SHAPE), pixels, two_convolutions()])

    one, other = adapted(1.0), adapted(5.0)
    tuning = transfer.FineTuning(one, classes=3, steps=3, batch_size=8)
    for encoder in (one, other):
        tuning.fit(encoder.get_weights(), X, Y)
        np.testing.assert_array_equal(tuning.encoder.layers[0](X), encoder.layers[0](X))
        alone = transfer.FineTuning(encoder, classes=3, steps=3, batch_size=8)
        alone.fit(encoder.get_weights(), X, Y)
        for a, b in zip(tuning.model.get_weights(), alone.model.get_weights()):
            np.testing.assert_allclose(a, b, atol=1e-6)
        np.testing.assert_allclose(tuning.model.predict(X, verbose=0), alone.model(X), atol=1e-5)
    compiled = tuning.model.train_function
    tuning.fit(other.get_weights(), X, Y, seed=1)  # of the same statistics, nothing is compiled again
    assert tuning.model.train_function is compiled
    tuning.fit(one.get_weights(), X, Y)
    assert tuning.model.train_function is not compiled


def test_fine_tune_gives_a_compiled_classifier_that_fits_its_labels():
    encoder = two_convolutions()
    before = values(encoder)
    model = transfer.fine_tune(encoder, X, np.arange(16) % 2, classes=2, steps=40, learning_rate=1e-2)
    assert moved(before, encoder) == []
    assert model.get_layer("conv_net") is not encoder
    assert (np.array(model(X)).argmax(axis=1) == np.arange(16) % 2).mean() > 0.9
    assert model.evaluate(X, np.arange(16) % 2, verbose=0) < 0.5


def test_files_are_read_batch_by_batch_and_give_the_same_classifier():
    stored = np.round(255 * images(300, 0)).astype("uint8")
    labels, read = np.arange(300) % 3, []

    class Counted(data.Files):
        def rows(self, indices):
            read.append(len(indices))
            return super().rows(indices)

    source = data.Source(Counted(np.arange(300), lambda k: stored[k]), labels, 3, kinds="image")
    encoder = two_convolutions()
    expected = transfer.fine_tune(encoder, stored / np.float32(255), labels, 3, steps=2)
    found = transfer.fine_tune(encoder, source, labels, 3, steps=2)
    assert max(read) == 256
    assert read[-2:] == [32, 32]
    for one, other in zip(found.get_weights(), expected.get_weights()):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(UserError, match=r"image.*\(n, 8, 8, 1\)|shape"):
        transfer.fine_tune(encoder, data.from_arrays(np.zeros((4, 5, 5, 3), "uint8")), np.arange(4) % 2, 2)


def test_no_steps_are_a_clear_error():
    with pytest.raises(UserError, match="steps as a whole number at least 1"):
        transfer.FineTuning(two_convolutions(), 3, steps=0)


def test_fine_tuning_trains_a_frozen_encoder_too():
    model = make()
    transfer.freeze(model, "encoder")
    encoder = model.layers[1]
    images, labels = np.random.default_rng(0).random((12, 8, 8, 1), "float32"), np.arange(12) % 3
    tuned = transfer.fine_tune(encoder, images, labels, classes=3, steps=1).layers[1]
    assert not all(np.array_equal(a, b) for a, b in zip(encoder.get_weights(), tuned.get_weights()))
    assert not encoder.trainable_weights


def test_unfreezing_twice_keeps_what_was_frozen_for_its_own_sake():
    model = make()
    transfer.freeze(model, "conv_1")
    transfer.freeze(model, "encoder")
    for _ in range(2):
        transfer.unfreeze(model, "encoder")
        assert [name for name, trains in flags(model).items() if not trains] == ["conv_1"]


def test_a_learning_rate_replaces_a_schedule():
    model = make()
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 10)), "sparse_categorical_crossentropy"
    )
    transfer.freeze(model, "encoder")
    transfer.unfreeze(model, "encoder", learning_rate=1e-4)
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-4)
