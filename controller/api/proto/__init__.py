"""The API as protocol buffers, and the code generated from it (``make proto``)."""
