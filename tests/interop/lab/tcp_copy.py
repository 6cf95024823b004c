"""One TCP connection that proves what it carried. Run as a script in a namespace.

``send ADDRESS PORT SIZE`` and ``receive ADDRESS PORT`` each print the bytes that they sent or
received, and their SHA-256: equal lines are an equal stream.
"""

from __future__ import annotations

import hashlib
import socket
import sys
from collections.abc import Iterator

_CHUNK = 65536  # bytes
_TIMEOUT = 30.0  # seconds without progress


def _stream(size: int) -> Iterator[bytes]:
    block = hashlib.shake_256(b"the lab's bulk data").digest(_CHUNK)
    for start in range(0, size, _CHUNK):
        yield block[: min(_CHUNK, size - start)]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def send(address: str, port: int, size: int) -> str:
    """Connect and send `size` bytes."""
    digest = hashlib.sha256()
    with socket.create_connection((address, port), timeout=_TIMEOUT) as connection:
        for chunk in _stream(size):
            connection.sendall(chunk)
            digest.update(chunk)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # the receiver closes once it has read all
    return f"{size} bytes, {digest.hexdigest()}"


def receive(address: str, port: int) -> str:
    """Accept one connection and read it to its end."""
    digest, size = hashlib.sha256(), 0
    with socket.create_server((address, port)) as server:
        _say("listening")
        connection, _ = server.accept()
        connection.settimeout(_TIMEOUT)
        with connection:
            while chunk := connection.recv(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    return f"{size} bytes, {digest.hexdigest()}"


if __name__ == "__main__":
    command, address, port, *rest = sys.argv[1:]
    if command == "send":
        _say(send(address, int(port), int(rest[0])))
    else:
        _say(receive(address, int(port)))
