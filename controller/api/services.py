"""The services of ``p4ipsec.v1`` on top of a `Backend`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import Any, NoReturn

import grpc
import structlog

from controller.api.backend import MAX_RETRY, Backend, BackendError
from controller.api.codec import to_message
from controller.api.errors import ERROR_KEY, code_of
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2 as pb
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2_grpc as pb_grpc
from controller.messages import HISTORY_SIZE

Context = grpc.aio.ServicerContext[Any, Any]

MAX_WATCHERS = 16
"""Streams of messages at once."""

_log = structlog.get_logger(__name__)


async def _fail(context: Context, code: grpc.StatusCode, message: str) -> NoReturn:
    await context.abort(code, message, trailing_metadata=((ERROR_KEY, code.name),))
    raise AssertionError  # abort has raised


@contextlib.asynccontextmanager
async def _answering(context: Context) -> AsyncIterator[None]:
    """Turn what goes wrong into a code and a sentence."""
    try:
        yield
    except BackendError as error:
        await _fail(context, code_of(error), str(error))
    except (grpc.aio.AbortError, grpc.aio.BaseError):
        raise
    except Exception:
        _log.exception("a request to the API failed")
        await _fail(context, grpc.StatusCode.INTERNAL, "internal error: see the controller's log")


class ShowService(pb_grpc.ShowServicer):
    """The `show` commands."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ShowCryptoOptional(  # noqa: N802 - the proto's name
        self, request: pb.ShowCryptoOptionalRequest, context: Context
    ) -> pb.CryptoOptionalStatus:
        """``show crypto optional``."""
        async with _answering(context):
            status = await self._backend.show_crypto_optional()
            return to_message(status, pb.CryptoOptionalStatus)

    async def ShowCryptoMap(  # noqa: N802 - the proto's name
        self, request: pb.ShowCryptoMapRequest, context: Context
    ) -> pb.ShowCryptoMapResponse:
        """``show crypto map``."""
        async with _answering(context):
            entries = await self._backend.show_crypto_map()
            return pb.ShowCryptoMapResponse(
                entries=[to_message(entry, pb.CryptoMapStatus) for entry in entries]
            )

    async def ShowCryptoIpsecSa(  # noqa: N802 - the proto's name
        self, request: pb.ShowCryptoIpsecSaRequest, context: Context
    ) -> pb.ShowCryptoIpsecSaResponse:
        """``show crypto ipsec sa``."""
        async with _answering(context):
            entries = await self._backend.show_crypto_ipsec_sa()
            return pb.ShowCryptoIpsecSaResponse(
                entries=[to_message(entry, pb.IpsecSaStatus) for entry in entries]
            )

    async def ShowCryptoIsakmpSa(  # noqa: N802 - the proto's name
        self, request: pb.ShowCryptoIsakmpSaRequest, context: Context
    ) -> pb.ShowCryptoIsakmpSaResponse:
        """``show crypto isakmp sa``."""
        async with _answering(context):
            entries = await self._backend.show_crypto_isakmp_sa()
            return pb.ShowCryptoIsakmpSaResponse(
                entries=[to_message(entry, pb.IsakmpSaStatus) for entry in entries]
            )

    async def ShowCryptoIsakmpSaDetail(  # noqa: N802 - the proto's name
        self, request: pb.ShowCryptoIsakmpSaDetailRequest, context: Context
    ) -> pb.IsakmpDetailStatus:
        """``show crypto isakmp sa detail``."""
        async with _answering(context):
            status = await self._backend.show_crypto_isakmp_sa_detail()
            return to_message(status, pb.IsakmpDetailStatus)

    async def ShowCryptoPkiCertificates(  # noqa: N802 - the proto's name
        self, request: pb.ShowCryptoPkiCertificatesRequest, context: Context
    ) -> pb.ShowCryptoPkiCertificatesResponse:
        """``show crypto pki certificates``."""
        async with _answering(context):
            entries = await self._backend.show_crypto_pki_certificates()
            return pb.ShowCryptoPkiCertificatesResponse(
                entries=[to_message(entry, pb.PkiCertificateStatus) for entry in entries]
            )

    async def ShowSwitch(  # noqa: N802 - the proto's name
        self, request: pb.ShowSwitchRequest, context: Context
    ) -> pb.SwitchStatus:
        """``show switch``."""
        async with _answering(context):
            return to_message(await self._backend.show_switch(), pb.SwitchStatus)


class ClearService(pb_grpc.ClearServicer):
    """The `clear` commands."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def ClearCryptoSa(  # noqa: N802 - the proto's name
        self, request: pb.ClearCryptoSaRequest, context: Context
    ) -> pb.ClearCryptoSaResponse:
        """``clear crypto sa [peer A]``."""
        peer: IPv4Address | None = None
        if request.HasField("peer"):
            try:
                peer = IPv4Address(request.peer)
            except ValueError:
                message = f"peer must be an IPv4 address, not {request.peer[:64]!r}"
                await _fail(context, grpc.StatusCode.INVALID_ARGUMENT, message)
        async with _answering(context):
            return pb.ClearCryptoSaResponse(cleared=await self._backend.clear_crypto_sa(peer))


class ConfigureService(pb_grpc.ConfigureServicer):
    """The configuration commands."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def SetCryptoOptional(  # noqa: N802 - the proto's name
        self, request: pb.SetCryptoOptionalRequest, context: Context
    ) -> pb.SetCryptoOptionalResponse:
        """``[no] crypto ipsec optional [retry SECONDS]``."""
        # Both are checked before either is done.
        if request.HasField("retry") and not 1 <= request.retry <= MAX_RETRY:
            message = f"retry must be 1 to {MAX_RETRY} seconds, not {request.retry}"
            await _fail(context, grpc.StatusCode.INVALID_ARGUMENT, message)
        messages: list[str] = []
        async with _answering(context):
            if request.HasField("retry"):
                await self._backend.set_retry(float(request.retry))
            if request.HasField("enabled"):
                messages = await self._backend.set_passive_mode(request.enabled)
        return pb.SetCryptoOptionalResponse(messages=messages)

    async def WriteMemory(  # noqa: N802 - the proto's name
        self, request: pb.WriteMemoryRequest, context: Context
    ) -> pb.WriteMemoryResponse:
        """``write memory``."""
        async with _answering(context):
            return pb.WriteMemoryResponse(path=await self._backend.write_memory())


class MonitorService(pb_grpc.MonitorServicer):
    """The log."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._watchers = 0

    async def WatchMessages(  # noqa: N802 - the proto's name
        self, request: pb.WatchMessagesRequest, context: Context
    ) -> AsyncIterator[pb.LogMessage]:
        """Follow the messages."""
        if self._watchers >= MAX_WATCHERS:
            message = f"{MAX_WATCHERS} clients watch the messages already: end one of them"
            await _fail(context, grpc.StatusCode.RESOURCE_EXHAUSTED, message)
        self._watchers += 1
        try:
            # The client knows by this that it is being served, though nothing happens yet.
            await context.send_initial_metadata(())
            async with _answering(context):
                async for line in self._backend.messages(min(request.history, HISTORY_SIZE)):
                    yield to_message(line, pb.LogMessage)
        finally:
            self._watchers -= 1
