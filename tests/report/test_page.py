"""The report as a file: complete, valid, and readable in a browser and in print."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli
from mtl_seismic.report.page import write_report
from mtlcore.errors import MtlError
from mtlcore.pictures import draw as pictures
from mtlcore.plugin import plugins

pytest.importorskip("matplotlib", reason='matplotlib is not installed (pip install "mtlcore[plot]")')

NAME = "a <b> & \"c\" 'd' $x$.npy"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==")
VOID = {"meta", "link", "img", "br"}


class Checker(HTMLParser):
    """Collects what is wrong with the nesting, and what is asked for from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.outside: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.headings: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        self.wrong += [f"never closed: {name}" for name in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(values) != len(attrs):
            self.wrong.append(f"twice the same attribute: {attrs}")
        for name in ("src", "href"):
            target = values.get(name) or "data:"
            if target.startswith("#"):
                self.anchors.append(target[1:])
            elif not target.startswith("data:"):
                self.outside.append(target)
        if "id" in values:
            self.ids.append(str(values["id"]))
        if tag == "img" and not values.get("alt"):
            self.wrong.append("a picture without a description")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"unexpected </{tag}>")

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of one pixel: what is in them is tested elsewhere, and drawing takes most of the time."""

    def draw(path: Path, *arguments: Any, **options: Any) -> None:
        Path(path).write_bytes(PIXEL)

    monkeypatch.setattr(pictures, "draw_section", draw)


@pytest.fixture(scope="module")
def volume_report(make_result: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on a volume, with horizons and faults beside it, and a hostile file name."""
    folder = make_result(tmp_path_factory.mktemp("report") / "r", (40, 16, 24), name=NAME)
    for name, content in (
        ("horizons", {"count": 2, "horizons": [{"name": "<top>", "rgt": 0.25, "quality": 0.9}, {"name": "base"}]}),
        ("faults", [{"id": 1, "dip": 71.5, "strike": 12.0, "samples": 900}]),
    ):
        (folder / name).mkdir()
        (folder / name / f"{name}.png").write_bytes(PIXEL)
        (folder / name / f"{name}.json").write_text(json.dumps(content))
    return write_report(folder, plugins.current())


@pytest.fixture(scope="module")
def section_report(make_result: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_result(tmp_path_factory.mktemp("report") / "r", (40, 60), changes=[], unlike_training=["slope: 2.3"])
    return write_report(folder, plugins.current())


def test_an_image_unlike_the_training_data_is_something_to_look_at(section_report: Path, volume_report: Path) -> None:
    texts = ["".join(Checker(report.read_text(encoding="utf-8")).text) for report in (section_report, volume_report)]
    assert ["unlike the training data in slope: 2.3." in text for text in texts] == [True, False]


@pytest.mark.parametrize("report", ["volume_report", "section_report"])
def test_it_is_valid_and_needs_nothing_else(report: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(report).read_text(encoding="utf-8")
    page = Checker(text)
    assert page.wrong == []
    assert page.outside == []
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.anchors) <= set(page.ids)
    style = text.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "<script" not in text
    assert "nan" not in re.findall(r"[a-z]+", "".join(page.text))


def test_a_volume_has_every_chapter(volume_report: Path) -> None:
    page = Checker(volume_report.read_text(encoding="utf-8"))
    assert page.headings == [
        "Contents",
        "Summary",
        "Sections",
        "Statistics",
        "Spectra before and after",
        "Residual",
        "Fault orientations",
        "Convergence",
        "Horizons",
        "Faults",
        "Input and geometry",
        "Run",
    ]
    text = "".join(page.text)
    assert NAME in text
    assert "<top>" in text
    assert "12 of 384 traces (3.1 %) are dead" in text
    assert "a <note>" in text
    assert "ab" * 32 in text
    assert "Inline 108" in text
    assert "Crossline 324" in text
    assert "Time 1080 ms" in text
    assert "450000 + 25 · inline + 0 · crossline" in text


def test_a_section_leaves_out_what_it_has_not(section_report: Path) -> None:
    page = Checker(section_report.read_text(encoding="utf-8"))
    assert not {"Convergence", "Horizons", "Faults"} & set(page.headings)
    assert "Residual" in page.headings


@pytest.mark.usefixtures("undrawn")
def test_a_finished_report_is_not_replaced_unasked(make_result: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_result(tmp_path / "r", (12, 14))
    existing = tmp_path / "mine.html"
    existing.write_text("mine")
    result = CliRunner().invoke(cli, ["report", str(folder), "--output", str(existing)])
    assert result.exit_code == 1
    assert "--force" in result.stderr
    assert existing.read_text() == "mine"
    result = CliRunner().invoke(cli, ["report", str(folder), "--output", str(existing), "--force"])
    assert result.exit_code == 0, result.output
    assert existing.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_what_is_missing_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(cli, ["report", str(tmp_path)])
    assert result.exit_code == 1
    assert "is not a result folder" in result.stderr
    monkeypatch.setattr(pictures, "available", lambda: False)
    result = CliRunner().invoke(cli, ["report", str(tmp_path)])
    assert result.exit_code == 1
    assert 'pip install "mtlcore[plot]"' in result.stderr
    folder = tmp_path / "out"
    result = CliRunner().invoke(cli, ["run", "--report", "-o", str(folder)])
    assert result.exit_code == 1
    assert not folder.exists()


@pytest.mark.usefixtures("undrawn")
def test_a_field_of_zeros_and_damaged_summaries_do_no_harm(make_result: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_result(tmp_path / "r", (12, 14), changes=[], seconds={}, peak_memory={}, models=[])
    for name in ("dhr", "fault_probability", "rgt"):
        np.save(folder / f"{name}.npy", np.zeros((12, 14), np.float32))
    (folder / "faults").mkdir()
    (folder / "faults" / "damaged.json").write_text("{")
    page = Checker(write_report(folder, plugins.current()).read_text(encoding="utf-8"))
    assert page.wrong == []
    assert "damaged.json" in "".join(page.text)


@pytest.mark.usefixtures("undrawn")
def test_an_image_of_zeros_has_no_spectra(make_result: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_result(tmp_path / "r", (12, 14))
    np.save(folder / "survey.npy", np.zeros((12, 14), np.float32))
    page = Checker(write_report(folder, plugins.current()).read_text(encoding="utf-8"))
    assert page.wrong == []
    assert "Spectra before and after" not in page.headings


def test_it_opens_from_disk_in_silence(browser: Any, volume_report: Path) -> None:
    browser.driver.get("about:blank")
    browser.complaints()
    browser.requests()
    browser.driver.get(volume_report.as_uri())
    assert browser.run("return document.querySelector('h1').textContent") == NAME
    assert browser.complaints() == []
    asked = [address for address in browser.requests() if not address.startswith("data:")]
    assert asked == [volume_report.as_uri()]
    assert browser.run("return [...document.images].every((it) => it.complete && it.naturalWidth > 0)")
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("return document.querySelectorAll('svg').length") == 4


def test_it_prints(browser: Any, volume_report: Path) -> None:
    browser.driver.get(volume_report.as_uri())
    settings = {"printBackground": True, "paperWidth": 8.27, "paperHeight": 11.69}
    printed = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", settings)["data"])
    assert printed.startswith(b"%PDF")
    assert 6 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 16


@pytest.mark.usefixtures("undrawn")
def test_run_with_report_writes_one(make_model: Callable[..., Any], tmp_path: Path) -> None:
    make_model(folder=tmp_path / "model")
    image = tmp_path / "image.npy"
    np.save(image, np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32))
    arguments = ["run", "-i", str(image), "-m", str(tmp_path / "model"), "-o", str(tmp_path / "out"), "--report"]
    result = CliRunner().invoke(cli, [*arguments, "--quiet", "--no-pictures"])
    assert result.exit_code == 0, result.output
    assert f"Report: {tmp_path / 'out' / 'report.html'}" in result.stdout
    page = Checker((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert page.wrong == []


def test_an_image_that_has_changed_is_refused(make_result: Callable[..., Path], tmp_path: Path) -> None:
    described = {"path": str(tmp_path / "r" / "survey.npy"), "shape": [12, 14], "sha256": "0" * 64}
    folder = make_result(tmp_path / "r", (12, 14), input=described)
    with pytest.raises(MtlError, match="has changed"):
        write_report(folder, plugins.current())
    assert not (folder / "report.html").exists()
