"""Whether one way is better than another, on the same draws of labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError

__all__ = ["Comparison", "compare", "mean_interval"]

_FEWEST_RANKS = 6
"""Pairs from which on Wilcoxon's two-sided p can be below 0.05: with 5 it is at least 2 / 2^5 = 0.0625."""


@dataclass(frozen=True, repr=False)
class Comparison:
    """How much two ways differ on the same draws. Its repr is a sentence.

    Attributes:
        difference: Mean of a - b over the draws.
        interval: Student's t interval of that mean, (low, high).
        p: Two-sided p of the paired t test that the mean is 0.
        wilcoxon_p: Two-sided p of Wilcoxon's signed-rank test, which does not need normal differences; None with fewer
            than 6 draws, or if all differences are 0.
        draws: Number of draws.
        wins: Number of draws on which a is larger.
        confidence: Of the interval, in 0..1.
        names: Names of a and b.
    """

    difference: float
    interval: tuple[float, float]
    p: float
    wilcoxon_p: float | None
    draws: int
    wins: int
    confidence: float
    names: tuple[str, str]

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 0."""
        low, high = self.interval
        return low > 0 or high < 0

    def __repr__(self) -> str:
        a, b = self.names
        low, high = self.interval
        above = "above" if self.difference > 0 else "below"
        verdict = f"{a} is {above} {b}" if self.differs else f"No difference between {a} and {b} is shown"
        ranks = "" if self.wilcoxon_p is None else f", Wilcoxon p = {self.wilcoxon_p:.2g}"
        return (
            f"{verdict}: {self.difference:+.4f} on average, {100 * self.confidence:g} % interval {low:+.4f} to "
            f"{high:+.4f}, larger on {self.wins} of {self.draws} draws (paired t p = {self.p:.2g}{ranks})."
        )


def compare(
    values_a: Sequence[float],
    values_b: Sequence[float],
    confidence: float = 0.95,
    names: tuple[str, str] = ("the first", "the second"),
) -> Comparison:
    """Test whether two ways differ, by their scores on the same draws of labels.

    Draws differ more from one another than ways do, so the scores are compared draw by draw. The test is about draws of
    labels: the pretrained encoder, the pool that labels are drawn from and the test samples are the same in all of
    them. Of many comparisons some show a difference by chance: one in twenty at p = 0.05. If the difference is the
    same on all draws, the interval has no width and p is 0, which two or three draws do not justify: measure on more.

    Args:
        values_a: Scores of one way, one for each draw, such as `result.values["simclr"][10]["accuracy"]` of
            `evaluate.label_efficiency`; at least two.
        values_b: Scores of the other way on the same draws, in the same order.
        confidence: Of the interval of the mean difference, between 0 and 1. Default: 0.95.
        names: Names of both, for the sentence.

    Returns:
        `Comparison`.

    Raises:
        UserError: If the numbers of scores differ, there are fewer than two, one is not finite, or `confidence` is not
            between 0 and 1.

    Reference:
        Student 1908, "The Probable Error of a Mean"; Wilcoxon 1945, "Individual Comparisons by Ranking Methods".

    Example:
        `evaluate.compare(result.values["simclr"][10]["accuracy"], result.values["raw_inputs"][10]["accuracy"])`
    """
    a, b = _scores(values_a, "values_a"), _scores(values_b, "values_b")
    if len(a) != len(b):
        raise UserError("scores of the same draws", f"{len(a)} and {len(b)}", "give both for each draw, in one order")
    differences = a - b
    interval = mean_interval(differences, confidence)
    from scipy import stats

    varies = float(np.std(differences)) > 0
    p = float(stats.ttest_rel(a, b).pvalue) if varies else float(not differences.any())
    ranked = len(a) >= _FEWEST_RANKS and bool(differences.any())
    return Comparison(
        difference=float(differences.mean()),
        interval=interval,
        p=p,
        wilcoxon_p=float(stats.wilcoxon(differences).pvalue) if ranked else None,
        draws=len(a),
        wins=int((differences > 0).sum()),
        confidence=confidence,
        names=names,
    )


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return Student's t interval of the mean of independent values.

    Args:
        values: At least two numbers.
        confidence: Between 0 and 1. Default: 0.95.

    Returns:
        Pair (low, high).

    Raises:
        UserError: If there are fewer than two values, one is not finite, or `confidence` is not between 0 and 1.
    """
    check_between("confidence", confidence, above=0, below=1)
    x = _scores(values, "values")
    from scipy import stats

    half = float(stats.t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return float(x.mean()) - half, float(x.mean()) + half


def _scores(values, name):
    x = as_array(values, name).astype("float64")
    if x.ndim != 1 or len(x) < 2:
        raise UserError(f"at least two scores as {name}", f"shape {x.shape}", "measure on more draws: `seeds=5`")
    if not np.isfinite(x).all():
        raise UserError(f"finite scores as {name}", f"{x[~np.isfinite(x)][0]:g}", "measure these draws again")
    return x
