"""What lies between the peers: a flood of strangers, NAT, mappings that change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ike.config import PeerConfig, Settings
from ike.events import ChildSaDeleted, PeerMoved
from ike.types import Identity
from tests.interop.lab.engine.engine import Engine
from tests.interop.lab.lab import Lab
from tests.interop.lab.scenario import CHILD
from tests.interop.lab.strongswan import StrongSwan
from tests.interop.lab.swanctl_conf import Connection, Retransmission
from tests.interop.lab.topology import SITE_A, SITE_B, SITE_C
from tests.interop.lab.waiting import wait_for
from tests.interop.matrix.cells import By, both_ways, cell
from tests.interop.matrix.nat import INSIDE, PUBLIC, MaskedSite
from tests.interop.matrix.pair import (
    Pair,
    our_child,
    our_peer,
    paired,
    selector,
    their_child,
    their_connection,
)

pytestmark = pytest.mark.interop

ENGINE_ID, GATEWAY_ID = "engine.example", "gateway.example"


@pytest.fixture(scope="module")
def masked(matrix_lab: Lab) -> MaskedSite:
    masked = MaskedSite(matrix_lab)
    masked.build()
    return masked


@pytest.fixture(scope="module")
def inner(matrix_lab: Lab, masked: MaskedSite) -> Iterator[StrongSwan]:
    masked.add_host(SITE_B.host_address)
    inner = StrongSwan(
        masked.inside,
        matrix_lab.run / "strongswan-inside",
        retransmission=Retransmission(timeout=0.5, base=1.5, tries=3),
    )
    inner.start()
    yield inner
    inner.stop()


class TestCookie:
    """RFC 7296 §2.6."""

    AREA = "COOKIE"

    @cell(AREA, "the engine asks for one", By.STRONGSWAN)
    def test_ours(self, matrix_lab: Lab, strongswan: StrongSwan) -> None:
        before = len(strongswan.log)
        settings = Settings(cookie_threshold=0)
        ours, theirs = our_peer(), their_connection()
        with paired(matrix_lab, strongswan, ours, theirs, settings=settings) as pair:
            pair.establish(By.STRONGSWAN)
            pair.ping_both_ways()
        assert "parsed IKE_SA_INIT response 0 [ N(COOKIE) ]" in strongswan.log[before:]

    @cell(AREA, "strongSwan asks for one", By.ENGINE)
    def test_theirs(self, matrix_lab: Lab) -> None:
        """A third peer stops half way, and strongSwan is half open from then on."""
        strongswan = StrongSwan(
            matrix_lab[SITE_C.router],
            matrix_lab.run / "strongswan-cookie",
            options=(("cookie_threshold", "1"),),
        )
        theirs = their_connection(
            child=their_child(local_ts=(str(SITE_C.network),)),
            local_address=str(SITE_C.core_address),
            remote_address="%any",
            remote_id="%any",
        )
        child = our_child(remote_selectors=(selector(SITE_C.network),))
        ours = our_peer(remote_address=SITE_C.core_address, children=(child,))
        strongswan.start(theirs)
        try:
            # It can send, and hears nothing: IKE_AUTH never comes.
            with Engine(matrix_lab[SITE_A.router], SITE_A.core_address, [ours]) as deaf:
                deaf.deaf = True
                deaf.initiate(CHILD)
                wait_for(lambda: "generating IKE_SA_INIT response" in strongswan.log, "half open")
                deaf.kill()
            with Engine(matrix_lab[SITE_A.router], SITE_A.core_address, [ours]) as engine:
                engine.initiate(CHILD)
                engine.wait_for_child(CHILD)
                assert "generating IKE_SA_INIT response 0 [ N(COOKIE) ]" in strongswan.log
                assert engine.ping(SITE_A.host_address, SITE_C.lan_address).all_answered
        finally:
            strongswan.stop()


class TestWeAreBehindNat:
    AREA = "NAT traversal, the engine behind NAT"

    @staticmethod
    def _configured() -> tuple[PeerConfig, Connection]:
        ours = our_peer(
            local_address=INSIDE,
            local_identity=Identity.from_text(ENGINE_ID),
            remote_identity=Identity.from_text(GATEWAY_ID),
        )
        theirs = their_connection(
            remote_address=str(PUBLIC), local_id=GATEWAY_ID, remote_id=ENGINE_ID
        )
        return ours, theirs

    @pytest.fixture
    def pair(self, matrix_lab: Lab, strongswan: StrongSwan, masked: MaskedSite) -> Iterator[Pair]:
        # NAT alone: RFC 4555 has its own way to find that a mapping has changed.
        ours, theirs = self._configured()
        ours, theirs = replace(ours, mobike=False), replace(theirs, mobike=False)
        with paired(matrix_lab, strongswan, ours, theirs, namespace=masked.inside) as pair:
            yield pair

    @cell(AREA, "the engine begins", By.ENGINE)
    def test_establish(self, pair: Pair) -> None:
        """RFC 7296 §2.23: ports 20000 and up are the router's, not ours."""
        pair.establish(By.ENGINE)
        pair.ping_both_ways()
        (ike_sa,) = pair.strongswan.list_sas()
        assert ike_sa.remote_address == str(PUBLIC)

    @both_ways(AREA, "rekeying of CHILD_SA and IKE SA")
    def test_rekey(self, pair: Pair, by: By) -> None:
        pair.establish(By.ENGINE)
        pair.rekey_child_and_ike(by)
        pair.ping_both_ways()

    @cell(AREA, "the mapping changes", By.ENGINE)
    def test_mapping_changes(self, pair: Pair, masked: MaskedSite) -> None:
        """RFC 7296 §2.23: strongSwan follows authentic messages from the new port."""
        pair.establish(By.ENGINE)
        pair.ping_both_ways()
        masked.map_to(30000)
        pair.engine.rekey_child(CHILD)
        pair.engine.wait_for(ChildSaDeleted)
        pair.ping_both_ways()

    @cell(AREA, "the mapping changes, with MOBIKE", By.ENGINE)
    def test_mobike(self, matrix_lab: Lab, strongswan: StrongSwan, masked: MaskedSite) -> None:
        """RFC 4555 §3.8: we find out by a liveness check, and say so."""
        ours, theirs = self._configured()
        before = len(strongswan.log)
        with paired(
            *(matrix_lab, strongswan, replace(ours, liveness_interval=0.5), theirs),
            namespace=masked.inside,
        ) as pair:
            pair.establish(By.ENGINE)
            pair.ping_both_ways()
            wait_for(lambda: "parsed INFORMATIONAL request" in strongswan.log[before:], "a check")
            masked.map_to(35000)
            wait_for(lambda: "N(UPD_SA_ADDR)" in strongswan.log[before:], "an update")
            # strongSwan carries it out after its answer.
            wait_for(
                lambda: pair.engine.ping(SITE_A.host_address, SITE_B.host_address).all_answered,
                "ESP by the new mapping",
            )
            pair.ping_both_ways()


class TestStrongSwanIsBehindNat:
    AREA = "NAT traversal, strongSwan behind NAT"

    @pytest.fixture
    def configured(self) -> tuple[PeerConfig, Connection]:
        ours = our_peer(
            remote_address=PUBLIC,
            local_identity=Identity.from_text(ENGINE_ID),
            remote_identity=Identity.from_text(GATEWAY_ID),
        )
        theirs = their_connection(
            local_address=str(INSIDE), local_id=GATEWAY_ID, remote_id=ENGINE_ID
        )
        return ours, theirs

    @pytest.fixture
    def pair(
        self, matrix_lab: Lab, inner: StrongSwan, configured: tuple[PeerConfig, Connection]
    ) -> Iterator[Pair]:
        ours, theirs = configured
        ours, theirs = replace(ours, mobike=False), replace(theirs, mobike=False)
        with paired(matrix_lab, inner, ours, theirs) as pair:
            yield pair

    @cell(AREA, "the mapping changes, with MOBIKE", By.STRONGSWAN)
    def test_mobike(
        self,
        matrix_lab: Lab,
        inner: StrongSwan,
        configured: tuple[PeerConfig, Connection],
        masked: MaskedSite,
    ) -> None:
        """RFC 4555 §3.8: strongSwan finds out by a liveness check, and says so."""
        ours, theirs = configured
        before = len(inner.log)
        with paired(matrix_lab, inner, ours, replace(theirs, dpd_delay=1)) as pair:
            pair.establish(By.STRONGSWAN)
            self._ping(pair)
            # It compares what one check tells of the mapping with what the one before has told.
            wait_for(lambda: "parsed INFORMATIONAL response" in inner.log[before:], "a check")
            masked.map_to(52000)
            pair.engine.wait_for(PeerMoved)
            self._ping(pair)

    @staticmethod
    def _ping(pair: Pair) -> None:
        assert pair.engine.ping(SITE_A.host_address, SITE_B.host_address).all_answered
        assert pair.engine.esp_errors == []

    @cell(AREA, "strongSwan begins", By.STRONGSWAN)
    def test_establish(self, pair: Pair) -> None:
        pair.establish(By.STRONGSWAN)
        self._ping(pair)
        assert pair.engine.pairs(CHILD)[0].remote.port >= 20000

    @both_ways(AREA, "rekeying of CHILD_SA and IKE SA")
    def test_rekey(self, pair: Pair, by: By) -> None:
        pair.establish(By.STRONGSWAN)
        pair.rekey_child_and_ike(by)
        self._ping(pair)

    @cell(AREA, "the mapping changes", By.STRONGSWAN)
    def test_mapping_changes(self, pair: Pair, masked: MaskedSite) -> None:
        """RFC 7296 §2.23: we follow authentic messages from the new port, and ESP goes there."""
        pair.establish(By.STRONGSWAN)
        self._ping(pair)
        old = pair.engine.pairs(CHILD)[0].remote
        masked.map_to(40000 if old.port < 40000 else 50000)
        pair.strongswan.rekey_child(CHILD)
        pair.engine.wait_for(PeerMoved)
        pair.engine.wait_for(ChildSaDeleted)
        self._ping(pair)
        assert pair.engine.pairs(CHILD)[0].remote.port != old.port
