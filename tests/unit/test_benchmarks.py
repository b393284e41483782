"""The benchmarks' arithmetic and their own server: what a table says follows from what was timed."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from benchmarks import _server, goals
from benchmarks._content import CHAIN_PAGES, CHAIN_SIZE, write_content
from benchmarks._registry import NAMES, ON_REQUEST
from benchmarks._report import PAGE, Row, report, row, row_of_rates, row_of_speed, table
from benchmarks._rounds import Comparison, Contestant, compare, interleaved, spread
from benchmarks._shop import PlainPage

FOUND = Comparison(ours=0.0003, peer=0.001, ratio=0.25, low=0.2, high=0.5)


class Turns:
    """Contestants whose calls take a fixed time, on a clock that only they move."""

    def __init__(self) -> None:
        self.now = 0.0
        self.taken: list[tuple[str, int]] = []

    def clock(self) -> float:
        return self.now

    def contestant(self, name: str, seconds: float) -> Contestant:
        def turn(calls: int) -> None:
            self.taken.append((name, calls))
            self.now += seconds * calls

        return turn


def test_rounds_are_interleaved_and_rotate() -> None:
    """Every round has each contestant once, and the one that was first is last in the next."""
    turns = Turns()
    contestants = {name: turns.contestant(name, 1.0) for name in ("a", "b", "c")}
    interleaved(contestants, rounds=4, seconds=1.0, clock=turns.clock)
    order = "".join(name for name, _ in turns.taken)
    assert "abc" + "abc" + "bca" + "cab" + "abc" == order


def test_calls_fill_a_turn_and_times_are_of_one_call() -> None:
    """Whoever is faster makes more calls in a turn; times are seconds for one call, whatever their number."""
    turns = Turns()
    contestants = {"slow": turns.contestant("slow", 0.5), "quick": turns.contestant("quick", 0.125)}
    times = interleaved(contestants, rounds=2, seconds=4.0, clock=turns.clock)
    assert {"slow": [0.5, 0.5], "quick": [0.125, 0.125]} == times
    assert [("slow", 8), ("quick", 32), ("quick", 32), ("slow", 8)] == turns.taken[-4:]


def test_at_least_the_first_try_is_made() -> None:
    """Where calls come from many tasks at once, a turn is never too short for all of them to have one."""
    turns = Turns()
    interleaved({"slow": turns.contestant("slow", 10.0)}, rounds=1, seconds=1.0, first_try=32, clock=turns.clock)
    assert [("slow", 32), ("slow", 32)] == turns.taken


def test_ratios_are_made_within_rounds() -> None:
    """A round in which the machine was busy has slow times and an honest ratio: the median is of ratios."""
    times = {"ours": [1.0, 10.0, 1.0], "peer": [2.0, 20.0, 4.0]}
    found = compare(times, "ours", "peer")
    assert (1.0, 4.0, 0.5) == found[:3]
    assert (0.3, 0.5) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(
    ("values", "wanted"), [([3.0], (3.0, 3.0)), ([2.0, 1.0], (1.1, 1.9)), ([float(n) for n in range(11)], (1.0, 9.0))]
)
def test_spread_is_the_10th_and_the_90th_percentile(values: list[float], wanted: tuple[float, float]) -> None:
    """Percentiles are interpolated, in any order of the values, and a single value is both of them."""
    assert wanted == pytest.approx(spread(values))


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (row("w", "p", FOUND), "| w | p | 300 µs | 1 ms | 0.250 (0.200–0.500) |  |  |"),
        (row("w", "p", FOUND, 0.25), "| w | p | 300 µs | 1 ms | 0.250 (0.200–0.500) | ≤ 0.250 | yes |"),
        (row("w", "p", FOUND, 0.24), "| w | p | 300 µs | 1 ms | 0.250 (0.200–0.500) | ≤ 0.240 | **no** |"),
        (row_of_speed("w", "p", FOUND, 4.0), "| w | p | 300 µs | 1 ms | 4.0× (2.0×–5.0×) | ≥ 4.0× | yes |"),
        (row_of_speed("w", "p", FOUND, 4.1), "| w | p | 300 µs | 1 ms | 4.0× (2.0×–5.0×) | ≥ 4.1× | **no** |"),
        (row_of_rates("w", [0.0005], 3e3), "| w |  | 500 µs |  | 2 000/s (2 000/s–2 000/s) | ≥ 3 000/s | **no** |"),
    ],
    ids=["no goal", "time met", "time missed", "speed met", "speed missed", "rate"],
)
def test_a_row_says_whether_its_goal_is_met(one: Row, line: str) -> None:
    """A time must be at most its goal, a speed or a rate at least; without a goal nothing is claimed."""
    assert line == table([one._asdict()]).split("\n")[-1]


def test_the_table_follows_from_the_json() -> None:
    """What is written to docs can be made again from the result alone, and says what was left out."""
    figures = report("get", [row("w", "p", FOUND, 0.3)], server="s", left_out=["x"])
    again = table(json.loads(json.dumps(figures.result))["rows"])
    assert f"{again}\n\nServer: s. Left out, because not installed: x." == figures.blocks[PAGE]["get"] == figures.text


def test_every_benchmark_has_its_block_on_the_page() -> None:
    """A benchmark's table has a place in docs/performance.md: a real run must not fail at its end."""
    page = (Path(__file__).resolve().parents[2] / PAGE).read_text(encoding="utf-8")
    ours = [name for name in NAMES if name != "outage"]
    assert [] == [name for name in ours if page.count(f"<!-- benchmark: {name} -->\n") != 1]
    assert set(NAMES) >= ON_REQUEST


def test_goals_stand_once_in_their_table() -> None:
    """The table of goals has the rows of the others' results that have a goal, each of them once."""
    rows = goals.run(smoke=True, draw=False).result["rows"]
    lines = [(one["what"], one["kind"]) for one in rows]
    assert sorted(set(lines)) == sorted(lines)
    assert None not in {one["goal"] for one in rows}


def test_own_server_walks_the_chain(tmp_path: Path) -> None:
    """Where there is no nginx, the benchmarks' own server gives the same pages, the next one by its token."""
    write_content(tmp_path, sizes=(7,), events=2)
    with _server.own(tmp_path, 0.0, False) as server:

        def fetched(query: str) -> PlainPage:
            with urllib.request.urlopen(f"{server.url}/app/items?{query}", timeout=30) as answer:
                return PlainPage.model_validate_json(answer.read())

        pages = [fetched(f"page_size={CHAIN_SIZE}")]
        while pages[-1].next_page_token is not None:
            pages.append(fetched(f"page_size={CHAIN_SIZE}&page_token={pages[-1].next_page_token}"))
        assert [CHAIN_SIZE] * CHAIN_PAGES == [len(page.items) for page in pages]
        assert 7 == len(fetched("page_size=7").items)
