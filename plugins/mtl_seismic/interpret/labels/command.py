"""``mtl labels``: an interpretation as training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name, Shape
from mtl_cli.tables import echo_json


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder of the data set.")
@click.option(
    "--horizons", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Charisma, IESX or XYZ file (repeatable).",
)  # fmt: skip
@click.option(
    "--sticks", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Fault sticks: Charisma, IESX or OpendTect file (repeatable).",
)  # fmt: skip
@click.option("--corridor", type=click.FloatRange(1), default=12.0, show_default=True, metavar="SAMPLES",
              help="How far around an interpretation labels are known.")  # fmt: skip
@click.option("--thickness", type=click.FloatRange(1), default=3.0, show_default=True, metavar="SAMPLES",
              help="Of a labelled fault.")  # fmt: skip
@click.option("--complete", is_flag=True, help="No fault was left out: there are none elsewhere.")
@click.option(
    "--as", "direction", type=click.Choice(["auto", "inline", "crossline", "volume"]), default="auto",
    show_default=True, help="Items: the interpreted sections of a volume, or the volume as one.",
)  # fmt: skip
@click.option("--most", type=click.IntRange(1), default=64, show_default=True, help="Sections at most.")
@click.option("--valid", type=click.FloatRange(0, 0.9), default=0.2, show_default=True, metavar="SHARE",
              help="Of the sections, for validation.")  # fmt: skip
@click.option("--format", type=Name("format"), help="Of the image. Default: by its name.")
@click.option("--shape", type=Shape(), metavar="DEPTHxTRACES", help="Of raw images, depth first.")
@click.option("--z-sign", type=click.Choice(["auto", "down", "up"]), default="auto", show_default=True,
              help="Direction in which the files' Z grows.")  # fmt: skip
@click.option("--z-factor", type=float, default=1.0, show_default=True,
              help="From the files' unit of Z to the image's: 1000 from s to ms.")  # fmt: skip
@click.option("--columns", metavar="A,B", help="Of xyz files without a header: x,y,inline,crossline,z or -.")
@click.option("--undefined", type=float, metavar="VALUE", help="A null of the files' own.")
@options.json_option
@options.quiet_option
def labels(source: Path, quiet: bool, as_json: bool, **given: Any) -> None:
    """Make training data of an interpretation.

    SOURCE is an image, or a result of `mtl run`: then what was picked in `mtl view` counts too. Sections with
    fault sticks or horizons on them become items with labels in a corridor around what was interpreted, and
    unknown elsewhere: nobody has looked there. `mtl train --from default --data OUTPUT` learns from them.

    Example: mtl labels survey.sgy --sticks faults.charisma --horizons top.xyz --output labels
    """

    def say(message: str) -> None:
        if not quiet and not as_json:
            click.echo(message, err=True)

    content = carry_out(source, given, say)
    if as_json:
        echo_json({"folder": str(given["output"]), **content})
        return
    counts = content["items"]
    kind = {"volume": "the whole volume", "line": "the line"}.get(content["direction"], f"{content['direction']}s")
    click.echo(
        f"Data set: {given['output']}: {kind}; items to train on: {counts['train']}, to validate: {counts['valid']}"
    )
    for name, share in content["labelled"].items():
        click.echo(f"{name}: known on {share:.1%} of the samples")
    click.echo(f"Next: mtl train --from default --data {given['output']} --output run")


def carry_out(source: Path, given: dict[str, Any], say: Any) -> dict[str, Any]:
    """Open what there is, and write the data set."""
    from contextlib import ExitStack, closing

    from mtl_seismic.interpret.imports import Placing
    from mtl_seismic.interpret.labels.build import LabelOptions, write_labels
    from mtl_seismic.interpret.labels.sources import from_files, from_picks, joined
    from mtlcore.io.files import open_volume
    from mtlcore.plugin import plugins
    from mtlcore.run import results

    installed = plugins.current()
    is_result = (source / results.RECORD).is_file()
    format_options = {"shape": given["shape"]} if given["shape"] else {}
    with ExitStack() as stack:
        if is_result:
            image = stack.enter_context(closing(results.open_image(source, installed)))
        else:
            image = stack.enter_context(closing(open_volume(source, given["format"], format_options, installed)))
        place = Placing(image.geometry, given["z_sign"], given["z_factor"])
        columns = tuple(word.strip() for word in given["columns"].split(",")) if given["columns"] else ()
        found = from_files(given["horizons"], given["sticks"], place, say, columns, given["undefined"])
        if is_result:
            volumes = results.open_fields(source, installed)
            for volume in volumes.values():
                stack.callback(volume.close)
            found = joined(from_picks(source, {**volumes, "image": image}, image.shape), found)
        names = ("corridor", "thickness", "complete", "direction", "most", "valid")
        chosen = LabelOptions(**{name: given[name] for name in names})
        return write_labels(image, found, given["output"], chosen, installed, say)
