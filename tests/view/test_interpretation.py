"""What the server says of horizons and faults, and how it takes picks."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli
from mtl_seismic.interpret.picks import read_picks
from mtl_seismic.report.opened import open_result
from mtl_seismic.view.description import describe
from mtl_seismic.view.interpretation import Interpretation
from mtl_seismic.view.server import ViewServer
from mtl_seismic.view.slices import Slices
from mtlcore.plugin import plugins

SHAPE = (40, 16, 24)


class Client:
    """Asks a server of its own."""

    def __init__(self, server: ViewServer) -> None:
        self.server = server

    def ask(
        self, path: str, method: str = "GET", content: bytes | None = None, kind: str = "", root: str | None = None
    ) -> tuple[int, bytes]:
        """``path`` behind the token."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        try:
            headers = {"Content-Type": kind} if kind else {}
            connection.request(
                method, (urlsplit(self.server.url).path if root is None else root) + path, content, headers
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        status, content = self.ask(path)
        assert status == 200, content
        return content

    def listing(self) -> Any:
        return json.loads(self.get("api/interpretation"))

    def put(self, body: object, kind: str = "application/json") -> tuple[int, Any]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer = self.ask("api/picks", "PUT", content, kind)
        return status, json.loads(answer)


@pytest.fixture(scope="module")
def folder(make_result: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with two horizons and a fault in it."""
    result = make_result(tmp_path_factory.mktemp("result") / "r", SHAPE)
    for command in (("horizons", "--count", "2", "--spread", "depth"), ("faults",)):
        done = CliRunner().invoke(cli, [command[0], str(result), *command[1:], "--no-picture", "--quiet"])
        assert done.exit_code == 0, done.output
    return result


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with open_result(folder, plugins.current()) as result:
        slices = Slices(result.volumes, result.geometry.live)
        with ViewServer(slices, Interpretation(result.folder, slices), describe(result)) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield Client(server)
            server.shutdown()
            thread.join()
    (folder / "picks.json").unlink(missing_ok=True)


def floats(content: bytes) -> Any:
    return np.frombuffer(content, "<f4").reshape(-1, *SHAPE[1:])


def test_it_lists_what_the_commands_wrote(client: Client) -> None:
    found = client.listing()
    assert [horizon["name"] for horizon in found["horizons"]] == ["horizon_01", "horizon_02"]
    (fault,) = found["faults"]
    assert fault["name"] == "FAULT_001" and fault["median_throw"] == pytest.approx(6, abs=0.7)
    assert found["picks"]["horizons"] == []


def test_depths_of_an_extracted_horizon_with_and_without_its_array(client: Client, folder: Path) -> None:
    (file,) = folder.glob("horizons/horizon_02*.npy")
    written = np.load(file)
    depth, quality = floats(client.get("api/horizon?name=horizon_02"))
    np.testing.assert_array_equal(depth, written[0].astype("f4"))
    np.testing.assert_array_equal(quality, written[2].astype("f4"))
    assert np.isnan(depth[0, 0])  # a dead trace
    kept = file.read_bytes()
    file.unlink()
    client.server.interpretation._grids.clear()
    again = floats(client.get("api/horizon?name=horizon_02"))
    file.write_bytes(kept)
    np.testing.assert_allclose(again[0], depth, atol=1e-3)


def test_a_field_along_a_horizon(client: Client, folder: Path) -> None:
    depth = floats(client.get("api/horizon?name=horizon_01"))[0]
    rgt = client.listing()["horizons"][0]["rgt"]
    along = floats(client.get("api/along?name=horizon_01&field=rgt&statistic=value&half=0"))[0]
    assert np.array_equal(np.isnan(along), np.isnan(depth))
    np.testing.assert_allclose(along[np.isfinite(along)], rgt, atol=1e-5)
    rms = floats(client.get("api/along?name=horizon_01&field=dhr&statistic=rms&half=3"))[0]
    dhr, row, col = np.load(folder / "dhr.npy"), 7, 3
    rows = depth[row, col] + np.arange(-3, 4)
    values = np.interp(rows, np.arange(SHAPE[0]), dhr[:, row, col])
    assert rms[row, col] == pytest.approx(float(np.sqrt((values**2).mean())), rel=1e-4)


def test_a_horizon_through_points_passes_through_each_of_them(client: Client) -> None:
    points = [[20.0, 8.0, 5.0], [23.5, 10.0, 8.0], [26.25, 4.0, 20.0]]
    depth = floats(client.get(f"api/horizon?points={json.dumps(points)}".replace(" ", "")))[0]
    for row, line, trace in points:
        assert depth[int(line), int(trace)] == pytest.approx(row, abs=1e-3)


def test_faults_have_surfaces(client: Client) -> None:
    (fault,) = json.loads(client.get("api/faults"))["faults"]
    points, cells = np.array(fault["points"]), np.array(fault["cells"])
    assert points.shape[1] == cells.shape[1] == 3 and cells.max() < len(points)
    assert np.abs(points[:, 2] - 12).max() < 2


PICKS = {
    "horizons": [{"name": "Top Brent", "colour": "#112233", "points": [[20, 8, 5.5]]}],
    "faults": [{"name": "Main fault", "sticks": [[[2, 8, 11], [30.5, 8, 13]]]}],
}


def test_picks_are_saved_and_two_writers_cannot_undo_each_other(client: Client, folder: Path) -> None:
    revision = client.listing()["revision"]
    status, answer = client.put({"revision": revision, "picks": PICKS})
    assert status == 200
    picks = read_picks(folder, SHAPE)
    assert picks.horizons[0].name == "Top Brent" and picks.faults[0].sticks == (((2, 8, 11), (30.5, 8, 13)),)
    status, refused = client.put({"revision": revision, "picks": {}})
    assert status == 409 and "was changed elsewhere" in refused["error"]
    assert client.put({"revision": answer["revision"], "picks": {}})[0] == 200
    assert read_picks(folder, SHAPE).horizons == ()


@pytest.mark.parametrize(
    ("picks", "said"),
    [
        ({"horizons": [{"name": "a", "points": [[99, 0, 0]]}]}, "does not lie in a volume"),
        ({"horizons": [{"name": "a", "points": [[1, 2]]}]}, "does not lie in a volume"),
        ({"horizons": [{"name": "a", "points": [[1, 2, float("nan")]]}]}, "does not lie in a volume"),
        ({"horizons": [{"name": "a", "points": []}]}, "has no points"),
        ({"horizons": [{"name": 'a"b', "points": [[1, 2, 3]]}]}, "does not fit"),
        ({"horizons": [{"name": "a\nb", "points": [[1, 2, 3]]}]}, "does not fit"),
        ({"horizons": [{"name": "a", "points": [[1, 2, 3]]}] * 2}, "two horizons named 'a'"),
        ({"horizons": [{"name": "a", "colour": "red", "points": [[1, 2, 3]]}]}, "expected one like #ff5d5d"),
        ({"faults": [{"name": "a", "sticks": [[[1, 2, 3]]]}]}, "less than two nodes"),
        ({"shape": [1, 2, 3]}, "belongs to a volume of shape"),
        ([], "expected an object"),
    ],
)
def test_picks_that_make_no_sense_are_refused_and_change_nothing(
    picks: object, said: str, client: Client, folder: Path
) -> None:
    revision = client.listing()["revision"]
    status, answer = client.put({"revision": revision, "picks": picks})
    assert status == 400 and said in answer["error"]
    assert not (folder / "picks.json").exists()


def test_what_is_not_json_is_refused(client: Client) -> None:
    assert client.put({}, "text/plain")[0] == 415
    assert client.put(b"{")[0] == 400
    assert client.ask("api/other", "PUT", b"{}")[0] == 404
    assert client.ask("/wrong/api/picks", "PUT", b"{}", root="")[0] == 403


def test_a_damaged_file_is_named(client: Client, folder: Path) -> None:
    (folder / "picks.json").write_text("{", encoding="utf-8")
    status, content = client.ask("api/interpretation")
    assert status == 404 and b"picks.json cannot be read as JSON" in content


def test_picks_that_were_written_are_listed_once(client: Client, folder: Path) -> None:
    for kind, mark in (("horizons", "picked"), ("faults", "drawn")):
        path = folder / kind / f"{kind}.json"
        kept = path.read_text(encoding="utf-8")
        record = json.loads(kept)
        record[kind][0][mark] = True
        path.write_text(json.dumps(record), encoding="utf-8")
        names = [entry["name"] for entry in client.listing()[kind]]
        path.write_text(kept, encoding="utf-8")
        assert record[kind][0]["name"] not in names and len(names) == len(record[kind]) - 1
