"""How pictures look: one style, and one color for each method wherever it is drawn.

Gray is what was not pretrained, a color of the palette of Okabe and Ito (which color-blind people can tell apart)
what was. Frozen is drawn solid, fine-tuned dashed.
"""

import functools
import zlib
from typing import Any

__all__ = ["BASELINES", "CLASSES", "INK", "family", "figure", "label", "look", "styled"]

INK = "#1f2933"
STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": "#9aa5b1",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#d5dae0",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
}
BASELINES = {
    "raw_inputs": ("#7b8794", ":", "s", "raw inputs"),
    "untrained": ("#b0b8c1", "-.", "^", "untrained encoder"),
    "from_scratch": ("#3e4c59", "--", "v", "from scratch"),
}
PRETRAINED = {"simclr": ("#0072B2", "SimCLR"), "autoencoder": ("#D55E00", "Autoencoder")}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#A6761D")
# The ten colors of Petroff 2021, "Accessible color sequences for data visualization".
CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip


def styled(draw):
    """Decorate a function that draws, so that it does so in this style and leaves the reader's own settings alone."""

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def figure(width, height):
    """An empty Figure of so many inches that pyplot does not know of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def family(name):
    """The method without `_finetuned`, as it is written in prose: `simclr_finetuned` → `SimCLR`."""
    stem = name.removesuffix("_finetuned")
    return PRETRAINED[stem][1] if stem in PRETRAINED else stem.replace("_", " ")


def label(name):
    """How a legend or a table names the method: `simclr_finetuned` → `SimCLR, fine-tuned`."""
    return look([name])[name]["label"]


def look(names):
    """Color, line style, marker and label of each method, as keyword arguments of a line.

    Args:
        names: Methods: the three baselines, and names of objectives with or without `_finetuned`.

    Returns:
        `{name: {"color", "linestyle", "marker", "label"}}`. An objective that has no color of its own gets one by its
        name, so it keeps it from picture to picture unless another one beside it falls on the same.
    """
    colors = _colors({name.removesuffix("_finetuned") for name in names if name not in BASELINES})
    dash: Any
    looks = {}
    for name in names:
        if name in BASELINES:
            color, dash, marker, words = BASELINES[name]
        else:
            tuned = name.endswith("_finetuned")
            color = colors[name.removesuffix("_finetuned")]
            dash, marker = ((0, (5, 1.5)), "D") if tuned else ("-", "o")
            words = family(name) + (", fine-tuned" if tuned else ", frozen")
        looks[name] = {"color": color, "linestyle": dash, "marker": marker, "label": words}
    return looks


def _colors(stems):
    """A color for each objective: its own, or one picked by its name among those that are not taken."""
    taken = {stem: PRETRAINED[stem][0] for stem in stems if stem in PRETRAINED}
    for stem in sorted(stems - taken.keys()):
        start = zlib.crc32(stem.encode()) % len(OTHERS)
        order = OTHERS[start:] + OTHERS[:start]
        taken[stem] = next((color for color in order if color not in taken.values()), order[0])
    return taken
