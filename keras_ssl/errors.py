"""The error for a user's mistakes: what was expected, what was received, what to do."""

__all__ = ["UserError"]


class UserError(ValueError):
    """A mistake that the caller can fix, described in three parts.

    It is a `ValueError`, so code that catches that keeps working. The command line prints it as one paragraph.

    Args:
        expected: What was expected, as a noun phrase without a period.
        received: What was received instead, as a noun phrase without a period.
        do: What to do about it, as an imperative sentence without a period.
    """

    def __init__(self, expected: str, received: str, do: str) -> None:
        super().__init__(expected, received, do)
        self.expected, self.received, self.do = expected, received, do

    def __str__(self) -> str:
        return f"Expected {self.expected}. Received {self.received}. Do: {self.do}."
