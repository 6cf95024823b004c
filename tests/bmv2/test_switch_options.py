"""The options that every kind of switch takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmv2.switch_options import OptionsError, PortKind, PortSpec, SwitchOptions, parse_port_spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("1=veth1", PortSpec(1, "veth1")),
        ("2=tap:tap2", PortSpec(2, "tap2", PortKind.TAP)),
        (" 0@r1-eth0 ", PortSpec(0, "r1-eth0")),
        ("510=eth0.100", PortSpec(510, "eth0.100")),
    ],
)
def test_port_specs(text, spec):
    assert parse_port_spec(text) == spec
    assert parse_port_spec(str(spec)) == spec


@pytest.mark.parametrize(
    "text",
    ["", "1", "1=", "=veth1", "x=veth1", "-1=veth1", "1=tap:", "1=sixteen-letters0", "511=veth1",
     "1=a/b", "1=two words", "9" * 5000 + "=veth1", "1=tun:x"],
)  # fmt: skip
def test_bad_port_specs_are_refused_with_what_to_write(text):
    with pytest.raises(OptionsError, match="port"):
        parse_port_spec(text)


@given(st.text(max_size=40))
def test_any_text_is_a_port_spec_or_refused(text):
    try:
        spec = parse_port_spec(text)
    except OptionsError:
        return
    assert parse_port_spec(str(spec)) == spec


@pytest.mark.parametrize(
    "address", ["127.0.0.1:0", "[::]:9559", "localhost:65535", "unix:relative.sock", "unix:/run/s1"]
)
def test_grpc_addresses(address):
    assert SwitchOptions(grpc_addresses=(address,)).grpc_addresses == (address,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ports": (PortSpec(1, "a"), PortSpec(1, "b"))}, "port 1 is given twice"),
        ({"ports": (PortSpec(1, "a"), PortSpec(2, "a"))}, "interface a is given twice"),
        ({"ports": (PortSpec(510, "a"),)}, "port 510 is the CPU port"),
        ({"cpu_port": 511}, "CPU port 511"),
        ({"device_id": 0}, "device id 0"),
        ({"grpc_addresses": ()}, "address"),
        ({"grpc_addresses": ("unix:",)}, "1 to 107 bytes"),
        ({"grpc_addresses": ("unix:/" + "a" * 107,)}, "1 to 107 bytes"),
        ({"grpc_addresses": ("nonsense",)}, "HOST:PORT"),
        ({"grpc_addresses": (":9559",)}, "HOST:PORT"),
        ({"grpc_addresses": ("127.0.0.1:65536",)}, "HOST:PORT"),
        ({"grpc_addresses": ("127.0.0.1:x",)}, "HOST:PORT"),
    ],
)
def test_contradictions_are_named(options, message):
    with pytest.raises(OptionsError, match=message):
        SwitchOptions(**options)
