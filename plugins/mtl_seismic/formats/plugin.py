"""The built-in file formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtlcore.plugin.hookspecs import hookimpl

if TYPE_CHECKING:
    from mtlcore.plugin.interfaces import Format
    from mtlcore.plugin.registry import Registry


@hookimpl
def register_formats(registry: Registry[Format]) -> None:
    registry.add("mtl_seismic.formats.raw:Raw", name="raw")
    registry.add("mtl_seismic.formats.npy:Npy", name="npy")
    registry.add("mtl_seismic.formats.npz:Npz", name="npz")
    registry.add("mtl_seismic.formats.zarr_store.format:Zarr", name="zarr")
    registry.add("mtl_seismic.formats.hdf5_file.format:Hdf5", name="hdf5")
    registry.add("mtl_seismic.formats.vti.format:Vti", name="vti")
    registry.add("mtl_seismic.formats.reference:ReferenceResults", name="reference")
