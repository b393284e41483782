"""Every fuzz target over a bounded, seeded corpus, so that none of them can rot where atheris isn't installed."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.__main__ import NAMES
from tests.fuzz.mutate import mutations
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
RUNS = 400


def test_the_command_knows_every_target() -> None:
    """The names that the command offers are those in the table, in its order."""
    assert list(TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_mutations_of_valid_samples(name: str) -> None:
    """No mutation of a valid sample breaks a parser."""
    target = TARGETS[name]
    for data in islice(mutations(target.seeds, seed=1), RUNS):
        try:
            target.run(data)
        except Exception as error:
            raise AssertionError(f"{name} is broken by {data!r}") from error


@pytest.mark.parametrize("name", NAMES)
def test_any_bytes(name: str) -> None:
    """Bytes that Hypothesis finds don't either."""
    run = given(st.binary(max_size=200))(settings(max_examples=60)(TARGETS[name].run))
    run()


def test_mutations_repeat() -> None:
    """The same seed gives the same bytes, another one others."""
    first, again, other = (list(islice(mutations((b"abc",), seed), 50)) for seed in (1, 1, 2))
    assert first == again != other
    assert [b"", b"abc"] == first[:2]


def test_the_command_runs() -> None:
    """`python -m tests.fuzz` ends with 0 where nothing breaks, with atheris or without, and says which."""
    command = [sys.executable, "-m", "tests.fuzz", "retry_after", "--runs", "50"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert "led by coverage" in done.stdout or "the seeded mutator runs" in done.stdout
