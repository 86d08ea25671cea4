"""``mtl horizons``: from a result's relative geological time to horizons in interpretation programs' formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name
from mtl_cli.tables import echo_json, text_table


class Numbers(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Numbers apart by commas, as a tuple."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"'{value}': expected numbers apart by commas.", param, ctx)


class Words(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Words apart by commas, as a tuple."""

    name = "words"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        words = tuple(word.strip().lower() for word in value.split(",") if word.strip())
        for word in words:
            if words.count(word) > 1:
                self.fail(f"'{word}' is named twice.", param, ctx)
        if not words:
            self.fail("name at least one.", param, ctx)
        return words


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--seed", "seeds", type=Numbers(), multiple=True, metavar="IL,XL,Z", help="A point on a horizon; 2D: X,Z."
)
@click.option("--count", "-n", type=click.IntRange(1), help="So many horizons, spread over the section.")
@click.option(
    "--from-file", type=click.Path(path_type=Path), help="Text file of seeds: IL XL Z (2D: X Z) and a name or none."
)
@click.option("--picks", is_flag=True, help="The horizons picked in mtl view (the default, where there are some).")
@click.option(
    "--list", "only_list", is_flag=True, help="List the picked and the written horizons, and do nothing else."
)
@click.option("--samples", "in_samples", is_flag=True, help="Seeds are sample indexes from 0, not the file's numbers.")
@click.option("--name", "names", multiple=True, help="Name of each horizon, or one that is numbered (repeatable).")
@click.option(
    "--spread",
    type=click.Choice(["reflectors", "depth"]),
    default="reflectors",
    show_default=True,
    help="With --count: on the strongest coherent reflectors, or equally spaced in depth.",
)
@click.option("--reference", type=Numbers(), metavar="IL,XL", help="Reference trace; 2D: X. Default: in the middle.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Default: RESULT/horizons.")
@click.option(
    "--format",
    "-f",
    "formats",
    type=Words(),
    default="xyz,npy",
    show_default=True,
    metavar="A,B",
    help="Of xyz, charisma, iesx, cps3, zmap, npy.",
)
@click.option(
    "--gap",
    type=click.FloatRange(1),
    default=3.0,
    show_default=True,
    metavar="SAMPLES",
    help="A horizon is cut where its time is jumped over by so many samples' worth of section.",
)
@click.option(
    "--min-quality", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="Leave out worse picks."
)
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="FIELD[:STATISTIC[:N]]",
    help="Also a map of a field along each horizon: dhr, or dhr:rms:8 of 8 samples above and below (repeatable).",
)
@click.option("--isochrons", is_flag=True, help="Also maps of the thickness between neighbouring horizons.")
@click.option("--stratal", is_flag=True, help="Write flattened volumes too (or alone).")
@click.option("--stratal-fields", type=Words(), metavar="A,B", help="Of image, dhr, ... Default: the first two.")
@click.option(
    "--stratal-axis",
    type=click.Choice(["rgt", "depth"]),
    default="rgt",
    show_default=True,
    help="Vertical axis of flattened volumes: time, or its depth on the reference trace.",
)
@click.option("--stratal-format", type=Name("format"), help="Default: the result's.")
@click.option(
    "--z-sign",
    type=click.Choice(["down", "up"]),
    default="down",
    show_default=True,
    help="Direction in which written Z grows; up: negative depths, as some set-ups of Petrel want.",
)
@click.option(
    "--undefined",
    type=float,
    metavar="VALUE",
    help="Number for undefined nodes. Default: left out; null in grids (cps3 0.1E+31, zmap -99999); NaN in npy.",
)
@click.option(
    "--columns",
    type=Words(),
    metavar="A,B",
    help="Of xyz: x, y, inline, crossline (2D: trace), z, sample, quality, rgt.",
)
@click.option("--no-header", is_flag=True, help="xyz without its header lines.")
@click.option(
    "--charisma-layout",
    type=click.Choice(["full", "short"]),
    default="full",
    show_default=True,
    help="9 columns, or IL XL Z.",
)
@click.option(
    "--charisma-mark",
    default=":",
    show_default=True,
    help="What stands in columns 2 and 5 of charisma; the colon is not verified.",
)
@click.option(
    "--cps3-order",
    type=click.Choice(["columns-down", "rows-up", "rows-down"]),
    default="columns-down",
    show_default=True,
    help="Order of CPS-3 values; programs differ.",
)
@click.option("--no-picture", is_flag=True, help="Draw nothing.")
@options.force_option
@options.json_option
@options.quiet_option
def horizons(result: Path, quiet: bool, as_json: bool, **given: Any) -> None:
    """Write horizons and flattened volumes from a result's RGT.

    RESULT is a folder of `mtl run`. A horizon is a surface of equal relative geological time (RGT): horizons
    never cross. It is undefined on dead traces, outside the volume, and where it is cut. Its quality, 0 to 1,
    is the least of: how steadily time advances there; 1 - fault probability; how well the image agrees with
    its neighbours along the horizon. It does not see a wrong correlation across a fault.

    Where the input has no coordinates, X and Y are crossline and inline numbers (2D: the position, and 0).

    Example: mtl horizons runs/001 --seed 1064,2210,1510 --name TOP --format xyz,charisma,zmap
    """

    def say(message: str) -> None:
        if not quiet and not as_json:
            click.echo(message, err=True)

    if given.pop("only_list"):
        show_list(result, as_json)
        return
    record, folder = carry_out(result, given, say)
    renew_report(result, folder, say)
    if as_json:
        echo_json({"folder": str(folder), **record})
    else:
        show(record, folder)


def renew_report(result: Path, folder: Path, say: Any) -> None:
    """Write the result's report anew, where there is one and it shows what was written."""
    from mtl_seismic.report.page import renew
    from mtlcore.plugin import plugins

    if folder.resolve().parent == result.resolve():
        renew(result, plugins.current(), say)


def show_list(result: Path, as_json: bool) -> None:
    """The names of all horizons of a result."""
    from mtl_seismic.interpret.listing import listed_horizons

    rows = listed_horizons(result)
    if as_json:
        echo_json({"horizons": rows})
    elif rows:
        click.echo(text_table([("horizon", "from", "rgt"), *([str(v) for v in row.values()] for row in rows)]))
    else:
        click.echo(f"{result} has no horizons: write some with mtl horizons, or pick some in mtl view.", err=True)


def carry_out(result: Path, given: dict[str, Any], say: Any) -> tuple[dict[str, Any], Path]:
    """From options to a request, and deliver it."""
    chosen = [bool(given["seeds"]), given["count"] is not None, given["from_file"] is not None, given["picks"]]
    if sum(chosen) > 1:
        raise click.UsageError("Give one of --seed, --count, --from-file and --picks.")
    if not any(chosen) and not given["stratal"]:
        from mtl_seismic.interpret.listing import has_picks

        given["picks"] = has_picks(result)
        chosen.append(given["picks"])
        if not given["picks"]:
            raise click.UsageError(
                "Name the horizons: --seed IL,XL,Z, --count N or --from-file FILE, or pick them in mtl view; "
                "or --stratal."
            )
    if given["names"] and (given["picks"] or not any(chosen)):
        raise click.UsageError("--name names horizons: give --seed, --count or --from-file too.")

    from mtl_seismic.interpret.horizons.deliver import deliver
    from mtl_seismic.interpret.horizons.exports.surface import Style
    from mtl_seismic.interpret.horizons.maps import parse_along
    from mtl_seismic.interpret.horizons.request import Request
    from mtl_seismic.interpret.horizons.seeds import Seed, read_seeds
    from mtlcore.plugin import plugins

    seeds = read_seeds(given["from_file"]) if given["from_file"] else [Seed(numbers) for numbers in given["seeds"]]
    installed = plugins.current()
    taken = (
        "picks",
        "isochrons",
        "names",
        "spread",
        "formats",
        "in_samples",
        "gap",
        "min_quality",
        "reference",
        "force",
        "stratal",
    )
    request = Request(
        result=result,
        output=given["output"] or result / "horizons",
        seeds=tuple(seeds),
        count=given["count"] or 0,
        style=Style(
            z_sign=given["z_sign"],
            undefined=given["undefined"],
            columns=given["columns"] or (),
            header=not given["no_header"],
            charisma_layout=given["charisma_layout"],
            charisma_mark=given["charisma_mark"],
            cps3_order=given["cps3_order"],
        ),
        stratal_fields=given["stratal_fields"] or (),
        stratal_axis=given["stratal_axis"],
        stratal_format=given["stratal_format"],
        maps=tuple(map(parse_along, given["maps"])),
        picture=not given["no_picture"],
        **{name: given[name] for name in taken},
    )
    return deliver(request, installed, say), request.output


def show(record: dict[str, Any], folder: Path) -> None:
    """What came out, and where it lies."""
    if record["horizons"]:
        unit = record["z"]["unit"]
        unit = "samples" if unit == "sample" else unit
        rows = [("horizon", "rgt", "on", "defined", f"shallowest ({unit})", "mean", "deepest", "quality")]
        for each in record["horizons"]:
            figures = ("-" if each[name] is None else f"{each[name]:.6g}" for name in ("shallowest", "mean", "deepest"))
            quality = "-" if each["quality"] is None else f"{each['quality']:.2f}"
            lies = each.get("polarity") or "-"
            rows.append((each["name"], f"{each['rgt']:.5f}", lies, f"{each['coverage']:.1%}", *figures, quality))
        click.echo(text_table(rows))
    for each in record["stratal"]:
        click.echo(f"Flattened {each['field']}: {folder / each['file']}")
    click.echo(f"Files: {folder}")
    for name in record["pictures"]:
        click.echo(f"Look at: {folder / name}")
