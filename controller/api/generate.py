"""Generate the Python code of the API: ``python -m controller.api.generate`` (``make proto``)."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROTO = "controller/api/proto/p4ipsec/v1/p4ipsec.proto"


def generate(destination: Path) -> int:
    """Write the messages, the services and their type stubs below `destination`.

    Returns:
        The exit code of protoc.
    """
    # Of the development tools: the product runs without it.
    from grpc_tools import protoc  # type: ignore[import-untyped]  # has no stubs

    tools = Path(sys.executable).parent
    # Paths from the root make the generated imports those of the package.
    return int(
        protoc.main(
            [
                "protoc",
                f"--plugin=protoc-gen-mypy={tools / 'protoc-gen-mypy'}",
                f"--plugin=protoc-gen-mypy_grpc={tools / 'protoc-gen-mypy_grpc'}",
                f"--proto_path={ROOT}",
                f"--python_out={destination}",
                f"--grpc_python_out={destination}",
                f"--mypy_out=readable_stubs:{destination}",
                f"--mypy_grpc_out=readable_stubs:{destination}",
                PROTO,
            ]
        )
    )


if __name__ == "__main__":
    sys.exit(generate(ROOT))
