"""The controller's gRPC API: the services of ``p4ipsec.v1``, their server and a client."""
