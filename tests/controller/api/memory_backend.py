"""A controller for the API's tests: its answers are set beforehand, what it is told is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from controller.api.backend import NotSavedError, SwitchUnavailableError, UnknownPeerError
from controller.api.listening import ServerTls
from controller.api.server import ApiServer
from controller.config.scalars import Endpoint
from controller.messages import MessageLog
from controller.status import (
    ChildSaStatus,
    ClearDestination,
    ClearSource,
    CryptoMapStatus,
    CryptoOptionalStatus,
    DropCount,
    EspSaStatus,
    IpsecSaStatus,
    IsakmpDetailStatus,
    IsakmpFailure,
    IsakmpPeerDetail,
    IsakmpSaDetail,
    IsakmpSaStatus,
    IsakmpStranger,
    LogMessage,
    PacketTypeStatus,
    PkiCertificateStatus,
    SwitchStatus,
)

PEER = IPv4Address("209.165.202.145")
LOCAL = IPv4Address("209.165.202.147")

OPTIONAL = CryptoOptionalStatus(
    enabled=True,
    retry=300.0,
    destinations=(
        ClearDestination(
            IPv4Address("10.3.0.5"), "xauthmap 10 192 line 1", PEER, 1234, 98765, since=75.2
        ),
        ClearDestination(IPv4Address("10.3.0.6"), "xauthmap 10 192 line 1", PEER),
    ),
    sources=(ClearSource(IPv4Address("10.3.0.7"), "xauthmap 10 192 line 1", 5, 420, since=3700.0),),
    packet_types=(
        PacketTypeStatus("xauthmap 10 192 line 1", PEER, "clear", 224.8, "no answer"),
        PacketTypeStatus("xauthmap 10 192 line 2", PEER, "protected", None, None),
    ),
)

MAPS = (
    CryptoMapStatus(
        name="xauthmap",
        sequence=10,
        kind="ipsec-isakmp",
        peer=PEER,
        transform_set="xauthtransform",
        transforms=("esp-gcm 256", "esp-gcm 128"),
        access_list="192",
        lines=("permit ip host 209.165.202.147 host 209.165.202.145",),
        interfaces=("Ethernet1/0",),
        lifetime=3600.0,
    ),
)

IPSEC_SAS = (
    IpsecSaStatus(
        packet_type="xauthmap 10 192 line 1",
        interface="Ethernet1/0",
        crypto_map="xauthmap",
        local_ident="209.165.202.147/255.255.255.255/0/0",
        remote_ident="209.165.202.145/255.255.255.255/0/0",
        local_address=LOCAL,
        peer=PEER,
        transform="esp-gcm 256",
        encapsulated=True,
        inner_mtu=1430,
        source="ike",
        inbound=EspSaStatus(0xC0FFEE01, 7, 41, 3444),
        outbound=EspSaStatus(0xDEADBEEF, 7, 42, 3528),
        established_ago=60.5,
        rekey_in=3100.0,
        packets_held=3,
        packets_clear=12,
    ),
    IpsecSaStatus(
        packet_type="xauthmap 20 193 line 1",
        interface="Ethernet1/0",
        crypto_map="xauthmap",
        local_ident="10.1.0.0/255.255.255.0/6/0",
        remote_ident="10.3.0.0/255.255.255.0/6/443",
        local_address=LOCAL,
        peer=IPv4Address("209.165.202.146"),
        transform=None,
        encapsulated=False,
        inner_mtu=None,
        source="ike",
        inbound=None,
        outbound=None,
        established_ago=None,
        rekey_in=None,
        packets_held=None,
        packets_clear=None,
    ),
)

ISAKMP_SAS = (
    IsakmpSaStatus(
        local="209.165.202.147:4500",
        remote="209.165.202.145:4500",
        state="established",
        role="initiator",
        initiator_spi=0x0123456789ABCDEF,
        responder_spi=0xFEDCBA9876543210,
        suite="AES-GCM-16-256/PRF-HMAC-SHA2-256/X25519",
        nat_detected=True,
        established_ago=60.6,
        children=("xauthmap 10 192 line 1",),
    ),
    IsakmpSaStatus(
        local="209.165.202.147:500",
        remote="209.165.202.146:500",
        state="connecting",
        role="responder",
        initiator_spi=1,
        responder_spi=0,
        suite="",
        nat_detected=False,
        established_ago=None,
        children=(),
        last_failure="authentication failed",
    ),
)

ISAKMP_DETAIL = IsakmpDetailStatus(
    sas=(
        IsakmpSaDetail(
            peer=PEER,
            local="209.165.202.147:4500",
            remote="209.165.202.145:4500",
            state="established",
            role="initiator",
            initiator_spi=0x0123456789ABCDEF,
            responder_spi=0xFEDCBA9876543210,
            suite="AES_GCM_16-256/PRF_HMAC_SHA2_256/CURVE25519",
            nat_detected=True,
            established_ago=60.6,
            rekey_in=80_000.0,
            local_identity="r1.example.com",
            remote_identity="209.165.202.145",
            local_authentication="pre-shared key",
            remote_authentication="a pre-shared key",
            features=("fragmentation", "window of 8"),
            vendor_ids=("strongSwan", "4048b7d56ebce88525e7de7f00d6c2d3"),
            retransmissions=2,
            children=(
                ChildSaStatus(
                    packet_type="xauthmap 10 192 line 1",
                    spi_in=0xC0FFEE01,
                    spi_out=0xDEADBEEF,
                    suite="AES_GCM_16-256",
                    mode="tunnel",
                    established_ago=60.5,
                    rekey_in=None,
                ),
            ),
            reauthenticate_in=7_200.0,
        ),
    ),
    peers=(
        IsakmpPeerDetail(
            peer=PEER,
            local_address=LOCAL,
            local_identity="r1.example.com",
            remote_identity="209.165.202.145",
            local_authentication="pre-shared key",
            remote_authentication="a pre-shared key",
            lifetime=86_400.0,
            origin="r1.yaml:42",
            failures=(
                IsakmpFailure(
                    ago=75.0,
                    times=3,
                    role="initiator",
                    reason="authentication failed",
                    detail="the peer answered AUTHENTICATION_FAILED (r1.yaml:42)",
                    packet_type="xauthmap 10 192 line 1",
                ),
                IsakmpFailure(
                    ago=90.0,
                    times=1,
                    role="responder",
                    reason="no proposal chosen",
                    detail="",
                ),
            ),
        ),
        IsakmpPeerDetail(
            peer=IPv4Address("209.165.202.146"),
            local_address=LOCAL,
            local_identity="r1.example.com",
            remote_identity="209.165.202.146",
            local_authentication="pre-shared key",
            remote_authentication="a pre-shared key",
            lifetime=86_400.0,
            origin="",
            failures=(),
        ),
    ),
    strangers=(
        IsakmpStranger(
            IPv4Address("198.51.100.7"),
            IsakmpFailure(
                ago=5.0,
                times=12,
                role="responder",
                reason="not a configured peer",
                detail="no peer is configured at 198.51.100.7 towards 209.165.202.147",
            ),
        ),
    ),
)

CERTIFICATES = (
    PkiCertificateStatus(
        trustpoint="routers",
        use="own",
        state="expires soon",
        subject="O=example, CN=r1",
        issuer="O=example, CN=Router CA",
        serial_number="1f2e",
        not_before="2026-01-01T00:00:00+00:00",
        not_after="2026-12-31T00:00:00+00:00",
        expires_in=86_400.0 * 12,
        key="ECDSA secp256r1",
        fingerprint="00ff" * 16,
    ),
    PkiCertificateStatus(
        trustpoint="routers",
        use="authority",
        state="expired",
        subject="O=example, CN=Router CA",
        issuer="O=example, CN=Router CA",
        serial_number="1",
        not_before="2016-01-01T00:00:00+00:00",
        not_after="2026-01-01T00:00:00+00:00",
        expires_in=-3_600.0,
        key="RSA 4096",
        fingerprint="1234" * 16,
    ),
)

SWITCH = SwitchStatus(
    address="127.0.0.1:9559",
    device_id=1,
    connected=True,
    is_primary=True,
    entries=57,
    drops=(DropCount("no_sa_hold", 3, 252), DropCount("replay", 0, 0)),
)


class MemoryBackend:
    """Implements `Backend`."""

    def __init__(self) -> None:
        self.optional = OPTIONAL
        self.maps = MAPS
        self.ipsec_sas = IPSEC_SAS
        self.isakmp_sas = ISAKMP_SAS
        self.isakmp_detail = ISAKMP_DETAIL
        self.certificates = CERTIFICATES
        self.switch = SWITCH
        self.log = MessageLog(history=100, queue=100)
        self.calls: list[tuple[str, object]] = []
        self.messages_after_switching = ["Passive mode is disabled. Save it."]
        self.switch_is_gone = False
        self.broken = False
        self.saves_to: str | None = "/etc/p4ipsec/r1.yaml"

    def _answerable(self) -> None:
        if self.switch_is_gone:
            raise SwitchUnavailableError("the switch at 127.0.0.1:9559 doesn't answer")
        if self.broken:
            raise RuntimeError("key material: 00112233")

    async def show_crypto_optional(self) -> CryptoOptionalStatus:
        self._answerable()
        return self.optional

    async def show_crypto_map(self) -> tuple[CryptoMapStatus, ...]:
        return self.maps

    async def show_crypto_ipsec_sa(self) -> tuple[IpsecSaStatus, ...]:
        return self.ipsec_sas

    async def show_crypto_isakmp_sa(self) -> tuple[IsakmpSaStatus, ...]:
        return self.isakmp_sas

    async def show_crypto_isakmp_sa_detail(self) -> IsakmpDetailStatus:
        return self.isakmp_detail

    async def show_crypto_pki_certificates(self) -> tuple[PkiCertificateStatus, ...]:
        return self.certificates

    async def show_switch(self) -> SwitchStatus:
        return self.switch

    async def clear_crypto_sa(self, peer: IPv4Address | None) -> int:
        if peer is not None and peer != PEER:
            raise UnknownPeerError(f"{peer} is not a peer of any crypto map")
        self.calls.append(("clear", peer))
        return 2 if peer is None else 1

    async def set_passive_mode(self, enabled: bool) -> list[str]:
        self._answerable()
        self.calls.append(("passive mode", enabled))
        return self.messages_after_switching

    async def set_retry(self, seconds: float) -> None:
        self.calls.append(("retry", seconds))

    async def write_memory(self) -> str:
        if self.saves_to is None:
            raise NotSavedError("/etc/p4ipsec/r1.yaml can't be written: Permission denied")
        return self.saves_to

    async def messages(self, history: int) -> AsyncIterator[LogMessage]:
        async for message in self.log.watch(history):
            yield message


class RunningServer:
    """A server in a thread with an event loop of its own, as a process would have."""

    def __init__(self, backend: MemoryBackend, server: ApiServer) -> None:
        self.backend = backend
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(10)
        except BaseException:
            self._end()
            raise

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(grace=0), self._loop).result(10)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def endpoint(self) -> Endpoint:
        return self._server.listening[0]

    def publish(self, message: LogMessage) -> None:
        self._loop.call_soon_threadsafe(self.backend.log.publish, message)


@contextmanager
def serving(
    endpoint: Endpoint, backend: MemoryBackend | None = None, tls: ServerTls | None = None
) -> Iterator[RunningServer]:
    """Serve a `MemoryBackend` until the end of the block."""
    backend = backend or MemoryBackend()
    running = RunningServer(backend, ApiServer(backend, [endpoint], tls))
    running.start()
    try:
        yield running
    finally:
        running.stop()


def unix(directory: Path) -> Endpoint:
    """Name a Unix socket in a directory that is to be made."""
    return Endpoint(path=str(directory / "run" / "p4ipsec.sock"))
