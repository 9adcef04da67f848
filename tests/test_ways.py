"""The ways to fine-tune: LoRA, BitFit, layer-wise decay, L2-SP, gradual unfreezing, prototypes, neighbors; by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, images, two_convolutions

from keras_ssl import callbacks, encoders, export, names, optimizers, transfer
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, has_low_rank

X, Y = images(12, 0), np.arange(12) % 3
LOSS = "sparse_categorical_crossentropy"


def vit():
    return encoders.vit(SHAPE, patch=4, width=8, depth=2, heads=2)


def make(encoder=None, optimizer=None):
    keras.utils.set_random_seed(0)
    model = transfer.classifier(encoder or two_convolutions(), 3)
    if optimizer:
        model.compile(optimizer, LOSS, run_eagerly=True)
    return model


def train(model, steps=1):
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return model


def values(model):
    return {id(v): np.array(v) for v in model.variables}


def moved(model, before):
    return {v.path for v in model.variables if id(v) in before and not np.array_equal(before[id(v)], v)}


def probabilities(model, x=X):
    return np.array(model(x, training=False))


# ---- blocks and rates ------------------------------------------------------------------------------------------------


def test_blocks_go_from_the_input_to_the_representation():
    def named(encoder):
        return [[layer.name for layer in block] for block in transfer.blocks(encoder)]

    assert named(two_convolutions()) == [["conv_1", "norm_1"], ["conv_2", "norm_2"]]
    first, one, two = named(vit())
    assert all(name.startswith("block_1_") for name in one)
    assert two[0].startswith("block_2_")
    assert two[-1] == "norm"  # it has no number, so it belongs to the block before
    assert not any(name.startswith("block") for name in first)
    resnet = named(encoders.resnet18(SHAPE, width=4))
    assert resnet[0] == ["stem_conv", "stem_norm"]
    assert len(resnet) == 9
    assert all(name.startswith("stage_1_block_2_") for name in resnet[2])
    with pytest.raises(UserError, match="without any"):
        transfer.blocks(keras.Sequential([keras.Input((4,)), keras.layers.ReLU()]))


def test_rates_decay_by_block_and_are_one_in_the_head():
    model = make()
    rates = transfer.layer_rates(model, 0.5)
    by_layer = {path.split("/")[-2]: rate for path, rate in rates.items()}
    assert by_layer == {"conv_1": 0.25, "norm_1": 0.25, "conv_2": 0.5, "norm_2": 0.5, "probabilities": 1.0}
    with pytest.raises(UserError, match="one nested encoder"):
        transfer.layer_rates(two_convolutions())


def test_a_factor_scales_the_step_and_the_decay_of_its_variable():
    one, other = (keras.Variable(np.full((2, 2), 4.0, "float32"), name=name) for name in ("one", "other"))
    optimizer = optimizers.AdamW(0.1, weight_decay=0.5, rate_factors={one.path: 0.25})
    optimizer.apply([keras.ops.ones((2, 2))] * 2, [one, other])
    # the decay `4 · 0.5 · 0.1` and Adam's first step of 0.1, both times the factor
    np.testing.assert_allclose(one, 4 - 0.25 * (0.2 + 0.1), atol=1e-5)
    np.testing.assert_allclose(other, 4 - (0.2 + 0.1), atol=1e-5)
    assert optimizer.weight_decay == 0.5
    with pytest.raises(UserError, match="none of them"):
        optimizers.AdamW(0.1, rate_factors={"elsewhere": 0.5}).build([one])
    with pytest.raises(UserError, match="factor of 'one'"):
        optimizers.AdamW(0.1, rate_factors={"one": -1.0})


def test_factors_survive_a_file_and_freezing(tmp_path):
    model = make()
    model.compile(optimizers.AdamW(0.01, rate_factors=transfer.layer_rates(model, 0.1)), LOSS)
    train(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, loaded):
        train(one, 2)
    for a, b in zip(model.get_weights(), loaded.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)
    transfer.freeze(model, "conv_1")
    factors = sorted(set(model.optimizer._factors.values()))
    np.testing.assert_allclose(factors, [0.01, 0.1, 1.0])  # those of norm_1, the second block and the head


def test_two_replicas_scale_as_one_device(two_replicas):
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = transfer.classifier(encoders.conv_net(SHAPE, filters=(4,), normalize=False), 3)
            model.compile(optimizers.AdamW(0.01, 0.1, transfer.layer_rates(model, 0.3)), LOSS)
        model.fit(X, Y, batch_size=12, epochs=2, shuffle=False, verbose=0)
        found.append(model.get_weights())
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, atol=1e-5)


# ---- LoRA and BitFit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [vit, two_convolutions])
def test_lora_changes_nothing_at_first_and_trains_products_and_the_head_only(encoder):
    model = make(encoder(), keras.optimizers.Adam(0.01))
    train(model)  # an optimizer that knew the kernels must not go on training them
    before, plain = probabilities(model), values(model)
    found = transfer.lora(model, rank=2, alpha=6)
    np.testing.assert_allclose(probabilities(model), before, atol=1e-6)
    assert found.trainable_parameters < found.parameters / 2
    transfer.freeze(model, "encoder")
    transfer.unfreeze(model, "encoder")
    train(model, 3)
    assert {path.split("/")[-2] for path in moved(model, plain)} == {"probabilities"}
    assert np.abs(probabilities(model) - before).max() > 1e-3
    layer = next(layer for layer in all_layers(model) if has_low_rank(layer))
    product = np.array(layer.lora_kernel_a) @ np.array(layer.lora_kernel_b)
    np.testing.assert_allclose(layer.kernel, np.array(layer._kernel) + 6 / 2 * product, atol=1e-6)


def test_merged_kernels_have_the_outputs_and_the_weights_of_before(tmp_path):
    encoder = vit()
    count = encoder.count_params()
    model = make(encoder, keras.optimizers.Adam(0.01))
    transfer.lora(model, rank=2, alpha=6)
    train(model, 2)
    merged = transfer.merge_lora(model)
    np.testing.assert_allclose(probabilities(merged), probabilities(model), atol=1e-6)
    assert merged.layers[1].count_params() == count
    assert not any(map(has_low_rank, all_layers(merged)))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(probabilities(loaded), probabilities(model), atol=1e-6)


def test_lora_resumes_exactly(tmp_path):
    def fitted(epochs, folder=None):
        model = make(vit())
        transfer.lora(model, rank=2, alpha=6)
        model.compile(keras.optimizers.Adam(0.01), LOSS)
        following = [callbacks.Resume(folder, model)] if folder else []
        model.fit(X, Y, batch_size=12, epochs=epochs, shuffle=False, verbose=0, callbacks=following)
        return model.get_weights()

    fitted(1, tmp_path / "run")
    for a, b in zip(fitted(3, tmp_path / "run"), fitted(3)):
        np.testing.assert_array_equal(a, b)


def test_lora_is_merged_where_it_is_deployed(tmp_path):
    model = make(optimizer=keras.optimizers.Adam(0.01))
    transfer.lora(model, rank=1)
    train(model)
    version = export.deploy(model, tmp_path, samples=X)
    import onnx

    held = {len(tensor.dims) for tensor in onnx.load(version / "model.onnx").graph.initializer if 1 in tensor.dims[-1:]}
    assert 4 not in held  # no kernel with one output, as the first of a product has


def test_lora_refuses_what_cannot_be():
    model = make()
    with pytest.raises(UserError, match=r"choose among: .*conv_1"):
        transfer.lora(model, layers="conv_9")
    with pytest.raises(UserError, match="without any"):
        transfer.lora(model, layers="relu_1")
    transfer.lora(model)
    with pytest.raises(UserError, match="conv_1, conv_2 with it"):
        transfer.lora(model)


def test_bitfit_moves_biases_and_the_head_only():
    model = make(vit(), keras.optimizers.Adam(0.01))
    before = values(model)
    transfer.bitfit(model)
    train(model, 2)
    inside = {path for path in moved(model, before) if "probabilities" not in path}
    assert inside
    assert {path.split("/")[-1] for path in inside} <= {"bias", "beta"}
    with pytest.raises(UserError, match="layers with a bias"):
        transfer.bitfit(make(), "conv_*")  # followed by batch normalization, they have none


# ---- penalties -------------------------------------------------------------------------------------------------------


def test_l2_sp_is_half_the_squared_distance_from_the_start():
    model = make(optimizer=keras.optimizers.SGD(0.1))
    transfer.regularize(model, transfer.L2SP(3.0))
    assert float(sum(model.losses)) == 0
    kernel = model.layers[1].get_layer("conv_2").kernel
    kernel.assign_add(keras.ops.ones(kernel.shape))
    np.testing.assert_allclose(float(sum(model.losses)), 1.5 * np.prod(kernel.shape), rtol=1e-5)
    plain = make(optimizer=keras.optimizers.SGD(0.1))
    plain.set_weights(model.get_weights())
    difference = model.test_on_batch(X, Y) - plain.test_on_batch(X, Y)
    np.testing.assert_allclose(difference, 1.5 * np.prod(kernel.shape), rtol=1e-4)


def test_weights_stay_nearer_the_start_the_stronger_it_is():
    def distance(penalty):
        model = make(optimizer=keras.optimizers.SGD(0.05))
        start = model.layers[1].get_weights()
        if penalty:
            transfer.regularize(model, penalty)
        train(model, 10)
        return np.sqrt(sum(np.square(a - b).sum() for a, b in zip(start[:2], model.layers[1].get_weights()[:2])))

    free, near, nearer = (distance(penalty) for penalty in (None, transfer.L2SP(1.0), transfer.L2SP(10.0)))
    assert nearer < near < free


def test_penalties_of_keras_are_of_kernels_and_others_are_refused():
    model = make()
    transfer.regularize(model, keras.regularizers.L2(0.5))
    kernels = [v for v in model.layers[1].trainable_variables if v.path.endswith("kernel")]
    np.testing.assert_allclose(float(sum(model.losses)), sum(0.5 * np.square(v).sum() for v in kernels), rtol=1e-5)
    with pytest.raises(UserError, match="L2SP"):
        transfer.regularize(model, 0.1)


# ---- gradual unfreezing ----------------------------------------------------------------------------------------------


def test_blocks_begin_to_train_one_after_the_other():
    model = make()
    model.compile(keras.optimizers.Adam(0.01), LOSS)
    found, last = [], [values(model)]

    def look(epoch, logs):
        found.append({path.split("/")[-2] for path in moved(model, last[-1])})
        last.append(values(model))

    looking = keras.callbacks.LambdaCallback(on_epoch_end=look)
    model.fit(X, Y, batch_size=6, epochs=5, verbose=0, callbacks=[transfer.GradualUnfreezing(every=2), looking])
    head, second = {"probabilities"}, {"conv_2", "norm_2"}
    assert found == [head, head, head | second, head | second, head | second | {"conv_1", "norm_1"}]
    assert int(model.optimizer.iterations) == 10
    with pytest.raises(UserError, match="every"):
        transfer.GradualUnfreezing(0)


# ---- one to five labels ----------------------------------------------------------------------------------------------


def test_prototypes_choose_the_nearest_mean():
    model = make()
    transfer.start_from_prototypes(model, X, Y)
    h = np.array(model.layers[1](X))
    means = np.stack([h[k == Y].mean(axis=0) for k in range(3)])
    new = images(30, 1)
    distances = np.square(np.array(model.layers[1](new))[:, None] - means).sum(axis=-1)
    np.testing.assert_array_equal(probabilities(model, new).argmax(-1), distances.argmin(-1))
    # log-odds are differences of squared distances, over their mean within classes
    logits = np.log(probabilities(model, new))
    spread = np.square(h - means[Y]).sum(axis=1).mean()
    np.testing.assert_allclose(logits - logits[:, :1], (distances[:, :1] - distances) / spread, atol=1e-3)
    transfer.start_from_prototypes(model, X[:3], Y[:3])  # one of each class
    assert np.isfinite(probabilities(model)).all()
    with pytest.raises(UserError, match="none of class 2"):
        transfer.start_from_prototypes(model, X[:2], Y[:2])


def test_neighbors_are_those_of_scikit_learn(tmp_path):
    from sklearn.neighbors import KNeighborsClassifier

    encoder, new = two_convolutions(), images(20, 1)
    model = transfer.knn_classifier(encoder, X, Y, 3, k=4)
    reference = KNeighborsClassifier(4, metric="cosine").fit(np.array(encoder(X)), Y)
    np.testing.assert_allclose(probabilities(model, new), reference.predict_proba(np.array(encoder(new))), atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(probabilities(loaded, new), probabilities(model, new), atol=1e-6)
    with pytest.raises(UserError, match="k"):
        transfer.knn_classifier(encoder, X, Y, 3, k=13)


# ---- by name ---------------------------------------------------------------------------------------------------------


def test_the_command_line_knows_all_ways():
    assert set(names.WAYS) == set(transfer.WAYS)
    for wrong in ("lroa", 3):
        with pytest.raises(UserError, match="lora"):
            transfer.prepared(two_convolutions(), X, Y, 3, way=wrong)
    for options, message in (
        ({"head": "knn"}, "a head among"),
        ({"trains": "some"}, "a trains among"),
        ({"rank": 0}, "rank"),
        ({"rank": 2, "trains": "head"}, "beside `rank`"),
        ({"layer_decay": 0}, "layer_decay"),
        ({"l2_sp": -1}, "l2_sp"),
    ):
        with pytest.raises(UserError, match=message):
            transfer.Way(**options)
    assert repr(transfer.WAYS["lora"]) == "Way(rank=8, learning_rate=0.003)"


@pytest.mark.parametrize("way", transfer.WAYS)
def test_each_way_trains_and_starts_anew(way):
    encoder = encoders.conv_net(SHAPE, filters=(4,), normalize=False)
    start = encoder.get_weights()
    tuning = transfer.FineTuning(encoder, classes=3, steps=2, batch_size=6, way=way)
    tuning.model.run_eagerly = True
    found = []
    for weights in (start, [2 * w for w in start], start):
        tuning.fit(weights, X, Y, learning_rate=1e-2)
        found.append([np.array(v) for v in tuning.model.variables])
    for first, third in zip(found[0], found[2]):
        np.testing.assert_array_equal(first, third)
    base = [np.array(v) for v in tuning._base]
    still = transfer.WAYS[way].trains == "head" or way == "lora"
    assert np.array_equal(base[0], start[0]) == (still or way == "bitfit")
    model = transfer.prepared(encoder, X, Y, 3, way=way)
    assert model.compiled
    np.testing.assert_array_equal(encoder.get_weights()[0], start[0])


def test_a_mixture_of_ways_and_an_encoder_with_lora():
    model = make()
    transfer.lora(model, rank=1)
    train_once = transfer.fine_tune(model.layers[1], X, Y, 3, steps=1, way=transfer.Way(layer_decay=0.5, l2_sp=0.1))
    assert not any(map(has_low_rank, all_layers(train_once)))
    assert len(train_once.layers[1].weights) == len(two_convolutions().weights)
