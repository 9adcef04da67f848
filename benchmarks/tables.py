"""Cells of tables; and rows from processes of their own, which are kept: for `joint_embedding.py`, `classical.py`."""

import json
import pathlib
import subprocess
import sys

import numpy as np

SCORES = {"knn": "kNN", "linear": "linear", "ten_labels": "10 labels per class"}
ROOT = pathlib.Path(__file__).parent.parent


def collected(file, head, names, given, folder):
    """Figures of rows: the file's while its protocol is the same; others are measured, and written one by one.

    Args:
        file: Path of the results, or None to read and write nothing.
        head: What the file begins with, "protocol" in it.
        names: Of the rows wanted.
        given: Options; with `again` nothing of `names` is taken from the file.
        folder: For the files that processes exchange.
    """
    old = json.loads(file.read_text()) if file and file.exists() else {"protocol": None}
    rows = old["rows"] if old["protocol"] == head["protocol"] else {}
    for name in names:
        if given.again or name not in rows:
            rows[name] = measured(name, given, folder)
        if file:
            file.write_text(json.dumps({**head, "rows": rows}, indent=1) + "\n")
    return {**head, "rows": rows}


def measured(name, given, folder):
    """Figures of each seed, from a process of its own."""
    arguments, output = pathlib.Path(folder) / "options.json", pathlib.Path(folder) / "row.json"
    arguments.write_text(json.dumps(vars(given)))
    command = [sys.executable, "-m", "benchmarks.joint_embedding_row", name, str(arguments), str(output)]
    subprocess.run(command, check=True, cwd=ROOT)
    return json.loads(output.read_text())


def write_arrays(dataset, file):
    """Write the images and labels of a data set that TensorFlow Datasets has."""
    from keras_ssl import data

    arrays = {}
    for split in ("train", "test"):
        source = data.load(dataset, split)
        arrays |= {f"{split}_images": source.stored, f"{split}_labels": source.labels}
    np.savez(file, **arrays)


def cell(values, digits=3, sign=","):
    """Mean and standard deviation, over seeds or draws, where there are several; nothing where there is none."""
    if not len(values):
        return ""
    return f"{np.mean(values):{sign}.{digits}f}" + (f" ± {np.std(values):.{digits}f}" if len(values) > 1 else "")


def quoted(runs, score):
    """The cell of a score."""
    return cell([run[score] for run in runs])


def over_seeds(counts):
    """Say what cells are means over, from the numbers of seeds of the rows; rows of one seed have no deviation."""
    several = sorted(set(counts) - {1})
    return f"mean ± standard deviation over {' or '.join(map(str, several))} seeds" if several else "one seed"


def fastest(runs):
    """Seconds per epoch of the fastest seed, on a machine that does other things too."""
    return f"{min(run['seconds_per_epoch'] for run in runs):.0f}"


def beyond(rows, score, floors):
    """Which rows are more than two standard deviations, of both together, above all that stand below them.

    Args:
        rows: Dict of the figures of each seed by row.
        score: Key of the figures.
        floors: Dict from the rows that are asked about to the names of those that they are compared with.
    """
    found = {
        name: (np.mean([run[score] for run in runs]), np.std([run[score] for run in runs]))
        for name, runs in rows.items()
    }

    def above(one, other):
        return found[one][0] - found[other][0] > 2 * np.hypot(found[one][1], found[other][1])

    return [name for name, others in floors.items() if all(above(name, other) for other in others if other in found)]
