"""Joint-embedding objectives, beyond the contract that all objectives share."""

import keras
import numpy as np
import pytest
from cases import CASES, convolutional, pairs, small_head

from keras_ssl import losses, objectives
from keras_ssl.errors import UserError

N = 8


def fitted(objective, steps=1):
    objective.compile(keras.optimizers.SGD(0.05))
    objective.fit(pairs(N, 0), batch_size=N, epochs=steps, shuffle=False, verbose=0)
    return objective


def test_moco_stores_the_keys_of_the_target_network():
    moco = objectives.MoCo(convolutional(), queue_size=3 * N, target_momentum=1.0)
    before = np.array(moco.queue.stored)
    keys = np.array(moco.target(pairs(N, 0)["view_2"], training=True))
    fitted(moco)
    np.testing.assert_array_equal(moco.queue.stored[: 2 * N], before[N:])
    unit = keys / np.linalg.norm(keys, axis=1, keepdims=True)
    np.testing.assert_allclose(moco.queue.stored[2 * N :], unit, atol=1e-5)


@pytest.mark.parametrize(("momentum", "moves"), [(1.0, False), (0.0, True)])
def test_a_target_stands_still_or_is_the_network(momentum, moves):
    byol = objectives.BYOL(convolutional(), small_head(convolutional()), target_momentum=momentum)
    kernel = np.array(byol.target.copies[0].layers[1].kernel)
    fitted(byol)
    after = np.array(byol.target.copies[0].layers[1].kernel)
    assert np.array_equal(after, kernel) != moves
    assert np.array_equal(after, np.array(byol.encoder.layers[1].kernel)) == moves


def test_a_momentum_may_be_a_schedule():
    cosine = keras.optimizers.schedules.CosineDecay(0.9, 4, alpha=1 / 0.9)
    byol = objectives.BYOL(convolutional(), target_momentum=cosine)
    assert float(byol.at(byol.target_momentum)) == pytest.approx(0.9)
    fitted(byol, steps=4)
    assert float(byol.at(byol.target_momentum)) == pytest.approx(1.0)


def test_nnclr_compares_with_what_the_queue_holds():
    nnclr = objectives.NNCLR(convolutional(), queue_size=5)
    nnclr.queue.stored.assign(np.eye(5, 128))
    z = np.zeros((2, 128), "float32")
    z[0, 3], z[1, 0] = 2, 0.1
    np.testing.assert_array_equal(nnclr._nearest(z), np.eye(5, 128)[[3, 0]])


def test_decoupled_simclr_has_the_decoupled_loss():
    batch = pairs(N, 0)
    simclr = objectives.SimCLR(convolutional(), temperature=0.2, decoupled=True)
    simclr.compile("sgd")
    found = simclr.evaluate(batch, batch_size=N, return_dict=True, verbose=0)["loss"]
    z = [simclr.projector(simclr.encoder(batch[key])) for key in ("view_1", "view_2")]
    assert found == pytest.approx(float(losses.dcl(*z, 0.2)), rel=1e-5)


def test_prototypes_stand_still_as_long_as_they_are_held():
    swav = objectives.SwAV(convolutional(), small_head(convolutional()), prototypes=6, hold_prototypes=2)
    kernel = np.array(swav.scores.kernel)
    fitted(swav, steps=2)
    np.testing.assert_array_equal(swav.scores.kernel, kernel)
    fitted(swav, steps=1)
    assert not np.array_equal(swav.scores.kernel, kernel)


def test_dino_represents_by_the_teacher():
    dino = objectives.DINO(convolutional(), target_momentum=1.0)
    before = np.array(dino(pairs(N, 0)["view_1"]))
    fitted(dino, steps=3)
    assert dino.embedder is dino.target.copies[0]
    assert not np.array_equal(dino.center.value, np.zeros(1024))
    student = np.array(dino.encoder(pairs(N, 0)["view_1"]))
    assert not np.allclose(student, before, atol=1e-3)


WRONG = [
    ("SimCLR", {"temperature": 0}, "temperature above 0.*Received 0"),
    ("MoCo", {"temperature": -1.0}, "temperature above 0"),
    ("MoCo", {"target_momentum": 1.5}, "target_momentum at least 0 and at most 1.*1.5"),
    ("MoCo", {"queue_size": 0}, "queue_size as a whole number at least 1"),
    ("NNCLR", {"queue_size": -3}, "queue_size as a whole number at least 1"),
    ("BYOL", {"target_momentum": -0.1}, "target_momentum"),
    ("BYOL", {"target_momentum": float("nan")}, "target_momentum.*nan"),
    ("DINO", {"teacher_temperature": 0.0}, "teacher_temperature above 0"),
    ("DINO", {"crops": -1}, "crops as a whole number at least 0"),
    ("BarlowTwins", {"redundancy": -1}, "redundancy at least 0"),
    ("VICReg", {"variance": -1}, "variance at least 0"),
    ("SwAV", {"prototypes": 1}, "prototypes as a whole number at least 2"),
    ("SwAV", {"sharpness": 0}, "sharpness above 0"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), WRONG)
def test_hyperparameters_out_of_range_are_errors_at_once(name, arguments, message):
    with pytest.raises(UserError, match=message):
        getattr(objectives, name)(convolutional(), **arguments)


@pytest.mark.parametrize("name", ["SimCLR", "BYOL"])
def test_views_of_different_batch_size_are_an_error(name):
    import tensorflow as tf

    case = next(case for case in CASES if case.name == name)
    objective = case.build()
    objective.compile("sgd")
    batch = pairs(N, 0)
    uneven = {"view_1": batch["view_1"], "view_2": batch["view_2"][:5]}
    with pytest.raises(UserError, match=r"as many samples of each.*8 of 'view_1', 5 of 'view_2'"):
        objective.fit(tf.data.Dataset.from_tensors(uneven), verbose=0)


def test_a_queue_takes_batches_that_do_not_divide_it():
    moco = objectives.MoCo(convolutional(), queue_size=N + 3)
    fitted(moco, steps=2)
    assert moco.queue.stored.shape == (N + 3, 128)
    assert np.isfinite(np.array(moco.queue.stored)).all()
