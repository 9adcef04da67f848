"""Where a format may be written."""

from keras_ssl.errors import UserError

__all__ = ["refuse_existing"]


def refuse_existing(path):
    """Raise `UserError` if something is at `path`."""
    if path.exists():
        raise UserError(f"nothing at {path}", "something that is there", "remove it, or choose another name")
