"""Run an app: a socket of this machine alone, a link, an orderly end."""

import contextlib
import ipaddress
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from mien.errors import InputError
from mien.web.access import ALONE, Access

FIRST_PORT, PORTS_TRIED = 8720, 20
"""Ports that are tried where none is asked for, before any that is free."""
_END_S = 2
"""How long open requests may take to end after Ctrl-C."""


@dataclass(frozen=True)
class Tls:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path


def serve(
    app: ASGIApp,
    access: Access,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    tls: Tls | None = None,
    path: str = "/",
    say: Callable[[str], None] = lambda line: print(line, flush=True),
) -> None:
    """Serve until Ctrl-C, which ends requests in order and returns.

    host: address to listen on; one that others reach demands `tls`. port: None for one that is
    free. path: of the page that links name. say: told a link per person, then how to stop. Files
    written meanwhile are readable by the user alone. Raises InputError where the port is taken or
    the host is not this machine's.
    """
    listening = _listen(host, port, tls)
    server = uvicorn.Server(_config(app, tls))
    before = os.umask(0o077)
    try:
        _announce(access, f"{address(listening, host, tls)}{path}", say)
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has ended
            server.run(sockets=[listening])
    finally:
        os.umask(before)
        listening.close()


@contextmanager
def running(app: ASGIApp, port: int | None = None) -> Iterator[str]:
    """Serve in the background while the block runs; yields the address, `http://127.0.0.1:8720`."""
    listening = _listen("127.0.0.1", port, None)
    server = uvicorn.Server(_config(app, None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        if not server.started:
            raise InputError("the server did not start")
        yield address(listening, "127.0.0.1", None)
    finally:
        server.should_exit = True
        thread.join(_END_S + 5)
        listening.close()


def address(listening: socket.socket, host: str, tls: Tls | None) -> str:
    """Return the address of a server, without a path."""
    port = listening.getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{port}"


def _announce(access: Access, base: str, say: Callable[[str], None]) -> None:
    for person in access.people:
        who = "open" if person == ALONE else f"{person}:"
        say(f"{who} {access.link(base, person)}")
    say("Ctrl-C stops the server")


def _config(app: ASGIApp, tls: Tls | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="error",
        access_log=False,  # addresses may hold a token
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_END_S,
        timeout_keep_alive=30,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )


def _listen(host: str, port: int | None, tls: Tls | None) -> socket.socket:
    _check_host(host, port, tls)
    tried = [port] if port is not None else [*range(FIRST_PORT, FIRST_PORT + PORTS_TRIED), 0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in tried:
        listening = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":  # elsewhere it lets two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, number))
            listening.listen(128)
            return listening
        except OSError as error:
            listening.close()
            problem = error
    raise InputError(f"{host}:{port}: cannot listen there ({problem.strerror})") from problem


def _check_host(host: str, port: int | None, tls: Tls | None) -> None:
    if port is not None and not 0 <= port <= 65535:
        raise InputError(f"port {port}: give 0 to 65535")
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local and tls is None:
        tunnel = f"{port or FIRST_PORT}:127.0.0.1:{port or FIRST_PORT}"
        raise InputError(
            f"--host {host}: others would read what is sent, so a certificate is needed "
            "(--tls-cert, --tls-key); or leave --host out and reach this machine by "
            f"`ssh -L {tunnel} {socket.gethostname()}` (cameras and gamepads "
            "need https or 127.0.0.1 too)"
        )
    for file in () if tls is None else (tls.certificate, tls.key):
        if not file.is_file():
            raise InputError(f"{file}: does not exist")
