"""The one error of this package."""


class SimpleSwitchError(Exception):
    """bmv2 cannot run, or has ended; the message is one sentence that says what to do."""
