"""``mtl view``: look at a result in the browser."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: any that is free.")
@click.option("--input", "-i", "image", type=click.Path(path_type=Path), help="The seismic image, if it was moved.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def view(result: Path, port: int, image: Path | None, no_browser: bool) -> None:
    """Look at a result in the browser.

    Linked slices, overlays, values at a click, horizons through a point.

    The page is served on this computer alone (127.0.0.1), under an address that nobody can guess, until
    Ctrl-C. Slices are read as they are looked at: the volume may be larger than memory. From elsewhere:
    ssh -L PORT:127.0.0.1:PORT, and the same address.
    """
    from mtl_seismic.report.opened import open_result
    from mtl_seismic.view.description import describe
    from mtl_seismic.view.interpretation import Interpretation
    from mtl_seismic.view.server import ViewServer
    from mtl_seismic.view.slices import Slices
    from mtlcore.plugin import plugins

    with open_result(result, plugins.current(), image) as opened:
        slices = Slices(opened.volumes, opened.geometry.live)
        interpretation = Interpretation(opened.folder, slices)
        with ViewServer(slices, interpretation, describe(opened), port) as server:
            click.echo(server.url)
            click.echo("Ctrl-C stops the viewer.", err=True)
            if not no_browser:
                open_browser(server.url)
            try:
                server.serve_forever(poll_interval=0.1)
            except KeyboardInterrupt:
                click.echo("Viewer stopped.", err=True)


def open_browser(url: str) -> None:
    """Open the page, unless only a text browser in this terminal could do it."""
    import os
    import sys
    import webbrowser

    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)
