"""One gRPC connection to a P4Runtime server: calls with deadlines, and the stream.

On gRPC and finsy's generated messages directly. finsy's own `P4Client` and `Switch` don't do for
key material and for a fast reconnection: they log whole messages at debug level, wait 10 s after
a failure, and keep no bound on what they send.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import TypeAlias

import grpc
from finsy.grpcutil import GRPCCredentialsTLS
from finsy.proto import U128, p4r, p4r_grpc, rpc_status
from google.protobuf.message import DecodeError

from controller.p4runtime.errors import P4RuntimeError, SwitchUnavailableError

CALL_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0  # seconds: a switch can hold tens of thousands of entries
PIPELINE_TIMEOUT = 60.0  # seconds: a target may have to load hardware
OUTGOING_LIMIT = 1024
"""Stream messages that wait to be sent at most."""

_MAX_MESSAGE = 64 * 1024 * 1024  # bytes: a program, or all entries of a table
_MAX_METADATA = 1024 * 1024  # bytes: where gRPC puts the errors of a batch
_DETAILS = "grpc-status-details-bin"

_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    ("grpc.max_metadata_size", _MAX_METADATA),
    ("grpc.absolute_max_metadata_size", _MAX_METADATA),
    # A new connection must not inherit the back-off of the one before it.
    ("grpc.use_local_subchannel_pool", 1),
    # The switch, not a proxy on the way.
    ("grpc.enable_http_proxy", 0),
)


_StreamCall: TypeAlias = (
    "grpc.aio.StreamStreamCall[p4r.StreamMessageRequest, p4r.StreamMessageResponse]"
)


class CallError(P4RuntimeError):
    """A call that the switch answered with an error. `code` is the gRPC code's name.

    `status` has the details of a Write, one a update, where the switch gave them.
    """

    def __init__(self, code: str, message: str, status: rpc_status.Status | None = None) -> None:
        super().__init__(f"{message or 'no reason given'} ({code})")
        self.code = code
        self.message = message
        self.status = status


_UNAVAILABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNAUTHENTICATED,
        # "Not the primary": who is gets told on the stream.
        grpc.StatusCode.PERMISSION_DENIED,
    }
)


class P4RuntimeClient:
    """A connection; opened by the first call, and of no use once it has failed.

    Attributes:
        election_id: of the last bid.
        is_pushing: whether the switch has been given a program, and it is not known yet that it
            lives with it: bmv2 answers first, and then loads it. Whoever knows sets it to False.
    """

    def __init__(
        self, address: str, device_id: int, credentials: GRPCCredentialsTLS | None = None
    ) -> None:
        """Prepare a connection.

        Args:
            address: ``host:port``, or ``unix:`` and a path.
            device_id: of the switch.
            credentials: for TLS; None: plain text.

        Raises:
            OSError: a certificate can't be read.
        """
        options = list(_OPTIONS)
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options=options)
        else:
            if credentials.target_name_override:
                options.append(
                    # grpc's own stubs want one type for all values
                    ("grpc.ssl_target_name_override", credentials.target_name_override)  # type: ignore[arg-type]
                )
            self._channel = grpc.aio.secure_channel(
                address, credentials.to_client_credentials(), options=options
            )
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._device_id = device_id
        self._outgoing: asyncio.Queue[p4r.StreamMessageRequest] = asyncio.Queue(OUTGOING_LIMIT)
        self.election_id = 0
        self.is_pushing = False
        self._call: _StreamCall | None = None
        self._ended = asyncio.Event()

    async def finish(self) -> None:
        """Send what is waiting, say that this was all, and wait until the switch has read it."""
        await self._outgoing.join()
        if self._call is not None:
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await self._call.done_writing()
                await self._ended.wait()

    async def close(self) -> None:
        """End the connection and all calls."""
        await self._channel.close()

    # --- the stream -----------------------------------------------------------------------

    async def stream(self) -> AsyncIterator[p4r.StreamMessageResponse]:
        """Open the stream and yield what the switch says.

        Raises:
            CallError: the switch ended the stream with an error.
            SwitchUnavailableError: the connection failed, or the switch ended the stream.
        """
        call = self._stub.StreamChannel()
        self._call = call
        sender = asyncio.create_task(self._send_outgoing(call))
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise _translate(error) from None
        finally:
            sender.cancel()
            call.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self._ended.set()
        raise SwitchUnavailableError("UNAVAILABLE", "the switch closed the stream")

    def send(self, message: p4r.StreamMessageRequest) -> bool:
        """Send a message on the stream; False if too many are waiting, and it was dropped."""
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    def bid(self, election_id: int) -> None:
        """Ask to be the primary controller."""
        self.election_id = election_id
        update = p4r.MasterArbitrationUpdate(
            device_id=self._device_id, election_id=U128.encode(election_id)
        )
        self.send(p4r.StreamMessageRequest(arbitration=update))

    async def _send_outgoing(self, call: _StreamCall) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                await call.write(message)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return  # the call is over, and who reads from it gets told why
            self._outgoing.task_done()

    # --- calls ----------------------------------------------------------------------------

    async def ping(self, timeout: float) -> None:  # noqa: ASYNC109 - it goes to the server
        """Have any answer from the switch within `timeout` seconds.

        Raises:
            SwitchUnavailableError: there is none.
        """
        try:
            await self._stub.Capabilities(p4r.CapabilitiesRequest(), timeout=timeout)
        except grpc.aio.AioRpcError as error:
            translated = _translate(error)
            if isinstance(translated, SwitchUnavailableError):
                raise translated from None

    async def get_p4info(self) -> p4r.ForwardingPipelineConfig | None:
        """Return the P4Info and the cookie of what the switch runs; None if it runs nothing.

        Raises:
            CallError, SwitchUnavailableError: the call failed.
        """
        request = p4r.GetForwardingPipelineConfigRequest(
            device_id=self._device_id,
            response_type=p4r.GetForwardingPipelineConfigRequest.P4INFO_AND_COOKIE,
        )
        try:
            response = await self._stub.GetForwardingPipelineConfig(request, timeout=CALL_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND):
                return None
            raise _translate(error) from None
        return response.config if response.config.HasField("p4info") else None

    async def set_pipeline(self, config: p4r.ForwardingPipelineConfig) -> None:
        """Make the switch run a program; its entries are gone then.

        Raises:
            CallError, SwitchUnavailableError: the call failed.
        """
        request = p4r.SetForwardingPipelineConfigRequest(
            device_id=self._device_id,
            election_id=U128.encode(self.election_id),
            action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT,
            config=config,
        )
        self.is_pushing = True
        try:
            await self._stub.SetForwardingPipelineConfig(request, timeout=PIPELINE_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            failure = _translate(error)
            self.is_pushing = isinstance(failure, SwitchUnavailableError)
            raise failure from None

    async def write(self, updates: Iterable[p4r.Update]) -> None:
        """Write a batch; the switch goes on after an error.

        Raises:
            CallError: updates were refused; `status` says which, where the switch says so.
            SwitchUnavailableError: what was written is not known.
        """
        request = p4r.WriteRequest(
            device_id=self._device_id,
            election_id=U128.encode(self.election_id),
            updates=updates,
            atomicity=p4r.WriteRequest.CONTINUE_ON_ERROR,
        )
        try:
            await self._stub.Write(request, timeout=CALL_TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise _translate(error) from None

    async def read(self, entities: Iterable[p4r.Entity]) -> list[p4r.Entity]:
        """Return what the switch holds of these wildcards.

        Raises:
            CallError, SwitchUnavailableError: the call failed.
        """
        request = p4r.ReadRequest(device_id=self._device_id, entities=entities)
        found: list[p4r.Entity] = []
        try:
            async for response in self._stub.Read(request, timeout=READ_TIMEOUT):
                found.extend(response.entities)
        except grpc.aio.AioRpcError as error:
            raise _translate(error) from None
        return found


def _translate(error: grpc.aio.AioRpcError) -> CallError | SwitchUnavailableError:
    code = error.code()
    message = error.details() or ""
    if code in _UNAVAILABLE:
        return SwitchUnavailableError(code.name, message or "no answer")
    status = None
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            with suppress(DecodeError):
                status = rpc_status.Status.FromString(value)
    return CallError(code.name, message, status)
