"""Damaged and hostile artifacts, and deployments that are killed, run at once or have no room.

    from benchmarks.faults import artifacts
    artifacts.rows(print)

Version folders go through `export/verify.py`, `export/clients/onnx_client.py` and `export.verify`, `.keras` files
through `runs.load_model`, samples through the client. Every try is one of these: *refused*, by the tool's own words and
exit status; *survived*, where the right answer or the right files came out; *wrong*, which is everything else: a
traceback, an answer from a damaged file, something executed, which would write the canary, a file outside.
"""

import contextlib
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.faults import hostile, hostile_graphs, hostile_inputs  # noqa: F401 (they add to hostile.CASES)

ROOT = pathlib.Path(__file__).parents[2]
KIT = ROOT / "export"


def rows(progress):
    """Return the rows of the table: dicts of "tried", "count", "refused", "survived", "wrong" and "left over".

    Args:
        progress: Function that is called with a line of text before each row.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = sound_model()
        version = deployed(model, folder / "models")
        found = []
        for name in files_of(version):
            progress(f"200 bit flips in {name}")
            found.append(flips(version, name, 200))
        steps = (
            ("bit flips with new sums", lambda: resealed_flips(version, 12)),
            ("hostile files", lambda: tried_all(hostile.CASES, version, folder / "hostile")),
            ("kills in deployments", lambda: kills(folder / "killed", 10)),
            ("two deployments at once", lambda: at_once(folder / "at once")),
            ("disk full and read-only", lambda: no_room(folder / "full")),
        )
        for name, step in steps:
            progress(name)
            found.append(step())
        return found


def sound_model():
    """A small classifier of bytes, with the head of `transfer.classifier`."""
    import keras

    from keras_ssl import transfer

    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6, 2), name="image")
    x = keras.layers.Conv2D(3, 3, activation="relu")(inputs)
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x), name="encoder")
    return transfer.classifier(encoder, 4)


def deployed(model, directory):
    """The version folder of a new deployment."""
    from keras_ssl import export

    return export.deploy(model, directory, input_dtype="uint8", class_names=["ant", "bee", "cat", "dog"])


def files_of(folder):
    """Names of all files of a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def kit(name):
    """A module of the kit, which is no package."""
    for place in (KIT / "clients", KIT):
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    return __import__(name)


def row(tried, outcomes, left=0):
    """A row of the table.

    Args:
        tried: What was tried.
        outcomes: "refused", "survived" or what went wrong, for each try.
        left: Number of files and folders that stayed.
    """
    wrong = [outcome for outcome in outcomes if outcome not in ("refused", "survived")]
    counts = {key: outcomes.count(key) for key in ("refused", "survived")}
    if wrong:
        tried += f" (wrong: {'; '.join(dict.fromkeys(wrong))})"
    return {"tried": tried, "count": len(outcomes), **counts, "wrong": len(wrong), "left over": left}


# ---- bit flips -------------------------------------------------------------------------------------------------------


def flips(version, name, count):
    """Flip one bit of a file, `count` times: nothing that reads the version folder may take it."""
    from keras_ssl import export

    images = np.zeros((1, 6, 6, 2), "uint8")
    tools = {
        "verify.py": lambda: run_tool("verify", version),
        "onnx_client.py": lambda: (
            run_client(version, images) if name.endswith((".onnx", ".json", ".sha256")) else "refused"
        ),
        "export.verify": lambda: refusal(lambda: export.verify(None, version)),
    }
    with flipping(version / name, count) as each:
        outcomes = []
        for _ in each:
            said = {tool: ask() for tool, ask in tools.items()}
            wrong = [f"{tool} {what}" for tool, what in said.items() if what != "refused"]
            outcomes.append(wrong[0] if wrong else "refused")
    return row(f"a bit flipped in {name}", outcomes)


def resealed_flips(version, count):
    """Flip one bit of the SavedModel or the ONNX file and write the right sums: contents and answers must tell."""
    outcomes = []
    for name in ("saved_model.pb", "model.onnx"):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(shutil.copytree(version, pathlib.Path(folder) / "1"))
            with flipping(copy / name, count // 2) as each:
                for _ in each:
                    hostile.reseal(copy)
                    outcomes.append(run_tool("verify", copy, answers="survived"))
    return row("a bit flipped, and all sums made anew", outcomes)


@contextlib.contextmanager
def flipping(path, count):
    """Yield an iterator that damages a file anew each time, always in another bit; the file is restored at the end."""
    right = path.read_bytes()
    bits = random.Random(0).sample(range(8 * len(right)), min(count, 8 * len(right)))

    def each():
        for bit in bits:
            data = bytearray(right)
            data[bit // 8] ^= 1 << bit % 8
            path.write_bytes(data)
            yield bit

    try:
        yield each()
    finally:
        path.write_bytes(right)


# ---- tools -----------------------------------------------------------------------------------------------------------


def run_tool(name, *arguments, answers="answered"):
    """Run a command of the kit: "refused" for exit status 1, `answers` for 0, else what is wrong."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            status = kit(name).main([str(argument) for argument in arguments])
    except BaseException as error:
        return f"raised {type(error).__name__}"
    return {0: answers, 1: "refused"}.get(status, f"status {status}")


def run_client(version, samples):
    """Load and ask the ONNX client."""
    artifact, client, given = kit("artifact"), kit("onnx_client"), kit("samples")
    try:
        client.load(version)(samples)
    except (artifact.ArtifactError, given.SamplesError):
        return "refused"
    except Exception as error:
        return f"raised {type(error).__name__}"
    return "answered"


def refusal(act):
    """Do something that should raise `UserError`."""
    from keras_ssl.errors import UserError

    try:
        act()
    except UserError:
        return "refused"
    except Exception as error:
        return f"raised {type(error).__name__}"
    return "answered"


def tried_all(cases, version, folder):
    """Make hostile files and give each to the tool that reads such files."""
    outcomes, left = [], 0
    for name, (make, reader) in cases.items():
        outcome, stayed = tried(name, make, reader, version, folder)
        outcomes.append(outcome if outcome in ("refused", "survived") else f"{name}: {outcome}")
        left += stayed
    return row("hostile files: SavedModel, ONNX, manifest, .keras, samples", outcomes, left)


def tried(name, make, reader, version, folder):
    """Return the outcome of one hostile file, and how many files stayed."""
    place = folder / name.replace(" ", "_").replace("/", "_")
    place.mkdir(parents=True)
    canary = place / "canary"
    given = make(version, place, canary)
    before = set(place.rglob("*"))
    readers = {
        "folder": lambda: run_tool("verify", given, "--timeout", 20, "--memory", 6),
        "model": lambda: refusal(lambda: load_model(given)),
        "samples": lambda: run_tool("onnx_client", version, given),
    }
    with inside(place):
        outcome = readers[reader]()
    stayed = len(set(place.rglob("*")) - before - {canary})
    if canary.exists():
        outcome = "executed"
    shutil.rmtree(place)
    return outcome, stayed


def load_model(path):
    """A model file, as the commands load it."""
    from keras_ssl import runs

    return runs.load_model(path)


@contextlib.contextmanager
def inside(folder):
    """Work in a folder, so that what is written beside is seen."""
    before = pathlib.Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


# ---- deployments -----------------------------------------------------------------------------------------------------

FORKS = """
import os, pathlib, sys
import keras, onnx, onnxruntime, tensorflow, tf2onnx
from benchmarks.faults import artifacts
from keras_ssl import export, transfer
for line in sys.stdin:
    times, directory = line.rstrip().split(" ", 1)
    if os.fork():
        continue
    model = artifacts.sound_model()
    print("ready", os.getpid(), flush=True)
    for _ in range(int(times)):
        artifacts.deployed(model, pathlib.Path(directory))
    print("done", os.getpid(), flush=True)
    os._exit(0)
"""
"""A process that forks one for each line that it reads, which saves importing TensorFlow: it deploys some times."""


@contextlib.contextmanager
def forks():
    """Yield a function that starts deployments in a process of their own and returns its id, and one that waits."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-c", FORKS], text=True, env=environment, cwd=ROOT, **pipes)

    def wait(word):
        line = process.stdout.readline().split()
        if line[:1] != [word]:
            raise RuntimeError(f"a process that deploys ended: {line}")
        return int(line[1])

    def start(directory, times):
        process.stdin.write(f"{times} {directory}\n")
        process.stdin.flush()
        return wait("ready")

    try:
        yield start, wait
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def whole(version):
    """Whether a version folder has the files of its manifest, by the kit."""
    artifact = kit("artifact")
    try:
        return not artifact.file_faults(version, artifact.read_manifest(version), say=lambda line: None)
    except (OSError, ValueError):
        return False


def versions(directory):
    """The version folders, which servers may load, and everything else in a model's folder."""
    paths = list(directory.iterdir()) if directory.is_dir() else []
    numbered = [path for path in paths if path.name.isdecimal()]
    return numbered, [path for path in paths if path not in numbered]


def kills(directory, count):
    """Kill processes at some time of their first or second deployment, then deploy once more into each folder."""
    rng, outcomes = random.Random(0), []
    with forks() as (start, _):
        for k in range(count):
            pid = start(directory / str(k), 100)
            time.sleep(rng.uniform(0.05, 2.5))
            os.kill(pid, signal.SIGKILL)
    model, left = sound_model(), 0
    for k in range(count):
        seen = versions(directory / str(k))[0]
        whole_ones = all(map(whole, seen))
        deployed(model, directory / str(k))
        numbered, others = versions(directory / str(k))
        outcomes.append("survived" if whole_ones and len(numbered) == len(seen) + 1 else "a version is not whole")
        left += len(others)
    return row("a deployment killed, and the next one", outcomes, left)


def at_once(directory):
    """Two processes deploy into one folder at the same time, three times each."""
    with forks() as (start, wait):
        pids = {start(directory, 3), start(directory, 3)}
        ended = {wait("done"), wait("done")}
    numbered, others = versions(directory)
    right = pids == ended and {path.name for path in numbered} == set("123456") and all(map(whole, numbered))
    outcome = "survived" if right else f"{len(numbered)} versions"
    return row("two processes that deploy at once", [outcome] * 2, len(others))


FULL = """
import pathlib, subprocess, sys
from benchmarks.faults import artifacts
model, place = artifacts.sound_model(), pathlib.Path(sys.argv[1])
for options in ("size=4k", "size=16k", "size=32k", "size=48k", "ro"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)
    outcome = artifacts.refusal(lambda: artifacts.deployed(model, place / "m"))
    numbered, others = artifacts.versions(place / "m")
    outcome = "survived" if numbered and all(map(artifacts.whole, numbered)) else outcome
    left = len(others)
    subprocess.run(["umount", str(place)], check=True)
    print(artifacts.json.dumps([options, outcome, left]), flush=True)
"""


def no_room(place):
    """Deploy into file systems of 4 to 48 kB, and into one that is read-only, mounted in a namespace of its own."""
    place.mkdir(parents=True)
    tried = "a deployment onto a full disk (4 to 48 kB), and onto a read-only one"
    space = ["unshare", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*space, "true"], capture_output=True).returncode:
        return row(tried + ": not possible on this machine", [])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [*space, sys.executable, "-c", FULL, str(place)], capture_output=True, text=True, env=environment, cwd=ROOT
    )
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    outcomes = [what if what in ("refused", "survived") else f"{options}: {what}" for options, what, _ in found]
    if done.returncode:
        outcomes.append(f"ended with status {done.returncode}")
    return row(tried, outcomes, sum(left for _, _, left in found))
