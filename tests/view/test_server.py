"""The viewer's server, by HTTP: who gets in, and whether what it sends is what the files hold."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

from mtl_seismic.report.opened import open_result
from mtl_seismic.view.description import describe
from mtl_seismic.view.interpretation import Interpretation
from mtl_seismic.view.server import ViewServer
from mtl_seismic.view.slices import Slices, amplitude_limit
from mtlcore.errors import MtlError
from mtlcore.io.volume import ArrayVolume, Geometry, Window
from mtlcore.plugin import plugins

SHAPE = (40, 16, 24)


@dataclass
class Answer:
    status: int
    content: bytes
    headers: http.client.HTTPMessage


class Client:
    """Asks a server of its own."""

    def __init__(self, server: ViewServer) -> None:
        self.server = server
        self.root = urlsplit(server.url).path

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """``path`` as it is sent: from the root of the host."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, answer.read(), answer.headers)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """``path`` behind the token."""
        return self.ask(self.root + path)

    def slice(self, field: str, axis: int, index: int, shape: tuple[int, int]) -> NDArray[np.float32]:
        answer = self.get(f"api/slice?field={field}&axis={axis}&index={index}")
        assert answer.status == 200, answer.content
        return np.frombuffer(answer.content, "<f4").reshape(shape)


@pytest.fixture(scope="module")
def folder(make_result: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_result(tmp_path_factory.mktemp("result") / "r", SHAPE)


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with open_result(folder, plugins.current()) as result:
        slices = Slices(result.volumes, result.geometry.live)
        with ViewServer(slices, Interpretation(result.folder, slices), describe(result)) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield Client(server)
            server.shutdown()
            thread.join()


def test_it_listens_on_this_computer_alone(client: Client) -> None:
    assert client.server.server_address[0] == "127.0.0.1"
    assert len(client.server.token) >= 20


def test_the_page_and_its_parts_come_with_the_token(client: Client) -> None:
    page = client.get("")
    assert page.status == 200
    assert b"<!doctype html>" in page.content
    assert client.get("view.css").headers["Content-Type"].startswith("text/css")
    assert client.get("app.js").headers["Content-Type"].startswith("text/javascript")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/index.html", "/api/result", "/wrong/", "/wrong/api/result", "//", "/é/"])
def test_without_the_token_nothing_is_told(client: Client, path: str) -> None:
    answer = client.ask(path.encode().decode("latin-1") if path.isascii() else "/%C3%A9/")
    assert answer.status == 403
    assert b"token" in answer.content
    assert client.server.token.encode() not in answer.content


def test_a_shortened_token_is_wrong(client: Client) -> None:
    assert client.ask(client.root[:-2] + "/").status == 403


OTHER_HOSTS = [
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "localhost.evil:1", "127.0.0.1:80@evil",
    "localhost:80:90", "127.0.0.1:", "localhost:eighty", "evil@localhost", "127.0.0.1:80#evil", "[127.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_other_hosts_are_refused(client: Client, host: str) -> None:
    assert client.ask(client.root, Host=host).status == 403


@pytest.mark.parametrize("address", ["http://[", "//[", "http://[::1", "http://[v1.x]y", "http://]/"])
def test_addresses_that_cannot_be_read_are_refused_in_silence(
    client: Client, address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    # http.client would not send it.
    with socket.create_connection(("127.0.0.1", client.server.server_port), timeout=10) as connection:
        connection.sendall(f"GET {address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(100).split()[1] in (b"400", b"403")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:9000", "LOCALHOST"])
def test_this_computers_names_are_taken(client: Client, host: str) -> None:
    assert client.ask(client.root, Host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_only_get_and_put_are_answered(client: Client, method: str) -> None:
    assert client.ask(client.root, method).status == 501


@pytest.mark.parametrize(
    "path",
    ["../server.py", "..%2fserver.py", "%2e%2e/server.py", "/etc/passwd", "//etc/passwd", "static/app.js", "run.json"],
)
def test_no_path_leads_out(client: Client, path: str) -> None:
    assert client.get(path).status == 404


def test_slices_are_the_files_samples(client: Client, folder: Path) -> None:
    depth, inlines, crosslines = SHAPE
    dead = ~np.ones((inlines, crosslines), dtype=bool)
    dead[:3, :4] = True
    for field in ("dhr", "rgt", "fault_dip"):
        values = np.load(folder / f"{field}.npy")
        values[:, dead] = np.nan
        np.testing.assert_array_equal(client.slice(field, 0, 5, (inlines, crosslines)), values[5])
        np.testing.assert_array_equal(client.slice(field, 1, 2, (depth, crosslines)), values[:, 2])
        np.testing.assert_array_equal(client.slice(field, 2, 23, (depth, inlines)), values[:, :, 23])
    image = np.load(folder / "survey.npy")
    np.testing.assert_array_equal(client.slice("image", 1, 8, (depth, crosslines)), image[:, 8])


def test_values_of_a_sample(client: Client, folder: Path) -> None:
    answer = json.loads(client.get("api/values?at=11,9,20").content)
    assert answer["at"] == [11, 9, 20]
    expected = {name: float(np.load(folder / f"{name}.npy")[11, 9, 20]) for name in ("dhr", "rgt", "fault_strike")}
    assert {name: answer["values"][name] for name in expected} == expected
    assert answer["values"]["image"] == float(np.load(folder / "survey.npy")[11, 9, 20])
    dead = json.loads(client.get("api/values?at=11,0,0").content)
    assert set(dead["values"].values()) == {None}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("slice?field=dhr&axis=1&index=16", 404),
        ("slice?field=dhr&axis=3&index=0", 404),
        ("slice?field=dhr&axis=1&index=-1", 400),
        ("slice?field=dhr&axis=1&index=1_0", 400),
        ("slice?field=dhr&axis=1&index=99999999999999999999", 400),
        ("slice?field=dhr&axis=1", 400),
        ("slice?field=dhr&field=rgt&axis=1&index=1", 400),
        ("slice?field=nothing&axis=1&index=1", 404),
        ("slice?field=../run.json&axis=1&index=1", 404),
        ("values?at=1,2", 404),
        ("values?at=40,0,0", 404),
        ("values?at=a,b,c", 400),
        ("other", 404),
    ],
)
def test_what_does_not_exist_is_refused_in_one_line(client: Client, query: str, status: int) -> None:
    answer = client.get(f"api/{query}")
    assert answer.status == status
    assert "\n" not in json.loads(answer.content)["error"]


def test_the_description_says_axes_coordinates_and_how_fields_are_drawn(client: Client) -> None:
    said = json.loads(client.get("api/result").content)
    assert [axis["name"] for axis in said["axes"]] == ["time", "inline", "crossline"]
    assert said["axes"][2] == {"name": "crossline", "size": 24, "origin": 300.0, "step": 2.0, "unit": "1"}
    assert said["coordinates"] == [[450000.0, 25.0, 0.0], [6780000.0, 0.0, 12.5]]
    fields = {field["name"]: field for field in said["fields"]}
    assert next(iter(fields)) == "image"
    assert fields["rgt"]["kind"] == "contours"
    assert fields["fault_dip"]["mask"] == "fault_probability"
    assert fields["dhr"]["limits"] == fields["image"]["limits"]


class CountingVolume(ArrayVolume):
    """Remembers which windows were read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(np.zeros(shape, dtype=np.float32), Geometry.of_shape(shape))
        self.windows: list[Window] = []

    def read(self, window: Window) -> NDArray[np.float32]:
        self.windows.append(window)
        return super().read(window)


def test_only_the_slices_that_are_looked_at_are_read_and_few_are_kept() -> None:
    volume = CountingVolume((10, 20, 30))
    slices = Slices({"image": volume}, room=3 * 10 * 30 * 4)
    for index in (1, 2, 1, 3, 1):
        slices.slice("image", 1, index)
    assert [window[1].start for window in volume.windows] == [1, 2, 3]
    slices.slice("image", 1, 4)  # the one looked at longest ago goes: 2
    slices.slice("image", 1, 1)
    slices.slice("image", 1, 2)
    assert [window[1].start for window in volume.windows] == [1, 2, 3, 4, 2]
    assert all(window[1].stop - window[1].start == 1 for window in volume.windows)


def test_the_whole_volume_is_never_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: ArrayVolume) -> None:
        raise AssertionError("loaded as a whole")

    monkeypatch.setattr(ArrayVolume, "load", refuse)
    with open_result(folder, plugins.current()) as result:
        describe(result)


def test_amplitudes_of_nothing_and_of_spikes() -> None:
    assert amplitude_limit(ArrayVolume(np.zeros((8, 8), np.float32))) == 1.0
    assert amplitude_limit(ArrayVolume(np.full((8, 8), np.nan, np.float32))) == 1.0
    spike = np.zeros((50, 50), np.float32)
    spike[3, 3] = 7
    assert amplitude_limit(ArrayVolume(spike)) == 7.0


def test_a_port_that_is_taken(client: Client) -> None:
    with pytest.raises(MtlError, match=r"Port \d+ of 127.0.0.1 cannot be used.*--port 0"):
        ViewServer(client.server.slices, client.server.interpretation, {}, client.server.server_port)


def test_fields_of_another_image_are_refused(make_result: Callable[..., Path], tmp_path: Path) -> None:
    result = make_result(tmp_path / "r", SHAPE)
    np.save(result / "dhr.npy", np.zeros((4, 5, 6), np.float32))
    (result / "dhr.npy.json").unlink()
    with pytest.raises(MtlError, match=r"'dhr'.*4x5x6.*40x16x24"), open_result(result, plugins.current()):
        pass


def test_an_image_that_was_moved_is_named(make_result: Callable[..., Path], tmp_path: Path) -> None:
    result = make_result(tmp_path / "r", SHAPE)
    for suffix in ("", ".json"):
        (result / f"survey.npy{suffix}").rename(tmp_path / f"elsewhere.npy{suffix}")
    with pytest.raises(MtlError, match="--input"), open_result(result, plugins.current()):
        pass
    with open_result(result, plugins.current(), tmp_path / "elsewhere.npy") as opened:
        assert opened.geometry.axes[0].step == 4.0


def test_a_damaged_record_is_one_line(make_result: Callable[..., Path], tmp_path: Path) -> None:
    result = make_result(tmp_path / "r", SHAPE, format="npy")
    with pytest.raises(MtlError, match=r"run\.json is not a record of mtl run"), open_result(result, plugins.current()):
        pass


def test_ctrl_c_ends_the_command_with_one_line(folder: Path) -> None:
    command = [sys.executable, "-m", "mtl_cli.main", "view", str(folder), "--no-browser"]
    environment = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    def hear() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # what runs in the background inherits that it ignores Ctrl-C

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, preexec_fn=hear, **pipes) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(url + "api/result", timeout=10) as answer:
            assert json.load(answer)["name"] == "survey.npy"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode in (0, 130)
    assert errors.splitlines()[-1] == "Viewer stopped."
    assert "Traceback" not in errors
