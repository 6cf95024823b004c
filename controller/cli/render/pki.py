"""``show crypto pki certificates``, in the form of IOS."""

from __future__ import annotations

from collections.abc import Iterator

from controller.cli.render.text import duration
from controller.status import PkiCertificateStatus

_HEADINGS = {
    "own": "Certificate",
    "authority": "CA Certificate",
    "intermediate": "Intermediate CA Certificate",
}


def render(entries: tuple[PkiCertificateStatus, ...]) -> str:
    """Write the certificates, one block each."""
    if not entries:
        return "No certificates: no trustpoint is configured."
    return "\n\n".join("\n".join(_entry(entry)) for entry in entries)


def _entry(entry: PkiCertificateStatus) -> Iterator[str]:
    yield _HEADINGS.get(entry.use, entry.use)
    yield f"  Status: {entry.state}"
    yield f"  Certificate Serial Number (hex): {entry.serial_number.upper()}"
    yield f"  Issuer: {entry.issuer}"
    yield f"  Subject: {entry.subject}"
    yield "  Validity Date:"
    yield f"    start date: {entry.not_before}"
    if entry.expires_in < 0:
        yield f"    end   date: {entry.not_after} ({duration(-entry.expires_in)} ago)"
    else:
        yield f"    end   date: {entry.not_after} (in {duration(entry.expires_in)})"
    yield f"  Key: {entry.key}"
    yield f"  Fingerprint SHA256: {entry.fingerprint.upper()}"
    yield f"  Associated Trustpoints: {entry.trustpoint}"
