"""The outage simulation's model: what its node, its policies and its figures do, so that they can be believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.__main__ import RESULTS, main
from benchmarks._registry import load, with_block
from benchmarks.outage.measures import Tally, percentile
from benchmarks.outage.node import EPOCH, Node
from benchmarks.outage.policies import POLICIES
from benchmarks.outage.scenarios import BASE, SCENARIOS, Scenario, small
from benchmarks.outage.world import simulate
from ron._backoff import retry_hint
from ron._flow import perform
from ron._values import Failure, Reply
from ron.errors import RonNetworkError
from ron.testing import FakeClock
from tests.unit.rig import OK, Player, lost, make_session, plan, reply

DAYS = {day.name: day for day in SCENARIOS}
BACKOFF, NO_RETRY, RON = POLICIES["plain back-off"], POLICIES["no retry"], POLICIES["ron"]
#: one server that needs about 0.01 s for a request
NODE = replace(BASE, clients=100, call_rate=1.0, network=0.0, refusal_cost=0.5, hint_ms=1500)


def crowd(scenario: Scenario) -> Scenario:
    """The day as it stands, with a tenth of the clients."""
    return replace(scenario, clients=100)


# --- The node ---------------------------------------------------------------------------------


def test_node_serves_at_its_capacity_in_order() -> None:
    """A thousand requests at once are answered one after the other, at the node's capacity."""
    node = Node(replace(NODE, queue=60.0), "1")
    answers = [node.arrive(0.0) for _ in range(1000)]
    times = [when for when, _ in answers]
    assert sorted(times) == times
    assert 10.0 == pytest.approx(times[-1], rel=0.1)
    assert {200} == {answer.status for _, answer in answers if isinstance(answer, Reply)}


def test_node_refuses_beyond_its_queue_and_pays_for_it() -> None:
    """A request that would wait longer than the queue is answered 503 at once, with the hint, and costs its share."""
    node = Node(NODE, "1")
    answers = [node.arrive(0.0) for _ in range(200)]
    served = [when for when, answer in answers if isinstance(answer, Reply) and answer.status == 200]
    refused = [(when, answer) for when, answer in answers if isinstance(answer, Reply) and answer.status == 503]
    assert 200 == len(served) + len(refused)
    assert 0.2 == pytest.approx(max(served), abs=0.1)
    assert {0.0} == {when for when, _ in refused}
    assert b'"retry_after_ms":1500' in refused[0][1].body
    free = Node(replace(NODE, refusal_cost=0.0, queue=60.0), "1")
    dear = Node(replace(NODE, queue=0.0), "1")
    for one in (free, dear):
        one.arrive(0.0)
    for _ in range(100):
        dear.arrive(0.0)
    assert 0.5 == pytest.approx(dear._free_at - free._free_at)  # 100 refusals of half a hundredth


def test_node_that_is_down_refuses_or_names_the_end() -> None:
    """In the bad phase a node refuses connections, or names the second of its end; outside of it, it serves."""
    refusing, restarting = (Node(replace(NODE, down=how), "1") for how in ("refuse", "date"))
    _, failure = refusing.arrive(40.0)
    assert isinstance(failure, Failure)
    assert not failure.sent
    _, answer = restarting.arrive(40.0)
    assert isinstance(answer, Reply)
    assert (503, 50.0) == (answer.status, retry_hint(answer, None, EPOCH + 40.0))
    for moment in (29.9, 90.0):
        _, served = refusing.arrive(moment)
        assert isinstance(served, Reply)
        assert 200 == served.status


# --- The policies -----------------------------------------------------------------------------


def test_ron_is_not_written_anew() -> None:
    """The policy called `ron` is the generator that clients run."""
    clock = FakeClock()
    flow = RON(make_session(clock), plan())
    assert perform.__code__ is getattr(flow, "gi_code", None)
    flow.close()


def test_plain_backoff_waits_without_jitter() -> None:
    """The rival repeats three times after 50, 100 and 200 ms, and then gives up."""
    player = Player(lost(), reply(503), reply(429), reply(500))
    player.fail(BACKOFF(make_session(player.clock), plan()), RonNetworkError)
    assert [0.0, 0.05, 0.1, 0.2] == player.waits


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_every_policy_stops_at_an_answer(name: str) -> None:
    """A good answer ends the call at the first attempt."""
    player = Player(OK)
    assert 1 == player.run(POLICIES[name](make_session(player.clock), plan())).attempts


def test_no_retry_makes_one_attempt() -> None:
    """Without retries there is one attempt."""
    player = Player(reply(503))
    player.fail(NO_RETRY(make_session(player.clock), plan()), RonNetworkError)
    assert 1 == len(player.sends)


# --- The world --------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_figures() -> None:
    """A run repeats with its seed, and is another one with another seed."""
    first, again, other = (simulate(small(DAYS["sheds"]), RON, seed) for seed in ("1", "1", "2"))
    assert vars(first) == vars(again)
    assert first.attempts != other.attempts


def test_load_is_that_of_first_attempts() -> None:
    """As many calls begin as the scenario says, whatever becomes of them; every one of them ends."""
    day = crowd(DAYS["down"])
    day = replace(day, bad_load=1.3)
    tallies = [simulate(day, policy) for policy in POLICIES.values()]
    assert all(tallies[0].begun == tally.begun for tally in tallies)
    assert 1.3 == pytest.approx(sum(tallies[0].begun[30:90]) / 60 / day.capacity, rel=0.05)
    assert 0.7 == pytest.approx(sum(tallies[0].begun[90:210]) / 120 / day.capacity, rel=0.05)
    for tally in tallies:
        bad = sum(tally.begun[30:90])
        assert bad == len(tally.success_times) + len(tally.error_times)


def test_nobody_sends_more_than_the_budget_allows() -> None:
    """In a total outage at most 35 repeats leave each client of `ron`, and three repeats a call leave the other."""
    day = replace(small(DAYS["down"]), call_rate=20.0)
    ron, plain = simulate(day, RON), simulate(day, BACKOFF)
    bad = slice(int(day.bad_begins), int(day.bad_ends))
    assert 35 * day.clients == pytest.approx(sum(ron.attempts[bad]) - sum(ron.begun[bad]), abs=day.clients)
    assert 3.9 < sum(plain.attempts[bad]) / sum(plain.begun[bad]) <= 4.0


def test_an_abandoned_request_still_takes_capacity() -> None:
    """A node that queues serves what nobody waits for any more: without that, no retry would do no harm."""
    day = crowd(DAYS["queues"])
    summary = simulate(day, NO_RETRY).summary()
    assert summary.goodput < 0.5
    assert 2.0 == summary.error_p50  # the timeout
    assert summary.recovery is not None
    assert 20.0 < summary.recovery < 40.0  # 10 s of queue run down to 2 s with 30 % of the capacity


def test_only_the_plain_loop_keeps_a_queueing_node_down() -> None:
    """After the overload, repeats of what timed out keep the queue full for good, unless a budget ends them."""
    day = crowd(DAYS["queues"])
    assert simulate(day, BACKOFF).summary().recovery is None
    assert simulate(day, RON).summary().recovery is not None


# --- The figures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad_seconds", "expected"),
    [([], 0.0), ([90, 91], 2.0), ([95], 6.0), ([60, 89], 0.0), ([209], None)],
)
def test_recovery_is_when_the_last_bad_second_is_over(bad_seconds: list[int], expected: object) -> None:
    """Recovery is counted to the second after which no second is bad; it never came if the last one was bad."""
    tally = Tally(BASE)
    for second in range(int(BASE.ends)):
        for number in range(200):
            tally.began(second + 0.5)
            succeeded = not (second in bad_seconds and number < 4)  # 98 %
            tally.ended(second + 0.5, second + 0.6, succeeded=succeeded)
    assert expected == tally.summary().recovery


def test_percentiles_are_nearest_ranks() -> None:
    """The percentile of n values is one of them; of none it is nothing."""
    assert (3, 5, None) == (
        percentile([5, 1, 2, 3, 4], 0.5),
        percentile([5, 1, 2, 3, 4], 0.99),
        percentile([], 0.5),
    )


# --- The command ------------------------------------------------------------------------------


def test_a_smoke_run_works_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m benchmarks --smoke outage` runs it, prints its figures and leaves the results alone."""
    before = {path: path.stat().st_mtime_ns for path in RESULTS.glob("*")}
    assert 0 == main(["--smoke", "outage"])
    printed = capsys.readouterr().out
    assert ["==> outage"] == [line for line in printed.splitlines() if line.startswith("==>")]
    assert before == {path: path.stat().st_mtime_ns for path in RESULTS.glob("*")}


def test_an_unknown_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is none is told, with those that are."""
    with pytest.raises(SystemExit):
        main(["outrage"])
    assert "there is no benchmark 'outrage'; there are: " in capsys.readouterr().err
    with pytest.raises(KeyError):
        load("outrage")


def test_a_block_of_a_page_is_replaced() -> None:
    """A table takes the place of the one that stands in the page; a page without that block is an error."""
    page = (
        "a\n<!-- benchmark: x -->\nold\nold\n<!-- /benchmark -->\nb\n<!-- benchmark: y -->\nold\n<!-- /benchmark -->\n"
    )
    assert page.replace("old\nold", r"\1 new") == with_block(page, "x", r"\1 new")
    with pytest.raises(KeyError):
        with_block(page, "z", "new")
