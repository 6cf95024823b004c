"""Two endpoints, bad weather, and what has to be true when it has cleared up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

from ike_network import LEFT, RIGHT, Network, Node, child, left_peer, mirrored, right_peer
from model.ledger import Ledger
from model.schedule import POLICIES, SIDES, Action, Schedule, Step
from model.wiretap import Wiretap

from ike.codec.header import Header
from ike.codec.message import Message
from ike.codec.notify import Notify
from ike.codec.registry import ExchangeType, HeaderFlag, NotifyType
from ike.config import (
    ChildConfig,
    EncryptionAlgorithm,
    EspProposal,
    IkeProposal,
    Integrity,
    KeyExchange,
    PeerConfig,
    Settings,
)
from ike.endpoint import Endpoint
from ike.events import AttemptFailed, DeletionReason, IkeSaClosed
from ike.states import State
from ike.types import Datagram, Secret, UdpAddress

ADDRESSES = {"left": LEFT, "right": RIGHT}
THERE = IPv4Address("198.51.100.9")  # where left goes
CALM = 120.0  # seconds after which nothing of the past is left: graces, half-open SAs, timeouts
SETTLING = 40.0  # seconds that a CHILD_SA may take in calm weather
_STATE_KEY = Secret(bytes(range(32)))
_GCM = IkeProposal()
_CBC = IkeProposal(
    ((EncryptionAlgorithm.AES_CBC, 128),),
    integrity=(Integrity.HMAC_SHA2_256_128,),
)
_WITH_PFS = EspProposal(key_exchange=(KeyExchange.CURVE25519,))
_SECOND = ((KeyExchange.SECP256R1,),)


class World:
    """Runs one schedule; `secrets_log` is both ends' (`ike.keylog`)."""

    def __init__(
        self, schedule: Schedule, secrets_log: Callable[[str], None] | None = None
    ) -> None:
        self.secrets_log = secrets_log
        self.schedule = schedule
        self.dice = random.Random(f"weather {schedule.seed}")
        self.ledger = Ledger()
        setup = schedule.setup
        self.proposal = _CBC if setup & 1 else _GCM
        self.esp_proposal = _WITH_PFS if setup & 8 else EspProposal()
        if schedule.hybrid:
            self.proposal = replace(self.proposal, additional_key_exchange=_SECOND)
        if schedule.hybrid and setup & 8:
            self.esp_proposal = replace(_WITH_PFS, additional_key_exchange=_SECOND)
        self.wiretap = Wiretap(16 if setup & 1 else 8)
        self.lifetime = (3600.0, 3600.0, 15.0, 60.0)[setup >> 1 & 3]
        self.reauthenticate = 0.7 * self.lifetime + 2.0 if setup & 32 else 0.0
        settings = Settings(fragment_size=200 if setup & 16 else 1232)
        self.is_calm = False
        self.port_offset = 20_000 if schedule.nat else 0
        self.left_address = LEFT
        left, right = (self.configuration(side, POLICIES) for side in SIDES)
        self.network = _Network(self, left, right, settings=settings, seed=schedule.seed)
        self.network.nodes[THERE] = self.network.nodes[LEFT]
        self.network.filter = self.carry
        self.wanted = {side: set(POLICIES) for side in SIDES}

    def configuration(self, side: str, policies: tuple[str, ...] | set[str]) -> PeerConfig:
        """Configure a side; each policy has the name of the side before it there."""
        children = []
        for number, name in enumerate(POLICIES):
            if name not in policies:
                continue
            one: ChildConfig = child(
                f"left-{name}",
                f"10.{number}.0.0/16",
                f"10.{128 + number}.0.0/16",
                proposals=(self.esp_proposal,),
                lifetime=self.lifetime,
            )
            children.append(one if side == "left" else mirrored(one, f"right-{name}"))
        peer = left_peer() if side == "left" else right_peer()
        if side == "left":
            peer = replace(peer, local_address=self.left_address)
        return replace(
            peer,
            children=tuple(children),
            proposals=(self.proposal,),
            lifetime=2 * self.lifetime + 7,
            reauthenticate=self.reauthenticate,
        )

    def node(self, side: str) -> Node:
        return self.network.nodes[ADDRESSES[side]]

    def run(self) -> None:
        """Let it all happen, clear up, and check."""
        for step in self.schedule.steps:
            self.network.run(step.pause)
            self.act(step)
        self.network.run(self.dice.uniform(0.0, 5.0))
        self.clear_up()
        self.check()
        self.check_that_half_open_ones_go()
        if self.schedule.is_peaceful:
            self.check_that_nobody_gave_up()

    def act(self, step: Step) -> None:
        """Carry one step out."""
        side, now = step.side, self.network.now
        endpoint = self.node(side).endpoint
        policies = sorted(self.wanted[side])
        policy = policies[step.choice % len(policies)] if policies else ""
        children = sorted(self.ledger.live[side])
        spi_in = children[step.choice % len(children)] if children else 0
        peer = "right" if side == "left" else "left"
        match step.action:
            case Action.INITIATE if policy:
                endpoint.initiate(f"{side}-{policy}", now)
            case Action.CANCEL if policy:
                endpoint.cancel(f"{side}-{policy}", now)
            case Action.DELETE_CHILD:
                endpoint.delete_child(spi_in, now)
            case Action.REKEY_CHILD:
                endpoint.rekey_child(spi_in, now)
            case Action.HEAR_ESP:
                endpoint.note_inbound_traffic(spi_in, now)
            case Action.REKEY_IKE:
                endpoint.rekey_peer(peer, now)
            case Action.DELETE_PEER:
                endpoint.delete_peer(peer, now)
            case Action.RECONFIGURE:
                self.wanted[side] ^= {POLICIES[step.choice % len(POLICIES)]}
                endpoint.set_peers([self.configuration(side, self.wanted[side])], now)
            case Action.RESTART:
                self.restart(side)
            case Action.HAND_OVER:
                self.hand_over(side)
            case Action.REBIND:
                self.port_offset += 1 if self.port_offset else 0
            case Action.MOVE:
                self.move(THERE if self.left_address == LEFT else LEFT)
            case Action.BLACKOUT:
                self.black_out()
            case _:
                self.attack(step)
        self.network.collect()

    def restart(self, side: str) -> None:
        """Lose all state, as a crash does."""
        self.network.collect()
        self.ledger.forget(side)
        self.network.replace(side, self.configuration(side, self.wanted[side]))

    def hand_over(self, side: str) -> None:
        """Have another process carry on, with messages in flight; what is half-made is lost."""
        self.network.collect()
        blob = self.node(side).endpoint.export_state(_STATE_KEY, self.network.now)
        self.ledger.forget_offers(side)
        self.network.replace(side, self.configuration(side, self.wanted[side]))
        report = self.node(side).endpoint.import_state(blob, _STATE_KEY, self.network.now)
        assert not report.not_carried_on

    def move(self, address: IPv4Address) -> None:
        """Have left go elsewhere, and come back (RFC 4555)."""
        self.left_address = address
        self.node("left").endpoint.set_address("right", address, self.network.now)

    def black_out(self) -> None:
        """Lose everything for as long as it takes to give up, or a little less."""
        self.network.filter = lambda d: []
        self.network.run(self.dice.uniform(0.0, 60.0))
        self.network.filter = self.carry

    def attack(self, step: Step) -> None:
        """Do what somebody on the path can do without any key."""
        sent = self.network.sent
        if not sent:
            return
        old = sent[-1 - step.choice % min(len(sent), 40)]
        if step.action is Action.REFLECT:
            old = Datagram(old.destination, old.source, old.payload)
        elif step.action is Action.CROSS:
            other = UdpAddress(RIGHT if old.source.address == LEFT else LEFT, 500)
            old = Datagram(other, old.source, old.payload)
        elif step.action is Action.FORGE:
            old = replace(old, payload=forged(old.payload, self.dice))
        self.network.inject(old, self.dice.uniform(0.0, 1.0))

    def carry(self, datagram: Datagram) -> list[tuple[float, Datagram]]:
        """Do to a datagram what the weather, and a NAT, does."""
        dice, weather = self.dice, self.schedule.weather
        self.wiretap.hear(datagram)
        translated = self.translate(datagram)
        elsewhere = {LEFT, THERE} - {self.left_address}
        if translated is None or elsewhere & {
            datagram.source.address,
            datagram.destination.address,
        }:
            return []
        if self.is_calm:
            return [(0.01, translated)]
        copies = [] if dice.random() < weather.loss else [translated]
        while dice.random() < weather.duplicates:
            copies.append(translated)
        if dice.random() < weather.corruption:
            copies.append(corrupted(translated, dice))
        return [(dice.uniform(0.001, weather.delay), copy) for copy in copies]

    def translate(self, datagram: Datagram) -> Datagram | None:
        """Map left's ports; ports that nobody maps any more lead nowhere."""
        if not self.port_offset:
            return datagram
        source, destination = datagram.source, datagram.destination
        if source.address != RIGHT:
            port = source.port + self.port_offset
            return replace(datagram, source=UdpAddress(source.address, port))
        port = destination.port
        if port not in (500, 4500):  # those are forwarded, so that right can initiate too
            port -= self.port_offset
        if port not in (500, 4500):
            return None
        return replace(datagram, destination=UdpAddress(destination.address, port))

    def clear_up(self) -> None:
        """Let the weather clear, and have both ends want the same policies."""
        self.is_calm = True
        if self.left_address != LEFT:
            self.move(LEFT)  # where right expects new IKE SAs from
        wanted = {p for p in POLICIES if self.dice.random() < 0.7} or {POLICIES[0]}
        for side in SIDES:
            self.wanted[side] = wanted
            self.node(side).endpoint.set_peers([self.configuration(side, wanted)], self.network.now)
        self.network.run(CALM)
        before = {side: len(self.node(side).log) for side in SIDES}
        for policy in sorted(wanted):
            for side in self.dice.choice((("left",), ("right",), SIDES)):
                self.node(side).endpoint.initiate(f"{side}-{policy}", self.network.now)
                self.network.run(self.dice.choice((0.0, 0.0, 0.015, 1.0)))
        self.network.run(SETTLING)
        for side in SIDES:
            failed = [
                e for e in self.node(side).log[before[side] :] if isinstance(e, AttemptFailed)
            ]
            assert not failed, failed

    def check(self) -> None:
        """Agreement, at some moment of a few seconds: rekeys may be under way at any one."""
        for _ in range(30):
            try:
                self.check_now()
            except AssertionError:
                self.network.run(0.37)
            else:
                return
        self.check_now()

    def check_that_half_open_ones_go(self) -> None:
        """What an initiator has given up is forgotten in time (RFC 7296 §2.4).

        It gives up its IKE_SA_INIT when the other end's IKE SA is there first. Ends that prove
        who they are again every few seconds leave one behind time after time.
        """
        before = self.half_open()
        if before:
            self.network.run(self.network.settings.half_open_lifetime)
            assert not before & self.half_open(), "a half-open IKE SA is left over"

    def half_open(self) -> set[tuple[str, int]]:
        """Give the IKE SAs that wait for IKE_AUTH, by side and responder SPI."""
        return {
            (side, info.responder_spi)
            for side in SIDES
            for info in self.node(side).endpoint.ike_sas()
            if info.state is State.HALF_OPEN
        }

    def check_that_nobody_gave_up(self) -> None:
        """What a fair network loses, retransmission makes good (RFC 7296 §2.1)."""
        for side in SIDES:
            for event in self.node(side).log:
                silent = isinstance(event, IkeSaClosed) and event.reason is DeletionReason.LIVENESS
                assert not silent, event

    def check_now(self) -> None:
        """One pair of SAs a wanted policy, the same at both ends, and no more."""
        left, right = (self.ledger.live[side] for side in SIDES)
        for side in SIDES:
            assert not self.ledger.on_offer[side], "an offer has no end"
            names = sorted(e.child for e in self.ledger.live[side].values())
            assert names == sorted(f"{side}-{p}" for p in self.wanted[side]), (side, names)
        for here in left.values():
            there = right.get(here.spi_out)
            assert there is not None, f"{here.child} of left has no other half"
            assert there.spi_out == here.spi_in
            assert there.child.removeprefix("right-") == here.child.removeprefix("left-")
            assert (there.key_in, there.salt_in) == (here.key_out, here.salt_out)
            assert (there.key_out, there.salt_out) == (here.key_in, here.salt_in)
            assert there.local_selectors == here.remote_selectors
            assert there.remote_selectors == here.local_selectors
        self.check_ike_sas()

    def check_ike_sas(self) -> None:
        """Both ends have the same IKE SAs with the same CHILD_SAs in them, all established.

        Half-open ones of the responder's are looked at afterwards.
        """
        shown = {}
        for side in SIDES:
            every = self.node(side).endpoint.ike_sas()
            infos = [i for i in every if i.state is not State.HALF_OPEN]
            assert all(i.state is State.ESTABLISHED for i in infos), infos
            shown[side] = {
                (i.initiator_spi, i.responder_spi): {
                    (c.spi_in, c.spi_out) if side == "left" else (c.spi_out, c.spi_in)
                    for c in i.children
                }
                for i in infos
            }
            held = {c.spi_in for i in infos for c in i.children}
            assert held == set(self.ledger.live[side]), "events and the table differ"
        assert shown["left"] == shown["right"]
        # The one for new CHILD_SAs can be empty while those there are live in a redundant one.
        empty = [spis for spis, children in shown["left"].items() if not children]
        assert len(empty) <= 1, "IKE SAs are left over"


class _Network(Network):
    """Tells the world's ledger what happens."""

    def __init__(self, world: World, *peers: PeerConfig, settings: Settings, seed: int) -> None:
        self.world = world
        self.settings = settings
        super().__init__(*peers, settings=settings, seed=seed)

    def _node(self, peers: PeerConfig | list[PeerConfig], settings: Settings) -> Node:
        return Node(
            Endpoint(
                [peers] if isinstance(peers, PeerConfig) else peers,
                settings=settings,
                random_bytes=self.random.randbytes,
                secrets_log=self.world.secrets_log,
            )
        )

    def replace(self, side: str, peer: PeerConfig) -> None:
        """Put a new endpoint in a side's place; what it had to say is still in the log."""
        before = self.nodes[ADDRESSES[side]]
        node = self._node(peer, self.settings)
        node.log, node.history = before.log, before.history
        self.nodes[ADDRESSES[side]] = node
        self.nodes[THERE] = self.nodes[LEFT]

    def collect(self) -> None:
        known = {side: len(self.nodes[a].history) for side, a in ADDRESSES.items()}
        super().collect()
        for side, address in ADDRESSES.items():
            for event in self.nodes[address].history[known[side] :]:
                self.world.ledger.note(side, event)


def corrupted(datagram: Datagram, dice: random.Random) -> Datagram:
    """Change one byte, cut the end off, or add to it."""
    packet = bytearray(datagram.payload)
    kind = dice.randrange(4)
    if kind == 0:
        del packet[dice.randrange(len(packet)) :]
    elif kind == 1:
        packet += dice.randbytes(dice.randrange(1, 9))
    else:
        packet[dice.randrange(len(packet))] ^= dice.randrange(1, 256)
    return replace(datagram, payload=bytes(packet))


_LIES = (
    NotifyType.AUTHENTICATION_FAILED,
    NotifyType.NO_PROPOSAL_CHOSEN,
    NotifyType.INVALID_SYNTAX,
    NotifyType.INVALID_IKE_SPI,
    NotifyType.INVALID_KE_PAYLOAD,
    NotifyType.COOKIE,
)


def forged(packet: bytes, dice: random.Random) -> bytes:
    """Say something in an IKE SA that was overheard, without its keys."""
    header = Header.parse(packet)
    header = replace(
        header,
        exchange_type=dice.choice((header.exchange_type, *ExchangeType)),
        flags=dice.choice((0, HeaderFlag.RESPONSE, HeaderFlag.INITIATOR, 0x28, header.flags)),
        message_id=max(0, header.message_id + dice.choice((-1, 0, 0, 1))),
        responder_spi=dice.choice((0, header.responder_spi, header.responder_spi)),
    )
    notify = Notify(dice.choice(_LIES), dice.randbytes(dice.choice((0, 2, 8))))
    return Message(header, (notify,)).serialize()
