"""What a subclass of `Objective`, and a call of its `fit`, may rely on."""

import inspect

import keras
import numpy as np
import pytest
from cases import convolutional, dense, images, pairs
from keras import ops

from keras_ssl import objectives
from keras_ssl.errors import UserError

N = 8


@keras.saving.register_keras_serializable("tests")
class LateTerms(objectives.Objective):
    """Sets its terms after `super().__init__`, because they depend on an argument."""

    def __init__(self, encoder, parts=2, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        self.parts = parts
        self.terms = ("loss", *(f"part_{k}" for k in range(parts)))

    def forward_pass(self, batch, training):
        return {"h": self.encoder(batch["input"], training=training)}

    def loss_terms(self, outputs):
        parts = [ops.mean(outputs["h"] ** (2 + 2 * k)) for k in range(self.parts)]
        return {"loss": sum(parts), **{f"part_{k}": part for k, part in enumerate(parts)}}


@keras.saving.register_keras_serializable("tests")
class EarlyTerms(LateTerms):
    """Sets its terms before the constructor of `Objective`."""

    def __init__(self, encoder, parts=2, seed=0, **kwargs):
        self.terms = ("loss", *(f"part_{k}" for k in range(parts)))
        objectives.Objective.__init__(self, encoder, seed=seed, **kwargs)
        self.parts = parts


def compiled(objective):
    objective.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    return objective


def evaluated(objective):
    return objective.evaluate(images(N, 1), batch_size=N, return_dict=True, verbose=0)


# ---- terms -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [LateTerms, EarlyTerms])
def test_terms_that_depend_on_arguments_are_logged(kind):
    objective = compiled(kind(dense(), parts=3))
    history = objective.fit(images(N, 0), batch_size=N, epochs=2, verbose=0).history
    assert set(history) == {"loss", "part_0", "part_1", "part_2"}
    assert history["loss"][0] == pytest.approx(sum(history[f"part_{k}"][0] for k in range(3)), rel=1e-5)
    assert history["loss"][1] < history["loss"][0]


def test_evaluate_needs_no_fit():
    assert set(evaluated(compiled(LateTerms(dense())))) == {"loss", "part_0", "part_1"}


@pytest.mark.parametrize("kind", [LateTerms, EarlyTerms])
def test_terms_that_depend_on_arguments_survive_saving(kind, tmp_path):
    objective = compiled(kind(dense(), parts=3))
    objective.fit(images(N, 0), batch_size=N, verbose=0)
    objective.save(tmp_path / "objective.keras")
    expected = evaluated(objective)
    loaded = keras.saving.load_model(tmp_path / "objective.keras")
    assert evaluated(loaded) == pytest.approx(expected, rel=1e-6)
    for model in (objective, loaded):
        model.fit(images(N, 2), batch_size=N, verbose=0)
    assert evaluated(loaded) == pytest.approx(evaluated(objective), rel=1e-6)


@pytest.mark.parametrize("kind", [LateTerms, objectives.SimCLR])
def test_a_model_loaded_without_compiling_can_be_compiled(kind, tmp_path):
    batch = pairs(N, 0) if kind is objectives.SimCLR else images(N, 0)
    objective = compiled(kind(convolutional()))
    objective.fit(batch, batch_size=N, verbose=0)
    objective.save(tmp_path / "objective.keras")
    loaded = keras.saving.load_model(tmp_path / "objective.keras", compile=False)
    assert loaded.metrics == []
    logs = [model.evaluate(batch, batch_size=N, return_dict=True, verbose=0) for model in (objective, compiled(loaded))]
    assert logs[1] == pytest.approx(logs[0], rel=1e-6)
    assert set(loaded.fit(batch, batch_size=N, verbose=0).history) == set(objective.terms)


def test_compiling_again_logs_each_term_once():
    objective = compiled(compiled(LateTerms(dense())))
    assert [tracker.name for tracker in objective.metrics] == ["loss", "part_0", "part_1"]
    objective.terms = ("loss",)
    assert [tracker.name for tracker in compiled(objective).metrics] == ["loss"]


# ---- fit -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", objectives.__all__)
def test_fit_has_the_signature_of_keras(name):
    assert inspect.signature(getattr(objectives, name).fit) == inspect.signature(keras.Model.fit)


def test_positional_arguments_of_fit_are_used_and_checked():
    objective = compiled(objectives.Autoencoder(dense()))
    history = objective.fit(images(N, 0), None, 4, 2, 0).history  # x, y, batch_size, epochs, verbose
    assert len(history["loss"]) == 2
    assert int(objective.step) == 4
    with pytest.raises(UserError, match="at least one epoch"):
        objective.fit(images(N, 0), None, 4, 0)
    with pytest.raises(UserError, match="divide by 255"):
        objective.fit(255 * images(N, 0), None, 4, 2)
    with pytest.raises(UserError, match="at least 2 samples"):
        compiled(objectives.SimCLR(dense())).fit(pairs(N, 0), None, 1)
    with pytest.raises(TypeError, match="learning_rate"):
        objective.fit(images(N, 0), learning_rate=0.1)
    assert int(objective.step) == 4


class Dataset(keras.utils.PyDataset):
    """Five batches; records the order in which they are read."""

    def __init__(self):
        super().__init__()
        self.order = []

    def __len__(self):
        return 5

    def __getitem__(self, index):
        self.order.append(index)
        return {"input": images(N, index)}


@pytest.mark.parametrize("shuffle", [None, True])
def test_data_sets_keep_their_order_unless_asked(shuffle):
    keras.utils.set_random_seed(1)
    objective, dataset = compiled(objectives.Autoencoder(dense())), Dataset()
    options = {} if shuffle is None else {"shuffle": shuffle}
    objective.fit(dataset, epochs=2, verbose=0, **options)
    order = dataset.order[-10:]
    assert sorted(order) == sorted([*range(5)] * 2)
    assert (order == [*range(5)] * 2) == (shuffle is None)
    assert int(objective.step) == 10


TARGETS = {
    "y": {"y": images(N, 1)},
    "labels": {"y": range(N)},
    "sample_weight": {"sample_weight": [0.5] * N},
    "class_weight": {"class_weight": {0: 0.5}},
}


@pytest.mark.parametrize("which", TARGETS)
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_targets_and_weights_are_refused_not_dropped(method, which):
    objective = compiled(objectives.DenoisingAutoencoder(dense()))
    arguments = {name: ops.convert_to_numpy(v) if name != "class_weight" else v for name, v in TARGETS[which].items()}
    if set(arguments) - set(inspect.signature(getattr(keras.Model, method)).parameters):
        pytest.skip("Keras's method has no such argument")
    with pytest.raises(UserError, match=rf"x alone for Denoising.*Received {next(iter(arguments))}.*'corrupted'"):
        getattr(objective, method)(images(N, 0), **arguments)
    assert int(objective.step) == 0


def test_targets_in_data_sets_are_refused_but_labels_are_left_alone():
    objective = compiled(objectives.Autoencoder(dense()))
    x, labels = images(N, 0), np.arange(N)
    for more in ((images(N, 1),), (labels, np.ones(N))):
        with pytest.raises(UserError, match=r"x alone for Autoencoder"):
            objective.fit(iter([(x, *more)]), verbose=0)
        with pytest.raises(UserError, match=r"x alone for Autoencoder"):
            objective.fit(x, validation_data=(x, *more), verbose=0)
    objective.fit(iter([(x, labels)]), verbose=0)
    assert int(objective.step) == 1
