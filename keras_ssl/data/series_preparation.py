"""The order of the channels of series."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.names import mistyped

__all__ = ["SeriesPreparation"]


@dataclass(frozen=True)
class SeriesPreparation:
    """The channels of series by name, in order. It is kept with a model, which only counts channels.

    Args:
        channel_names: Names of the channels, each once.
    """

    channel_names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "channel_names", tuple(self.channel_names))

    def to_json(self) -> dict[str, Any]:
        """Return the arguments, as `load` takes them and as JSON can hold them."""
        return {"channel_names": list(self.channel_names)}

    def places(self, found: Sequence[str], source: Any) -> list[int]:
        """Return at which places of others the channels are.

        Args:
            found: Names of the channels of a table.
            source: What the table is called in the error.

        Raises:
            UserError: If one of either is not among the others.
        """
        others = [name for name in found if name not in self.channel_names]
        missing = [name for name in self.channel_names if name not in found]
        if missing or others:
            received = ", ".join([*(f"no '{name}'" for name in missing), *(mistyped(name, missing) for name in others)])
            raise UserError(
                f"the channels {', '.join(self.channel_names)} in {source}", received, "rename or remove columns"
            )
        return [list(found).index(name) for name in self.channel_names]
