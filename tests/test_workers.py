"""Starting the workers of a cluster on this machine: what each is told, what is seen of them, and how they end."""

import json
import os
import pathlib
import signal
import sys
import textwrap
import threading
import time

import pytest

from keras_ssl import distribute
from keras_ssl.distribute import strategies, workers
from keras_ssl.errors import UserError


def python(script):
    """A command that finds its own number as `index`, and sleeps with `sleep()` until it is ended."""
    begin = """
        import json, os, pathlib, signal, sys, time
        index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
        def sleep():
            pathlib.Path(f"{index}.pid").write_text(str(os.getpid()))
            time.sleep(100)
        def others_sleep():
            while len(list(pathlib.Path(".").glob("*.pid"))) < 2:
                time.sleep(0.01)
    """
    return [sys.executable, "-c", textwrap.dedent(begin) + textwrap.dedent(script)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def alive(folder):
    """Processes of the folder's `.pid` files that have not ended."""
    return [path.stem for path in folder.glob("*.pid") if pathlib.Path("/proc", path.read_text()).exists()]


def test_each_worker_is_told_the_addresses_of_all_and_its_number(folder, capfd):
    distribute.launch(python("""
        pathlib.Path(f"{index}.json").write_text(os.environ["TF_CONFIG"])
        print("out", index)
        print("err", index, file=sys.stderr)
    """), workers=3)  # fmt: skip
    texts = [path.read_text() for path in sorted(folder.glob("*.json"))]
    for text in texts:
        strategies._check_tf_config(text)
    configs = [json.loads(text) for text in texts]
    assert [config["task"] for config in configs] == [{"type": "worker", "index": k} for k in range(3)]
    assert len({json.dumps(config["cluster"]) for config in configs}) == 1
    assert len(configs[0]["cluster"]["worker"]) == 3
    assert capfd.readouterr() == ("out 0\n", "err 0\n")


def test_the_failure_of_one_ends_all_and_is_told(folder):
    begun = time.monotonic()
    with pytest.raises(UserError) as error:
        distribute.launch(python("""
            if index == 1:
                others_sleep()
                print(*range(30), sep="\\n", file=sys.stderr)
                sys.exit("Do: give two eyes.")
            sleep()
        """), workers=3)  # fmt: skip
    assert time.monotonic() - begun < 10
    received = error.value.received.splitlines()
    assert received[0] == "status 1 of worker 1, which wrote at last:"
    assert received[1:] == [*map(str, range(11, 30)), "Do: give two eyes"]
    assert len(list(folder.glob("*.pid"))) == 2
    assert not alive(folder)


def test_a_failure_before_the_others_are_ready_is_no_hang():
    with pytest.raises(UserError, match=r"Received status 2 of worker 0\. Do: "):
        distribute.launch(python("sys.exit(2) if index == 0 else time.sleep(100)"))


def test_a_worker_that_was_killed_is_told_and_one_that_will_not_end_is_killed(folder, monkeypatch):
    monkeypatch.setattr(workers, "_GRACE", 0.5)
    with pytest.raises(UserError, match="SIGKILL of worker 1"):
        distribute.launch(python("""
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if index == 1:
                while not pathlib.Path("0.pid").exists():
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGKILL)
            sleep()
        """))  # fmt: skip
    assert not alive(folder)


def test_ctrl_c_ends_all(folder):
    def press():
        while len(list(folder.glob("*.pid"))) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    threading.Thread(target=press, daemon=True).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            distribute.launch(python("sleep()"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not alive(folder)


def test_what_cannot_be_started_is_an_error():
    with pytest.raises(UserError, match="workers as a whole number at least 1"):
        distribute.launch([sys.executable, "-c", ""], workers=0)
    with pytest.raises(UserError, match=r"'no-such-program' \(No such file or directory\)"):
        distribute.launch(["no-such-program"])
