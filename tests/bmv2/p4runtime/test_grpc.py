"""The gRPC edge, with a raw client."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import stat
import time
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from finsy.proto import p4r, p4r_grpc, rpc_status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from bmv2.embedded.p4runtime.grpc_server import ServeError, serve
from bmv2.embedded.p4runtime.service import P4RuntimeService
from bmv2.switch_options import TlsFiles


@pytest.fixture
def live(make_datapath):
    """A server on real time, not yet serving."""
    return P4RuntimeService(make_datapath(), device_id=1, clock_ns=time.monotonic_ns)


@asynccontextmanager
async def serving(service, *addresses, **options):
    server = await serve(
        service, addresses or ["127.0.0.1:0"], clock_ns=time.monotonic_ns, **options
    )
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def connected(server, place=0, credentials=None):
    address = server.addresses[place]
    options = [("grpc.max_metadata_size", 1 << 20)]
    if credentials is None:
        channel = grpc.aio.insecure_channel(address, options=options)
    else:
        channel = grpc.aio.secure_channel(address, credentials, options=options)
    async with channel:
        yield p4r_grpc.P4RuntimeStub(channel), channel


async def become_primary(stub, election_id=1):
    stream = stub.StreamChannel()
    message = p4r.StreamMessageRequest()
    message.arbitration.device_id = 1
    message.arbitration.election_id.low = election_id
    await stream.write(message)
    answer = await stream.read()
    assert answer.arbitration.status.code == 0
    return stream


def set_request(p4info, action="VERIFY_AND_COMMIT"):
    request = p4r.SetForwardingPipelineConfigRequest(device_id=1, action=action)
    request.election_id.low = 1
    request.config.p4info.CopyFrom(p4info)
    request.config.p4_device_config = p4info.SerializeToString()
    return request


def local_address(number):
    entry = p4r.TableEntry(table_id=0x02000003)
    entry.match.add(field_id=1).exact.value = number.to_bytes(4, "big").lstrip(b"\0")
    entry.action.action.action_id = 0x01000003
    return p4r.Entity(table_entry=entry)


async def test_status_of_each_update_travels_in_the_details(live, p4info):
    async with serving(live) as server, connected(server) as (stub, _):
        stream = await become_primary(stub)
        await stub.SetForwardingPipelineConfig(set_request(p4info))
        request = p4r.WriteRequest(device_id=1)
        request.election_id.low = 1
        for update in ("INSERT", "INSERT", "DELETE"):
            request.updates.add(type=update).entity.CopyFrom(local_address(7))
        request.updates.add(type="MODIFY").entity.CopyFrom(local_address(8))
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stub.Write(request)
        assert failure.value.code() is grpc.StatusCode.UNKNOWN
        trailing = dict(failure.value.trailing_metadata())
        status = rpc_status.Status.FromString(trailing["grpc-status-details-bin"])
        assert status.code == 2
        codes = []
        for detail in status.details:
            error = p4r.Error()
            assert detail.Unpack(error)
            codes.append(error.canonical_code)
        assert codes == [0, 6, 0, 5]
        stream.cancel()


async def test_error_of_a_whole_request_has_its_code_and_no_details(live):
    async with serving(live) as server, connected(server) as (stub, _):
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stub.Write(p4r.WriteRequest(device_id=1))
        assert failure.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "grpc-status-details-bin" not in dict(failure.value.trailing_metadata())
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stub.Capabilities(p4r.CapabilitiesRequest(device_id=2))
        assert failure.value.code() is grpc.StatusCode.NOT_FOUND
        answer = await stub.Capabilities(p4r.CapabilitiesRequest())
        assert answer.p4runtime_api_version == "1.4.0"


async def test_refused_arbitration_ends_the_stream_with_its_code(live):
    async with serving(live) as server, connected(server) as (stub, _):
        stream = stub.StreamChannel()
        message = p4r.StreamMessageRequest()
        message.arbitration.device_id = 99
        await stream.write(message)
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stream.read()
        assert failure.value.code() is grpc.StatusCode.NOT_FOUND


async def test_backup_takes_over_when_the_primary_is_gone(live):
    async with serving(live) as server, connected(server) as (stub, _):
        primary = await become_primary(stub, 5)
        backup = stub.StreamChannel()
        message = p4r.StreamMessageRequest()
        message.arbitration.device_id = 1
        message.arbitration.election_id.low = 4
        await backup.write(message)
        assert (await backup.read()).arbitration.status.code == 6
        primary.cancel()
        promoted = (await asyncio.wait_for(backup.read(), 5)).arbitration
        assert (promoted.status.code, promoted.election_id.low) == (0, 4)
        await backup.done_writing()
        assert await backup.read() is grpc.aio.EOF
        assert await backup.code() is grpc.StatusCode.OK


async def test_read_streams_what_came_before_an_error(live, p4info):
    async with serving(live) as server, connected(server) as (stub, _):
        await become_primary(stub)
        await stub.SetForwardingPipelineConfig(set_request(p4info))
        request = p4r.ReadRequest(device_id=1)
        request.entities.add().counter_entry.counter_id = 0x12000001
        request.entities.add().register_entry.register_id = 1
        call = stub.Read(request)
        assert len((await call.read()).entities) == 64
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call.read()
        assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


def fast_clock_ns():
    """A thousand seconds a second."""
    return time.monotonic_ns() * 1000


@pytest.mark.parametrize(
    ("clock_ns", "speed", "timeout_s"), [(time.monotonic_ns, 1, 0.01), (fast_clock_ns, 1000, 100)]
)
async def test_idle_timeout_arrives_by_itself(make_datapath, p4info, clock_ns, speed, timeout_s):
    """The deadline timer: nothing but time passes, the clock's time and not the event loop's."""
    service = P4RuntimeService(make_datapath(), device_id=1, clock_ns=clock_ns)
    server = await serve(service, ["127.0.0.1:0"], clock_ns=clock_ns, clock_speed=speed)
    try:
        async with connected(server) as (stub, _):
            stream = await become_primary(stub)
            await stub.SetForwardingPipelineConfig(set_request(p4info))
            entry = p4r.TableEntry(table_id=0x02000023, idle_timeout_ns=round(timeout_s * 1e9))
            entry.match.add(field_id=1).exact.value = b"\x01"
            entry.match.add(field_id=2).exact.value = b"\x02"
            entry.action.action.action_id = 0x01000027
            request = p4r.WriteRequest(device_id=1)
            request.election_id.low = 1
            request.updates.add(type="INSERT").entity.table_entry.CopyFrom(entry)
            await stub.Write(request)
            notice = (await asyncio.wait_for(stream.read(), 5)).idle_timeout_notification
            assert [e.table_id for e in notice.table_entry] == [0x02000023]
    finally:
        await server.stop()


async def test_unix_socket_is_for_its_owner_only(live, tmp_path):
    path = tmp_path / "switch.sock"
    async with serving(live, f"unix:{path}", "127.0.0.1:0") as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for place in (0, 1):
            async with connected(server, place) as (stub, _):
                await stub.Capabilities(p4r.CapabilitiesRequest(device_id=1))
    assert not path.exists()


async def test_address_that_is_taken_is_refused_with_a_reason(live, make_datapath):
    other = P4RuntimeService(make_datapath(), device_id=2, clock_ns=time.monotonic_ns)
    async with serving(live) as server:
        with pytest.raises(ServeError, match=server.addresses[0]):
            await serve(other, [server.addresses[0]], clock_ns=time.monotonic_ns)


async def test_health_and_reflection_are_served(live):
    async with serving(live) as server, connected(server) as (_, channel):
        checker = health_pb2_grpc.HealthStub(channel)
        answer = await checker.Check(health_pb2.HealthCheckRequest(service="p4.v1.P4Runtime"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = stub.ServerReflectionInfo()
        await call.write(
            reflection_pb2.ServerReflectionRequest(file_containing_symbol="p4.v1.P4Runtime")
        )
        assert (await call.read()).file_descriptor_response.file_descriptor_proto
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        names = {s.name for s in (await call.read()).list_services_response.service}
        assert "p4.v1.P4Runtime" in names
        call.cancel()


def certificate(name, issuer=None, issuer_key=None):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(issuer_key or key, hashes.SHA256())
    )
    return made, key


def pem(made, key) -> tuple[bytes, bytes]:
    return made.public_bytes(serialization.Encoding.PEM), key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """Files of a CA, a server and a client."""
    folder: Path = tmp_path_factory.mktemp("tls")
    ca, ca_key = certificate("ca")
    for name, (made, key) in {
        "ca": (ca, ca_key),
        "server": certificate("server", ca, ca_key),
        "client": certificate("client", ca, ca_key),
    }.items():
        cert_pem, key_pem = pem(made, key)
        (folder / f"{name}.crt").write_bytes(cert_pem)
        (folder / f"{name}.key").write_bytes(key_pem)
    return folder


async def test_mutual_tls_lets_in_only_clients_of_its_ca(live, tls):
    files = TlsFiles(tls / "server.crt", tls / "server.key", tls / "ca.crt")
    roots = (tls / "ca.crt").read_bytes()
    known = grpc.ssl_channel_credentials(
        roots, (tls / "client.key").read_bytes(), (tls / "client.crt").read_bytes()
    )
    async with serving(live, tls=files) as server:
        async with connected(server, credentials=known) as (stub, _):
            await stub.Capabilities(p4r.CapabilitiesRequest(device_id=1))
        async with connected(server, credentials=grpc.ssl_channel_credentials(roots)) as (stub, _):
            with pytest.raises(grpc.aio.AioRpcError) as failure:
                await stub.Capabilities(p4r.CapabilitiesRequest(device_id=1), timeout=5)
            assert failure.value.code() in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            )
        async with connected(server) as (stub, _):
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.Capabilities(p4r.CapabilitiesRequest(device_id=1), timeout=5)


@pytest.mark.parametrize(
    ("certificate", "key", "client_ca", "message"),
    [
        ("nowhere.crt", "server.key", None, "nowhere.crt: No such file"),
        ("server.crt", "nowhere.key", None, "nowhere.key: No such file"),
        ("server.crt", "client.key", None, "client.key: is not the key of .*server.crt"),
        ("server.key", "server.key", None, "server.key: holds no certificate"),
        ("server.crt", "server.crt", None, "server.crt: not an unencrypted private key"),
        ("server.crt", "server.key", "ca.key", "ca.key: holds no certificate"),
    ],
)
async def test_tls_file_that_cannot_be_used_is_named(
    live, tls, certificate, key, client_ca, message
):
    files = TlsFiles(tls / certificate, tls / key, client_ca and tls / client_ca)
    with pytest.raises(ServeError, match=message):
        await serve(live, ["127.0.0.1:0"], clock_ns=time.monotonic_ns, tls=files)
