"""A module that cannot be imported, because its declaration is wrong."""

from __future__ import annotations

from ron import Resource


class Wrong(Resource, path="/app/things", fcaet=None):
    id: str
