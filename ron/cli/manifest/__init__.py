"""``ron manifest``: from declarations to files, and whether nodes make of these what was meant."""

from __future__ import annotations
