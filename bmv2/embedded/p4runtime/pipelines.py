"""The pipelines of a switch: the one that forwards, and the one that requests mean (§14, §15).

They differ between VERIFY_AND_SAVE and COMMIT only. As in bmv2, what is written meanwhile goes to
the pipeline that does not forward yet, and it is the entries of that one whose idle timeouts and
the digests of that one which clients are told of.
"""

from __future__ import annotations

from finsy.proto import p4r

from bmv2.embedded.model import ClockNs, Datapath
from bmv2.embedded.p4runtime import reconcile
from bmv2.embedded.p4runtime.codes import NOTHING_TO_COMMIT, Code
from bmv2.embedded.p4runtime.errors import P4RuntimeError, invalid
from bmv2.embedded.p4runtime.pipeline import Pipeline, SendDigest, build

NO_PIPELINE = "No forwarding pipeline config set for this device"
"""As bmv2 says it: clients tell this FAILED_PRECONDITION from others by its words."""

_Set = p4r.SetForwardingPipelineConfigRequest
_Get = p4r.GetForwardingPipelineConfigRequest

_BUILDING = frozenset(
    {_Set.VERIFY, _Set.VERIFY_AND_SAVE, _Set.VERIFY_AND_COMMIT, _Set.RECONCILE_AND_COMMIT}
)
_WITH_P4INFO = frozenset({_Get.ALL, _Get.P4INFO_AND_COOKIE})
_WITH_DEVICE_CONFIG = frozenset({_Get.ALL, _Get.DEVICE_CONFIG_AND_COOKIE})


class Pipelines:
    """The pipelines of one data plane.

    Attributes:
        active: The one that forwards; None before the first commit.
    """

    def __init__(self, datapath: Datapath, clock_ns: ClockNs, send_digest: SendDigest) -> None:
        self.active: Pipeline | None = None
        self._target: Pipeline | None = None
        self._datapath = datapath
        self._clock_ns = clock_ns
        self._send_digest = send_digest

    @property
    def latest(self) -> Pipeline | None:
        """The pipeline that requests mean; None if no config was set."""
        return self._target

    def target(self) -> Pipeline:
        """The pipeline that requests mean.

        Raises:
            P4RuntimeError: FAILED_PRECONDITION, as bmv2, if no config was set.
        """
        if self._target is None:
            raise P4RuntimeError(Code.FAILED_PRECONDITION, NO_PIPELINE)
        return self._target

    def require_active(self) -> Pipeline:
        """The pipeline that forwards.

        Raises:
            P4RuntimeError: FAILED_PRECONDITION if none was committed.
        """
        if self.active is None:
            raise P4RuntimeError(Code.FAILED_PRECONDITION, NO_PIPELINE)
        return self.active

    def set(
        self,
        action: p4r.SetForwardingPipelineConfigRequest.Action.ValueType,
        config: p4r.ForwardingPipelineConfig | None,
    ) -> None:
        """Verify, save, commit or reconcile.

        Raises:
            P4RuntimeError: The config is refused; nothing was changed.
        """
        if action == _Set.COMMIT:
            if config is not None:
                raise invalid("COMMIT takes no config")
            self._commit()
            return
        if action not in _BUILDING:
            raise invalid("the action is not set, or not one that is known")
        if config is None:
            raise invalid("the action needs a config")
        kept = p4r.ForwardingPipelineConfig()
        kept.CopyFrom(config)
        running = self.active
        if action == _Set.RECONCILE_AND_COMMIT and running is not None and self._is_running(kept):
            running.config = kept
            return
        pipeline = build(self._datapath, kept, self._clock_ns, self._send_digest)
        if action == _Set.VERIFY:
            return
        old = running or self._target
        if action == _Set.RECONCILE_AND_COMMIT and old is not None:
            reconcile.carry_over(old, pipeline)
        self._target = pipeline
        if action != _Set.VERIFY_AND_SAVE:
            self._commit()

    def get(
        self, kind: p4r.GetForwardingPipelineConfigRequest.ResponseType.ValueType
    ) -> p4r.ForwardingPipelineConfig:
        """The parts of the config that are asked for; its cookie always.

        Raises:
            P4RuntimeError: No config was set, or the parts are not known.
        """
        config = self.target().config
        if kind not in _WITH_P4INFO | _WITH_DEVICE_CONFIG | {_Get.COOKIE_ONLY}:
            raise invalid("the response type is not one that is known")
        answer = p4r.ForwardingPipelineConfig()
        if kind in _WITH_P4INFO:
            answer.p4info.CopyFrom(config.p4info)
        if kind in _WITH_DEVICE_CONFIG:
            answer.p4_device_config = config.p4_device_config
        if config.HasField("cookie"):
            answer.cookie.CopyFrom(config.cookie)
        return answer

    def _is_running(self, config: p4r.ForwardingPipelineConfig) -> bool:
        running = self.active
        return (
            running is not None
            and running is self._target
            and running.config.p4_device_config == config.p4_device_config
            and running.config.p4info == config.p4info
        )

    def _commit(self) -> None:
        if self._target is None or self._target is self.active:
            raise P4RuntimeError(NOTHING_TO_COMMIT, "no config was saved")
        self._datapath.commit(self._target.program)
        self.active = self._target
