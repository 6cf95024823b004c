"""The IKEv2 engine: bytes and the time in; bytes, the next deadline and events out.

What callers import: `ike.endpoint`, `ike.config`, `ike.events`, `ike.info`, `ike.types`, `ike.pki`,
and for export and import `ike.state.errors` and `ike.state.report`.

A datagram's way in, with the sections of RFC 7296 unless another one is named::

    endpoint ── dispatch ─┬─ reception       IKE_SA_INIT of strangers: admission, cookies (§2.6)
      │                   │    └─ responder  half-open until IKE_AUTH is answered
      │                   ├─ initiator       an IKE SA that we are initiating (§1.2)
      │                   └─ connection      an established one, with its CHILD_SAs
      │                        ├─ channel    ids, windows, fragments, encryption (§2.1-2.3, §3.14)
      │                        ├─ answers    the peer's requests (§1.3, §1.4)
      │                        ├─ replies    its answers to our tasks
      │                        └─ schedule   what time asks for
      ├─ settlement ── peer_table ── peer    which IKE SA carries what is attempted
      └─ sa_table                            all IKE SAs, by SPI and by deadline

Of what goes on in them:

=============================== ==================================================================
life of an IKE SA               `states`, a table; `succession` when it is rekeyed (§2.18)
messages on the wire            `codec` (§3), `fragments` (RFC 7383), `protection`
contents of the exchanges       `exchanges` (§1.2-1.4, RFC 9242, RFC 9370)
what we ask for                 `tasks`: rekeying, deletion, liveness, addresses
what the peer begins            `creation`, and `followups` of it (RFC 9370)
the same from both ends         `duplicates`, `tasks.rekey_child`, `tasks.rekey_ike_sa` (§2.8)
negotiation                     `proposals`, `transforms` (§2.7), `selectors` (§2.9)
proofs of identity              `authentication` (§2.15, RFC 7427, RFC 7619, RFC 8784), `pki`
proofs again                    `reauthentication` (§2.8.3, RFC 4478)
keys and primitives             `crypto` (§2.13-2.17)
other addresses                 `mobike`, `relocation` (RFC 4555, §2.23)
a peer that has lost its state  `crash_detection` (RFC 6290)
another process carries on      `state`
=============================== ==================================================================

States and exchanges are functions of messages and the time. Nothing in this package waits, reads a
clock, opens a socket or writes a log, and nothing in it knows the controller.
"""
