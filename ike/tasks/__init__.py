"""What we ask of the peer in an established IKE SA: one task, one exchange."""
