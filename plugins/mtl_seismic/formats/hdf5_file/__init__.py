"""HDF5 files: one dataset with named axes, readable by xarray."""
