"""An HTTP client whose every connection goes through `Addresses`."""

from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from mien import __version__
from mien.download.addresses import Addresses, Refused

AGENT = f"mien/{__version__} (research; downloads pictures that a list names)"


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to an address that was checked, never to a name."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        try:
            found = self._addresses.resolve(host, port)
        except Refused:
            raise
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in found:
            try:
                return self._plain.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    def sleep(self, seconds: float) -> None:
        """Wait as httpcore asks."""
        self._plain.sleep(seconds)


class CheckedTransport(httpx.HTTPTransport):
    """httpx's transport above checked connections."""

    def __init__(self, addresses: Addresses, connections: int) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=_CheckedBackend(addresses),
        )


def make_client(addresses: Addresses, timeout: float, connections: int) -> httpx.Client:
    """Client without cookies, proxies of the environment, or redirects followed unasked."""
    return httpx.Client(
        transport=CheckedTransport(addresses, connections),
        timeout=httpx.Timeout(timeout),
        headers={"User-Agent": AGENT, "Accept": "image/*,*/*;q=0.5"},
        follow_redirects=False,
        trust_env=False,
    )
