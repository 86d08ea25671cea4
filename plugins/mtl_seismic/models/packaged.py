"""The packaged models' folders."""

from __future__ import annotations

from pathlib import Path

from mtlcore.plugin.interfaces import PackagedModel

HERE = Path(__file__).parent

DEFAULT_MTI_2D = PackagedModel("default", "mti", 2, HERE / "default-mti-2d")
DEFAULT_MTI_3D = PackagedModel("default", "mti", 3, HERE / "default-mti-3d")
DEFAULT_MTR_2D = PackagedModel("default", "mtr", 2, HERE / "default-mtr-2d")
