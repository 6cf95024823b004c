"""What an exported state holds, record by record.

Times are seconds relative to the export: `*_in` from it on, negative for what was due before;
`*_ago` up to it. IKE SAs refer to each other by our own SPIs, CHILD_SAs by their inbound ones.
Whoever changes a record here, or a type that it holds, changes the version of the format.
"""

from __future__ import annotations

from dataclasses import dataclass

from ike.child_sa import ChildState
from ike.config import ChildConfig, IkeProposal, Mode
from ike.crypto.keys import IkeKeys
from ike.crypto.suites import EspSuite, IkeSuite
from ike.events import DeletionReason, Role
from ike.exchanges.child import ChildDraft, ChildOffer
from ike.exchanges.ike_sa_init import InitOffer
from ike.exchanges.nat_detection import NatStatus
from ike.exchanges.rekey_ike_sa import IkeSaDraft
from ike.lifetimes import Volume
from ike.mobike import Mobility
from ike.states import State
from ike.types import Identity, TrafficSelector, UdpAddress


@dataclass(frozen=True, slots=True)
class OutstandingRecord:
    """A request of ours that has no answer yet (`ike.window.Outstanding`)."""

    message_id: int
    exchange_type: int
    packets: tuple[bytes, ...]
    tries: int
    due_in: float


@dataclass(frozen=True, slots=True)
class RequestWindowRecord:
    """`ike.window.RequestWindow`."""

    next_id: int
    size: int
    outstanding: tuple[OutstandingRecord, ...]
    retransmissions: int


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """An answer of ours, and the digest of its request."""

    message_id: int
    request: bytes
    response: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ResponseWindowRecord:
    """`ike.window.ResponseWindow`."""

    expected_id: int
    size: int
    answers: tuple[AnswerRecord, ...]


@dataclass(frozen=True, slots=True)
class FragmentRecord:
    """`ike.fragments.Fragment`."""

    first_payload: int
    number: int
    total: int
    chunk: bytes
    packet: bytes


@dataclass(frozen=True, slots=True)
class PartialRecord:
    """The fragments so far of one message."""

    is_response: bool
    message_id: int
    fragments: tuple[FragmentRecord, ...]


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """`ike.channel.Channel`; `iv_runs` is what `ike.state.iv` tells about."""

    role: Role
    initiator_spi: int
    responder_spi: int
    local: UdpAddress
    remote: UdpAddress
    heard_ago: float
    sent_ago: float
    follows: bool
    fragmentation: bool
    vendor_ids: tuple[bytes, ...]
    http_certificates: bool
    iv_runs: tuple[int, ...]
    requests: RequestWindowRecord
    responses: ResponseWindowRecord
    partial: tuple[PartialRecord, ...]


@dataclass(frozen=True, slots=True)
class MakingRecord:
    """`ike.child_sa.Making`."""

    role: Role
    lowest_nonce: bytes
    began: int
    ended: int


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """`ike.child_sa.ChildSa`; makings are places in `StateRecord.makings`."""

    config: ChildConfig
    spi_in: int
    spi_out: int
    suite: EspSuite
    local_selectors: tuple[TrafficSelector, ...]
    remote_selectors: tuple[TrafficSelector, ...]
    making: int
    origin: int
    established_ago: float
    more_selectors: bool
    mode: Mode
    rekey_in: float | None
    expire_in: float | None
    expire_reason: DeletionReason
    state: ChildState
    tfc_padding: bool
    volume: Volume


@dataclass(frozen=True, slots=True)
class CreateChildRecord:
    """`ike.tasks.create_child.CreateChild`."""

    config: ChildConfig
    cancelled: bool
    tries: int
    began: int
    offer: ChildOffer | None
    nonce: bytes
    draft: ChildDraft | None


@dataclass(frozen=True, slots=True)
class RekeyChildRecord:
    """`ike.tasks.rekey_child.RekeyChild`; the rival by its inbound SPI."""

    spi_in: int
    packet_type: str
    cancelled: bool
    rival: int | None
    rival_nonce: bytes | None
    began: int
    offer: ChildOffer | None
    nonce: bytes
    draft: ChildDraft | None


@dataclass(frozen=True, slots=True)
class DeleteChildrenRecord:
    """`ike.tasks.delete.DeleteChildren`; inbound and outbound SPIs."""

    spis: tuple[tuple[int, int], ...]
    packet_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeleteReplacedRecord:
    """`ike.tasks.delete.DeleteReplaced`."""

    spi_in: int
    packet_type: str


@dataclass(frozen=True, slots=True)
class DeleteIkeSaRecord:
    """`ike.tasks.delete.DeleteIkeSa`."""


@dataclass(frozen=True, slots=True)
class CheckLivenessRecord:
    """`ike.tasks.liveness.CheckLiveness`."""


@dataclass(frozen=True, slots=True)
class SendTokenRecord:
    """`ike.tasks.send_token.SendToken`."""


@dataclass(frozen=True, slots=True)
class UpdateAddressesRecord:
    """`ike.tasks.mobike.UpdateAddresses`."""

    local: UdpAddress | None
    remote: UdpAddress | None


@dataclass(frozen=True, slots=True)
class CheckRoutabilityRecord:
    """`ike.tasks.mobike.CheckRoutability`."""

    cookie: bytes
    remote: UdpAddress | None


@dataclass(frozen=True, slots=True)
class RekeyIkeSaRecord:
    """`ike.tasks.rekey_ike_sa.RekeyIkeSa`; the rival by our SPI."""

    rival: int | None
    rival_nonce: bytes | None
    began: int
    offer: InitOffer | None
    draft: IkeSaDraft | None


TaskRecord = (
    CreateChildRecord
    | RekeyChildRecord
    | DeleteChildrenRecord
    | DeleteReplacedRecord
    | DeleteIkeSaRecord
    | CheckLivenessRecord
    | SendTokenRecord
    | UpdateAddressesRecord
    | CheckRoutabilityRecord
    | RekeyIkeSaRecord
)


@dataclass(frozen=True, slots=True)
class RunningRecord:
    """A task under way, and the message id of its request."""

    message_id: int
    task: TaskRecord


@dataclass(frozen=True, slots=True)
class LaterRecord:
    """A task that waits for its time."""

    due_in: float
    task: TaskRecord


@dataclass(frozen=True, slots=True)
class TasksRecord:
    """`ike.tasks.queue.TaskQueue`."""

    running: tuple[RunningRecord, ...]
    waiting: tuple[TaskRecord, ...]
    later: tuple[LaterRecord, ...]


@dataclass(frozen=True, slots=True)
class RenewalRecord:
    """`ike.authentication.lifetime.Renewal`."""

    number: int
    is_ours: bool
    begin_in: float | None
    ends_in: float | None
    is_due: bool


@dataclass(frozen=True, slots=True)
class PendingChildRecord:
    """`ike.followups.PendingChild`."""

    draft: ChildDraft
    replaces: int
    began: int
    expire_in: float


@dataclass(frozen=True, slots=True)
class PendingIkeSaRecord:
    """`ike.followups.PendingIkeSa`."""

    draft: IkeSaDraft
    began: int
    expire_in: float


PendingRecord = PendingChildRecord | PendingIkeSaRecord


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """`ike.connection.Connection`; `linger_in`: until when a closed one repeats its answer."""

    peer: str
    channel: ChannelRecord
    suite: IkeSuite
    keys: IkeKeys
    lowest_nonce: bytes
    nat: NatStatus
    began: int
    sequence: int
    established_ago: float
    initial_contact: bool
    has_ppk: bool
    is_full: bool
    is_redundant: bool
    ended_by: DeletionReason | None
    state: State
    children: tuple[ChildRecord, ...]
    tasks: TasksRecord
    followups: tuple[PendingRecord, ...]
    heir: int | None
    claims: int | None
    rekey_in: float | None
    expire_in: float | None
    expire_reason: DeletionReason
    renewal: RenewalRecord
    heard_esp_ago: float
    peer_token: bytes
    mobility: Mobility | None
    deleted_early: tuple[tuple[int, int], ...]
    linger_in: float | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """`ike.peer.Attempt`, by the name of the child."""

    child: str
    restarted: bool


@dataclass(frozen=True, slots=True)
class PeerRecord:
    """What a peer's configuration has to be for its IKE SAs to be carried on.

    Attributes:
        authentication: a digest, keyed by `StateRecord.salt` (`ike.state.fingerprint`).
        connections: our SPIs, in the order of `ike.peer.Peer.connections`.
        attempts: those that an IKE SA carries.
    """

    name: str
    local_address: str
    remote_address: str
    local_identity: Identity
    remote_identity: Identity
    authentication: bytes
    proposals: tuple[IkeProposal, ...]
    connections: tuple[int, ...]
    attempts: tuple[AttemptRecord, ...]


@dataclass(frozen=True, slots=True)
class StateRecord:
    """Everything; `wall_time` in seconds since 1970, None without a wall clock."""

    wall_time: float | None
    salt: bytes
    next_sequence: int
    makings: tuple[MakingRecord, ...]
    peers: tuple[PeerRecord, ...]
    connections: tuple[ConnectionRecord, ...]
