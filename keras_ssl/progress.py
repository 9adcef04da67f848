"""Progress bars for long work that is no training; that has `callbacks.Progress`."""

import time
from contextlib import contextmanager

__all__ = ["bar", "track"]

QUIET = 20.0  # seconds between two lines where there is no terminal


@contextmanager
def bar(title, after=2.0):
    """Show on stderr how far something is, once it has taken longer than `after` seconds.

    Where that is no terminal and no notebook, a line now and then says it instead.

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
