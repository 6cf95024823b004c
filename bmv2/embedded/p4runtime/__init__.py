"""The P4Runtime server of the embedded switch.

`service.P4RuntimeService` is the whole server without gRPC and without a clock: requests are
protobuf messages in, responses are protobuf messages out, time is a number. `grpc_server` carries
it over gRPC.
"""
