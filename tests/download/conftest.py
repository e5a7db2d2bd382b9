"""A server on this machine that does to downloads what the web does."""

import io
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image


def picture(kind="JPEG", seed=0):
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, kind)
    return data.getvalue()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked[self.path] += 1
        route = self.path.split("?")[0].strip("/").split("/")[0]
        getattr(self, f"serve_{route}", self.serve_missing)()

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def serve_missing(self):
        self.reply(404)

    def serve_status(self):
        self.reply(int(self.path.rsplit("/", 1)[1]))

    def serve_flaky(self):
        self.reply(503) if self.server.asked[self.path] == 1 else self.serve_ok()

    def serve_ok(self):
        self.reply(200, picture(seed=len(self.path)), Content_Type="text/plain")

    def serve_gif(self):
        self.reply(200, picture("GIF"))

    def serve_file(self):
        self.reply(200, self.server.files[self.path], Content_Type="video/mp4")

    def serve_html(self):
        self.reply(200, b"<!DOCTYPE html><p>gone", Content_Type="image/jpeg")

    def serve_moved(self):
        self.reply(302, Location="/ok/moved.jpg")

    def serve_loop(self):
        self.reply(301, Location=self.path)

    def serve_nowhere(self):
        self.reply(302)

    def serve_inside(self):
        self.reply(302, Location=f"http://localhost:{self.server.server_address[1]}/ok/secret.jpg")

    def serve_passwd(self):
        self.reply(302, Location="file:///etc/passwd")

    def serve_slow(self):
        time.sleep(1.0)

    def serve_drip(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(40):
            self.wfile.write(b"\xff")
            self.wfile.flush()
            time.sleep(0.1)

    def serve_reset(self):
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def serve_short(self):
        body = picture()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def serve_half(self):
        self.reply(200, picture()[:-600])

    def serve_endless(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(1024):
            self.wfile.write(bytes(1 << 20))
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


@pytest.fixture
def server():
    found = Server(("127.0.0.1", 0), Handler)
    found.asked, found.files = Counter(), {}
    found.place = f"127.0.0.1:{found.server_address[1]}"
    found.url = f"http://{found.place}"
    thread = threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()
