"""Client arbitration (specification §5): who is the primary, and who is told what."""

from __future__ import annotations

import pytest
from finsy.proto import p4r

from bmv2.embedded.p4runtime.arbitration import MAX_CLIENTS, MAX_ROLES
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError
from bmv2.embedded.p4runtime.service import P4RuntimeService


@pytest.fixture
def service(make_datapath):
    return P4RuntimeService(make_datapath(), device_id=1, clock_ns=lambda: 0)


def message(election_id=None, *, device_id=1, role=None, config=False):
    request = p4r.StreamMessageRequest()
    request.arbitration.device_id = device_id
    if role is not None:
        request.arbitration.role.name = role
    if config:
        request.arbitration.role.config.SetInParent()
    if election_id is not None:
        request.arbitration.election_id.high = election_id >> 64
        request.arbitration.election_id.low = election_id & (2**64 - 1)
    return request


def connect(service, election_id=None, **options):
    session = service.open_session()
    session.receive(message(election_id, **options))
    return session


def told(session) -> list[tuple[Code, int | None]]:
    """Status code and election id of each notice that waits."""
    notices = [m.arbitration for m in session.drain()]
    return [
        (
            Code(n.status.code),
            (n.election_id.high << 64 | n.election_id.low) if n.HasField("election_id") else None,
        )
        for n in notices
    ]


def refusal(service, call, *arguments) -> Code:
    with pytest.raises(P4RuntimeError) as failure:
        call(*arguments)
    return failure.value.code


def write(service, election_id, role="", device_id=1):
    request = p4r.WriteRequest(device_id=device_id, role=role)
    if election_id is not None:
        request.election_id.high = election_id >> 64
        request.election_id.low = election_id & (2**64 - 1)
    return refusal(service, service.write, request)


ALLOWED = Code.FAILED_PRECONDITION
"""What a primary gets here: there is no pipeline (checked after the election id, §12)."""


def test_highest_election_id_is_primary_and_all_are_told(service):
    one = connect(service, 1)
    assert told(one) == [(Code.OK, 1)]
    two = connect(service, 2)
    assert told(one) == [(Code.ALREADY_EXISTS, 2)]
    assert told(two) == [(Code.OK, 2)]
    zero = connect(service, 0)
    assert told(zero) == [(Code.ALREADY_EXISTS, 2)]
    assert told(one) == told(two) == []
    assert write(service, 2) is ALLOWED
    assert write(service, 1) is Code.PERMISSION_DENIED


def test_election_ids_have_128_bits(service):
    low = connect(service, 2**64 - 1)
    high = connect(service, 2**64)
    told(low)
    assert told(high) == [(Code.OK, 2**64)]
    assert write(service, 2**64) is ALLOWED
    assert write(service, 0) is Code.PERMISSION_DENIED


def test_when_the_primary_leaves_the_next_highest_takes_over(service):
    """As bmv2, which also forgets the id of who left."""
    primary, backup, last = connect(service, 5), connect(service, 3), connect(service, 1)
    for session in (primary, backup, last):
        told(session)
    primary.close()
    assert told(backup) == [(Code.OK, 3)]
    assert told(last) == [(Code.ALREADY_EXISTS, 3)]
    assert write(service, 5) is Code.PERMISSION_DENIED
    assert write(service, 3) is ALLOWED
    late = connect(service, 4)
    assert told(late) == [(Code.OK, 4)]
    assert told(backup) == [(Code.ALREADY_EXISTS, 4)]


def test_when_all_have_left_any_id_will_do(service):
    connect(service, 5).close()
    assert told(connect(service, 2)) == [(Code.OK, 2)]


def test_backup_that_leaves_is_not_missed(service):
    primary, backup = connect(service, 5), connect(service, 3)
    told(primary)
    backup.close()
    backup.close()
    assert told(primary) == []
    assert write(service, 5) is ALLOWED


def test_primary_that_steps_down(service):
    primary, backup = connect(service, 5), connect(service, 3)
    told(primary), told(backup)
    primary.receive(message(4))
    assert told(primary) == [(Code.OK, 4)]
    assert told(backup) == [(Code.ALREADY_EXISTS, 4)]
    primary.receive(message(2))
    assert told(primary) == [(Code.ALREADY_EXISTS, 3)]
    assert told(backup) == [(Code.OK, 3)]
    backup.receive(message())
    assert told(backup) == [(Code.ALREADY_EXISTS, 2)]
    assert told(primary) == [(Code.OK, 2)]
    primary.receive(message())
    assert told(primary) == told(backup) == [(Code.NOT_FOUND, None)]


def test_primary_that_says_it_again_is_answered(service):
    primary = connect(service, 5)
    told(primary)
    primary.receive(message(5))
    assert told(primary) == [(Code.OK, 5)]


def test_unset_election_id_is_never_primary_but_zero_may_be(service):
    """§16.2.1: unset is lower than any id, and is not 0."""
    unset = connect(service)
    assert told(unset) == [(Code.NOT_FOUND, None)]
    another = connect(service)
    assert told(another) == [(Code.NOT_FOUND, None)]
    assert write(service, None) is Code.PERMISSION_DENIED
    zero = connect(service, 0)
    assert told(zero) == [(Code.OK, 0)]
    assert told(unset) == [(Code.ALREADY_EXISTS, 0)]
    assert write(service, 0) is ALLOWED
    assert write(service, None) is Code.PERMISSION_DENIED


def test_election_id_of_another_is_refused_and_changes_nothing(service):
    primary = connect(service, 5)
    told(primary)
    late = service.open_session()
    assert refusal(service, late.receive, message(5)) is Code.INVALID_ARGUMENT
    assert late.closed
    backup = connect(service, 4)
    assert refusal(service, backup.receive, message(5)) is Code.INVALID_ARGUMENT
    assert told(primary) == []
    assert write(service, 5) is ALLOWED


def test_unknown_device(service):
    session = service.open_session()
    assert refusal(service, session.receive, message(1, device_id=2)) is Code.NOT_FOUND
    assert write(service, 1, device_id=2) is Code.NOT_FOUND
    for call, request in (
        (lambda r: list(service.read(r)), p4r.ReadRequest(device_id=2)),
        (service.set_pipeline, p4r.SetForwardingPipelineConfigRequest(device_id=2)),
        (service.get_pipeline, p4r.GetForwardingPipelineConfigRequest(device_id=2)),
        (service.capabilities, p4r.CapabilitiesRequest(device_id=2)),
    ):
        assert refusal(service, call, request) is Code.NOT_FOUND


def test_device_and_role_of_a_stream_cannot_change(service):
    for change in (message(1, device_id=2), message(1, role="other")):
        session = connect(service, 1)
        assert refusal(service, session.receive, change) is Code.FAILED_PRECONDITION
        assert session.closed


def test_each_role_has_its_own_primary_and_ids(service):
    default = connect(service, 1)
    other = connect(service, 1, role="other")
    assert told(default) == [(Code.OK, 1)]
    (notice,) = other.drain()
    assert notice.arbitration.role.name == "other"
    assert notice.arbitration.status.code == Code.OK
    assert write(service, 1, role="other") is ALLOWED
    assert write(service, 1, role="nobody") is Code.NOT_FOUND
    other.close()
    assert write(service, 1, role="other") is Code.PERMISSION_DENIED
    assert write(service, 1) is ALLOWED


def test_role_configurations_are_not_understood(service):
    session = service.open_session()
    assert (
        refusal(service, session.receive, message(1, role="r", config=True))
        is Code.INVALID_ARGUMENT
    )


def test_number_of_clients_and_roles_is_bounded(service):
    sessions = [connect(service, n) for n in range(MAX_CLIENTS)]
    extra = service.open_session()
    assert refusal(service, extra.receive, message(99)) is Code.RESOURCE_EXHAUSTED
    for session in sessions:
        session.close()
    for n in range(MAX_ROLES - 1):
        connect(service, 1, role=f"role {n}").close()
    extra = service.open_session()
    assert refusal(service, extra.receive, message(1, role="one more")) is Code.RESOURCE_EXHAUSTED
    extra = service.open_session()
    assert refusal(service, extra.receive, message(1, role="r" * 257)) is Code.INVALID_ARGUMENT


def test_without_a_stream_nobody_writes(service):
    assert write(service, None) is Code.PERMISSION_DENIED
    assert write(service, 1) is Code.PERMISSION_DENIED
    request = p4r.SetForwardingPipelineConfigRequest(device_id=1, action="VERIFY")
    assert refusal(service, service.set_pipeline, request) is Code.PERMISSION_DENIED


def test_client_that_never_reads_is_cut_off(service):
    """Notices of arbitration are never dropped, so that many of them end the stream."""
    session = connect(service, 1)
    for _ in range(5000):
        session.receive(message(1))
    assert session.outbox.overrun
    assert len(session.outbox) <= 2048
