"""A proxy on 127.0.0.1 for programs that connect by themselves (yt-dlp): it applies `Addresses`.

It speaks CONNECT and plain HTTP/1.1, one request to a connection, and asks for the password that
its URL holds: nobody else on the machine can use it.
"""

import base64
import hmac
import secrets
import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from mien.download.addresses import Addresses, Refused

_TIMEOUT = 30.0
_HEAD = 64 * 1024
_HOP_BY_HOP = frozenset({"proxy-authorization", "proxy-connection", "connection", "keep-alive"})


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, addresses: Addresses) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.addresses = addresses
        self.password = secrets.token_urlsafe(24)
        self.refused: list[str] = []


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = _TIMEOUT

    def handle(self) -> None:
        """Serve one request and relay until either side has no more to say."""
        try:
            head = self._head()
            if head is None:
                return
            method, target, headers = head
            if not self._allowed(headers):
                self._answer(407, "the proxy's password is missing")
                return
            self._relay(method, target, headers)
        except (OSError, ValueError):
            return

    def _head(self) -> tuple[str, str, list[tuple[str, str]]] | None:
        lines, size = [], 0
        while (line := self.rfile.readline(_HEAD)).strip():
            size += len(line)
            if size > _HEAD:
                self._answer(431, "the head is too long")
                return None
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        if not lines or len(first := lines[0].split(" ")) != 3:
            return None
        pairs = (line.partition(":") for line in lines[1:])
        return first[0], first[1], [(name.strip(), value.strip()) for name, _, value in pairs]

    def _allowed(self, headers: list[tuple[str, str]]) -> bool:
        wanted = base64.b64encode(f"mien:{self.server.password}".encode()).decode()
        return any(
            name.lower() == "proxy-authorization"
            and hmac.compare_digest(value.encode(), f"Basic {wanted}".encode())
            for name, value in headers
        )

    def _relay(self, method: str, target: str, headers: list[tuple[str, str]]) -> None:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        if not parts.hostname or (method != "CONNECT" and parts.scheme != "http"):
            self._answer(400, "not a URL of the web")
            return
        port = parts.port or (443 if method == "CONNECT" else 80)
        try:
            there = self._connect(parts.hostname, port)
        except Refused as error:
            self.server.refused.append(str(error))
            self._answer(403, str(error))
            return
        except OSError as error:
            self._answer(502, str(error))
            return
        with there:
            if method == "CONNECT":
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = parts._replace(scheme="", netloc="").geturl() or "/"
                kept = [f"{n}: {v}" for n, v in headers if n.lower() not in _HOP_BY_HOP]
                head = [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]
                there.sendall("\r\n".join(head).encode("latin-1"))
            self._pump(there)

    def _connect(self, host: str, port: int) -> socket.socket:
        last: OSError = OSError(f"{host} has no address")
        for address in self.server.addresses.resolve(host, port):
            try:
                return socket.create_connection((address, port), timeout=_TIMEOUT)
            except OSError as error:
                last = error
        raise last

    def _pump(self, there: socket.socket) -> None:
        """Copy both ways until one side closes; first what came along with the head."""
        here = self.connection
        here.setblocking(False)
        early = self.rfile.read1(1 << 16) if self._buffered() else b""
        here.settimeout(_TIMEOUT)
        if early:
            there.sendall(early)
        other = {here: there, there: here}
        while True:
            ready, _, _ = select.select([here, there], [], [], _TIMEOUT)
            if not ready:
                return
            for side in ready:
                data = side.recv(1 << 16)
                if not data:
                    return
                other[side].sendall(data)

    def _buffered(self) -> bool:
        """Whether bytes behind the head were read with it."""
        try:
            return bool(self.rfile.peek(1))  # type: ignore[attr-defined]
        except BlockingIOError:
            return False

    def _answer(self, status: int, text: str) -> None:
        body = text.encode("utf-8", "replace")
        self.wfile.write(
            f"HTTP/1.1 {status} {'Refused' if status == 403 else 'Error'}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )


class CheckingProxy:
    """A running proxy. url: what a client is told, with the password in it."""

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.url = f"http://mien:{server.password}@127.0.0.1:{server.server_address[1]}"

    @property
    def refused(self) -> list[str]:
        """What it did not connect to, in words."""
        return list(self._server.refused)


@contextmanager
def checking_proxy(addresses: Addresses) -> Iterator[CheckingProxy]:
    """Run a proxy in a thread of this process for as long as the block lasts."""
    server = _Server(addresses)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield CheckingProxy(server)
    finally:
        server.shutdown()
        server.server_close()
