"""The exchanges of IKEv2: what goes into their messages, and what comes out of them.

Functions of payloads, configuration and keys. When they are called is `ike.connection`'s.
"""
