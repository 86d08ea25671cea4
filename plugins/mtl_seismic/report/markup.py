"""HTML from plain values; every text is escaped here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

VOID = ("img", "br", "meta")
"""Elements that have no end tag."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def html(value: object) -> Html:
    """A value as HTML: text is escaped, numbers are written short, None is a dash."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html("–")
    if isinstance(value, float):
        return Html(number(value))
    return Html(escape(str(value)))


def number(value: float, digits: int = 4) -> str:
    """As short as so many digits allow, with a true minus sign; a dash for no number."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e").replace("-", "−")


def percent(share: float, digits: int = 1) -> str:
    return "–" if not math.isfinite(share) else f"{100 * share:.{digits}f} %".replace("-", "−")


def join(parts: Iterable[object]) -> Html:
    return Html("\n".join(html(part) for part in parts))


def element(name: str, *content: object, **attributes: object) -> Html:
    """<name attribute="...">content</name>; an attribute class_ is class, text_anchor is text-anchor."""
    names = {key: key.rstrip("_").replace("_", "-") for key in attributes}
    written = "".join(f' {names[key]}="{escape(str(value))}"' for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{''.join(html(part) for part in content)}</{name}>")


def paragraph(*content: object, **attributes: object) -> Html:
    return element("p", *content, **attributes)


def table(head: Sequence[object], rows: Iterable[Sequence[object]], caption: str = "") -> Html:
    """A table; all columns but the first are aligned to the right where they hold numbers."""
    body = [list(row) for row in rows]
    numeric = [bool(body) and all(_is_number(row[column]) for row in body) for column in range(len(head))]
    cells = [
        element("tr", *(_cell("td" if column else "th", cell, numeric[column]) for column, cell in enumerate(row)))
        for row in body
    ]
    top = element("tr", *(_cell("th", cell, numeric[column], "col") for column, cell in enumerate(head)))
    title = [element("caption", caption)] if caption else []
    narrow = {"class_": "narrow"} if len(head) < 4 else {}
    return element(
        "div", element("table", *title, element("thead", top), element("tbody", join(cells)), **narrow), class_="table"
    )


def facts(rows: Iterable[tuple[object, object]]) -> Html:
    """Names and values, a row each."""
    lines = [
        element("tr", element("th", name, scope="row"), element("td", value)) for name, value in rows if value != ""
    ]
    return element("div", element("table", element("tbody", join(lines)), class_="facts"), class_="table")


def figure(content: Html, caption: object = "") -> Html:
    return element("figure", content, *([element("figcaption", caption)] if caption else []))


def code(text: object) -> Html:
    return element("code", text)


def _cell(name: str, value: object, numeric: bool, scope: str = "row") -> Html:
    attributes: dict[str, object] = {"scope": scope} if name == "th" else {}
    return element(name, value, **attributes, **({"class_": "number"} if numeric else {}))


def _is_number(value: object) -> bool:
    text = str(value).removesuffix(" %").removesuffix("°").replace("−", "-").strip()
    if value is None or text in ("–", ""):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
