"""What lives in an IKE SA is in its export, field by field.

Who adds a field to one of these classes fails here, and decides: into its record in
`ike.state.records`, with `snapshot` and `restore`; or, if another process does without it, onto
the list of what is left out.
"""

from __future__ import annotations

import dataclasses
import re

import pytest
from ike_network import Network

from ike.authentication.lifetime import Renewal
from ike.child_sa import ChildSa, Making
from ike.connection import Connection
from ike.followups import PendingChild, PendingIkeSa
from ike.fragments import Fragment, Reassembly
from ike.peer import Attempt
from ike.state import records
from ike.tasks.create_child import CreateChild
from ike.tasks.delete import DeleteChildren, DeleteIkeSa, DeleteReplaced
from ike.tasks.liveness import CheckLiveness
from ike.tasks.mobike import CheckRoutability, UpdateAddresses
from ike.tasks.queue import TaskQueue
from ike.tasks.rekey_child import RekeyChild
from ike.tasks.rekey_ike_sa import RekeyIkeSa
from ike.tasks.send_token import SendToken
from ike.window import Outstanding, _Answer


def established() -> Connection:
    network = Network()
    network.left.endpoint.initiate("net", network.now)
    network.run(1)
    found: list[Connection] = []
    for sa in vars(network.left.endpoint)["_sas"]:
        assert isinstance(sa, Connection)
        found.append(sa)
    return found[0]


CONNECTION = established()

OBJECTS: dict[type, tuple[object, set[str]]] = {
    # What lives, and what of it is the importer's own, follows from the rest, or is taken before.
    records.ConnectionRecord: (CONNECTION, {"env", "events", "spawned"}),
    records.ChannelRecord: (
        CONNECTION.channel,
        {"random_bytes", "fragment_size", "window", "outbox", "discarded", "protection"},
    ),
    records.RequestWindowRecord: (
        vars(CONNECTION.channel)["_requests"],
        {"retransmission", "most"},
    ),
    records.ResponseWindowRecord: (vars(CONNECTION.channel)["_responses"], set()),
    records.OutstandingRecord: (Outstanding, set()),
    records.AnswerRecord: (_Answer, set()),
    records.ChildRecord: (ChildSa, set()),
    records.MakingRecord: (Making, set()),
    records.FragmentRecord: (Fragment, set()),
    records.TasksRecord: (TaskQueue(), set()),
    records.CreateChildRecord: (
        CreateChild(CONNECTION.peer.children[0], lambda _: False),
        {"is_live", "packet_types"},
    ),
    records.RekeyChildRecord: (RekeyChild(1, ""), set()),
    records.DeleteChildrenRecord: (DeleteChildren({}, ()), set()),
    records.DeleteReplacedRecord: (DeleteReplaced(1, ""), set()),
    records.DeleteIkeSaRecord: (DeleteIkeSa(), set()),
    records.CheckLivenessRecord: (CheckLiveness(), set()),
    records.SendTokenRecord: (SendToken(), set()),
    records.UpdateAddressesRecord: (UpdateAddresses(), set()),
    records.CheckRoutabilityRecord: (CheckRoutability(), set()),
    records.RekeyIkeSaRecord: (RekeyIkeSa(), set()),
    records.AttemptRecord: (Attempt, set()),
    records.RenewalRecord: (Renewal, set()),
    records.PendingChildRecord: (PendingChild, set()),
    records.PendingIkeSaRecord: (PendingIkeSa, set()),
}

RENAMED = {  # fields of records whose names say that they are relative, or refer to something
    "iv_runs": "iv_runs",
    "partial": "reassembly",
    "packet_type": "packet_types",
}
ADDED = {records.ConnectionRecord: {"linger_in"}, records.AnswerRecord: {"message_id"}}


def names_of(subject: object) -> set[str]:
    if isinstance(subject, type):
        return {field.name for field in dataclasses.fields(subject)}  # type: ignore[arg-type]  # a dataclass
    return {name.lstrip("_") for name in vars(subject)}


def without_time(name: str) -> str:
    """Take off what says that a time is relative: both sides lose it."""
    name = re.sub(r"^(due_in|deadline)$", "due", RENAMED.get(name, name))
    return re.sub(r"_(in|ago|at)$", "", name) if name not in ("spi_in",) else name


@pytest.mark.parametrize("record", OBJECTS, ids=lambda r: r.__name__)
def test_every_field_is_in_the_record(record: type) -> None:
    subject, left_out = OBJECTS[record]
    lives = {without_time(name) for name in names_of(subject) - left_out}
    written = {without_time(name) for name in names_of(record) - ADDED.get(record, set())}
    assert lives == written


def test_every_task_and_every_record_is_looked_at() -> None:
    whole = {
        records.StateRecord,
        records.PeerRecord,
        records.RunningRecord,
        records.LaterRecord,
        records.PartialRecord,
    }
    known = {
        value
        for value in vars(records).values()
        if isinstance(value, type) and value.__module__ == records.__name__
    }
    assert known == OBJECTS.keys() | whole
    assert set(vars(Reassembly())) == {"_partial"}
