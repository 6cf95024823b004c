"""`P4RuntimeService` over gRPC: only carries messages, statuses and the end of streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NoReturn, TypeAlias

import grpc
from finsy.proto import p4r, p4r_grpc

from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, WriteError
from bmv2.embedded.p4runtime.service import P4RuntimeService
from bmv2.embedded.p4runtime.session import StreamSession

_STATUS_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS_KEY = "grpc-status-details-bin"

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class P4RuntimeServicer(p4r_grpc.P4RuntimeServicer):
    """The P4Runtime service of one device."""

    def __init__(self, service: P4RuntimeService) -> None:
        self._service = service
        self._stopping = False
        self._wakes: set[asyncio.Event] = set()

    def stop(self) -> None:
        """End all streams: their clients are told that the switch stops."""
        self._stopping = True
        for wake in self._wakes:
            wake.set()

    async def Capabilities(  # noqa: N802 - named by the protocol
        self, request: p4r.CapabilitiesRequest, context: _Context
    ) -> p4r.CapabilitiesResponse:
        """See `P4RuntimeService.capabilities`."""
        try:
            return self._service.capabilities(request)
        except P4RuntimeError as error:
            await _abort(context, error)

    async def Write(  # noqa: N802 - named by the protocol
        self, request: p4r.WriteRequest, context: _Context
    ) -> p4r.WriteResponse:
        """See `P4RuntimeService.write`."""
        try:
            self._service.write(request)
        except P4RuntimeError as error:
            await _abort(context, error)
        return p4r.WriteResponse()

    async def Read(  # noqa: N802 - named by the protocol
        self, request: p4r.ReadRequest, context: _Context
    ) -> AsyncIterator[p4r.ReadResponse]:
        """See `P4RuntimeService.read`."""
        # Read to the end before the first answer leaves: no write may come in between.
        responses: list[p4r.ReadResponse] = []
        failure: P4RuntimeError | None = None
        try:
            responses.extend(self._service.read(request))
        except P4RuntimeError as error:
            failure = error
        for response in responses:
            yield response
        if failure is not None:
            await _abort(context, failure)

    async def SetForwardingPipelineConfig(  # noqa: N802 - named by the protocol
        self, request: p4r.SetForwardingPipelineConfigRequest, context: _Context
    ) -> p4r.SetForwardingPipelineConfigResponse:
        """See `P4RuntimeService.set_pipeline`."""
        try:
            self._service.set_pipeline(request)
        except P4RuntimeError as error:
            await _abort(context, error)
        return p4r.SetForwardingPipelineConfigResponse()

    async def GetForwardingPipelineConfig(  # noqa: N802 - named by the protocol
        self, request: p4r.GetForwardingPipelineConfigRequest, context: _Context
    ) -> p4r.GetForwardingPipelineConfigResponse:
        """See `P4RuntimeService.get_pipeline`."""
        try:
            return self._service.get_pipeline(request)
        except P4RuntimeError as error:
            await _abort(context, error)

    async def StreamChannel(  # noqa: N802 - named by the protocol
        self, request_iterator: AsyncIterator[p4r.StreamMessageRequest], context: _Context
    ) -> AsyncIterator[p4r.StreamMessageResponse]:
        """See `StreamSession`. Ends when the client closes its half, or with an error."""
        wake = asyncio.Event()
        self._wakes.add(wake)
        session = self._service.open_session(wake.set)
        reader = asyncio.create_task(_receive(request_iterator, session))
        reader.add_done_callback(lambda _: wake.set())
        try:
            while True:
                wake.clear()
                while (message := session.outbox.pop()) is not None:
                    yield message
                if session.outbox.overrun:
                    raise P4RuntimeError(Code.RESOURCE_EXHAUSTED, "the client does not read")
                if self._stopping:
                    raise P4RuntimeError(Code.UNAVAILABLE, "the switch stops")
                if reader.done():
                    reader.result()
                    return
                await wake.wait()
        except P4RuntimeError as error:
            await _abort(context, error)
        finally:
            self._wakes.discard(wake)
            session.close()
            reader.cancel()


async def _receive(
    messages: AsyncIterator[p4r.StreamMessageRequest], session: StreamSession
) -> None:
    async for message in messages:
        session.receive(message)


async def _abort(context: _Context, error: P4RuntimeError) -> NoReturn:
    """End the call; only the errors of single updates need details (specification §12.3)."""
    trailing: tuple[tuple[str, bytes], ...] = ()
    if isinstance(error, WriteError):
        trailing = ((_DETAILS_KEY, error.to_status().SerializeToString()),)
    await context.abort(_STATUS_CODES[int(error.code)], error.message, trailing)
    raise AssertionError("abort returned")
