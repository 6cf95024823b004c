"""The wire format of IKEv2 (RFC 7296 §3): bytes to frozen dataclasses and back.

`message` is a header and a `chain` of payloads; each kind of payload has a module of its own, with
`parse` beside `serialize`. `registry` has IANA's numbers; those unknown are kept, not refused.
`reader` bounds every length. All that is malformed raises `errors.ParseError`.
"""
