"""A progress bar for what turns out to take long."""

import time

__all__ = ["progress"]


def progress(items, total, what, after=2.0):
    """Yield `items`, and show a progress bar on stderr once they have taken longer than `after` seconds.

    Args:
        items: Iterable.
        total: Number of items.
        what: What the bar is called, such as `"Reading images"`.
        after: Seconds until the bar appears. Default 2.
    """
    start, bar, task = time.monotonic(), None, None
    try:
        for done, item in enumerate(items):
            if bar is None and time.monotonic() - start > after:
                bar, task = _bar(what, total)
            if bar is not None:
                bar.update(task, completed=done)
            yield item
    finally:
        if bar is not None:
            bar.stop()


def _bar(what, total):
    import rich.console
    import rich.progress

    bar = rich.progress.Progress(console=rich.console.Console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task(what, total=total)
