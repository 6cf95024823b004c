"""The P4Runtime server of the embedded switch.

`service.P4RuntimeService` is the whole server without gRPC and without a clock: requests are
protobuf messages in, responses are protobuf messages out, time is a number. `grpc_server.serve`
carries it over gRPC.

bmv2 (p4lang/PI, ``proto/frontend`` and ``proto/server``) is the reference: its answers to some
three hundred requests are recorded, and given here too. Where an answer differs on purpose, because
bmv2 is broken or less strict than the specification, is listed with the reason for each in
``tests/conformance/p4runtime/deviations.py``. What no single answer shows:

- RECONCILE_AND_COMMIT carries registers over; with the config that runs already it changes nothing.
- A device config is compiled, and compared to its P4Info, when it is verified.
- Idle timeouts and those of digests are exact; bmv2 sweeps. Lists, queues and metadata are bounded,
  and of what waits for a client that does not read the newest is dropped.
"""
