"""Mutations of valid samples from a seed: the same bytes every time, and no knowledge of the code that reads them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tests.fuzz.seeds import WORDS

__all__ = ["mutations"]

LONGEST = 4096


def mutations(samples: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """The samples, then without end what one to six mutations make of them and of each other."""
    yield b""
    yield from samples
    draw = random.Random(seed)
    while True:
        data = draw.choice(samples)
        for _ in range(draw.randint(1, 6)):
            data = _mutated(data, samples, draw)
        yield data[:LONGEST]


def _mutated(data: bytes, samples: Sequence[bytes], draw: random.Random) -> bytes:
    start = draw.randint(0, len(data))
    end = min(len(data), start + draw.choice((0, 1, 1, 2, 8, len(data))))
    kind = draw.randrange(6)
    if kind == 0:
        put = draw.choice(WORDS)
    elif kind == 1:
        put = bytes(draw.randrange(256) for _ in range(draw.randint(0, 4)))
    elif kind == 2:
        put = data[start:end] * draw.randint(0, 5)
    elif kind == 3:
        other = draw.choice(samples)
        at = draw.randint(0, len(other))
        put = other[at : at + draw.randint(0, 30)]
    elif kind == 4:
        put = bytes(byte ^ (1 << draw.randrange(8)) for byte in data[start : start + 1])
        end = start + len(put)
    else:
        put = b""
    return data[:start] + put + data[end:]
