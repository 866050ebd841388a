"""A web server on the loopback interface that can cut, lie and redirect."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What a path answers.

    Attributes:
        body: The whole file.
        status: Its code, where it is not the file.
        headers: More headers.
        cuts: After how many bytes of the body the connection ends, one for each request until they are used up.
        ranges: Whether a part can be asked for.
        length: Whether it says its length.
    """

    body: bytes = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    cuts: list = field(default_factory=list)
    ranges: bool = True
    length: bool = True


class Server:
    """Serves ``pages`` (path -> ``Page``) and keeps ``requests``, a list of (path, Range)."""

    def __init__(self):
        self.pages = {}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, self.headers.get("Range")))
                page = outer.pages.get(self.path, Page(b"<html>not here</html>", status=404))
                self.answer(page)

            def answer(self, page):
                start, status = 0, page.status
                asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
                if asked and page.ranges and status == 200:
                    start, status = int(asked[1]), 206
                self.send_response(status)
                if status == 206:
                    self.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
                if page.length:
                    self.send_header("Content-Length", str(len(page.body) - start))
                for key, value in page.headers.items():
                    self.send_header(key, value)
                self.end_headers()
                end = page.cuts.pop(0) if page.cuts else len(page.body)
                self.wfile.write(page.body[start : max(start, end)])

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def url(self, path=""):
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def serve(self, contents, folder="a/"):
        """Adds files below a folder and returns its address."""
        self.pages |= {f"/{folder}{name}": Page(data) for name, data in contents.items()}
        return self.url(folder)

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
