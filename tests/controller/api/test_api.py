"""The API through a real server and client."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from controller.api.backend import MAX_RETRY
from controller.api.client import Client, ClientTls
from controller.api.errors import ApiError, ListenError, NotRunningError, RefusedError
from controller.api.listening import ServerTls, server_tls
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2 as pb
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2_grpc as pb_grpc
from controller.api.services import MAX_WATCHERS
from controller.config.crypto import CryptoIpsecOptional
from controller.config.models import Tls
from controller.config.scalars import Endpoint
from controller.passive.packet_type import DEFAULT_RETRY
from controller.status import CryptoOptionalStatus, LogMessage
from tests.controller.api.memory_backend import (
    CERTIFICATES,
    IPSEC_SAS,
    ISAKMP_DETAIL,
    ISAKMP_SAS,
    MAPS,
    OPTIONAL,
    PEER,
    SWITCH,
    MemoryBackend,
    RunningServer,
    serving,
    unix,
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with serving(unix(tmp_path)) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.endpoint) as client:
        yield client


def refused(error: pytest.ExceptionInfo[RefusedError]) -> tuple[str, str]:
    return error.value.code, str(error.value)


# --- the commands -------------------------------------------------------------------------


def test_pm9_show_crypto_optional(client: Client) -> None:
    assert client.show_crypto_optional() == OPTIONAL


def test_every_other_show_command(client: Client) -> None:
    assert client.show_crypto_map() == MAPS
    assert client.show_crypto_ipsec_sa() == IPSEC_SAS
    assert client.show_crypto_isakmp_sa() == ISAKMP_SAS
    assert client.show_crypto_isakmp_sa_detail() == ISAKMP_DETAIL
    assert client.show_crypto_pki_certificates() == CERTIFICATES
    assert client.show_switch() == SWITCH


@pytest.mark.slow
def test_pm9_a_full_list_of_destinations_fits_into_an_answer(
    server: RunningServer, client: Client
) -> None:
    one = OPTIONAL.destinations[0]
    server.backend.optional = CryptoOptionalStatus(
        True, 300.0, (one,) * 16_384, (OPTIONAL.sources[0],) * 16_384, OPTIONAL.packet_types * 2048
    )
    assert client.show_crypto_optional() == server.backend.optional


def test_clear_crypto_sa(server: RunningServer, client: Client) -> None:
    assert client.clear_crypto_sa() == 2
    assert client.clear_crypto_sa(PEER) == 1
    assert server.backend.calls == [("clear", None), ("clear", PEER)]


def test_pm10_turning_off_returns_what_the_operator_is_told(
    server: RunningServer, client: Client
) -> None:
    assert client.set_crypto_optional(enabled=False) == ("Passive mode is disabled. Save it.",)
    assert server.backend.calls == [("passive mode", False)]


def test_pm4_retry_alone_leaves_the_mode(server: RunningServer, client: Client) -> None:
    assert client.set_crypto_optional(retry=60) == ()
    assert server.backend.calls == [("retry", 60.0)]


def test_pm10_write_memory(client: Client) -> None:
    assert client.write_memory() == "/etc/p4ipsec/r1.yaml"


# --- errors -------------------------------------------------------------------------------


def test_unknown_peer_is_not_found(client: Client) -> None:
    with pytest.raises(RefusedError) as error:
        client.clear_crypto_sa(IPv4Address("1.2.3.4"))
    assert refused(error) == ("NOT_FOUND", "1.2.3.4 is not a peer of any crypto map")


@pytest.mark.parametrize("retry", [0, MAX_RETRY + 1])
def test_pm4_retry_out_of_range_is_refused_and_the_mode_left_alone(
    server: RunningServer, client: Client, retry: int
) -> None:
    with pytest.raises(RefusedError) as error:
        client.set_crypto_optional(enabled=True, retry=retry)
    assert refused(error) == (
        "INVALID_ARGUMENT",
        f"retry must be 1 to 86400 seconds, not {retry}",
    )
    assert server.backend.calls == []


def test_peer_that_is_no_address_is_refused(server: RunningServer) -> None:
    with grpc.insecure_channel(str(server.endpoint)) as channel:
        stub = pb_grpc.ClearStub(channel)
        with pytest.raises(grpc.RpcError) as error:
            stub.ClearCryptoSa(pb.ClearCryptoSaRequest(peer="x" * 1000))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert len(error.value.details()) < 200


def test_switch_that_is_gone_is_not_taken_for_a_controller_that_is(
    server: RunningServer, client: Client
) -> None:
    server.backend.switch_is_gone = True
    with pytest.raises(RefusedError) as error:
        client.show_crypto_optional()
    assert refused(error) == ("UNAVAILABLE", "the switch at 127.0.0.1:9559 doesn't answer")


def test_configuration_that_cannot_be_saved(server: RunningServer, client: Client) -> None:
    server.backend.saves_to = None
    with pytest.raises(RefusedError) as error:
        client.write_memory()
    assert error.value.code == "FAILED_PRECONDITION"
    assert "Permission denied" in str(error.value)


def test_unforeseen_error_tells_the_client_nothing_of_its_inside(
    server: RunningServer, client: Client
) -> None:
    server.backend.broken = True
    with pytest.raises(RefusedError) as error:
        client.show_crypto_optional()
    assert refused(error) == ("INTERNAL", "internal error: see the controller's log")
    server.backend.broken = False
    assert client.show_crypto_optional() == OPTIONAL


def test_no_controller_says_how_to_start_one(tmp_path: Path) -> None:
    with Client(unix(tmp_path)) as client, pytest.raises(NotRunningError) as error:
        client.show_crypto_map()
    assert f"not running at unix:{tmp_path}/run/p4ipsec.sock" in str(error.value)
    assert "p4ipsec run -c FILE" in str(error.value)


def test_request_larger_than_any_real_one_is_refused(server: RunningServer) -> None:
    with grpc.insecure_channel(str(server.endpoint)) as channel:
        stub = pb_grpc.ClearStub(channel)
        with pytest.raises(grpc.RpcError) as error:
            stub.ClearCryptoSa(pb.ClearCryptoSaRequest(peer="x" * 100_000))
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


# --- messages -----------------------------------------------------------------------------

FIRST = LogMessage(1.5, "warning", "Security warning: crypto ipsec optional is configured")
SECOND = LogMessage(2.5, "error", "IKE attempt failed: no answer", "xauthmap 10 192 line 1")


def test_pm7_pm8_messages_come_with_their_history_and_then_as_they_happen(
    server: RunningServer, client: Client
) -> None:
    server.publish(FIRST)
    stream = client.watch_messages(history=10)
    assert next(stream) == FIRST
    server.publish(SECOND)
    assert next(stream) == SECOND
    stream.close()


def test_watchers_are_limited_and_leave_their_place(server: RunningServer) -> None:
    server.publish(FIRST)
    with Client(server.endpoint) as client:
        streams = [client.watch_messages(history=1) for _ in range(MAX_WATCHERS)]
        for stream in streams:
            next(stream)
        with pytest.raises(RefusedError) as error:
            next(client.watch_messages())
        assert error.value.code == "RESOURCE_EXHAUSTED"
        for stream in streams:
            stream.close()
    with Client(server.endpoint) as client:
        for _ in range(50):
            try:
                assert next(client.watch_messages(history=1)) == FIRST
                break
            except RefusedError:
                threading.Event().wait(0.02)
        else:
            pytest.fail("the places of closed streams were not given back")


# --- health and reflection ----------------------------------------------------------------


def test_health_and_reflection_are_on(server: RunningServer) -> None:
    with grpc.insecure_channel(str(server.endpoint)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", "p4ipsec.v1.Show"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        database = ProtoReflectionDescriptorDatabase(channel)
        assert set(database.get_services()) >= {
            "p4ipsec.v1.Show",
            "p4ipsec.v1.Clear",
            "p4ipsec.v1.Configure",
            "p4ipsec.v1.Monitor",
            "grpc.health.v1.Health",
        }
        file = database.FindFileContainingSymbol("p4ipsec.v1.Show")
        assert file.package == "p4ipsec.v1"


# --- where it listens ---------------------------------------------------------------------


def test_socket_and_its_directory_are_closed_to_others(
    server: RunningServer, tmp_path: Path
) -> None:
    path = Path(server.endpoint.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_socket_is_removed_at_the_end(tmp_path: Path) -> None:
    with serving(unix(tmp_path)) as running:
        path = Path(running.endpoint.path)
        assert path.exists()
    assert not path.exists()


def test_socket_that_nobody_listens_on_is_replaced(tmp_path: Path) -> None:
    endpoint = unix(tmp_path)
    Path(endpoint.path).parent.mkdir()
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(endpoint.path)
    with serving(endpoint), Client(endpoint) as client:
        assert client.show_switch() == SWITCH


def test_socket_of_a_live_controller_is_left_alone(server: RunningServer, client: Client) -> None:
    with pytest.raises(ListenError, match="another controller listens"), serving(server.endpoint):
        pass
    assert client.show_switch() == SWITCH


def test_file_in_the_socket_s_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(ListenError, match="is not a socket"), serving(Endpoint(path=str(path))):
        pass
    assert path.read_text() == "precious"


def test_tcp_on_loopback_needs_no_tls_and_is_not_shared() -> None:
    with serving(Endpoint(host="127.0.0.1", port=0)) as running:
        assert running.endpoint.port != 0
        with Client(running.endpoint) as client:
            assert client.show_switch() == SWITCH
        with pytest.raises(ListenError, match="port is in use"), serving(running.endpoint):
            pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "router.example"])
def test_tcp_for_others_needs_tls_with_client_certificates(host: str, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    server_only = ServerTls(certificates / "server.pem", certificates / "server.key")
    for tls in (None, server_only):
        with (
            pytest.raises(ListenError, match="client certificates"),
            serving(Endpoint(host=host, port=0), tls=tls),
        ):
            pass


def test_one_endpoint_refused_leaves_none_open(tmp_path: Path) -> None:
    from controller.api.server import ApiServer

    backend = MemoryBackend()
    endpoints = [unix(tmp_path), Endpoint(path=str(tmp_path))]
    running = RunningServer(backend, ApiServer(backend, endpoints))
    with pytest.raises(ListenError, match="is not a socket"):
        running.start()
    assert not Path(endpoints[0].path).exists()


def test_tls_lets_in_who_has_a_certificate_and_nobody_else(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    tls = ServerTls(made / "server.pem", made / "server.key", made / "ca.pem")
    with serving(Endpoint(host="127.0.0.1", port=0), tls=tls) as running:
        with_certificate = ClientTls(made / "ca.pem", made / "client.pem", made / "client.key")
        with Client(running.endpoint, with_certificate) as client:
            assert client.show_switch() == SWITCH
        for wrong in (None, ClientTls(made / "ca.pem")):
            with Client(running.endpoint, wrong) as client, pytest.raises(ApiError):
                client.show_switch()


def test_settings_of_the_configuration(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    files = {"certificate_file": made / "server.pem", "key_file": made / "server.key"}
    assert server_tls(None) is None
    assert server_tls(Tls(**files)) == ServerTls(made / "server.pem", made / "server.key")
    with pytest.raises(ListenError, match="needs a certificate"):
        server_tls(Tls(ca_file=made / "ca.pem"))
    assert CryptoIpsecOptional().retry == DEFAULT_RETRY
    assert CryptoIpsecOptional(retry=MAX_RETRY).retry == MAX_RETRY
    with pytest.raises(ValueError, match="86400"):
        CryptoIpsecOptional(retry=MAX_RETRY + 1)


def test_directory_that_cannot_be_made_is_named() -> None:
    with (
        pytest.raises(ListenError, match=r"/proc/p4ipsec/x.sock.*api\.listen"),
        serving(Endpoint(path="/proc/p4ipsec/x.sock")),
    ):
        pass


def test_certificate_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    tls = ServerTls(tmp_path / "none.pem", tmp_path / "none.key")
    with (
        pytest.raises(ListenError, match=r"none.key can't be read"),
        serving(Endpoint(host="127.0.0.1", port=0), tls=tls),
    ):
        pass
    with pytest.raises(ApiError, match=r"none.pem can't be read"):
        Client(Endpoint(host="127.0.0.1", port=1), ClientTls(tmp_path / "none.pem"))


def make_certificates(directory: Path) -> Path:
    """Make an authority, and a certificate of a server and of a client that it has signed."""
    import datetime as dt
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    now = dt.datetime.now(dt.UTC)
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name.from_rfc4514_string("CN=authority")
    for name in ("ca", "server", "client"):
        key = authority if name == "ca" else ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(issuer if name == "ca" else x509.Name.from_rfc4514_string(f"CN={name}"))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(name == "ca", None), critical=True)
        )
        if name == "server":
            address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        certificate = builder.sign(authority, hashes.SHA256())
        (directory / f"{name}.pem").write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
        )
        (directory / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (directory / f"{name}.key").chmod(0o600)
    return directory
