"""The router's own packets: bytes to meaning and back, next hops, neighbors. No I/O, no clock."""
