"""`python -m demo`."""

import sys


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
