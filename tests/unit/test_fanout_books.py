"""The books of a fan-out: bounded, complete, in order where that is asked for; whatever the workers' order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ron._fanout import Books, Job


@given(count=st.integers(0, 40), concurrency=st.integers(1, 6), ordered=st.booleans(), data=st.data())
def test_every_item_comes_back_once_and_few_are_in_hand(
    count: int, concurrency: int, ordered: bool, data: st.DataObject
) -> None:
    """Every result is given once, in order where asked; never more under way or in hand than allowed."""
    books: Books[int] = Books(concurrency, ordered=ordered)
    source = iter(range(count))
    under_way: list[Job] = []
    idle = in_hand = 0
    taken: list[int] = []
    while not books.over():
        while books.wants():
            number = next(source, None)
            if number is None:
                books.exhausted = True
                break
            idle += books.add(number)
            in_hand += 1
        assert in_hand <= 2 * concurrency
        for _ in range(idle):
            job = books.job()
            if job is None:
                assert not books.leave()
            else:
                under_way.append(job)
        idle = 0
        assert len(under_way) <= concurrency
        if under_way and (not books.ready() or data.draw(st.booleans())):
            done = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            books.finish(done, done.given)
            idle = 1
        elif books.ready():
            taken.append(books.take())
            in_hand -= 1
    assert list(range(count)) == (taken if ordered else sorted(taken))


def test_halting_forgets_what_was_not_begun() -> None:
    """After a halt what is under way may still come back, and then it is over."""
    books: Books[str] = Books(1, ordered=True)
    assert [True, False] == [books.add("a"), books.add("b")]
    job = books.job()
    assert job is not None
    books.halt()
    assert (None, False, False) == (books.job(), books.room(), books.over())
    books.finish(job, "done")
    assert ("done", True) == (books.take(), books.over())


def test_what_was_added_after_a_worker_left_gets_another() -> None:
    """A thread that saw no job may be gone before the consumer knows: when it does, a new one is started."""
    books: Books[str] = Books(1, ordered=True)
    assert books.add("a")
    job = books.job()
    assert job is not None
    assert books.job() is None  # the worker has looked again, and goes
    assert not books.add("b")  # the consumer still counts it
    assert books.leave()
    assert (1, "b") == books.job()


def test_nobody_gets_a_job_after_a_stop() -> None:
    """``stop`` is seen by the next that asks, before the consumer has heard of it."""
    books: Books[str] = Books(1, ordered=True)
    books.add("a")
    books.stop()
    assert books.job() is None
    assert not books.over()
    books.halt()
    assert books.over()
