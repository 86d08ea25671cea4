"""Data sets on disk, whole or not at all: items of a recipe in one of three layouts, with a JSON manifest."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mtl_seismic.stochastic.draws import Array
from mtl_seismic.synth.items import generate, parameters
from mtl_seismic.synth.recipes import Recipe
from mtlcore.errors import MtlError
from mtlcore.interrupts import end_with_parent
from mtlcore.io.atomic import atomic_folder, naming_failures, reserve

Layout = Literal["reference", "npz", "memmap"]
LAYOUTS: tuple[Layout, ...] = ("reference", "npz", "memmap")
MANIFEST = "dataset.json"
FIRST_VALID_INDEX = 1_000_000_000  # so that validation items are the same however many there are for training

# The reference's name of each label, and what its values are divided by.
_REFERENCE_NAMES = {
    "rgt": ("rgt", 1.0),
    "dhr": ("dhr", 1.0),
    "fault_probability": ("fsem", 1.0),
    "fault_dip": ("fdip", 180.0),
    "fault_strike": ("fstrike", 180.0),
}


@dataclass(frozen=True)
class _Job:
    recipe: Recipe
    seed: int
    split: str
    number: int
    index: int
    refinement_inputs: bool
    layout: Layout
    directory: Path


def write_dataset(
    recipe: Recipe,
    seed: int,
    directory: str | os.PathLike[str],
    train: int,
    valid: int,
    layout: Layout = "reference",
    *,
    refinement_inputs: bool = True,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write a data set and return its directory, which appears only when it is complete.

    Training item i is `generate(recipe, seed, i)`, validation item i has index FIRST_VALID_INDEX + i. Layouts:
    "reference" (raw float32, depth fastest, angles / 180, as in data_train/0.bin and target_train/0_rgt.bin),
    "npz" (train/0.npz) and "memmap" (train/image.npy, one file for all items of a field, to be opened with
    mmap_mode="r"). Inputs of the refinement stage lie in data_train, under keys "refinement/...", or in
    train/refinement. `progress` is called with the number of items written so far. Raises FileExistsError if
    the directory exists and is not empty, ValueError for a layout that is not known.
    """
    target = Path(directory)
    _check(target, layout)
    with naming_failures(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(target, MANIFEST) as unfinished:
        jobs = [
            _Job(recipe, seed, split, number, first + number, refinement_inputs, layout, unfinished)
            for split, size, first in (("train", train, 0), ("valid", valid, FIRST_VALID_INDEX))
            for number in range(size)
        ]
        _prepare(jobs, {"train": train, "valid": valid})
        items = []
        for item in _written(jobs, workers):
            items.append(item)
            if progress:
                progress(len(items))
        manifest = _manifest(recipe, seed, layout, refinement_inputs, {"train": train, "valid": valid})
        (unfinished / MANIFEST).write_text(json.dumps(manifest | {"items": items}, indent=1))
    return target


def _check(target: Path, layout: str) -> None:
    if layout not in LAYOUTS:
        raise ValueError(f"Unknown layout {layout!r}. Known: {', '.join(LAYOUTS)}.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} exists and is not an empty directory; choose another name or remove it.")


def _manifest(
    recipe: Recipe, seed: int, layout: str, refinement_inputs: bool, sizes: Mapping[str, int]
) -> dict[str, Any]:
    options = asdict(recipe)
    return {
        "shape": options.pop("shape"),
        **sizes,
        "recipe": recipe.name,
        "options": options,
        "seed": seed,
        "layout": layout,
        "refinement_inputs": refinement_inputs,
        "units": {"fault_dip": "degree", "fault_strike": "degree"} if layout != "reference" else {},
    }


def _written(jobs: list[_Job], workers: int) -> Iterable[dict[str, Any]]:
    if workers <= 1:
        return map(_write, jobs)
    return _written_by_workers(jobs, workers)


def _written_by_workers(jobs: list[_Job], workers: int) -> Iterator[dict[str, Any]]:
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with _one_thread_per_child(), ProcessPoolExecutor(workers, context, end_with_parent) as pool:
        try:
            yield from pool.map(_write, jobs, chunksize=max(1, min(16, len(jobs) // (4 * workers))))
        except BrokenProcessPool as error:
            raise MtlError("A process that makes items was ended, perhaps for want of memory: use fewer.") from error
        except BaseException:
            # What they have in hand may take minutes, and nobody wants it any more.
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


@contextmanager
def _one_thread_per_child() -> Iterator[None]:
    """Keep the linear algebra of child processes from using all cores each: it reads these when it is loaded."""
    before = {name: os.environ.get(name) for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")}
    os.environ.update(dict.fromkeys(before, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _write(job: _Job) -> dict[str, Any]:
    """Make and write one item; return its entry in the manifest."""
    item = generate(job.recipe, job.seed, job.index, job.refinement_inputs)
    _WRITERS[job.layout](job, item)
    drawn = parameters(job.recipe, job.seed, job.index)
    return {"split": job.split, "number": job.number, "index": job.index, "parameters": drawn}


def _write_reference(job: _Job, item: Mapping[str, Array]) -> None:
    for name, values in item.items():
        *refinement, field = name.split("/")
        folder = "data" if refinement or field == "image" else "target"
        suffix, unit = ("", 1.0) if field == "image" else (f"_{_REFERENCE_NAMES[field][0]}", _REFERENCE_NAMES[field][1])
        path = job.directory / f"{folder}_{job.split}" / f"{job.number}{suffix}.bin"
        (values.T / np.float32(unit)).astype("<f4").tofile(path)


def _write_npz(job: _Job, item: Mapping[str, Array]) -> None:
    np.savez(job.directory / job.split / f"{job.number}.npz", **item)  # type: ignore[arg-type]


def _write_memmap(job: _Job, item: Mapping[str, Array]) -> None:
    for name, values in item.items():
        stored = np.load(job.directory / job.split / f"{name}.npy", mmap_mode="r+")
        stored[job.number] = values
        stored.flush()


_WRITERS: dict[Layout, Callable[[_Job, Mapping[str, Array]], None]] = {
    "reference": _write_reference,
    "npz": _write_npz,
    "memmap": _write_memmap,
}


def _prepare(jobs: list[_Job], sizes: Mapping[str, int]) -> None:
    """Make the folders, and the files that items share."""
    for job in jobs[:1]:
        for split, size in sizes.items():
            folders = [f"data_{split}", f"target_{split}"] if job.layout == "reference" else [split]
            for folder in folders:
                (job.directory / folder).mkdir()
            if job.layout == "memmap" and size:
                _allocate(job, job.directory / split, size)


def _allocate(job: _Job, folder: Path, size: int) -> None:
    labels = [name for name in _REFERENCE_NAMES if name != "fault_strike" or len(job.recipe.shape) == 3]
    names = ["image", *labels, *(f"refinement/{name}" for name in labels if job.refinement_inputs)]
    for name in names:
        path = folder / f"{name}.npy"
        path.parent.mkdir(exist_ok=True)
        np.lib.format.open_memmap(path, "w+", np.dtype("<f4"), (size, *job.recipe.shape)).flush()
        reserve(path)
