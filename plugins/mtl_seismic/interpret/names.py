"""Names of horizons and faults: any that can be read, and what becomes of them in ASCII files and file names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from mtl_seismic.interpret.picks.model import check_name
from mtlcore.errors import OptionError

TRANSLITERATED = str.maketrans(
    {"ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L"}
)


def ascii_name(name: str) -> str:
    """The name as text files have it: letters without accents, '_' for what is not ASCII, blanks as they are."""
    plain = unicodedata.normalize("NFKD", name.translate(TRANSLITERATED))
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() and letter.isprintable() else "_" for letter in kept)


def one_word(name: str) -> str:
    """The name for files whose columns are separated by blanks."""
    return re.sub(r"\s+", "_", ascii_name(name))


def file_stem(name: str) -> str:
    """The name as a part of a file name: letters, digits, and _ . + - after the first."""
    stem = re.sub(r"[^A-Za-z0-9_.+-]", "_", one_word(name)).lstrip("_.+-")
    return stem or "unnamed"


def check_names(names: Sequence[str], kind: str) -> None:
    """OptionError for names that are not printable, and for two that would be one file; ``kind``: 'horizon', ..."""
    for name in names:
        check_name(name, f"The {kind}s")
    stems = [file_stem(name).lower() for name in names]
    for name, stem in zip(names, stems, strict=True):
        if stems.count(stem) > 1:
            raise OptionError(f"Two {kind}s are named '{name}' or like it: their files would be one. Rename one.")
