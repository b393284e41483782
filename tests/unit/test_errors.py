"""The error tree: as drawn, one sentence each, safe to pickle and to catch."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import pytest

import ron
from ron import errors
from ron.errors import Problem, RonError, problem_error_class

CLASSES = {name: cls for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, RonError)}


def drawn() -> dict[str, tuple[str, str]]:
    """Class → (parent, what stands beside it), read from the tree in the module's docstring."""
    found: dict[str, tuple[str, str]] = {}
    path: list[str] = []
    for line in (inspect.getdoc(errors) or "").splitlines():
        match = re.match(r" {4}([│├└─ ]*)(Ron\w+)\s{2,}(.*)", line)
        if match:
            depth = (len(match[1]) + 1) // 4
            path[depth:] = [match[2]]
            found[match[2]] = (path[depth - 1] if depth else "Exception", match[3])
    return found


def test_the_tree_is_as_drawn() -> None:
    """The docstring's tree and the classes are the same, parent for parent."""
    assert {name: cls.__bases__[0].__name__ for name, cls in CLASSES.items()} == {
        name: parent for name, (parent, _) in drawn().items()
    }


def test_the_statuses_are_as_drawn() -> None:
    """The statuses beside a class in the drawing are the ones that raise it."""
    for name, (_, beside) in drawn().items():
        for status in re.findall(r"\b[345]\d\d\b", beside):
            assert name == problem_error_class(int(status)).__name__


@pytest.mark.parametrize("status", [300, 307, 399, 402, 408, 418, 425, 499])
def test_other_statuses_raise_the_general_class(status: int) -> None:
    """A status without a class of its own is a RonProblemError."""
    assert errors.RonProblemError is problem_error_class(status)


@pytest.mark.parametrize("status", [500, 501, 503, 599, 999])
def test_5xx_raises_the_server_error(status: int) -> None:
    """Everything from 500 on is the server's."""
    assert errors.RonServerError is problem_error_class(status)


def test_attributes_beside_a_class_exist() -> None:
    """What the drawing says an error carries, it carries."""
    for name, (_, beside) in drawn().items():
        for attribute in re.findall(r"(?<!\w)\.([a-z_]+)", beside):
            assert hasattr(CLASSES[name]("text"), attribute), f"{name}.{attribute}"


@pytest.mark.parametrize("name", sorted(set(CLASSES) - {"RonError"}))
def test_each_class_says_when_it_is_raised(name: str) -> None:
    """The first sentence of each docstring begins with "Raised"."""
    assert (inspect.getdoc(CLASSES[name]) or "").startswith("Raised ")


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_class_is_public(name: str) -> None:
    """Every error can be imported from `ron`, and is the one in `ron.errors`."""
    assert CLASSES[name] is getattr(ron, name)
    assert name in errors.__all__
    assert "ron.errors" == CLASSES[name].__module__


def filled(cls: type[RonError]) -> RonError:
    """An error with everything set that its class knows."""
    own: dict[str, Any] = {
        "idempotency_key": "k-1",
        "problem": Problem(code="c", details={"a": 1}),
        "status_code": 409,
        "cursor": "7",
        "timed_out": True,
        "result": ["x"],
    }
    error = cls("what happened", request_id="r-1", attempts=2, retry_after=1.5)
    error.checkpoint = "t-1"
    for name, value in own.items():
        if hasattr(cls("x"), name):
            setattr(error, name, value)
    return error


@pytest.mark.parametrize("cls", CLASSES.values(), ids=lambda cls: str(cls.__name__))
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_error_survives_a_pickle(cls: type[RonError], protocol: int) -> None:
    """Class, text and every attribute come back, as from a worker process."""
    error = filled(cls)
    again = pickle.loads(pickle.dumps(error, protocol))
    assert (cls, str(error), error.args) == (type(again), str(again), again.args)
    assert vars(error) == vars(again)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=lambda cls: str(cls.__name__))
def test_an_error_can_be_copied(cls: type[RonError]) -> None:
    """A copy is another object with the same attributes."""
    error = filled(cls)
    again = copy.copy(error)
    assert again is not error
    assert (vars(error), str(error)) == (vars(again), str(again))


@pytest.mark.parametrize("cls", CLASSES.values(), ids=lambda cls: str(cls.__name__))
def test_an_error_without_arguments(cls: type[RonError]) -> None:
    """Defaults say that nothing was sent, and nothing is known."""
    error = cls()
    assert ("", "") == (str(error), error.message)
    assert (None, 0, None, None) == (error.request_id, error.attempts, error.retry_after, error.checkpoint)


def test_the_message_is_the_text() -> None:
    """`message`, `str` and the argument are the same text."""
    error = RonError("what happened", attempts=1)
    assert ("what happened", "what happened", ("what happened",)) == (error.message, str(error), error.args)


def test_familiar_classes_catch_them_too() -> None:
    """An unassigned field is an AttributeError, a timeout a TimeoutError: `hasattr` and old handlers work."""
    assert issubclass(errors.RonUnassignedError, AttributeError)
    assert issubclass(errors.RonTimeoutError, TimeoutError)
    assert not issubclass(errors.RonOutcomeUnknownError, TimeoutError)


def test_a_permission_is_a_kind_of_authorisation() -> None:
    """Who catches RonAuthError catches 403 and 451 as well; a failed precondition is a conflict."""
    assert issubclass(errors.RonPermissionError, errors.RonAuthError)
    assert issubclass(errors.RonPreconditionError, errors.RonConflictError)
