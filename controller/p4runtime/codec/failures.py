"""Which updates of a Write were refused (P4Runtime §12.3)."""

from __future__ import annotations

from collections.abc import Sequence

from finsy.proto import p4r, rpc_code, rpc_status

from controller.p4runtime.entities import Update, WriteFailure

_CODE_NAMES: dict[int, str] = {int(number): name for name, number in rpc_code.Code.items()}


def decode_failures(updates: Sequence[Update], status: rpc_status.Status) -> list[WriteFailure]:
    """Return the updates of a batch that were refused, out of the status of the Write.

    Where the status does not have one error an update, all of them count as refused.
    """
    errors = decode_errors(status)
    if len(errors) != len(updates):
        code = _code_name(status.code)
        return [WriteFailure(update, code, status.message) for update in updates]
    return [
        WriteFailure(update, code, message)
        for update, (code, message) in zip(updates, errors, strict=True)
        if code != "OK"
    ]


def decode_errors(status: rpc_status.Status) -> list[tuple[str, str]]:
    """Return the code's name and the message of each update; OK is among them."""
    errors = []
    for detail in status.details:
        error = p4r.Error()
        if detail.Unpack(error):
            errors.append((_code_name(error.canonical_code), error.message))
    return errors


def _code_name(number: int) -> str:
    return _CODE_NAMES.get(number, str(number))
