"""Declare a service once and print the manifest that a node loads to serve it.

Run it without arguments, or with the address of the service in another environment:

    python examples/export_manifest.py http://10.0.0.7:4000/v2 > shop.toml
"""

from __future__ import annotations

import sys

from ron import U64, Facet, Resource, Route, Timestamp, server


class Shop(
    Facet,
    id="shop",
    kind="proxy",
    upstream="http://127.0.0.1:4000",
    owner="team-shop",
    version="1.2.0",
    requires_auth=True,
    max_rps=100,
    routes=[Route("/stats", upstream_path="/internal/stats")],
):
    """Catalogue and orders."""


class Item(Resource, path="/items", facet=Shop):
    """What the shop sells: everything can be done with it."""

    id: str = server()
    name: str
    price: U64 = 0
    created_at: Timestamp = server()


class OrderLine(Resource, path="/orders/{order_id}/lines", facet=Shop, operations=("get", "list", "create")):
    """One line of an order: written once, never changed."""

    id: str = server()
    order_id: str
    item_id: str
    quantity: int = 1


def main() -> None:
    """Print the manifest: the same declarations always give the same bytes."""
    manifest = Shop.manifest(upstream=sys.argv[1] if len(sys.argv) > 1 else None)
    print(manifest.to_toml(), end="")


if __name__ == "__main__":
    main()
