"""The one error that a user's mistake raises: what was expected, what came, what to do."""

__all__ = ["UserError"]


class UserError(ValueError):
    """A mistake that the caller can mend, told in three parts.

    It is a `ValueError`, so code that catches those keeps working; the command line prints it as one paragraph.

    Args:
        expected: What was expected, as a noun phrase without a full stop.
        received: What came instead, likewise.
        do: What to do about it, as an imperative sentence without a full stop.
    """

    def __init__(self, expected: str, received: str, do: str):
        super().__init__(expected, received, do)
        self.expected, self.received, self.do = expected, received, do

    def __str__(self) -> str:
        return f"Expected {self.expected}. Received {self.received}. Do: {self.do}."
