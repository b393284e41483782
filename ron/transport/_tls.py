"""One SSLContext for all lanes of a channel, made when the first of them needs it (it takes some 40 ms); and what a
handshake agreed on.
"""

from __future__ import annotations

import os
import ssl
from typing import Any, Optional, Union

from ron.errors import RonConfigError
from ron.transport._protocol import TlsInfo

__all__ = ["Trust", "agreed"]


class Trust:
    """What a channel trusts: True is the system's store, a string the path of a PEM bundle, or a context as it is.

    A system without any certificate authority (a slim container) falls back to certifi's, which httpx brings along.

    Raises:
        RonConfigError: if the bundle can't be read, which is tried at once, or if ``verify`` is False.
    """

    __slots__ = ("_context", "_verify")

    def __init__(self, verify: Union[bool, str, ssl.SSLContext]) -> None:
        if verify is False:
            raise RonConfigError(
                "verify=False would send the token to anybody: give the path of the node's CA bundle instead"
            )
        self._verify = verify
        self._context: Optional[ssl.SSLContext] = None
        if isinstance(verify, str):
            self._context = _of_bundle(verify)
        elif isinstance(verify, ssl.SSLContext):
            self._context = verify

    def context(self) -> ssl.SSLContext:
        """The context, always the same one."""
        if self._context is None:
            self._context = _of_system()
        return self._context


def agreed(tls: Any) -> Optional[TlsInfo]:
    """What the handshake of an ``SSLSocket`` or ``SSLObject`` agreed on; None if there is no such object any more."""
    if tls is None:
        return None
    cipher = tls.cipher()
    group = getattr(tls, "group", None)  # Python 3.15
    return TlsInfo(tls.version(), cipher[0] if cipher else None, group() if group is not None else None)


def _of_bundle(path: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        reason = "it holds no certificate in PEM form"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise RonConfigError(
        f"verify={path!r} can't be used: {reason}; give the path of a CA bundle (PEM), or True for the system's store"
    )


def _of_system() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if _is_empty(context):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _is_empty(context: ssl.SSLContext) -> bool:
    """Whether the system has no store: no bundle was loaded, and there is no folder to look certificates up in."""
    if context.cert_store_stats()["x509_ca"]:
        return False
    folder = ssl.get_default_verify_paths().capath
    return folder is None or not os.listdir(folder)
