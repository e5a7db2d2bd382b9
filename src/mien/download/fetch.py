"""Fetch one picture: redirects, limits, retries; every failure has a class of the ledger."""

import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpcore
import httpx

from mien.download.addresses import Refused
from mien.download.ledger import FLEETING

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STATUS = {
    **dict.fromkeys((404,), "HTTP 404"),
    **dict.fromkeys((400, 401, 403, 410), "HTTP 400, 401, 403, 410"),
    **dict.fromkeys((500, 502, 503, 504), "HTTP 500, 502, 503, 504"),
}
_ERRNO = {
    errno.ECONNRESET: "connection reset by peer",
    errno.EPIPE: "connection reset by peer",
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to host",
    errno.ETIMEDOUT: "connection timed out",
}
_TOO_MANY_REQUESTS = 429


class Failed(Exception):
    """A URL that gave no file. outcome: a class of the ledger. wait: seconds the host asks for."""

    def __init__(self, outcome: str, detail: str, wait: float = 0.0) -> None:
        super().__init__(detail)
        self.outcome, self.detail, self.wait = outcome, detail, wait


@dataclass(frozen=True)
class Limits:
    """seconds: for a whole file, redirects included. timeout: without an answer. bytes: of a file.

    redirects: followed at most. retries: further tries after a failure that may pass. pause:
    seconds before the second try, doubled before every other; longest: of any pause, that a host
    asks for included.
    """

    seconds: float = 60.0
    timeout: float = 15.0
    bytes: int = 32 * 1024 * 1024
    redirects: int = 10
    retries: int = 2
    pause: float = 1.0
    longest: float = 30.0


def fetch(
    client: httpx.Client,
    url: str,
    target: Path,
    limits: Limits,
    check: Callable[[Path], None] = lambda _: None,
    sleep: Callable[[float], object] = time.sleep,
) -> int:
    """Write what a URL holds to `target`; returns the number of tries. Raises Failed.

    check: called with the file once it is whole; may raise Failed.
    """
    tries = 0
    while True:
        tries += 1
        try:
            _once(client, url, target, limits)
            check(target)
            return tries
        except Failed as failure:
            again = failure.outcome in FLEETING or failure.wait > 0
            if not again or tries > limits.retries:
                failure.args = (failure.detail, tries)
                raise
            sleep(min(max(limits.pause * 2 ** (tries - 1), failure.wait), limits.longest))


def _once(client: httpx.Client, url: str, target: Path, limits: Limits) -> None:
    deadline = time.monotonic() + limits.seconds
    for _ in range(limits.redirects + 1):
        _refuse_other_schemes(url)
        with _Classified(), client.stream("GET", url, timeout=_left(limits, deadline)) as response:
            if response.status_code not in REDIRECTS:
                _take(response, target, limits, deadline)
                return
            place = response.headers.get("location")
            if not place:
                raise Failed("HTTP 301, 302", f"HTTP {response.status_code} that leads nowhere")
            url = str(response.url.join(place))
        if time.monotonic() > deadline:
            raise Failed("connection timed out", f"not there after {limits.seconds:g} s")
    raise Failed("HTTP 301, 302", f"more than {limits.redirects} redirects")


def _left(limits: Limits, deadline: float) -> float:
    """Seconds without an answer that are left to a request."""
    return max(min(limits.timeout, deadline - time.monotonic()), 0.01)


def _refuse_other_schemes(url: str) -> None:
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        well_formed = False
    if not well_formed:
        raise Failed("not a URL of the web", "is not http:// or https:// and a host")


def _take(response: httpx.Response, target: Path, limits: Limits, deadline: float) -> None:
    """Write the body of an answer that is no redirect."""
    status = response.status_code
    if status != httpx.codes.OK:
        wait = _asked_for(response) if status in (_TOO_MANY_REQUESTS, 503) else 0.0
        raise Failed(_STATUS.get(status, "other HTTP status"), f"HTTP {status}", wait)
    told = response.headers.get("content-length", "")
    if told.isdigit() and int(told) > limits.bytes:
        raise Failed("too large", f"{int(told):,} bytes, more than {limits.bytes:,}")
    size = 0
    with target.open("wb") as file:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > limits.bytes:
                raise Failed("too large", f"more than {limits.bytes:,} bytes")
            if time.monotonic() > deadline:
                raise Failed("connection timed out", f"not whole after {limits.seconds:g} s")
            file.write(chunk)
    if size == 0:
        raise Failed("cut short", "no bytes")


def _asked_for(response: httpx.Response) -> float:
    """Seconds of Retry-After; one where a busy host does not say."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 1.0)
    except (ValueError, TypeError):
        return 1.0


class _Classified:
    """Turns what httpx raises into Failed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, Failed) or not isinstance(error, Exception):
            return
        raise Failed(*_class_of(error)) from error


def _class_of(error: Exception) -> tuple[str, str]:
    """Class and words for an error of the connection, by what caused it."""
    causes = list(_chain(error))
    said = " ".join((str(error) or type(error).__name__).split())
    for cause in causes:
        if isinstance(cause, Refused):
            return "address not public", str(cause)
        if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(cause):
            return "certificate verify failed", said
        if isinstance(cause, socket.gaierror):
            return "name or service not known", said
        if isinstance(cause, TimeoutError | httpx.TimeoutException | httpcore.TimeoutException):
            return "connection timed out", said or "no answer"
        if isinstance(cause, OSError) and cause.errno in _ERRNO:
            return _ERRNO[cause.errno], said
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected" in said:
            return "connection reset by peer", said
        return "cut short", said
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return "not a URL of the web", said
    if isinstance(error, OSError) and not isinstance(error, httpx.HTTPError):
        raise error  # the disk's: not the URL's fault
    return "other connection error", said


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
