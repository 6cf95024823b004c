"""The controller: P4Runtime, passive mode, IKE over packet I/O, configuration, gRPC API, CLI."""
