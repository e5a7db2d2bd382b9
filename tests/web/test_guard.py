"""A real server, asked by plain HTTP."""

import socket

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from mien.errors import InputError
from mien.web import Access, application, identity, page, running
from mien.web.guard import host_name

ACCESS = Access({"r1": "1" * 32, "r2": "2" * 32})


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse(identity(request))


async def kept(request: Request) -> JSONResponse:
    return JSONResponse({"bytes": len(await request.body()), "who": identity(request)})


async def wrong(request: Request) -> PlainTextResponse:
    raise InputError("talk.mp4: no such\nvideo")


async def broken(request: Request) -> PlainTextResponse:
    raise KeyError("of r2: secret")


async def full(request: Request) -> PlainTextResponse:
    raise OSError(28, "No space left on device", "/home/x/labels.db")


async def framed(request: Request) -> object:
    return page("<T>", script="/static/mien.js", data={"name": "</script><script>alert(1)"})


@pytest.fixture(scope="module")
def base():
    routes = [Route("/", home), Route("/kept", kept, methods=["POST"]), Route("/wrong", wrong)]
    routes += [Route("/broken", broken), Route("/full", full), Route("/framed", framed)]
    with running(application(routes, ACCESS, largest_body=1000)) as base:
        yield base


def bearer(person: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {ACCESS.token(person)}"}


def test_nothing_is_answered_without_a_token(base):
    for path in ("/", "/static/base.css", "/absent", "/?token=wrong"):
        answer = httpx.get(base + path)
        assert answer.status_code == 401
        assert "open the link" in answer.json()["error"]
    assert httpx.post(base + f"/kept?token={ACCESS.token('r1')}").status_code == 403


def test_a_link_becomes_a_cookie_and_leaves_the_address(base):
    answer = httpx.get(ACCESS.link(base + "/", "r2") + "&at=3")
    assert answer.status_code == 200
    assert 'content="0; url=/?at=3"' in answer.text
    assert ACCESS.token("r2") not in answer.text
    set_cookie = answer.headers["set-cookie"]
    assert set_cookie.startswith(f"mien-{base.rpartition(':')[2]}=")
    assert "HttpOnly" in set_cookie
    assert "SameSite=strict" in set_cookie
    assert httpx.get(base, headers={"Cookie": set_cookie.split(";")[0]}).text == "r2"


def test_a_link_leads_to_no_other_host(base):
    places = {
        "//evil.example/x": "/evil.example/x",
        "/\\evil.example": "/%5Cevil.example",
        '/"><script>': "/%22%3E%3Cscript%3E",
    }
    for path, place in places.items():
        answer = httpx.get(f"{base}{path}?token={ACCESS.token('r1')}")
        assert f'content="0; url={place}"' in answer.text
        assert "<script>" not in answer.text


def test_a_token_as_a_header_says_who_asks(base):
    assert httpx.get(base, headers=bearer("r1")).text == "r1"
    assert httpx.get(base, headers=bearer("r2")).text == "r2"
    assert httpx.get(base, headers={"Authorization": f"Basic {'1' * 32}"}).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_name_is_refused(base, host):
    answer = httpx.get(base, headers={**bearer("r1"), "Host": host})
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1234", "LOCALHOST:9", "[::1]:8720"])
def test_this_machines_names_are_answered_at_any_port(base, host):
    assert httpx.get(base, headers={**bearer("r1"), "Host": host}).text == "r1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},  # a form
        {},  # a cookie alone
    ],
)
def test_a_change_asked_for_by_another_site_is_refused(base, headers):
    cookie = {"Cookie": f"mien-{base.rpartition(':')[2]}={ACCESS.token('r1')}"}
    answer = httpx.post(base + "/kept", content=b"x", headers={**cookie, **headers})
    assert answer.status_code == 403
    same = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    answer = httpx.post(base + "/kept", content=b"x", headers={**cookie, **same})
    assert answer.json() == {"bytes": 1, "who": "r1"}


def test_a_picture_asked_for_by_another_site_is_refused_and_a_link_is_not(base):
    cookie = {"Cookie": f"mien-{base.rpartition(':')[2]}={ACCESS.token('r1')}"}
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert httpx.get(base, headers={**cookie, **image}).status_code == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert httpx.get(base, headers={**cookie, **link}).status_code == 200


def test_a_large_body_is_refused_whether_it_says_so_or_not(base):
    assert httpx.post(base + "/kept", content=b"x" * 1001, headers=bearer("r1")).status_code == 413
    parts = iter([b"x" * 600, b"x" * 600])
    assert httpx.post(base + "/kept", content=parts, headers=bearer("r1")).status_code == 413
    parts = iter([b"x" * 600, b"x" * 400])
    assert httpx.post(base + "/kept", content=parts, headers=bearer("r1")).json()["bytes"] == 1000


def test_errors_are_one_line_of_json_and_say_nothing_of_others(base, capsys):
    answers = {
        path: httpx.get(base + path, headers=bearer("r1"))
        for path in ("/wrong", "/broken", "/full", "/absent", "/kept")
    }
    assert {path: (a.status_code, a.json()["error"]) for path, a in answers.items()} == {
        "/wrong": (400, "talk.mp4: no such video"),
        "/broken": (500, "this failed: KeyError"),
        "/full": (500, "this failed: No space left on device"),
        "/absent": (404, "Not Found"),
        "/kept": (405, "Method Not Allowed"),
    }
    assert "Traceback" not in capsys.readouterr().err


def test_no_path_leads_out_of_the_folder_of_scripts(base):
    port = int(base.rpartition(":")[2])
    for path in ("/static/../page.py", "/static/%2e%2e/page.py", "/static//etc/passwd",
                 "/static/..%2fpage.py", "/static/vendor/../../page.py"):  # fmt: skip
        with socket.create_connection(("127.0.0.1", port)) as line:  # a client that tidies nothing
            request = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n"
            request += f"Authorization: Bearer {ACCESS.token('r1')}\r\n\r\n"
            line.sendall(request.encode())
            assert b" 404 " in line.recv(100)


def test_every_answer_carries_the_headers_that_keep_it_here(base):
    for path in ("/", "/absent", "/broken", "/framed", "/static/mien.js"):
        headers = httpx.get(base + path, headers=bearer("r1")).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]


def test_what_a_page_is_given_cannot_end_its_script(base):
    text = httpx.get(base + "/framed", headers=bearer("r1")).text
    assert "<title>&lt;T&gt;</title>" in text
    assert "</script><script>alert" not in text
    assert "\\u003c/script>" in text


def test_names_of_hosts_are_read_with_and_without_ports():
    assert [host_name(h) for h in ("a:80", "a", "[::1]:8", "[::1]", "A.b:x")] == [
        "a", "a", "[::1]", "[::1]", "a.b:x",
    ]  # fmt: skip
