"""Where the API listens: Unix sockets with their permissions, TCP with or without TLS."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from controller.api.errors import ListenError
from controller.config.models import Tls
from controller.config.scalars import Endpoint

SOCKET_MODE = 0o660


@dataclass(frozen=True, slots=True)
class ServerTls:
    """PEM files of the server. With `ca_file`, clients need a certificate that it has signed."""

    certificate_file: Path
    key_file: Path
    ca_file: Path | None = None


def server_tls(configured: Tls | None) -> ServerTls | None:
    """Return the files of ``api.tls``.

    Raises:
        ListenError: it has no certificate.
    """
    if configured is None:
        return None
    if configured.certificate_file is None or configured.key_file is None:
        raise ListenError("api.tls needs a certificate: set certificate_file and key_file")
    return ServerTls(configured.certificate_file, configured.key_file, configured.ca_file)


def check_endpoint(endpoint: Endpoint, tls: ServerTls | None) -> None:
    """Refuse an address that would let anybody on the network configure the router.

    Raises:
        ListenError: it is not of this machine alone, and clients are not authenticated.
    """
    if endpoint.is_loopback or (tls is not None and tls.ca_file is not None):
        return
    raise ListenError(
        f"the API can't listen on {endpoint}: other machines can reach it, so it needs TLS with"
        " client certificates (api.tls with certificate_file, key_file and ca_file)"
    )


def server_credentials(tls: ServerTls) -> grpc.ServerCredentials:
    """Read the PEM files.

    Raises:
        ListenError: one of them can't be read.
    """
    try:
        authorities = tls.ca_file.read_bytes() if tls.ca_file else None
        pair = (tls.key_file.read_bytes(), tls.certificate_file.read_bytes())
    except OSError as error:
        raise ListenError(f"{error.filename} can't be read: {error.strerror}") from None
    return grpc.ssl_server_credentials(
        [pair], root_certificates=authorities, require_client_auth=authorities is not None
    )


def clear_the_way(path: Path) -> None:
    """Make the socket's directory, and remove a socket that nobody listens on any more.

    Raises:
        ListenError: somebody listens on it, it isn't a socket, or permissions don't allow it.
    """
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        if not os.path.lexists(path):
            return
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise ListenError(f"{path} is not a socket: remove it, or listen elsewhere")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
                return
    except OSError as error:
        reason = error.strerror or error
        raise ListenError(
            f"the API can't listen on {path}: {reason}; name another place in api.listen"
        ) from None
    raise ListenError(f"another controller listens on {path}: stop it, or listen elsewhere")


@contextmanager
def _private_files() -> Iterator[None]:
    """Files made in here are the owner's alone, until their mode is set."""
    previous = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(previous)


def bind_unix(path: Path, bind: Callable[[str], int]) -> None:
    """Bind a Unix socket, which is never open to others, not even for a moment.

    Raises:
        ListenError: it can't be bound.
    """
    clear_the_way(path)
    try:
        with _private_files():
            bind(f"unix:{path}")
        path.chmod(SOCKET_MODE)
    except (OSError, RuntimeError) as error:
        raise ListenError(f"the API can't listen on {path}: {error}") from None


def bind_tcp(endpoint: Endpoint, bind: Callable[[str], int]) -> int:
    """Bind a TCP port, and return its number.

    Raises:
        ListenError: it can't be bound.
    """
    try:
        return bind(str(endpoint))
    except RuntimeError:
        raise ListenError(
            f"the API can't listen on {endpoint}: the port is in use, or the address isn't ours"
        ) from None
