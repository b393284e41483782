"""JSON bodies in and out."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.reference_node.problems import Refused

_U64_TEXT = re.compile(r"0|[1-9][0-9]{0,19}", re.ASCII)
_U64_MAX = 2**64 - 1


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a request carries; raises Refused (400) for anything else."""
    try:
        value = json.loads(body.decode("utf-8"))
        # Proves what reading lets through: NaN and lone surrogates can't be written as JSON text.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise Refused(400, "bad_request", "the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "bad_request", "the body is not a JSON object")
    return value


def write_json(value: Any, *, numbers: bool = False) -> bytes:
    """Return a JSON value as UTF-8; `numbers` turns strings that look like a u64 into numbers."""
    shown = _with_numbers(value) if numbers else value
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_numbers(inner) for inner in value]
    if isinstance(value, str) and _U64_TEXT.fullmatch(value) and int(value) <= _U64_MAX:
        return int(value)
    return value
