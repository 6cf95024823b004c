"""The P4Runtime server without gRPC: requests in, responses out, the time is given.

::

    service = P4RuntimeService(datapath, device_id=1, clock_ns=time.monotonic_ns)

    service.capabilities(CapabilitiesRequest) -> CapabilitiesResponse
    service.set_pipeline(SetForwardingPipelineConfigRequest) -> None
    service.get_pipeline(GetForwardingPipelineConfigRequest) -> GetForwardingPipelineConfigResponse
    service.write(WriteRequest) -> None                    # WriteError: one error a update
    service.read(ReadRequest) -> Iterator[ReadResponse]    # at most READ_CHUNK entities each

    session = service.open_session(on_output)              # one StreamChannel
    session.receive(StreamMessageRequest)                  # P4RuntimeError: the stream ends
    session.drain() -> list[StreamMessageResponse]         # or session.outbox.pop()
    session.close()

    service.next_deadline_ns() -> int | None               # digests and idle timeouts
    service.advance(now_ns)

Every call may raise `P4RuntimeError`, whose ``code`` is the canonical one and whose ``to_status()``
is the ``google.rpc.Status`` to send. The service takes the data plane's callbacks for packet-in and
digests. All of it runs on one thread, so a request is atomic with respect to packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from finsy.proto import p4r

from bmv2.embedded.model import ClockNs, Datapath
from bmv2.embedded.p4runtime import batch
from bmv2.embedded.p4runtime.arbitration import Arbitration, Notice, decode_election_id
from bmv2.embedded.p4runtime.codes import Code
from bmv2.embedded.p4runtime.errors import ERROR_SPACE, P4RuntimeError, invalid, unimplemented
from bmv2.embedded.p4runtime.pipelines import Pipelines
from bmv2.embedded.p4runtime.session import StreamSession

API_VERSION = "1.4.0"
"""The version of the P4Runtime specification that is implemented."""

READ_CHUNK = 512
"""The most entities in one ReadResponse."""

IDLE_CHUNK = 512
"""The most entries in one IdleTimeoutNotification."""


def _ignore() -> None:
    pass


class P4RuntimeService:
    """The control half of the switch, for one device.

    Attributes:
        on_deadline: Called whenever `next_deadline_ns` may have become earlier.
        packet_ins_dropped: Frames for the controller that no client could take.
    """

    def __init__(self, datapath: Datapath, *, device_id: int, clock_ns: ClockNs) -> None:
        if device_id <= 0:
            raise ValueError("a device id is greater than 0 (specification §5.1)")
        self.device_id = device_id
        self.on_deadline: Callable[[], None] = _ignore
        self.packet_ins_dropped = 0
        self._datapath = datapath
        self._clock_ns = clock_ns
        self._arbitration: Arbitration[StreamSession] = Arbitration(device_id)
        self._pipelines = Pipelines(datapath, clock_ns, self._send_digest)
        datapath.on_cpu_packet = self._packet_in
        datapath.on_digest = self._digest

    def capabilities(self, request: p4r.CapabilitiesRequest) -> p4r.CapabilitiesResponse:
        """What the server can do; NOT_FOUND for a device that it has not."""
        if request.device_id:
            self._check_device(request.device_id)
        return p4r.CapabilitiesResponse(p4runtime_api_version=API_VERSION)

    def set_pipeline(self, request: p4r.SetForwardingPipelineConfigRequest) -> None:
        """Verify, save, commit or reconcile a pipeline config (specification §14).

        A config that is refused changes nothing. RECONCILE_AND_COMMIT with the config that is
        running keeps everything, registers too.
        """
        self._check_device(request.device_id)
        self._arbitration.authorize(request.role, decode_election_id(request))
        self._pipelines.set(request.action, request.config if request.HasField("config") else None)
        self.on_deadline()

    def get_pipeline(
        self, request: p4r.GetForwardingPipelineConfigRequest
    ) -> p4r.GetForwardingPipelineConfigResponse:
        """The config as it was set (§15); FAILED_PRECONDITION, as bmv2, if none was."""
        self._check_device(request.device_id)
        response = p4r.GetForwardingPipelineConfigResponse()
        response.config.CopyFrom(self._pipelines.get(request.response_type))
        return response

    def write(self, request: p4r.WriteRequest) -> None:
        """Apply a batch of updates (specification §12).

        Raises:
            WriteError: Updates failed, each with its own code.
            P4RuntimeError: The request was refused as a whole.
        """
        self._check_device(request.device_id)
        self._arbitration.authorize(request.role, decode_election_id(request))
        pipeline = self._pipelines.target()
        try:
            batch.write(pipeline, request)
        finally:
            self.on_deadline()

    def read(self, request: p4r.ReadRequest) -> Iterator[p4r.ReadResponse]:
        """Read entities (specification §13); what was read before an error is still given.

        To be consistent, take all of it before the next request.
        """
        self._check_device(request.device_id)
        response = p4r.ReadResponse()
        try:
            for entity in batch.read(self._pipelines.target(), request):
                response.entities.append(entity)
                if len(response.entities) == READ_CHUNK:
                    yield response
                    response = p4r.ReadResponse()
        except P4RuntimeError:
            if response.entities:
                yield response
            raise
        if response.entities:
            yield response

    def open_session(self, on_output: Callable[[], None] = _ignore) -> StreamSession:
        """Begin a StreamChannel.

        Args:
            on_output: Called whenever there is something in the session's outbox.
        """
        return StreamSession(self, on_output)

    def next_deadline_ns(self) -> int | None:
        """When `advance` has something to do next; None if never."""
        latest = self._pipelines.latest
        if latest is None:
            return None
        deadlines = (latest.digests.next_deadline_ns(), latest.idle.next_deadline_ns())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now_ns: int) -> None:
        """Send what is due: digests that were buffered long enough, and idle entries."""
        latest = self._pipelines.latest
        if latest is None:
            return
        latest.digests.advance(now_ns)
        expired = latest.idle.expire(now_ns)
        for start in range(0, len(expired), IDLE_CHUNK):
            message = p4r.StreamMessageResponse()
            message.idle_timeout_notification.timestamp = now_ns
            for table, entry in expired[start : start + IDLE_CHUNK]:
                slot = message.idle_timeout_notification.table_entry.add()
                latest.reader.encode_idle(table, entry, slot)
            self._send_to_primaries(message)

    def receive(self, session: StreamSession, message: p4r.StreamMessageRequest) -> None:
        """Take a stream message (`StreamSession.receive` calls this)."""
        match message.WhichOneof("update"):
            case "arbitration":
                self._arbitrate(session, message.arbitration)
            case "packet":
                self._packet_out(session, message.packet)
            case "digest_ack":
                self._digest_ack(session, message.digest_ack)
            case "other":
                error = unimplemented("no other stream message is known")
                reply = _stream_error(error)
                reply.error.other.other.CopyFrom(message.other)
                session.outbox.put(reply)
            case _:
                session.outbox.put(_stream_error(invalid("the stream message is not set")))

    def leave(self, session: StreamSession) -> None:
        """Take the end of a stream (`StreamSession.close` calls this)."""
        self._notify(self._arbitration.leave(session))

    def _check_device(self, device_id: int) -> None:
        if device_id != self.device_id:
            raise P4RuntimeError(Code.NOT_FOUND, f"there is no device {device_id}")

    def _arbitrate(self, session: StreamSession, message: p4r.MasterArbitrationUpdate) -> None:
        before = self._arbitration.primaries()
        try:
            notices = self._arbitration.update(session, message)
        except P4RuntimeError:
            session.close()
            raise
        latest = self._pipelines.latest
        if latest is not None and self._arbitration.primaries() != before:
            latest.digests.forget_sent()
        self._notify(notices)

    def _notify(self, notices: list[Notice[StreamSession]]) -> None:
        for session, update in notices:
            message = p4r.StreamMessageResponse()
            message.arbitration.CopyFrom(update)
            session.outbox.put(message)

    def _packet_out(self, session: StreamSession, packet: p4r.PacketOut) -> None:
        try:
            self._check_primary(session)
            frame = self._pipelines.require_active().packet_io.encode_out(packet)
        except P4RuntimeError as error:
            reply = _stream_error(error)
            reply.error.packet_out.packet_out.CopyFrom(packet)
            session.outbox.put(reply)
            return
        self._datapath.inject(self._datapath.cpu_port, frame)

    def _digest_ack(self, session: StreamSession, ack: p4r.DigestListAck) -> None:
        try:
            self._check_primary(session)
            self._pipelines.target().digests.acknowledge(ack)
        except P4RuntimeError as error:
            reply = _stream_error(error)
            reply.error.digest_list_ack.digest_list_ack.CopyFrom(ack)
            session.outbox.put(reply)

    def _check_primary(self, session: StreamSession) -> None:
        if not self._arbitration.is_primary(session):
            raise P4RuntimeError(Code.PERMISSION_DENIED, "not the primary")

    def _packet_in(self, frame: bytes) -> None:
        active = self._pipelines.active
        packet = None if active is None else active.packet_io.decode_in(frame)
        if packet is None or not self._send_to_primaries(p4r.StreamMessageResponse(packet=packet)):
            self.packet_ins_dropped += 1

    def _digest(self, name: str, values: tuple[int, ...]) -> None:
        if self._pipelines.latest is not None:
            self._pipelines.latest.digests.receive(name, values, self._clock_ns())
            self.on_deadline()

    def _send_digest(self, message: p4r.DigestList) -> bool:
        return self._send_to_primaries(p4r.StreamMessageResponse(digest=message))

    def _send_to_primaries(self, message: p4r.StreamMessageResponse) -> bool:
        """Send to the primary of each role, which all see the whole pipeline (§5.2)."""
        sent = [session.outbox.put(message) for session in self._arbitration.primaries()]
        return any(sent)


def _stream_error(error: P4RuntimeError) -> p4r.StreamMessageResponse:
    message = p4r.StreamMessageResponse()
    message.error.canonical_code = int(error.code)
    message.error.message = error.message
    message.error.space = ERROR_SPACE
    return message
