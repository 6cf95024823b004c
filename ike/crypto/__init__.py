"""What IKEv2 makes of the primitives of `cryptography`.

`key_exchange` (with `ecdh`, `modp`, `mlkem`) gives shared secrets, `keys` derives from them by
`prf` what `message_cipher` (`encryption`, `integrity`) and `auth` use. `signature` signs, with
algorithms named as in RFC 7427. `suites` has the algorithms that an SA was agreed on.
"""
