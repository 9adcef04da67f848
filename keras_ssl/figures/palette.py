"""The look of all figures: one style, and one color per method wherever it is drawn.

Baselines that were not pretrained are gray. Pretrained methods have colors from the palette of Okabe and Ito, which
color-blind people can tell apart. Frozen encoders are drawn solid, fine-tuned ones dashed. Where one method is
fine-tuned in several ways, each way has its color.
"""

import functools
import zlib
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from keras_ssl.backends import require
from keras_ssl.names import WAYS

__all__ = ["BASELINES", "CLASSES", "INK", "Figure", "family", "figure", "label", "look", "styled"]

Figure: TypeAlias = Any
"""A `matplotlib.figure.Figure`; Matplotlib is imported only when something is drawn."""
INK = "#1f2933"
"""Color of text and reference lines."""
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
    "text.parse_math": False,  # texts and names of classes may have two dollar signs
    "legend.fontsize": 9.5,
}
BASELINES = {
    "raw_inputs": ("#7b8794", ":", "s", "raw inputs"),
    "tf_idf": ("#7b8794", ":", "s", "TF-IDF"),
    "log_mel": ("#7b8794", ":", "s", "log-mel"),
    "untrained": ("#b0b8c1", "-.", "^", "untrained encoder"),
    "from_scratch": ("#3e4c59", "--", "v", "from scratch"),
}
PRETRAINED = {"simclr": ("#0072B2", "SimCLR"), "autoencoder": ("#D55E00", "Autoencoder")}
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#A6761D")
# The ten colors of Petroff 2021, "Accessible color sequences for data visualization".
CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip


_TUNED = {"finetuned": "fine-tuned", **WAYS}
_MARKERS = "DPX*<>dhp"
_BY_WAY = (
    "#0072B2", "#E69F00", "#56B4E9", "#A6761D", "#B9AC70", "#8C6BB1", "#CC79A7", "#009E73", "#D55E00", "#92DADD",
    "#004D40",
)  # fmt: skip
_WAYS = dict(zip([None, *_TUNED.values()], _BY_WAY, strict=True))  # None is the frozen encoder
_DASHES = {  # of fine-tuned methods: longer and longer
    words: ((0, (5 + 2 * k, 1.5 + k / 2)), _MARKERS[k % len(_MARKERS)]) for k, words in enumerate(_TUNED.values())
}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a function that draws, so that it uses this style and leaves the user's Matplotlib settings alone."""

    @functools.wraps(draw)
    def drawn(*args, **kwargs):
        require("matplotlib", "which draws figures")
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


def figure(width: float, height: float) -> Figure:
    """Return an empty Figure of this size in inches that pyplot does not manage."""
    require("matplotlib", "which draws figures")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def family(name: str) -> str:
    """Return the name of a method without the way it was fine-tuned, as in prose: `simclr_finetuned` → `SimCLR`."""
    stem, _ = _apart(name)
    return PRETRAINED[stem.lower()][1] if stem.lower() in PRETRAINED else stem.replace("_", " ")


def _apart(name):
    """The name of an objective, and what the way is called in which it was fine-tuned, if it was."""
    for suffix, words in _TUNED.items():
        if name.endswith(f"_{suffix}"):
            return name.removesuffix(f"_{suffix}"), words
    return name, None


def label(name: str) -> str:
    """Return the name of a method in legends and tables: `simclr_finetuned` → `SimCLR, fine-tuned`."""
    return look([name])[name]["label"]


def look(names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return color, line style, marker and label of each method, as keyword arguments for Matplotlib's `plot`.

    Args:
        names: Methods: the baselines, and names of objectives, alone or followed by `_finetuned` or `_` and a way to
            fine-tune.

    Returns:
        `{name: {"color", "linestyle", "marker", "label"}}`. An objective without a fixed color gets one that depends
        on its name. It keeps this color from figure to figure, unless another objective in the figure has taken it. If
        all pretrained methods are one objective, fine-tuned in two or more ways, the color depends on the way instead.
    """
    apart = {name: _apart(name) for name in names if name not in BASELINES}
    colors = _colors({stem for stem, _ in apart.values()})
    by_way = len(colors) == 1 and sum(tuned is not None for _, tuned in apart.values()) > 1
    dash: Any
    looks = {}
    for name in names:
        if name in BASELINES:
            color, dash, marker, words = BASELINES[name]
        else:
            stem, tuned = apart[name]
            color = _WAYS[tuned] if by_way else colors[stem]
            dash, marker = _DASHES[tuned] if tuned else ("-", "o")
            words = f"{family(name)}, {tuned or 'frozen'}"
        looks[name] = {"color": color, "linestyle": dash, "marker": marker, "label": words}
    return looks


def _colors(stems):
    """Return a color for each objective: its fixed color, or one that depends on its name and is not taken."""
    taken = {stem: PRETRAINED[stem.lower()][0] for stem in stems if stem.lower() in PRETRAINED}
    for stem in sorted(stems - taken.keys()):
        start = zlib.crc32(stem.encode()) % len(OTHERS)
        order = OTHERS[start:] + OTHERS[:start]
        taken[stem] = next((color for color in order if color not in taken.values()), order[0])
    return taken
