"""The canary: everything that can be reached from an object, searched for a token in any of its forms.

What counts as a leak: a *plain* ``str`` or ``bytes`` (bytearray, memoryview, buffer) that holds twelve or more
characters of the token in a row, as they are, in Base64, percent-encoded or escaped, and that can be reached from the
object without passing through a ``SecretStr``. The client itself may be reached, and everything that it has open:
sockets' buffers, parsers, event loop; only the ``SecretStr`` in its middle is where the token is allowed to be.

The walk ends at modules, classes, the globals of functions, weak references, and the frames of the tests, whose
variables hold the token on purpose. Frames of ``ron`` and of all libraries are searched, and not only those of the
traceback: also those of generators, coroutines and tasks that wait.
"""

from __future__ import annotations

import base64
import copy
import gc
import io
import json
import pickle
import traceback
import types
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import SecretStr

__all__ = ["TOKEN", "WINDOW", "Walk", "holds", "leaks", "leaks_of_error", "needles", "walk"]

WINDOW = 12
#: Holds what is escaped somewhere: by JSON, in URLs, by the standard alphabet of Base64.
TOKEN = "Qx7~uV/k2+Zt9\"wB&c=4%Lm>e8Jr?Hn1'Ys;Gf5\\Pd_6-TaRb3Nw8Xk5Cj0Ty6Wo"

TESTS = str(Path(__file__).resolve().parents[1])
_OPAQUE: tuple[type, ...] = (types.ModuleType, type, types.CodeType, types.WrapperDescriptorType, SecretStr)
_OPAQUE += (weakref.ReferenceType, weakref.ProxyType, weakref.WeakSet)
_ATOMS = (int, float, complex, bool, type(None), type(Ellipsis), range, slice)
#: the test runner, which knows this module's variables
_RUNNERS = ("_pytest", "pluggy", "coverage")


def needles(token: str) -> frozenset[str]:
    """Every run of twelve characters of everything that stands for the token."""
    raw = token.encode("ascii")
    forms = {token, quote(token, safe=""), quote(token), json.dumps(token)[1:-1], repr(token)[1:-1]}
    forms |= {form.replace("/", "\\/") for form in tuple(forms)}
    forms.add("".join(f"\\u{ord(c):04x}" for c in token))
    forms.add("".join(f"%{ord(c):02x}" for c in token))
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw)
        inner = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6].decode("ascii")
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return frozenset(form[at : at + WINDOW] for form in forms for at in range(max(1, len(form) - WINDOW + 1)))


_NEEDLES = needles(TOKEN)
_CLEAN: set[str] = set()


def holds(text: str) -> bool:
    """Whether a text holds a part of the canary."""
    if text in _CLEAN:
        return False
    found = any(text[at : at + WINDOW] in _NEEDLES for at in range(len(text) - WINDOW + 1))
    if not found and len(text) < 500:
        _CLEAN.add(text)
    return found


class Walk(NamedTuple):
    """What a walk saw: how many objects, and by which ways it came to the token."""

    objects: int
    leaks: list[str]


def walk(root: object, *, but: Iterable[object] = ()) -> Walk:
    """Searches all that can be reached from ``root``, except by way of the objects in ``but``."""
    known: dict[int, tuple[Any, int, str]] = {id(one): (one, 0, "") for one in but}
    known[id(root)] = (root, 0, type(root).__name__)
    pending: list[Any] = [root]
    found: list[str] = []
    count = 0
    while pending:
        one = pending.pop()
        count += 1
        text = _text(one)
        if text is not None:
            if len(text) >= WINDOW and holds(text):
                found.append(_path(one, known))
            if not isinstance(one, memoryview):
                continue
        for name, other in _parts(one):
            if id(other) not in known and not isinstance(other, _ATOMS):
                known[id(other)] = (other, id(one), name)
                pending.append(other)
    return Walk(count, found)


def _text(one: object) -> str | None:
    """What a string or buffer says; None for anything else."""
    if isinstance(one, str):
        return str.__str__(one)
    if isinstance(one, (bytes, bytearray)):
        return bytes(one).decode("latin-1")
    if isinstance(one, memoryview):
        try:
            return one.tobytes().decode("latin-1")
        except ValueError:
            return ""  # released
    if isinstance(one, io.BytesIO):
        return "" if one.closed else one.getvalue().decode("latin-1")
    return None


def _parts(one: Any) -> Iterator[tuple[str, Any]]:
    """What an object leads to, by name."""
    if isinstance(one, _OPAQUE) or type(one).__module__.partition(".")[0] in _RUNNERS:
        return
    if isinstance(one, types.FrameType):
        if not one.f_code.co_filename.startswith(TESTS):
            yield from ((f"<{one.f_code.co_name}>.{name}", value) for name, value in one.f_locals.items())
        return
    if isinstance(one, types.TracebackType):
        yield from (("frame", one.tb_frame), ("next", one.tb_next))
        return
    if isinstance(one, types.FunctionType):
        yield from (("closure", one.__closure__), ("defaults", one.__defaults__), ("kwdefaults", one.__kwdefaults__))
        yield ("attributes", one.__dict__)
        return
    if isinstance(one, (types.BuiltinFunctionType, types.MethodWrapperType)):
        yield ("self", one.__self__)
        return
    for name in ("gi_frame", "cr_frame", "ag_frame", "gi_yieldfrom", "cr_await", "ag_await"):
        if isinstance(one, (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)) and hasattr(one, name):
            yield (name, getattr(one, name))
    if isinstance(one, BaseException):
        yield from (("cause", one.__cause__), ("context", one.__context__), ("traceback", one.__traceback__))
        yield from (("args", one.args), ("notes", getattr(one, "__notes__", None)))
    if isinstance(one, dict):
        for key, value in list(one.items()):
            yield ("key", key)
            yield (f"[{str(key)[:40]!r}]", value)
    for other in gc.get_referents(one):
        if not isinstance(other, types.FrameType):  # a generator's own is opened above
            yield ("", other)
    for cls in type(one).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            # Objects whose values the collector does not know (a str in a slot is one) are asked by name.
            if isinstance(cls.__dict__.get(name), types.MemberDescriptorType) and hasattr(one, name):
                yield (f".{name}", getattr(one, name))


def _path(one: object, known: dict[int, tuple[Any, int, str]]) -> str:
    names: list[str] = []
    at = id(one)
    while at in known:
        value, before, name = known[at]
        names.append(f"{name or '·'}:{type(value).__name__}")
        at = before
    return " > ".join(reversed(names)) + f" = {_text(one) or ''!r:.60}"


def leaks(*roots: object, but: Iterable[object] = ()) -> list[str]:
    """Ways to the token from these objects: through references, and through what they print."""
    found = [leak for root in roots for leak in walk(root, but=but).leaks]
    for root in roots:
        found += [f"{way.__name__}({type(root).__name__})" for way in (repr, str) if holds(way(root))]
    return found


def leaks_of_error(error: BaseException) -> list[str]:
    """Ways to the token from an error: references, texts, formatted tracebacks with variables, pickles and copies."""
    found = leaks(error)
    for name, text in _texts(error):
        if holds(text):
            found.append(name)
    copied = copy.deepcopy(error)
    found += [f"deepcopy: {leak}" for leak in walk(copied).leaks]
    data = pickle.dumps(error, protocol=0)
    found += ["pickle"] * holds(data.decode("latin-1"))
    found += [f"pickle: {leak}" for leak in walk(pickle.loads(pickle.dumps(error))).leaks]
    return found


def _texts(error: BaseException) -> Iterator[tuple[str, str]]:
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in whole.stack:
        if not frame.filename.startswith(TESTS):
            yield from ((f"local {frame.name}.{name}", value) for name, value in (frame.locals or {}).items())
    yield ("traceback", "".join(whole.format_exception_only()))
    yield ("vars", repr(vars(error)))
    yield ("args", repr(error.args))
