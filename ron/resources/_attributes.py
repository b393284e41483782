"""``Item.objects`` and ``Item.objects_sync``: from a class to its manager. Nothing here may do I/O.

The managers are loaded when one is first asked for: a program that only declares need not wait for what calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import RonConfigError

if TYPE_CHECKING:
    from ._model import Resource
    from .manager import Manager
    from .manager_sync import ManagerSync

__all__ = ["ManagerAttribute", "ManagerSyncAttribute"]

R = TypeVar("R", bound="Resource")


class ManagerAttribute:
    """What ``Item.objects`` is: on the class a manager, on an instance an error that says so."""

    def __get__(self, instance: None, owner: type[R]) -> Manager[R]:
        from .manager import Manager

        _check_on_class(instance, owner, "objects")
        return Manager(owner)


class ManagerSyncAttribute:
    """What ``Item.objects_sync`` is."""

    def __get__(self, instance: None, owner: type[R]) -> ManagerSync[R]:
        from .manager_sync import ManagerSync

        _check_on_class(instance, owner, "objects_sync")
        return ManagerSync(owner)


def _check_on_class(instance: object, owner: type[Any], attribute: str) -> None:
    if instance is not None:
        raise RonConfigError(
            f"{attribute} belongs to the class: write {owner.__name__}.{attribute}, not through one of its objects"
        )
