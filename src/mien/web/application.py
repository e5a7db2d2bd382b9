"""An app behind the guard, with mien's own scripts and errors that are one line."""

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan, Scope

from mien.errors import InputError
from mien.web.access import Access
from mien.web.guard import LARGEST_BODY, LOOPBACK, Guard, TooLargeError, error_line

STATIC = Path(__file__).parent / "static"


def application(
    routes: Sequence[BaseRoute],
    access: Access,
    *,
    hosts: Sequence[str] = (),
    largest_body: int = LARGEST_BODY,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """Return an app that serves `routes` and `/static` to people with a token.

    hosts: names besides this machine's own that a browser may know the server by. largest_body:
    bytes of a request. lifespan: what to open before the first request and close after the last.
    """
    names = LOOPBACK | {name.lower() for name in hosts}
    return Starlette(
        routes=[*routes, static_files("/static", STATIC)],
        middleware=[Middleware(Guard, access=access, hosts=names, largest=largest_body)],
        exception_handlers={
            InputError: _bad_input,
            HTTPException: _http_error,
            TooLargeError: _too_large,
        },
        lifespan=lifespan,
    )


def static_files(path: str, folder: Path) -> Mount:
    """Return a route for the files of a folder, asked anew each time whether they changed."""
    return Mount(path, _Static(directory=folder))


class _Static(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers.setdefault("Cache-Control", "no-cache")
        return answer


async def _bad_input(request: Request, error: Exception) -> Response:
    return error_line(400, str(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = error_line(error.status_code, error.detail)
    answer.headers.update(error.headers or {})
    return answer


async def _too_large(request: Request, error: Exception) -> Response:
    return error_line(413, "the request is too large")
