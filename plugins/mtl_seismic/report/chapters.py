"""The chapters of a report, each from the opened result and what the survey of it found."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_seismic.formats.crooked import trace_points
from mtl_seismic.report.charts import Line, line_chart, rose
from mtl_seismic.report.interpretation import summaries
from mtl_seismic.report.markup import Html, code, element, facts, figure, join, number, paragraph, percent, table
from mtl_seismic.report.opened import OpenResult, title_of
from mtl_seismic.report.residual import BOX
from mtl_seismic.report.sections import fields_picture, residual_picture, sections
from mtl_seismic.report.spectra import frequency_unit
from mtl_seismic.report.survey import Survey, is_strike, residual_name
from mtlcore.plugin.outputs import IMAGE

LEAK = 0.3
"""A correlation of residual and output beyond this deserves a look."""
DECIBELS = (-60.0, 6.0)


@dataclass(frozen=True)
class Chapter:
    """``key``: its anchor. ``content``: None leaves it out."""

    key: str
    title: str
    content: Callable[[OpenResult, Survey], Html | None]


def summary(result: OpenResult, found: Survey) -> Html:
    record = result.record
    shape = " × ".join(str(axis.size) for axis in result.geometry.axes)
    stages = [f"{model['stage']} × {model['passes']}" for model in record.get("models", [])]
    figures = [("Samples", shape), ("Stages and passes", ", ".join(stages) or "–")]
    for name, residual in found.residuals.items():
        title = title_of(result.outputs[name])
        figures.append((f"Residual, share of the image's RMS ({title})", percent(residual.share)))
        figures.append((f"Correlation of residual and {title}", number(residual.correlation_with_output, 3)))
    figures += [
        (f"Samples with {title_of(result.outputs[name]).lower()} above ½", percent(share, 2))
        for name, share in _likely(result, found)
    ]
    figures.append(("Time, peak memory", f"{_seconds(record)}, {_memory(record)}"))
    cards = [element("div", element("b", value), element("span", name)) for name, value in figures]
    notes = [element("li", text) for text in warnings(result, found)]
    return join(
        [
            element("div", *cards, class_="cards"),
            element("div", element("h3", "To look at"), element("ul", *notes), class_="warning") if notes else "",
        ]
    )


def warnings(result: OpenResult, found: Survey) -> Iterator[str]:
    """What a reader should know before trusting the figures, a line each."""
    record = result.record
    yield from dict.fromkeys(model["note"] for model in record.get("models", []) if model.get("note"))
    data = record.get("data", {})
    if data.get("dead_traces"):
        share = percent(data["dead_traces"] / data["traces"]) if data.get("traces") else ""
        yield (
            f"{data['dead_traces']} of {data.get('traces', '?')} traces ({share}) are dead or constant: "
            "all outputs are 0 there."
        )
    if data.get("not_finite_samples"):
        yield f"{data['not_finite_samples']} samples of the input are not finite: all outputs are 0 there."
    for line in _texts(record.get("unlike_training")):
        yield f"The image is unlike the training data in {line}."
    yield from [*_texts(record.get("warnings")), *_texts(data.get("warnings"))]
    for name, residual in found.residuals.items():
        if abs(residual.correlation_with_output) > LEAK:
            yield (
                f"The residual of {title_of(result.outputs[name])} correlates with it "
                f"({number(residual.correlation_with_output, 2)}): reflectors are weakened or were changed."
            )
    if not found.complete:
        yield f"Statistics, spectra and orientations are of {found.part}."


def pictures(result: OpenResult, found: Survey) -> Html:
    parts: list[Html] = []
    for section in sections(result):
        if result.image.ndim == 3:
            parts.append(element("h3", section.title))
        parts.append(figure(fields_picture(result, section)))
    return join(parts)


def statistics(result: OpenResult, found: Survey) -> Html:
    head = ["Field", "Unit", "Minimum", "1 %", "Median", "99 %", "Maximum", "Mean", "RMS"]
    rows: list[list[Any]] = []
    for name, figures in found.figures.items():
        output = result.outputs.get(name, IMAGE)
        values = (
            figures.lowest,
            *figures.percentiles(1, 50, 99),
            figures.highest,
            figures.mean,
            figures.root_mean_square,
        )
        rows.append([title_of(output), output.unit if output.unit != "1" else "–", *map(float, values)])
    masks = {output.display.mask for output in result.outputs.values() if output.display.mask in result.fields}
    on = "".join(f" Orientations: where {title_of(result.outputs[name]).lower()} is above ½." for name in masks if name)
    return join([paragraph(f"Live samples of {found.part}.{on}"), table(head, rows)])


def spectra(result: OpenResult, found: Survey) -> Html | None:
    amplitudes = list(found.residuals)
    image = found.spectra[IMAGE.name]
    if not amplitudes or not image.traces or not image.power.any():
        return None
    unit = result.geometry.axes[0].unit
    frequencies, label = frequency_unit(unit, image.frequencies)
    reference = float(image.amplitudes.max())
    shown = [(IMAGE.name, title_of(IMAGE), 0, False)]
    for place, name in enumerate(amplitudes):
        title = title_of(result.outputs[name])
        shown += [
            (name, title, 1 + 2 * place, False),
            (residual_name(name), f"Residual of {title}", 2 + 2 * place, True),
        ]
    lines = [
        Line(title, frequencies, found.spectra[name].decibels(reference), colour, dashed)
        for name, title, colour, dashed in shown
    ]
    factor = float(frequencies[-1] / image.frequencies[-1]) if image.frequencies[-1] else 1.0
    rows = []
    for name, title, _, _ in shown:
        spectrum = found.spectra[name]
        low, high = (edge * factor for edge in spectrum.band())
        rows.append([title, spectrum.peak * factor, spectrum.centroid * factor, low, high])
    chart = line_chart(lines, label, "Amplitude (dB)", DECIBELS)
    caption = (
        f"Mean amplitude spectra of {image.traces} Hann-tapered traces ({found.part}), in decibels below the "
        "largest amplitude of the seismic image."
    )
    head = [label, "Peak", "Centroid", "−20 dB from", "to"]
    return join([figure(chart, caption), table(head, [[*map(_rounded, row)] for row in rows])])


def residual(result: OpenResult, found: Survey) -> Html | None:
    if not found.residuals:
        return None
    rows: list[tuple[object, ...]] = []
    titles = [title_of(result.outputs[name]) for name in found.residuals]
    entries = list(found.residuals.values())
    for label, read in (
        ("Root mean square", lambda each: number(each.root_mean_square)),
        ("… as a share of the image's", lambda each: percent(each.share)),
        ("Mean", lambda each: number(each.mean)),
        ("Largest size", lambda each: number(each.largest)),
        ("Power of output to residual (dB)", lambda each: number(each.signal_to_noise)),
        ("Correlation with the output", lambda each: number(each.correlation_with_output, 3)),
        ("Correlation with the image", lambda each: number(each.correlation_with_image, 3)),
    ):
        rows.append((label, *map(read, entries)))
    explanation = paragraph(
        "The residual is the seismic image less the output: what was taken away. Noise alone does not correlate with "
        "the output; a correlation far from 0 means that reflectors are in the residual too. With the image it always "
        "correlates, by its share of the image's RMS if it is noise. Local similarity is the correlation of residual "
        f"and output in a box of {BOX[0]} by {BOX[1]} samples: in connected red areas reflectors were weakened, in "
        "blue ones made stronger."
    )
    drawn = next(sections(result))
    figures = [figure(residual_picture(result, drawn, name), drawn.title) for name in found.residuals]
    return join([explanation, table(["Residual of", *titles], rows), *figures])


def orientations(result: OpenResult, found: Survey) -> Html | None:
    roses = [_rose(result, found, name) for name in found.orientations]
    roses = [drawn for drawn in roses if drawn]
    return element("div", *roses, class_="roses") if roses else None


def convergence(result: OpenResult, found: Survey) -> Html | None:
    changes = result.record.get("changes") or []
    if not changes:
        return None
    names = [name for name in result.outputs if any(name in change for change in changes)]
    titles = {name: title_of(result.outputs[name]) for name in names}
    passes = list(range(1, len(changes) + 1))
    rows = [
        [str(at), *(percent(change.get(name, math.nan), 2) for name in names)] for at, change in enumerate(changes, 1)
    ]
    explanation = paragraph(
        "How much each refining pass changed each field: root mean square of the change over that of the field; of "
        "angles, the mean change over 90° where the fault probability is above one half."
    )
    parts: list[Html] = [explanation]
    if len(changes) > 1:
        lines = [
            Line(titles[name], passes, [change.get(name, math.nan) for change in changes], place, marked=True)
            for place, name in enumerate(names, 1)
        ]
        parts.append(figure(line_chart(lines, "Pass", "Change", logarithmic=True, whole=True)))
    return join([*parts, table(["Pass", *titles.values()], rows)])


def horizons(result: OpenResult, found: Survey) -> Html | None:
    return summaries(result.folder / "horizons")


def faults(result: OpenResult, found: Survey) -> Html | None:
    return summaries(result.folder / "faults")


def data(result: OpenResult, found: Survey) -> Html:
    geometry, record = result.geometry, result.record
    rows = [
        [axis.name, axis.size, float(axis.origin), float(axis.step), float(axis.origin + (axis.size - 1) * axis.step),
         axis.unit or "–"]
        for axis in geometry.axes
    ]  # fmt: skip
    parts = [table(["Axis", "Samples", "First", "Step", "Last", "Unit"], rows)]
    described = record.get("input", {})
    check = record.get("data", {})
    lines: list[tuple[object, object]] = [(_title(name), _value(value)) for name, value in described.items()]
    if trace_points(geometry) is not None:
        lines.append(("X, Y", "of each trace: a crooked line"))
    elif geometry.coordinates is not None:
        names = [axis.name for axis in geometry.axes[1:]]
        for axis, row in zip("XY", geometry.coordinates, strict=True):
            terms = [f"{number(each, 8)} · {name}" for each, name in zip(row[1:], names, strict=False)]
            lines.append((axis, " + ".join([number(row[0], 10), *terms]).replace("+ −", "− ")))
    lines += [(_title(name), _value(value)) for name, value in check.items() if name != "warnings"]
    return join([*parts, facts(lines)])


def run(result: OpenResult, found: Survey) -> Html:
    record = result.record
    models = [
        [
            model.get("stage"),
            str(model.get("passes")),
            code(model.get("folder") or "–"),
            code(model.get("sha256") or "–"),
        ]
        for model in record.get("models", [])
    ]
    timings = [[_title(name), float(value)] for name, value in record.get("seconds", {}).items()]
    timings.append(["Together", float(sum(record.get("seconds", {}).values()))])
    memory = [(f"Peak memory, {name}", _bytes(value)) for name, value in record.get("peak_memory", {}).items() if value]
    files = [
        [title_of(result.outputs[name]), code(entry["file"]), entry.get("unit", "1")]
        for name, entry in record["outputs"].items()
    ]
    settings = [
        (f"{section}.{name}", code(_value(value)))
        for section, values in record.get("config", {}).items()
        for name, value in (values.items() if isinstance(values, dict) else [("", values)])
    ]
    return join(
        [
            facts([("Started", record.get("started")), ("Device", record.get("device")), *memory]),
            element("h3", "Models"),
            table(["Stage", "Passes", "Folder", "SHA-256"], models),
            element("h3", "Configuration"),
            facts(settings),
            element("h3", "Timings"),
            table(["Part", "Seconds"], timings),
            element("h3", "Files"),
            table(["Output", "File", "Unit"], files),
            element("h3", "Versions"),
            facts([(name, value) for name, value in record.get("versions", {}).items()]),
            paragraph("Repeat the run with ", code(f"mtl run --config {result.folder / 'run.json'}"), class_="small"),
        ]
    )


CHAPTERS = (
    Chapter("summary", "Summary", summary),
    Chapter("sections", "Sections", pictures),
    Chapter("statistics", "Statistics", statistics),
    Chapter("spectra", "Spectra before and after", spectra),
    Chapter("residual", "Residual", residual),
    Chapter("orientations", "Fault orientations", orientations),
    Chapter("convergence", "Convergence", convergence),
    Chapter("horizons", "Horizons", horizons),
    Chapter("faults", "Faults", faults),
    Chapter("data", "Input and geometry", data),
    Chapter("run", "Run", run),
)


def _rose(result: OpenResult, found: Survey, name: str) -> Html | None:
    orientation = found.orientations[name]
    counts = orientation.shown
    if not counts.weights.any():
        return None
    kind, labels = _directions(result, name)
    title = title_of(result.outputs[name]) + (" (azimuth)" if kind == "azimuth" else "")
    if orientation.enough:
        which = f"{counts.samples} samples with a probability above ½, weighted by it"
    elif orientation.masked:
        which = "hardly any sample has a probability above ½: all samples, weighted by it"
    else:
        which = f"{counts.samples} samples"
    caption = f"{title}: axial mean {number(counts.mean, 3)}°, strength {number(counts.strength, 2)} ({which})."
    return figure(rose(counts.weights, counts.mean, kind, labels), caption)


def _directions(result: OpenResult, name: str) -> tuple[str, tuple[str, str, str]]:
    axes = result.geometry.axes
    if not is_strike(name):
        towards = ("high", "low") if len(axes) == 2 else ("180°", "0°")
        right, left = (f"{each} {axes[1].name}" if len(axes) == 2 else each for each in towards)
        return "dip", (right, "vertical", left)
    if result.geometry.coordinates is not None:
        return "azimuth", ("E", "N", "W")
    return "map", ("0°", f"90° ({axes[1].name} axis)", "180°")


def _likely(result: OpenResult, found: Survey) -> Iterator[tuple[str, float]]:
    """Share of samples above one half of every output that masks others."""
    masks = dict.fromkeys(output.display.mask for output in result.outputs.values() if output.display.mask)
    for name in masks:
        if name in found.figures and found.figures[name].count:
            dependent = next(key for key in found.orientations if result.outputs[key].display.mask == name)
            yield name, found.orientations[dependent].likely.samples / found.figures[name].count


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _rounded(value: Any) -> Any:
    return number(float(value)) if isinstance(value, float | np.floating) else value


def _seconds(record: dict[str, Any]) -> str:
    seconds = float(sum(record.get("seconds", {}).values()))
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _memory(record: dict[str, Any]) -> str:
    return _bytes(max(record.get("peak_memory", {}).values(), default=0))


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def _title(name: str) -> str:
    return {"sha256": "SHA-256"}.get(name, name[:1].upper() + name[1:].replace("_", " "))


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
