"""The textual file header: 40 cards of 80 characters, EBCDIC or ASCII."""

from __future__ import annotations

import re

from mtl_seismic.segy.words import TEXT

CARD = 80
CARDS = TEXT // CARD
RESERVED = 38
"""Cards 39 and 40 say the revision and the end; new text is put before them if there is room."""


def encoding(text: bytes) -> str:
    """EBCDIC (cp037) or ASCII, by which blank is the more frequent; EBCDIC for a header without either."""
    return "ascii" if text.count(b" ") > text.count(b"\x40") else "cp037"


def decode(text: bytes) -> str:
    """The header as text of 3200 characters."""
    return text.decode(encoding(text), errors="replace").replace("\x00", " ")


def make(lines: list[str]) -> bytes:
    """An EBCDIC header with these lines on its first cards."""
    cards = dict(enumerate(lines, 1)) | {39: "SEG-Y REV1", 40: "END TEXTUAL HEADER"}
    text = "".join(f"C{number:2d} {cards.get(number, '')}"[:CARD].ljust(CARD) for number in range(1, CARDS + 1))
    return text.encode("cp037", errors="replace")


def with_line(text: bytes, line: str) -> bytes | None:
    """The header with one line on a free card, behind the cards with text; None if no card is free.

    Only that card's blanks change: its number, where it has one, and all other cards stay as they are.
    """
    cards = [decode(text)[start : start + CARD] for start in range(0, TEXT, CARD)]
    free = [re.fullmatch(r"(C *\d+)?\s*", card) is not None for card in cards]
    last = max((number for number in range(RESERVED) if not free[number]), default=-1)
    choice = next((number for number in range(last + 1, RESERVED) if free[number]), None)
    if choice is None:
        choice = next((number for number in range(CARDS) if free[number]), None)
    if choice is None:
        return None
    start = choice * CARD + 4
    new = line[: CARD - 4].ljust(CARD - 4).encode(encoding(text), errors="replace")
    return text[:start] + new + text[start + len(new) :]


def dimensions(text: str, traces: int) -> int | None:
    """2 or 3 where a file made here says so (the header words of a single line do not)."""
    match = re.search(r"MTL VOLUME: \d+ SAMPLES x (\d+) (?:INLINES x (\d+) CROSSLINES|CDPS)", text)
    if match is None or int(match[1]) * int(match[2] or 1) < traces:
        return None
    return 3 if match[2] else 2


def volume_line(shape: tuple[int, ...]) -> str:
    """The card that ``dimensions`` understands."""
    lines = f"{shape[1]} CDPS" if len(shape) == 2 else f"{shape[1]} INLINES x {shape[2]} CROSSLINES"
    return f"MTL VOLUME: {shape[0]} SAMPLES x {lines}"


def unit_line(unit: str) -> str:
    """The card that ``depth_unit`` understands."""
    meaning = {"ms": "SAMPLE INTERVAL IN MICROSECONDS, DELAY IN MS"}.get(
        unit, f"SAMPLE INTERVAL IN {unit.upper()}/1000, DELAY IN {unit.upper()}"
    )
    return f"VERTICAL UNIT: {unit.upper()} ({meaning})"


def is_text(block: bytes) -> bool:
    """Whether bytes are text, in EBCDIC or ASCII, and not numbers of a trace."""
    written = block.rstrip(b"\x00")
    if not written:
        return False
    shares = [sum(map(_is_written, written.decode(name, "replace"))) for name in ("ascii", "cp037")]
    return max(shares) >= 0.95 * len(written)


def _is_written(char: str) -> bool:
    return (char.isprintable() and char.isascii()) or char in "\r\n\t"
