"""Zarr stores: sharded arrays in a folder, readable by xarray."""
