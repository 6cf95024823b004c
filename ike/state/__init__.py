"""Established IKE SAs as bytes, for another process to carry on."""
