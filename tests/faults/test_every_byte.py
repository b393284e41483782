"""A canonical exchange, cut at every byte of the request and of the answer, with FIN and with RST."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, NamedTuple

import pytest

from ron.errors import RonError, RonOutcomeUnknownError
from ron.testing import FakeClock
from tests.faults.callers import Caller, Session
from tests.faults.calls import CALLS, COARSER, FRAMINGS, Call, framed
from tests.faults.node import Cut, ScriptedNode, Step
from tests.faults.table import Expected, ends_itself, expected, is_whole
from tests.transport.conformance.adapters import on_a_socket

HOWS = ("fin", "rst")


class Stride(NamedTuple):
    """Every which byte of the request and of the answer is cut at; the last ones always."""

    request: int = 1
    answer: int = 1


EVERY = Stride()
#: By adapter, where the first attempt is cut. `LanesTransport` is ours to the last byte; of those over httpx, which
#: share their code, one stands for the others.
FIRST = {"lanes": EVERY, "httpx-transport": Stride(7, 1)}
#: On the wire this is "create with a key of the caller", which is cut at every byte.
LIKE_ANOTHER = "create where keys are honoured"
#: Where all attempts are cut.
ALL = {"lanes": Stride(29, 3), "httpx-transport": Stride(61, 13)}
OTHERS = Stride(127, 29)


@pytest.fixture
def node() -> Iterator[ScriptedNode]:
    """A node that cuts."""
    with ScriptedNode() as opened:
        yield opened


callers = pytest.mark.parametrize("caller", on_a_socket(), indirect=True)


class SameIds(FakeClock):
    """Gives the same ids and keys to every call, so that all calls of a bench send the same bytes."""

    def token_hex(self) -> str:
        return "7" * 32


class Bench:
    """One call, by one transport, against one node; what it sends when nothing is wrong is known.

    ``every``: every attempt is to be cut. Where calls use up the retry budget, or may meet a connection that the last
    one ended, each gets a client of its own; otherwise all share one, and mostly begin on the connection that the last
    one ended on.
    """

    def __init__(self, caller: Caller, node: ScriptedNode, call: Call, *, every: bool = False) -> None:
        self.caller = caller
        self.node = node
        self.call = call
        self.every = every
        self.retries = 1 if every else 3
        self._config = caller.config(node.port, max_retries=self.retries)
        self._reuses_closed = "closed idle" in caller.gaps
        self._alone = every or call.conditional or self._reuses_closed
        self._shared = ExitStack()
        with self._open() as session:
            self.result = self._end(session, [self._good(call.answer)])
        assert not isinstance(self.result, RonError), self.result
        self.request = node.arrivals[0].data

    def __enter__(self) -> Bench:
        if not self._alone:
            self._session = self._shared.enter_context(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._shared.close()

    def check(self, cut: Cut) -> None:
        """Cuts there and asserts that everything is as the table says."""
        if not self._alone:
            self._check(self._session, cut)
            return
        with self._open() as session:
            self._check(session, cut)

    def _open(self) -> AbstractContextManager[Session]:
        return self.caller.open(self._config, SameIds())

    def _good(self, answer: bytes) -> Step:
        # Where FIN is what ends an answer, a good one is cut, too.
        end = Cut("answer", len(answer), "fin")
        return Step(answer, None if ends_itself(answer) else end)

    def _end(self, session: Session, steps: list[Step]) -> Any:
        call = self.call
        items, subject = session.client.objects(call.resource), None
        if call.prepare is not None:
            self.node.play([Step(call.before)])
            subject = session.end_of(call.prepare, items)
            assert not isinstance(subject, RonError), subject
        self.node.play(steps)
        return session.end_of(call.make, items, subject)

    def _check(self, session: Session, cut: Cut) -> None:
        call, request = self.call, self.request
        carried_out = cut.way == "answer" or cut.at == len(request)
        wanted = expected(
            call,
            whole=is_whole(call.answer, cut),
            sent=True,  # the node cuts when bytes of the request are there
            carried_out=carried_out,
            every=self.every,
            retries=self.retries,
        )
        bad, again = Step(call.answer, cut), call.again if carried_out else None
        end = self._end(session, [bad] * (1 + self.retries) if self.every else [bad, self._good(again or call.answer)])
        self._check_end(end, wanted)
        arrived = request[: cut.at] if cut.way == "request" else request
        cut_ones = wanted.attempts if self.every else 1
        assert [arrived] * cut_ones + [request] * (wanted.attempts - cut_ones) == [
            each.data for each in self.node.arrivals
        ]
        assert wanted.attempts == len({each.connection for each in self.node.arrivals})
        busy, _, waiting = session.books()
        assert (0, 0) == (busy, waiting)
        if wanted == Expected(None, 1) and not self._reuses_closed:
            self._check_not_reused(session)

    def _check_end(self, end: Any, wanted: Expected) -> None:
        call = self.call
        assert wanted.error is (type(end) if isinstance(end, RonError) else None), end
        if wanted.error is None:
            assert self.result == end
            return
        assert wanted.attempts == end.attempts
        text = str(end)
        assert text.startswith(f"{call.method} /app/i")
        assert f"X-Request-Id: {end.request_id}\r\n".encode() in self.request
        if isinstance(end, RonOutcomeUnknownError):
            assert f"Idempotency-Key: {end.idempotency_key}\r\n".encode() in self.request
            assert not end.timed_out
            if end.problem is None:
                key = f"look before you repeat it, or repeat it with idempotency_key={end.idempotency_key!r}"
                assert text.endswith(key)
            else:
                assert "read the object again and compare" in text

    def _check_not_reused(self, session: Session) -> None:
        """The connection that ended behind a whole answer is not taken for the next call, which can't be repeated."""
        used = self.node.arrivals[0].connection
        self.node.wait_cut(used)
        create = CALLS["create"]
        self.node.play([Step(create.answer)])
        end = session.end_of(create.make, session.client.objects(create.resource), None)
        assert not isinstance(end, RonError), end
        assert [True] == [used != each.connection for each in self.node.arrivals]


def cuts(bench: Bench, stride: Stride, ways: tuple[str, ...] = ("request", "answer")) -> Iterator[Cut]:
    """The places, in those ways, with both ends."""
    sizes = {"request": len(bench.request), "answer": len(bench.call.answer)}
    for way in ways:
        size, step = sizes[way], getattr(stride, way) * COARSER
        for at in range(size + 1):
            if at % step == 0 or at >= size - 1:
                for how in HOWS:
                    yield Cut(way, at, how)


@callers
@pytest.mark.parametrize("name", CALLS)
def test_the_first_attempt_is_cut(caller: Caller, node: ScriptedNode, name: str) -> None:
    """Wherever the first attempt's connection ends: a repeat where one is allowed, else an unknown outcome."""
    with Bench(caller, node, CALLS[name]) as bench:
        stride = FIRST.get(caller.name, OTHERS)
        for cut in cuts(bench, Stride(7, stride.answer) if name == LIKE_ANOTHER and stride == EVERY else stride):
            bench.check(cut)


@callers
@pytest.mark.parametrize("name", CALLS)
def test_every_attempt_is_cut(caller: Caller, node: ScriptedNode, name: str) -> None:
    """Wherever every attempt's connection ends: one error after as many attempts as are allowed."""
    with Bench(caller, node, CALLS[name], every=True) as bench:
        for cut in cuts(bench, ALL.get(caller.name, OTHERS)):
            bench.check(cut)


@callers
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", ["get", "create"])
def test_other_framings_are_cut(caller: Caller, node: ScriptedNode, name: str, framing: str) -> None:
    """An answer in chunks, zipped or both is whole at its last byte and not before."""
    with Bench(caller, node, framed(CALLS[name], framing)) as bench:
        for cut in cuts(bench, FIRST.get(caller.name, OTHERS), ("answer",)):
            bench.check(cut)
