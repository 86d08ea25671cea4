"""Volumes, the files they are kept in, and how files are written whole or not at all."""
