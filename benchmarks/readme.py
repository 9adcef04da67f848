"""Writing what a benchmark found: its figures to `results/`, its section between the markers in the README."""

import json
import pathlib

RESULTS = pathlib.Path(__file__).parent / "results"
README = RESULTS.parent.parent / "README.md"
END = "<!-- end -->"


def publish(file, result, name, text):
    """Write the figures to `results/file.json`, and `text` into the README's section of this name."""
    (RESULTS / f"{file}.json").write_text(json.dumps(result, indent=1) + "\n")
    write_section(name, text)


def write_section(name, text):
    """Put `text` between `<!-- name -->` and the next `<!-- end -->`."""
    begin = f"<!-- {name} -->"
    before, rest = README.read_text().split(begin)
    README.write_text(f"{before}{begin}\n{text}\n{END}{rest.split(END, 1)[1]}")
