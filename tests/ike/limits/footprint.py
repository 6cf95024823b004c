"""How much memory an object holds on to."""

from __future__ import annotations

import gc
import sys
from types import (
    BuiltinFunctionType,
    FunctionType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
)

_SHARED = (
    type,
    ModuleType,
    FunctionType,
    BuiltinFunctionType,
    MemberDescriptorType,
    MethodDescriptorType,
)


def footprint(root: object) -> int:
    """Count the bytes of all that can be reached from an object, code and classes apart.

    What OpenSSL allocates behind its objects is not seen; each of them is.
    """
    seen: set[int] = set()
    waiting: list[object] = [root]
    total = 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _SHARED):
            continue
        seen.add(id(item))
        total += sys.getsizeof(item)
        waiting += gc.get_referents(item)
    return total
