"""Whatever a request says: without a token nothing is read, and nothing fails."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mien.web import Access, application

ACCESS = Access({"r1": "1" * 32})
KNOWN = ("host", "origin", "cookie", "authorization", "sec-fetch-site", "sec-fetch-mode", "range")
VALUES = ("localhost", "http://localhost", "same-origin", "navigate", "mien-default=x", "Bearer x")

headers = st.lists(
    st.tuples(
        st.sampled_from(KNOWN),
        st.one_of(st.sampled_from(VALUES), st.text(st.characters(max_codepoint=255))),
    ),
    max_size=6,
)
paths = st.one_of(
    st.sampled_from(["/", "/static/mien.js", "/static/../page.py", "/static/%00", "/videos"]),
    st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: f"/{text}"),
)


async def home(request: Any) -> PlainTextResponse:
    return PlainTextResponse("secret")


APP = application([Route("/", home, methods=["GET", "POST"])], ACCESS)


def ask(method: str, path: str, query: str, pairs: list[tuple[str, str]]) -> tuple[int, bytes]:
    """Send a request to the app itself; returns status and body."""
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": b"", "scheme": "http",
        "query_string": query.encode("latin-1", "replace"), "http_version": "1.1", "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
    }  # fmt: skip
    sent: list[Any] = []

    bodies = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        return bodies.pop() if bodies else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    with ThreadPoolExecutor(1) as pool:  # a browser of other tests may have a loop in this thread
        pool.submit(asyncio.run, APP(scope, receive, send)).result()
    return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]), paths, st.text(), headers)
def test_without_a_token_nothing_is_read(method, path, query, pairs):
    status, body = ask(method, path, query, pairs)
    assert status in (401, 403)
    assert b"secret" not in body


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE"]), paths, st.text(), headers)
def test_with_a_token_nothing_fails(method, path, query, pairs):
    known = [("host", "localhost"), ("authorization", f"Bearer {'1' * 32}")]
    rest = [pair for pair in pairs if pair[0] not in ("host", "authorization")]
    status, _ = ask(method, path, query, known + rest)
    assert status < 500
    assert ask("GET", "/", "", known)[1] == b"secret"
