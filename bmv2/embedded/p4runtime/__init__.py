"""The P4Runtime server of the embedded switch.

`service.P4RuntimeService` is the whole server without gRPC and without a clock: requests are
protobuf messages in, responses are protobuf messages out, time is a number. `grpc_server.serve`
carries it over gRPC.

bmv2 (p4lang/PI, ``proto/frontend`` and ``proto/server``) is the reference. What differs from it on
purpose, mostly because the specification asks for it and bmv2 has not come to it:

- Atomicity: ROLLBACK_ON_ERROR and DATAPLANE_ATOMIC work; bmv2 answers UNIMPLEMENTED.
- Arbitration: one device id, others are NOT_FOUND; roles, each with its own primary; without an
  election id nobody is primary, and without a stream nobody writes. See `arbitration`.
- RECONCILE_AND_COMMIT works with counters in the program, and carries registers over; with the
  config that runs already it changes nothing. bmv2 fails as soon as there is an indirect counter.
- Configs: a device config is compiled, and compared to its P4Info, when it is verified.
- Entries: a full table is RESOURCE_EXHAUSTED; an empty byte string, a parameter or packet-out field
  given twice, a range that is "don't care" in any encoding, a negative priority, count or timeout
  of a digest, and an entry for a table without a key are refused; simple ``@entry_restriction``
  are enforced; metadata is bounded.
- Packets, digests and idle timeouts: errors go to the client without being switched on; timeouts
  are exact instead of swept; lists and queues are bounded, and the newest is dropped.
- Meters: a peak rate below the committed one is INVALID_ARGUMENT; bmv2 says UNKNOWN.
- Multicast groups and clone sessions can be asked for, but not made: UNIMPLEMENTED.
"""
