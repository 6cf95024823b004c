"""A network to migrate to IPsec, in Mininet: ``sudo make mininet``.

Mininet is a Debian package for the system's own Python, so this folder imports nothing but Mininet
and the standard library; the switch and the controller of each router are processes of `p4ipsec`.
"""
