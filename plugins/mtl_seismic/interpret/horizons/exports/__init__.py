"""Files of horizons that interpretation programs read.

Each module says what its format's columns are. Details that are known from one source, or from memory only,
are fields of ``Style`` (surface.py), so that users can change them.
"""
