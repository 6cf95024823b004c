"""A P4Runtime client whose answers are plain data: what counts of an answer, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from finsy.proto import p4i, p4r
from google.protobuf import text_format

from bmv2.embedded.p4runtime.codes import Code
from p4src.artefacts import JSON_PATH
from tests.conformance.client import DEVICE_ID, read_p4info
from tests.conformance.p4runtime.world import Connection, Message, RefusedError, World
from tests.conformance.trace.notation import Notation

SETTLED = 0.3  # seconds in which a stream's answer comes

Answer = Any
"""JSON: a code's name or a list of codes' names, entities as text, stream messages as lists."""

_Set = p4r.SetForwardingPipelineConfigRequest
_Get = p4r.GetForwardingPipelineConfigRequest


class Client:
    """One client, with an election id unless it is None."""

    def __init__(self, world: World, election_id: int | None = 1) -> None:
        self.p4info = read_p4info()
        self.notation = Notation(self.p4info)
        self.election_id = election_id
        self._connection: Connection = world.connect()

    def arbitrate(
        self, *, election_id: int | None = None, device_id: int = DEVICE_ID, role: str = ""
    ) -> Answer:
        """Ask for arbitration, with this id from now on; the answer is what the stream brings."""
        if election_id is not None:
            self.election_id = election_id
        update = p4r.MasterArbitrationUpdate(device_id=device_id)
        if self.election_id is not None:
            update.election_id.low = self.election_id
        if role:
            update.role.name = role
        return self.stream(p4r.StreamMessageRequest(arbitration=update))

    def stream(self, message: p4r.StreamMessageRequest) -> Answer:
        """Send on the stream; the answer is what the stream brings."""
        self._connection.send(message)
        return self.messages()

    def messages(self, seconds: float = SETTLED) -> Answer:
        """Wait; the answer is what the stream brings meanwhile."""
        return [_describe(message) for message in self._connection.take(seconds)]

    def raw_messages(self, seconds: float = SETTLED) -> list[Message]:
        """Wait; return what the stream brings meanwhile."""
        return self._connection.take(seconds)

    def write(self, *updates: p4r.Update, **fields: Any) -> Answer:
        """Write; `fields` are those of the request that are not as usual."""
        request = p4r.WriteRequest(device_id=DEVICE_ID, updates=updates)
        self._elect(request)
        for name, value in fields.items():
            setattr(request, name, value)
        return self._code(lambda: self._connection.call("Write", request))

    def read(self, *entities: p4r.Entity) -> Answer:
        """Read; the answer is the sorted entities."""
        request = p4r.ReadRequest(device_id=DEVICE_ID, entities=entities)
        try:
            replies = self._connection.call("Read", request)
        except RefusedError as failure:
            return failure.code
        found = [entity for reply in replies for entity in reply.entities]
        return sorted(text_format.MessageToString(entity, as_one_line=True) for entity in found)

    def push(
        self,
        action: str = "VERIFY_AND_COMMIT",
        *,
        p4info: p4i.P4Info | None = None,
        config: bytes | None = None,
        cookie: int = 0,
        empty: bool = False,
    ) -> Answer:
        """Set the pipeline."""
        request = _Set(device_id=DEVICE_ID, action=_Set.Action.Value(action))  # type: ignore[arg-type]  # its name
        self._elect(request)
        if not empty:
            request.config.p4info.CopyFrom(self.p4info if p4info is None else p4info)
            request.config.p4_device_config = JSON_PATH.read_bytes() if config is None else config
            if cookie:
                request.config.cookie.cookie = cookie
        return self._code(lambda: self._connection.call("SetForwardingPipelineConfig", request))

    def pipeline(self, what: str = "ALL") -> Answer:
        """Get the pipeline: tables, whether there is a device config, and the cookie."""
        kind = _Get.ResponseType.Value(what)
        request = _Get(device_id=DEVICE_ID, response_type=kind)
        try:
            config = self._connection.call("GetForwardingPipelineConfig", request).config
        except RefusedError as failure:
            return failure.code
        cookie = config.cookie.cookie if config.HasField("cookie") else None
        return [len(config.p4info.tables), bool(config.p4_device_config), cookie]

    def capabilities(self) -> Answer:
        """The version of P4Runtime."""
        reply = self._connection.call("Capabilities", p4r.CapabilitiesRequest())
        return reply.p4runtime_api_version

    def entity(self, **written: Any) -> p4r.Entity:
        """Make an entity of the notation of the traces."""
        return self.notation.update(written)[1]

    def insert(self, entity: p4r.Entity) -> Answer:
        """Write one INSERT."""
        return self.write(p4r.Update(type=p4r.Update.INSERT, entity=entity))

    def modify(self, entity: p4r.Entity) -> Answer:
        """Write one MODIFY."""
        return self.write(p4r.Update(type=p4r.Update.MODIFY, entity=entity))

    def delete(self, entity: p4r.Entity) -> Answer:
        """Write one DELETE."""
        return self.write(p4r.Update(type=p4r.Update.DELETE, entity=entity))

    def close(self) -> None:
        """Leave."""
        self._connection.close()

    def _elect(self, request: Any) -> None:
        if self.election_id is not None:
            request.election_id.low = self.election_id

    def _code(self, call: Callable[[], Any]) -> Answer:
        try:
            call()
        except RefusedError as failure:
            return [failure.code, *failure.updates]
        return "OK"


def primary(world: World) -> Client:
    """Connect, become the primary, and push our program."""
    client = Client(world)
    client.arbitrate()
    pushed = client.push()
    assert pushed == "OK", pushed
    return client


def _describe(message: Message) -> Answer:
    if isinstance(message, str):
        return ["closed", message]
    match message.WhichOneof("update"):
        case "arbitration":
            update = message.arbitration
            election_id = update.election_id.low if update.HasField("election_id") else None
            code = Code(update.status.code).name
            return ["arbitration", code, election_id, update.role.name]
        case "error":
            return ["error", Code(message.error.canonical_code).name]
        case "idle_timeout_notification":
            entries = message.idle_timeout_notification.table_entry
            return ["idle", *(text_format.MessageToString(e, as_one_line=True) for e in entries)]
        case "digest":
            digest_data = message.digest.data
            return ["digest", *([m.bitstring.hex() for m in d.struct.members] for d in digest_data)]
        case "packet":
            text = text_format.MessageToString(message.packet, as_one_line=True)
            return ["packet", text]
        case other:
            return [str(other)]
