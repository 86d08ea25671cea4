"""The viewer's page in headless Chromium: what a user does, and what is seen on the canvas."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl_seismic.report.opened import OpenResult, open_result
from mtl_seismic.view.description import describe
from mtl_seismic.view.interpretation import Interpretation
from mtl_seismic.view.server import ViewServer
from mtl_seismic.view.slices import Slices
from mtlcore.plugin import plugins

SHAPE = (40, 16, 24)
READY = "return document.body.dataset.busy === '0'"
PIXELS = """
const panel = viewer.panels[arguments[0]], ratio = devicePixelRatio, { x, y, w, h } = panel.plot;
const [left, top] = [Math.ceil(x * ratio), Math.ceil(y * ratio)];
const data = panel.canvas.getContext("2d").getImageData(left, top, Math.floor(w * ratio), Math.floor(h * ratio)).data;
"""


def serving_result(result: OpenResult) -> ViewServer:
    slices = Slices(result.volumes, result.geometry.live)
    return ViewServer(slices, Interpretation(result.folder, slices), describe(result))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    with open_result(folder, plugins.current()) as result, serving_result(result) as server:
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
        browser.requests()
        browser.driver.get(url)
        self.settle()

    def settle(self) -> None:
        self.browser.wait(READY)

    def run(self, script: str, *arguments: Any) -> Any:
        value = self.browser.run(script, *arguments)
        self.settle()
        return value

    def hash(self, panel: int) -> int:
        """A number that changes with the picture of a panel."""
        script = "let sum = 0; for (let i = 0; i < data.length; i += 1) sum = (sum * 31 + data[i]) | 0; return sum"
        return int(self.run(PIXELS + script, panel))

    def coloured(self, panel: int, red: int, green: int, blue: int) -> int:
        """How many pixels of a panel have (about) a colour."""
        near = f"Math.abs(data[i] - {red}) + Math.abs(data[i + 1] - {green}) + Math.abs(data[i + 2] - {blue}) < 24"
        return int(
            self.run(
                f"{PIXELS} let n = 0; for (let i = 0; i < data.length; i += 4) if ({near}) n += 1; return n", panel
            )
        )

    def click_sample(self, panel: int, col: int, row: int, shift: bool = False) -> None:
        """A real click on a sample of a panel."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        x, y, width, height, canvas = self.run(
            "const p = viewer.panels[arguments[0]]; return [...p.pixelOf(arguments[1], arguments[2]), "
            "p.canvas.clientWidth, p.canvas.clientHeight, p.canvas]",
            panel,
            col,
            row,
        )
        actions = ActionChains(self.browser.driver, duration=0)
        if shift:
            actions.key_down(Keys.SHIFT)
        actions.move_to_element_with_offset(canvas, round(x - width / 2), round(y - height / 2)).click()
        if shift:
            actions.key_up(Keys.SHIFT)
        actions.perform()
        self.settle()

    def slide(self, element: str, value: float) -> None:
        self.run(
            "const it = document.getElementById(arguments[0]); it.value = arguments[1]; "
            "it.dispatchEvent(new Event('input', { bubbles: true }))",
            element,
            value,
        )

    def press(self, element: str) -> None:
        self.run("document.getElementById(arguments[0]).click()", element)

    def value(self, field: str) -> str:
        """What the table of values says; '' where there is no such row."""
        self.browser.wait("return viewer.state.values || !viewer.state.picked")
        self.settle()
        found = self.run(
            "return document.querySelector(`#values tr[data-field='${arguments[0]}'] td, "
            "#values tr[data-axis='${arguments[0]}'] td`)?.textContent ?? ''",
            field,
        )
        return str(found).replace("−", "-")


@pytest.fixture(scope="module")
def folder(make_result: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_result(tmp_path_factory.mktemp("result") / "r", SHAPE, name="a <b> & 'c'.npy")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serving(folder) as url:
        yield url


@pytest.fixture
def page(browser: Any, url: str) -> Iterator[Page]:
    page = Page(browser, url)
    yield page
    # What any test does must leave the console empty.
    assert browser.complaints() == []


def test_the_page_loads_complete_and_from_this_server_alone(page: Page) -> None:
    assert page.run("return viewer.panels.length") == 3
    assert page.run("return document.querySelector('h1').textContent") == "a <b> & 'c'.npy"
    requests = [each for each in page.browser.requests() if not each.startswith("data:")]
    assert len(requests) > 10
    assert [each for each in requests if not each.startswith(page.url)] == []
    titles = page.run("return [...document.querySelectorAll('.panel header b')].map((b) => b.textContent)")
    assert titles == ["Inline 108", "Crossline 324", "Time 1080 ms", "Volume"]


def test_pixels_are_the_samples_colours(page: Page, folder: Path) -> None:
    for layer in ("rgt", "fault_probability"):
        page.press(f"layer-{layer}")
    page.press("smooth")
    page.press("crosshair")
    image = np.load(folder / "a <b> & 'c'.npy")
    high = page.run("return viewer.state.fields.image.limits[1]")
    for row, col in ((5, 7), (20, 13), (33, 2)):
        colour = page.run(
            "const p = viewer.panels[0], [x, y] = p.pixelOf(arguments[1], arguments[0]), r = devicePixelRatio;"
            "return [...p.canvas.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data]",
            row,
            col,
        )
        grey = np.clip((float(image[row, 8, col]) + high) / (2 * high), 0, 1) * 255
        assert colour == pytest.approx([grey, grey, grey, 255], abs=2)


def test_a_slider_changes_its_slice_and_no_other(page: Page) -> None:
    page.press("crosshair")
    before = [
        page.run(f"return (() => {{ {PIXELS} return data.reduce((a, b) => (a * 31 + b) | 0, 7) }})()", i)
        for i in range(3)
    ]
    page.slide("slider-1", 12)
    after = [
        page.run(f"return (() => {{ {PIXELS} return data.reduce((a, b) => (a * 31 + b) | 0, 7) }})()", i)
        for i in range(3)
    ]
    assert page.run("return document.querySelector('.panel header b').textContent") == "Inline 112"
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, False, False]


def test_the_wheel_and_the_arrows_turn_slices(page: Page) -> None:
    wheel = "viewer.panels[2].canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: 100, cancelable: true }))"
    page.run(wheel)
    assert page.run("return viewer.state.index") == [21, 8, 12]
    for key, shift in (("ArrowRight", False), ("ArrowUp", False), ("]", True)):
        page.run(
            "document.body.dispatchEvent(new KeyboardEvent('keydown', "
            "{ key: arguments[0], shiftKey: arguments[1], bubbles: true }))",
            key,
            shift,
        )
    assert page.run("return viewer.state.index") == [20, 9, 22]


def test_a_click_shows_the_files_values_in_its_units(page: Page, folder: Path) -> None:
    page.click_sample(0, 20, 11)  # crossline 20, depth 11 on inline 8
    assert page.value("time") == "1044 ms"
    assert page.value("inline") == "108"
    assert page.value("crossline") == "340"
    assert page.value("xy") == "452700, 6784250"
    for field in ("image", "dhr", "rgt", "fault_probability"):
        path = folder / ("a <b> & 'c'.npy" if field == "image" else f"{field}.npy")
        assert float(page.value(field)) == pytest.approx(float(np.load(path)[11, 8, 20]), rel=1e-5)
    assert page.value("fault_dip") == "70°"
    assert page.run("return viewer.state.index") == [11, 8, 20]


def test_a_dead_trace_has_no_values(page: Page) -> None:
    page.slide("slider-1", 1)
    page.click_sample(0, 2, 10)
    assert page.value("dhr") == "no data"


def test_overlays_come_and_go_and_fade(page: Page) -> None:
    page.press("layer-rgt")
    page.press("layer-fault_probability")
    plain = page.coloured(0, 255, 0, 0)
    page.press("layer-fault_dip")
    page.run(
        "const s = document.getElementById('map-fault_dip'); s.value = 'hsv'; s.dispatchEvent(new Event('change'))"
    )
    page.slide("opacity-fault_dip", 1)
    green = (0, 255, 84)  # hsv at 70 of 180 degrees
    full = page.coloured(0, *green)
    assert (plain, page.run("return viewer.state.layers[2].on")) == (0, True)
    assert full > 500  # three traces of the fault
    page.slide("opacity-fault_dip", 0.3)
    assert page.coloured(0, *green) == 0
    page.slide("opacity-fault_dip", 1)
    page.slide("threshold", 0.96)
    assert page.coloured(0, *green) == 0


def test_the_colour_map_changes_at_once_without_asking_the_server(page: Page) -> None:
    page.press("layer-rgt")
    page.press("layer-fault_probability")
    page.browser.requests()
    before = page.coloured(0, 68, 1, 84)  # viridis begins there
    page.run(
        "const s = document.getElementById('map-image'); s.value = 'viridis'; s.dispatchEvent(new Event('change'))"
    )
    assert before == 0
    assert page.coloured(0, 68, 1, 84) > 5
    assert page.browser.requests() == []


def test_a_picked_horizon_is_drawn_where_its_time_is(page: Page, folder: Path) -> None:
    page.press("layer-rgt")
    page.press("layer-fault_probability")
    page.press("crosshair")
    red = (255, 93, 93)
    assert page.coloured(0, *red) == 0
    page.click_sample(0, 6, 15, shift=True)
    rgt = np.load(folder / "rgt.npy")
    assert page.run("return viewer.state.horizons[0].value") == float(rgt[15, 8, 6])
    assert all(page.coloured(panel, *red) > 100 for panel in (0, 1, 2))
    for col in (2, 6, 10, 18, 22):
        depth = float(np.interp(rgt[15, 8, 6], rgt[:, 8, col], np.arange(SHAPE[0])))
        colour = page.run(
            "const p = viewer.panels[0], [x, y] = p.pixelOf(arguments[0], arguments[1]), r = devicePixelRatio;"
            "return [...p.canvas.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data]",
            col,
            depth,
        )
        assert colour[:3] == pytest.approx(red, abs=60), col
    page.press("clear-horizons")
    assert page.coloured(0, *red) == 0


def test_the_pick_button_makes_a_plain_click_draw_a_horizon(page: Page) -> None:
    page.press("pick-horizon")
    page.click_sample(1, 5, 20)
    assert page.run("return document.querySelectorAll('#horizons li').length") == 1


def test_zoom_keeps_the_sample_under_the_mouse_and_a_double_click_undoes_it(page: Page) -> None:
    before = page.run("return viewer.panels[0].pixelOf(20, 11)")
    page.run("const p = viewer.panels[0]; p.zoomAt(3, ...p.pixelOf(20, 11))")
    assert page.run("return viewer.panels[0].pixelOf(20, 11)") == pytest.approx(before, abs=0.5)
    assert page.run("return viewer.panels[0].scale[0]") > 0
    page.run("viewer.panels[0].canvas.dispatchEvent(new MouseEvent('dblclick'))")
    assert page.run("return viewer.panels[0].zoom") == 1


def test_exaggeration_sets_the_shape_of_samples(page: Page) -> None:
    page.run("const s = document.getElementById('aspect'); s.value = '2'; s.dispatchEvent(new Event('change'))")
    across, down = page.run("return viewer.panels[0].scale")
    assert down == pytest.approx(2 * across)


def test_the_difference_is_image_less_output(page: Page, folder: Path) -> None:
    page.run("document.querySelector('input[value=difference]').click()")
    page.run(
        "const p = viewer.panels[0], [x, y] = p.pixelOf(20, 11);"
        "p.hover({ offsetX: x, offsetY: y })"
    )  # fmt: skip
    said = page.run("return viewer.panels[0].readout.textContent").split("·")[-1].strip().replace("−", "-")
    image, dhr = (np.load(folder / name)[11, 8, 20] for name in ("a <b> & 'c'.npy", "dhr.npy"))
    assert float(said) == pytest.approx(float(image - dhr), rel=1e-3)


def test_a_section_has_one_panel_and_the_wheel_zooms(
    browser: Any, make_result: Callable[..., Path], tmp_path: Path
) -> None:
    folder = make_result(tmp_path / "r", (40, 60))
    with serving(folder) as url:
        page = Page(browser, url)
        assert page.run("return viewer.panels.length") == 1
        assert page.run("return document.getElementById('slider-1')") is None
        page.click_sample(0, 30, 10)
        assert float(page.value("dhr")) == pytest.approx(float(np.load(folder / "dhr.npy")[10, 30]), rel=1e-5)
        assert page.value("cdp") == "530"
        assert page.value("xy") == "450375, 6780450"
        page.run("viewer.panels[0].canvas.dispatchEvent(new WheelEvent('wheel', { deltaY: -300, cancelable: true }))")
        assert page.run("return viewer.panels[0].zoom") > 1.5
        page.browser.driver.get("about:blank")
    assert browser.complaints() == []


def test_errors_are_shown_as_text(page: Page) -> None:
    page.run("viewer.panels[0].fail(new Error('a <b>bold</b> error'))")
    assert page.run("return document.getElementById('message').innerText") == "a <b>bold</b> error"
