"""Damages files of each format in many ways and reads them: MtlError, or samples, and nothing else.

    python tests/faults/mutations.py [--trials N] [--seed S] [FORMAT ...]

Bytes are changed, removed, put in or repeated, mostly where files have their headers. Each file is read in a copy of
this process. A line of JSON for each format with the outcomes; examples of those in BAD.

Last figures (--trials 80 --seed 1): raw, npy, npz, vti, hdf5: 400 files, 142 read, 258 refused in a line, none in BAD.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

from harness import FORMATS, in_copy, load_modules, prepare

BAD = ("traceback", "crash", "hang", "lines", "memory")
MEMORY = 2 * 2**30
"""Bytes more that reading a file of 77 kB may take."""
SECONDS = 60


def mutate(content: bytes, chance: random.Random) -> bytes:
    """One to four changes."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        # Headers are where a change means something.
        start = chance.randrange(min(len(damaged), 4096) if chance.random() < 0.6 else len(damaged))
        length = chance.choice((1, 1, 2, 4, 8, 16, 64))
        kind = chance.choice(("change", "change", "flip", "large", "remove", "insert", "repeat", "cut"))
        if kind == "change":
            damaged[start : start + length] = chance.randbytes(length)
        elif kind == "flip":
            damaged[start] ^= 1 << chance.randrange(8)
        elif kind == "large":
            damaged[start : start + length] = b"\xff" * length
        elif kind == "remove":
            del damaged[start : start + length]
        elif kind == "insert":
            damaged[start:start] = chance.randbytes(length)
        elif kind == "repeat":
            damaged[start:start] = damaged[start : start + length]
        elif chance.random() < 0.3:
            del damaged[start:]
        if not damaged:
            break
    return bytes(damaged)


def read(path: Path, output: Path) -> int:
    """Read all of it; 1 and one line in ``output`` where that is refused."""
    from mtlcore.errors import MtlError
    from mtlcore.io.files import open_volume

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY + 2**31, MEMORY + 2**31))
    warnings.simplefilter("ignore")
    try:
        volume = open_volume(path)
        volume.read(tuple(slice(0, min(size, 64)) for size in volume.shape))
        volume.close()
    except MtlError as error:
        output.write_text(str(error), errors="replace")
        return 1
    return 0


def verdict(code: int | str, message: str, printed: str) -> str:
    if code == "hang":
        return "hang"
    if isinstance(code, int) and code < 0:
        return "crash"
    if "MemoryError" in printed:
        return "memory"
    if code not in (0, 1) or "Traceback" in printed:
        return "traceback"
    if code == 1:
        return "refused" if message and "\n" not in message and len(message) < 1000 else "lines"
    return "read"


def trials(name: str, count: int, seed: int) -> tuple[Counter[str], dict[str, str]]:
    """The outcomes for one format."""
    chance, outcomes, examples = random.Random(f"{seed} {name}"), Counter[str](), dict[str, str]()
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template"
        template.mkdir()
        prepare(f"convert-{name}", template)
        target = template / FORMATS[name]
        files = [path for path in (target.rglob("*") if target.is_dir() else [target]) if path.is_file()]
        files += [path for path in (target.with_name(target.name + ".json"),) if path.is_file()]
        contents = {path: path.read_bytes() for path in files}
        message, printed = Path(folder) / "message", Path(folder) / "printed"
        for number in range(count):
            path = chance.choice(files)
            path.write_bytes(mutate(contents[path], chance))
            message.write_text("")
            code = in_copy(lambda: read(target, message), printed, SECONDS)
            text = printed.read_text(errors="replace")
            outcome = verdict(code, message.read_text(), text)
            outcomes[outcome] += 1
            examples.setdefault(outcome, f"trial {number}, {path.name}: {code} {message.read_text()}{text[-500:]}")
            path.write_bytes(contents[path])
    return outcomes, examples


def main(given: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("formats", nargs="*", default=list(FORMATS))
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(given)
    load_modules(options.formats)
    for name in options.formats:
        outcomes, examples = trials(name, options.trials, options.seed)
        bad = {outcome: examples[outcome] for outcome in BAD if outcome in outcomes}
        print(json.dumps({"format": name, "outcomes": dict(outcomes), "bad": bad}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
