"""The results and the browser of tests/view."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_path = Path(__file__).parents[1] / "view" / "conftest.py"
_spec = importlib.util.spec_from_file_location("mtl_tests_view_conftest", _path)
assert _spec is not None
assert _spec.loader is not None
_view = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_view)

browser = _view.browser
make_result = _view.make_result
