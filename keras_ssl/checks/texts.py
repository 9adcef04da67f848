"""Checks of text."""

from collections.abc import Iterable, Iterator
from typing import Any

from keras_ssl.checks.not_arrays import described
from keras_ssl.errors import UserError

__all__ = ["check_text", "checked_texts"]


def check_text(text: Any, name: str = "text") -> str:
    """Return a text, or raise unless it is a `str` without NUL that can be written as UTF-8.

    Args:
        text: Any object.
        name: What it is called in the error, such as `"text 3"`. Default: `"text"`.

    Raises:
        UserError: If it is bytes or another object, or has NUL or half a surrogate pair in it, with the place of it.
    """
    if not isinstance(text, str):
        do = "decode it: `text.decode('utf-8')`" if isinstance(text, bytes) else "give a string"
        raise UserError(f"{name} as a string", described(text), do)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"{name} of valid Unicode",
            f"half a surrogate pair, {text[error.start]!r}, at character {error.start}",
            "read the file as UTF-8, without `errors='surrogateescape'`",
        ) from None
    if "\0" in text:
        raise UserError(f"{name} without NUL", f"NUL at character {text.index(chr(0))}", "check that it is a text")
    return str(text)


def checked_texts(texts: Iterable[str]) -> Iterator[str]:
    """Yield the texts one by one, each checked.

    Args:
        texts: Texts.

    Yields:
        Each text.

    Raises:
        UserError: If it is a single string, or a text is not what `check_text` takes; the error has its number.
    """
    if isinstance(texts, str | bytes):
        raise UserError("a list of texts", "one string", "write `[text]`")
    for number, text in enumerate(texts):
        yield check_text(text, f"text {number}")
