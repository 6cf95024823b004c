"""Who is the primary (specification §5), for one device.

For each role the server remembers the highest election id that it has ever seen. The client that
is connected with that very id is the primary; when it leaves, there is no primary until a client
sends an id that is at least as high. (bmv2 promotes the next client by itself and forgets the id;
a controller that follows the specification works with both.)
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
    highest: int | None = None  # election ids are 128-bit
    clients: dict[Client, int | None] = field(default_factory=dict)  # client → its election id

    def primary(self) -> Client | None:
        if self.highest is None:
            return None
        for client, election_id in self.clients.items():
            if election_id == self.highest:
                return client
        return None


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
        was_primary = role.primary() == client
        role.clients[client] = election_id
        self._role_of[client] = name
        if election_id is not None and (role.highest is None or election_id >= role.highest):
            role.highest = election_id
            return self._notices(name, role)
        if was_primary:
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
        if role is None or role.primary() is None or role.highest != election_id:
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
        if role.highest is not None:
            message.election_id.high = role.highest >> 64
            message.election_id.low = role.highest & (2**64 - 1)
        primary = role.primary()
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
