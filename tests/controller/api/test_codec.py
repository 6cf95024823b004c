"""Status dataclasses as messages: every field, both ways."""

from __future__ import annotations

import dataclasses
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import status
from controller.api.codec import from_message, to_message
from controller.api.generate import PROTO, ROOT
from controller.api.proto.p4ipsec.v1 import p4ipsec_pb2 as pb

KINDS = [
    (status.ClearDestination, pb.ClearDestination),
    (status.ClearSource, pb.ClearSource),
    (status.PacketTypeStatus, pb.PacketTypeStatus),
    (status.CryptoOptionalStatus, pb.CryptoOptionalStatus),
    (status.CryptoMapStatus, pb.CryptoMapStatus),
    (status.EspSaStatus, pb.EspSaStatus),
    (status.IpsecSaStatus, pb.IpsecSaStatus),
    (status.IsakmpSaStatus, pb.IsakmpSaStatus),
    (status.DropCount, pb.DropCount),
    (status.SwitchStatus, pb.SwitchStatus),
    (status.LogMessage, pb.LogMessage),
]

st.register_type_strategy(IPv4Address, st.ip_addresses(v=4))
st.register_type_strategy(int, st.integers(0, 2**32 - 1))
st.register_type_strategy(float, st.floats(0, 1e12))
st.register_type_strategy(str, st.text(st.characters(codec="utf-8"), max_size=20))


@pytest.mark.parametrize(("kind", "message"), KINDS, ids=lambda kind: kind.__name__)
def test_message_has_the_fields_of_its_dataclass(kind: type, message: type) -> None:
    fields = [field.name for field in dataclasses.fields(kind)]
    assert sorted(fields) == sorted(message.DESCRIPTOR.fields_by_name)  # type: ignore[attr-defined]


@settings(deadline=None)
@given(st.sampled_from(KINDS).flatmap(lambda k: st.tuples(st.from_type(k[0]), st.just(k))))
def test_what_is_written_is_read_back(case: tuple[object, tuple[type, type]]) -> None:
    value, (kind, message_kind) = case
    message = to_message(value, message_kind)
    parsed = message_kind.FromString(message.SerializeToString())  # type: ignore[attr-defined]
    assert from_message(parsed, kind) == value


def test_absent_and_zero_are_told_apart() -> None:
    zero = status.EspSaStatus(spi=1, sa_id=1, packets=0, bytes=None)
    assert from_message(to_message(zero, pb.EspSaStatus), status.EspSaStatus) == zero


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Octet 256"):
        from_message(pb.ClearSource(address="10.0.0.256"), status.ClearSource)


def test_generated_code_is_that_of_the_proto(tmp_path: Path) -> None:
    from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
    from grpc_tools import protoc

    out = tmp_path / "descriptors"
    arguments = ["protoc", f"--proto_path={ROOT}", f"--descriptor_set_out={out}", PROTO]
    assert protoc.main(arguments) == 0
    (file,) = FileDescriptorSet.FromString(out.read_bytes()).file
    for message in file.message_type:
        for field in message.field:
            field.ClearField("json_name")
    assert FileDescriptorProto.FromString(pb.DESCRIPTOR.serialized_pb) == file
