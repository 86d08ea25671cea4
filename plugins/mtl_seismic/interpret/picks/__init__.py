"""Horizons and faults picked by hand: kept with a result in one small file, picks.json."""

from mtl_seismic.interpret.picks.model import PickedFault, PickedHorizon, Picks, parse
from mtl_seismic.interpret.picks.store import FILE, Store, read_picks

__all__ = ["FILE", "PickedFault", "PickedHorizon", "Picks", "Store", "parse", "read_picks"]
