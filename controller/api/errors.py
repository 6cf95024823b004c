"""Errors of the API's two ends, and the one place that maps them to gRPC's codes."""

from __future__ import annotations

import grpc

from controller.api.backend import (
    BackendError,
    NotSavedError,
    SwitchUnavailableError,
    UnknownPeerError,
)

ERROR_KEY = "p4ipsec-error"
"""Trailing metadata on errors that the controller made, rather than gRPC on the way to it."""

_CODES: dict[type[BackendError], grpc.StatusCode] = {
    SwitchUnavailableError: grpc.StatusCode.UNAVAILABLE,
    UnknownPeerError: grpc.StatusCode.NOT_FOUND,
    NotSavedError: grpc.StatusCode.FAILED_PRECONDITION,
}


class ListenError(Exception):
    """The API can't listen where it should. Its text is one sentence that says what to do."""


class ApiError(Exception):
    """A call failed. Its text is one sentence, meant for the operator."""


class NotRunningError(ApiError):
    """There is no controller at the address."""


class RefusedError(ApiError):
    """The controller refused; `code` is the name of the gRPC code, such as NOT_FOUND."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def code_of(error: BackendError) -> grpc.StatusCode:
    """Return the gRPC code that stands for an error of the controller."""
    return _CODES.get(type(error), grpc.StatusCode.FAILED_PRECONDITION)
