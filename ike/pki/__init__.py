"""X.509 certificates for IKE (RFC 7296 §3.6, RFC 4945, RFC 5280): bytes and a time in.

One validator for all paths, ours: `ike.pki.path`, `ike.pki.usage`, `ike.pki.constraints` and
`ike.pki.revocation` on top of the primitives of `cryptography`. Its own `x509.verification` is made
for the web: it refuses Ed25519 and Ed448, a leaf without subjectAltName and pinned certificates of
single peers, has no revocation, and gives its reasons as prose. Using it for some paths and our own
for the rest would let the kind of a key decide which rules hold. It serves the tests as a second
opinion on the paths that both accept.
"""

from ike.pki.credential import Credential
from ike.pki.errors import CertificateError, CertificateProblem, LoadError
from ike.pki.identity import identity_matches
from ike.pki.trust import RevocationPolicy, RevocationSource, TrustStore
from ike.pki.verify import verify

__all__ = [
    "CertificateError",
    "CertificateProblem",
    "Credential",
    "LoadError",
    "RevocationPolicy",
    "RevocationSource",
    "TrustStore",
    "identity_matches",
    "verify",
]
