"""Progress bars for long work other than training, for which there is `callbacks.Progress`."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from keras_ssl.typing import Progress

__all__ = ["bar", "track"]

QUIET = 20.0  # seconds between two lines of text without a terminal
Item = TypeVar("Item")


@contextmanager
def bar(title: str, after: float = 2.0) -> Iterator[Progress]:
    """Show a progress bar on stderr once the work has taken longer than `after` seconds.

    Outside of terminals and notebooks, a line of text appears now and then instead.

    Args:
        title: Text before the bar, such as `"Reading images"`.
        after: Seconds until the bar appears. With 0 it appears at once, even before its length is known. Default: 2.

    Yields:
        A function `(done, total)` that moves the bar.
    """
    import rich.console
    import rich.progress

    shown = rich.progress.Progress(console=rich.console.Console(stderr=True), transient=True)
    task = shown.add_task(title, total=None)
    seen = shown.console.is_interactive or shown.console.is_jupyter
    begun, started, written = time.monotonic(), False, time.monotonic()

    def start_when_due():
        nonlocal started
        if seen and not started and time.monotonic() - begun >= after:
            shown.start()
            started = True

    def move(done, total):
        nonlocal written
        shown.update(task, completed=done, total=total)
        start_when_due()
        if not seen and time.monotonic() - written > QUIET:
            shown.console.print(f"{title}: {done} of {total}")
            written = time.monotonic()

    start_when_due()
    try:
        yield move
    finally:
        if started:
            shown.stop()


def track(items: Iterable[Item], total: int, title: str, after: float = 2.0) -> Iterator[Item]:
    """Yield `items` while a `bar` shows the progress.

    Args:
        items: Iterable.
        total: Number of items.
        title: See `bar`.
        after: See `bar`.
    """
    with bar(title, after) as move:
        for done, item in enumerate(items):
            move(done, total)
            yield item
