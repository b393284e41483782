"""``ron doctor``: probes in (``_probes``, the only part that acts), findings out (``_diagnose`` and what it calls)."""

from __future__ import annotations
