"""Passive mode (`crypto ipsec optional`): a pure state machine of events and time."""
