"""The accuracy that the README's example ends with: the example as it stands, several times.

    python -m benchmarks.example [--runs 3]

The example sets no seed of its own, so runs differ. The accuracies go to `benchmarks/results/example.json`; the comment
in the example quotes their mean.
"""

import argparse
import json
import os
import re
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.pages import RESULTS, ROOT


def example():
    """The README's first Python snippet."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.search(r"```python\n(.*?)```", text, flags=re.DOTALL).group(1)


def accuracy(snippet):
    """Run the example in the current folder; return the accuracy that its last line prints, and its names."""
    names: dict = {}
    exec(compile(snippet.replace("classifier.evaluate(", "found = classifier.evaluate("), "README.md", "exec"), names)
    return names["found"][1], names


def main():
    """Run the example several times, each in a folder of its own that is removed again."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    found = []
    for _ in range(parser.parse_args().runs):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            found.append(accuracy(example())[0])
            os.chdir(ROOT)
    (RESULTS / "example.json").write_text(json.dumps({"accuracy": [round(x, 4) for x in found]}, indent=1) + "\n")
    print(f"accuracy: {sum(found) / len(found):.2f}, of {len(found)} runs {found}")


if __name__ == "__main__":
    main()
