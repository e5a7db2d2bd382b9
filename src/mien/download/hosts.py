"""Whose turn it is: URLs by host, few at once and not too fast for any of them."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

Job = TypeVar("Job")


@dataclass(frozen=True)
class Politeness:
    """at_once: connections to one host. interval: seconds between two requests to it."""

    at_once: int = 2
    interval: float = 0.2


class Turns(Generic[Job]):
    """A queue that threads take jobs from: a slow host holds up none of the others."""

    def __init__(self, jobs: Iterable[tuple[str, Job]], politeness: Politeness) -> None:
        """jobs: URL and what is to be done with it."""
        self._politeness = politeness
        self._waiting: dict[str, deque[Job]] = defaultdict(deque)
        for url, job in jobs:
            self._waiting[host_of(url)].append(job)
        self._order = deque(self._waiting)
        self._active: dict[str, int] = defaultdict(int)
        self._next: dict[str, float] = defaultdict(float)
        self._changed = threading.Condition()
        self._stopped = False

    def take(self) -> tuple[str, Job] | None:
        """Return a host and one of its jobs, waiting for a turn; None when there is none left."""
        with self._changed:
            while not self._stopped and self._order:
                now = time.monotonic()
                for _ in range(len(self._order)):
                    host = self._order[0]
                    self._order.rotate(-1)
                    if self._active[host] < self._politeness.at_once and self._next[host] <= now:
                        return host, self._start(host, now)
                self._changed.wait(self._pause(now))
            return None

    def done(self, host: str) -> None:
        """Give the turn back."""
        with self._changed:
            self._active[host] -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _start(self, host: str, now: float) -> Job:
        self._active[host] += 1
        self._next[host] = now + self._politeness.interval
        waiting = self._waiting[host]
        job = waiting.popleft()
        if not waiting:
            self._order.remove(host)
        return job

    def _pause(self, now: float) -> float:
        free = [
            self._next[host] - now
            for host in self._order
            if self._active[host] < self._politeness.at_once
        ]
        return max(min(free, default=1.0), 0.001)


def host_of(url: str) -> str:
    """Host and port of a URL, as text to group by; empty where it has none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
