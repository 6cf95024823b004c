"""Keys in the configuration. No message of this module holds any part of one."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from controller.config.files import MAX_KEY_FILE, read_key_file, resolve
from ike.types import Secret

_MAX_SESSION_KEY = 64  # bytes: the key of HMAC-SHA2-512


def _text(value: object) -> str:
    if isinstance(value, bool | dict | list) or value is None:
        raise ValueError("expected the key as a text")
    return str(value)


def _preshared_key(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    key = _text(value).encode()
    if not 1 <= len(key) <= MAX_KEY_FILE:
        raise ValueError(f"expected a key of 1 to {MAX_KEY_FILE:,} bytes")
    return Secret(key)


def _session_key(value: object) -> Secret:
    if isinstance(value, Secret):
        key = value.reveal()
    else:
        try:
            key = bytes.fromhex(_text(value).removeprefix("0x"))
        except ValueError:
            raise ValueError("expected the key in hexadecimal digits") from None
    if not 1 <= len(key) <= _MAX_SESSION_KEY:
        raise ValueError(f"expected a key of 1 to {_MAX_SESSION_KEY} bytes; got {len(key)} bytes")
    return Secret(key)


def _preshared_key_file(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return value
    return Secret(read_key_file(resolve(value, info)))


def _session_key_file(value: object, info: ValidationInfo) -> Secret:
    if isinstance(value, Secret):
        return _session_key(value)
    try:
        return _session_key(read_key_file(resolve(value, info)).decode("ascii"))
    except UnicodeDecodeError:
        raise ValueError("expected the file to hold the key in hexadecimal digits") from None


PresharedKey = Annotated[Secret, BeforeValidator(_preshared_key)]
PresharedKeyFile = Annotated[Secret, BeforeValidator(_preshared_key_file)]
SessionKey = Annotated[Secret, BeforeValidator(_session_key)]
SessionKeyFile = Annotated[Secret, BeforeValidator(_session_key_file)]
"""The files are read when the configuration is, so that what runs is what was checked."""
