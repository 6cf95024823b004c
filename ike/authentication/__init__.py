"""How the ends of an IKE SA prove who they are (RFC 7296 §2.15).

`proof` chooses by the configuration, and gives a `verdict`: by `shared_key`, with a key or with
none (RFC 7619), or by `signature` (RFC 7427), with `certificates` and `hashes`. `ppk` mixes a
postquantum preshared key in (RFC 8784), `lifetime` says how long a proof is good for (RFC 4478).
"""
