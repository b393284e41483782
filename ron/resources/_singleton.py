"""``Singleton``: a resource of which there is one, without a key. Nothing here may do I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import RonConfigError
from ._model import Resource

__all__ = ["Singleton"]


class Singleton(Resource):
    """Base of resources of which there is one: ``class Settings(Singleton, path="/app/settings")``.

    It is a :class:`Resource` declared with ``singleton=True``; as a base it also tells type checkers that ``get``,
    ``update``, ``modify`` and ``delete`` take no key.
    """

    if not TYPE_CHECKING:

        @classmethod
        def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
            if not keywords.get("singleton", True):
                raise RonConfigError(f"class {cls.__name__}: a Singleton has singleton=True: derive it from Resource")
            if "path" in keywords:
                keywords["singleton"] = True
            super().__pydantic_init_subclass__(**keywords)
