"""``mtl faults``: from a result's fault fields to planes in interpretation systems' formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mtl_cli import options
from mtl_cli.parameters import Name
from mtl_cli.tables import echo_json, number, text_table

MOST_ROWS = 30


class AngleRange(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Two angles apart by a comma, as a tuple."""

    name = "range"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        try:
            low, high = (float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"'{value}': expected two angles apart by a comma, as 30,80.", param, ctx)
        return low, high


class Threshold(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A probability, or ``auto``."""

    name = "auto|probability"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return value if value == "auto" else float(value)
        except (TypeError, ValueError):
            self.fail(f"'{value}': expected a probability from 0 to 1, as 0.3, or auto.", param, ctx)


class FormatNames(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """Names of formats apart by commas, as a tuple."""

    name = "formats"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip().lower() for name in value.split(",") if name.strip()))
        if not names:
            self.fail("name at least one format.", param, ctx)
        return names


@click.command()
@click.argument("result", type=click.Path(path_type=Path))
@click.option("--list", "only_list", is_flag=True, help="List the drawn and the written faults, and do nothing else.")
@click.option("--drawn-only", is_flag=True, help="Only the faults drawn in mtl view, which come after the others else.")
@click.option(
    "--velocity", type=click.FloatRange(min=1), metavar="M/S", help="For true dips and areas, where depth is time."
)
@click.option(
    "--threshold",
    type=Threshold(),
    default=0.5,
    show_default=True,
    help="Least probability of a fault sample; auto: by the distribution of the probabilities.",
)
@click.option("--density", type=float, help="Share of samples that are faults, as 0.05, instead of a threshold.")
@click.option("--min-size", type=click.IntRange(1), help="Least thinned samples of a fault. Default: 16, in 3D 256.")
@click.option("--dip", type=AngleRange(), metavar="LOW,HIGH", help="Only faults of such dips, 0 (flat) to 90.")
@click.option(
    "--strike",
    type=AngleRange(),
    metavar="LOW,HIGH",
    help="Only faults of such strikes, 0 to 180 from crosslines towards inlines; 170,10 goes through 0.",
)
@click.option(
    "--format",
    "-f",
    "formats",
    type=FormatNames(),
    metavar="A,B",
    help="Of charisma, iesx, opendtect, vtp, ply, json. Default: all.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Default: RESULT/faults.")
@click.option(
    "--spacing", type=click.IntRange(1), default=8, show_default=True, help="Samples between sticks, and between nodes."
)
@click.option(
    "--z-sign",
    type=click.Choice(["down", "up"]),
    help="Direction in which written Z grows. Default: down; in vtp and ply up.",
)
@click.option(
    "--attributes",
    type=Name("format"),
    metavar="FORMAT",
    help="Also write likelihood, dip and strike volumes in a format, such as segy for OpendTect.",
)
@click.option(
    "--attribute-angles",
    type=click.Choice(["right-hand", "azimuth", "mtl"]),
    default="right-hand",
    show_default=True,
    help="Their angles: strike 0..360 with the dip to its right; dip azimuth; or as in the result.",
)
@click.option("--no-picture", is_flag=True, help="Draw nothing.")
@options.force_option
@options.config_option
@options.set_option
@options.json_option
@options.quiet_option
@click.pass_context
def faults(ctx: click.Context, /, config: Path | None, settings: tuple[str, ...], **given: Any) -> None:
    """Write faults as sticks and surfaces from a result.

    Probabilities are thinned along the predicted normals, samples grouped by position and orientation, and each
    group becomes a smooth surface, with its throw where the result holds relative time. Section [extract] of
    the configuration sets the finer points (--set extract.merge_distance=6), and one section for each format
    what its readers disagree on (--set charisma.keyword=XLINE-).
    """
    from mtl_seismic.interpret.faults.exports.formats import EXPORTS

    if given.pop("only_list"):
        show_list(given["result"], given["as_json"])
        return
    tables = options.load_config(config, settings)
    options.refuse_unknown_sections(tables, ("faults", "extract", "attribute_format", *EXPORTS))
    options.take_defaults(ctx, tables, "faults")
    values = {name: value for name, value in ctx.params.items() if name not in ("config", "settings")}
    record = carry_out(values, tables)
    renew_report(values)
    if values["as_json"]:
        echo_json(record)
    else:
        show(record)


def renew_report(values: dict[str, Any]) -> None:
    """Write the result's report anew, where there is one and it shows what was written."""
    from mtl_seismic.report.page import renew
    from mtlcore.plugin import plugins

    output = values["output"] or values["result"] / "faults"
    if output.resolve().parent == values["result"].resolve():
        silent = values["quiet"] or values["as_json"]
        renew(values["result"], plugins.current(), lambda line: None if silent else click.echo(line, err=True))


def show_list(result: Path, as_json: bool) -> None:
    """The names of all faults of a result."""
    from mtl_seismic.interpret.listing import listed_faults

    rows = listed_faults(result)
    if as_json:
        echo_json({"faults": rows})
    elif rows:
        click.echo(text_table([("fault", "from", "sticks"), *([str(v) for v in row.values()] for row in rows)]))
    else:
        click.echo(f"{result} has no faults: write some with mtl faults, or draw some in mtl view.", err=True)


def carry_out(values: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    """Make the request and deliver it."""
    from mtl_seismic.interpret.faults.deliver import Request, deliver
    from mtl_seismic.interpret.faults.exports.formats import EXPORTS
    from mtl_seismic.interpret.faults.options import ExtractOptions
    from mtlcore.config import build
    from mtlcore.plugin import plugins

    names = ("threshold", "density", "min_size", "dip", "strike", "spacing")
    chosen = {name: values[name] for name in names if values[name] is not None}
    sign = {"z_sign": values["z_sign"]} if values["z_sign"] else {}
    request = Request(
        result=values["result"],
        output=values["output"] or values["result"] / "faults",
        options=build(ExtractOptions, {**options.section(tables, "extract"), **chosen}, "extract"),
        formats=values["formats"] or (),
        format_options={name: {**options.section(tables, name), **sign} for name in EXPORTS},
        attributes=values["attributes"],
        attribute_options=options.section(tables, "attribute_format"),
        angles=values["attribute_angles"],
        extracted=not values["drawn_only"],
        velocity=values["velocity"],
        picture=not values["no_picture"],
        force=values["force"],
    )
    silent = values["quiet"] or values["as_json"]
    return deliver(request, plugins.current(), lambda line: None if silent else click.echo(line, err=True))


def show(record: dict[str, Any]) -> None:
    """The faults, largest first, and where the files are."""
    unit = record["faults"][0]["throw_unit"] if record["faults"] else ""
    unit = "samples" if unit in ("sample", "1") else unit
    rows = [
        ("fault", "samples", "dip", "azimuth", f"throw ({unit})", "heave (m)", "length (m)", "probability", "sticks")
    ]
    for fault in record["faults"][:MOST_ROWS]:
        dip = fault["dip_from_horizontal"] if fault["true_dip"] is None else fault["true_dip"]
        throw = number(fault["throw"]) if fault["throw_resolved"] else "not resolved"
        figures = [fault[name] for name in ("heave_m", "length_m", "probability")]
        texts = ["-" if value is None else number(value) for value in (dip, fault["azimuth"])] + [throw]
        texts += ["-" if value is None else number(value) for value in figures]
        rows.append((fault["name"], str(fault["size"]), *texts, str(fault["sticks"])))
    if record["faults"]:
        click.echo(text_table(rows))
    more = len(record["faults"]) - MOST_ROWS
    if more > 0:
        click.echo(f"... and {more} smaller ones.")
    if any(fault["true_dip"] is None for fault in record["faults"]):
        click.echo("Dips are those of the grid of samples: depth is not in metres (--velocity M/S tells true ones).")
    click.echo(f"{record['folder']}: {', '.join([*record['files'], *record['pictures']])} ({record['seconds']:.1f} s)")
