"""Mutual TLS on the real bmv2, with the options that the embedded switch takes."""

from pathlib import Path

import grpc
import pytest
from finsy.proto import p4r, p4r_grpc

from bmv2.simple_switch import SimpleSwitch
from bmv2.switch_options import SwitchOptions, TlsFiles
from tests.bmv2.p4runtime.test_grpc import certificate, pem


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Files of a CA, a server and a client."""
    folder: Path = tmp_path_factory.mktemp("tls")
    ca, ca_key = certificate("ca")
    made = {"ca": (ca, ca_key)} | {n: certificate(n, ca, ca_key) for n in ("server", "client")}
    for name, pair in made.items():
        for path, content in zip((f"{name}.crt", f"{name}.key"), pem(*pair), strict=True):
            (folder / path).write_bytes(content)
    return folder


async def version(address: str, credentials: grpc.ChannelCredentials) -> str:
    async with grpc.aio.secure_channel(address, credentials) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        answer = await stub.Capabilities(p4r.CapabilitiesRequest(), timeout=3)
        return answer.p4runtime_api_version


@pytest.mark.parametrize("mutual", [False, True])
async def test_real_bmv2_with_tls(real_bmv2, folder, mutual):
    files = TlsFiles(
        folder / "server.crt", folder / "server.key", folder / "ca.crt" if mutual else None
    )
    roots = (folder / "ca.crt").read_bytes()
    anybody = grpc.ssl_channel_credentials(roots)
    known = grpc.ssl_channel_credentials(
        roots, (folder / "client.key").read_bytes(), (folder / "client.crt").read_bytes()
    )
    options = SwitchOptions(grpc_addresses=("127.0.0.1:0",), tls=files)
    async with SimpleSwitch(options) as switch:
        assert await version(switch.address, known)
        if mutual:
            with pytest.raises(grpc.aio.AioRpcError):
                await version(switch.address, anybody)
        else:
            assert await version(switch.address, anybody)
