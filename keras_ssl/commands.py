"""Commands whose words are checked, and answered if they are wrong, before Keras is imported."""

import contextlib
import importlib
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import typer.core

from keras_ssl import logs, names

__all__ = ["Command", "Commands", "checked_by", "debug"]

Word = TypeVar("Word")


class _Suggesting:
    """Says "did you mean" about a mistyped option, as Typer does about a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc]
        except Exception as error:
            if close := getattr(error, "possibilities", None):
                error.message += f". Did you mean {' or '.join(map(repr, close))}?"  # type: ignore[attr-defined]
                error.possibilities = None  # type: ignore[attr-defined]
            raise


class Commands(_Suggesting, typer.core.TyperGroup):
    """The commands, by name."""


class Command(_Suggesting, typer.core.TyperCommand):
    """A command, which imports Keras once its words have been found to be right, in silence unless with --debug."""

    def invoke(self, ctx: Any) -> Any:
        """Import Keras, register all classes that a saved model may hold, and run the command.

        Args:
            ctx: Context of the words.

        Raises:
            UserError: If an option does not fit the objective.
        """
        if "objective" in ctx.params:
            given = [name for name in ctx.params if ctx.get_parameter_source(name).name == "COMMANDLINE"]
            names.check_options(ctx.params["objective"], given)
        with contextlib.nullcontext() if debug() else logs.held_back():
            importlib.import_module("keras_ssl.registered")
        return super().invoke(ctx)


def checked_by(check: Callable[[Any], object]) -> Callable[[Word], Word]:
    """Return a callback for an option, which raises at once if its value cannot be right.

    Args:
        check: Function that raises. An option that is not given is not checked.
    """

    def callback(value):
        if value is not None:
            check(value)
        return value

    return callback


def debug() -> bool:
    """Return whether --debug is among the words of this process."""
    return "--debug" in sys.argv
