"""A self-contained HTML report: text, figures and tables in a single file that loads nothing from the network."""

import base64
import html
import io
import pathlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.files import whole_file
from keras_ssl.typing import Path

__all__ = ["Section", "Table", "write"]


@dataclass(frozen=True)
class Table:
    """A table with a header.

    Args:
        header: Names of the columns.
        rows: Rows with as many cells as the header. Floats are shown with 4 significant digits, anything else by `str`.
            Columns of numbers are aligned right. The first cell of a row is its heading.

    Raises:
        UserError: If a row does not have as many cells as the header.
    """

    header: Sequence
    rows: Sequence[Sequence]

    def __post_init__(self):
        object.__setattr__(self, "header", tuple(self.header))
        object.__setattr__(self, "rows", tuple(tuple(row) for row in self.rows))
        for row in self.rows:
            if len(row) != len(self.header):
                received = f"{len(row)} in {row}"
                raise UserError(f"{len(self.header)} cells in each row", received, "give a cell for each column")


@dataclass(frozen=True)
class Section:
    """A heading with text, a figure and a table below it.

    Args:
        title: The heading.
        text: Plain text; an empty line starts a new paragraph, backticks mark code.
        figure: A `matplotlib.figure.Figure`, or a function without arguments that draws it, or None. The alternative
            text is its label (`figure.get_label()`), or the title if it has none. A function is called when the report
            is written; if it raises, the section says why there is no picture.
        table: A `Table` or None.
    """

    title: str
    text: str = ""
    figure: Any = None
    table: Table | None = None


def write(path: Path, title: str, lead: str, facts: Mapping[str, Any], sections: Sequence[Section]) -> pathlib.Path:
    """Write a report as one HTML file, light or dark like the reader's system. The file is written whole or not at all.

    Args:
        path: Path of the file. Missing folders are made; an existing file is replaced.
        title: Heading of the page.
        lead: One or two sentences with the main result.
        facts: Values by label, such as data set, seed, seconds and versions.
        sections: List of `Section`.

    Returns:
        The path.

    Raises:
        UserError: If the path cannot be written.
    """
    path = pathlib.Path(path)
    page = PAGE.substitute(
        title=html.escape(title),
        lead=_prose(lead),
        facts="".join(
            f"<div><dt>{html.escape(str(k))}</dt><dd>{html.escape(_cell(v))}</dd></div>" for k, v in facts.items()
        ),
        contents="".join(f'<li><a href="#s{i}">{html.escape(s.title)}</a></li>' for i, s in enumerate(sections)),
        sections="\n".join(_section(i, section) for i, section in enumerate(sections)),
    )
    with whole_file(path) as beside:
        beside.write_text(page, encoding="utf-8")
    return path


def _section(number, section):
    picture, fault = _drawn(section)
    text = f"{section.text}\n\n{fault}"
    parts = [f'<section id="s{number}">', f"<h2>{html.escape(section.title)}</h2>", _paragraphs(text), picture]
    if section.table is not None:
        parts.append(_table(section.table))
    return "\n".join([*filter(None, parts), "</section>"])


def _drawn(section):
    """The picture of a section, whose figure is drawn now if it is a function, and why there is none if that fails."""
    try:
        figure = section.figure() if callable(section.figure) else section.figure
        return "" if figure is None else _picture(figure, figure.get_label() or section.title), ""
    except Exception as error:  # one picture must not lose a run that may have taken days
        return "", f"This picture could not be drawn ({type(error).__name__}): {error}"


def _prose(text):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _paragraphs(text):
    return "\n".join(f"<p>{_prose(part)}</p>" for part in re.split(r"\n\s*\n", text.strip()) if part)


def _picture(figure, alternative):
    """Return an `<img>` with SVG, or PNG at twice the resolution, whichever is smaller."""
    import matplotlib

    formats: dict[str, dict] = {"svg+xml": {"metadata": {"Date": None}}, "png": {"dpi": 200}}
    encoded = {}
    with matplotlib.rc_context({"svg.hashsalt": "keras_ssl"}):  # so that the same figure gives the same page
        for kind, extra in formats.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind.removesuffix("+xml"), **extra)
            encoded[kind] = base64.b64encode(buffer.getvalue()).decode()
    kind = min(encoded, key=lambda kind: len(encoded[kind]))
    width, height = (round(100 * inches) for inches in figure.get_size_inches())
    source = f'src="data:image/{kind};base64,{encoded[kind]}" alt="{html.escape(alternative)}"'
    return f'<figure><img {source} width="{width}" height="{height}" style="--width: {width}px"></figure>'


def _cell(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(table):
    def starts_like_a_number(cell):
        return re.match(r"[-+]?\.?\d|nan|inf|—$", _cell(cell))

    marks = [
        ' class="n"' if all(starts_like_a_number(row[column]) for row in table.rows) else ""
        for column in range(1, len(table.header))
    ]

    def line(cells, scope, tag):
        first, *others = (html.escape(_cell(cell)) for cell in cells)
        rest = "".join(f"<{tag}{mark}>{cell}</{tag.split()[0]}>" for mark, cell in zip(marks, others))
        return f'<tr><th scope="{scope}">{first}</th>{rest}</tr>'

    head = line(table.header, "col", 'th scope="col"')
    body = "\n".join(line(row, "row", "td") for row in table.rows)
    return f'<div class="wide"><table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --ink: #1f2933; --soft: #52606d; --line: #d9dee4; --page: #f5f7f9; --card: #fff; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #a3afbc; --line: #38434f; --page: #14191f; --card: #1c232b; --accent: #6cb8ea; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1140px; margin: 0 auto; padding: 40px 20px 60px; }
h1 { margin: 0 0 .3em; font-size: 1.9rem; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 0 0 .35em; font-size: 1.22rem; line-height: 1.3; }
p { margin: 0 0 .8em; max-width: 46em; }
.lead { font-size: 1.25rem; line-height: 1.45; max-width: 44em; margin-bottom: 1em; }
dl { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0 0 18px; font-size: .9rem; }
dt { color: var(--soft); font-size: .8rem; }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
ul { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 22px; padding: 0; list-style: none; font-size: .9rem; }
a { color: var(--accent); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 22px 26px;
  margin: 0 0 18px; }
figure { margin: 14px 0 4px; width: fit-content; max-width: 100%; overflow-x: auto; background: #fff;
  border-radius: 6px; }
@media (prefers-color-scheme: dark) { figure { padding: 12px; } }
img { display: block; max-width: 100%; height: auto; }
.wide { overflow-x: auto; margin-top: 14px; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 22px 6px 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap; }
thead th { color: var(--soft); font-weight: 600; }
tbody th { font-weight: 500; }
.n { text-align: right; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
@media (max-width: 700px) {
  main { padding: 22px 12px; } section { padding: 16px 14px; } h1 { font-size: 1.5rem; } .lead { font-size: 1.1rem; }
  img { min-width: calc(.65 * var(--width)); }
}
@media print {
  :root { --ink: #000; --soft: #444; --line: #bbb; --page: #fff; --card: #fff; --accent: #000; }
  main { padding: 0; max-width: none; } section { border: 0; padding: 0; } figure, tr { break-inside: avoid; }
  h2 { break-after: avoid; } nav { display: none; }
}
</style>
</head>
<body>
<main>
<header>
<h1>$title</h1>
<p class="lead">$lead</p>
<dl>$facts</dl>
<nav aria-label="Sections"><ul>$contents</ul></nav>
</header>
$sections
</main>
</body>
</html>
""")
