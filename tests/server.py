"""A server on this machine, for tests of downloads."""

import contextlib
import re
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Polite:
    """Handler of requests that writes nothing, and expects that clients leave before its end."""

    def log_message(self, *args):
        """Log nothing."""

    def handle(self):
        """Answer requests until the client has what it wants, or leaves."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def finish(self):
        """Close the connection, unless the client has done so."""
        with contextlib.suppress(ConnectionError):
            super().finish()


class Handler(Polite, BaseHTTPRequestHandler):
    """Base of handlers that make their own answers."""


def send(handler, status, content=b"", **headers):
    """Send an answer; headers have ``_`` for ``-``."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(content)


def send_endless(handler, status=200, **headers):
    """Send megabytes until the client leaves."""
    send(handler, status, **headers)
    while True:
        handler.wfile.write(b" " * 1_000_000)


def send_slowly(handler, seconds=20):
    """Send a byte now and then."""
    send(handler, 200)
    for _ in range(round(seconds / 0.05)):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


class Files(Polite, SimpleHTTPRequestHandler):
    """Serve a folder, and parts of files that a client asks for (`Range`), as archives do.

    `server.asked` has the requests: path, Range and Authorization.
    """

    def do_GET(self):
        """Send a file, or some of its bytes."""
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted, self.headers.get("Authorization")))
        path = Path(self.translate_path(self.path))
        if wanted is None or not path.is_file():
            super().do_GET()
            return
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
        data = path.read_bytes()
        self.send_response(206)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.wfile.write(data[first : last + 1])


@contextlib.contextmanager
def running(handler, **attributes):
    """Run a server in a thread.

    Parameters
    ----------
    handler : class
        Handler of requests.
    **attributes
        Attributes of the server, for its handlers.

    Yields
    ------
    server
        Its `url` has no slash at the end.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    vars(server).update(attributes)
    # The server checks every 0.02 s whether it should stop, so that tests need not wait.
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serving(folder):
    """Run a server of the files of a folder, as `running` does; `asked` has the requests."""
    return running(partial(Files, directory=str(folder)), asked=[])
