"""A client of the API, for programs that do one thing at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from controller.api.codec import from_message
from controller.api.errors import ERROR_KEY, ApiError, NotRunningError, RefusedError
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2 as pb
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2_grpc as pb_grpc
from controller.config.scalars import Endpoint
from controller.status import (
    CryptoMapStatus,
    CryptoOptionalStatus,
    IpsecSaStatus,
    IsakmpDetailStatus,
    IsakmpSaStatus,
    LogMessage,
    PkiCertificateStatus,
    SwitchStatus,
)

CALL_TIMEOUT = 15.0  # seconds
MAX_RESPONSE_SIZE = 64 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class ClientTls:
    """PEM files of the client. `ca_file` is what the server's certificate is verified with."""

    ca_file: Path
    certificate_file: Path | None = None
    key_file: Path | None = None


class Client:
    """One connection. Use it as a context manager.

    Every method raises:
        NotRunningError: nobody answers at the address.
        RefusedError: the controller refused.
        ApiError: anything else that went wrong on the way.
    """

    def __init__(
        self, endpoint: Endpoint, tls: ClientTls | None = None, timeout: float = CALL_TIMEOUT
    ) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        options = (
            ("grpc.max_receive_message_length", MAX_RESPONSE_SIZE),
            # A proxy of the environment has no business on the way to a router.
            ("grpc.enable_http_proxy", 0),
        )
        if tls is None:
            self._channel = grpc.insecure_channel(str(endpoint), options)
        else:
            self._channel = grpc.secure_channel(str(endpoint), _credentials(tls), options)
        self._show = pb_grpc.ShowStub(self._channel)
        self._clear = pb_grpc.ClearStub(self._channel)
        self._configure = pb_grpc.ConfigureStub(self._channel)
        self._monitor = pb_grpc.MonitorStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def show_crypto_optional(self) -> CryptoOptionalStatus:
        """``show crypto optional``."""
        with self._translated():
            request = pb.ShowCryptoOptionalRequest()
            answer = self._show.ShowCryptoOptional(request, timeout=self._timeout)
            return from_message(answer, CryptoOptionalStatus)

    def show_crypto_map(self) -> tuple[CryptoMapStatus, ...]:
        """``show crypto map``."""
        with self._translated():
            request = pb.ShowCryptoMapRequest()
            answer = self._show.ShowCryptoMap(request, timeout=self._timeout)
            return tuple(from_message(entry, CryptoMapStatus) for entry in answer.entries)

    def show_crypto_ipsec_sa(self) -> tuple[IpsecSaStatus, ...]:
        """``show crypto ipsec sa``."""
        with self._translated():
            request = pb.ShowCryptoIpsecSaRequest()
            answer = self._show.ShowCryptoIpsecSa(request, timeout=self._timeout)
            return tuple(from_message(entry, IpsecSaStatus) for entry in answer.entries)

    def show_crypto_isakmp_sa(self) -> tuple[IsakmpSaStatus, ...]:
        """``show crypto isakmp sa``."""
        with self._translated():
            request = pb.ShowCryptoIsakmpSaRequest()
            answer = self._show.ShowCryptoIsakmpSa(request, timeout=self._timeout)
            return tuple(from_message(entry, IsakmpSaStatus) for entry in answer.entries)

    def show_crypto_isakmp_sa_detail(self) -> IsakmpDetailStatus:
        """``show crypto isakmp sa detail``."""
        with self._translated():
            request = pb.ShowCryptoIsakmpSaDetailRequest()
            answer = self._show.ShowCryptoIsakmpSaDetail(request, timeout=self._timeout)
            return from_message(answer, IsakmpDetailStatus)

    def show_crypto_pki_certificates(self) -> tuple[PkiCertificateStatus, ...]:
        """``show crypto pki certificates``."""
        with self._translated():
            request = pb.ShowCryptoPkiCertificatesRequest()
            answer = self._show.ShowCryptoPkiCertificates(request, timeout=self._timeout)
            return tuple(from_message(entry, PkiCertificateStatus) for entry in answer.entries)

    def show_switch(self) -> SwitchStatus:
        """``show switch``."""
        with self._translated():
            answer = self._show.ShowSwitch(pb.ShowSwitchRequest(), timeout=self._timeout)
            return from_message(answer, SwitchStatus)

    def clear_crypto_sa(self, peer: IPv4Address | None = None) -> int:
        """``clear crypto sa [peer A]``; return how many pairs of SAs there were."""
        request = pb.ClearCryptoSaRequest()
        if peer is not None:
            request.peer = str(peer)
        with self._translated():
            return self._clear.ClearCryptoSa(request, timeout=self._timeout).cleared

    def set_crypto_optional(
        self, *, enabled: bool | None = None, retry: int | None = None
    ) -> tuple[str, ...]:
        """``[no] crypto ipsec optional [retry SECONDS]``; None leaves it as it is.

        Returns:
            What the operator is to be told.
        """
        request = pb.SetCryptoOptionalRequest()
        if enabled is not None:
            request.enabled = enabled
        if retry is not None:
            request.retry = retry
        with self._translated():
            answer = self._configure.SetCryptoOptional(request, timeout=self._timeout)
            return tuple(answer.messages)

    def write_memory(self) -> str:
        """``write memory``; return the path of the file, on the controller's machine."""
        with self._translated():
            answer = self._configure.WriteMemory(pb.WriteMemoryRequest(), timeout=self._timeout)
            return answer.path

    def watch_messages(self, history: int = 0) -> Iterator[LogMessage]:
        """Yield the latest `history` messages, then each as it comes, until it is closed."""
        with self._translated():
            call = self._monitor.WatchMessages(pb.WatchMessagesRequest(history=history))
            try:
                for message in call:
                    yield from_message(message, LogMessage)
            finally:
                call.cancel()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise self._error(error) from None
        except ValueError as error:
            raise ApiError(f"the answer of {self._endpoint} can't be read: {error}") from None

    def _error(self, error: grpc.RpcError) -> ApiError:
        code, details = error.code(), error.details() or ""
        if any(entry.key == ERROR_KEY for entry in error.trailing_metadata() or ()):
            return RefusedError(code.name, details)
        if code is grpc.StatusCode.UNAVAILABLE:
            return NotRunningError(
                f"the controller is not running at {self._endpoint}:"
                " start it with 'p4ipsec run -c FILE', or say where it is with --socket"
            )
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return ApiError(
                f"the controller at {self._endpoint} didn't answer in {self._timeout:.0f} s"
            )
        if code is grpc.StatusCode.UNIMPLEMENTED:
            return ApiError(f"what answers at {self._endpoint} is not this version's controller")
        return ApiError(f"the call to {self._endpoint} failed: {code.name}: {details}")


def _credentials(tls: ClientTls) -> grpc.ChannelCredentials:
    try:
        authorities = tls.ca_file.read_bytes()
        certificate = tls.certificate_file.read_bytes() if tls.certificate_file else None
        key = tls.key_file.read_bytes() if tls.key_file else None
    except OSError as error:
        raise ApiError(f"{error.filename} can't be read: {error.strerror}") from None
    return grpc.ssl_channel_credentials(authorities, key, certificate)
