"""IKE SAs on their way out: rekeyed, being deleted, or closed and still repeating an answer."""

from __future__ import annotations


class Leaving:
    """Their SPIs, by peer, at most `limit` a peer.

    Each is there for a while, whatever comes, so a peer that makes and ends IKE SAs as fast as it
    can would have us keep as many as fit into that while: the oldest go at once instead.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spis: dict[str, dict[int, None]] = {}

    def add(self, peer: str, spi: int) -> int | None:
        """Note one; give the one that has to go for it, if any, and forget that."""
        spis = self._spis.setdefault(peer, {})
        spis.setdefault(spi)
        if len(spis) <= self._limit:
            return None
        oldest = next(iter(spis))
        del spis[oldest]
        return oldest

    def discard(self, peer: str, spi: int) -> None:
        """Forget one: it has gone."""
        spis = self._spis.get(peer)
        if spis is not None:
            spis.pop(spi, None)
            if not spis:
                del self._spis[peer]
