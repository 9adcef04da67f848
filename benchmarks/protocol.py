"""The version of the scoring protocol, which every results file names, and the embeddings that were scored.

A file with scores of a linear probe or of nearest neighbors holds `{"protocol": {"version": ...}}`. Scores of different
versions must not stand in one table, and a table of an old version says what was different (`note`).

Embeddings, and encoders that are fine-tuned, are kept outside the repository, in KERAS_SSL_BENCHMARKS or
~/.cache/keras_ssl/benchmarks. After a change of the protocol the same command scores them again, in minutes, without
training. `--again` trains again, as is needed where a recipe has changed.
"""

import hashlib
import json
import os
import pathlib

VERSION = 2
"""1: the linear probe divides features by one number. 2: it subtracts their mean first."""
DIFFERENCES = {1: "the linear probe did not subtract the mean"}
"""How old versions differ from the current one."""


def note(*results):
    """The line under a table of an old version, with a line break before it; of the current version nothing.

    Raises:
        ValueError: If the results are of several versions.
    """
    versions = {result["protocol"]["version"] for result in results}
    if len(versions) > 1:
        raise ValueError(
            f"Expected results of one protocol. Received versions {versions}. Do: measure the older again."
        )
    (version,) = versions
    return "" if version == VERSION else f"\nProtocol {version}: {DIFFERENCES[version]}."


def kept(name, **about):
    """Where the arrays or the encoder of a run are kept: a path without its ending, in a folder that is there.

    Args:
        name: Of the row.
        **about: What else determines it: data set, seed, epochs, ….
    """
    folder = os.environ.get("KERAS_SSL_BENCHMARKS") or pathlib.Path.home() / ".cache" / "keras_ssl" / "benchmarks"
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:8]
    words = [name, *(str(about[key]) for key in ("dataset", "seed") if key in about)]
    return folder / "-".join(["_".join(word.split()).replace("/", "_") for word in words] + [digest])


def figures(name, make, again=False, **about):
    """Figures of a run that JSON can hold: kept ones where there are any, else what `make()` returns, which is kept.

    Args:
        name: See `kept`.
        make: Function that measures them.
        again: Whether to measure anew.
        **about: See `kept`.
    """
    from keras_ssl.files import write_json

    file = kept(name, **about)
    file = file.with_name(file.name + ".json")
    if again or not file.exists():
        write_json(file, make())
    return json.loads(file.read_text(encoding="utf-8"))
