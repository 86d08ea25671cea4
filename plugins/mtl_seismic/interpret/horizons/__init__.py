"""Horizons: surfaces of equal relative geological time (RGT), and volumes flattened along them."""

from mtl_seismic.interpret.horizons.extraction import Horizon, extract_horizons

__all__ = ["Horizon", "extract_horizons"]
