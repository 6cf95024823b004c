"""How the ends of an IKE SA prove who they are (RFC 7296 §2.15).

`proof` chooses by the configuration; each method is a module of its own.
"""
