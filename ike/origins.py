"""Where in the caller's configuration something is said: for details that an operator reads."""

from __future__ import annotations


def cite(text: str, *origins: str) -> str:
    """Add the places that decided, such as ``r1.yaml:42``, each once; "" is not known."""
    known = dict.fromkeys(origin for origin in origins if origin)
    return f"{text} ({', '.join(known)})" if known else text
