"""The whole configuration."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, PrivateAttr, model_validator

from controller.config.crypto import CryptoIpsecOptional, CryptoMapEntry, Sequence, TransformSet
from controller.config.document import Document
from controller.config.files import InputPath, OutputPath, PrivatePath
from controller.config.isakmp import Isakmp
from controller.config.problems import Problem
from controller.config.scalars import (
    AccessLine,
    Endpoint,
    GrpcEndpoint,
    Hostname,
    InterfaceAddress,
    MacAddress,
    Name,
    Route,
    integer,
)
from controller.config.section import Section
from controller.config.trustpoints import Trustpoint

# The pipeline's ports have 9 bits; 510 is the controller's, 511 drops (`headers.p4`).
Port = Annotated[int, integer(0, 509), Field(description="0 to 509")]
# RFC 791 §3.2: every link takes 68 bytes.
Mtu = Annotated[int, integer(68, 65535, "bytes")]
DeviceId = Annotated[int, integer(1, 2**64 - 1)]
ElectionId = Annotated[int, integer(1, 2**128 - 1)]

DEFAULT_API = Endpoint(path="/run/p4ipsec/p4ipsec.sock")


class Tls(Section):
    """Certificates of a gRPC channel, PEM files.

    `ca_file` is what the other end's certificate is verified with; for the switch, the system's
    own authorities where it is left out, for the API, no client certificate is asked for then.
    """

    ca_file: InputPath | None = None
    certificate_file: InputPath | None = None
    key_file: PrivatePath | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("'certificate_file' and 'key_file' go together")
        return self


class Switch(Section):
    """The P4Runtime target."""

    address: GrpcEndpoint
    device_id: DeviceId = 1
    election_id: ElectionId = 1
    tls: Tls | None = None


class Api(Section):
    """Where the controller's own gRPC API listens."""

    listen: list[GrpcEndpoint] = Field(default=[DEFAULT_API], min_length=1, max_length=8)
    tls: Tls | None = None


class InterfaceConfig(Section):
    """``interface NAME``. `mac_address` None: derived from the host's and interface's names."""

    port: Port
    ip_address: InterfaceAddress
    mac_address: MacAddress | None = None
    mtu: Mtu = 1500
    crypto_map: Name | None = None


class ControllerConfig(Section):
    """The controller itself. With a `state_file`, IKE SAs outlive it."""

    state_file: OutputPath | None = None


class Debug(Section):
    """Key logs for Wireshark, written while the controller runs. Off unless named here."""

    ike_keylog_file: OutputPath | None = None
    esp_keylog_file: OutputPath | None = None


class Config(Section):
    """A configuration file. Names are those of IOS, with underscores."""

    hostname: Hostname
    switch: Switch
    api: Api = Field(default_factory=Api)
    interfaces: dict[Name, InterfaceConfig] = Field(min_length=1)
    ip_routes: list[Route] = Field(default_factory=list)
    access_lists: dict[Name, list[AccessLine]] = Field(default_factory=dict)
    transform_sets: dict[Name, TransformSet] = Field(default_factory=dict)
    crypto_maps: dict[Name, dict[Sequence, CryptoMapEntry]] = Field(default_factory=dict)
    crypto_ipsec_optional: CryptoIpsecOptional = Field(default_factory=CryptoIpsecOptional)
    crypto_pki_trustpoints: dict[Name, Trustpoint] = Field(default_factory=dict, max_length=64)
    isakmp: Isakmp = Field(default_factory=Isakmp)
    controller: ControllerConfig = Field(default_factory=ControllerConfig)
    debug: Debug = Field(default_factory=Debug)

    _document: Document = PrivateAttr(default_factory=lambda: Document("configuration"))
    _warnings: tuple[Problem, ...] = PrivateAttr(default=())

    @property
    def document(self) -> Document:
        """Where in the file every value stands; empty for a configuration made in code."""
        return self._document

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is legal, but hardly what was meant."""
        return self._warnings
