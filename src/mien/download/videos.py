"""Videos by their links, through yt-dlp: best quality, resumable, with a ledger.

yt-dlp connects through a proxy of ours that reaches public addresses only. Where a site keeps
picture and sound apart, both are fetched and PyAV puts them into one file, without re-encoding.
"""

import heapq
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from mien.atomic import replacing
from mien.download.addresses import Addresses
from mien.download.ledger import OK, Entry, Ledger, count
from mien.download.pictures import Downloaded
from mien.download.proxy import CheckingProxy, checking_proxy
from mien.errors import InputError
from mien.progress import Progress, silent

FORMAT = "bv*+ba/b"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_CLASSES = (
    ("not a public address", "address not public"),
    ("HTTP Error 404", "HTTP 404"),
    ("HTTP Error 40", "HTTP 400, 401, 403, 410"),
    ("HTTP Error 410", "HTTP 400, 401, 403, 410"),
    ("HTTP Error 5", "HTTP 500, 502, 503, 504"),
    ("HTTP Error 30", "HTTP 301, 302"),
    ("Name or service not known", "name or service not known"),
    ("name resolution", "name or service not known"),
    ("timed out", "connection timed out"),
    ("reset by peer", "connection reset by peer"),
    ("refused", "connection refused"),
    ("No route to host", "no route to host"),
    ("CERTIFICATE_VERIFY_FAILED", "certificate verify failed"),
    ("Unsupported URL", "not a video"),
    ("HTTP Error", "other HTTP status"),
)
"""Words of yt-dlp to the class of the ledger."""


@dataclass(frozen=True)
class VideoOptions:
    """rate: bytes a second at most; None for any. cookies: a file in Netscape's format, if given.

    longest: seconds of a video at most; longer ones are refused before they are fetched.
    """

    rate: int | None = None
    cookies: Path | None = None
    longest: float | None = None
    again: bool = False
    addresses: Addresses = field(default_factory=Addresses)


class _Unwanted(Exception):
    pass


def download_videos(
    links: Sequence[tuple[str, str]],
    folder: Path,
    options: VideoOptions,
    progress: Progress = silent,
) -> Downloaded:
    """Fetch videos by (URL, name); a name may be empty: then the site's own id is the name.

    A broken-off file goes on where it was. `folder/ledger.jsonl` has a line of every link, with
    title, size and duration of what came; links that failed are tried again only if asked. Raises
    InputError where the cookies are not there.
    """
    if options.cookies is not None and not options.cookies.is_file():
        raise InputError(f"{options.cookies}: no such file of cookies")
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    result = Downloaded(len(links))
    try:
        with checking_proxy(options.addresses) as proxy:
            for i, (url, name) in enumerate(links):
                progress(i, len(links), f"{result.fetched} new")
                if ledger.settled(url, folder, options.again):
                    result.kept += 1
                    continue
                entry = _fetch(url, name, folder, options, proxy)
                ledger.add(entry)
                result.fetched += entry.outcome == OK
        progress(len(links), len(links), f"{result.fetched} new")
        known = [ledger.entries[url] for url, _ in links if url in ledger.entries]
        result.counts = count(known)
    finally:
        ledger.close()
    return result


def _fetch(url: str, name: str, folder: Path, options: VideoOptions, proxy: CheckingProxy) -> Entry:
    from yt_dlp.utils import YoutubeDLError

    refused = len(proxy.refused)
    try:
        return _fetch_video(url, name, folder, options, proxy)
    except _Unwanted as error:
        return Entry(url, "too large", str(error))
    except (YoutubeDLError, av.FFmpegError) as error:
        said = " ".join(str(error).removeprefix("ERROR: ").split())
        if len(proxy.refused) > refused:
            return Entry(url, "address not public", proxy.refused[-1])
        outcome = next((to for word, to in _CLASSES if word in said), "other connection error")
        return Entry(url, outcome, said[:400])


def _fetch_video(
    url: str, name: str, folder: Path, options: VideoOptions, proxy: CheckingProxy
) -> Entry:
    from yt_dlp import YoutubeDL

    parts = folder / ".parts"
    with YoutubeDL(_settings(options, proxy, parts)) as downloader:
        info: dict[str, Any] = downloader.extract_info(url, download=False) or {}
    if info.get("entries"):
        info = next(iter(info["entries"]))
    duration = info.get("duration")
    if options.longest is not None and (duration or 0) > options.longest:
        raise _Unwanted(f"{duration:.0f} s, more than {options.longest:g} s")
    if info.get("is_live"):
        raise _Unwanted("is live: it has no end")
    stem = name or _safe(f"{info.get('extractor_key', 'video')}-{info.get('id', '')}")
    wanted = info.get("requested_formats") or [info]
    files = [
        _fetch_stream(url, f"{stem}.{i}", str(chosen["format_id"]), parts, options, proxy)
        for i, chosen in enumerate(wanted)
    ]
    target = folder / f"{stem}{_suffix(files)}"
    with replacing(target) as temporary:
        if len(files) == 1:
            shutil.copyfile(files[0], temporary)
        else:
            mux(files, temporary)
    for file in files:
        file.unlink()
    detail = {
        key: info.get(key)
        for key in ("title", "extractor", "id", "duration", "width", "height", "fps", "uploader")
        if info.get(key) is not None
    }
    size = target.stat().st_size
    return Entry(url, OK, json.dumps(detail), target.name, size, format=target.suffix[1:])


def _fetch_stream(
    url: str, stem: str, chosen: str, parts: Path, options: VideoOptions, proxy: CheckingProxy
) -> Path:
    """Fetch one format of a video into the folder of parts, going on where it broke off."""
    from yt_dlp import YoutubeDL

    settings = _settings(options, proxy, parts)
    settings |= {"format": chosen, "outtmpl": str(parts / f"{stem}.%(ext)s").replace("%%", "%")}
    with YoutubeDL(settings) as downloader:
        info = downloader.extract_info(url, download=True) or {}
    if info.get("entries"):
        info = next(iter(info["entries"]))
    return Path(info["requested_downloads"][0]["filepath"])


def _settings(options: VideoOptions, proxy: CheckingProxy, parts: Path) -> dict[str, Any]:
    parts.mkdir(exist_ok=True)
    return {
        "format": FORMAT,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silent(),
        "noplaylist": True,
        "playlist_items": "1",
        "proxy": proxy.url,
        "continuedl": True,
        "retries": 3,
        "socket_timeout": 20,
        "ratelimit": options.rate,
        "cookiefile": str(options.cookies) if options.cookies else None,
        "cachedir": False,
        "fixup": "never",
        "allow_unplayable_formats": False,
        "paths": {"home": str(parts)},
        "plugin_dirs": [],
    }


class _Silent:
    """Takes what yt-dlp says; what matters is raised."""

    debug: Callable[[str], None] = staticmethod(lambda _: None)
    info = warning = error = debug


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)[:120].strip("_") or "video"


def _suffix(files: Sequence[Path]) -> str:
    if len(files) == 1:
        return files[0].suffix
    suffixes = {file.suffix for file in files}
    return ".mp4" if suffixes <= {".mp4", ".m4a"} else ".mkv"


def mux(files: Sequence[Path], out: Path) -> None:
    """Put the streams of several files into one, as they are, packets in order of time."""
    with av.open(str(out), "w") as target:
        sources = [av.open(str(file)) for file in files]
        try:
            pairs = [
                (source, stream, target.add_stream_from_template(stream))
                for source in sources
                for stream in source.streams
                if stream.type in ("video", "audio")
            ]
            order = heapq.merge(
                *(_packets(i, source, stream) for i, (source, stream, _) in enumerate(pairs)),
                key=lambda item: item[:2],
            )
            for _, i, packet in order:
                packet.stream = pairs[i][2]
                target.mux(packet)
        finally:
            for source in sources:
                source.close()


def _packets(
    number: int, source: Any, stream: Any
) -> Iterator[tuple[float, int, "av.Packet[Any]"]]:
    """Yield a stream's packets with their decoding time in seconds and the stream's number."""
    for packet in source.demux(stream):
        if packet.dts is not None:
            yield float(packet.dts * packet.time_base), number, packet
