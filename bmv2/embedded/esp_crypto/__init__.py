"""ESP's ciphers, MACs and AEADs, on the primitives of `cryptography`."""
