"""Where the embedded switch answers something else than bmv2, on purpose.

Each is a place where bmv2 is broken or less strict than the specification, or has, or lacks, what
is optional. `test_answers` asserts exactly this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.conformance.p4runtime.client import Answer


@dataclass(frozen=True)
class Deviation:
    """Cases that differ for one reason.

    Attributes:
        reason: Why it is not mended; paragraphs are those of the P4Runtime specification.
        answers: What the embedded switch answers, by group and case.
    """

    reason: str
    answers: Mapping[tuple[str, str], Answer]


DEVIATIONS = (
    Deviation(
        "bmv2 1.15.5 was built with the messages of P4Runtime 1.3; the embedded switch "
        "has those of 1.4.",
        {
            ("pipelines-before_and_after_the_first", "capabilities"): "1.4.0",
        },
    ),
    Deviation(
        "bmv2 is broken: VERIFY makes a device of which an empty config can be read, as "
        "if one were set (§15).",
        {
            ("pipelines-before_and_after_the_first", "get after verify"): "FAILED_PRECONDITION",
        },
    ),
    Deviation(
        "bmv2 is less strict: a config without P4Info or without device config is "
        "INVALID_ARGUMENT (§14).",
        {
            ("pipelines-refused", "no config"): ["INVALID_ARGUMENT"],
            ("pipelines-empty_device_config", "push without device config"): ["INVALID_ARGUMENT"],
        },
    ),
    Deviation(
        "bmv2 is broken: its target waits for COMMIT after VERIFY_AND_SAVE, and fails on all else.",
        {
            ("pipelines-save_and_push", "push instead of commit"): "OK",
        },
    ),
    Deviation(
        "bmv2 is broken: RECONCILE_AND_COMMIT fails, and with it every push that "
        "follows. The controller asks for it, and pushes anew where it is refused.",
        {
            ("pipelines-reconcile", "reconcile with the same"): "OK",
            ("pipelines-reconcile", "push after it"): "OK",
        },
    ),
    Deviation(
        "bmv2 does not answer a client that says again what it has said; §5.3 has an "
        "answer to each update.",
        {
            ("arbitration-alone", "the same again"): [["arbitration", "OK", 1, ""]],
        },
    ),
    Deviation(
        "bmv2 is less strict: it makes a device of whatever id it is asked for; there "
        "is one (§5.3, NOT_FOUND).",
        {
            ("arbitration-wrong_device", "another device"): [["closed", "NOT_FOUND"]],
            ("arbitration-writes", "another device"): ["NOT_FOUND"],
        },
    ),
    Deviation(
        "bmv2 is less strict: it takes no election id for 0; a client without one is "
        "never primary (§16.2.1).",
        {
            ("arbitration-no_election_id", "alone"): [["arbitration", "NOT_FOUND", None, ""]],
            ("arbitration-no_election_id", "write without id"): ["PERMISSION_DENIED"],
        },
    ),
    Deviation(
        "bmv2 ignores roles: it has one primary for all (§5.2 has one for each).",
        {
            ("arbitration-roles", "write with a role that nobody has"): ["NOT_FOUND"],
            ("arbitration-roles", "arbitration with a role"): [["arbitration", "OK", 9, "r"]],
            ("arbitration-roles", "the primary without role is told"): [],
            ("arbitration-roles", "write without role"): ["UNKNOWN", "ALREADY_EXISTS"],
        },
    ),
    Deviation(
        "bmv2 is less strict: it reads an empty byte string as 0, which §8.4 has every "
        "server reject.",
        {
            ("entries-byte_strings", "empty match"): ["UNKNOWN", "INVALID_ARGUMENT"],
            ("entries-byte_strings", "empty parameter"): ["UNKNOWN", "INVALID_ARGUMENT"],
            ("streams-packets_out", "empty metadata"): [["error", "INVALID_ARGUMENT"]],
        },
    ),
    Deviation(
        "bmv2 is less strict: it takes a parameter twice for one that is missing, and "
        "makes up the other.",
        {
            ("entries-malformed", "parameter twice"): ["UNKNOWN", "INVALID_ARGUMENT"],
        },
    ),
    Deviation(
        "bmv2 refuses this too, but with UNKNOWN; the specification's code says whose "
        "mistake it is.",
        {
            ("entries-ternary", "negative priority"): ["UNKNOWN", "INVALID_ARGUMENT"],
            ("entries-defaults", "an entry for a table without key"): [
                "UNKNOWN",
                "INVALID_ARGUMENT",
            ],
            ("entries-a_table_that_is_full", "one more"): ["UNKNOWN", "RESOURCE_EXHAUSTED"],
            ("resources-illegal_rates", "peak below committed"): ["UNKNOWN", "INVALID_ARGUMENT"],
            ("resources-illegal_rates", "negative"): ["UNKNOWN", "INVALID_ARGUMENT"],
        },
    ),
    Deviation(
        "bmv2 is less strict: a range of all values has to be left out (§9.1.1).",
        {
            ("entries-full_range", "all values"): ["UNKNOWN", "INVALID_ARGUMENT"],
            ("entries-full_range", "read"): [],
        },
    ),
    Deviation(
        "bmv2 does not enforce @entry_restriction; the program relies on its tables "
        "having legal entries.",
        {
            ("entries-restriction", "broken"): ["UNKNOWN", "INVALID_ARGUMENT"],
        },
    ),
    Deviation(
        "bmv2 does not have the optional atomicities of §12.2.",
        {
            ("entries-rollback", "rollback on error"): ["UNKNOWN", "ABORTED", "ALREADY_EXISTS"],
            ("entries-rollback", "atomic"): "OK",
        },
    ),
    Deviation(
        "The embedded switch has no multicast groups and clone sessions, which the "
        "program does not use.",
        {
            ("resources-replication", "insert a group"): ["UNKNOWN", "UNIMPLEMENTED"],
            ("resources-replication", "read a group"): "NOT_FOUND",
            ("resources-replication", "insert a session"): ["UNKNOWN", "UNIMPLEMENTED"],
            ("resources-replication", "read a session"): "NOT_FOUND",
        },
    ),
    Deviation(
        "bmv2 is less strict: a time cannot be negative (§9.9).",
        {
            ("streams-digest_entries", "negative timeout"): ["UNKNOWN", "INVALID_ARGUMENT"],
        },
    ),
    Deviation(
        "bmv2 keeps from a controller for ack_timeout what it has told the one before "
        "it, which is gone; the new one would not hear of a clear destination (PM-8) "
        "for as long.",
        {
            ("streams-reports_after_the_controller_died", "the same to the next controller"): [
                ["digest", ["05", "0a000202", "00", "0a000102", "00"]]
            ],
        },
    ),
    Deviation(
        "bmv2 drops a bad stream message without a word; §16.6 has errors for those who want them.",
        {
            ("streams-reports", "unknown digest"): [["error", "INVALID_ARGUMENT"]],
            ("streams-packets_out", "unknown metadata"): [["error", "INVALID_ARGUMENT"]],
            ("streams-packets_out", "metadata too wide"): [["error", "INVALID_ARGUMENT"]],
            ("streams-packets_out", "message is not set"): [["error", "INVALID_ARGUMENT"]],
            ("streams-packets_out", "from a backup"): [["error", "PERMISSION_DENIED"]],
            ("streams-packets_out", "before arbitration"): [["error", "PERMISSION_DENIED"]],
        },
    ),
)
