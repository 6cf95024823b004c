"""Data planes to run the P4 program on: the embedded switch, and what bmv2 needs."""
