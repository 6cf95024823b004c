"""`make demo`: a living network that is moved to IPsec, one router at a time.

Three routers, each an embedded switch with a controller of its own, run in one process: the P4
program forwards the packets of the hosts, and the controllers speak P4Runtime over Unix sockets
and IKE through packet-in and packet-out, as they do anywhere else. Only their clock is faster.
"""
