"""`wait_for`, effect by effect: one object is followed until it is as wanted."""

from __future__ import annotations

from typing import Any, Callable, Optional

import pytest

from ron import RonConfigError, RonTimeoutError
from ron.resources._operations import Scope
from ron.resources._waiting import wait_for
from tests.unit.resource_declarations import described
from tests.unit.rig import make_session, reply
from tests.watch_flow.stepper import Asleep, Ended, Idle, Stepper
from tests.watch_flow.toy import Thing, ToyNode


def waiting(node: ToyNode, predicate: Callable[[Any], Any], timeout: Optional[float] = None, key: str = "a") -> Stepper:
    """A `wait_for` under way."""
    scope = Scope(described(Thing), make_session(node.clock), {})
    return Stepper(node, wait_for(scope, key, predicate, timeout))


def is_done(item: Any) -> bool:
    """What is waited for."""
    return bool(item.status == "done")


def outcome(stepper: Stepper) -> Any:
    """What it comes to; the time that it waits for is let pass."""
    for _ in range(1000):
        found = stepper.step()
        if not isinstance(found, (Idle, Asleep)):
            return found
        assert stepper.due is not None
        stepper.wake()
    raise AssertionError("it never comes to an end")


def test_what_is_so_already_needs_no_stream() -> None:
    """One request, and no stream is opened, whether the node can stream or not."""
    node = ToyNode()
    node.put("a", status="done")
    assert "done" == outcome(waiting(node, is_done)).status
    assert ["/a"] == [what for _, what in node.requests]


def test_what_becomes_so() -> None:
    """The stream is opened, the object read once more, then its changes are followed; in the end it is closed."""
    node = ToyNode()
    node.put("a")
    stepper = waiting(node, is_done)
    assert isinstance(stepper.step(), Idle)
    assert ["/a", "/events", "/a"] == [what for _, what in node.requests]
    node.put("b", status="done")
    node.put("a", status="open")
    assert isinstance(stepper.step(), Idle)
    node.put("a", status="done")
    found = stepper.step()
    assert ("a", "done") == (found.id, found.status)
    assert Ended(None) == stepper.step()
    assert [] == node.open_streams


def test_what_becomes_so_between_the_readings() -> None:
    """A change that falls between reading and opening the stream is not missed."""
    node = ToyNode()
    node.put("a")
    answer = node._stream

    def opened(headers: dict[str, str], deadline: float) -> Any:
        node.put("a", status="done")
        return answer(headers, deadline)

    node._stream = opened  # type: ignore[method-assign]
    assert "done" == outcome(waiting(node, is_done)).status


def test_what_is_not_there_yet() -> None:
    """Is waited for as well."""
    node = ToyNode()
    stepper = waiting(node, is_done)
    assert isinstance(stepper.step(), Idle)
    node.put("a", status="done")
    assert "a" == stepper.step().id


@pytest.mark.parametrize("ids", ["one", "none"])
def test_a_lost_stream(ids: str) -> None:
    """What happens meanwhile is seen."""
    node = ToyNode(ids=ids)
    node.put("a")
    stepper = waiting(node, is_done, 60.0)
    stepper.step()
    node.put("b")
    stepper.step()
    node.cut()
    node.put("a", status="done")
    assert "done" == outcome(stepper).status


@pytest.mark.parametrize("timeout", [1.0, 5.0, 10.0, 60.0])
@pytest.mark.parametrize("how", ["refuses", "buffers"])
def test_behind_a_gateway(timeout: float, how: str) -> None:
    """Where nothing streams there is time left to poll, however short the time to wait is."""
    node = ToyNode()
    node.put("a")
    node.refuses, node.buffering = 404 if how == "refuses" else None, how == "buffers"
    stepper = waiting(node, is_done, timeout)
    while not isinstance(stepper.step(), Asleep):
        pass
    node.put("a", status="done")
    assert "done" == outcome(stepper).status
    assert timeout > node.clock.monotonic()


@pytest.mark.parametrize("how", ["streams", "refuses", "buffers", "fails"])
def test_too_late(how: str) -> None:
    """In time, with what was seen of it."""
    for there, text in (
        (True, "wait_for: Thing 'a' was seen 2 times, never as wanted within 30 seconds"),
        (False, "wait_for: Thing 'a' was never there within 30 seconds"),
    ):
        node = ToyNode()
        if there:
            node.put("a")
        node.refuses, node.buffering = 404 if how == "refuses" else None, how == "buffers"
        node.stream_faults.extend([reply(503)] * (100 if how == "fails" else 0))
        found = outcome(waiting(node, is_done, 30.0))
        assert RonTimeoutError is type(found.error)
        if how != "fails":
            assert text == found.error.message.replace("  ", " ")
        assert 29.99 <= node.clock.monotonic() <= 30.02


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_204(timeout: Optional[float]) -> None:
    """A node that won't stream to it says so; the message does not speak of time that has not passed."""
    node = ToyNode()
    node.put("a")
    node.stream_faults.append(reply(204))
    found = outcome(waiting(node, is_done, timeout))
    assert RonTimeoutError is type(found.error)
    assert "wait_for: the node ended the stream (204) before Thing 'a' was as wanted" == found.error.message


def test_predicates() -> None:
    """What is no plain function is refused with what to write."""
    node = ToyNode()
    node.put("a")
    wrong_type: Any = "done"
    with pytest.raises(RonConfigError, match="wait_for needs a function of the object"):
        waiting(node, wrong_type)

    async def wrong(item: Any) -> bool:
        return True

    found = outcome(waiting(node, wrong))
    assert "the predicate of wait_for is async: give a plain function of the object" == found.error.message
