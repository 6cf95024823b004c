"""What carries frames to and from the embedded switch.

`port.Port` is what the switch sees. `link` joins two ports in memory, `packet_socket` uses an
interface that exists (a veth, say), `tap` makes one. `spec` says how they are written on a command
line.
"""
