"""The page of `mien live`: what the browser asks for, and what it is told."""

import base64
import io
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mien.analysis.analyze import SourceFrame
from mien.analysis.live import Onlooker, Recording, recording_path, told_faces, told_heads
from mien.errors import InputError
from mien.media.decode import Frame, decode
from mien.media.names import reason, shown
from mien.recognition.protocol import Recogniser
from mien.web import Access, application, page

SESSIONS = 4
"""Pages that are looked after at once; the one that was idle longest gives way."""
LARGEST = 4096
"""Longest side of a picture that is taken, in pixels."""
_SHOWN = 1280


@dataclass(frozen=True)
class LiveSettings:
    """What pages are served with.

    source: a video, or None for cameras. onlooker: makes one per page. out: recordings; None: named
    by the time. model: what it is called.
    """

    recogniser: Recogniser
    onlooker: Callable[[], Onlooker]
    source: Path | None
    out: Path | None
    model: str


class _Session:
    """One open page."""

    def __init__(self, settings: LiveSettings) -> None:
        self.lock = threading.Lock()
        self._settings, self._look = settings, settings.onlooker()
        self._last_s, self._count = -math.inf, 0
        self._recording: Recording | None = None
        self._film: Iterator[Frame] | None = None
        self._held: Frame | None = None

    def camera(self, data: bytes, time_s: float) -> dict[str, Any]:
        """Look at a picture that the browser took."""
        return self._seen(SourceFrame(self._count, time_s, _picture(data)))

    def film(self, time_s: float) -> dict[str, Any]:
        """Look at the frame of the film that is on screen at a time; `end` after the last."""
        frame = self._on_screen(time_s)
        if frame is None:
            return {"end": True}
        if frame.time_s <= self._last_s:
            return {"same": True}
        x, y = frame.to_file_pixels(np.ones((1, 2), np.float32))[0]
        source = SourceFrame(frame.index, frame.time_s, frame.rgb, None, (float(x), float(y)))
        told = self._seen(source)
        height, width = frame.rgb.shape[:2]
        size = {"width": width, "height": height, "time": frame.time_s, "frame": frame.index}
        return {**told, **size, "image": base64.b64encode(_jpeg(frame.rgb)).decode()}

    def _on_screen(self, time_s: float) -> Frame | None:
        if self._film is None:
            assert self._settings.source is not None
            self._film = decode(self._settings.source)
        while self._held is None or self._held.until_s <= time_s:
            following = next(self._film, None)
            if following is None:
                return None
            self._held = following
        return self._held

    def record(self, on: bool) -> dict[str, Any]:
        """Begin or end a recording; returns its file and rows."""
        if on and self._recording is None:
            source = self._settings.source
            name = "camera" if source is None else shown(source)
            path = recording_path(self._settings.out)
            self._recording = Recording(path, name, self._settings.recogniser.heads)
        told = self._recording
        if not on:
            self.close()
        return {} if told is None else {"file": shown(told.path), "rows": told.rows}

    def close(self) -> None:
        """End its recording."""
        if self._recording is not None:
            self._recording.close()
            self._recording = None

    def _seen(self, source: SourceFrame) -> dict[str, Any]:
        if (source.time_s or 0.0) <= self._last_s:
            raise InputError("times of pictures must rise")
        began = time.perf_counter()
        analyzed = self._look.look(source)
        self._last_s, self._count = source.time_s or 0.0, self._count + 1
        if self._recording is not None:
            self._recording.write(analyzed)
        return {
            "faces": told_faces(analyzed),
            "ms": round(1000 * (time.perf_counter() - began), 1),
            "rows": None if self._recording is None else self._recording.rows,
        }


class _Sessions:
    def __init__(self, settings: LiveSettings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._open: OrderedDict[str, _Session] = OrderedDict()

    def of(self, request: Request) -> _Session:
        name = request.query_params.get("session", "")
        if not (8 <= len(name) <= 64 and name.isascii()):
            raise InputError("a request needs the session of its page")
        with self._lock:
            if name not in self._open:
                self._open[name] = _Session(self._settings)
                if len(self._open) > SESSIONS:
                    self._open.popitem(last=False)[1].close()
            self._open.move_to_end(name)
            return self._open[name]

    def close(self) -> None:
        for session in self._open.values():
            session.close()


def live_application(
    settings: LiveSettings, access: Access
) -> tuple[Starlette, Callable[[], None]]:
    """Return the app, and what ends its recordings when it has stopped."""
    sessions = _Sessions(settings)
    told = {
        "heads": told_heads(settings.recogniser.heads),
        "model": settings.model,
        "source": None if settings.source is None else shown(settings.source),
    }

    async def home(request: Request) -> Response:
        styles = ["/static/vendor/uplot/uPlot.min.css", "/static/live.css"]
        return page("mien live", script="/static/live.js", styles=styles, data=told)

    async def look(request: Request) -> Response:
        data, time_s = await request.body(), _time(request)

        def work() -> dict[str, Any]:
            session = sessions.of(request)
            with session.lock:
                film = settings.source is not None
                return session.film(time_s) if film else session.camera(data, time_s)

        return JSONResponse(await run_in_threadpool(work))

    async def record(request: Request) -> Response:
        on = request.query_params.get("on") == "1"

        def work() -> dict[str, Any]:
            session = sessions.of(request)
            with session.lock:
                return session.record(on)

        return JSONResponse(await run_in_threadpool(work))

    routes = [
        Route("/", home),
        Route("/look", look, methods=["POST"]),
        Route("/record", record, methods=["POST"]),
    ]
    return application(routes, access), sessions.close


def _time(request: Request) -> float:
    try:
        time_s = float(request.query_params.get("time", ""))
    except ValueError:
        time_s = math.nan
    if not 0 <= time_s < 1e7:
        raise InputError("a picture needs its time in seconds")
    return time_s


def _picture(data: bytes) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "WEBP", "PNG")) as image:
            if max(image.size) > LARGEST:
                raise InputError(f"a picture of more than {LARGEST} pixels a side")
            return np.asarray(image.convert("RGB"))
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"this is no picture ({reason(error)})") from error


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    image, file = Image.fromarray(rgb), io.BytesIO()
    image.thumbnail((_SHOWN, _SHOWN))
    image.save(file, "JPEG", quality=88)
    return file.getvalue()
