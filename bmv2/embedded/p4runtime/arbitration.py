"""Who is the primary (specification §5), for one device.

Of each role it is the client with the highest election id. As in bmv2 ids are those of connected
clients only: when the primary leaves or takes a lower id, the next highest is the primary at once,
and an id may come again that is lower than one that was. (The specification has the server remember
the highest id ever, and leave the role without a primary until a client sends that or a higher one;
a controller that does so works with both.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from finsy.proto import p4r

from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid

MAX_CLIENTS = 16
"""The most clients of one device, as in bmv2."""

MAX_ROLES = 64
"""The most roles that are remembered."""

MAX_ROLE_NAME = 256
"""The longest name of a role, in bytes."""

ELECTION_ID_TAKEN = "Election id already exists"
"""As bmv2 says it: clients tell this INVALID_ARGUMENT from others by its words."""

Client = TypeVar("Client")


@dataclass(slots=True)
class _Role(Generic[Client]):
    clients: dict[Client, int | None] = field(default_factory=dict)
    """Each client's election id, of 128 bits."""

    def first(self) -> tuple[Client | None, int | None]:
        """The primary and its election id; without an id nobody is primary (§16.2.1)."""
        ids = [(number, client) for client, number in self.clients.items() if number is not None]
        number, client = max(ids, key=lambda pair: pair[0], default=(None, None))
        return client, number

    def primary(self) -> Client | None:
        return self.first()[0]


Notice = tuple[Client, p4r.MasterArbitrationUpdate]
"""A client, and what it is to be told."""


class Arbitration(Generic[Client]):
    """The clients of one device, and the primary of each role."""

    def __init__(self, device_id: int) -> None:
        self._device_id = device_id
        self._roles: dict[str, _Role[Client]] = {}
        self._role_of: dict[Client, str] = {}

    def update(self, client: Client, message: p4r.MasterArbitrationUpdate) -> list[Notice[Client]]:
        """Take a client's ``MasterArbitrationUpdate``; gives back whom to tell what, in order.

        Raises:
            P4RuntimeError: The stream has to end with this status (specification §5.3).
        """
        role = self._check(client, message)
        name = message.role.name
        election_id = decode_election_id(message)
        before = role.first()
        role.clients[client] = election_id
        self._role_of[client] = name
        if role.first() != before:
            return self._notices(name, role)
        return [(client, self._notice(name, role, client))]

    def leave(self, client: Client) -> list[Notice[Client]]:
        """Take the end of a client's stream."""
        name = self._role_of.pop(client, None)
        if name is None:
            return []
        role = self._roles[name]
        was_primary = role.primary() == client
        del role.clients[client]
        return self._notices(name, role) if was_primary else []

    def primaries(self) -> list[Client]:
        """The primary of every role that has one."""
        found = [role.primary() for role in self._roles.values()]
        return [client for client in found if client is not None]

    def is_primary(self, client: Client) -> bool:
        """Whether a client is the primary of its role."""
        name = self._role_of.get(client)
        return name is not None and self._roles[name].primary() == client

    def authorize(self, role_name: str, election_id: int | None) -> None:
        """Check that a Write or the like comes from a primary.

        Raises:
            P4RuntimeError: NOT_FOUND if nobody ever had this role (but the default role is always
                there), else PERMISSION_DENIED.
        """
        role = self._roles.get(role_name)
        if role is None and role_name:
            raise P4RuntimeError(Code.NOT_FOUND, "there is no such role")
        if role is None or election_id is None or role.first()[1] != election_id:
            raise P4RuntimeError(Code.PERMISSION_DENIED, "not the primary")

    def _check(self, client: Client, message: p4r.MasterArbitrationUpdate) -> _Role[Client]:
        name = message.role.name
        known_role = self._role_of.get(client)
        if message.device_id != self._device_id:
            if known_role is not None:
                raise P4RuntimeError(
                    Code.FAILED_PRECONDITION, "the device id of a stream cannot change"
                )
            raise P4RuntimeError(Code.NOT_FOUND, f"there is no device {message.device_id}")
        if known_role is not None and known_role != name:
            raise P4RuntimeError(Code.FAILED_PRECONDITION, "the role of a stream cannot change")
        if message.role.HasField("config"):
            raise invalid("no scheme of role configurations is known; leave role.config out")
        if len(name.encode()) > MAX_ROLE_NAME:
            raise invalid(f"a role's name has at most {MAX_ROLE_NAME} bytes")
        if known_role is None and len(self._role_of) >= MAX_CLIENTS:
            raise P4RuntimeError(Code.RESOURCE_EXHAUSTED, f"there are {MAX_CLIENTS} clients")
        role = self._roles.get(name)
        if role is None:
            if len(self._roles) >= MAX_ROLES:
                raise P4RuntimeError(Code.RESOURCE_EXHAUSTED, f"there are {MAX_ROLES} roles")
            role = self._roles[name] = _Role()
        election_id = decode_election_id(message)
        if election_id is not None and any(
            taken == election_id and other != client for other, taken in role.clients.items()
        ):
            raise invalid(ELECTION_ID_TAKEN)
        return role

    def _notices(self, name: str, role: _Role[Client]) -> list[Notice[Client]]:
        """What all clients of a role are told; the primary last."""
        primary = role.primary()
        clients = [client for client in role.clients if client != primary]
        if primary is not None:
            clients.append(primary)
        return [(client, self._notice(name, role, client)) for client in clients]

    def _notice(
        self, name: str, role: _Role[Client], client: Client
    ) -> p4r.MasterArbitrationUpdate:
        message = p4r.MasterArbitrationUpdate(device_id=self._device_id)
        if name:
            message.role.name = name
        primary, highest = role.first()
        if highest is not None:
            message.election_id.high = highest >> 64
            message.election_id.low = highest & (2**64 - 1)
        if primary is None:
            message.status.code = Code.NOT_FOUND
            message.status.message = "there is no primary"
        elif primary == client:
            message.status.code = Code.OK
            message.status.message = "is primary"
        else:
            message.status.code = Code.ALREADY_EXISTS
            message.status.message = "is backup"
        return message


def decode_election_id(
    message: p4r.MasterArbitrationUpdate
    | p4r.WriteRequest
    | p4r.SetForwardingPipelineConfigRequest,
) -> int | None:
    """The election id of a message; None if it is not set, which is not 0 (§16.2.1)."""
    if not message.HasField("election_id"):
        return None
    return message.election_id.high << 64 | message.election_id.low
