"""What IKEv2 makes of the primitives of `cryptography`: suites, key derivation, AUTH."""
