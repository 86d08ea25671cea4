"""Time or depth, in which unit: what the cards of the text header say.

No binary word of SEG-Y says whether the vertical axis is time or depth. Programs say it in the text header, each in
words of its own: "Depth min: -4502 max: -2" (Petrel), "VERTICAL DOMAIN: DEPTH", "DEPTH UNITS: METERS", "SAMPLE
INTERVAL 4 M".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mtl_seismic.segy import text

UNITS = r"MICROSECONDS?|USEC|US|MILLISECONDS?|MSECS?|MS|SECONDS?|SECS?|S|METERS?|METRES?|MTRS?|M|FEET|FOOT|FT"
KINDS = r"DEPTH|TIME|TWT|TWTT|Z"
OTHER_DEPTHS = re.compile(
    r"\b(?:WATER|SEA ?BED|SEA ?FLOOR|SOURCE|SHOT|GUN|AIRGUN|ARRAY|CABLE|STREAMER|RECEIVER|HYDROPHONE|GEOPHONE|CHARGE|"
    r"HOLE|TOW(?:ING)?|BURIAL|DATUM|WELL|UPHOLE)[ -]+DEPTHS?\b"
)
"""Depths of equipment and of water, which time sections have too."""
RULES = tuple(
    re.compile(rule)
    for rule in (
        # An explicit statement.
        r"\b(?:VERTICAL[ -](?:UNITS?|DOMAIN|AXIS)|Z[ -](?:UNITS?|DOMAIN|AXIS)|(?:DATA|SAMPLE|TRACE|SURVEY) DOMAIN"
        rf"|DOMAIN(?: TYPE)?(?=\s*[:=]))\s*[:=]?\s*[(\[]?\s*(?P<unit>{KINDS}|{UNITS})\b",
        rf"\b(?P<kind>{KINDS}) DOMAIN\b",
        # The range of the samples, as Petrel writes it.
        rf"\b(?P<kind>{KINDS})\s*(?:[(\[]\s*(?P<unit>{UNITS})\s*[)\]])?\s*(?:MIN|MAX|RANGE|FROM|START|FIRST SAMPLE)\b",
        rf"\b(?:MIN(?:IMUM)?|MAX(?:IMUM)?|START|FIRST)\s+(?P<kind>{KINDS})\b",
        # The sample interval with its unit.
        r"\b(?:SAMPL(?:E|ES|ING) *(?:INTERVAL|INT|RATE|STEP|SPACING|PERIOD|INCREMENT)|DZ"
        r"|DEPTH (?:STEP|INTERVAL|INCREMENT)"
        rf"|Z (?:STEP|INTERVAL|INC(?:REMENT)?))\b[ :=(\[]*(?:IN )?[\d.]*\s*[(\[]?\s*(?P<unit>{UNITS})\b",
        # The kind with its unit.
        rf"\b(?P<kind>{KINDS})[ -]*UNITS?\b\s*[:=]?\s*[(\[]?\s*(?P<unit>{UNITS})?\b",
        rf"\b(?P<kind>DEPTH|TIME|TWT)\s*(?:[(\[]\s*|IN )(?P<unit>{UNITS})\b",
        rf"\bSAMPLE UNITS?\b\s*[:=]?\s*(?P<unit>{UNITS})\b",
        rf"\bUNITS?\s*[:=]?\s*(?P<unit>{UNITS}) (?P<kind>DEPTH|TIME)\b",
        rf"\b(?P<kind>DEPTH|TIME|TWT)\s*[:=]?\s*[\d.]+\s*(?:-|TO)\s*[\d.]+\s*(?P<unit>{UNITS})\b",
        r"\b(?:DATA|VOLUME|CUBE|SECTION|STACK|SAMPLES) (?:IS |ARE )?IN (?P<kind>DEPTH|TIME)\b",
        rf"\bUNITS? OF (?P<kind>{KINDS})\s*[:=]?\s*(?P<unit>{UNITS})?",
        # A conversion that was the last thing done.
        r"\b(?:CONVERTED|STRETCHED|SCALED|CONVERSION|STRETCH) (?:BACK )?TO (?P<kind>TIME|DEPTH|TWT)\b",
        r"\bDEPTH[ -]TO[ -](?P<kind>TIME)\b|\bTIME[ -]TO[ -](?P<other>DEPTH)\b",
    )
)
HINT = re.compile(r"\b(?:DEPTH|PSDM|PRE?SDM)\b")
OWN_LINE = re.compile(r"\bMTLCORE \d.*")
"""What a file written here contains: that says nothing of its axis."""


@dataclass(frozen=True)
class Statement:
    """``unit``: ms, m, ft, or depth in an unnamed unit, or none; ``card``: where it is said; ``note``: a warning."""

    unit: str | None = None
    card: str = ""
    note: str = ""


def stated(header: str) -> Statement:
    """What a text header says of the vertical axis, the plainest statement first."""
    cards = [header[start : start + text.CARD] for start in range(0, len(header), text.CARD)]
    plain = [OTHER_DEPTHS.sub(" ", OWN_LINE.sub(" ", card.upper())) for card in cards]
    by_rule = [_matches(rule, plain, cards) for rule in RULES]
    best = next((found for found in by_rule if found), [])
    if not best:
        hint = next((card.strip() for card, upper in zip(cards, plain, strict=True) if HINT.search(upper)), "")
        return Statement(note=f"its text header speaks of depth ('{hint}')") if hint else Statement()
    unit, card = best[0]
    if unit == "depth":
        unit = next((other for found in by_rule for other, _ in found if other in ("m", "ft")), unit)
    against = next((other for each, other in best if (each == "ms") != (unit == "ms")), "")
    return Statement(unit, card, f"its text header says both '{card}' and '{against}'" if against else "")


def _matches(rule: re.Pattern[str], plain: list[str], cards: list[str]) -> list[tuple[str, str]]:
    """The unit and the card of each statement of one form."""
    found = []
    for upper, card in zip(plain, cards, strict=True):
        for match in rule.finditer(upper):
            unit = _unit([value for value in match.groupdict().values() if value])
            if unit:
                found.append((unit, card.strip()))
    return found


def _unit(words: list[str]) -> str | None:
    """ms, m, ft or depth: a unit says more than a kind, and Z alone says nothing."""
    for word in words:
        if word.startswith(("METE", "METR", "MTR")) or word == "M":
            return "m"
        if word.startswith("F"):
            return "ft"
    plain = [word for word in words if word != "Z"]
    return None if not plain else "depth" if plain == ["DEPTH"] else "ms"
