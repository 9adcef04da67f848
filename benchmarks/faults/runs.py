"""Faults of runs: bits that flip in checkpoints, kills in saves, two runs in one folder, full and read-only disks.

The run is an autoencoder of 8x8 images that trains for 3 epochs of 4 steps, with a checkpoint after each step and a
model after each epoch. Every fault is in a process of its own, which is forked before TensorFlow has run anything.
"""

import contextlib
import functools
import multiprocessing
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import warnings

import keras
import numpy as np

from keras_ssl import callbacks, data, encoders, objectives, recipes, runs
from keras_ssl.callbacks.checkpoints import Checkpoints
from keras_ssl.errors import UserError

FLIPS, KILLS, PAIRS, DISKS = 200, 40, 5, 10
EPOCHS, STEPS, BATCH = 3, 4, 8
KEPT = {"checkpoints", "encoder.keras", "encoder.json", "objective.keras", "objective.json"}


def rows(progress, flips=FLIPS, kills=KILLS, pairs=PAIRS, disks=DISKS):
    """The rows of the table.

    Args:
        progress: Called with a sentence now and then.
        flips: Bits that flip in each file of a checkpoint.
        kills: Processes killed in a save.
        pairs: Runs that are begun in a folder where another one trains.
        disks: Runs on a full disk.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole = in_child(train, folder / "whole")
        found = []
        for name in ("state.index", "state.data-00000-of-00001", "run.json", "sums.json"):
            found.append(in_child(flipped, folder / "whole" / "checkpoints", name, flips))
            progress(found[-1]["tried"])
        for what in ("a checkpoint", "a model"):
            found.append(killed(folder / what, what, kills // 2, whole))
            progress(found[-1]["tried"])
        found.append(two_runs(folder / "two", pairs, whole))
        progress(found[-1]["tried"])
        found += [full(folder / "full", disks, whole), read_only(folder / "read-only", whole)]
        progress(found[-1]["tried"])
        return found


# ---- the run ---------------------------------------------------------------------------------------------------------


def recipe():
    """A recipe of a second."""
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).random((STEPS * BATCH, 8, 8, 1), "float32")
    objective = objectives.Autoencoder(encoders.mlp((8, 8, 1), units=(32,)))
    objective.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
    return recipes.Recipe(objective, data.from_arrays(images), EPOCHS, None, BATCH)


def train(folder, resume=False, before=lambda: None):
    """Pretrain, with a checkpoint after each step; return the weights."""
    one, init = recipe(), callbacks.Resume.__init__
    callbacks.Resume.__init__ = lambda resume, *args, **kwargs: init(resume, *args, every_steps=1, **kwargs)
    before()
    runs.pretrain(one, folder, resume)
    return one.objective.get_weights()


def in_child(function, *arguments):
    """What a function returns in a process of its own, or the text of its `UserError`; None if it was killed."""
    receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=send, args=(sender, function, *arguments))
    child.start()
    sender.close()
    with contextlib.suppress(EOFError):
        found = receiver.recv()
        child.join()
        return found
    child.join()
    return None


def send(sender, function, *arguments):
    """Send what a function returns, or the text of its `UserError`."""
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        try:
            sender.send(function(*arguments))
        except UserError as error:
            sender.send(str(error))


def same(found, expected):
    """Whether two lists of arrays are equal bit for bit."""
    return isinstance(found, list) and all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def left_over(folder):
    """How many things are in the folder of a run that are not its own."""
    own = [path for path in folder.iterdir() if path.name in KEPT]
    inside = [path for path in (folder / "checkpoints").glob("*") if not path.name.startswith("ckpt-")]
    deeper = [path for path in folder.rglob("*") if ".staging-" in path.name or "_temp" in path.name]
    return len(set([path for path in folder.iterdir() if path not in own] + inside + deeper))


def row(tried, count=0, refused=0, survived=0, left=0):
    """A row of the table; what was neither refused nor survived is wrong."""
    wrong = count - refused - survived
    found = {"tried": tried, "count": count, "refused": refused, "survived": survived, "wrong": wrong}
    return found | {"left over": left}


# ---- faults ----------------------------------------------------------------------------------------------------------


def flipped(folder, name, flips):
    """Flip bits of a file of the newest checkpoint, one at a time, and load: the older one with a warning is right."""
    draw, objective = random.Random(name), recipe().objective
    resume = callbacks.Resume(folder, objective)
    older, newest = {}, {}
    newest_number, older_number = sorted((int(path.name[5:]) for path in folder.glob("ckpt-*")), reverse=True)
    for number, kept in ((older_number, older), (newest_number, newest)):
        resume.checkpoints.known = number
        resume.checkpoints.load()
        kept["weights"], kept["facts"] = tensors(objective), resume.checkpoints.facts()
    path = folder / f"ckpt-{newest_number}" / name
    content = path.read_bytes()
    refused = survived = 0
    for _ in range(flips):
        place = draw.randrange(8 * len(content))
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        resume.checkpoints = Checkpoints(folder, resume.checkpoints.state)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            resume.checkpoints.find()
            resume.checkpoints.load()
        found, facts = tensors(objective), resume.checkpoints.facts()
        told = any("Damaged" in str(warning.message) for warning in caught)
        refused += told and same(found, older["weights"]) and facts == older["facts"]
        survived += not told and same(found, newest["weights"]) and facts == newest["facts"]
    path.write_bytes(content)
    tried = f"a bit flips in `{name}` of the newest checkpoint: the older one is loaded, with a warning"
    return row(tried, flips, refused, survived)


def tensors(objective):
    """All variables of an objective and its optimizer."""
    return [np.array(variable) for variable in [*objective.variables, *objective.optimizer.variables]]


def killed(folder, what, kills, whole):
    """Kill a process at a random time in a random save, and resume: the weights must be those of a whole run."""
    draw, survived, left = random.Random(what), 0, 0
    for number in range(kills):
        out = folder / str(number)
        save, share = draw.randrange(1, STEPS * EPOCHS if "checkpoint" in what else EPOCHS), draw.random()
        died = in_child(train, out, False, functools.partial(kill_in, what, save, share)) is None
        begun = any((out / "checkpoints").glob("ckpt-*"))
        found = in_child(train, out, begun)
        survived += died and same(found, whole)
        left += left_over(out)
        shutil.rmtree(out)
    tried = f"SIGKILL in the save of {what}, and resumed: the weights are those of a whole run"
    return row(tried, kills, 0, survived, left)


def kill_in(what, number, share):
    """Let this process be killed in a save: the one of a number, after a share of the time that the one before took."""
    owner, name = (Checkpoints, "save") if "checkpoint" in what else (runs.pretraining, "save_model")
    save, seen = getattr(owner, name), {"saves": 0, "seconds": 0.0}

    def timed(*arguments, **facts):
        if seen["saves"] == number:
            threading.Timer(share * seen["seconds"], os.kill, (os.getpid(), signal.SIGKILL)).start()
        begun = time.monotonic()
        result = save(*arguments, **facts)
        seen["saves"], seen["seconds"] = seen["saves"] + 1, time.monotonic() - begun
        return result

    setattr(owner, name, timed)


def two_runs(folder, pairs, whole):
    """Begin a run where another one trains: the second is refused by the name of the first, which is not disturbed."""
    refused, left = 0, 0
    for number in range(pairs):
        out, context = folder / str(number), multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        first = context.Process(target=send, args=(sender, train, out))
        first.start()
        while not any((out / "checkpoints").glob("ckpt-*")):
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGSTOP)
        second = in_child(train, out)
        third = in_child(train, out, True)
        os.kill(first.pid, signal.SIGCONT)
        named = all(isinstance(one, str) and f"process {first.pid}" in one for one in (second, third))
        refused += named and same(receiver.recv(), whole)
        first.join()
        left += left_over(out)
    return row("a second run in the folder of one that trains, and one with `resume`", pairs, refused, left=left)


def full(folder, disks, whole):
    """Train on a disk that is full after some steps: one sentence; then there is room, and the run is resumed."""
    draw, refused, left = random.Random("full"), 0, 0
    with small_disk(folder) as mounted:
        for number in range(disks):
            out, filler = folder / str(number), folder / "filler"
            save, room = draw.randrange(2, STEPS * EPOCHS - 1), draw.randrange(0, 60_000, 4096)
            fill = functools.partial(fill_at, save, filler if mounted else None, room)
            said = in_child(train, out, False, fill)
            filler.unlink(missing_ok=True)
            told = isinstance(said, str) and "room on the disk" in said and "go on" in said
            left += left_over(out)
            refused += told and same(in_child(train, out, True), whole)
            left += left_over(out)
            shutil.rmtree(out)
    how = "a tmpfs of 8 MB" if mounted else "RLIMIT_FSIZE"
    tried = f"a full disk in a save ({how}): one sentence; with room again, the run is resumed"
    return row(tried, disks, refused, left=left)


def fill_at(number, filler, room):
    """Let the disk be full from a save on, but for some bytes; without a file to fill it, by a limit for each file."""
    save, seen = Checkpoints.save, [0]

    def filling(*arguments):
        seen[0] += 1
        if seen[0] == number and filler is None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        elif seen[0] == number:
            free = os.statvfs(filler.parent)
            filler.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - room)))
        return save(*arguments)

    Checkpoints.save = filling


def read_only(folder, whole):
    """Resume a run on a disk that is read-only: refused, nothing changed; then it is writable, and the run resumes."""
    with small_disk(folder) as mounted:
        if not mounted:
            return row("a read-only disk (not tried: it takes the right to mount one)")
        out = folder / "run"
        in_child(train, out, False, functools.partial(kill_in, "a checkpoint", 6, 0.5))
        before = sorted(out.rglob("*"))
        remount(folder, "ro")
        said = [in_child(train, out, True), in_child(train, folder / "new")]
        unchanged = before == sorted(out.rglob("*"))
        remount(folder, "rw")
        told = [isinstance(one, str) and "Read-only file system" in one and unchanged for one in said]
        resumed = same(in_child(train, out, True), whole)
        left = left_over(out) + (folder / "new").exists()
    tried = "a read-only disk (a tmpfs): a new run, and one that is resumed when it can be written again"
    return row(tried, 2, told[1] + (told[0] and resumed), left=left)


@contextlib.contextmanager
def small_disk(folder):
    """Make a folder a disk of 8 MB, and yield whether that is allowed here."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    able = shutil.which("mount") is not None
    mounted = able and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def remount(folder, how):
    """Make a small disk read-only, "ro", or writable, "rw"."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)
