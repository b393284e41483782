"""A service of many tenants in front of a node: FastAPI, typed CRUD, one client and one capability a tenant.

    export RON_APP_URL=https://gateway.example
    export SHOP_CAPABILITIES='{"acme": "…", "globex": "…"}'
    uvicorn --factory examples.service.app:from_env

`test_app.py` beside this file tests it on memory nodes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import Annotated, Optional

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request

from ron import U64, ClientConfig, Draft, Facet, Manager, Patch, Resource, RonClient, RonError, Timestamp, server
from ron.contrib import Tenants
from ron.contrib.asgi import RonMiddleware
from ron.contrib.fastapi import ron_error_handler, ron_objects


class Shop(Facet, id="shop", kind="proxy", upstream="http://127.0.0.1:4000", idempotent=True):
    """Catalogue and orders; the service behind it honours Idempotency-Key."""


class Item(Resource, path="/items", facet=Shop):
    """Something to sell."""

    id: str = server()
    name: str
    status: str = "new"
    price: U64 = 0  # in cents
    created_at: Timestamp = server()


async def current_tenant(request: Request, x_tenant: Annotated[str, Header()]) -> str:
    """The tenant of a request: a header that our own proxy sets once it knows who asks, and takes from others."""
    if x_tenant not in request.app.state.tenants:
        raise HTTPException(403, "no such tenant")
    return x_tenant


Items = Annotated[Manager[Item], Depends(ron_objects(Item, tenant=current_tenant))]


def create_app(clients: Tenants, tenants: Collection[str]) -> FastAPI:
    """The application, for these tenants; tests give it clients of memory nodes."""
    app = FastAPI(title="shop")
    app.state.tenants = tenants
    app.add_middleware(RonMiddleware, clients=clients)
    app.add_exception_handler(RonError, ron_error_handler)
    app.include_router(router)
    return app


router = APIRouter()


@router.get("/healthz")
async def health() -> str:
    """Of this service; it asks no node, which may serve the other tenants well."""
    return "ok"


@router.post("/items", status_code=201)
async def create(draft: Draft[Item], items: Items, idempotency_key: Annotated[Optional[str], Header()] = None) -> Item:
    """Puts something up for sale."""
    return await items.create(draft, idempotency_key=idempotency_key)


@router.get("/items")
async def find(
    items: Items, status: Optional[str] = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[Item]:
    """What is for sale."""
    wanted = {} if status is None else {"status": status}
    return await items.list(wanted, limit=limit).all()


@router.get("/items/{key}")
async def read(key: str, items: Items) -> Item:
    """One item."""
    return await items.get(key)


@router.patch("/items/{key}")
async def change(key: str, patch: Patch[Item], items: Items) -> Item:
    """Changes what is given, and leaves the rest."""
    return await items.update(key, patch)


@router.delete("/items/{key}", status_code=204)
async def delete(key: str, items: Items) -> None:
    """Takes an item off."""
    await items.delete(key)


def from_env() -> FastAPI:
    """The application as it is deployed: one node, and a capability a tenant."""
    config, capabilities = ClientConfig.from_env(), json.loads(os.environ["SHOP_CAPABILITIES"])
    return create_app(Tenants(lambda tenant: RonClient(config=config, token=capabilities[tenant])), capabilities)
