"""Resuming in mid-epoch, bit for bit, with other callbacks beside; what is refused; what a signal does."""

import functools
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, images
from quick import dear

from keras_ssl import callbacks, data, encoders, export, objectives, recipes, runs, views
from keras_ssl.callbacks import states
from keras_ssl.errors import UserError
from keras_ssl.files import Lock
from keras_ssl.runs.facts import check_same_run, facts_of, in_words

STEPS, BATCH = 2, 8  # an epoch
POLICY = views.Policy([views.flip(), views.noise()])
POLICY.pure = False  # or XLA would compile it


class Killed(BaseException):
    """As SIGKILL would, ends a training amid it."""


def kill_at(step):
    def kill(objective):
        if int(np.array(objective.step)) == step:
            raise Killed

    callback = keras.callbacks.LambdaCallback()
    callback.on_train_batch_begin = lambda batch, logs=None: kill(callback.model)
    return callback


def plateau(**arguments):
    return keras.callbacks.ReduceLROnPlateau("loss", **({"patience": 1, "min_delta": 1e9} | arguments))


def stopping(**arguments):
    return keras.callbacks.EarlyStopping("loss", **({"patience": 2, "restore_best_weights": True} | arguments))


def build(name, strategy=None, rate=0.01):
    case = next(case for case in CASES if case.name == name)
    keras.utils.set_random_seed(1)
    with (strategy or tf.distribute.get_strategy()).scope():
        objective = case.build()
        objective.compile(keras.optimizers.SGD(rate, momentum=0.9), run_eagerly=strategy is None)
    return objective


def batches_for(objective):
    def batches(step):
        policy = POLICY if "view_1" in objective.batch_keys else None
        return data.batches(images(STEPS * BATCH, 0), policy, BATCH, seed=5, first_step=step)

    return batches


def fit(objective, folder, epochs, beside=(), **arguments):
    resume = callbacks.Resume(folder, objective, **({"every_steps": 1} | arguments))
    return resume.fit(batches_for(objective), epochs, beside, verbose=0).history


def killed(objective, folder, step, beside=()):
    with pytest.raises(Killed):
        fit(objective, folder, 3, [*beside, kill_at(step)])


def plain(objective, epochs, beside=()):
    return objective.fit(batches_for(objective)(0), epochs=epochs, callbacks=list(beside), verbose=0).history


def tensors(objective):
    optimizers = {id(update.optimizer): update.optimizer for update in objective.updates}.values()
    return [np.array(v) for v in [*objective.variables, *(v for one in optimizers for v in one.variables)]]


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- bit for bit -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "early"),
    [
        ("MoCo", {}),
        *dear(
            [
                ("GAN", {"min_delta": 1e9, "patience": 1}),  # ends with the weights of the first epoch
                ("DenoisingAutoencoder", {}),
            ]
        ),
    ],
)
def test_a_run_killed_in_mid_epoch_ends_as_one_that_was_not(tmp_path, name, early):
    rates = [] if name == "GAN" else [plateau]  # which would change the rate of one of its two optimizers

    def beside():
        return [*(make() for make in rates), stopping(**early)]

    whole, resumed, old, new = build(name), build(name), beside(), beside()
    history = plain(whole, 2, old)
    killed(build(name), tmp_path, STEPS + 1, beside())
    begun = []
    count = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: begun.append("begin"), on_epoch_begin=lambda epoch, logs: begun.append(epoch)
    )
    rest = fit(resumed, tmp_path, 2, [*new, count])
    assert_same(tensors(resumed), tensors(whole))
    assert begun == ["begin", 1]
    assert rest == {key: values[1:] for key, values in history.items()}
    # reduced once, by a comparison of epochs
    assert float(resumed.optimizer.learning_rate) == pytest.approx(0.001 if rates else 0.01)
    for one, other in zip(states.states(new), states.states(old)):
        assert states.pack(one) == states.pack(other)


DENSE = "Autoencoder, dense"


def test_in_the_interrupted_epoch_a_rate_is_not_scheduled_twice(tmp_path):
    def beside():
        return [keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.5 * rate)]

    whole, resumed = build(DENSE), build(DENSE)
    plain(whole, 2, beside())
    killed(build(DENSE), tmp_path, STEPS + 1, beside())
    fit(resumed, tmp_path, 2, beside())
    assert_same(tensors(resumed), tensors(whole))


def test_a_run_that_was_stopped_is_only_brought_to_its_end(tmp_path):
    def beside():
        return [stopping(min_delta=1e9, patience=1)]

    whole, again = build(DENSE), build(DENSE)
    assert len(fit(whole, tmp_path, 4, beside())["loss"]) == 2
    assert fit(again, tmp_path, 4, beside()) == {}
    assert_same(tensors(again), tensors(whole))


def test_a_folder_that_tensorflow_would_not_find_again_is_refused_before_anything_trains(tmp_path):
    with pytest.raises(UserError, match=r"a path without '\['.*run\[2\]"):
        callbacks.Resume(tmp_path / "run[2]", build("SimCLR"))
    with pytest.raises(UserError, match=r"a path without '\['"):
        export.saved_model(encoders.mlp((4, 4, 1), (2,)), tmp_path / "m[1]")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_given_more_epochs(tmp_path):
    whole, longer = build(DENSE), build(DENSE)
    plain(whole, 2)
    fit(build(DENSE), tmp_path, 1)
    assert len(fit(longer, tmp_path, 2)["loss"]) == 1
    assert_same(tensors(longer), tensors(whole))


@pytest.mark.exhaustive
def test_a_run_that_is_killed_on_two_replicas_goes_on_on_one_or_two(two_replicas, tmp_path):
    whole = build(DENSE, rate=0.1)
    history = plain(whole, 3)
    killed(build(DENSE, two_replicas, rate=0.1), tmp_path / "one", STEPS + 1)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for folder, strategy in (("one", None), ("two", two_replicas)):
        resumed = build(DENSE, strategy, rate=0.1)
        rest = fit(resumed, tmp_path / folder, 3)
        for found, expected in zip(tensors(resumed), tensors(whole), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5)
        assert rest["loss"] == pytest.approx(history["loss"][1:], rel=1e-5)


def test_a_run_of_several_steps_in_each_execution_resumes(tmp_path):
    def make():
        objective = build(DENSE)
        objective.compile(keras.optimizers.SGD(0.01, momentum=0.9), steps_per_execution=2)
        return objective

    def five(step):
        return data.batches(images(5 * BATCH, 0), batch_size=BATCH, seed=5, first_step=step)

    whole, first, resumed = make(), make(), make()
    history = whole.fit(five(0), epochs=2, verbose=0).history
    with pytest.raises(Killed):
        callbacks.Resume(tmp_path, first, every_steps=1).fit(five, 2, [kill_at(7)], verbose=0)
    rest = callbacks.Resume(tmp_path, resumed, every_steps=1).fit(five, 2, verbose=0).history
    assert_same(tensors(resumed), tensors(whole))
    assert rest["loss"] == history["loss"][1:]


# ---- when, and what is refused ---------------------------------------------------------------------------------------


def test_checkpoints_come_after_steps_minutes_and_epochs(tmp_path, monkeypatch):
    saved = []
    save = callbacks.Resume._save
    monkeypatch.setattr(
        callbacks.Resume, "_save", lambda resume, *place: saved.append(place[:2]) or save(resume, *place)
    )
    fit(build(DENSE), tmp_path / "steps", 2, every_steps=1)
    assert saved == [(0, 1), (1, 0), (1, 1), (2, 0)]
    saved.clear()
    fit(build(DENSE), tmp_path / "minutes", 1, every_steps=None, every_minutes=1e-9)
    assert saved == [(0, 1), (1, 0)]
    assert len(list((tmp_path / "minutes").glob("ckpt-*"))) == 2
    with pytest.raises(UserError, match=r"every_steps as a whole number at least 1"):
        callbacks.Resume(tmp_path, build(DENSE), every_steps=0)


class Counter(keras.callbacks.Callback):
    """Knows how many epochs it has seen, and says so to nobody."""

    seen = 0

    def on_epoch_end(self, epoch, logs=None):
        self.seen += 1


class Kept(Counter):
    def get_state(self):
        return {"seen": np.float32(self.seen), "more": [None, "text", {"x": np.arange(3)}]}

    def set_state(self, state):
        self.seen, self.more = state["seen"], state["more"]


def test_a_callback_whose_state_cannot_be_kept_is_refused_by_name(tmp_path):
    objective = build(DENSE)
    for unknown in (Counter(), type("Mine", (keras.callbacks.EarlyStopping,), {})()):
        with pytest.raises(UserError, match=rf"state can be kept. Received {type(unknown).__name__}.*get_state"):
            fit(objective, tmp_path, 1, [unknown])
    assert int(objective.step) == 0
    fit(objective, tmp_path, 1, [Kept(), plateau(), callbacks.Guard()])
    again = Kept()
    fit(build(DENSE), tmp_path, 2, [again, plateau()])
    assert again.seen == 2
    assert again.more[:2] == [None, "text"]
    np.testing.assert_array_equal(again.more[2]["x"], np.arange(3))
    with pytest.raises(UserError, match=r"started with: Kept, ReduceLROnPlateau. Received Kept"):
        fit(build(DENSE), tmp_path, 3, [Kept()])


def test_a_state_that_no_file_holds_is_an_error():
    with pytest.raises(UserError, match=r"a state of None.*Received set"):
        states.pack({"seen": {1, 2}})


def test_other_batches_and_a_plain_fit_in_mid_epoch_are_refused(tmp_path):
    killed(build(DENSE), tmp_path, 1)
    objective = build(DENSE)
    resume = callbacks.Resume(tmp_path, objective)
    with pytest.raises(UserError, match=r"2 an epoch. Received 4 an epoch"):
        resume.fit(lambda step: data.batches(images(16, 0), batch_size=4, first_step=step), 2, verbose=0)
    assert resume.restore() == 0
    assert resume.step == 1
    with pytest.raises(UserError, match="goes on in mid-epoch"):
        objective.fit(batches_for(objective)(0), callbacks=[resume], verbose=0)


def test_the_doctor_remembers():
    pair = {"view_1": images(32, 0), "view_2": images(32, 0)}
    doctor, again = callbacks.CollapseDoctor(pair), callbacks.CollapseDoctor(pair)
    doctor.set_model(build("SimCLR"))
    with pytest.warns(callbacks.CollapseWarning, match="identical views"):
        doctor.on_train_begin()
    again.set_state(states.unpack(states.pack(doctor.get_state())))
    assert again.findings == doctor.findings
    assert again.findings[0].diagnosis == "identical views"
    assert again.get_state() == doctor.get_state()


@pytest.mark.parametrize("guard_first", [True, False, None], ids=["guard first", "guard last", "no guard"])
def test_weights_that_are_not_finite_are_never_saved(tmp_path, guard_first):
    objective = build(DENSE)

    def spoil(batch, logs=None):
        if int(objective.step) == (3 if guard_first is None else 4):  # in mid-epoch, or before Guard sees the loss
            objective.encoder.weights[0].assign(np.full(objective.encoder.weights[0].shape, np.nan))

    spoiler = keras.callbacks.LambdaCallback(on_train_batch_end=spoil)
    resume, guard = callbacks.Resume(tmp_path, objective, every_steps=1), callbacks.Guard()
    if guard_first is None:
        with pytest.raises(UserError, match="finite weights"):
            resume.fit(batches_for(objective), 4, [spoiler], verbose=0)
    else:
        both = [guard, resume] if guard_first else [resume, guard]
        with pytest.raises(UserError, match="finite weights"):
            plain(objective, 4, [spoiler, *both])
    fresh = build(DENSE)
    assert callbacks.Resume(tmp_path, fresh).restore() == 1
    assert int(fresh.step) == STEPS
    assert all(np.isfinite(weight).all() for weight in fresh.get_weights())


# ---- signals ---------------------------------------------------------------------------------------------------------


def test_ctrl_c_ends_the_training_after_the_step_in_progress(tmp_path):
    signum = signal.SIGINT
    whole, first, second = (build(DENSE) for _ in range(3))
    plain(whole, 2)

    def send(batch, logs=None):
        if int(first.step) == 2:  # as in the third step
            os.kill(os.getpid(), signum)

    sender = keras.callbacks.LambdaCallback(on_train_batch_begin=send)
    before = signal.getsignal(signum)
    with pytest.raises(callbacks.Interrupted, match=rf"{signum.name} .* step 1 of epoch 2 in .*run.*To go on: call"):
        fit(first, tmp_path / "run", 2, [sender], every_steps=None)
    assert signal.getsignal(signum) is before
    assert int(first.step) == 3
    fit(second, tmp_path / "run", 2)
    assert_same(tensors(second), tensors(whole))


COMMAND = """
import os, signal, sys
import keras
from keras_ssl import callbacks, cli, encoders, objectives, recipes

def tiny(source, epochs, seed):
    keras.utils.set_random_seed(seed)
    objective = objectives.Autoencoder(encoders.mlp(source.shape, units=(4,)))
    objective.compile("sgd", run_eagerly=True)
    return recipes.Recipe(objective, source[:64], epochs, batch_size=32)

recipes.choose = lambda objective, dataset: tiny
callbacks.Resume.on_train_batch_begin = lambda resume, batch, logs=None: os.kill(os.getpid(), signal.SIGTERM)
cli.main()
"""


def test_the_command_line_ends_with_the_command_to_go_on(tmp_path):
    words = ["pretrain", "--dataset", "digits", "--epochs", "9", "--out", str(tmp_path / "my run")]
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        env={key: value for key, value in os.environ.items() if key != "KERAS_SSL_LAUNCH"},
        cwd=pathlib.Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 128 + signal.SIGTERM, ended.stderr
    last = ended.stderr.strip().splitlines()[-1]
    command = shlex.join([sys.executable, "-m", "keras_ssl", *words, "--resume"])
    assert last.startswith("keras-ssl: SIGTERM ended the training, which is saved as of step 1 of epoch 1 in ")
    assert last.endswith(f"To go on: {command}")
    assert (tmp_path / "my run" / "checkpoints" / "ckpt-1" / "sums.json").is_file()


# ---- runs ------------------------------------------------------------------------------------------------------------


def recipe(epochs, rate=0.01):
    keras.utils.set_random_seed(0)
    objective = objectives.Autoencoder(encoders.mlp((8, 8, 1), units=(4,)))
    objective.compile(keras.optimizers.SGD(rate), run_eagerly=True)
    return recipes.Recipe(objective, data.from_arrays(images(16, 0)), epochs, None, 8)


def test_pretrain_takes_more_epochs_where_no_schedule_depends_on_them(tmp_path, monkeypatch):
    whole, longer, found = recipe(3), recipe(3), []
    encoder = tmp_path / "run" / "encoder.keras"
    monkeypatch.setattr(
        callbacks.Progress, "on_epoch_begin", lambda progress, epoch, logs: found.append(encoder.is_file())
    )
    runs.pretrain(recipe(2), tmp_path / "run")
    assert found == [False, True]  # it is written after each epoch
    assert len(runs.pretrain(longer, tmp_path / "run", resume=True)["loss"]) == 1
    whole.fit(verbose=0)
    assert_same(longer.objective.get_weights(), whole.objective.get_weights())
    with pytest.raises(UserError, match=r"epochs 3. Received epochs 2"):
        runs.pretrain(recipe(2), tmp_path / "run", resume=True)
    falling = keras.optimizers.schedules.CosineDecay(0.01, 8)
    with pytest.raises(UserError, match=r"epochs 3, .*rate 0\.01\. Received epochs 4, .*rate CosineDecay"):
        runs.pretrain(recipe(4, falling), tmp_path / "run", resume=True)


def test_pretrain_says_where_it_goes_on_also_past_a_damaged_checkpoint(tmp_path):
    whole, again, said = recipe(2), recipe(2), []
    runs.pretrain(whole, tmp_path)
    state = tmp_path / "checkpoints" / "ckpt-2" / "state.data-00000-of-00001"
    content = bytearray(state.read_bytes())
    content[100] ^= 1
    state.write_bytes(content)
    with pytest.warns(UserWarning, match=r"ckpt-2 \(state.data-.* is not as it was .*goes on from ckpt-1"):
        runs.pretrain(again, tmp_path, resume=True, say=said.append)
    assert said == ["Resuming after epoch 1, of 2 epochs."]
    assert_same(again.objective.get_weights(), whole.objective.get_weights())
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["ckpt-1", "ckpt-3"]


def test_a_run_in_a_folder_where_another_process_trains_is_refused_by_name(tmp_path):
    ready, tell = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with Lock(tmp_path / "checkpoints"):
                os.write(tell, b"1")
                signal.pause()
        finally:
            os._exit(1)
    os.read(ready, 1)
    try:
        with pytest.raises(UserError, match=rf"no other process writes in.*Received process {child}, .* since 20"):
            runs.pretrain(recipe(1), tmp_path)
        with pytest.raises(UserError, match=f"Received process {child}"):
            callbacks.Resume(tmp_path / "checkpoints", build(DENSE)).fit(None, 1)
        with pytest.raises(UserError, match=f"Received process {child}"):
            runs.check_folder(tmp_path, resume=False)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    runs.check_folder(tmp_path, resume=False)
    assert not (tmp_path / "encoder.keras").exists()


# ---- facts -----------------------------------------------------------------------------------------------------------


def with_views(policy, **arguments):
    keras.utils.set_random_seed(0)
    objective = objectives.SimCLR(encoders.mlp((8, 8, 1), units=(4,)), **arguments)
    objective.compile(keras.optimizers.SGD(0.01))
    return recipes.Recipe(objective, data.from_arrays(images(16, 0)), 1, views.pair(policy), 8)


def brighter(by):
    return lambda x, seed: x + by


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (lambda: with_views(POLICY, temperature=0.3), r"configuration.temperature 0.5. Received .* 0.3"),
        (
            lambda: with_views(views.Policy([views.flip(1), views.noise()])),
            r"views.policy.operations.0.with.horizontal",
        ),
        (lambda: with_views(views.Policy([views.flip()])), r"views.policy.operations a list of 2"),
        (lambda: with_views(brighter(0.1)), r"views.policy.class .*Policy"),
    ],
)
def test_a_run_goes_on_only_with_its_configuration_and_views(changed, said):
    old = json.loads(json.dumps(facts_of(with_views(POLICY), {"recipe": with_views})))
    with pytest.raises(UserError, match=said):
        check_same_run(old, facts_of(changed(), {"recipe": with_views}))
    check_same_run(old, facts_of(with_views(POLICY), {"recipe": with_views}))  # though Keras has counted more layers
    with pytest.raises(UserError, match=r"test_resume.with_views.* Received recipe.function test_resume.brighter"):
        check_same_run(old, facts_of(with_views(POLICY), {"recipe": brighter}))


def test_functions_are_told_by_their_names_variables_and_constants():
    assert in_words(brighter(0.1)) != in_words(brighter(0.2))
    assert in_words(lambda x: x + 1) != in_words(lambda x: x + 2)
    assert in_words(brighter(0.1)) == in_words(brighter(0.1))
    assert in_words(functools.partial(brighter, by=0.1))["arguments"] == [{"by": 0.1}]
    assert in_words(np.arange(3)) != in_words(np.arange(3)[::-1])
    itself = {"a": float("nan")}
    itself["b"] = itself
    assert in_words(itself) == {"a": "nan", "b": "…"}
