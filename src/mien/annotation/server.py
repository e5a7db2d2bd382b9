"""The annotation app: pages, labels in and out, frames; behind the guard of `mien.web`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mien.annotation.desk import Desk, NotAllowedError, boxes_of
from mien.annotation.pictures import open_pictures
from mien.annotation.project import ADJUDICATOR, Project
from mien.errors import InputError
from mien.progress import Progress, silent
from mien.web import (
    Access,
    FrameSource,
    application,
    frame_routes,
    identity,
    page,
    static_files,
)

STATIC = Path(__file__).parent / "static"
LARGEST_BODY = 4 * 2**20


def access_of(project: Project) -> Access:
    """The annotators' and the adjudicator's tokens; of a packed part the annotator's alone."""
    people = (*project.info.annotators, ADJUDICATOR)
    return Access({name: project.token(name) for name in people if project.has_token(name)})


def annotation_application(
    project: Project, access: Access, *, hosts: tuple[str, ...] = (), progress: Progress = silent
) -> Starlette:
    """Return the app of a project. Videos that were not read yet are read first.

    Raises InputError where a video is gone or another one.
    """
    desk = Desk(project)
    pictures: dict[str, FrameSource] = {}
    for item in project.info.items:
        pictures[item.id] = open_pictures(project, item, progress)
    routes = [
        Route("/", _home(desk)),
        Route("/api/me", _get(lambda who, at: desk.me(who))),
        Route("/api/lag", _post(lambda who, at, given: desk.set_lag(who, given)), methods=["POST"]),
        Route("/api/boxes/{item}", _get(lambda who, at: boxes_of(project, at["item"]))),
        Route("/api/others/{item}/{task}", _get(lambda who, at: desk.others(who, **at))),
        Route("/api/suggestions/{item}/{task}", _get(lambda who, at: desk.suggestions(who, **at))),
        Route("/api/check/{item}/{task}", _get(lambda who, at: desk.check(who, **at))),
        Route("/api/disputes/{item}/{task}", _get(lambda who, at: desk.disputes(who, **at))),
        Route("/api/labels/{item}/{task}", _get(lambda who, at: desk.labels(who, **at))),
        Route(
            "/api/labels/{item}/{task}",
            _post(lambda who, at, given: desk.add(who, at["item"], at["task"], given)),
            methods=["POST"],
        ),
        *frame_routes("/videos", lambda request, name: pictures[name]),
        static_files("/annotate", STATIC),
    ]
    return application(routes, access, hosts=hosts, largest_body=LARGEST_BODY)


Place = Mapping[str, str]


def _home(desk: Desk) -> Callable[[Request], Any]:
    async def home(request: Request) -> Response:
        me = await run_in_threadpool(desk.me, identity(request))
        return page(
            "mien annotate", script="/annotate/app.js", data=me,
            styles=["/static/vendor/uplot/uPlot.min.css", "/annotate/annotate.css"],
        )  # fmt: skip

    return home


def _get(ask: Callable[[str, Place], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        return await _told(ask, identity(request), dict(request.path_params))

    return answer


def _post(ask: Callable[[str, Place, Any], Any]) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise HTTPException(415, "send application/json")
        body = await request.body()
        try:
            given = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise InputError("the request is not JSON") from None
        return await _told(ask, identity(request), dict(request.path_params), given)

    return answer


def _no_constant(text: str) -> None:
    raise ValueError(text)


async def _told(ask: Callable[..., Any], *arguments: Any) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(ask, *arguments))
    except NotAllowedError as error:
        raise HTTPException(403, str(error)) from None
