"""The report: one HTML file that holds its style and pictures and asks for nothing else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from mtl_seismic.report.chapters import CHAPTERS
from mtl_seismic.report.markup import Html, element, html, join
from mtl_seismic.report.opened import OpenResult, open_result
from mtl_seismic.report.survey import survey
from mtlcore import __version__
from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_write_text
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.plugins import Plugins

NAME = "report.html"

FRAME = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="generator" content="mtl {version}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}
</style>
</head>
<body>
<header>
<p class="kind">Seismic interpretation report</p>
<h1>{name}</h1>
<p>{about}</p>
</header>
<nav aria-label="Contents">
<h2>Contents</h2>
<ol>
{contents}
</ol>
</nav>
<main>
{chapters}
</main>
<footer>mtl {version}</footer>
</body>
</html>
"""


def write_report(
    folder: Path, plugins: Plugins, output: Path | None = None, force: bool = False, image: Path | None = None
) -> Path:
    """Write the report on a result folder; the file, RESULT/report.html if no other is named.

    ``image``: where the input lies now, if it was moved. ``force``: an existing file is replaced. MtlError
    where matplotlib, a file of the result or its input is missing.
    """
    check_drawable()
    path = output or folder / NAME
    if path.exists() and not force:
        raise MtlError(f"{path} exists already: choose another name with --output, or add --force to replace it.")
    with open_result(folder, plugins, image) as result:
        text = render(result)
    atomic_write_text(path, text)
    return path


def renew(folder: Path, plugins: Plugins, say: Callable[[str], None]) -> None:
    """Write the report of a result anew, where it has one; ``say`` is told, and why where it cannot be."""
    if not (folder / NAME).is_file():
        return
    try:
        say(f"Renewed: {write_report(folder, plugins, force=True)}")
    except MtlError as error:
        say(f"Warning: {folder / NAME} is out of date, and could not be written: {error}")


def check_drawable() -> None:
    """MtlError unless pictures can be drawn."""
    if not pictures.available():
        raise MtlError('A report needs matplotlib, which is not installed: pip install "mtlcore[plot]".')


def render(result: OpenResult) -> str:
    """The whole page."""
    found = survey(result)
    written = [(chapter, chapter.content(result, found)) for chapter in CHAPTERS]
    present = [(chapter, content) for chapter, content in written if content is not None]
    chapters = [
        element("section", element("h2", chapter.title), content, id=chapter.key) for chapter, content in present
    ]
    contents = [element("li", element("a", chapter.title, href=f"#{chapter.key}")) for chapter, _ in present]
    return FRAME.format(
        title=html(f"{result.name} – mtl report"),
        name=html(result.name),
        about=_about(result),
        contents=join(contents),
        chapters=join(chapters),
        style=(files("mtl_seismic.report") / "report.css").read_text(encoding="utf-8").strip(),
        version=html(__version__),
    )


def _about(result: OpenResult) -> Html:
    started = str(result.record.get("started") or "")
    with contextlib.suppress(ValueError):
        started = datetime.fromisoformat(started).strftime("%d %B %Y, %H:%M %Z").lstrip("0").strip()
    return join([html(f"Result of {started}  ·  "), element("code", os.fspath(result.folder.resolve()))])
