"""Files that cannot be read: an error that names them, or a note that they are left out."""

import pathlib
from collections.abc import Callable, Sequence

from keras_ssl.data.readers.classes import shown
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.errors import UserError

__all__ = ["leave_out", "reason"]


def reason(error: Exception) -> str:
    """Return what is wrong with a file, by the error of what decodes it."""
    return str(error) or type(error).__name__


def leave_out(
    broken: Sequence[tuple[pathlib.Path, str]],
    count: int,
    skip_broken: bool,
    say: Callable[[str], object] | None,
    what: str = "images",
    can: str = "be read",
    do: str = "repair or remove them",
) -> None:
    """Raise if there are broken files, or say that they are left out.

    Args:
        broken: Path of each broken file, and what is wrong with it.
        count: Number of all files.
        skip_broken: Whether broken files are left out.
        say: See `data.load`.
        what: What the files are called. Default: `"images"`.
        can: What can be done with all others. Default: `"be read"`.
        do: What to do about those with which it cannot, if they are not left out. Default: "repair or remove them".

    Raises:
        UserError: If some are broken and none should be left out, or if all are broken.
    """
    if not broken:
        return
    listed = "; ".join(f"{shown([path])} ({why})" for path, why in broken[:5])
    listed += f" and {len(broken) - 5} more" if len(broken) > 5 else ""
    if not skip_broken or len(broken) == count:
        raise UserError(
            f"{what} that can {can}",
            f"{len(broken)} of {count} that cannot: {listed}",
            f"{do}, or leave them out: `load(…, skip_broken=True)`, or --skip-broken",
        )
    tell([Note(f"{len(broken)} of {count} {what} cannot {can} and are left out: {listed}")], say, stacklevel=5)
