"""Scores of translations."""

from collections.abc import Sequence

from keras_ssl.backends import require
from keras_ssl.errors import UserError

__all__ = ["translation_scores"]


def translation_scores(translations: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Compare translations with those of people: BLEU, by n-grams of words, and chrF, by n-grams of characters.

    Both are of the whole corpus, as sacrebleu computes them by default, so that they can be compared with published
    ones: BLEU with its tokenizer "13a" and exponential smoothing, chrF with 6 characters, no words and β = 2.

    Args:
        translations: The texts to score, n strings, at least one.
        references: The right text for each of them, n strings.

    Returns:
        `{"bleu": x, "chrf": y}`, each in 0..100.

    Raises:
        UserError: If sacrebleu is not installed, or there are no texts or not one reference for each.

    Reference:
        Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", section 2.3; Popović
        2015, "chrF: character n-gram F-score for automatic MT evaluation", section 2; Post 2018, "A Call for Clarity in
        Reporting BLEU Scores".
    """
    require("sacrebleu", "which scores translations")
    if isinstance(translations, str) or isinstance(references, str):
        raise UserError("lists of texts", "one text", "give `[translation]` and `[reference]`")
    if len(translations) != len(references) or not len(references):
        raise UserError(
            "one reference for each translation, and at least one",
            f"{len(translations)} translations and {len(references)} references",
            "give both in the same order",
        )
    import sacrebleu

    given = list(translations), [list(references)]
    return {"bleu": sacrebleu.corpus_bleu(*given).score, "chrf": sacrebleu.corpus_chrf(*given).score}
