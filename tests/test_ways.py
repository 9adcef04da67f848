"""The ways to fine-tune: LoRA, BitFit, layer-wise decay, L2-SP, gradual unfreezing, prototypes, neighbors; by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, images, two_convolutions

from keras_ssl import callbacks, encoders, export, losses, names, optimizers, transfer
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


@keras.saving.register_keras_serializable("test_ways")
class Block(keras.layers.Layer):
    """A layer that holds another, and has a weight of its own, as those of KerasHub."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(4, name="dense")

    def build(self, shape):
        self.dense.build(shape)
        self.scale = self.add_weight(name="scale", shape=(4,), initializer="ones")

    def call(self, x):
        return self.dense(x) * self.scale


def of_blocks(names=("layer_0", "layer_1")):
    x = inputs = keras.Input((4,), name="row")
    for name in names:
        x = Block(name=name)(x)
    return keras.Model(inputs, x, name="net")


def test_blocks_are_layers_that_hold_others_and_follow_names_that_keras_gives():
    assert [[layer.name for layer in block] for block in transfer.blocks(of_blocks())] == [["layer_0"], ["layer_1"]]
    names = ["conv2d", "batch_normalization", "conv2d_1", "batch_normalization_1", "conv2d_2"]
    x = inputs = keras.Input(SHAPE)
    for name in names:
        x = (keras.layers.Conv2D(2, 1, name=name) if "conv" in name else keras.layers.BatchNormalization(name=name))(x)
    found = [[layer.name for layer in block] for block in transfer.blocks(keras.Model(inputs, x))]
    assert found == [names[:2], names[2:4], names[4:]]
    # the second network of a process: numbers of normalizations are behind those of convolutions
    found = transfer.blocks(of_blocks(("dense_7", "norm_5", "dense_8", "norm_6", "dense_9", "norm_7")))
    assert [layer.name for block in found for layer in block][::5] == ["dense_7", "norm_7"]


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


def test_what_does_not_decay_is_remembered_by_the_optimizer_after_freezing():
    model = make()
    optimizer = optimizers.AdamW(0.1, weight_decay=0.5)
    head = model.layers[-1].kernel
    optimizer.exclude_from_weight_decay(var_list=[head])
    model.compile(optimizer, LOSS)
    transfer.freeze(model, "encoder")
    before = np.array(head)
    model.optimizer.apply([keras.ops.zeros(head.shape), keras.ops.zeros((3,))], model.trainable_variables)
    np.testing.assert_array_equal(head, before)


def test_factors_survive_a_file_and_freezing(tmp_path):
    model = make()
    model.compile(optimizers.AdamW(0.01, rate_factors=transfer.layer_rates(model, 0.1, unfreeze_every=1)), LOSS)
    model.run_eagerly = True
    train(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    loaded.run_eagerly = True
    for one in (model, loaded):
        train(one, 2)
    for a, b in zip(model.get_weights(), loaded.get_weights()):
        np.testing.assert_allclose(a, b, atol=1e-6)
    transfer.freeze(model, "conv_1")
    rates = sorted({model.optimizer.rate_of(variable) for variable in model.trainable_variables})
    np.testing.assert_allclose(rates, [1e-4, 1e-3, 1e-2], rtol=1e-6)  # those of norm_1, the second block and the head


def test_two_replicas_scale_as_one_device(two_replicas):
    found = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = transfer.classifier(encoders.conv_net(SHAPE, filters=(4,), normalize=False), 3)
            model.compile(optimizers.AdamW(0.01, 0.1, transfer.layer_rates(model, 0.3, 1)), LOSS, jit_compile=False)
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
        model = make(encoders.mlp(SHAPE, (6,)))
        transfer.lora(model, rank=2, alpha=6)
        model.compile(keras.optimizers.Adam(0.01), LOSS, run_eagerly=True)
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


def test_kernels_under_a_product_never_train_whoever_freezes_and_in_whatever_model():
    encoder = two_convolutions()
    model = make(encoder)
    transfer.lora(model, layers=["encoder", "conv_1"])  # each layer once
    encoder.trainable = False
    other = transfer.replace_head(model, transfer.classifier, classes=2)
    for one in (model, other):
        transfer.freeze(one, "encoder")
        transfer.unfreeze(one, "encoder")
        names = {variable.name for variable in one.get_layer("conv_net").trainable_variables}
        assert {"lora_kernel_a", "lora_kernel_b"} <= names
        assert not {"kernel", "bias"} & names


def test_biases_alone_train_in_another_model_too():
    model = make(vit())
    transfer.bitfit(model)
    wanted = {variable.path for variable in model.get_layer("vit").trainable_variables}
    other = transfer.replace_head(model, transfer.classifier, classes=2)
    transfer.freeze(other, "encoder")
    transfer.unfreeze(other, "encoder")
    assert {variable.path for variable in other.get_layer("vit").trainable_variables} == wanted


def test_lora_refuses_what_cannot_be():
    model = make()
    with pytest.raises(UserError, match=r"choose among: .*conv_1"):
        transfer.lora(model, layers="conv_9")
    with pytest.raises(UserError, match="without any"):
        transfer.lora(model, layers="relu_1")
    transfer.lora(model)
    with pytest.raises(UserError, match="conv_1, conv_2 with it"):
        transfer.lora(model)
    with pytest.raises(UserError, match="merge it first"):
        transfer.bitfit(model)
    layer = keras.layers.Dense(4, kernel_constraint="non_neg", name="bound")
    bound = keras.Sequential([keras.Input((3,)), layer])
    with pytest.raises(UserError, match="bound with one"):
        transfer.lora(transfer.classifier(bound, 2))
    assert layer.kernel.trainable


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


def test_layers_that_hold_others_are_merged_and_train_biases_or_products_only():
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    for change, wanted in ((transfer.bitfit, "bias"), (transfer.lora, "lora_kernel_b")):
        model = transfer.classifier(of_blocks(), 3)
        change(model)
        model.compile(keras.optimizers.SGD(0.1), LOSS, run_eagerly=True)
        before = values(model)
        model.train_on_batch(x, Y)
        inside = {path.split("/")[-1] for path in moved(model, before) if "probabilities" not in path}
        assert inside == {wanted}  # A waits for B, which starts at 0
    np.testing.assert_allclose(probabilities(transfer.merge_lora(model), x), probabilities(model, x), atol=1e-6)
    heads = {"a": model.layers[-1].__class__(2), "b": keras.layers.Dense(1)}
    several = transfer.multi_task(two_convolutions(), heads, "uncertainty")
    transfer.lora(several)
    merged = transfer.merge_lora(several)
    np.testing.assert_allclose(merged(X)["a"], several(X)["a"], atol=1e-6)


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


def test_penalties_add_up_and_one_of_the_same_class_is_replaced():
    layer = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L1(0.5), use_bias=False)
    model = transfer.classifier(keras.Sequential([keras.Input((3,)), layer]), 2)
    for strength in (9.0, 1.0):
        transfer.regularize(model, keras.regularizers.L2(strength))
        transfer.regularize(model, transfer.L2SP(strength))
    start = np.array(layer.kernel)
    layer.kernel.assign(start + 2)
    w = np.array(layer.kernel)
    expected = 0.5 * np.abs(w).sum() + np.square(w).sum() + 0.5 * np.square(w - start).sum()
    np.testing.assert_allclose(sum(model.losses), expected, rtol=1e-5)


def test_blocks_begin_to_train_one_after_the_other():
    model = make()
    factors = transfer.layer_rates(model, 0.5, unfreeze_every=2)
    model.compile(optimizers.AdamW(0.01, rate_factors=factors), LOSS, run_eagerly=True)
    found, rates = [], []
    for _ in range(5):
        shown = {row.path.split("/")[-1]: row.learning_rates for row in transfer.summary(model).layers}
        rates.append([shown[name][0] for name in ("conv_1", "norm_2", "probabilities")])
        before = values(model)
        train(model)
        found.append({path.split("/")[-2] for path in moved(model, before) if "moving" not in path})
    head, second = {"probabilities"}, {"conv_2", "norm_2"}
    assert found == [head, head, head | second, head | second, head | second | {"conv_1", "norm_1"}]
    np.testing.assert_allclose(rates, [[0, 0, 0.01]] * 2 + [[0, 0.005, 0.01]] * 2 + [[0.0025, 0.005, 0.01]], rtol=1e-6)
    with pytest.raises(UserError, match="unfreeze_every"):
        transfer.layer_rates(model, unfreeze_every=0)


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


def test_a_regressor_starts_as_ridge_regression_and_trains_in_a_way():
    from sklearn.linear_model import Ridge

    encoder, wanted = two_convolutions(), np.stack([X.mean(axis=(1, 2, 3)), 100 * X.max(axis=(1, 2, 3))], axis=1)
    wanted[:2, 1] = np.nan
    h = np.array(encoder(X), "float64")
    model = transfer.regressor(encoder, wanted)
    optimizer = transfer.Way(rank=2, layer_decay=0.5).apply(model, X, wanted)
    found = np.array(model(X))
    for k, known in enumerate(~np.isnan(wanted.T)):
        mean, std = wanted[known, k].mean(), wanted[known, k].std()
        centered = h - h[known].mean(axis=0)
        scaled = 4 * centered / np.sqrt(np.square(centered[known]).sum(axis=1).mean())
        reference = Ridge(1.0).fit(scaled[known], (wanted[known, k] - mean) / std)
        np.testing.assert_allclose(found[:, k], mean + std * reference.predict(scaled), rtol=1e-4)
    model.compile(optimizer, losses.WhereKnown(losses.Scaled("mse", np.nanstd(wanted, axis=0))), run_eagerly=True)
    before = values(model)
    model.train_on_batch(X, wanted)
    assert {path.split("/")[-1] for path in moved(model, before)} == {"lora_kernel_b", "kernel", "bias"}
    for way, y, message in (
        ("prototypes", wanted, "a classifier or a tagger"),
        ("linear_probe", wanted[:, :1], r"shape \(12, 2\)"),
        ("linear_probe", wanted[:3], r"shape \(12, 2\)"),
    ):
        with pytest.raises(UserError, match=message):
            transfer.WAYS[way].apply(model, X, y)
    with pytest.raises(UserError, match='head="random"'):
        transfer.WAYS["lp_ft"].apply(transfer.multi_label(encoder, 3), X, np.eye(3)[Y])


@pytest.mark.parametrize("way", ["linear_probe", "prototypes"])
def test_a_tagger_starts_from_the_frames_that_have_a_label(way):
    encoder = encoders.transformer(20, width=8, depth=1, heads=2)
    ids = 1 + np.random.default_rng(0).integers(0, 19, (8, 5)).astype("int32")
    tags = np.where(np.arange(5) < 3, ids % 3, -1)
    model = transfer.tagger(encoder, 3)
    optimizer = transfer.WAYS[way].apply(model, ids, tags)
    frames = np.array(model.layers[-2](ids))
    known = tags != -1
    rows = transfer.classifier(keras.Sequential([keras.Input((8,), name="row"), keras.layers.Identity()]), 3)
    transfer.WAYS[way].apply(rows, frames[known], tags[known])  # the same vectors, as samples
    np.testing.assert_allclose(np.array(model(ids))[known], rows(frames[known]), atol=1e-5)
    model.compile(optimizer, losses.WhereKnown(LOSS), run_eagerly=True)
    before = encoder.get_weights()
    model.fit(ids, tags, verbose=0)
    for a, b in zip(before, encoder.get_weights()):
        np.testing.assert_array_equal(a, b)


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
        ({"unfreeze_every": 0}, "unfreeze_every"),
        ({"trains": "head", "l2_sp": 0.1}, "of which something trains"),
    ):
        with pytest.raises(UserError, match=message):
            transfer.Way(**options)
    assert repr(transfer.WAYS["lora"]) == "Way(rank=4)"


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
    still = transfer.WAYS[way].trains == "head" or way in ("lora", "gradual")  # whose blocks wait for 20 steps
    assert np.array_equal(base[0], start[0]) == (still or way == "bitfit")
    model = transfer.prepared(encoder, X, Y, 3, way=way)
    assert model.compiled
    np.testing.assert_array_equal(encoder.get_weights()[0], start[0])


def test_fits_with_schedules_and_dropout_start_anew_too():
    encoder = encoders.mlp(SHAPE, (4,))
    dropped = keras.Model(encoder.input, keras.layers.Dropout(0.5)(encoder.output), name="dropped")
    tuning = transfer.FineTuning(dropped, classes=3, steps=3, batch_size=6)
    falling = keras.optimizers.schedules.PiecewiseConstantDecay([0], [1e-2, 0.0])  # one step only
    found = []
    for rate, seed in ((1e-2, 0), (falling, 0), (1e-2, 0), (1e-2, 1), (falling, 0)):
        tuning.fit(dropped.get_weights(), X, Y, learning_rate=rate, seed=seed)
        found.append(np.concatenate([w.ravel() for w in tuning.model.get_weights()]))
    constant, once, again, other, once_again = found
    np.testing.assert_array_equal(constant, again)
    np.testing.assert_array_equal(once, once_again)
    assert not np.array_equal(constant, once)
    assert not np.array_equal(constant, other)
    for arguments, message in (({"learning_rate": -1.0}, "learning_rate"), ({"head": "knn"}, "a head among")):
        with pytest.raises(UserError, match=message):
            tuning.fit(dropped.get_weights(), X, Y, **arguments)


def test_a_mixture_of_ways_and_an_encoder_with_lora():
    model = make()
    transfer.lora(model, rank=1)
    train_once = transfer.fine_tune(model.layers[1], X, Y, 3, steps=1, way=transfer.Way(layer_decay=0.5, l2_sp=0.1))
    assert not any(map(has_low_rank, all_layers(train_once)))
    assert len(train_once.layers[1].weights) == len(two_convolutions().weights)
