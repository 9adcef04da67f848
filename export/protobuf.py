"""Reads the wire format of protocol buffers: enough to look into a file before anything loads it.

Fields that occur twice are read as the format says: messages are merged, of numbers and strings the last one counts.
"""

__all__ = ["Message"]

DEPTH = 100  # as in protobuf's own parsers


class Message:
    """One message: its fields by number.

    Args:
        data: Bytes of the message.
        depth: How many messages it lies in.

    Raises:
        ValueError: If the bytes are no message.
    """

    def __init__(self, data=b"", depth=0):
        if depth > DEPTH:
            raise ValueError(f"messages in messages more than {DEPTH} deep")
        self._depth = depth
        self._fields = {}
        data, at = memoryview(data), 0
        while at < len(data):
            tag, at = _varint(data, at)
            number, kind = tag >> 3, tag & 7
            if kind == 0:
                value, at = _varint(data, at)
            elif kind in (1, 2, 5):
                size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else _varint(data, at)
                value, at = data[at : at + size], at + size
            else:
                raise ValueError(f"wire type {kind}")
            if at > len(data) or not number:
                raise ValueError("a field that is cut off")
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number):
        return number in self._fields

    def numbers(self, number):
        """Return the values of a repeated field of integers, packed or not."""
        found = []
        for value in self._fields.get(number, []):
            if isinstance(value, int):
                found.append(value)
                continue
            at = 0
            while at < len(value):
                one, at = _varint(value, at)
                found.append(one)
        return found

    def number(self, number):
        """Return an integer field as a signed number of 64 bits; 0 if it is not there."""
        value = (self.numbers(number) or [0])[-1]
        return value - (1 << 64) if value >= 1 << 63 else value

    def strings(self, number):
        """Return the values of a repeated field of strings."""
        return [bytes(self._bytes(value)).decode() for value in self._fields.get(number, [])]

    def string(self, number):
        """Return a field that is a string; "" if it is not there."""
        return (self.strings(number) or [""])[-1]

    def messages(self, number):
        """Return the values of a repeated field of messages."""
        return [Message(self._bytes(value), self._depth + 1) for value in self._fields.get(number, [])]

    def message(self, number):
        """Return a field that is a message, empty if it is not there."""
        parts = [self._bytes(value) for value in self._fields.get(number, [])]
        return Message(parts[0] if len(parts) == 1 else b"".join(parts), self._depth + 1)

    def entries(self, number):
        """Return the pairs of a map from strings to messages. A key that is there twice is an error."""
        pairs = [(entry.string(1), entry.message(2)) for entry in self.messages(number)]
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("a key that is there twice")
        return dict(pairs)

    @staticmethod
    def _bytes(value):
        if isinstance(value, int):
            raise ValueError("a number where bytes are expected")
        return value


def _varint(data, at):
    value = 0
    for k in range(10):
        if at + k >= len(data):
            raise ValueError("a number that is cut off")
        byte = data[at + k]
        value |= (byte & 127) << 7 * k
        if byte < 128:
            return value & (1 << 64) - 1, at + k + 1
    raise ValueError("a number of more than 10 bytes")
