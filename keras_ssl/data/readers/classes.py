"""The classes that folders stand for, and folders that do not look like classes."""

import collections
import dataclasses
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from keras_ssl.data.readers.notes import Note
from keras_ssl.data.readers.splits import looks_like_split, split_of
from keras_ssl.data.readers.walking import Found, subfolders
from keras_ssl.errors import UserError

__all__ = ["Classes", "class_of", "classes_of", "shown"]

_DATE = r"(19|20)\d\d([-_. ]?(0[1-9]|1[0-2])([-_. ]?([0-2]\d|3[01])\b.*)?)?"
_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Classes:
    """The classes of a folder.

    Attributes:
        names: Their sorted names, or None if there are no labels.
        why_none: Why there are none, or None.
        notes: What looks wrong.
    """

    names: tuple[str, ...] | None
    why_none: str | None = None
    notes: tuple[Note, ...] = ()


def class_of(path: pathlib.Path, part: pathlib.Path) -> str:
    """Return the class of a file: the name of its folder in `part`, in Unicode's composed form.

    macOS writes decomposed names, so that a class of two splits would be two classes.
    """
    return unicodedata.normalize("NFC", path.relative_to(part).parts[0])


def classes_of(found: dict[pathlib.Path, Found], part: pathlib.Path, what: str = "image") -> Classes:
    """Return the classes of a folder.

    Args:
        found: What is below each split, by its folder. A single one is a folder without splits.
        part: The folder that is read, one of these.
        what: What the files are called in the notes. Default: `"image"`.

    Raises:
        UserError: If splits are inside of the classes.
    """
    files = found[part].files
    strays = [path for path in files if path.parent == part]
    here = {class_of(path, part) for path in files if path.parent != part}
    if strays:
        return Classes(None, *_without(strays, here, part, what))
    of_splits = {
        place: {class_of(path, place) for path in one.files if path.parent != place} for place, one in found.items()
    }
    names = tuple(sorted(set().union(*of_splits.values())))
    _check_no_splits_inside(files, part)
    if len(names) < 2:
        why = f"all {what}s are in one folder, {shown(names)}, and labels need two classes" if names else None
        return Classes(None, why, (Note(f"{part}: no labels, since {why}."),) if why else ())
    notes = (*_unusual(names, files, part), *_uneven(of_splits, part, what))
    return Classes(names, None, tuple(Note(f"{part}: {text}") for text in notes))


def shown(names: Iterable[object]) -> str:
    """Return names for a sentence: the first ten, with replacements for what cannot be printed."""
    printable = [str(name).encode("utf-8", "replace").decode() for name in names]
    return ", ".join(printable[:_SHOWN]) + (", …" if len(printable) > _SHOWN else "")


def _without(strays, here, part, what):
    """Why there are no labels although there are folders, and a note about it."""
    if not here:
        return None, ()
    more = f" and {len(strays) - 1} more" if len(strays) > 1 else ""
    lie = "lies" if len(strays) == 1 else "lie"
    why = f"{shown([strays[0].name])}{more} {lie} beside the folders {shown(sorted(here))}"
    return why, (Note(f"{part}: no labels, since {why}. If these are classes, leave no {what} beside them."),)


def _check_no_splits_inside(files, part):
    """Raise if the class folders, or the only folder, contain splits: `cats/train`, `cats/test`."""
    inside = collections.defaultdict(set)
    for path in files:
        first, *rest = path.relative_to(part).parts[:-1]
        if rest:
            inside[first].add(rest[0])
    for name, those in sorted(inside.items()):
        if len({split_of(one) for one in those} - {None}) == len(those) > 1:
            outer, inner = f"{part / name}", sorted(those)
            raise UserError(
                "splits that contain class folders, train/cat and test/cat",
                f"{outer}, which contains the splits {shown(inner)}",
                f"give {outer} if that is the data set; else move {inner[0]} and {inner[1]} to the top, with the class "
                "folders inside them",
            )


def _unusual(names, files, part):
    """Sentences about names that look like something else than classes."""
    splits = [name for name in names if looks_like_split(name)]
    if splits:
        yield (
            f"the class names {shown(splits)} look like splits. If they are, name the folders train and test, and let "
            "no other folder be beside them."
        )
    if all(re.fullmatch(_DATE, name) for name in names):
        yield f"the class names look like dates ({shown(names[:2])}). Labels would be these dates."
    repeated = _repeated(files, part)
    if repeated:
        yield (
            f"the same folders, {shown(repeated)}, are inside of several classes ({shown(names)}). If they are the "
            "classes, move them to the top."
        )


def _repeated(files, part):
    """Names of the folders inside of class folders, if there are several and they are the same in all classes."""
    inside = collections.defaultdict(set)
    for path in files:
        inside[path.relative_to(part).parts[0]].add(path.relative_to(part).parts[1])
    sets = list(inside.values())
    same = len(sets) > 1 and len(sets[0]) > 1 and all(one == sets[0] for one in sets)
    first = next(iter(inside))
    return sorted(sets[0]) if same and all((part / first / name).is_dir() for name in sets[0]) else []


def _uneven(of_splits: dict[pathlib.Path, set[str]], part: pathlib.Path, what: str) -> Sequence[str]:
    """Sentences about classes that have no files somewhere."""
    notes = []
    train, *others = of_splits
    for place in others:
        if only := sorted(of_splits[place] - of_splits[train]):
            notes.append(f"only {place.name} has the classes {shown(only)}; nothing can be learned about them.")
    empty = [name for name in subfolders(part) if unicodedata.normalize("NFC", name) not in of_splits[part]]
    if empty:
        notes.append(f"no {what}s are in {shown(empty)}.")
    return notes
