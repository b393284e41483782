"""``ClientConfig``: everything a client can be told, from arguments or from the environment (seed §4)."""

from __future__ import annotations

import os
import re
import ssl
from typing import TYPE_CHECKING, Any, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator

from ._redaction import LONGEST_SHOWN
from ._secrets import bare, checked_token, hidden
from ._suggest import did_you_mean, listed, shown
from ._url import parse_base_url
from .errors import RonConfigError
from .logging_ import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ENVIRONMENT", "ClientConfig", "check_left_out"]

DEFAULT_URL = "http://127.0.0.1:8080"
MAX_MS = 24 * 3600 * 1000
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_FACET_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")

#: the base URL; a later one wins (seed §4.1)
URL_VARIABLES = ("RON_APP_URL", "RON_SDK_GATEWAY_ADDR")
TOKEN_VARIABLE = "RON_APP_TOKEN"  # noqa: S105 - a variable's name, no token
#: environment variable → field; ``RON_APP_TOKEN`` is read apart, because it is bound to where the URL came from.
ENVIRONMENT: Mapping[str, str] = {
    "RON_SDK_ALLOW_INSECURE_HTTP": "allow_insecure_http",
    "RON_SDK_OVERALL_TIMEOUT_MS": "overall_timeout_ms",
    "RON_SDK_CONNECT_TIMEOUT_MS": "connect_timeout_ms",
    "RON_SDK_READ_TIMEOUT_MS": "read_timeout_ms",
    "RON_SDK_WRITE_TIMEOUT_MS": "write_timeout_ms",
    "RON_SDK_MAX_RETRIES": "max_retries",
    "RON_SDK_TRANSPORT": "transport",
}
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class ClientConfig(BaseModel):
    """How a client reaches its node. Frozen; build others with :meth:`with_overrides`.

    All ``*_ms`` are milliseconds from 1 to 86 400 000. Unknown and wrong fields raise ``RonConfigError``.

    Attributes:
        base_url: the gateway's (or micronode's) URL, ``http(s)://host[:port][/path]``.
        allow_insecure_http: accept ``http://``; for local development only.
        overall_timeout_ms: the deadline of a whole call: all attempts, waits and the decoding.
        connect_timeout_ms: at most this for DNS, TCP and TLS of one attempt.
        read_timeout_ms: at most this between two reads of an answer.
        write_timeout_ms: at most this for one write of a request.
        max_retries: repeats after the first attempt, 0 to 20.
        max_concurrency: requests on the wire at once; further ones wait their turn.
        max_streams: open event streams at once; they have connections of their own.
        max_response_bytes: an answer larger than this, also after decompression, is refused.
        token: the capability; held as ``SecretStr``, never shown, left out of pickles.
        auth_scheme: the word before the token in ``Authorization``: ``Bearer``, or ``Macro`` for a micronode.
        facet_prefix: where facets are mounted: ``/app`` behind a gateway, ``/facets`` on a micronode.
        verify: True for the system's certificate authorities, a path to a CA bundle (PEM), or an ``SSLContext``.
        transport: ``default`` or ``fast``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)

    base_url: str = DEFAULT_URL
    allow_insecure_http: bool = Field(default=False, strict=True)
    overall_timeout_ms: int = Field(default=10_000, ge=1, le=MAX_MS, strict=True)
    connect_timeout_ms: int = Field(default=3_000, ge=1, le=MAX_MS, strict=True)
    read_timeout_ms: int = Field(default=7_000, ge=1, le=MAX_MS, strict=True)
    write_timeout_ms: int = Field(default=5_000, ge=1, le=MAX_MS, strict=True)
    max_retries: int = Field(default=3, ge=0, le=20, strict=True)
    max_concurrency: int = Field(default=100, ge=1, le=10_000, strict=True)
    max_streams: int = Field(default=100, ge=1, le=10_000, strict=True)
    max_response_bytes: int = Field(default=16 * 1024 * 1024, ge=1, strict=True)
    token: Optional[SecretStr] = Field(default=None, repr=False)
    auth_scheme: str = "Bearer"
    facet_prefix: str = "/app"
    verify: Union[bool, str, ssl.SSLContext] = True
    transport: str = "default"
    _token_from_env: bool = PrivateAttr(default=False)
    _token_left_out: bool = PrivateAttr(default=False)

    def __init__(self, **fields: Any) -> None:
        if "token" in fields:
            fields["token"] = hidden(fields["token"])
        refused: Optional[RonConfigError] = None
        try:
            _check_names(fields)
            super().__init__(**fields)
        except ValidationError as error:
            refused = _first_problem(error, fields)
        except RonConfigError as error:
            refused = error
        if refused is not None:
            fields.clear()  # a secret may be in there under a name that is misspelt, or as part of a URL
            raise bare(refused)

    @field_validator("token", mode="before")
    @classmethod
    def _check_token(cls, value: Any) -> Any:
        return checked_token(value, "token")

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        parse_base_url(value)
        return value

    @field_validator("auth_scheme")
    @classmethod
    def _check_auth_scheme(cls, value: str) -> str:
        if not _SCHEME.fullmatch(value):
            raise ValueError("must be one word such as 'Bearer' or 'Macro'")
        return value

    @field_validator("facet_prefix")
    @classmethod
    def _check_facet_prefix(cls, value: str) -> str:
        if not _FACET_PREFIX.fullmatch(value) or any(s in (".", "..") for s in value.split("/")):
            raise ValueError("must be a path such as '/app' or '/facets', without a trailing slash")
        return value

    @field_validator("verify", mode="before")
    @classmethod
    def _check_verify(cls, value: Any) -> Any:
        if value is False:
            raise ValueError("cannot be switched off: give the path of your CA bundle (PEM), or an ssl.SSLContext")
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if value is not True and not isinstance(value, (str, ssl.SSLContext)):
            raise ValueError("must be True, a path to a CA bundle (PEM) or an ssl.SSLContext")
        if isinstance(value, str) and not os.path.isfile(value):
            raise ValueError("names no file: give the path of a CA bundle (PEM)")
        return value

    @field_validator("transport")
    @classmethod
    def _check_transport(cls, value: str) -> str:
        if value not in ("default", "fast"):
            raise ValueError("must be 'default' or 'fast'")
        return value

    @classmethod
    def from_env(cls, env: Optional[Mapping[str, str]] = None) -> ClientConfig:
        """Reads the variables of seed §4.1 (and ``RON_SDK_*`` of docs/configuration.md); unset ones keep defaults.

        ``RON_SDK_GATEWAY_ADDR`` wins over ``RON_APP_URL``. ``env`` defaults to ``os.environ``.

        Raises:
            RonConfigError: naming the variable, its value (never the token's) and what is accepted.
        """
        given = _variables(os.environ if env is None else env)
        del env  # the bare token is in it, and a traceback can reach it
        try:
            return cls._of_variables(given)
        except RonConfigError as error:
            refused = bare(error)
        given.clear()
        raise refused

    @classmethod
    def _of_variables(cls, given: Mapping[str, Any]) -> ClientConfig:
        fields: dict[str, Any] = {}
        for variable in URL_VARIABLES:
            if variable in given:
                fields["base_url"] = given[variable]
                parse_base_url(given[variable], source=variable)
        for variable, name in ENVIRONMENT.items():
            if variable in given:
                fields[name] = _from_text(variable, name, given[variable])
        if TOKEN_VARIABLE in given:
            fields["token"] = checked_token(given[TOKEN_VARIABLE], TOKEN_VARIABLE)
        config = cls(**fields)
        config._token_from_env = "token" in fields
        return config

    def with_overrides(self, **fields: Any) -> ClientConfig:
        """A copy with some fields replaced; checked like a new one.

        ``RON_APP_TOKEN`` belongs to the URL of the environment: where ``base_url`` is replaced it is dropped, with a
        warning in the log, unless ``token`` is given as well.
        """
        if "token" in fields:
            fields["token"] = hidden(fields["token"])
        present = {name: getattr(self, name) for name in self.model_fields_set}
        left_out = self._token_left_out and "token" not in fields
        from_env = self._token_from_env and "token" not in fields
        if from_env and fields.get("base_url", self.base_url) != self.base_url:
            del present["token"]
            from_env = False
            get_logger("config").warning(
                "RON_APP_TOKEN is not used: base_url was given explicitly; give token=... with it"
            )
        try:
            config = type(self)(**{**present, **fields})
        finally:
            fields.clear()
        config._token_from_env = from_env
        config._token_left_out = left_out
        return config

    def model_copy(self, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False) -> ClientConfig:
        """Like :meth:`with_overrides`, so that a copy is checked, too."""
        del deep  # nothing in here can change
        return self.with_overrides(**(update or {}))

    def __reduce__(self) -> Any:
        """Pickles without the token, so that worker processes can rebuild a client (they get theirs their own way)."""
        fields = {name: getattr(self, name) for name in self.model_fields_set if name != "token"}
        return (_rebuild, (type(self), fields, self.token is not None or self._token_left_out))

    def __deepcopy__(self, memo: Any = None) -> ClientConfig:
        """Copies without the token, like a pickle."""
        rebuild, arguments = self.__reduce__()
        config: ClientConfig = rebuild(*arguments)
        return config

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, wherever they came from."""
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.values()))


def check_left_out(config: ClientConfig) -> None:
    """Raises ``RonConfigError`` if the configuration had a token that a pickle or deep copy has left out."""
    if config._token_left_out:
        raise RonConfigError(
            "this configuration had a token, which pickles and deep copies leave out: give token=... or "
            "token_provider=... with it, such as token=os.environ['RON_APP_TOKEN'], or to go without one make the "
            "client with config.with_overrides(token=None)"
        )


def _rebuild(cls: type[ClientConfig], fields: dict[str, Any], token_left_out: bool) -> ClientConfig:
    config = cls(**fields)
    config._token_left_out = token_left_out
    return config


def _check_names(fields: Mapping[str, Any]) -> None:
    known = ClientConfig.model_fields
    for name in fields:
        if name not in known:
            meant = did_you_mean("overall_timeout_ms" if name == "timeout" else name, known)
            raise RonConfigError(f"ClientConfig has no field {name!r}{meant}; its fields are {listed(known)}")


def _first_problem(error: ValidationError, fields: Mapping[str, Any]) -> RonConfigError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first["loc"][0])
    # Where a word is expected, something long may be "Bearer" and the token.
    secret = name == "token" or (name == "auth_scheme" and len(str(fields[name])) > LONGEST_SHOWN)
    value = "" if secret else f", not {shown(fields[name])}"
    return RonConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}{value}")


def _variables(source: Mapping[str, str]) -> dict[str, Any]:
    """Our variables, as far as they are set to something; the token is hidden already."""
    names = (*URL_VARIABLES, *ENVIRONMENT, TOKEN_VARIABLE)
    found = ((name, source.get(name)) for name in names)
    return {name: hidden(text) if name == TOKEN_VARIABLE else text for name, text in found if text}


def _from_text(variable: str, name: str, text: str) -> Any:
    field = ClientConfig.model_fields[name]
    if field.annotation is bool:
        if text.strip().lower() not in _BOOLEANS:
            raise RonConfigError(f"{variable}={shown(text)} must be 1 or 0 (true/false, yes/no, on/off)")
        return _BOOLEANS[text.strip().lower()]
    if field.annotation is int:
        low = next(m.ge for m in field.metadata if hasattr(m, "ge"))
        high = next(m.le for m in field.metadata if hasattr(m, "le"))
        if not re.fullmatch(r"[0-9]{1,10}", text.strip()) or not low <= int(text) <= high:
            raise RonConfigError(f"{variable}={shown(text)} must be a whole number from {low} to {high}")
        return int(text)
    if text not in ("default", "fast"):
        raise RonConfigError(f"{variable}={shown(text)} must be 'default' or 'fast'")
    return text
