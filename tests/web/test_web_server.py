import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time

import httpx
import pytest

from mien.errors import InputError
from mien.web import Access, application, serve

PROGRAM = """
from pathlib import Path
import asyncio, sys
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from mien.web import Access, application, serve

async def note(request):
    Path(sys.argv[1]).write_text("kept")
    return PlainTextResponse("kept")

async def slow(request):
    await asyncio.sleep(0.5)
    return PlainTextResponse("whole")

access = Access({"r1": "1" * 32, "r2": "2" * 32})
app = application([Route("/note", note, methods=["POST"]), Route("/slow", slow)], access)
serve(app, access, path="/slow")
print("ended", flush=True)
"""


def test_a_server_prints_links_and_ends_in_order_on_ctrl_c(tmp_path):
    code = textwrap.dedent(PROGRAM)
    kept = tmp_path / "kept.txt"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(kept)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stderr is not None
        links = [server.stdout.readline().split() for _ in range(2)]
        assert [name for name, _ in links] == ["r1:", "r2:"]
        assert links[0][1].startswith("http://127.0.0.1:")
        assert "Ctrl-C" in server.stdout.readline()
        base = links[0][1].partition("/slow")[0]
        headers = {"Authorization": f"Bearer {'1' * 32}"}
        assert httpx.post(base + "/note", headers=headers).text == "kept"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        port = int(base.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as line:
            link = f"GET {links[0][1][len(base) :]} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            line.sendall(link.encode())
            assert b"200 OK" in line.recv(65536)
            ask = "GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            line.sendall(f"{ask}Authorization: Bearer {'1' * 32}\r\n\r\n".encode())
            line.settimeout(10)
            time.sleep(0.1)
            server.send_signal(signal.SIGINT)
            answer = b""
            while part := line.recv(65536):
                answer += part
        assert answer.endswith(b"whole")
        assert server.wait(10) == 0
        assert server.stdout.read() == "ended\n"
        assert server.stderr.read() == ""


def test_it_listens_on_this_machine_alone():
    from mien.web.server import _listen

    listening = _listen("127.0.0.1", None, None)
    assert listening.getsockname()[0] == "127.0.0.1"
    other = _listen("127.0.0.1", None, None)
    assert other.getsockname()[1] != listening.getsockname()[1]
    with pytest.raises(InputError, match=r"cannot listen there .*in use"):
        _listen("127.0.0.1", listening.getsockname()[1], None)
    listening.close()
    other.close()


def test_other_machines_need_a_certificate(tmp_path):
    access = Access.alone()
    app = application([], access)
    for host in ("0.0.0.0", "192.168.1.4", "lab.example", "::"):
        with pytest.raises(InputError, match=r"certificate.*ssh -L 8720:127\.0\.0\.1:8720"):
            serve(app, access, host=host)
    for port in (-1, 65536):
        with pytest.raises(InputError, match="port"):
            serve(app, access, port=port)


def test_the_mask_of_files_is_as_before_when_serving_fails():
    before = os.umask(0o022)
    try:
        access = Access.alone()
        with pytest.raises(InputError):
            serve(application([], access), access, host="192.0.2.1")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_the_package_needs_its_extra_and_says_so():
    from test_installation import bare

    script = "from mien.extras import explained\nwith explained('mien live'):\n    import mien.web"
    assert "pip install 'mien[web]'" in bare(script).stderr
