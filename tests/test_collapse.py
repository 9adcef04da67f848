"""The collapse doctor: planted collapses are named, healthy trainings left alone, and nothing else is changed."""

import json
import warnings

import keras
import numpy as np
import pytest
from cases import (
    CASES,
    SHAPE,
    any_size,
    convolutional,
    crops,
    each_mechanism,
    pairs,
    single,
    small_head,
    two_convolutions,
)
from quick import eagerly

from benchmarks import collapse
from keras_ssl import data, distribute, encoders, losses, objectives, views
from keras_ssl.callbacks import CollapseDoctor, CollapseWarning
from keras_ssl.errors import UserError

N = 64
PAIRS, CROPS = pairs(N, 0), crops(N, 0)
TWO_VIEWS = [case for case in CASES if "view_1" in case.batch(2, 0)]


def fitted(objective, doctor, batch=PAIRS, rate=0.0, epochs=3, others=()):
    """Train eagerly, which is quick for a few steps; with a rate of 0 moving statistics alone change."""
    objective.compile(keras.optimizers.SGD(rate), run_eagerly=True)
    return objective.fit(
        batch, batch_size=N, epochs=epochs, shuffle=False, callbacks=[*others, doctor], verbose=0
    ).history


def watched(objective, doctor, change, epochs=3):
    """Change weights once training has begun, and have the doctor look as after epochs; return the logs of each."""
    objective.compile("sgd")
    doctor.set_model(objective)
    doctor.on_train_begin()
    change(objective)
    logs = [{} for _ in range(epochs)]
    for epoch in range(epochs):
        doctor.on_epoch_end(epoch, logs[epoch])
    return logs


def heads(model):
    """The projector and, where there is one, the target network's."""
    return [model.projector, *(model.target.copies[1:] if hasattr(model, "target") else [])]


def to_one_point(model):
    """Whatever comes, each hidden unit says 1."""
    for layer in (layer for head in heads(model) for layer in head._flatten_layers()):
        if layer.name.startswith("norm"):
            layer.gamma.assign(0 * layer.gamma)
            layer.beta.assign(0 * layer.beta + 1)


def to_one_line(model):
    """The columns of the last kernel are equal but for their sign, and samples lie on both sides of 0."""
    layer = model.projector.get_layer("projection")
    hidden = keras.Model(model.projector.input, layer.input)(model.encoder(PAIRS["view_1"]))
    mean, column = (keras.ops.convert_to_numpy(x) for x in (keras.ops.mean(hidden, axis=0), layer.kernel[:, 0]))
    column = column - mean * (mean @ column) / (mean @ mean)
    layer.kernel.assign(np.outer(column, np.resize([1.0, -1.0], layer.kernel.shape[1])))


def to_one_prototype(model):
    """All samples come to one point, at the first prototype."""
    to_one_point(model)
    h = model.encoder(PAIRS["view_1"])[:1]
    if hasattr(model, "scores"):
        found = [(model.scores, model.projector)]
    else:
        found = [(head.get_layer("prototypes"), head.get_layer("bottleneck")) for head in heads(model)]
    for prototypes, projector in found:
        kernel = np.array(prototypes.kernel)
        kernel[:, 0] = np.ravel(projector(h))
        prototypes.kernel.assign(kernel)


def to_nothing(model):
    kernel = model.projector.get_layer("projection").kernel
    kernel.assign(0.01 * kernel)


# ---- what is found -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "change", "diagnosis", "words"),
    [
        (objectives.SimSiam, to_one_line, "few dimensions", ("stop-gradient", "predictor", "doctor_rank")),
        (objectives.BYOL, to_one_point, "one point", ("predictor", "target_momentum", "doctor_std")),
        (objectives.VICReg, to_nothing, "no scale", ("`variance` (25.0", "`invariance` (25.0", "doctor_scale")),
        (objectives.BarlowTwins, to_one_point, "one point", ("`redundancy` (0.005",)),
        (objectives.SimCLR, to_one_point, "one point", ("temperature",)),
        (objectives.MoCo, to_one_point, "one point", ("temperature", "target_momentum")),
        (objectives.NNCLR, to_one_line, "few dimensions", ("queue (4096",)),
        (objectives.SwAV, to_one_line, "few dimensions", ("`sharpness` is 0.05", "`iterations` is 3")),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_a_collapse_is_found_at_the_second_check_and_its_cause_is_the_objectives(objective, change, diagnosis, words):
    doctor = CollapseDoctor(PAIRS)
    with pytest.warns(CollapseWarning) as warned:
        watched(objective(convolutional()), doctor, change, epochs=4)
    assert doctor.findings[0][:2] == (2, diagnosis)
    assert len({finding.diagnosis for finding in doctor.findings}) == len(doctor.findings)  # once, at four checks
    ours = [warning.message for warning in warned if isinstance(warning.message, CollapseWarning)]
    assert [str(warning) for warning in ours] == [finding.message for finding in doctor.findings]
    for word in (objective.__name__, "after epoch 2", diagnosis, f"{doctor.findings[0].value:.3g}", *words):
        assert word in doctor.findings[0].message


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (
            lambda encoder: objectives.DINO(encoder, center_momentum=1.0),
            "center stands still",
        ),
        (objectives.SwAV, "codes"),
    ],
    ids=["DINO", "SwAV"],
)
def test_one_prototype_is_found_by_the_entropy(objective, words):
    doctor = CollapseDoctor(PAIRS)
    with pytest.warns(CollapseWarning, match=f"one prototype.*{words}"):
        logs = watched(objective(convolutional()), doctor, to_one_prototype)
    assert doctor.before["doctor_entropy"] > 0.2 > logs[0]["doctor_entropy"]
    assert doctor.findings[0].figure == "doctor_entropy"


class Siamese(objectives.Objective):
    """An objective of one's own, without projector, in which nothing keeps samples apart."""

    batch_keys = ("view_1", "view_2")

    def forward_pass(self, batch, training):
        return {key: self.encoder(batch[key], training=training) for key in self.batch_keys}

    def loss_terms(self, outputs):
        return {"loss": losses.squared_error(outputs["view_1"], outputs["view_2"])}


@pytest.mark.parametrize(
    ("objective", "words"),
    [(Siamese, "nothing in the loss keeps samples apart"), (collapse.WithoutStopGradient, "stop-gradient")],
)
def test_objectives_of_ones_own_collapse_in_training_and_are_told_so(objective, words):
    keras.utils.set_random_seed(1)
    doctor = CollapseDoctor(PAIRS)
    model = objective(encoders.mlp(SHAPE, units=(32, 32)))
    model.compile(keras.optimizers.Adam(0.03))
    repeated = {key: np.tile(view, (20, 1, 1, 1)) for key, view in PAIRS.items()}
    with pytest.warns(CollapseWarning, match=f"{objective.__name__} after epoch.*{words}"):
        history = model.fit(repeated, batch_size=N, epochs=6, callbacks=[doctor], verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    ("spoil", "diagnosis"),
    [
        (lambda view_1, view_2: (np.full_like(view_1, 0.5), np.full_like(view_1, 0.5 + 5e-7)), "constant views"),
        (lambda view_1, view_2: (view_1, np.full_like(view_1, 0.5)), "constant views"),
        (lambda view_1, view_2: (view_1, view_1 * (1 - 5e-7)), "identical views"),
    ],
)
def test_views_are_judged_before_training_and_explain_the_rest(spoil, diagnosis):
    batch = dict(zip(("view_1", "view_2"), spoil(*PAIRS.values())))
    doctor = CollapseDoctor(batch)
    with pytest.warns(CollapseWarning, match=f"SimSiam before training: {diagnosis}.*policy") as warned:
        watched(objectives.SimSiam(convolutional()), doctor, to_one_point)
    assert sum(isinstance(warning.message, CollapseWarning) for warning in warned) == 1
    assert [(finding.epoch, finding.diagnosis) for finding in doctor.findings] == [(0, diagnosis)]


def test_views_that_are_often_but_not_always_identical_are_no_fault():
    view_2 = PAIRS["view_2"].copy()
    view_2[: N * 3 // 4] = PAIRS["view_1"][: N * 3 // 4]
    sound(objectives.SimCLR(convolutional()), PAIRS | {"view_2": view_2})


def test_a_finding_stops_the_training_when_asked():
    stopping, warning = CollapseDoctor(PAIRS, stop=True), CollapseDoctor(PAIRS)
    for doctor, epochs in ((stopping, 2), (warning, 3)):
        model = objectives.BYOL(convolutional())
        to_one_point(model)
        with pytest.warns(CollapseWarning):
            history = fitted(model, doctor)
        assert len(history["loss"]) == epochs
    batch = PAIRS | {"view_2": PAIRS["view_1"] * (1 - 5e-7)}  # `fit` refuses equal views
    model = objectives.SimSiam(convolutional())
    model.compile("sgd", run_eagerly=True)
    with pytest.warns(CollapseWarning):
        model.fit(batch, batch_size=8, epochs=3, callbacks=[CollapseDoctor(batch, stop=True)], verbose=0)
    assert int(model.step) == 1  # the first batch is under way


# ---- what is left alone --------------------------------------------------------------------------------------------


def sound(objective, batch, **kwargs):
    doctor = CollapseDoctor(batch)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        history = fitted(objective, doctor, batch, **kwargs)
    assert doctor.findings == []
    return history


@each_mechanism(cases=TWO_VIEWS)
def test_neither_an_untrained_nor_a_sound_network_is_condemned(case):
    batch = case.batch(N, 0)
    objective = case.build()
    sound(objective, batch, epochs=2)  # without a learning rate
    history = sound(objective, batch, rate=case.rate)
    figures = {"doctor_std", "doctor_rank", "doctor_scale"} | ({"doctor_entropy"} if "entropy" in history else set())
    assert {key for key in history if key.startswith("doctor_")} == figures
    assert all(len(values) == 3 and np.isfinite(values).all() for values in history.values())


def test_a_network_that_looks_collapsed_and_recovers_is_not_condemned():
    model = objectives.SimCLR(two_convolutions())
    kernel = model.projector.get_layer("projection").kernel
    sound_kernel = np.array(kernel)
    to_one_line(model)
    line = np.array(kernel)
    recover = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kernel.assign(line + 0.05 * (epoch + 1) * sound_kernel)
    )
    history = sound(model, PAIRS, epochs=4, others=[recover])
    assert history["doctor_rank"][0] < 2 < history["doctor_rank"][-1]


def test_the_training_does_not_notice():
    ends = []
    for doctor in ([], [CollapseDoctor(PAIRS, every=2)]):
        keras.utils.set_random_seed(1)
        encoder = convolutional()
        model = objectives.DINO(keras.Model(encoder.input, keras.layers.Dropout(0.2)(encoder.output)))
        model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
        history = model.fit(PAIRS, batch_size=N, epochs=4, callbacks=doctor, verbose=0).history
        ends.append((history, [np.array(variable) for variable in model.variables]))
    (without, before), (seen, after) = ends
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert without == {key: values for key, values in seen.items() if not key.startswith("doctor_")}
    assert len(seen["doctor_std"]) == 2  # every second epoch


def test_another_model_is_judged_anew():
    doctor = CollapseDoctor(PAIRS)
    for _ in range(2):
        model = objectives.BYOL(convolutional())
        with pytest.warns(CollapseWarning, match="one point"):
            watched(model, doctor, to_one_point)
        assert doctor.findings[0][:2] == (2, "one point")
    before = doctor.before
    fitted(objectives.SimCLR(convolutional()), doctor, epochs=1)
    assert doctor.findings == []
    assert doctor.before != before


@pytest.mark.exhaustive
def test_on_two_replicas_the_figures_are_those_of_one(two_replicas):
    found = []
    for strategy in (two_replicas, distribute.strategy("none")):
        keras.utils.set_random_seed(1)
        with strategy.scope():
            model = objectives.SimSiam(convolutional())
            doctor = CollapseDoctor(PAIRS)
            found.append(fitted(model, doctor, rate=0.1, epochs=1))
    for key in ("doctor_std", "doctor_rank", "doctor_scale"):
        assert found[0][key] == pytest.approx(found[1][key], rel=1e-3)


def images(n):
    return single(n, 0)["input"]


# ---- figures, batches, errors --------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_projections():
    model = objectives.SimCLR(convolutional())
    doctor = CollapseDoctor(PAIRS)
    history = fitted(model, doctor, epochs=2)
    z = np.array(model.projector(model.encoder(PAIRS["view_1"], training=True), training=True))
    unit = z / (np.linalg.norm(z, axis=1, keepdims=True) + 1e-12)
    assert history["doctor_std"][-1] == pytest.approx(unit.std(axis=0).mean() * 128**0.5, rel=1e-4)
    singular = np.linalg.svd(z - z.mean(axis=0), compute_uv=False)
    p = singular[singular > 0] / singular.sum()
    assert history["doctor_rank"][-1] == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-3)
    assert history["doctor_scale"][-1] == pytest.approx(1.0, abs=1e-3)
    with pytest.warns(CollapseWarning, match="no scale"):
        logs = watched(model, CollapseDoctor(PAIRS), to_nothing)
    assert logs[0]["doctor_scale"] == pytest.approx(0.01, rel=1e-3)


def test_a_narrow_projection_has_a_lower_threshold_of_the_rank():
    sound(objectives.SimCLR(convolutional(), small_head(convolutional())), PAIRS)
    model = objectives.SimCLR(convolutional(), small_head(convolutional()))
    with pytest.warns(CollapseWarning, match=r"few dimensions.*below 1\.5"):
        watched(model, CollapseDoctor(PAIRS), to_one_line)


def test_a_batch_may_be_the_first_of_a_data_set_and_256_samples_are_looked_at():
    batches = data.batches(images(400), views=eagerly(views.digits()), batch_size=300)
    assert {key: view.shape for key, view in CollapseDoctor(batches).batch.items()} == {
        "view_1": (256, *SHAPE),
        "view_2": (256, *SHAPE),
    }
    labeled = [(PAIRS, np.zeros(N))]
    np.testing.assert_array_equal(CollapseDoctor(labeled).batch["view_2"], PAIRS["view_2"])


@pytest.mark.parametrize(
    "batch",
    [
        {"view_1": PAIRS["view_1"]},
        pairs(31, 0),
        images(N),
        data.from_arrays(images(N)),
        None,
        [(PAIRS["view_1"], PAIRS["view_2"])],
    ],
    ids=["one view", "few samples", "an array", "a source", "nothing", "a tuple"],
)
def test_what_is_no_batch_of_two_views_is_an_error_that_says_what_to_do(batch):
    with pytest.raises(UserError, match=r"'view_1' and 'view_2', .* 32 samples.*data\.batches\(source, views="):
        CollapseDoctor(batch)


def test_an_objective_without_two_views_is_an_error_before_training():
    autoencoder = objectives.Autoencoder(convolutional())
    with pytest.raises(UserError, match=r"objective of two views.*Autoencoder"):
        fitted(autoencoder, CollapseDoctor(PAIRS), single(N, 0))
    assert int(autoencoder.step) == 0
    with pytest.raises(UserError, match="crop_1"):
        fitted(objectives.DINO(any_size(), crops=2), CollapseDoctor(PAIRS), CROPS)
    with pytest.raises(UserError, match="every"):
        CollapseDoctor(PAIRS, every=0)


# ---- the committed result ------------------------------------------------------------------------------------------


def test_planted_collapses_are_found_ten_of_ten_and_at_most_one_of_fifty_healthy_runs_is():
    runs = json.loads((collapse.RESULTS / "collapse.json").read_text())["runs"]
    for name in collapse.PLANTED:
        planted = [run for run in runs if run["name"] == name]
        assert len(planted) == 10
        assert all(run["found"][0][1] in collapse.EXPECTED[name] and run["seed"] < 100 for run in planted), name
    healthy = [run for run in runs if run["name"] in collapse.HEALTHY]
    assert len(healthy) == 50
    assert sum(bool(run["found"]) for run in healthy) <= 1

    def loss(name):
        return np.median([run["figures"]["loss"][-1] for run in runs if run["name"] == name])

    assert loss("SimSiam, no stop-gradient") < loss("SimSiam")
    assert loss("BYOL, no predictor") < loss("BYOL")
