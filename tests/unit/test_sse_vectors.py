"""The event stream vectors, under every way of cutting them, and what the vectors don't look at.

``tests/vectors/sse/vectors.json`` holds streams with what a WHATWG reader must deliver: ``chunks``
are latin-1 strings, one character a byte; ``expect`` the events; ``final`` the state afterwards.
"""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ron._sse import Event, SSEDecoder
from ron.errors import RonParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "sse" / "vectors.json").read_text(encoding="utf-8")
)
ALL_SPLITS_UP_TO = 300
SAMPLED_SPLITS = 100
RANDOM_CUTS = 50


def read(chunks: Iterable[bytes]) -> dict[str, Any]:
    """What a decoder makes of these chunks, in the vectors' shape."""
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return {
        "expect": [event._asdict() for event in events],
        "final": {
            "last_event_id": decoder.last_event_id,
            "reconnection_time_ms": decoder.retry_ms,
        },
    }


def given(vector: dict[str, Any]) -> list[bytes]:
    """The vector's chunks as bytes."""
    return [chunk.encode("latin-1") for chunk in vector["chunks"]]


def expected(vector: dict[str, Any]) -> dict[str, Any]:
    """The part of a vector that ``read`` returns."""
    return {"expect": vector["expect"], "final": vector["final"]}


def two_way_splits(raw: bytes) -> Iterator[int]:
    """Where to cut in two: everywhere, or in long streams around line ends and here and there."""
    if len(raw) <= ALL_SPLITS_UP_TO:
        yield from range(len(raw) + 1)
        return
    near = {at + d for at, byte in enumerate(raw) if byte in b"\r\n" for d in (-1, 0, 1, 2)}
    rng = random.Random(len(raw))
    yield from rng.sample(sorted(at for at in near if 0 <= at <= len(raw)), min(len(near) // 2, 60))
    yield from (rng.randrange(len(raw)) for _ in range(SAMPLED_SPLITS))


def random_cuts(raw: bytes, rng: random.Random) -> list[bytes]:
    """The same bytes in a random number of pieces, some of them perhaps empty."""
    cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(rng.randrange(1, 12)))
    return [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)])]


every_vector = pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])


def test_the_vectors_are_there() -> None:
    """The file holds all the vectors it came with, each under a name of its own."""
    assert 71 == len({vector["name"] for vector in VECTORS})


@every_vector
def test_a_vector_as_given(vector: dict[str, Any]) -> None:
    """A vector's chunks give its events and its final state."""
    assert expected(vector) == read(given(vector))


@every_vector
def test_a_vector_byte_by_byte(vector: dict[str, Any]) -> None:
    """The same bytes one at a time give the same."""
    raw = b"".join(given(vector))
    assert expected(vector) == read(raw[at : at + 1] for at in range(len(raw)))


@every_vector
def test_a_vector_in_two(vector: dict[str, Any]) -> None:
    """The same bytes cut in two, anywhere, give the same."""
    raw = b"".join(given(vector))
    for at in two_way_splits(raw):
        assert expected(vector) == read([raw[:at], raw[at:]]), f"cut at byte {at}"


@every_vector
def test_a_vector_in_random_pieces(vector: dict[str, Any]) -> None:
    """The same bytes in seeded random pieces, empty ones included, give the same."""
    raw = b"".join(given(vector))
    rng = random.Random(vector["name"])
    for _ in range(RANDOM_CUTS):
        pieces = random_cuts(raw, rng)
        assert expected(vector) == read(pieces), f"cut as {[len(piece) for piece in pieces]}"


def test_an_event_is_dispatched_at_its_cr() -> None:
    """A CR ends the blank line at once; the LF that then comes belongs to it and ends nothing."""
    decoder = SSEDecoder()
    first = Event("message", "a", "", None)
    assert [first] == decoder.feed(b"data:a\r\n\r")
    assert [] == decoder.feed(b"")
    assert [] == decoder.feed(b"\n")
    assert [] == decoder.feed(b"data:b\r")
    assert [Event("message", "b", "", None)] == decoder.feed(b"\n\n")


def test_a_lf_is_swallowed_only_right_after_a_cr() -> None:
    """Of two LFs after a CR the second one ends a line of its own, in one chunk or in two."""
    decoder = SSEDecoder()
    assert [] == decoder.feed(b"data:a\r")
    assert [Event("message", "a", "", None)] == decoder.feed(b"\n\n")
    assert [] == decoder.feed(b"data:b\r")
    assert [] == decoder.feed(b"\n")
    assert [Event("message", "b", "", None)] == decoder.feed(b"\n")


def test_an_id_without_data_is_committed_by_its_blank_line() -> None:
    """A block with an id and no data is no event, yet the id is where to resume from."""
    decoder = SSEDecoder()
    assert [] == decoder.feed(b"id: 7\n")
    assert "" == decoder.last_event_id
    assert [] == decoder.feed(b"\n")
    assert "7" == decoder.last_event_id


def test_retry_belongs_to_its_block() -> None:
    """An event carries its own block's retry only; the reconnection time stays."""
    decoder = SSEDecoder()
    events = decoder.feed(b"retry: 5\n\ndata: a\n\nretry: 6\nretry: x\ndata: b\n\n")
    assert [None, 6] == [event.retry for event in events]
    assert 6 == decoder.retry_ms


def test_comments_are_counted() -> None:
    """Comment lines give no event, but the counter tells that something came."""
    decoder = SSEDecoder()
    assert 0 == decoder.comments
    assert [] == decoder.feed(b":\n: heartbeat\r:")
    assert 2 == decoder.comments
    assert [] == decoder.feed(b"\n\n")
    assert 3 == decoder.comments


def test_an_event_is_a_frozen_value() -> None:
    """An event can't be changed, has no dictionary, compares by value and pickles."""
    event = Event("added", "{}", "7", None)
    with pytest.raises(AttributeError):
        event.data = "changed"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(event, "__dict__")
    (decoded,) = SSEDecoder().feed(b"event: added\nid: 7\ndata: {}\n\n")
    assert Event is type(decoded)
    assert event == decoded == pickle.loads(pickle.dumps(decoded))


def test_json_data() -> None:
    """The data is read as one JSON value, however many lines it came in."""
    (event,) = SSEDecoder().feed(b'data: {"a":\ndata: [1, null, "\xc3\xa9"]}\n\n')
    assert {"a": [1, None, "é"]} == event.json_data()


@pytest.mark.parametrize(
    "data",
    ["", "s3cret", '{"s3cret": ', "NaN", "[Infinity]", '{"a": 1} s3cret', "[" * 5000, '"\ud800"'],
    ids=["empty", "text", "truncated", "nan", "infinity", "surplus", "deep", "surrogate"],
)
def test_json_data_that_is_none(data: str) -> None:
    """What is not JSON is a RonParseError that names the event, quotes nothing, chains nothing."""
    with pytest.raises(RonParseError, match="event of type 'modified' is not JSON") as caught:
        Event("modified", data, "7", None).json_data()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_long_event_name_is_cut_in_the_message() -> None:
    """A message stays short whatever the server calls its events."""
    with pytest.raises(RonParseError) as caught:
        Event("x" * 100_000, "", "", None).json_data()
    assert len(str(caught.value)) < 300
