"""Which horizons and faults a result has: picked ones, and those that commands wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mtl_seismic.interpret.picks import FILE, Picks
from mtl_seismic.interpret.picks.model import parse
from mtlcore.errors import MtlError
from mtlcore.run.results import read_record


def has_picks(result: Path, kind: str = "horizons") -> bool:
    """Whether horizons (or faults) were picked in a result; no more is read than its picks.json."""
    picks = _picks(result)
    return bool(getattr(picks, kind)) if picks else False


def listed_horizons(result: Path) -> list[dict[str, Any]]:
    """Name, where it is from, and RGT of each horizon."""
    read_record(result)
    picks = _picks(result)
    rows = [{"name": h.name, "from": FILE, "rgt": "-"} for h in picks.horizons] if picks else []
    entries = written(result, "horizons")
    return [*rows, *({"name": e["name"], "from": "horizons", "rgt": round(e["rgt"], 5)} for e in entries)]


def listed_faults(result: Path) -> list[dict[str, Any]]:
    """Name, where it is from, and number of sticks of each fault."""
    read_record(result)
    picks = _picks(result)
    rows = [{"name": f.name, "from": FILE, "sticks": len(f.sticks)} for f in picks.faults] if picks else []
    entries = written(result, "faults")
    return [*rows, *({"name": e["name"], "from": "faults", "sticks": len(e.get("sticks", ()))} for e in entries)]


def written(result: Path, kind: str) -> list[dict[str, Any]]:
    """The entries of horizons/horizons.json or faults/faults.json; none where there is no file."""
    path = result / kind / f"{kind}.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))[kind]
        if not all("name" in entry for entry in entries):
            raise KeyError("name")
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MtlError(f"{path} cannot be read: {error}. Write it again with mtl {kind}.") from None
    return list(entries)


def _picks(result: Path) -> Picks | None:
    """The picks as the file has them, in a volume of the shape that it names."""
    path = result / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return parse(document, tuple(document["shape"]), str(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MtlError(f"{path} cannot be read: {error}.") from None
