"""Established IKE SAs as bytes, for another process to carry on.

Out: `snapshot` makes `records`, `codec` writes them, `seal` encrypts. In: the same backwards, then
`restore` with its `builder` makes IKE SAs of them whose peers are configured as they were
(`fingerprint`). `iv` sees to it that no two processes use the same IV. `handover` does all of it;
`errors` and `report` tell the caller how it went.
"""
