"""Reading what interpretation programs export: horizons, fault sticks and well tops, in the files' own coordinates."""

from mtl_seismic.interpret.imports.horizons import read_horizon, read_horizons
from mtl_seismic.interpret.imports.model import HorizonPoints, Sticks, WellTop
from mtl_seismic.interpret.imports.positions import Placing
from mtl_seismic.interpret.imports.sticks import read_sticks
from mtl_seismic.interpret.imports.tops import read_tops

__all__ = ["HorizonPoints", "Placing", "Sticks", "WellTop", "read_horizon", "read_horizons", "read_sticks", "read_tops"]
