"""`python -m demo`."""

import os
import sys

# gRPC's core notes by itself, on standard error, when the other end of a connection leaves.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")


def _main() -> int:
    try:
        # Takes a while, in which ctrl-c is no error either.
        from demo.command import main
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return main()


if __name__ == "__main__":
    sys.exit(_main())
