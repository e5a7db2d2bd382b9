"""Pictures of videos by frame number, for `static/player.js`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route


class FrameSource(Protocol):
    """Frames of one video, by number from 0. May be used by several threads at once."""

    @property
    def times(self) -> Sequence[float]:
        """Presentation time of each frame in seconds, rising."""

    @property
    def end_s(self) -> float:
        """When the last frame goes."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the pictures."""

    @property
    def sound(self) -> Path | None:
        """Its sound, a file that browsers play, which begins with the first frame."""

    def jpeg(self, frame: int) -> bytes:
        """Return the picture of exactly this frame. Raises IndexError where there is none."""


Find = Callable[[Request, str], FrameSource]


def frame_routes(path: str, find: Find) -> list[Route]:
    """Return routes below `path` for the videos that `find` knows.

    GET PATH/{video}/frames: `{"times": [...], "end_s": ..., "width": ..., "height": ..., "sound":
    true}`. GET PATH/{video}/sound: the sound, in ranges.
    GET PATH/{video}/frames/{n}: the picture of frame n; the headers `X-Frame` and `X-Time` say
    which frame it is. find: takes the request (whose identity it may ask for) and the video's
    name; raises KeyError where the person has no such video.
    """

    def found(request: Request) -> FrameSource:
        try:
            return find(request, request.path_params["video"])
        except KeyError:
            raise HTTPException(404, "there is no such video") from None

    async def times(request: Request) -> Response:
        source = await run_in_threadpool(found, request)
        width, height = source.size
        told: dict[str, Any] = {"times": list(source.times), "end_s": source.end_s}
        told |= {"width": width, "height": height, "sound": source.sound is not None}
        return JSONResponse(told)

    async def sound(request: Request) -> Response:
        source = await run_in_threadpool(found, request)
        if source.sound is None:
            raise HTTPException(404, "this video has no sound")
        return FileResponse(source.sound, media_type="audio/webm")

    async def picture(request: Request) -> Response:
        source, number = await run_in_threadpool(found, request), request.path_params["frame"]
        try:
            jpeg = await run_in_threadpool(source.jpeg, number)
        except IndexError:
            raise HTTPException(404, f"there is no frame {number}") from None
        named = {"X-Frame": str(number), "X-Time": repr(float(source.times[number]))}
        return Response(jpeg, headers=named, media_type="image/jpeg")

    return [
        Route(f"{path}/{{video}}/frames", times),
        Route(f"{path}/{{video}}/sound", sound),
        Route(f"{path}/{{video}}/frames/{{frame:int}}", picture),
    ]
