"""How pages and listings look at a prompt and in a notebook: escaped, bounded, and nothing is fetched for it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, SecretStr

from ron import Page, Resource, RonClient, RonClientSync, server
from ron.testing import MemoryNode, stored


class Thing(Resource, path="/app/things"):
    id: str = server()
    name: str
    hidden: str = Field(default="not shown", repr=False)
    secret: SecretStr = SecretStr("s3cret")


Wide: Any = type(
    "Wide",
    (Resource,),
    {"__annotations__": {"id": str, **{f"f{n}": "int" for n in range(20)}}, "__module__": __name__},
    path="/app/wide",
)


def filled(count: int) -> MemoryNode:
    """A node with so many things, named as attackers are."""
    node = MemoryNode(Thing)
    node.add(*(stored(Thing, id=f"t-{n}", name=f"<script>{n}") for n in range(count)))
    return node


def test_a_page_shows_its_first_items() -> None:
    """``repr`` has the count, whether more pages follow, and the first items, each cut."""
    with RonClientSync(transport=filled(5)) as client:
        things = client.objects(Thing)
        text = repr(things.list(page_size=4).page())
        assert text.startswith(
            "<Page of 4 items, more pages follow: Thing(id='t-0', name='<script>0', secret=SecretStr"
        )
        assert text.endswith(", …>")
        assert 2 == text.count("Thing(id='t-1'") + text.count("Thing(id='t-2'")
        assert "t-3" not in text
        assert "<Page of 0 items, last page>" == repr(things.list(name="none").page())
    assert len(repr(Page(["x" * 1000] * 9))) < 400


def test_a_page_is_a_table() -> None:
    """A column for each field that ``repr`` shows, everything escaped, no secret."""
    with RonClientSync(transport=filled(2)) as client:
        html = client.objects(Thing).list().page()._repr_html_()
    assert "<th>id</th><th>name</th><th>secret</th></tr>" in html
    assert "<td>t-0</td><td>&lt;script&gt;0</td><td>SecretStr(&#x27;**********&#x27;)</td>" in html
    assert "<caption>2 items, last page</caption>" in html
    for text in ("<script>", "s3cret", "not shown"):
        assert text not in html


def test_tables_are_bounded() -> None:
    """Rows, columns and cells are cut, and what was cut off is counted."""
    wide = stored(Wide, id="w", **{f"f{n}": n for n in range(20)})
    html = Page([wide] * 30, "more")._repr_html_()
    assert (21, 13) == (html.count("<tr>"), html.count("<th>"))
    assert "<th>… 9 more</th>" in html
    assert "<p>… and 10 more items</p>" in html
    assert "<caption>30 items, more pages follow</caption>" in html
    assert len(Page([{"text": "x" * 100_000}])._repr_html_()) < 1000


def test_untyped_items_have_their_own_columns() -> None:
    """Mappings show their names, anything else is one column; names and values are escaped."""
    items: list[Any] = [{"a": 1, "<b>": None}, {"c": [1]}, 7]
    html = Page(items)._repr_html_()
    assert "<th>a</th><th>&lt;b&gt;</th><th>c</th><th>item</th>" in html
    assert "<td>1</td><td>None</td><td></td><td></td>" in html
    assert "<td></td><td></td><td></td><td>7</td>" in html
    assert "<tbody></tbody>" in Page([])._repr_html_()


@pytest.mark.anyio
async def test_a_listing_shows_its_query_and_fetches_nothing() -> None:
    """A listing tells what it asks for, cut and escaped; looking at it sends nothing."""
    node = filled(5)
    with RonClientSync(transport=node) as sync:
        listing = sync.objects(Thing).list(name="<b>", limit=3, page_size=2, page_token="t" * 200)
        assert "<ListingSync of Thing: name='<b>', limit=3, page_size=2, page_token='ttt" in repr(listing)
        assert len(repr(listing)) < 200
        html = listing._repr_html_()
        assert "<th>path</th><td><pre>/app/things</pre></td>" in html
        assert "<th>name</th><td><pre>&#x27;&lt;b&gt;&#x27;</pre></td>" in html
        assert "<th>page_size</th><td><pre>2</pre></td>" in html
        assert "not fetched" in html
    async with RonClient(transport=node) as client:
        assert "Listing of Thing: not fetched" in client.objects(Thing).list()._repr_html_()
    assert () == node.requests
