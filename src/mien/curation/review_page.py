"""The page of `mien review`: what the browser asks for, and what it is told."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mien.curation.review import MOST_SHOWN, Review
from mien.errors import InputError
from mien.web import Access, application, page

PER_PAGE = 20
"""Tracks that the page is given at once."""


def review_application(review: Review, access: Access) -> Starlette:
    """Return the app."""

    async def home(request: Request) -> Response:
        told = {"store": review.store.folder.name, "per_page": PER_PAGE}
        return page(
            "mien review", script="/static/review.js", styles=["/static/review.css"], data=told
        )

    async def groups(request: Request) -> Response:
        asked = request.query_params
        start, shown = _number(request, "start", 0, 2**31), _number(request, "shown", 1, MOST_SHOWN)
        worst, video = asked.get("order") == "worst", asked.get("video") or None
        told = await run_in_threadpool(review.listing, start, PER_PAGE, shown, worst, video)
        return JSONResponse(told)

    async def face(request: Request) -> Response:
        data = await run_in_threadpool(review.picture, request.path_params["face"])
        return Response(
            data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=600"}
        )

    async def decide(request: Request) -> Response:
        try:
            asked = await request.json()
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            raise InputError("a decision is a JSON object")
        return await _changed(lambda: review.decide(asked))

    async def undo(request: Request) -> Response:
        return await _changed(review.undo)

    async def redo(request: Request) -> Response:
        return await _changed(review.redo)

    async def applied(request: Request) -> Response:
        return await _changed(review.apply)

    async def _changed(change: Callable[[], Any]) -> Response:
        await run_in_threadpool(change)
        return JSONResponse(await run_in_threadpool(review.overview))

    posted = {"/decide": decide, "/undo": undo, "/redo": redo, "/apply": applied}
    routes = [
        Route("/", home),
        Route("/groups", groups),
        Route("/face/{face:int}.jpg", face),
        *(Route(path, answer, methods=["POST"]) for path, answer in posted.items()),
    ]
    return application(routes, access)


def _number(request: Request, name: str, least: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise InputError(f"{name}: a number from {least} to {most} is needed")
    return int(text)
