"""The router's control plane without sockets and clocks: events and the time in, outputs out."""
