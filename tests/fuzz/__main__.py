"""``python -m tests.fuzz [NAME …] [--seconds N | --runs N] [--seed N]``: looks for inputs that break a parser.

With atheris installed (``pip install -e ".[fuzz]"``) the search is led by coverage; without it the seeded mutator goes
on for as long, and says so. An input that breaks a target is printed, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

NAMES = "sse problem page gzip_body meter retry_after base_url redaction manifest".split()


def main() -> int:
    """Runs the targets that were named, one after another; the number of those that broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=0, help="for each target; 10 if nothing is given")
    parser.add_argument("--runs", type=int, default=0, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not (given.seconds or given.runs):
        given.seconds = 10
    led = importlib.util.find_spec("atheris") is not None
    if given.in_this_process:
        [name] = given.names
        _with_atheris(name, given.seconds, given.runs, given.seed)
    if not led:
        print("atheris is not installed: the seeded mutator runs, which knows nothing of coverage", flush=True)
    broken = 0
    for name in given.names or NAMES:
        if led:
            limits = ["--seconds", str(given.seconds), "--runs", str(given.runs), "--seed", str(given.seed)]
            command = [sys.executable, "-m", "tests.fuzz", name, *limits, "--in-this-process"]
            failed = subprocess.run(command, check=False).returncode != 0
        else:
            failed = _with_mutator(name, given.seconds, given.runs, given.seed)
        broken += failed
    return 1 if broken else 0


def _with_mutator(name: str, seconds: int, runs: int, seed: int) -> bool:
    from tests.fuzz.mutate import mutations
    from tests.fuzz.targets import TARGETS

    target = TARGETS[name]
    stop = time.monotonic() + seconds if seconds else float("inf")
    count = 0
    for data in islice(mutations(target.seeds, seed), runs or None):
        try:
            target.run(data)
        except BaseException:
            print(f"{name}: broken by {data!r}", flush=True)
            raise
        count += 1
        if time.monotonic() >= stop:
            break
    print(f"{name}: {count} runs, none of them broke it", flush=True)
    return False


def _with_atheris(name: str, seconds: int, runs: int, seed: int) -> None:
    """Does not return: libFuzzer ends the process."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["ron"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    print(f"{name}: led by coverage", flush=True)
    with contextlib.ExitStack() as folders:
        folder = Path(folders.enter_context(tempfile.TemporaryDirectory()))
        for number, sample in enumerate(target.seeds):
            (folder / str(number)).write_bytes(sample)
        options = [f"-seed={seed}", f"-artifact_prefix={folder}/", "-max_len=4096", "-rss_limit_mb=1024", "-timeout=20"]
        options += [f"-max_total_time={seconds}"] if seconds else []
        options += [f"-runs={runs}"] if runs else []
        atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", str(folder)], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
