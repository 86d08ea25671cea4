"""Charts as SVG, without a plotting library: they stay sharp in print and need no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.report.markup import Html, element, html, number

WIDTH, HEIGHT = 860, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 20, 34, 46
POINTS = 800
"""Points of a line at most."""
COLOURS = ("#7c8694", "#0b5cad", "#c1571a", "#3f8f5b", "#8a5aa8", "#b0922b", "#2a9aa8", "#a33b55")


@dataclass(frozen=True)
class Line:
    """``colour``: number of a colour; ``dashed``: drawn thin and broken."""

    label: str
    x: Sequence[float] | NDArray[np.float64]
    y: Sequence[float] | NDArray[np.float64]
    colour: int = 0
    dashed: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Scale:
    """Values to pixels; with ``logarithmic`` both ends must be above 0."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = (math.log10(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return self.start + (value - low) / ((high - low) or 1.0) * (self.end - self.start)

    def ticks(self, count: int) -> list[float]:
        """Round values."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1)]
        step = nice_step(self.high - self.low, count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [whole * step for whole in range(first, last + 1)]


def nice_step(length: float, count: int) -> float:
    """1, 2 or 5 times a power of ten, so that about ``count`` of them make the length."""
    raw = length / max(count, 1)
    if not raw > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)


def line_chart(
    lines: Sequence[Line],
    x_label: str,
    y_label: str,
    y_limits: tuple[float, float] | None = None,
    logarithmic: bool = False,
    whole: bool = False,
) -> Html:
    """Lines over one another with a legend above; ``whole``: x takes whole numbers only."""
    across, down = _scales(lines, y_limits, logarithmic)
    parts = [*_grid(across, down, whole), *_labels(x_label, y_label)]
    parts += [_draw(line, across, down) for line in lines]
    parts += _legend(lines)
    return _svg(WIDTH, HEIGHT, f"{y_label} against {x_label}", parts)


def _scales(lines: Sequence[Line], limits: tuple[float, float] | None, logarithmic: bool) -> tuple[Scale, Scale]:
    x = np.concatenate([np.asarray(line.x, float) for line in lines])
    y = np.concatenate([np.asarray(line.y, float) for line in lines])
    y = y[np.isfinite(y) & ((y > 0) | (not logarithmic))]
    low, high = limits or ((float(y.min()), float(y.max())) if y.size else (0.1, 1.0))
    if logarithmic:
        low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high) + 1e-9)
    if not high > low:
        low, high = (low / 10, high * 10) if logarithmic else (low - 0.5, high + 0.5)
    first, last = float(x.min()), float(x.max())
    if first == last:
        first, last = first - 0.5, last + 0.5
    return Scale(first, last, LEFT, WIDTH - RIGHT), Scale(low, high, HEIGHT - BOTTOM, TOP, logarithmic)


def _grid(across: Scale, down: Scale, whole: bool) -> list[Html]:
    parts = []
    for value in down.ticks(6):
        y = down(value)
        text = f"{100 * value:.6g} %" if down.logarithmic else number(value, 6)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
        parts.append(_text(LEFT - 8, y + 4, text, "end"))
    for value in across.ticks(8):
        if whole and value != round(value):
            continue
        x = across(value)
        parts.append(_line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, "axis"))
        parts.append(_text(x, HEIGHT - BOTTOM + 18, number(value, 6), "middle"))
    parts.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis"))
    return parts


def _labels(x_label: str, y_label: str) -> list[Html]:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f"rotate(-90 14 {middle:g})"
    return [
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x_label, "middle", "label"),
        element("text", y_label, x=14, y=f"{middle:g}", transform=turned, text_anchor="middle", class_="label"),
    ]


def _draw(line: Line, across: Scale, down: Scale) -> Html:
    step = max(1, len(line.x) // POINTS)
    low, high = min(down.low, down.high), max(down.low, down.high)
    points = [
        (across(float(x)), down(min(max(float(y), low), high)))
        for x, y in zip(line.x[::step], line.y[::step], strict=True)
        if math.isfinite(y)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    style: dict[str, object] = {"stroke": COLOURS[line.colour % len(COLOURS)]}
    if line.dashed:
        style |= {"stroke-dasharray": "5 4"}
    drawn = _tag("polyline", points=path, class_="line", **style)
    marks = [_tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=3, fill=style["stroke"]) for x, y in points if line.marked]
    return Html("".join([drawn, *marks]))


def _legend(lines: Sequence[Line]) -> list[Html]:
    parts, x = [], float(LEFT)
    for line in lines:
        style: dict[str, object] = {"stroke": COLOURS[line.colour % len(COLOURS)]}
        if line.dashed:
            style |= {"stroke-dasharray": "5 4"}
        parts.append(_tag("line", x1=f"{x:g}", y1=14, x2=f"{x + 22:g}", y2=14, class_="line", **style))
        parts.append(_text(x + 28, 18, line.label, "start"))
        x += 28 + 7.0 * len(line.label) + 22
    return parts


def rose(weights: NDArray[np.float64], mean: float | None, kind: str, labels: tuple[str, ...]) -> Html:
    """A rose diagram of axial angles by equal bins of 0..180 degrees; a petal's area is its weight.

    ``kind`` azimuth: both ends of each direction, clockwise from the top; map: both, anticlockwise from the
    right; dip: the lower half, as the plane falls in a section, 0 to the left and 180 to the right.
    ``labels``: of the directions right, top (or bottom, for dip) and left.
    """
    size, radius = 300, 112.0
    half = kind == "dip"
    cx, cy = size / 2, (34.0 if half else size / 2)
    share = weights / weights.sum() if weights.sum() > 0 else weights
    top = float(share.max(initial=0.0)) or 1.0
    width = 180 / len(weights)
    parts = _rings(cx, cy, radius, half, top)
    for number_, value in enumerate(share):
        if value <= 0:
            continue
        length = radius * math.sqrt(value / top)
        title = f"{number_ * width:g}–{(number_ + 1) * width:g}°: {100 * value:.1f} %"
        for turn in (0, 180) if not half else (0,):
            ends = [_direction(number_ * width + edge * width + turn, kind) for edge in (0.0, 0.5, 1.0)]
            parts.append(_petal(cx, cy, length, ends, title))
    if mean is not None and math.isfinite(mean):
        dx, dy = _direction(mean, kind)
        back = 0.0 if half else radius
        parts.append(_line(cx - dx * back, cy - dy * back, cx + dx * radius, cy + dy * radius, "mean"))
    parts += _rose_labels(cx, cy, radius, half, labels)
    return _svg(size, (cy + radius + 30) if half else size, "Rose diagram", parts)


def _rings(cx: float, cy: float, radius: float, half: bool, top: float) -> list[Html]:
    parts = []
    for part in (0.25, 1.0):
        r = radius * math.sqrt(part)
        if half:
            arc = f"M{cx - r:.1f},{cy:.1f} A{r:.1f},{r:.1f} 0 0 0 {cx + r:.1f},{cy:.1f}"
            parts.append(_tag("path", d=arc, class_="ring"))
        else:
            parts.append(_tag("circle", cx=f"{cx:g}", cy=f"{cy:g}", r=f"{r:.1f}", class_="ring"))
        diagonal = r * math.sqrt(0.5)
        parts.append(_text(cx + diagonal + 3, cy + diagonal + 10, f"{100 * top * part:.2g} %", "start", "faint"))
    parts.append(_line(cx - radius, cy, cx + radius, cy, "grid"))
    parts.append(_line(cx, cy if half else cy - radius, cx, cy + radius, "grid"))
    return parts


def _rose_labels(cx: float, cy: float, radius: float, half: bool, labels: tuple[str, ...]) -> list[Html]:
    right, vertical, left = labels
    if half:
        return [
            _text(cx + radius, cy - 8, right, "middle"),
            _text(cx - radius, cy - 8, left, "middle"),
            _text(cx, cy + radius + 16, vertical, "middle"),
        ]
    return [
        _text(cx + radius + 5, cy + 4, right, "start"),
        _text(cx - radius - 5, cy + 4, left, "end"),
        _text(cx, cy - radius - 8, vertical, "middle"),
    ]


def _direction(angle: float, kind: str) -> tuple[float, float]:
    """Unit vector on the page, y downwards."""
    radians = math.radians(angle)
    sine, cosine = math.sin(radians), math.cos(radians)
    return {"azimuth": (sine, -cosine), "map": (cosine, -sine), "dip": (-cosine, sine)}[kind]


def _petal(cx: float, cy: float, length: float, ends: list[tuple[float, float]], title: str) -> Html:
    outer = " ".join(f"{cx + length * x:.1f},{cy + length * y:.1f}" for x, y in ends)
    return element("polygon", element("title", title), points=f"{cx:.1f},{cy:.1f} {outer}", class_="petal")


def _svg(width: float, height: float, label: str, parts: Sequence[Html]) -> Html:
    content = Html("".join(parts))
    box = f"0 0 {width:g} {height:g}"
    return element("svg", content, viewBox=box, width=f"{width:g}", role="img", aria_label=label)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Html:
    return _tag("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", class_=kind)


def _text(x: float, y: float, text: str, anchor: str, kind: str = "") -> Html:
    return element("text", html(text), x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, class_=kind or "tick")


def _tag(name: str, **attributes: object) -> Html:
    return element(name, **attributes)
