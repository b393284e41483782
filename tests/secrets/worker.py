"""What a worker process does with a configuration that was sent to it; imported there by name."""

from __future__ import annotations

import os
from typing import Any

from ron import ClientConfig, RonClientSync, RonConfigError

__all__ = ["call"]


def call(config: ClientConfig, way: str) -> Any:
    """Rebuilds a client and calls its node: with the token of the environment, of a provider, or with none."""
    ways: dict[str, dict[str, Any]] = {
        "environment": {"token": os.environ.get("CANARY_TOKEN")},
        "provider": {"token_provider": lambda: os.environ["CANARY_TOKEN"]},
        "none": {},
    }
    try:
        with RonClientSync(config=config, **ways[way]) as client:
            return client.get("/app/hello")
    except RonConfigError as error:
        return str(error)
