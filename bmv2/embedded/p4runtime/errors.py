"""How a P4Runtime request fails: one code and one sentence, or one of each for every update."""

from __future__ import annotations

from collections.abc import Sequence

from finsy.proto import p4r, rpc_status

from bmv2.embedded.p4runtime.codes import Code

ERROR_SPACE = "ALL-sswitch-p4org"
"""The error space that bmv2 names in its ``p4.v1.Error`` messages."""


class P4RuntimeError(Exception):
    """A request, one update of it, or a stream that is refused.

    Attributes:
        code: The canonical code.
        message: What is wrong, for the developer of the client.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message

    def to_status(self) -> rpc_status.Status:
        """The ``google.rpc.Status`` of a request that failed as a whole."""
        return rpc_status.Status(code=int(self.code), message=self.message)

    def to_p4_error(self) -> p4r.Error:
        """The ``p4.v1.Error`` of one update."""
        return p4r.Error(canonical_code=int(self.code), message=self.message, space=ERROR_SPACE)


class WriteError(P4RuntimeError):
    """Some updates of a Write failed (specification §12.3).

    Attributes:
        errors: One a update, in the order of the request; None where the update was done.
    """

    def __init__(self, errors: Sequence[P4RuntimeError | None]) -> None:
        failed = sum(error is not None for error in errors)
        super().__init__(Code.UNKNOWN, f"{failed} of {len(errors)} updates failed")
        self.errors = tuple(errors)

    def to_status(self) -> rpc_status.Status:
        """UNKNOWN, with one ``p4.v1.Error`` for each update of the request."""
        status = super().to_status()
        done = p4r.Error(canonical_code=int(Code.OK))
        for error in self.errors:
            status.details.add().Pack(done if error is None else error.to_p4_error())
        return status


def invalid(message: str) -> P4RuntimeError:
    """An INVALID_ARGUMENT."""
    return P4RuntimeError(Code.INVALID_ARGUMENT, message)


def unimplemented(message: str) -> P4RuntimeError:
    """An UNIMPLEMENTED."""
    return P4RuntimeError(Code.UNIMPLEMENTED, message)
