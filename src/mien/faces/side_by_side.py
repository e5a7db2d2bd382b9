"""Several videos at once: processes go through them, this one alone commits, in the order given.

So the store is the same as if they had come one by one: numbers of faces, shards and names follow
from the order of the commits. A process takes the next video while its last one waits for those
before it: its crops wait on disk, its rows (80 bytes a face) in this process.
"""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import Any

from mien.errors import InputError
from mien.faces.ingest import Gathered, Ingester, VideoSummary
from mien.media.names import shown
from mien.store import Store

_EVERY_S = 0.2
_PATIENCE_S = 10.0

Outcome = VideoSummary | InputError
Watching = Callable[[int, float, float | None, str], None]
"""Told of a video, by its place in the list: frames done and expected, and a few words."""


def ingest_side_by_side(
    ingester: Ingester, videos: Sequence[Path], jobs: int, progress: Watching
) -> list[Outcome]:
    """Ingest videos with `jobs` processes; what came of each, in order.

    Ctrl-C stops the processes; what they found so far is kept, and a later call goes on from it.
    """
    with _crew(ingester, min(jobs, len(videos))) as crew:
        return _Line(ingester, videos, crew, progress).run()


class _Worker:
    """A process that goes through videos, seen from here. holds: those not committed yet."""

    def __init__(self, ingester: Ingester, jobs: int) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        threads = max(1, (os.cpu_count() or 1) // jobs)
        told = (ingester.store.folder, ingester.settings, ingester.corpus, ingester.path, threads)
        self.process: BaseProcess = context.Process(target=_work, args=(theirs, *told), daemon=True)
        self.process.start()
        theirs.close()  # so that its end is seen
        self.busy: int | None = None
        self.holds: set[int] = set()

    def take(self, number: int, video: Path) -> None:
        self.busy = number
        self.holds.add(number)
        self._tell((number, video))

    def release(self, number: int) -> None:
        self.holds.discard(number)
        self._tell((number, None))

    def _tell(self, message: tuple[int, Path | None]) -> None:
        with suppress(OSError):  # that it is no more is seen by its pipe
            self.pipe.send(message)


@contextmanager
def _crew(ingester: Ingester, jobs: int) -> Iterator[list[_Worker]]:
    """Processes, which stop at once if anything goes wrong here, and leave nothing staged."""
    crew: list[_Worker] = []
    try:
        for _ in range(jobs):
            crew.append(_Worker(ingester, jobs))
        yield crew
    except BaseException:
        for worker in crew:
            worker.process.terminate()
        raise
    finally:
        for worker in crew:
            worker.pipe.close()  # idle ones end by that
        for worker in crew:
            worker.process.join(_PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


class _Line:
    """The videos on their way: to be taken, being gone through, waiting for their turn."""

    def __init__(
        self, ingester: Ingester, videos: Sequence[Path], crew: list[_Worker], progress: Watching
    ) -> None:
        self._ingester, self._videos, self._progress = ingester, videos, progress
        self._crew, self._jobs = crew, len(crew)
        self._to_take = deque(range(len(videos)))
        self._waiting: dict[int, tuple[_Worker, Gathered | InputError]] = {}
        self._outcomes: list[Outcome] = []

    def run(self) -> list[Outcome]:
        while len(self._outcomes) < len(self._videos):
            for worker in self._crew:
                if worker.busy is None and self._to_take:
                    number = self._to_take.popleft()
                    worker.take(number, self._videos[number])
            ready = wait([worker.pipe for worker in self._crew if worker.busy is not None])
            for worker in [w for w in self._crew if w.pipe in ready]:
                self._hear(worker)
            while len(self._outcomes) in self._waiting:
                self._finish(*self._waiting.pop(len(self._outcomes)))
        return self._outcomes

    def _hear(self, worker: _Worker) -> None:
        try:
            number, said = worker.pipe.recv()
        except (EOFError, OSError):
            self._replace(worker)
            return
        if isinstance(said, tuple):
            self._progress(number, *said)
            return
        worker.busy = None
        if isinstance(said, Exception) and not isinstance(said, InputError):
            raise said
        self._waiting[number] = (worker, said)

    def _finish(self, worker: _Worker, found: Gathered | InputError) -> None:
        number = len(self._outcomes)
        if isinstance(found, Gathered):
            try:
                self._ingester.commit(found)
            except InputError as error:
                self._outcomes.append(error)
            else:
                self._outcomes.append(found.summary)
        else:
            self._outcomes.append(found)
        worker.release(number)

    def _replace(self, worker: _Worker) -> None:
        """A process was killed: what it held is lost, and said so; another takes its place."""
        self._crew.remove(worker)
        worker.pipe.close()
        worker.process.join()
        for number in worker.holds:
            lost = InputError(
                f"{shown(self._videos[number])}: the process that went through it was ended "
                f"(code {worker.process.exitcode}; of memory, perhaps: try fewer --jobs); "
                "call again, it goes on"
            )
            self._waiting[number] = (worker, lost)
        worker.holds = set()
        if self._to_take:
            self._crew.append(_Worker(self._ingester, self._jobs))


# -- in the processes ----------------------------------------------------------------------------


def _work(
    pipe: Connection, folder: Path, settings: Any, corpus: str, place: str, threads: int
) -> None:
    """Go through videos as they are named, holding each until its release."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the one in charge stops us
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with ExitStack() as everything:
        ingester: Ingester | None = None
        held: dict[int, ExitStack] = {}
        while True:
            try:
                number, video = pipe.recv()
            except EOFError:
                return
            if video is None:
                held.pop(number, ExitStack()).close()
                continue
            held[number] = everything.enter_context(ExitStack())
            try:
                if ingester is None:
                    store = Store.open(folder)
                    ingester = Ingester(store, settings, corpus, place, threads)
                telling = _Telling(pipe, number)
                found = held[number].enter_context(ingester.gather(video, telling))
            except Exception as error:
                pipe.send((number, error))
            else:
                pipe.send((number, found))


class _Telling:
    """Progress through a pipe, a few times a second."""

    def __init__(self, pipe: Connection, number: int) -> None:
        self._pipe, self._number, self._last = pipe, number, 0.0

    def __call__(self, done: float, total: float | None, note: str = "") -> None:
        if monotonic() - self._last >= _EVERY_S:
            self._last = monotonic()
            self._pipe.send((self._number, (done, total, note)))


def _end_with_parent() -> None:
    """Wait until the parent is no more, killed perhaps, and end at once: locks are free by that."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
