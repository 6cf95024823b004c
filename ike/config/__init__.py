"""What the engine is to do: peers, proposals, policies. Built by the controller.

Each `origin` says where the caller was told so, such as ``r1.yaml:42``, and is cited where a
negotiation fails because of it: in a peer, how it and we authenticate. It changes nothing else.
"""

from ike.config.algorithms import (
    EncryptionAlgorithm,
    Integrity,
    KeyExchange,
    Prf,
    SignatureScheme,
    is_legacy,
)
from ike.config.authentication import (
    MAX_PPK_ID,
    CertificateCredential,
    LocalAuthentication,
    NullAuthentication,
    Ppk,
    PpkIdType,
    PresharedKey,
    RemoteAuthentication,
    TrustedCertificate,
)
from ike.config.peers import ChildConfig, Mode, PeerConfig
from ike.config.proposals import MAX_ADDITIONAL, AdditionalKeyExchange, EspProposal, IkeProposal
from ike.config.settings import MAX_SELF_DESCRIPTION, MAX_WINDOW, Retransmission, Settings

__all__ = [
    "MAX_ADDITIONAL",
    "MAX_PPK_ID",
    "MAX_SELF_DESCRIPTION",
    "MAX_WINDOW",
    "AdditionalKeyExchange",
    "CertificateCredential",
    "ChildConfig",
    "EncryptionAlgorithm",
    "EspProposal",
    "IkeProposal",
    "Integrity",
    "KeyExchange",
    "LocalAuthentication",
    "Mode",
    "NullAuthentication",
    "PeerConfig",
    "Ppk",
    "PpkIdType",
    "PresharedKey",
    "Prf",
    "RemoteAuthentication",
    "Retransmission",
    "Settings",
    "SignatureScheme",
    "TrustedCertificate",
    "is_legacy",
]
