"""The exchanges of IKEv2: what goes into their messages, and what comes out of them.

A module for each exchange, and what several have in common: CHILD_SAs (`child`), key exchanges
(`key_exchange`, `draft`), refusals (`outcome`). Functions of payloads, configuration and keys. When
they are called is up to `ike.initiator`, `ike.responder` and `ike.connection`.
"""
