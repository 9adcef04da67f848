"""The tables of `CollapseDoctor`: what its figures mean, and the likely cause of a collapse in each objective."""

import re
import typing
from collections.abc import Mapping

from keras_ssl import objectives

__all__ = ["Diagnosis", "diagnose", "likely_cause"]


class Diagnosis(typing.NamedTuple):
    """A way to collapse.

    Attributes:
        name: Its name.
        figure: Name of the figure that shows it.
        below: Threshold of the figure. `diagnose` lowers that of the rank for narrow networks, and that of the
            perplexity for small code books.
        meaning: What a figure below the threshold means.
        cause: Likely cause, in which "{}" is replaced by that of the objective.
    """

    name: str
    figure: str
    below: float
    meaning: str
    cause: str = "{}"


# More basic diagnoses come first: identical views explain the ones below.
_TABLE = (
    Diagnosis(
        *("constant views", "distinct_samples", 0.1, "nearly all samples of a view are alike"),
        "the images are alike, or the policy erases them (`views.preview(policy, images)` shows it)",
    ),
    Diagnosis(
        *("identical views", "distinct_views", 0.1, "both views of nearly all samples are alike"),
        "the policy changes nothing, or both views are the same array (`views.preview(policy, images)` shows it)",
    ),
    Diagnosis("one prototype", "doctor_entropy", 0.2, "nearly all samples are assigned to the same prototypes"),
    Diagnosis("one code", "doctor_perplexity", 2.0, "nearly all places get the same entry of a code book"),
    Diagnosis("one point", "doctor_std", 0.25, "the projections of all samples have nearly the same direction"),
    Diagnosis("few dimensions", "doctor_rank", 6.0, "the projections vary in few directions only"),
    Diagnosis("no scale", "doctor_scale", 0.1, "the projections have shrunk, all toward one point"),
)

_CAUSES = {
    objectives.SimCLR: "the temperature is too high (try 0.1 to 0.5), or the learning rate",
    objectives.MoCo: "the temperature is too high (try 0.2), or `target_momentum` too low (try 0.99)",
    objectives.NNCLR: "the temperature is too high (try 0.1), or the queue ({0.queue_size}; try 4096) so short that "
    "samples share their neighbors",
    objectives.BYOL: "the predictor is missing or changes nothing (leave `predictor=None`), `target_momentum` is too "
    "low (try 0.99), or the learning rate too high",
    objectives.SimSiam: "the stop-gradient on the predicted projection is missing (leave `loss_terms` as it is), the "
    "predictor is missing or changes nothing (leave `predictor=None`), or the learning rate is too high",
    objectives.DINO: "the center stands still (`center_momentum` is {0.center_momentum}; try 0.9), or the teacher is "
    "no sharper than the student (try 0.04 as `teacher_temperature`, 0.1 as `student_temperature`)",
    objectives.BarlowTwins: "the weight of `redundancy` ({0.redundancy}; try 0.005) is too low",
    objectives.VICReg: "the weight of `variance` ({0.variance}; try 25) is too low beside that of `invariance` "
    "({0.invariance})",
    objectives.SwAV: "the codes are too soft (`sharpness` is {0.sharpness}; try 0.05) or unbalanced (`iterations` is "
    "{0.iterations}; try 3)",
    objectives.Wav2Vec2: "the weight of `diversity` ({0.diversity}; try 0.1) is too low, `code_temperature` falls too "
    "fast (leave it out), or the learning rate is too high",
    objectives.CLIP: "the temperature is too high (try 0.07 at the start) or the learning rate, or texts are alike",
    objectives.Objective: "nothing in the loss keeps samples apart, or the term that does has too low a weight",
}


def diagnose(
    now: Mapping[str, float], last: Mapping[str, float], width: int, entries: int | None = None
) -> Diagnosis | None:
    """Return the first diagnosis whose figure is below its threshold now and was so at the last check.

    A figure that has risen since by a tenth of the threshold is recovering, as those of untrained networks do, and does
    not count.

    Args:
        now: Figures by name. Those that are missing are ignored.
        last: Figures at the last check.
        width: Width of the projections or of the representation, whichever is narrower. The threshold of the rank is
            at most a quarter of it.
        entries: Number of entries of a code book, n, or None if there are no code books. The threshold of the
            perplexity, which is in 1..n, is at most `1 + (n - 1) / 4`. Default: None.

    Returns:
        `Diagnosis`, with the threshold that was used, or None.
    """
    most = {"doctor_rank": width / 4}
    if entries is not None:
        most["doctor_perplexity"] = 1 + (entries - 1) / 4
    for row in (row._replace(below=min(row.below, most.get(row.figure, row.below))) for row in _TABLE):
        if row.figure in now and row.figure in last:
            figure, before = now[row.figure], last[row.figure]
            if max(figure, before) < row.below and figure < before + row.below / 10:
                return row
    return None


def likely_cause(diagnosis: Diagnosis, objective: objectives.Objective) -> str:
    """Return, as text, the most frequent cause in this objective or the nearest parent class in the table.

    A value that an argument has already is not advised.
    """
    its_own = next(_CAUSES[kind] for kind in type(objective).__mro__ if kind in _CAUSES)
    text = diagnosis.cause.format(its_own.format(objective))
    return re.sub(r"(?<![\w.])([\d.]+); try ([\d.]+)", lambda x: x[1] if float(x[1]) == float(x[2]) else x[0], text)
