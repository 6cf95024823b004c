"""The wire format of IKEv2 (RFC 7296 §3): bytes to frozen dataclasses and back."""
