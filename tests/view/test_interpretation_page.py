"""Horizons, faults and picks on the viewer's page, in headless Chromium."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
READY = (
    "return document.body.dataset.busy === '0' && !document.body.dataset.unsaved "
    "&& viewer.state.horizons.every((each) => each.layers || !each.on)"
)
RED, BLUE, YELLOW = (255, 93, 93), (76, 201, 240), (255, 225, 77)
FAILED = "return document.getElementById('message').hidden ? '' : document.getElementById('message').textContent"


@pytest.fixture(scope="module")
def folder(make_result: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with two horizons and a fault in it."""
    result = make_result(tmp_path_factory.mktemp("result") / "r", SHAPE)
    for command in (("horizons", "--count", "2", "--spread", "depth"), ("faults",)):
        done = CliRunner().invoke(cli, [command[0], str(result), *command[1:], "--no-picture", "--quiet"])
        assert done.exit_code == 0, done.output
    return result


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    with open_result(folder, plugins.current()) as result:
        slices = Slices(result.volumes, result.geometry.live)
        with ViewServer(slices, Interpretation(result.folder, slices), describe(result)) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server.url
            finally:
                server.shutdown()
                thread.join()


class Page:
    """The viewer, as a user sees it."""

    def __init__(self, browser: Any, url: str) -> None:
        self.browser, self.url = browser, url
        browser.complaints()
        self.load()

    def load(self) -> None:
        self.browser.driver.get(self.url)
        self.browser.wait("return typeof viewer !== 'undefined'")
        self.settle()

    def settle(self) -> None:
        self.browser.wait(READY)

    def run(self, script: str, *arguments: Any) -> Any:
        value = self.browser.run(script, *arguments)
        self.settle()
        return value

    def press(self, element: str) -> None:
        self.run("document.getElementById(arguments[0]).click()", element)

    def key(self, key: str, **more: bool) -> None:
        self.run(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, "
            "cancelable: true, ...arguments[1] }))",
            key,
            more,
        )

    def coloured(self, panel: int, red: int, green: int, blue: int) -> int:
        """How many pixels of a panel have (about) a colour."""
        near = f"Math.abs(data[i] - {red}) + Math.abs(data[i + 1] - {green}) + Math.abs(data[i + 2] - {blue}) < 30"
        return int(
            self.run(
                "const panel = viewer.panels[arguments[0]], { width, height } = panel.canvas;"
                "const data = panel.canvas.getContext('2d').getImageData(0, 0, width, height).data;"
                f"let n = 0; for (let i = 0; i < data.length; i += 4) if ({near}) n += 1; return n",
                panel,
            )
        )

    def click(self, panel: int, col: float, row: float, **keys: bool) -> None:
        """A click at a place (in samples) of a panel."""
        self.run(
            "const p = viewer.panels[arguments[0]], [x, y] = p.pixelOf(arguments[1], arguments[2]);"
            "const box = p.canvas.getBoundingClientRect();"
            "const at = { clientX: box.left + x, clientY: box.top + y, bubbles: true, button: 0, pointerId: 1, "
            "...arguments[3] };"
            "p.canvas.setPointerCapture = () => {};"
            "for (const kind of ['pointerdown', 'pointerup']) p.canvas.dispatchEvent(new PointerEvent(kind, at))",
            panel,
            col,
            row,
            keys,
        )

    def names(self, kind: str) -> list[str]:
        return list(self.run(f"return viewer.state.{kind}.map((each) => each.name)"))

    def plain(self) -> None:
        """Without overlays and crosshair."""
        for element in ("layer-rgt", "layer-fault_probability", "crosshair"):
            self.press(element)


@pytest.fixture
def page(browser: Any, folder: Path) -> Iterator[Page]:
    with serving(folder) as url:
        page = Page(browser, url)
        yield page
        browser.driver.get("about:blank")
    (folder / "picks.json").unlink(missing_ok=True)
    # What any test does must leave the console empty.
    assert browser.complaints() == []


def test_horizons_and_faults_of_the_result_are_drawn_where_they_lie(page: Page, folder: Path) -> None:
    page.plain()
    assert page.names("horizons") == ["horizon_01", "horizon_02"]
    assert page.names("faults") == ["FAULT_001"]
    (file,) = folder.glob("horizons/horizon_01*.npy")
    depth = np.load(file)[0]
    for panel, at in ((0, lambda col: depth[8, col]), (1, lambda col: depth[col, 12])):
        for col in (4, 9, 14):
            if not np.isfinite(at(col)):
                continue
            colour = page.run(
                "const p = viewer.panels[arguments[0]], [x, y] = p.pixelOf(arguments[1], arguments[2]);"
                "const r = devicePixelRatio;"
                "return [...p.canvas.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data]",
                panel,
                col,
                float(at(col)),
            )
            assert colour[:3] == pytest.approx(RED, abs=70), (panel, col)
    assert page.coloured(0, *YELLOW) > 100 and page.coloured(2, *YELLOW) > 100
    for kind in ("horizons", "faults"):
        page.run(f"for (const box of document.querySelectorAll('#{kind} input[type=checkbox]')) box.click()")
    assert [page.coloured(0, *colour) for colour in (RED, BLUE, YELLOW)] == [0, 0, 0]


def test_the_volume_shows_surfaces_and_its_names_stay_inside(page: Page) -> None:
    script = (
        "const from = document.getElementById('fence'), c = document.createElement('canvas');"
        "[c.width, c.height] = [from.width, from.height]; const context = c.getContext('2d');"
        "context.drawImage(from, 0, 0); const d = context.getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 0; i < d.length; i += 4) if (d[i] > 1.5 * d[i + 1] && d[i] > 90) n += 1; return n"
    )
    page.plain()
    with_surfaces = page.run(script)
    page.run("for (const each of viewer.state.horizons) each.on = false; viewer.changed()")
    assert page.run(script) < with_surfaces / 4
    for turn, tilt, tall in ((0.3, 0.1, 3), (2.2, 1.5, 0.25), (-1.1, 0.8, 1)):
        page.run("const s = document.getElementById('tall'); s.value = arguments[0]; "
                 "s.dispatchEvent(new Event('input', { bubbles: true }))", tall)  # fmt: skip
        names, width, height = page.run(
            "const f = viewer.fence; f.turn = arguments[0]; f.tilt = arguments[1]; f.draw();"
            "return [f.names, f.canvas.width, f.canvas.height]",
            turn,
            tilt,
        )
        assert all(x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in names)


def test_probability_below_the_mask_is_not_drawn(page: Page) -> None:
    page.press("layer-rgt")
    page.run("for (const list of ['horizons', 'faults']) for (const each of viewer.state[list]) each.on = false;"
             "viewer.state.crosshair = false; viewer.changed()")  # fmt: skip
    away = (
        "const p = viewer.panels[0], [x, y] = p.pixelOf(4, 20), r = devicePixelRatio;"
        "return [...p.canvas.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data]"
    )
    shown = page.run(away)
    page.press("layer-fault_probability")
    assert page.run(away) == shown and shown[0] == shown[1] == shown[2]


def test_a_map_of_a_horizon_and_of_a_field_along_it(page: Page, folder: Path) -> None:
    page.run("[...document.querySelectorAll('#horizons button')].find((b) => b.textContent === 'Map').click()")
    (file,) = folder.glob("horizons/horizon_01*.npy")
    depth = np.load(file)[0]
    title = page.run("return viewer.panels[2].title.textContent")
    assert title == "horizon_01 – time (ms)"
    shown = page.run("return viewer.panels[2].pictures.map[9 * 24 + 5]")
    assert shown == pytest.approx(1000 + 4 * depth[9, 5], abs=0.01)
    choose = (
        "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))"
    )
    page.run(choose, "map-field", "dhr")
    page.run(choose, "map-statistic", "rms")
    page.browser.wait("return /^RMS of DHR/.test(viewer.panels[2].title.textContent.split(' – ')[1])")
    value = "return viewer.panels[2].pictures.map[9 * 24 + 5]"
    page.browser.wait(f"{value} < 200")
    rows = depth[9, 5] + np.arange(-8, 9)
    expected = np.interp(rows, np.arange(SHAPE[0]), np.load(folder / "dhr.npy")[:, 9, 5])
    assert page.run(value) == pytest.approx(float(np.sqrt((expected**2).mean())), rel=1e-3)
    page.click(2, 5, 9)
    assert page.run("return viewer.state.index") == [round(depth[9, 5]), 9, 5]


def test_the_flattened_section_has_level_horizons(page: Page, folder: Path) -> None:
    page.plain()
    page.key("t")
    rgt = json.loads((folder / "horizons" / "horizons.json").read_text())["horizons"][0]["rgt"]
    for col in (3, 8, 20):
        colour = page.run(
            "const p = viewer.panels[0], [x, y] = p.pixelOf(arguments[0], arguments[1]), r = devicePixelRatio;"
            "return [...p.canvas.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data]",
            col,
            rgt * (SHAPE[0] - 1),
        )
        assert colour[:3] == pytest.approx(RED, abs=70), col
    image, time = np.load(folder / "survey.npy"), np.load(folder / "rgt.npy")
    at = np.interp(20 / 39, time[:, 8, 15], np.arange(SHAPE[0]))
    value = page.run("return viewer.panels[0].pictures.slices.image[20 * 24 + 15]")
    assert value == pytest.approx(float(np.interp(at, np.arange(SHAPE[0]), image[:, 8, 15])), rel=1e-3)
    page.click(0, 15, 20)
    assert page.run("return viewer.state.index") == [round(float(at)), 8, 15]


def test_picks_have_names_survive_a_reload_and_can_be_undone(page: Page, folder: Path) -> None:
    page.plain()
    page.click(0, 6, 15, shiftKey=True)
    page.run("const n = document.querySelector('#horizons input.name'); n.value = 'Top Brent'; "
             "n.dispatchEvent(new Event('change'))")  # fmt: skip
    page.key("f")
    for row, col in ((4, 11), (30, 13)):
        page.click(0, col, row)
    page.key("Enter")
    page.key("f")
    picks = read_picks(folder, SHAPE)
    assert [(h.name, h.points) for h in picks.horizons] == [("Top Brent", ((15, 8, 6),))]
    (stick,) = picks.faults[0].sticks
    assert np.allclose(stick, [(4, 8, 11), (30, 8, 13)], atol=0.1)
    page.load()
    assert page.names("horizons")[-1] == "Top Brent" and page.names("faults") == ["FAULT_001", "Fault 1"]
    page.key("h")
    page.click(1, 5, 20)
    page.key("c")
    assert read_picks(folder, SHAPE).horizons == ()
    page.key("z", ctrlKey=True)
    assert [h.name for h in read_picks(folder, SHAPE).horizons] == ["Top Brent", "Horizon 1"]
    page.key("z", ctrlKey=True)
    assert page.names("horizons")[-1] == "Top Brent"
    page.key("z", ctrlKey=True, shiftKey=True)
    assert page.names("horizons")[-1] == "Horizon 1"
    assert len(read_picks(folder, SHAPE).horizons) == 2


def test_a_further_point_bends_the_horizon_to_it(page: Page, folder: Path) -> None:
    page.plain()
    page.click(0, 6, 15, shiftKey=True)
    page.click(0, 9, 17, altKey=True)
    depth = page.run("return viewer.state.horizons.at(-1).layers.depth[8 * 24 + 9]")
    assert depth == pytest.approx(17, abs=1e-3)
    assert page.run("return viewer.state.horizons.at(-1).layers.depth[8 * 24 + 6]") == pytest.approx(15, abs=1e-3)


def test_picks_that_cannot_be_saved_are_said_to_be_so(page: Page, folder: Path) -> None:
    (folder / "picks.json").write_text('{"horizons": [{"name": "other", "points": [[1, 2, 3]]}]}', encoding="utf-8")
    page.browser.run(
        "viewer.panels[0].view; document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'h', bubbles: true}))"
    )
    page.browser.wait("return document.body.dataset.busy === '0'")
    page.browser.run(
        "const p = viewer.panels[0], [x, y] = p.pixelOf(6, 15), box = p.canvas.getBoundingClientRect();"
        "p.canvas.setPointerCapture = () => {};"
        "for (const kind of ['pointerdown', 'pointerup']) p.canvas.dispatchEvent(new PointerEvent(kind, "
        "{ clientX: box.left + x, clientY: box.top + y, bubbles: true, button: 0, pointerId: 1 }))"
    )
    page.browser.wait(FAILED)
    assert "was changed elsewhere" in page.browser.run(FAILED)
    assert [h.name for h in read_picks(folder, SHAPE).horizons] == ["other"]
    assert any("409" in each for each in page.browser.complaints())  # Chromium's own line on the answer


def test_a_section_shows_its_faults_and_horizons(
    browser: Any, make_result: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_result(tmp_path / "r", (60, 80))
    for command in (("horizons", "--count", "1", "--spread", "depth"), ("faults",)):
        done = CliRunner().invoke(cli, [command[0], str(folder), *command[1:], "--no-picture", "--quiet"])
        assert done.exit_code == 0, done.output
    with serving(folder) as url:
        page = Page(browser, url)
        page.press("layer-rgt")
        page.press("layer-fault_probability")
        assert page.coloured(0, *RED) > 200 and page.coloured(0, *YELLOW) > 60
        page.browser.driver.get("about:blank")
    assert browser.complaints() == []


def test_many_triangles_are_merged_in_the_volume_and_kept_on_the_slices(page: Page) -> None:
    page.plain()
    page.run(
        "const points = [], cells = [], n = 160;"
        "for (let i = 0; i < n; i += 1) for (let j = 0; j < n; j += 1) points.push([i * 38 / n, j * 15 / n, 5]);"
        "for (let i = 0; i + 1 < n; i += 1) for (let j = 0; j + 1 < n; j += 1) {"
        "  const a = i * n + j; cells.push([a, a + 1, a + n], [a + 1, a + n + 1, a + n]); }"
        "viewer.state.horizons = []; viewer.state.faults[0].mesh = { points, cells }; viewer.changed()"
    )
    drawn = page.run("return viewer.fence.parts.flat().length")
    # A plane of 38 by 15 samples is still closed: its triangles cover it.
    covered = page.run(
        "return viewer.fence.parts.flat().reduce((sum, { shares: [a, b, c] }) => sum + Math.abs("
        "(b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2, 0)"
    )
    assert 20 < drawn < 8000
    assert covered == pytest.approx(38 / 40 * 15 / 16, rel=0.3)
    assert page.coloured(0, *YELLOW) > 100
