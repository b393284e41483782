"""The goals in one table, from the results of the benchmarks that were run last. Measures nothing itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks._registry import NAMES, Figures
from benchmarks._report import PAGE, table

__all__ = ["run"]

RESULTS = Path(__file__).resolve().parent / "results"


def run(*, smoke: bool, draw: bool) -> Figures:
    """See ``benchmarks._registry.Benchmark``."""
    del smoke, draw
    places = {name: RESULTS / f"{name}.json" for name in NAMES if name != "goals"}
    found = [json.loads(path.read_text(encoding="utf-8")) for path in places.values() if path.exists()]
    rows = [row for result in found for row in result.get("rows", []) if row["goal"] is not None]
    machines = [result["machine"] for result in found if "machine" in result]
    text = table(rows)
    if machines:
        text += f"\n\n{_sentence(machines[0])}"
    return Figures({"rows": rows}, text, {}, {PAGE: {"goals": text}})


def _sentence(machine: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    return (
        f"Measured with {machine['python']} on {machine['system']}, {machine['cores']} cores of "
        f"{machine['processor']}; {libraries}."
    )
