"""Actions on a memory node: the functions that a test gives it, and what it says about wrong ones."""

from __future__ import annotations

import re
from typing import Any, Optional

import pytest
from pydantic import BaseModel

from ron import (
    U64,
    Facet,
    Pages,
    Problem,
    Resource,
    RonClientSync,
    RonConfigError,
    RonConflictError,
    RonInvalidError,
    RonServerError,
    action,
    server,
)
from ron.testing import MemoryNode, stored


class Bank(Facet, id="bank", kind="proxy", upstream="http://127.0.0.1:4000", idempotent=True):
    """Honours idempotency keys."""


class Amount(BaseModel):
    amount: U64


class Account(Resource, path="/accounts", facet=Bank, order_by=True, fields=True, pages=Pages(size_param="limit")):
    id: str = server()
    balance: U64 = 0
    owner: Optional[str] = None

    deposit = action("POST", "{id}:deposit", result=Amount, body=Amount)
    close = action("POST", "{id}:close", result="self")
    audit = action("GET", "audit", result=list[str], collection=True)
    merge = action("POST", "merge", result="self", collection=True)


def deposit(account: Account, body: Amount) -> Any:
    """Adds the amount."""
    account.balance += body.amount
    return {"amount": account.balance}


def bank(**functions: Any) -> tuple[MemoryNode, Any]:
    """A node with two accounts, and a manager on it."""
    actions = {getattr(Account, name): function for name, function in functions.items()}
    node = MemoryNode(Account, actions=actions)
    node.add(stored(Account, id="a-1", balance=5), stored(Account, id="a-2", balance=10, owner="ann"))
    return node, RonClientSync(transport=node).objects(Account)


def test_a_function_changes_the_object_and_answers() -> None:
    """What it changes is kept, with a new ETag; what it returns is read as the action's result."""
    node, accounts = bank(deposit=deposit)
    before = accounts.get("a-1")
    assert Amount(amount=7) == accounts.act(Account.deposit, "a-1", Amount(amount=2))
    assert [7, 10] == [account.balance for account in node.items(Account)]
    before.owner = "bob"
    with pytest.raises(RonConflictError):
        accounts.save(before)


def test_a_watch_sees_what_an_action_changed() -> None:
    """The change is in the node's log like any other."""
    _node, accounts = bank(deposit=deposit)
    with accounts.watch() as changes:
        accounts.act(Account.deposit, "a-1", Amount(amount=2))
        assert ("modified", 7) == next((change.type, change.item.balance) for change in changes)


def test_an_idempotent_service_acts_once_a_key() -> None:
    """A lost answer is given again on the repeat, and the action is not carried out twice."""
    node, accounts = bank(deposit=deposit)
    node.lose_response()
    assert Amount(amount=7) == accounts.act(Account.deposit, "a-1", Amount(amount=2))
    assert (2, 7) == (len(node.requests), node.items(Account)[0].balance)


def test_a_function_may_refuse() -> None:
    """A `RonProblemError` that it raises is the node's answer; anything else is the test's own mistake."""

    def refuse(account: Account) -> None:
        raise RonConflictError(
            "no", problem=Problem(code="has_money", message="the account is not empty"), status_code=409
        )

    _, accounts = bank(close=refuse)
    with pytest.raises(RonConflictError, match="409 has_money: the account is not empty"):
        accounts.act(Account.close, "a-1")
    _, accounts = bank(close=lambda account: 1 // 0)
    with pytest.raises(
        RonConfigError, match=r"^the function for Account\.close given to MemoryNode raised ZeroDivision"
    ):
        accounts.act(Account.close, "a-1")


def test_an_action_without_a_function_is_a_501() -> None:
    """The message says what to give the node; the call is not repeated."""
    _node, accounts = bank()
    calls: list[tuple[Any, str]] = [
        (lambda: accounts.act(Account.deposit, "a-1", Amount(amount=1)), "deposit: lambda item, body: ..."),
        (lambda: accounts.act(Account.audit), "audit: lambda items: ..."),
    ]
    for act, arguments in calls:
        with pytest.raises(RonServerError, match=re.escape(f"actions={{Account.{arguments}}})")) as raised:
            act()
        assert (501, 1) == (raised.value.status_code, raised.value.attempts)


def test_a_collection_is_changed_through_its_list() -> None:
    """Objects that the function takes out are deleted, changed ones are kept; none can be put in."""

    def merge(accounts: list[Account]) -> Account:
        first, *rest = accounts
        first.balance += sum(account.balance for account in rest)
        del accounts[1:]
        return first

    node, accounts = bank(merge=merge, audit=lambda found: [account.id for account in found])
    assert ["a-1", "a-2"] == accounts.act(Account.audit)
    assert 15 == accounts.act(Account.merge).balance
    assert [("a-1", 15)] == [(account.id, account.balance) for account in node.items(Account)]

    _, accounts = bank(merge=lambda found: found.append(stored(Account, id="a-3")))
    with pytest.raises(RonConfigError, match=r"put an object into the list: it can change them, or take some out$"):
        accounts.act(Account.merge)


def test_what_a_function_returns_is_checked() -> None:
    """A wrong result is the test's mistake, not the client's."""
    _, accounts = bank(deposit=lambda account, body: {"amunt": 1}, merge=lambda found: None)
    with pytest.raises(RonConfigError, match=r"must return what the action declares: amount: Field required$"):
        accounts.act(Account.deposit, "a-1", Amount(amount=1))
    with pytest.raises(
        RonConfigError, match=r"^the function for Account\.merge given to MemoryNode must return an object of Account$"
    ):
        accounts.act(Account.merge)


def test_bodies_are_checked_as_the_service_would() -> None:
    """A body that is not what the action declares is a 400."""
    node, _ = bank(deposit=deposit, close=lambda account: None)
    with RonClientSync(transport=node) as client:
        with pytest.raises(RonInvalidError, match="amount: Field required"):
            client.post("/app/bank/accounts/a-1:deposit", json={})
        with pytest.raises(RonInvalidError, match=r"Account\.close takes no body"):
            client.post("/facets/bank/accounts/a-1:close", json={})


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"deposit": deposit},
            "MemoryNode(actions=...) is a mapping by action of the resources that it is given, such as ",
        ),
        ({Account.deposit: 5}, "MemoryNode(actions={Account.deposit: ...}) takes a function, not 5"),
    ],
)
def test_wrong_functions_are_refused(given: Any, text: str) -> None:
    """The node says what it takes when it is made."""
    with pytest.raises(RonConfigError, match=f"^{re.escape(text)}"):
        MemoryNode(Account, actions=given)


def test_orderings_are_by_type() -> None:
    """Numbers that travel as text are ordered as numbers; objects without a value come last, in both directions."""
    node, accounts = bank()
    node.add(stored(Account, id="a-3", balance=100, owner="bob"))
    assert [5, 10, 100] == [account.balance for account in accounts.list(order_by="balance", page_size=1)]
    for order_by, ids in (("owner", ["a-2", "a-3", "a-1"]), ("-owner", ["a-3", "a-2", "a-1"])):
        assert ids == [account.id for account in accounts.list(order_by=order_by)]


def test_what_has_no_order_is_refused() -> None:
    """Values that can't be compared are the query's mistake, not the node's."""

    class Odd(Resource, path="/app/odd", order_by=True):
        id: str
        data: dict[str, int]

    node = MemoryNode(Odd)
    node.add(stored(Odd, id="a", data={}), stored(Odd, id="b", data={}))
    with pytest.raises(RonInvalidError, match="'data' has no order"):
        RonClientSync(transport=node).objects(Odd).list(order_by="data").page()


def test_what_is_not_declared_is_refused_by_the_node_too() -> None:
    """A node that is asked otherwise than through a manager answers 400."""
    _node, accounts = bank()
    for query, text in (
        ({"order_by": "blance"}, "order_by: there is no 'blance'"),
        ({"fields": "id,nope"}, "fields: there is no 'nope'"),
        ({"page_size": 5}, "this node has no filter 'page_size'"),
        ({"limit": 0}, "limit must be a whole number of at least 1"),
        ({"page_token": "x"}, "page_token is not one of this node"),
    ):
        with pytest.raises(RonInvalidError, match=text):
            accounts.list(query=query).page()
