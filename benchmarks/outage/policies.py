"""The policies that are compared. ``ron``'s is not written anew here: it is ``ron._flow.perform`` itself.

The others are flows of the same effects, so that one engine runs them all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Optional

from typing_extensions import override

from ron._backoff import Budget
from ron._effects import NOW, Effect, Send
from ron._flow import TRANSIENT, Answer, perform
from ron._values import Failure, Reply
from ron.errors import RonNetworkError

if TYPE_CHECKING:
    from ron._plan import Plan
    from ron._session import Session

__all__ = ["ABLATIONS", "POLICIES", "Policy"]

Flow = Generator[Effect, Any, Answer]
Policy = Callable[["Session", "Plan"], Flow]

RETRIES = 3
FIRST_WAIT = 0.05


def ron(session: Session, plan: Plan) -> Flow:
    """What a client of this package does."""
    return perform(session, plan)


def backoff(session: Session, plan: Plan) -> Flow:
    """The retry loop that many write: up to 3 repeats, 50 ms·2^n between them; no jitter, hint, budget or deadline."""
    return _repeated(session, plan, RETRIES)


def no_retry(session: Session, plan: Plan) -> Flow:
    """One attempt."""
    return _repeated(session, plan, 0)


def ron_without_budget(session: Session, plan: Plan) -> Flow:
    """``ron``'s policy with a budget that never ends: shows which part of the effect is the budget's."""
    session.budget = _Endless()
    return perform(session, plan)


class _Endless(Budget):
    __slots__ = ()

    @override
    def take(self, cost: int) -> bool:
        return True


def _repeated(session: Session, plan: Plan, retries: int) -> Flow:
    now = yield NOW
    exchange = session.exchange(plan, "id", now)._replace(deadline=float("inf"))
    wait = 0.0
    for attempt in range(retries + 1):
        reply: Optional[Reply] = None
        with contextlib.suppress(Failure):
            reply = yield Send(exchange, None, wait, False)
        if reply is not None and reply.status not in TRANSIENT:
            return Answer(reply, "id", attempt + 1)
        wait = FIRST_WAIT * 2.0**attempt
    raise RonNetworkError("all attempts failed", attempts=retries + 1)


POLICIES: Mapping[str, Policy] = {"ron": ron, "plain back-off": backoff, "no retry": no_retry}
ABLATIONS: Mapping[str, Policy] = {"ron without its budget": ron_without_budget}
