"""Which tests there are: those of the fast transport only where pyreqwest can be had (Python 3.11 and newer)."""

from __future__ import annotations

import importlib.util

collect_ignore = [] if importlib.util.find_spec("pyreqwest") else ["test_fast.py"]
