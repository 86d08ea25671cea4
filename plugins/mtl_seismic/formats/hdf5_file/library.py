"""The package h5py."""

from __future__ import annotations

from typing import Any

from mtlcore.errors import MtlError

CACHE = 64_000_000
"""Bytes of chunks that HDF5 keeps; its own default holds a single one."""


def import_h5py() -> Any:
    """The package h5py; MtlError where it is not installed."""
    try:
        import h5py
    except ImportError:
        raise MtlError('HDF5 files need the package h5py, not installed here: pip install "mtlcore[hdf5]".') from None
    return h5py
