"""A data job: every reading of a node into Parquet, in flat memory; with --workers, spread over processes by Dask.

    python examples/export_to_parquet.py --count 1000000
    RON_APP_URL=https://node.example RON_APP_TOKEN=... python examples/export_to_parquet.py --workers 4

The first serves itself from a node in this process, unless RON_APP_URL names a real one. The second needs a real one,
which other processes can reach. Needs the extra `arrow`, and dask for --workers.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Any, Optional

import pyarrow.parquet

from ron import U32, U64, ManagerSync, Resource, RonClientSync, Timestamp, server
from ron.testing import MemoryNode, stored

SHARDS = 4


class ReadingFilters:
    """What readings can be filtered by beyond their own fields."""

    shard: U32  # the node spreads its readings over shards 0 to SHARDS - 1


class Reading(Resource, path="/app/readings", filters=ReadingFilters, operations=("get", "list")):
    """What a sensor has measured."""

    id: str = server()
    sensor: str
    energy: U64
    celsius: Optional[float] = None
    at: Timestamp


def export(readings: ManagerSync[Reading], target: Path, shard: Optional[int] = None) -> int:
    """Writes readings, of one shard or all, to a Parquet file; returns how many. One batch is held at a time."""
    listing = readings.list(page_size=1000) if shard is None else readings.list(page_size=1000, shard=shard)
    batches = listing.to_arrow(batch_size=10_000)
    rows = 0
    with pyarrow.parquet.ParquetWriter(target, batches.schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


def export_shard(folder: str, shard: int) -> int:
    """One worker's part. A client doesn't travel between processes, so each makes its own from the environment."""
    with RonClientSync.from_env() as client:
        return export(client.objects(Reading), Path(folder) / f"readings-{shard}.parquet", shard)


def spread(folder: Path, workers: int) -> int:
    """The same export as one task a shard, on so many processes."""
    dask: Any = importlib.import_module("dask")  # only needed here; it says that it is typed, and isn't
    tasks = [dask.delayed(export_shard)(str(folder), shard) for shard in range(SHARDS)]
    return sum(dask.compute(*tasks, scheduler="processes", num_workers=workers))


def filled_node(count: int) -> MemoryNode:
    """A node in this process with so many readings."""
    node = MemoryNode(Reading)
    for n in range(count):
        node.add(
            stored(Reading, id=f"r-{n}", sensor=f"s-{n % 100}", energy=n, celsius=n % 40, at="2026-01-01T00:00:00Z")
        )
    return node


def peak_mib() -> Optional[float]:
    """The most memory that this process ever had, in MiB; None where Python can't tell (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Exports as the arguments say, and tells rows, seconds and memory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=5000, help="readings that the node in this process has")
    parser.add_argument("--workers", type=int, default=0, help="processes to spread over; 0 does it in this one")
    parser.add_argument("--out", type=Path, default=Path("readings"), help="the folder to write to")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    real = "RON_APP_URL" in os.environ
    if arguments.workers and not real:
        parser.error("--workers needs RON_APP_URL: other processes can't reach a node in this one")
    if arguments.workers:
        rows = spread(arguments.out, arguments.workers)
        print(f"{rows} readings in {SHARDS} files, by {arguments.workers} processes")
        return
    with RonClientSync.from_env() if real else RonClientSync(transport=filled_node(arguments.count)) as client:
        before, started = peak_mib(), time.monotonic()
        rows = export(client.objects(Reading), arguments.out / "readings.parquet")
        print(f"{rows} readings in {time.monotonic() - started:.1f} s")
        after = peak_mib()
        if before is not None and after is not None:
            print(f"memory: at most {after - before:.0f} MiB more than the {before:.0f} MiB before")


if __name__ == "__main__":
    # Dask names what a worker is to run by its module, and `__main__` is another one there: this file, imported, isn't.
    importlib.import_module(Path(__file__).stem).main()
