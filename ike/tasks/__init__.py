"""What we ask of the peer in an established IKE SA: one task, one exchange.

A task begins with a request and finishes with its answer (`base`). The `queue` says which may begin
while others are under way. With additional key exchanges there are several requests, of which
`followup` makes all but the first (RFC 9370).
"""
