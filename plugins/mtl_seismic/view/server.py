"""The viewer's server: this computer alone, a secret in the address; GET, and PUT of picks.

The page lies at ``http://127.0.0.1:PORT/TOKEN/``. Requests without the token get 403; so do those whose Host
is not this computer's own name, since another site may let its name point here (DNS rebinding). Files are looked
up in a fixed table, so that no path leads out of it. The one thing that can be written are the picks of the result,
as JSON that is checked; a page of another site can send no JSON here (no CORS headers are given), and knows no token.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from mtl_seismic.interpret.picks.store import Changed
from mtl_seismic.view.interpretation import Interpretation
from mtl_seismic.view.slices import Slices
from mtlcore.errors import MtlError

LARGEST_PICKS = 16 * 2**20
"""Bytes."""
LARGEST_WINDOW = 500
"""Samples above and below a horizon."""
ADDRESS = "127.0.0.1"
OWN_NAMES = ("127.0.0.1", "localhost")
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Refused(Exception):
    """A request that gets an error: its status and one line."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class ViewServer(ThreadingHTTPServer):
    """Serves one opened result; ``port`` 0 takes any free one. MtlError where the port cannot be had."""

    daemon_threads = True

    def __init__(
        self, slices: Slices, interpretation: Interpretation, description: Mapping[str, Any], port: int = 0
    ) -> None:
        self.slices = slices
        self.interpretation = interpretation
        self.description = json.dumps(plain(description), allow_nan=False, default=str).encode()
        self.token = secrets.token_urlsafe(18)
        self.pages = load_pages()
        try:
            super().__init__((ADDRESS, port), Handler)
        except OSError as error:
            raise MtlError(
                f"Port {port} of {ADDRESS} cannot be used: {error.strerror}. Take another, or --port 0."
            ) from None

    @property
    def url(self) -> str:
        """The page's address, with the token."""
        return f"http://{ADDRESS}:{self.server_port}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that is closed while it loads is no error."""
        import sys

        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: ViewServer
    protocol_version = "HTTP/1.1"
    server_version = "mtl"
    sys_version = ""
    timeout = 60

    def do_GET(self) -> None:
        self._respond(self._answer)

    def do_PUT(self) -> None:
        self._respond(self._store)

    def _respond(self, answer: Callable[[str], tuple[str, bytes]]) -> None:
        try:
            self._check_host()
            kind, content = answer(self._path_behind_token())
        except Refused as refused:
            self._send(refused.status, TYPES["json"], _error(refused))
        except Changed as changed:
            self._send(HTTPStatus.CONFLICT, TYPES["json"], _error(changed))
        except MtlError as error:
            self._send(HTTPStatus.NOT_FOUND, TYPES["json"], _error(error))
        except OSError as error:
            if isinstance(error, ConnectionError):
                raise
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, TYPES["json"], _error(error))
        else:
            self._send(HTTPStatus.OK, kind, content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a line for every slice would hide what matters, and the address is a secret."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Errors that http.server itself finds (another method than GET, damaged requests)."""
        self.close_connection = True
        self._send(HTTPStatus(code), TYPES["json"], _error(message or HTTPStatus(code).phrase))

    def _check_host(self) -> None:
        hosts = self.headers.get_all("Host") or [""]
        name, colon, port = hosts[0].partition(":")
        # Anything else that stands there may be read by others as another name: 127.0.0.1:80@evil.
        if len(hosts) > 1 or name.lower() not in OWN_NAMES or (colon and not (port.isascii() and port.isdigit())):
            raise Refused(HTTPStatus.FORBIDDEN, "This server answers to 127.0.0.1 and localhost alone.")

    def _address(self) -> SplitResult:
        try:
            return urlsplit(self.path)
        except ValueError:  # "http://[" and the like
            raise Refused(HTTPStatus.BAD_REQUEST, "The address cannot be read.") from None

    def _path_behind_token(self) -> str:
        token, slash, rest = self._address().path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(HTTPStatus.FORBIDDEN, "The token in the address is missing or wrong.")
        if not slash:
            raise Refused(HTTPStatus.NOT_FOUND, "The address of the page ends in a slash.")
        return rest or "index.html"

    def _answer(self, path: str) -> tuple[str, bytes]:
        if path == "api/result":
            return TYPES["json"], self.server.description
        if path == "api/slice":
            name, axis, index = (self._given(key) for key in ("field", "axis", "index"))
            return "application/octet-stream", self.server.slices.slice(name, _whole(axis), _whole(index))
        if path == "api/values":
            at = tuple(_whole(number) for number in self._given("at").split(","))
            return TYPES["json"], json.dumps(plain({"at": at, "values": self.server.slices.values(at)})).encode()
        if path == "api/interpretation":
            return TYPES["json"], json.dumps(plain(self.server.interpretation.listing()), allow_nan=False).encode()
        if path == "api/faults":
            return TYPES["json"], self.server.interpretation.faults()
        if path in ("api/horizon", "api/along"):
            return "application/octet-stream", self._horizon(path)
        if path not in self.server.pages:
            raise Refused(HTTPStatus.NOT_FOUND, "There is no such page.")
        return TYPES[path.rpartition(".")[2]], self.server.pages[path]

    def _horizon(self, path: str) -> bytes:
        """Of an extracted horizon by name, or of the one through points."""
        interpretation = self.server.interpretation
        by_name = "name" in parse_qs(self._address().query)
        key = self._given("name" if by_name else "points")
        if path == "api/horizon":
            return interpretation.horizon(key) if by_name else interpretation.through(key)
        field, statistic, half = (self._given(name) for name in ("field", "statistic", "half"))
        name, points = (key, None) if by_name else (None, key)
        return interpretation.along(name, points, field, statistic, min(_whole(half), LARGEST_WINDOW))

    def _store(self, path: str) -> tuple[str, bytes]:
        """Take the picks."""
        # Whatever is refused unread would be taken for the next request.
        self.close_connection = True
        if path != "api/picks":
            raise Refused(HTTPStatus.NOT_FOUND, "There is nothing else that can be written.")
        if self.headers.get("Content-Type", "").partition(";")[0].strip() != TYPES["json"]:
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Picks are sent as application/json.")
        size = _whole(self.headers.get("Content-Length", ""))
        if size > LARGEST_PICKS:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Picks may have {LARGEST_PICKS} bytes at most.")
        try:
            answer = self.server.interpretation.save(self.rfile.read(size))
        except Changed:
            raise
        except MtlError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None
        return TYPES["json"], json.dumps(answer).encode()

    def _given(self, key: str) -> str:
        values = parse_qs(self._address().query).get(key, [])
        if len(values) != 1:
            raise Refused(HTTPStatus.BAD_REQUEST, f"The address needs one {key}=.")
        return values[0]

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def load_pages() -> dict[str, bytes]:
    """The page's files by name."""
    folder = files("mtl_seismic.view") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in TYPES}


def plain(value: Any) -> Any:
    """The value with None for every float that JSON cannot write."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _whole(text: str) -> int:
    # int() alone takes underscores, blanks and thousands of digits.
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(HTTPStatus.BAD_REQUEST, f"'{text[:20]}' is not a whole number.")
    return int(text)


def _error(error: object) -> bytes:
    return json.dumps({"error": str(error)}).encode()
