"""The version of the scoring protocol, which every results file names, and the embeddings that were scored.

Scores of different versions must not stand in one table. Embeddings, and encoders that are fine-tuned, are kept
outside the repository, in KERAS_SSL_BENCHMARKS or ~/.cache/keras_ssl/benchmarks. After a change of the protocol the
same command scores them anew, in minutes, without training. `--again` trains anew, as is needed where a recipe has
changed.
"""

import hashlib
import json
import os
import pathlib

VERSION = 2
"""1: the linear probe divides features by one number. 2: it subtracts their mean first."""


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
