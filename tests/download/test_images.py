"""Pictures from a real server that misbehaves in every way that bartissol-2017 lists, and more."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import openpyxl
import pytest
from PIL import Image

import mien
from mien.cli.main import main
from mien.download.links import picture_name, read_links
from mien.errors import InputError


def download(server, tmp_path, urls, **options):
    table = tmp_path / "urls.txt"
    table.write_text("\n".join(urls) + "\n")
    settings = {"interval": 0.0, "per_host": 8, "retries": 0, "allow": [server.place]} | options
    found = mien.download_images(table, tmp_path / "out", **settings)
    lines = (tmp_path / "out" / "ledger.jsonl").read_text().splitlines()
    return found, {line["url"]: line for line in map(json.loads, lines)}


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("none.jpg", "HTTP 404"),
        ("status/400", "HTTP 400, 401, 403, 410"),
        ("status/403", "HTTP 400, 401, 403, 410"),
        ("status/410", "HTTP 400, 401, 403, 410"),
        ("status/500", "HTTP 500, 502, 503, 504"),
        ("status/504", "HTTP 500, 502, 503, 504"),
        ("status/418", "other HTTP status"),
        ("loop/a", "HTTP 301, 302"),
        ("nowhere", "HTTP 301, 302"),
        ("reset/a", "connection reset by peer"),
        ("short/a", "cut short"),
        ("half/a", "cut short"),
        ("html/a.jpg", "not a picture"),
        ("passwd", "not a URL of the web"),
        ("inside", "address not public"),
        ("endless", "too large"),
    ],
)
def test_each_failure_has_its_class_and_leaves_no_file(server, tmp_path, path, outcome):
    url = f"{server.url}/{path}"
    found, ledger = download(server, tmp_path, [url], mebibytes=1)
    assert ledger[url]["outcome"] == outcome, ledger[url]
    assert found.counts == {outcome: 1}
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["ledger.jsonl"]


def test_a_host_that_does_not_answer_or_drips_is_given_up(server, tmp_path):
    urls = [f"{server.url}/slow/a", f"{server.url}/drip/a"]
    began = time.monotonic()
    found, _ = download(server, tmp_path, urls, seconds=0.5)
    assert time.monotonic() - began < 8
    assert set(found.counts) <= {"connection timed out", "connection reset by peer"}
    assert found.counts["connection timed out"] >= 1


def test_names_and_ports_that_nobody_answers_at(server, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused, unknown = f"http://127.0.0.1:{port}/a.jpg", "http://no-such-host.invalid/a.jpg"
    _, ledger = download(
        server, tmp_path, [refused, unknown], allow=[server.place, f"127.0.0.1:{port}"]
    )
    assert ledger[refused]["outcome"] == "connection refused"
    assert ledger[unknown]["outcome"] == "name or service not known"


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(server, tmp_path):
    flaky, gone = f"{server.url}/flaky/a", f"{server.url}/none"
    _, ledger = download(server, tmp_path, [flaky, gone], retries=1)
    assert ledger[flaky]["outcome"] == "downloaded"
    assert ledger[flaky]["attempts"] == 2
    assert server.asked["/none"] == 1


def test_pictures_keep_their_bytes_and_a_gif_becomes_a_png(server, tmp_path):
    ok, gif = f"{server.url}/ok/a", f"{server.url}/gif/a.jpg"
    moved = f"{server.url}/moved"
    found, ledger = download(server, tmp_path, [ok, gif, moved])
    assert found.counts == {"downloaded": 3}
    files = {url: tmp_path / "out" / line["file"] for url, line in ledger.items()}
    assert files[ok].suffix == ".jpg"
    assert files[ok].stat().st_size == ledger[ok]["bytes"]
    with Image.open(files[gif]) as image:
        assert (image.format, image.size) == ("PNG", (60, 40))
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_two_urls_with_one_file_name_are_two_files(server, tmp_path):
    urls = [f"{server.url}/ok/x/image.jpg?size=1", f"{server.url}/ok/x/image.jpg?size=2",
            f"{server.url}/ok/x_image.jpg"]  # fmt: skip
    found, ledger = download(server, tmp_path, urls)
    assert found.counts == {"downloaded": 3}
    assert len({line["file"] for line in ledger.values()}) == 3
    assert len({picture_name("http://h/" + "a" * 300 + str(i)) for i in range(50)}) == 50
    assert all(len(picture_name("http://h/" + "é/." * 300)) <= 200 for _ in range(1))


def test_a_second_run_asks_for_nothing_and_again_asks_for_failures_alone(server, tmp_path):
    urls = [f"{server.url}/ok/a", f"{server.url}/none"]
    download(server, tmp_path, urls)
    found, _ = download(server, tmp_path, urls)
    assert (found.fetched, found.kept) == (0, 2)
    assert server.asked == {"/ok/a": 1, "/none": 1}
    download(server, tmp_path, urls, again=True)
    assert server.asked == {"/ok/a": 1, "/none": 2}


def test_the_second_address_counts_where_the_first_fails(server, tmp_path):
    urls = [f"{server.url}/none", f"{server.url}/ok/original"]
    found, ledger = download(server, tmp_path, [",".join([*urls, *["0"] * 60])])
    assert found.counts == {"downloaded": 1}
    assert ledger[urls[0]]["detail"] == f"from {urls[1]}"


def test_without_the_switch_this_machine_is_out_of_reach(server, tmp_path):
    port = server.server_address[1]
    hosts = ("localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433")
    urls = [server.url, *(f"http://{host}:{port}/ok" for host in hosts), "http://10.0.0.1/"]
    found, ledger = download(server, tmp_path, urls, allow=[])
    assert "downloaded" not in found.counts
    for url in (*urls[:2], *urls[3:]):  # [::1] may have no address at all here
        assert ledger[url]["outcome"] == "address not public", ledger[url]
    assert not server.asked


def test_lists_of_every_kind_are_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["URL", *[f"'AU {i}'" for i in range(1, 61)]])
    book.active.append(["'http://a.org/x.jpg'", *[0] * 60])
    book.active.append(["http://a.org/y,z.jpg", *[999] * 60])
    book.save(tmp_path / "e.xlsx")
    links, notes = read_links(tmp_path / "e.xlsx")
    assert [link.urls for link in links] == [("http://a.org/x.jpg",), ("http://a.org/y,z.jpg",)]
    assert len(links[1].cells) == 60
    assert notes == []
    text = "http://a.org/1,2.jpg,http://b.org/3,4.jpg,0,1,999\n\nno link,0\nhttp://a.org/1,2.jpg\n"
    (tmp_path / "e.csv").write_text(text)
    links, notes = read_links(tmp_path / "e.csv")
    assert links[0].urls == ("http://a.org/1,2.jpg", "http://b.org/3,4.jpg")
    assert links[0].cells == ("0", "1", "999")
    assert notes[0] == "1 rows without a link (line 3)"


def test_lists_of_no_use_are_one_line(tmp_path, capsys):
    (tmp_path / "empty.txt").write_text("nothing\n")
    assert main(["download", "images", str(tmp_path / "empty.txt"), "--out", str(tmp_path)]) == 2
    assert "holds no http:// or https:// link" in capsys.readouterr().err
    with pytest.raises(InputError, match="does not exist"):
        mien.download_images(tmp_path / "none.txt", tmp_path / "o")
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(InputError, match="not an Excel sheet"):
        mien.download_images(tmp_path / "bad.xlsx", tmp_path / "o")
    (tmp_path / "l.txt").write_text("http://a.org/b\n")
    with pytest.raises(InputError, match="host:port"):
        mien.download_images(tmp_path / "l.txt", tmp_path / "o", allow=["here"])


def kill_and_resume(server, tmp_path, kills, pictures, wait):
    table, out = tmp_path / "urls.txt", tmp_path / "out"
    urls = [f"{server.url}/ok/{'a' * (i % 7)}{i}" for i in range(pictures)]
    table.write_text("\n".join([*urls, f"{server.url}/none"]) + "\n")
    command = [sys.executable, "-m", "mien", "download", "images", str(table), "--out", str(out),
               "--interval", "0.02", "--allow-address", server.place]  # fmt: skip
    for i in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        time.sleep(wait(i))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    lines = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    files = {line["url"]: line["file"] for line in lines if line["outcome"] == "downloaded"}
    assert set(files) == set(urls)
    for file in files.values():
        with Image.open(out / file) as image:
            image.load()
    left = {p.name for p in out.iterdir()} - set(files.values()) - {"ledger.jsonl"}
    assert all(name.startswith(".") for name in left)


def test_killed_and_run_again_it_ends_whole(server, tmp_path):
    kill_and_resume(server, tmp_path, 3, 60, lambda i: 0.5 + 0.15 * i)


@pytest.mark.slow
def test_twenty_kills(server, tmp_path):
    kill_and_resume(server, tmp_path, 20, 400, lambda i: 0.4 + 0.05 * (i * 7 % 11))
