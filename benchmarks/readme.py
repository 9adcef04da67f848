"""Writing what a benchmark found into the README, between the markers of its section."""

import pathlib

RESULTS = pathlib.Path(__file__).parent / "results"
README = RESULTS.parent.parent / "README.md"
END = "<!-- end -->"


def write_section(name, text):
    """Put `text` between `<!-- name -->` and the next `<!-- end -->`."""
    begin = f"<!-- {name} -->"
    before, rest = README.read_text().split(begin)
    README.write_text(f"{before}{begin}\n{text}\n{END}{rest.split(END, 1)[1]}")
