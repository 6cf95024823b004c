"""The IKEv2 engine: bytes and the time in; bytes, the next deadline and events out."""
