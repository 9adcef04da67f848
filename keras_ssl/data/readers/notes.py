"""What a reader found and chose, in sentences for the user."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable

__all__ = ["Note", "tell"]


@dataclasses.dataclass(frozen=True)
class Note:
    """A sentence.

    Attributes:
        text: The sentence, without a period at its end if it is a list.
        warn: Whether it is about a choice that may be wrong, so that a user who listens to nothing is warned.
    """

    text: str
    warn: bool = True


def tell(notes: Iterable[Note], say: Callable[[str], object] | None, stacklevel: int) -> None:
    """Tell the user.

    Args:
        notes: What to tell.
        say: Called with each text; without it, those that should be are warnings.
        stacklevel: Whose line warnings name: 1 is the caller of this function.
    """
    for note in notes:
        if say is not None:
            say(note.text)
        elif note.warn:
            warnings.warn(note.text, stacklevel=stacklevel + 1)
