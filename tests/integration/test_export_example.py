"""The data job in ``examples/``: every reading in Parquet, in this process and spread over others by Dask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pyarrow.parquet
import pytest

from tests.reference_node import Node, serve

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "export_to_parquet.py"
SHARDS = 4
COUNT = 30
#: only reached when the test has failed
PATIENCE = 120


def run(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the example in that folder, with nothing of ours in the environment but what is given."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("RON_")}
    return subprocess.run(
        [sys.executable, "-W", "default", str(EXAMPLE), *arguments],
        cwd=folder,
        env={**outside, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.own_node
def test_workers_share_the_export(tmp_path: Path) -> None:
    """Each Dask worker makes a client from its environment and exports its shards; together they have every reading."""
    with serve(["readings"]) as node:
        _fill(node)
        settings = {"RON_APP_URL": node.url, "RON_SDK_ALLOW_INSECURE_HTTP": "1"}
        done = run("--workers", "2", "--out", "parts", folder=tmp_path, **settings)
        shards = {parse_qs(request.query)["shard"][0] for request in node.requests}
    assert (0, "") == (done.returncode, done.stderr)
    assert "30 readings in 4 files, by 2 processes\n" == done.stdout
    assert {str(shard) for shard in range(SHARDS)} == shards
    rows: list[dict[str, Any]] = []
    for shard in range(SHARDS):
        part = pyarrow.parquet.read_table(tmp_path / "parts" / f"readings-{shard}.parquet")
        assert ["id", "sensor", "energy", "celsius", "at"] == part.column_names
        assert {shard} == {number % SHARDS for number in part.column("energy").to_pylist()}
        rows += part.to_pylist()
    assert sorted(range(COUNT)) == sorted(row["energy"] for row in rows)


def test_the_node_in_the_process_serves_alone(tmp_path: Path) -> None:
    """Without a setting the example exports from a node of its own, and asks for a real one where it needs it."""
    done = run("--count", "1500", folder=tmp_path)
    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("1500 readings in ")
    table = pyarrow.parquet.read_table(tmp_path / "readings" / "readings.parquet")
    assert list(range(1500)) == table.column("energy").to_pylist()
    refused = run("--workers", "2", folder=tmp_path)
    assert 2 == refused.returncode
    assert "--workers needs RON_APP_URL" in refused.stderr


def _fill(node: Node) -> None:
    """Readings as a node keeps them: with the shard, which the declaration only has as a filter."""
    for number in range(COUNT):
        reading = {"sensor": f"s-{number % 3}", "energy": str(number), "at": "2026-01-01T00:00:00Z"}
        node.store.insert("readings", {**reading, "shard": number % SHARDS})
