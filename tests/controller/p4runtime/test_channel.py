"""The channel against the embedded switch, over gRPC and on real time."""

import asyncio
import datetime as dt
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Never

import finsy as fy
import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from finsy.grpcutil import GRPCCredentialsTLS
from finsy.proto import p4i, p4r, p4r_grpc
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import ARP, Ether

from bmv2.embedded.switch import EmbeddedSwitch
from bmv2.switch_options import SwitchOptions, TlsFiles
from controller.p4runtime import connection, tables
from controller.p4runtime.channel import SwitchChannel
from controller.p4runtime.counters import CounterKind
from controller.p4runtime.desired import DesiredState
from controller.p4runtime.entities import (
    ClearReport,
    Entry,
    PacketIn,
    PacketOut,
    Update,
    UpdateKind,
)
from controller.p4runtime.enums import DropReason, PuntReason
from controller.p4runtime.errors import ChannelClosedError, SwitchUnavailableError
from controller.p4runtime.inputs import Connected, IdleEntries, Lost, SwitchInput
from controller.passive.events import Decision
from controller.policy.model import Flow, PolicyRule
from ike.types import TrafficSelector
from tests.controller.p4runtime.samples import INTERFACE, RULE, SAD_IN, SAD_OUT

HOST = IPv4Address("10.0.0.9")
HOST_MAC = 0x020000000009
FAR = IPv4Address("10.2.0.1")
ANY = (TrafficSelector(IPv4Address(0), IPv4Address("255.255.255.255")),)

WAN = replace(INTERFACE, id=4, port=8, mac_address=0x02_00_00_00_00_04, name="Ethernet2/0",
              address=IPv4Interface("10.2.0.254/24"))  # fmt: skip

ENTRIES: tuple[Entry, ...] = (
    tables.ingress_interface(INTERFACE),
    tables.egress_interface(INTERFACE),
    tables.local_address(IPv4Address("10.0.0.1")),
    tables.route_connected(IPv4Network("10.0.0.0/24"), 3),
    tables.neighbor(INTERFACE, HOST, HOST_MAC),
    tables.spd_out(RULE),
    tables.spd_in(RULE),
    tables.sad_in(SAD_IN),
    tables.sad_out(SAD_OUT),
    *tables.sa_selectors(9, ANY, ANY),
    tables.no_sa(6, Decision.HOLD),
    tables.clear_destination(6, HOST, 300.0),
    tables.passive_mode(True),
)


@pytest.fixture
def address() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="p4") as directory:
        yield f"unix:{directory}/switch"


@asynccontextmanager
async def switch_at(address: str) -> AsyncIterator[EmbeddedSwitch]:
    async with EmbeddedSwitch(SwitchOptions(grpc_addresses=(address,))) as switch:
        yield switch


@pytest.fixture
async def switch(address: str) -> AsyncIterator[EmbeddedSwitch]:
    async with switch_at(address) as running:
        yield running


async def receive(channel: SwitchChannel) -> SwitchInput:
    async with asyncio.timeout(5):
        return await channel.receive()


async def connected(channel: SwitchChannel) -> Connected:
    """Wait for the switch, whatever was said before."""
    while not isinstance(item := await receive(channel), Connected):
        assert isinstance(item, Lost)
    return item


def state_of(*entries: Entry) -> DesiredState:
    state = DesiredState()
    for entry in entries:
        state.declare(entry)
    for cell in (*tables.punt_meters(), *tables.no_sa_meters([1, 4096])):
        state.declare(cell)
    return state


async def reconcile(channel: SwitchChannel, state: DesiredState) -> list[Update]:
    found = await connected(channel)
    updates = state.reconcile(found.found, found.meters)
    assert await channel.write(updates) == []
    return updates


# --- connecting ---------------------------------------------------------------------------


async def test_switch_without_a_program_gets_ours(switch: EmbeddedSwitch, address: str) -> None:
    async with SwitchChannel(address) as channel:
        assert not channel.is_connected
        item = await connected(channel)
        assert item.pipeline_pushed
        assert item.found == (tables.passive_mode(False),)
        assert channel.is_connected


async def test_program_that_runs_is_left_alone_with_its_entries(
    switch: EmbeddedSwitch, address: str
) -> None:
    """A restart of the controller costs no SA."""
    state = state_of(*ENTRIES)
    async with SwitchChannel(address) as channel:
        await reconcile(channel, state)
    async with SwitchChannel(address) as channel:
        item = await connected(channel)
        assert not item.pipeline_pushed
        assert set(item.found) == set(ENTRIES)
        assert state.reconcile(item.found, item.meters) == []
        adopted = [tables.parse_sad_out(e) for e in item.found if e.key.table == "sad_out"]
        assert adopted == [SAD_OUT]


async def test_other_program_is_replaced(
    switch: EmbeddedSwitch, address: str, schema: fy.P4Schema
) -> None:
    p4info = p4i.P4Info()
    p4info.CopyFrom(schema.p4info)
    p4info.pkg_info.name = "somebody else's"
    async with SwitchChannel(address, schema=fy.P4Schema(p4info, schema.p4blob)) as channel:
        await connected(channel)
    async with SwitchChannel(address) as channel:
        item = await connected(channel)
        assert item.pipeline_pushed
        assert "another P4 program" in item.notice


async def test_other_build_of_our_program_is_kept_and_told(
    switch: EmbeddedSwitch, address: str, schema: fy.P4Schema
) -> None:
    build = fy.P4Schema(schema.p4info, schema.p4blob + b"\n")
    async with SwitchChannel(address, schema=build) as channel:
        await connected(channel)
    async with SwitchChannel(address) as channel:
        item = await connected(channel)
        assert not item.pipeline_pushed
        assert "another build" in item.notice


async def test_channel_waits_for_a_switch_that_is_not_there_yet(address: str) -> None:
    async with SwitchChannel(address) as channel:
        first = await receive(channel)
        assert isinstance(first, Lost)
        with pytest.raises(SwitchUnavailableError):
            await channel.write([Update(UpdateKind.INSERT, ENTRIES[0])])
        with pytest.raises(SwitchUnavailableError):
            await channel.read_counters()
        channel.send(PacketOut(b"frame"))
        assert channel.packets_out_dropped == 1
        async with switch_at(address):
            assert isinstance(await receive(channel), Connected)
            await channel.close()


async def test_restarted_switch_is_filled_again(address: str) -> None:
    state = state_of(*ENTRIES)
    async with SwitchChannel(address) as channel:
        async with switch_at(address):
            everything = await reconcile(channel, state)
        lost = await receive(channel)
        assert isinstance(lost, Lost)
        async with switch_at(address), asyncio.timeout(5):
            again = await reconcile(channel, state)
            assert sorted(map(str, again)) == sorted(map(str, everything))
            await channel.close()


async def test_only_the_difference_is_written_after_a_reconnection(
    switch: EmbeddedSwitch, address: str
) -> None:
    state = state_of(*ENTRIES)
    stray = tables.no_sa(77, Decision.CLEAR)
    hold, clear = tables.no_sa(6, Decision.HOLD), tables.no_sa(6, Decision.CLEAR)
    neighbor = tables.neighbor(INTERFACE, HOST, HOST_MAC)
    async with SwitchChannel(address) as channel:
        await reconcile(channel, state)
        behind_our_back = [
            Update(UpdateKind.INSERT, stray),
            Update(UpdateKind.MODIFY, clear),
            Update(UpdateKind.DELETE, neighbor),
        ]
        assert await channel.write(behind_our_back) == []
    async with SwitchChannel(address) as channel:
        assert await reconcile(channel, state) == [
            Update(UpdateKind.MODIFY, hold),
            Update(UpdateKind.INSERT, neighbor),
            Update(UpdateKind.DELETE, stray),
        ]


async def test_closed_channel_ends_the_iteration(switch: EmbeddedSwitch, address: str) -> None:
    channel = SwitchChannel(address)
    async with channel:
        await connected(channel)
        waiting = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)
    with pytest.raises(ChannelClosedError):
        await waiting
    assert [item async for item in channel] == []


# --- several controllers ------------------------------------------------------------------


async def test_lower_election_id_waits_until_the_primary_is_gone(
    switch: EmbeddedSwitch, address: str
) -> None:
    async with SwitchChannel(address, election_id=5) as primary:
        await connected(primary)
        async with SwitchChannel(address, election_id=3) as backup:
            item = await receive(backup)
            assert isinstance(item, Lost)
            assert "election id 5" in item.reason
            assert not backup.is_connected
            assert (backup.is_answering, backup.is_primary) == (True, False)
            await primary.close()
            assert isinstance(await receive(backup), Connected)
            assert await backup.write([Update(UpdateKind.INSERT, ENTRIES[0])]) == []


async def test_higher_election_id_takes_over(switch: EmbeddedSwitch, address: str) -> None:
    async with SwitchChannel(address, election_id=3) as first:
        await connected(first)
        async with SwitchChannel(address, election_id=5) as second:
            await connected(second)
            lost = await receive(first)
            assert isinstance(lost, Lost)
            assert "election id 5" in lost.reason
            with pytest.raises(SwitchUnavailableError):
                await first.write([Update(UpdateKind.INSERT, ENTRIES[0])])
            await second.close()
            assert isinstance(await receive(first), Connected)


# --- a switch that hangs ------------------------------------------------------------------


class HangingSwitch(p4r_grpc.P4RuntimeServicer):
    """Answers the first question of the stream, if at all, and nothing else."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    async def StreamChannel(  # noqa: N802 - named by the protocol
        self, requests: AsyncIterator[p4r.StreamMessageRequest], context: object
    ) -> AsyncIterator[p4r.StreamMessageResponse]:
        async for request in requests:
            if self.answers:
                answer = p4r.StreamMessageResponse(arbitration=request.arbitration)
                answer.arbitration.status.code = 6
                yield answer

    async def Capabilities(  # noqa: N802 - named by the protocol
        self, request: p4r.CapabilitiesRequest, context: object
    ) -> p4r.CapabilitiesResponse:
        await asyncio.sleep(3600)
        raise AssertionError


@pytest.mark.parametrize("answers", [True, False])
async def test_switch_that_does_not_answer_is_given_up(
    address: str, answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ARBITRATION_TIMEOUT", 0.2)
    monkeypatch.setattr(connection, "PING_TIMEOUT", 0.1)
    server = grpc.aio.server()
    p4r_grpc.add_P4RuntimeServicer_to_server(HangingSwitch(answers), server)
    server.add_insecure_port(address)
    await server.start()
    async with SwitchChannel(address, ping_interval=0.05) as channel:
        if answers:
            backup = await receive(channel)
            assert isinstance(backup, Lost)
        lost = await receive(channel)
        assert isinstance(lost, Lost)
        assert "DEADLINE_EXCEEDED" in lost.reason
    await server.stop(None)


class DyingSwitch(p4r_grpc.P4RuntimeServicer):
    """Makes its client the primary, has no program, and dies of the one that it is given.

    Args:
        answers: It dies after it has answered, when the client goes on.
    """

    def __init__(self, answers: bool) -> None:
        self.is_dying = asyncio.Event()
        self._answers = answers

    async def StreamChannel(  # noqa: N802 - named by the protocol
        self, requests: AsyncIterator[p4r.StreamMessageRequest], context: object
    ) -> AsyncIterator[p4r.StreamMessageResponse]:
        async for request in requests:
            yield p4r.StreamMessageResponse(arbitration=request.arbitration)

    async def GetForwardingPipelineConfig(  # noqa: N802 - named by the protocol
        self,
        request: p4r.GetForwardingPipelineConfigRequest,
        context: grpc.aio.ServicerContext,
    ) -> p4r.GetForwardingPipelineConfigResponse:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "No forwarding pipeline config")
        raise AssertionError

    async def SetForwardingPipelineConfig(  # noqa: N802 - named by the protocol
        self, request: p4r.SetForwardingPipelineConfigRequest, context: object
    ) -> p4r.SetForwardingPipelineConfigResponse:
        if self._answers:
            return p4r.SetForwardingPipelineConfigResponse()
        return await self._die()

    async def Write(  # noqa: N802 - named by the protocol
        self, request: p4r.WriteRequest, context: object
    ) -> p4r.WriteResponse:
        return await self._die()

    async def _die(self) -> Never:
        self.is_dying.set()
        await asyncio.sleep(3600)
        raise AssertionError


@pytest.mark.parametrize("answers", [True, False])
async def test_switch_that_dies_of_the_program_lacks_the_extern(
    address: str, answers: bool
) -> None:
    """As bmv2 1.15.5 does (segmentation fault): the log says what to do."""
    dying = DyingSwitch(answers)
    server = grpc.aio.server()
    p4r_grpc.add_P4RuntimeServicer_to_server(dying, server)
    server.add_insecure_port(address)
    await server.start()
    async with SwitchChannel(address) as channel:
        await asyncio.wait_for(dying.is_dying.wait(), 5)
        await server.stop(None)
        lost = await receive(channel)
    assert isinstance(lost, Lost)
    assert lost.reason.startswith("the switch ended when it was given the P4 program")
    assert "--load-modules libp4ipsec_esp.so" in lost.reason


# --- writing ------------------------------------------------------------------------------


async def test_refusals_name_their_updates(switch: EmbeddedSwitch, address: str) -> None:
    """A switch that refuses an entry: the log names the SA or policy."""
    async with SwitchChannel(address) as channel:
        await connected(channel)
        sa = tables.sad_out(SAD_OUT, "the map's line 1")
        assert await channel.write([Update(UpdateKind.INSERT, sa)]) == []
        too_wide = replace(sa, params=(("sa_id", 1 << 20), *sa.params[1:]))
        unknown = tables.sad_out(replace(SAD_OUT, packet_type=6), "the map's line 2")
        fine = tables.sad_out(replace(SAD_OUT, packet_type=7), "the map's line 3")
        updates = [
            Update(UpdateKind.INSERT, sa),
            Update(UpdateKind.MODIFY, too_wide),
            Update(UpdateKind.MODIFY, unknown),
            Update(UpdateKind.INSERT, fine),
        ]
        failures = await channel.write(updates)
        assert [(failure.update, failure.code) for failure in failures] == [
            (updates[1], "INVALID_ARGUMENT"),
            (updates[0], "ALREADY_EXISTS"),
            (updates[2], "NOT_FOUND"),
        ]
        assert "the map's line 2" in failures[2].update.entity.label
        counters = await channel.read_counters([CounterKind.SAD_OUT])
        assert set(counters.sad_out) == {5, 7}


async def test_failures_of_large_writes_are_those_that_failed(
    switch: EmbeddedSwitch, address: str
) -> None:
    async with SwitchChannel(address) as channel:
        await connected(channel)
        entries = [tables.route_blackhole(IPv4Network((n << 8, 24))) for n in range(1200)]
        inserts = [Update(UpdateKind.INSERT, entry) for entry in entries]
        there = [0, 499, 500, 1199]
        assert await channel.write([inserts[n] for n in there]) == []
        failures = await channel.write(inserts)
        assert [failure.update for failure in failures] == [inserts[n] for n in there]
        assert {failure.code for failure in failures} == {"ALREADY_EXISTS"}


async def test_every_entry_of_a_failed_batch_can_be_refused(
    switch: EmbeddedSwitch, address: str
) -> None:
    """500 errors have to fit gRPC's metadata."""
    async with SwitchChannel(address) as channel:
        await connected(channel)
        updates = [
            Update(UpdateKind.MODIFY, tables.route_blackhole(IPv4Network((n << 8, 24))))
            for n in range(500)
        ]
        failures = await channel.write(updates)
        assert [failure.code for failure in failures] == ["NOT_FOUND"] * 500


async def test_key_material_is_never_logged(
    switch: EmbeddedSwitch, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with SwitchChannel(address) as channel:
        await connected(channel)
        update = Update(UpdateKind.INSERT, tables.sad_out(SAD_OUT))
        for _ in range(2):  # the second one is refused
            await channel.write([update])
        await channel.read_counters()
    key = SAD_OUT.keying.key.reveal()
    for shown in (key.hex(), str(int.from_bytes(key, "big")), repr(key)[4:40]):
        assert shown not in caplog.text


# --- packets, reports, counters -----------------------------------------------------------


def in_the_clear() -> DesiredState:
    """INTERFACE → WAN, which has a crypto map; its one packet type goes in the clear."""
    everything = Flow(IPv4Network("10.0.0.0/24"), IPv4Network("10.2.0.0/24"))
    rule: PolicyRule = replace(RULE, flow=everything, packet_type=6, later_fragments=None)
    inside = replace(INTERFACE, crypto_map_id=0)
    return state_of(
        tables.ingress_interface(inside),
        tables.egress_interface(inside),
        tables.ingress_interface(WAN),
        tables.egress_interface(WAN),
        tables.local_address(IPv4Address("10.0.0.1")),
        tables.route_connected(IPv4Network("10.2.0.0/24"), WAN.id),
        tables.neighbor(WAN, FAR, HOST_MAC),
        tables.spd_out(rule),
        tables.no_sa(6, Decision.CLEAR),
        tables.passive_mode(True),
    )


def frame(packet: object, destination: str = "02:00:00:00:00:03") -> bytes:
    return bytes(Ether(dst=destination, src="02:00:00:00:00:09") / packet)


async def test_punted_packets_come_in(switch: EmbeddedSwitch, address: str) -> None:
    async with SwitchChannel(address) as channel:
        await reconcile(channel, in_the_clear())
        echo = frame(IP(src=str(HOST), dst="10.0.0.1") / ICMP())
        switch.datapath.inject(INTERFACE.port, echo)
        request = frame(ARP(op=1, psrc=str(HOST), pdst="10.0.0.1"), "ff:ff:ff:ff:ff:ff")
        switch.datapath.inject(INTERFACE.port, request)
        punts = [await receive(channel), await receive(channel)]
        assert punts == [
            PacketIn(PuntReason.LOCAL, 3, 0, 0, 0, echo),
            PacketIn(PuntReason.ARP, 3, 0, 0, 0, request),
        ]


async def test_packets_go_out_of_their_interface_or_through_the_pipeline(
    switch: EmbeddedSwitch, address: str
) -> None:
    left: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    switch.datapath.on_transmit = lambda port, data: left.put_nowait((port, data))
    async with SwitchChannel(address) as channel, asyncio.timeout(5):
        await reconcile(channel, in_the_clear())
        packet = frame(IP(src="10.2.0.254", dst=str(FAR)) / ICMP(), "00:00:00:00:00:00")
        channel.send(PacketOut(packet, interface_id=3))
        assert await left.get() == (INTERFACE.port, packet)
        channel.send(PacketOut(packet, bypass_spd=True))
        port, sent = await left.get()
        assert port == WAN.port
        assert sent[:6] == HOST_MAC.to_bytes(6, "big")
        assert sent[14:] == packet[14:]
    assert channel.packets_out_dropped == 0


async def test_clear_traffic_is_reported_until_it_is_known_and_when_it_is_idle(
    switch: EmbeddedSwitch, address: str
) -> None:
    async with SwitchChannel(address) as channel:
        state = in_the_clear()
        await reconcile(channel, state)
        packet = frame(IP(src=str(HOST), dst=str(FAR)) / ICMP())
        switch.datapath.inject(INTERFACE.port, packet)
        report = await receive(channel)
        assert report == ClearReport(6, int(FAR), 0, int(HOST), False)

        known = tables.clear_destination(6, FAR, 0.05)
        state.declare(known)
        assert await channel.write(state.pending()) == []
        switch.datapath.inject(INTERFACE.port, packet)
        assert await receive(channel) == report  # a sample, as the meter allows
        idle = await receive(channel)
        assert isinstance(idle, IdleEntries)
        assert [tables.parse_clear_destination(entry) for entry in idle.entries] == [(6, FAR)]

        counters = await channel.read_counters()
        assert counters.clear[6].packets == 2
        assert counters.destinations[6, FAR].packets == 1
        assert counters.destinations[6, FAR].bytes > 0


async def test_what_became_idle_while_nobody_listened_is_told(
    switch: EmbeddedSwitch, address: str
) -> None:
    state = state_of(tables.clear_source(6, HOST, 0.01), tables.clear_source(6, FAR, 300.0))
    async with SwitchChannel(address) as channel:
        await reconcile(channel, state)
    await asyncio.sleep(0.02)
    async with SwitchChannel(address) as channel:
        await connected(channel)
        idle = await receive(channel)
        assert isinstance(idle, IdleEntries)
        assert [tables.parse_clear_source(entry) for entry in idle.entries] == [(6, HOST)]


async def test_counters_are_read_by_kind(switch: EmbeddedSwitch, address: str) -> None:
    async with SwitchChannel(address) as channel:
        state = in_the_clear()
        state.declare(tables.sad_in(SAD_IN))
        state.declare(tables.sad_out(replace(SAD_OUT, packet_type=6)))
        await reconcile(channel, state)
        switch.datapath.inject(INTERFACE.port, b"runt")
        switch.datapath.inject(INTERFACE.port, frame(IP(src=str(HOST), dst=str(FAR)) / ICMP()))
        counters = await channel.read_counters()
        assert counters.drops[DropReason.MALFORMED].packets == 1
        assert counters.sad_out[6].packets == 1
        assert counters.sad_in[SAD_IN.sa_id].packets == 0
        assert counters.clear == {}
        only = await channel.read_counters([CounterKind.DROPS])
        assert only.drops[DropReason.MALFORMED].packets == 1
        assert only.sad_out == {}


async def test_tcp_works_too() -> None:
    async with switch_at("127.0.0.1:0") as switch, SwitchChannel(switch.addresses[0]) as channel:
        assert (await connected(channel)).pipeline_pushed


# --- TLS ----------------------------------------------------------------------------------


def certificate(
    name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
    )
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pem(path: Path, signed: tuple[x509.Certificate, ec.EllipticCurvePrivateKey]) -> Path:
    path.write_bytes(signed[0].public_bytes(serialization.Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        signed[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


async def test_tls_with_certificates_on_both_ends(tmp_path: Path) -> None:
    authority = certificate("authority")
    ca = pem(tmp_path / "ca.pem", authority)
    server = pem(tmp_path / "server.pem", certificate("switch", authority))
    client = pem(tmp_path / "client.pem", certificate("controller", authority))
    stranger = pem(tmp_path / "stranger.pem", certificate("stranger"))
    options = SwitchOptions(
        grpc_addresses=("127.0.0.1:0",),
        tls=TlsFiles(server, server.with_suffix(".key"), client_ca=ca),
    )

    def credentials(ca: Path, own: Path) -> GRPCCredentialsTLS:
        return GRPCCredentialsTLS(cacert=ca, cert=own, private_key=own.with_suffix(".key"))

    async with EmbeddedSwitch(options) as switch:
        (address,) = switch.addresses
        async with SwitchChannel(address, credentials=credentials(ca, client)) as channel:
            assert (await connected(channel)).pipeline_pushed
        for bad in (
            credentials(stranger, client),  # the switch is nobody we know
            credentials(ca, stranger),  # we are nobody it knows
            credentials(tmp_path / "missing.pem", client),
        ):
            async with SwitchChannel(address, credentials=bad) as channel:
                assert isinstance(await receive(channel), Lost)
