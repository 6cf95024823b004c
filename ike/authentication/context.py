"""What AUTH covers (RFC 7296 §2.15)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ike.crypto.auth import shared_key_mic, signed_octets
from ike.crypto.keys import keys_with_ppk, updated_ike_keys
from ike.events import Role
from ike.exchanges.ike_intermediate import Transcript
from ike.exchanges.ike_sa_init import InitAgreement
from ike.types import Secret


@dataclass(frozen=True, slots=True)
class AuthContext:
    """The agreement, and all messages before as they were sent.

    These are those of IKE_SA_INIT, and the transcript of IKE_INTERMEDIATE. The agreement's keys
    are those after the last exchange. `peer_hashes` are the hash algorithms that the peer has
    announced (RFC 7427 §4): none if it does not know RFC 7427. With `wants_ocsp` it has asked for
    OCSP responses. With `uses_ppk` both ends know
    RFC 8784; with `ppk_is_mixed` a PPK is in the keys.
    """

    agreement: InitAgreement
    request: bytes
    response: bytes
    peer_hashes: frozenset[int] = frozenset()
    wants_ocsp: bool = False
    transcript: Transcript = Transcript()  # noqa: RUF009  # frozen
    uses_ppk: bool = False
    ppk_is_mixed: bool = False

    def after_intermediate(self, request: bytes, response: bytes, shared: Secret) -> AuthContext:
        """Go on after an additional key exchange in IKE_INTERMEDIATE (RFC 9370 §2.2.2).

        Args:
            request: what AUTH covers of the request (`ike_intermediate.covered`).
            response: the same of the response.
            shared: the secret of the key exchange.
        """
        agreement = self.agreement
        suite, keys = agreement.suite, agreement.keys
        transcript = self.transcript.extended(suite.prf, keys, request, response)
        spis = agreement.initiator_spi, agreement.responder_spi
        updated = updated_ike_keys(suite, keys, shared, agreement.nonces, *spis)
        return replace(self, agreement=replace(agreement, keys=updated), transcript=transcript)

    def mixed_with(self, ppk: Secret) -> AuthContext:
        """Go on with a postquantum preshared key (RFC 8784 §3)."""
        agreement = self.agreement
        keys = keys_with_ppk(agreement.suite.prf, agreement.keys, ppk)
        return replace(self, agreement=replace(agreement, keys=keys), ppk_is_mixed=True)

    def octets(self, signer: Role, identification: bytes) -> bytes:
        """Put together what `signer` signs; `identification` is the body of its IDi or IDr."""
        nonces = self.agreement.nonces
        is_initiator = signer is Role.INITIATOR
        return signed_octets(
            self.agreement.suite.prf,
            self.request if is_initiator else self.response,
            nonces.responder if is_initiator else nonces.initiator,
            self.sk_p(signer),
            identification,
            self.transcript.int_auth,
        )

    def sk_p(self, signer: Role) -> Secret:
        """Return SK_pi or SK_pr."""
        keys = self.agreement.keys
        return keys.sk_pi if signer is Role.INITIATOR else keys.sk_pr

    def mic(self, signer: Role, identification: bytes, shared_key: Secret) -> bytes:
        """Compute the AUTH data that proves that `signer` knows a shared key."""
        octets = self.octets(signer, identification)
        return shared_key_mic(self.agreement.suite.prf, shared_key, octets)
