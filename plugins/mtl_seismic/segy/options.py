"""How a SEG-Y file is to be read and written: the options of the format, without its base class."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from mtl_seismic.segy.header_numbers import Kind
from mtl_seismic.segy.samples import FORMATS
from mtl_seismic.segy.words import TRACE, ByteOrder

POSITIONS = ("inline", "crossline", "cdp", "cdp_x", "cdp_y")


@dataclass(frozen=True)
class Options:
    """What the user knows better than the headers; None: as they say, or as they show.

    ``inline``, ``crossline``, ``cdp``, ``cdp_x``, ``cdp_y``: first byte (from 1) of the 4-byte words in the
    trace header. ``scalar``: the coordinate scalar in place of bytes 71-72. ``dimensions``: 3 for a single
    line of a 3D survey that would pass for a 2D line, 2 for the reverse. ``code``, ``samples``, ``interval``
    (in ms, m or ft) and ``delay`` stand for the words of those names; ``unit`` is that of the vertical axis.
    ``duplicates``: ``first`` reads the first of several traces at one place, which are an error otherwise.
    Of pre-stack data, which are refused, ``offset`` reads the traces of one offset (bytes 37-40), and ``stack``
    the average of all traces at each place. ``line_words`` and ``coordinate_words``: how these words hold their
    numbers. ``undefined``: a sample value that means nothing, read as NaN.
    ``cut``: read the whole traces of a file that has been cut short. For new files: ``write_as`` is the
    kind of float (default: that of the input where it is one, else IEEE), ``text`` the added header line.
    """

    inline: int | None = None
    crossline: int | None = None
    cdp: int | None = None
    cdp_x: int | None = None
    cdp_y: int | None = None
    scalar: int | None = None
    dimensions: Literal[2, 3] | None = None
    code: int | None = None
    byte_order: ByteOrder | None = None
    samples: int | None = None
    interval: float | None = None
    delay: float | None = None
    unit: Literal["ms", "m", "ft"] | None = None
    duplicates: Literal["refuse", "first"] = "refuse"
    offset: int | None = None
    stack: bool = False
    line_words: Kind | None = None
    coordinate_words: Kind | None = None
    undefined: float | None = None
    cut: bool = False
    write_as: Literal["ieee", "ibm"] | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        for name in POSITIONS:
            start = getattr(self, name)
            if start is not None and not 1 <= start <= TRACE - 3:
                raise ValueError(f"{name} is {start}: expected the first byte of a trace header word, 1 to {TRACE - 3}")
        if self.code is not None and self.code not in FORMATS:
            raise ValueError(f"code is {self.code}: expected one of {', '.join(map(str, FORMATS))}")
        for name in ("samples", "interval"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}: expected more than 0")
        for one, other in (("inline", "crossline"), ("cdp_x", "cdp_y")):
            if (getattr(self, one) is None) != (getattr(self, other) is None):
                raise ValueError(f"{one} and {other} are given together or not at all")
        if self.cdp is not None and self.inline is not None:
            raise ValueError("cdp is for 2D lines, inline and crossline for 3D volumes: give one of them")

    def given(self) -> dict[str, Any]:
        """The options for reading that are not at their defaults, as plain values."""
        defaults = {item.name: item.default for item in fields(Options)}
        values = {name: value for name, value in asdict(self).items() if name not in ("write_as", "text")}
        return {name: value for name, value in values.items() if name in defaults and value != defaults[name]}
