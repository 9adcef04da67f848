"""Progress bars for long work that is no training; that has `callbacks.Progress`."""

import time
from contextlib import contextmanager

__all__ = ["bar", "track"]


@contextmanager
def bar(title, after=2.0):
    """Show on stderr, where that is a terminal or a notebook, how far something is, once it takes longer than `after`.

    Args:
        title: What stands before the bar, such as `"Reading images"`.
        after: Seconds until the bar appears. Default 2. With 0 it is there at once, also before its length is known.

    Yields:
        Function `(done, total)` that moves the bar.
    """
    import rich.console
    import rich.progress

    shown = rich.progress.Progress(console=rich.console.Console(stderr=True), transient=True)
    task = shown.add_task(title, total=None)
    seen = shown.console.is_interactive or shown.console.is_jupyter
    begun, started = time.monotonic(), False

    def start_when_due():
        nonlocal started
        if seen and not started and time.monotonic() - begun >= after:
            shown.start()
            started = True

    def move(done, total):
        shown.update(task, completed=done, total=total)
        start_when_due()

    start_when_due()
    try:
        yield move
    finally:
        if started:
            shown.stop()


def track(items, total, title, after=2.0):
    """Yield `items`, with a `bar`.

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
