"""Work that goes on ahead of the one who takes its results, in a thread of its own.

Decoding, ONNX Runtime and Pillow let go of Python's lock, so that stages that run ahead of each
other overlap.
"""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_WAIT_S = 0.2


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def ahead(items: Iterable[_Item], most: int) -> Generator[_Item, None, None]:
    """Yield the items of an iterable that a thread runs through, up to `most` of them ahead.

    What it raises is raised here, in its place. The thread ends, and the iterable is closed, when
    the generator does.
    """
    ready: queue.Queue[object] = queue.Queue(maxsize=most)
    stop, end = threading.Event(), object()

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=_WAIT_S)
                return True
            except queue.Full:
                continue
        return False

    def run() -> None:
        last: object = end
        try:
            for item in items:
                if not put(item):
                    break
                del item
        except BaseException as error:
            last = _Failed(error)
        finally:
            if isinstance(items, Generator):
                items.close()
        put(last)

    worker = threading.Thread(target=run, daemon=True, name="mien ahead")
    worker.start()
    try:
        while (item := ready.get()) is not end:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]  # put there as _Item
            del item
    finally:
        stop.set()
        worker.join()
