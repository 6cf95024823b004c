"""Entities that several tests use."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from controller.p4runtime import tables
from controller.policy.model import Flow, Interface, PolicyAction, PolicyRule, PortRange
from ike.config import EncryptionAlgorithm
from ike.types import Secret

INTERFACE = Interface(
    id=3,
    name="Ethernet1/0",
    port=7,
    mac_address=0x02_00_00_00_00_03,
    address=IPv4Interface("10.0.0.1/24"),
    mtu=1500,
    crypto_map="map",
    crypto_map_id=2,
)

SAD_IN = tables.SadIn(
    destination=IPv4Address("192.0.2.1"),
    spi=0xC0FFEE01,
    sa_id=9,
    generation=77,
    keying=tables.Keying(
        EncryptionAlgorithm.AES_GCM_16,
        128,
        Secret(bytes(range(16))),
        Secret(b"\x00\x01\x02\x03"),
    ),
)

SAD_OUT = tables.SadOut(
    packet_type=5,
    sa_id=9,
    generation=77,
    spi=0xBEEF0001,
    keying=tables.Keying(
        EncryptionAlgorithm.AES_GCM_16,
        256,
        Secret(bytes(range(32))),
        Secret(b"\xff\xfe\xfd\xfc"),
    ),
    sequence_limit=tables.SEQUENCE_LIMIT_32,
    tunnel_source=IPv4Address("192.0.2.1"),
    tunnel_destination=IPv4Address("198.51.100.1"),
    udp_destination_port=4500,
    interface_id=3,
    gateway=IPv4Address("192.0.2.254"),
    inner_mtu=1400,
)

RULE = PolicyRule(
    crypto_map_id=2,
    priority=100,
    flow=Flow(
        IPv4Network("10.1.0.0/16"),
        IPv4Network("10.2.0.0/16"),
        protocol=6,
        destination_port=PortRange(80, 90),
    ),
    action=PolicyAction.PROTECT,
    packet_type=5,
    later_fragments=False,
)
