"""Result folders made by hand, and a headless Chromium (shared with tests/report)."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl_seismic.formats.crooked import attribute
from mtlcore.io.files import make_format
from mtlcore.io.volume import Axis, Geometry
from mtlcore.plugin import plugins
from mtlcore.plugin.outputs import IMAGE

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1000,720 --hide-scrollbars"
)
MakeResult = Callable[..., Path]


def layers(shape: tuple[int, ...]) -> dict[str, Any]:
    """A dipping, faulted earth: its image and the fields of it."""
    depth, *across = np.meshgrid(*(np.arange(size, dtype=np.float32) for size in shape), indexing="ij")
    last = across[-1]
    shifted = depth - 0.2 * last - np.where(last > shape[-1] / 2, 6, 0)
    rgt = (shifted - shifted.min()) / (shifted.max() - shifted.min())
    fault = np.abs(last - shape[-1] / 2) < 1.5
    dhr = 100 * np.sin(shifted * 0.7)
    noise = 20 * np.random.default_rng(0).standard_normal(shape)
    fields = {"dhr": dhr, "rgt": rgt, "fault_probability": fault * 0.9 + 0.01, "fault_dip": np.full(shape, 70.0)}
    if len(shape) == 3:
        fields["fault_strike"] = np.full(shape, 90.0)
    return {"image": dhr + noise, **fields}


def survey_geometry(shape: tuple[int, ...]) -> Geometry:
    """Times in milliseconds; a crooked line, or inlines from 100, crosslines from 300 by 2, and dead traces."""
    if len(shape) == 2:
        trace = np.arange(shape[1])
        bend = np.stack([450_000 + 12.5 * trace, 6_780_000 + 0.5 * trace**2], axis=1)
        axes = (Axis("time", shape[0], 1000.0, 4.0, "ms"), Axis("cdp", shape[1], 500.0, 1.0, "1"))
        return Geometry(axes, attributes=attribute(bend))
    live = np.ones(shape[1:], dtype=bool)
    live[:3, :4] = False
    lines = (Axis("time", shape[0], 1000.0, 4.0, "ms"), Axis("inline", shape[1], 100.0, 1.0, "1"))
    coordinates = ((450000.0, 25.0, 0.0), (6780000.0, 0.0, 12.5))
    return Geometry((*lines, Axis("crossline", shape[2], 300.0, 2.0, "1")), live, coordinates)


@pytest.fixture(scope="session")
def make_result() -> MakeResult:
    """Write a result folder as mtl run does: make_result(folder, shape, name="survey.npy", **changes of run.json)."""

    def make(folder: Path, shape: tuple[int, ...] = (40, 16, 24), name: str = "survey.npy", **changes: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        geometry, installed = survey_geometry(shape), plugins.current()
        written = {}
        for field, given in layers(shape).items():
            values = np.asarray(given, dtype=np.float32)
            if geometry.live is not None:
                values[:, ~geometry.live] = 0
            path = folder / (name if field == "image" else f"{field}.npy")
            with make_format(path, "npy", {}, installed).create(path, geometry, IMAGE) as writer:
                writer.write(tuple(slice(0, size) for size in shape), values)
            if field != "image":
                unit = "degree" if field in ("fault_dip", "fault_strike") else "1"
                ends = {"minimum": float(values.min()), "maximum": float(values.max())}
                written[field] = {"file": path.name, "unit": unit, **ends}
        record = {
            "started": "2026-11-22T10:42:53+00:00",
            "config": {"run": {"input": str(folder / name), "stage": ["mti", "mtr"]}, "format": {}},
            "input": {"path": str(folder / name), "shape": list(shape)},
            "device": "cpu (1 threads)",
            "models": [{"stage": "mti", "folder": "/models/a", "sha256": "ab" * 32, "passes": 1, "note": "a <note>"}],
            "changes": [dict.fromkeys(written, 0.2 / 3**count) for count in range(3)],
            "data": {"traces": int(np.prod(shape[1:])), "dead_traces": 12, "not_finite_samples": 0},
            "versions": {"python": "3.11.7", "mtlcore": "0.1.0"},
            "format": {"name": "npy", "options": {}},
            "outputs": written,
            "pictures": [],
            "seconds": {"read": 0.1, "infer": 2.5},
            "peak_memory": {"process": 426000000},
        }
        (folder / "run.json").write_text(json.dumps(record | changes))
        return folder

    return make


class Browser:
    """Chromium without a window."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def run(self, script: str, *arguments: Any) -> Any:
        """What a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str, seconds: float = 15) -> None:
        """Until JavaScript returns something true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > end:
                raise AssertionError(f"never became true: {script}")
            time.sleep(0.02)

    def complaints(self) -> list[str]:
        """Errors and warnings of the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] != "INFO"]

    def requests(self) -> list[str]:
        """Addresses asked for since the last call, but for those of Chromium's own start page."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith(("chrome://", "chrome-untrusted://"))]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's Chromium, driven by selenium; the test is skipped where one of them is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (pip install selenium)")
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in programs.items() if path is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs["chromedriver"]))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
