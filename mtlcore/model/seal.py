"""Is a model what was saved? Its configuration holds the hash of its weights, and its card that of the configuration.

A bit that flips on a disk or in a copy changes what a network answers without an error. ``seal`` records the hashes,
``check_seal`` compares them. Folders without hashes, as other programs and earlier versions write, are taken as
they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError, MtlWarning
from mtlcore.io.atomic import atomic_write_text

KEY = "weights_sha256"
"""In config.json."""
ALLOW = "MTL_ALLOW_CHANGED_MODELS"
"""The variable that makes a model that was changed a warning."""
_BLOCK = "<!-- config.json has the SHA-256 {} -->"
_FOUND = re.compile(r"\n*<!-- config\.json has the SHA-256 ([0-9a-f]{64}) -->\n*")


def seal(folder: Path) -> None:
    """Record the hashes of a model folder as it is now; whatever was recorded before goes."""
    config, weights, card = "config.json", "model.safetensors", "README.md"
    values = json.loads((folder / config).read_text(encoding="utf-8"))
    values[KEY] = file_hash(folder / weights)
    atomic_write_text(folder / config, json.dumps(values, indent=2) + "\n")
    path = folder / card
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    atomic_write_text(path, sealed_card(text, values))


def sealed_card(text: str, config: Mapping[str, Any]) -> str:
    """A card whose last line has the hash of a configuration, in place of an earlier one."""
    return _FOUND.sub("\n", text).rstrip("\n") + "\n\n" + _BLOCK.format(config_hash(config)) + "\n"


def config_hash(config: Mapping[str, Any]) -> str:
    """SHA-256 of a configuration's values: blanks, line ends and the order of keys do not matter."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(config: Mapping[str, Any], weights: Path, found: str, card: Path) -> list[str]:
    """What of a model is not as it was saved; ``found``: the weights' hash."""
    changed = []
    recorded = config.get(KEY)
    if recorded and recorded != found:
        changed.append(f"the weights {weights} (SHA-256 {found}, saved with {recorded})")
    noted = _card_hash(card)
    if noted and noted != config_hash(config):
        changed.append(f"the configuration next to {card}")
    return changed


def check_seal(config: Mapping[str, Any], weights: Path, found: str, card: Path) -> None:
    """MtlError where the weights or the configuration are not as they were saved; a warning where that is allowed."""
    changed = differences(config, weights, found, card)
    if not changed:
        return
    text = f"The model has changed since it was saved: {' and '.join(changed)}"
    if os.environ.get(ALLOW, "") not in ("", "0"):
        warnings.warn(MtlWarning(f"{text}. {ALLOW} is set: it is used all the same."), stacklevel=2)
        return
    raise MtlError(f"{text}. Copy it again, or set {ALLOW}=1 to use it as it is (mtl export then makes a good copy).")


def integrity(config: Mapping[str, Any], weights: Path, found: str, card: Path) -> str:
    """In words for people: whether a model is what was saved."""
    changed = differences(config, weights, found, card)
    if changed:
        return f"CHANGED since it was saved: {' and '.join(changed)}"
    known = [name for name, value in (("weights", config.get(KEY)), ("configuration", _card_hash(card))) if value]
    return f"{' and '.join(known)} as saved" if known else "not recorded"


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise MtlError(f"{path} cannot be read: {error.strerror}.") from error


def _card_hash(card: Path) -> str | None:
    try:
        found = _FOUND.search(card.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found[1] if found else None
