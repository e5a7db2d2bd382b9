"""What stands before every request: host, origin, size and token are checked, headers added."""

import sys
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.web.access import Access

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
LARGEST_BODY = 16 * 2**20
_SAFE = frozenset({"GET", "HEAD"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Of every response, unless it says otherwise itself."""


class TooLargeError(Exception):
    """A request's body goes beyond what is taken."""


class Guard:
    """Lets a request through to the app where all of this holds, and says what does not in a line.

    1. Its `Host` is one of `hosts` (any port: a tunnel may end at another). A page of another name
       that resolves to this machine (DNS rebinding) is refused.
    2. It comes from a page of this very server, or is a person's navigation, or not of a browser.
    3. Its body has at most `largest` bytes.
    4. It carries a token of `access`: in the address (then the answer is a cookie and the address
       without it), in the cookie, or as `Authorization: Bearer TOKEN`.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        hosts: frozenset[str] = LOOPBACK,
        largest: int = LARGEST_BODY,
    ) -> None:
        self._app, self._access = app, access
        self._hosts, self._largest = hosts, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no WebSockets
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        send = _with_headers(send)
        refused = self._refused(scope, headers)
        if refused is not None:
            await refused(scope, receive, send)
            return
        token, asked = _asked_token(scope, headers)
        person = self._access.who(token)
        if person is None:
            why = "this token is not known" if token else "a token is needed"
            answer: Response = error_line(401, f"{why}: open the link that `mien` printed")
        elif asked is not None:
            answer = _enter(scope, token or "", asked)
        else:
            scope["mien.identity"] = person
            await self._answered(scope, receive, send)
            return
        await answer(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer; what it fails with is a line for the browser and one here."""
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, self._counted(receive), noting)
        except ClientDisconnect:  # nobody is there to be told
            return
        except Exception as error:
            what = reason_of(error)
            print(f"mien: error: {scope['method']} {scope['path']!r}: {what}", file=sys.stderr)
            if not started:
                await error_line(500, f"this failed: {what}")(scope, receive, send)

    def _refused(self, scope: Scope, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            return error_line(403, "this server does not answer to that host name")
        origin = headers.get("origin")
        if origin is not None and origin != f"{scope['scheme']}://{host}":
            return error_line(403, "requests from other sites are refused")
        site = headers.get("sec-fetch-site", "same-origin")
        navigates = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in _SAFE
        if site not in ("same-origin", "none") and not navigates:
            return error_line(403, "requests from other sites are refused")
        changes, told = scope["method"] not in _SAFE, "sec-fetch-site" in headers or origin
        if changes and not told and "authorization" not in headers:
            return error_line(403, "a request without an origin needs its token as a header")
        if int(headers.get("content-length") or 0) > self._largest:
            return error_line(413, f"more than {self._largest} bytes")
        return None

    def _counted(self, receive: Receive) -> Receive:
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._largest:
                raise TooLargeError
            return message

        return counted


def reason_of(error: Exception) -> str:
    """Return what failed, on one line, without what a file or a person's name may be."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def error_line(status: int, text: str) -> JSONResponse:
    """Return `{"error": "..."}`, on one line."""
    return JSONResponse({"error": " ".join(text.split())}, status)


def host_name(host: str) -> str:
    """Return the name of a `Host` header, without the port, in small letters."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdigit() else host).lower()


def cookie_name(host: str) -> str:
    """Return a name of its own for each port: browsers share cookies between ports of a host."""
    port = host.rpartition(":")[2]
    return f"mien-{port if port.isdigit() else 'default'}"


def _asked_token(scope: Scope, headers: Headers) -> tuple[str | None, str | None]:
    """Return the request's token, and the address without it where that had it."""
    pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    in_link = [value for key, value in pairs if key == "token"]
    if in_link and scope["method"] in _SAFE:
        rest = urlencode([pair for pair in pairs if pair[0] != "token"])
        return in_link[0], quote(scope["path"]) + (f"?{rest}" if rest else "")
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return bearer.strip(), None
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return None, None
    kept = cookies.get(cookie_name(headers.get("host", "")))
    return (kept.value if kept else None), None


def _enter(scope: Scope, token: str, address: str) -> Response:
    """Answer a link: keep the token as a cookie, and go on without it in the address.

    By a page, not a redirection: a strict cookie is not sent on a redirection that began at
    another site, such as a link in a mail.
    """
    address = "/" + address.lstrip("/\\")  # never another host
    place = address.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    answer = HTMLResponse(
        "<!doctype html><meta charset=utf-8><title>mien</title>"
        f'<meta http-equiv="refresh" content="0; url={place}">'
        f'<a href="{place}">go on</a>'
    )
    answer.set_cookie(
        cookie_name(Headers(scope=scope).get("host", "")),
        token,
        httponly=True,
        samesite="strict",
        secure=scope["scheme"] == "https",
    )
    return answer


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
