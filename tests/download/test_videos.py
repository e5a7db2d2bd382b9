"""Videos through yt-dlp's generic extractor, our proxy, and a real server."""

import json

import av
import numpy as np
import pytest

import mien
from mien.cli.main import main
from mien.download.addresses import Addresses, is_public, parse_allowed
from mien.download.videos import mux
from mien.errors import InputError


def clip(path, frames=12, audio=False):
    with av.open(str(path), "w") as container:
        if audio:
            stream = container.add_stream("aac", rate=16000)
            silence = np.zeros((1, 1024), np.float32)
            for i in range(frames):
                frame = av.AudioFrame.from_ndarray(silence, "fltp", "mono")
                frame.sample_rate, frame.pts = 16000, 1024 * i
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            return path
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * i, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def ledger_of(out):
    lines = (out / "ledger.jsonl").read_text().splitlines()
    return {line["url"]: line for line in map(json.loads, lines)}


def test_a_video_comes_through_the_proxy_under_its_name(server, tmp_path):
    server.files["/file/talk.mp4"] = clip(tmp_path / "talk.mp4").read_bytes()
    good, gone = f"{server.url}/file/talk.mp4", f"{server.url}/none.mp4"
    links = tmp_path / "links.txt"
    links.write_text(f"# two of them\n{good} video45\n{gone}\n")
    found = mien.download_videos(links, tmp_path / "out", allow=[server.place])
    assert found.counts == {"downloaded": 1, "HTTP 404": 1}
    assert (tmp_path / "out" / "video45.mp4").read_bytes() == server.files["/file/talk.mp4"]
    assert ledger_of(tmp_path / "out")[good]["file"] == "video45.mp4"
    asked = dict(server.asked)
    again = mien.download_videos(links, tmp_path / "out", allow=[server.place])
    assert (again.kept, again.fetched) == (2, 0)
    assert dict(server.asked) == asked


def test_the_proxy_reaches_no_private_address(server, tmp_path):
    server.files["/file/talk.mp4"] = clip(tmp_path / "talk.mp4").read_bytes()
    links = tmp_path / "links.txt"
    links.write_text(
        f"{server.url}/file/talk.mp4\nhttp://169.254.169.254/x.mp4\n{server.url}/inside\n"
    )
    found = mien.download_videos(links, tmp_path / "out")
    assert found.counts == {"address not public": 3}
    assert not server.asked
    again = mien.download_videos(links, tmp_path / "out", allow=[server.place], again=True)
    assert again.counts == {"downloaded": 1, "address not public": 2}


def test_picture_and_sound_become_one_file_without_encoding(tmp_path):
    picture, sound = clip(tmp_path / "v.mp4"), clip(tmp_path / "a.m4a", audio=True)
    mux([picture, sound], tmp_path / "both.mp4")
    with av.open(str(tmp_path / "both.mp4")) as both, av.open(str(picture)) as alone:
        assert [s.type for s in both.streams] == ["video", "audio"]
        packets = [bytes(p) for p in both.demux(both.streams.video[0]) if p.size]
        assert packets == [bytes(p) for p in alone.demux(alone.streams.video[0]) if p.size]


def test_names_are_checked(tmp_path, capsys):
    links = tmp_path / "links.txt"
    links.write_text("http://a.org/1 ../../etc/x\n")
    assert main(["download", "videos", str(links), "--out", str(tmp_path / "o")]) == 2
    assert "letters, digits, - and _" in capsys.readouterr().err
    links.write_text("http://a.org/1 same\nhttp://a.org/2 Same\n")
    with pytest.raises(InputError, match="line 2: Same is named in line 1 too"):
        mien.download_videos(links, tmp_path / "o")
    links.write_text("http://a.org/1\n")
    with pytest.raises(InputError, match="no such file of cookies"):
        mien.download_videos(links, tmp_path / "o", cookies=tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("8.8.8.8", True), ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False),
        ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.0", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False),
        ("fe80::1", False), ("fc00::1", False), ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("::127.0.0.1", False), ("2606:4700::1111", True), ("ff02::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(text, public):
    import ipaddress

    assert is_public(ipaddress.ip_address(text)) is public


def test_one_private_address_among_several_refuses_the_host(monkeypatch):
    from mien.download import addresses

    monkeypatch.setattr(addresses, "_look_up", lambda *_: ["8.8.8.8", "127.0.0.1"])
    with pytest.raises(addresses.Refused, match="rebound is 127"):
        Addresses().resolve("rebound", 80)
    allowed = Addresses(parse_allowed(["rebound:80"]))
    assert allowed.resolve("rebound", 80) == ["8.8.8.8", "127.0.0.1"]
