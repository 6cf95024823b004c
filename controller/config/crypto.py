"""The crypto sections: transform sets, crypto maps, passive mode."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from controller.config.algorithms import (
    AdditionalKeyExchange,
    EspTransforms,
    PfsGroup,
    esp_transforms,
)
from controller.config.key_material import SessionKey, SessionKeyFile
from controller.config.scalars import (
    Boolean,
    Name,
    OneOrMore,
    UnicastAddress,
    integer,
    shown,
    text,
)
from controller.config.section import Section, at_most_one
from ike.config import Mode
from ike.types import Secret

DEFAULT_ESP_LIFETIME = 3600  # seconds, as on IOS

EspLifetime = Annotated[int, integer(120, 86400, "seconds")]
Kilobytes = Annotated[int, integer(0, 4294967295, "kilobytes (0: no limit)")]
Packets = Annotated[int, integer(0, 2**64 - 1, "packets (0: no limit)")]
Retry = Annotated[int, integer(1, 86400, "seconds")]
Sequence = Annotated[int, integer(1, 65535)]
# 1 to 255 are IANA's (RFC 4303 §2.1).
Spi = Annotated[
    int, integer(256, 0xFFFFFFFF, hexadecimal=True), Field(description="256 to 4294967295")
]


def _mode(value: object) -> Mode:
    word = text(value)
    try:
        return Mode(word)
    except ValueError:
        raise ValueError(f"expected tunnel or transport, not {shown(word)}") from None


class TransformSetSection(Section):
    """``crypto ipsec transform-set NAME TRANSFORMS``, and what stands under it on IOS."""

    transforms: Annotated[EspTransforms, BeforeValidator(esp_transforms)] = Field(
        description="such as esp-gcm 256"
    )
    mode: Annotated[Mode, BeforeValidator(_mode)] = Mode.TUNNEL
    esn: Boolean = False
    additional_key_exchange: AdditionalKeyExchange = Field(default_factory=list)
    legacy: Boolean = False


def _transform_set(value: object) -> Any:
    """Take transforms without anything under them for a section with nothing else."""
    if isinstance(value, dict | TransformSetSection):
        return value
    return TransformSetSection(transforms=esp_transforms(value))


TransformSet = Annotated[TransformSetSection, BeforeValidator(_transform_set)]


class CryptoMapType(StrEnum):
    """Where an entry's SAs come from (PM-11)."""

    ISAKMP = "ipsec-isakmp"
    MANUAL = "ipsec-manual"


def _crypto_map_type(value: object) -> CryptoMapType:
    word = text(value)
    try:
        return CryptoMapType(word)
    except ValueError:
        raise ValueError(f"expected ipsec-isakmp or ipsec-manual, not {shown(word)}") from None


class SessionKeyEntry(Section):
    """``set session-key inbound|outbound esp SPI cipher KEY [authenticator KEY]``.

    Which of them are wanted, and how long, is up to the transform set.
    """

    spi: Spi
    key: SessionKey | None = None
    key_file: SessionKeyFile | None = None
    authenticator_key: SessionKey | None = None
    authenticator_key_file: SessionKeyFile | None = None

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        at_most_one(self, "key", "key_file")
        at_most_one(self, "authenticator_key", "authenticator_key_file")
        return self

    @property
    def cipher(self) -> Secret:
        """The cipher's key with its salt; empty where there is none."""
        return self.key or self.key_file or Secret(b"")

    @property
    def authenticator(self) -> Secret:
        """The integrity algorithm's key; empty where there is none."""
        return self.authenticator_key or self.authenticator_key_file or Secret(b"")


class SessionKeys(Section):
    """Both directions of a manual entry, as seen from this router."""

    inbound: SessionKeyEntry
    outbound: SessionKeyEntry


class SaLifetime(Section):
    """``set security-association lifetime seconds|kilobytes|packets``. 0 is no limit."""

    seconds: EspLifetime = DEFAULT_ESP_LIFETIME
    kilobytes: Kilobytes = 0
    packets: Packets = 0


def _sa_lifetime(value: object) -> Any:
    """Take a number for seconds."""
    return value if isinstance(value, dict | SaLifetime) else {"seconds": value}


class CryptoMapEntry(Section):
    """``crypto map NAME SEQUENCE ipsec-isakmp|ipsec-manual``."""

    type: Annotated[CryptoMapType, BeforeValidator(_crypto_map_type)] = Field(
        description="ipsec-isakmp or ipsec-manual"
    )
    set_peer: UnicastAddress
    set_transform_set: OneOrMore[Name] = Field(description="names of transform sets")
    match_address: Name = Field(description="the name of an access list")
    set_security_association_lifetime: (
        Annotated[SaLifetime, BeforeValidator(_sa_lifetime)] | None
    ) = None
    set_pfs: OneOrMore[PfsGroup] | None = None
    set_session_key: SessionKeys | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type is CryptoMapType.MANUAL:
            if self.set_session_key is None:
                raise ValueError("expected 'set_session_key', because the type is ipsec-manual")
            for name in ("set_security_association_lifetime", "set_pfs"):
                if getattr(self, name) is not None:
                    raise ValueError(f"'{name}' is for ipsec-isakmp: nothing is negotiated here")
        elif self.set_session_key is not None:
            raise ValueError("'set_session_key' is for ipsec-manual; IKE makes its own keys")
        return self


class CryptoIpsecOptional(Section):
    """``crypto ipsec optional [retry SECONDS]``: passive mode (PM-1, PM-4)."""

    enabled: Boolean = False
    retry: Retry = 300
