"""A compiled program's state made afresh, so that its code need not be written again.

A switch that restarts, and all routers of one network, run the same program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bmv2.embedded.datapath.codegen.context import identity
from bmv2.embedded.datapath.state import Counters, DirectMeters, Meters, Registers
from bmv2.embedded.datapath.tables import Table


class StateCopy:
    """New tables, counters, meters and registers in place of pristine ones, all as empty.

    Args:
        tables: those of the program, which no frame has passed and no client has written.
        counters: likewise, as the rest.
    """

    def __init__(
        self,
        tables: Mapping[str, Table],
        counters: Mapping[str, Counters],
        meters: Mapping[str, Meters],
        registers: Mapping[str, Registers],
    ) -> None:
        self._direct_meters: dict[int, DirectMeters] = {}
        self.tables = {name: self._table(table) for name, table in tables.items()}
        self.counters = {name: Counters(name, c.size) for name, c in counters.items()}
        self.meters = {name: Meters(name, m.size, m.counts_bytes) for name, m in meters.items()}
        self.registers = {name: Registers(name, r.size, r.bits) for name, r in registers.items()}
        self._new: dict[int, object] = {}
        for name, table in tables.items():
            copy = self.tables[name]
            self._replace((table, table.lookup), (copy, copy.lookup))
            if table.meters is not None and copy.meters is not None:
                self._replace((table.meters.execute,), (copy.meters.execute,))
        for name, counter in counters.items():
            self._replace((counter.cells,), (self.counters[name].cells,))
        for name, meter in meters.items():
            self._replace((meter.execute,), (self.meters[name].execute,))
        for name, register in registers.items():
            self._replace((register.cells,), (self.registers[name].cells,))

    def namespace(self, pristine: Mapping[str, object]) -> dict[str, object]:
        """Return the globals of the generated function with the new state in them."""
        return {name: self._new.get(identity(value), value) for name, value in pristine.items()}

    def _replace(self, old: Iterable[object], new: Iterable[object]) -> None:
        self._new.update(zip(map(identity, old), new, strict=True))

    def _table(self, table: Table) -> Table:
        if table.meters is None:
            return table.pristine(None)
        meters = self._direct_meters.setdefault(id(table.meters), table.meters.pristine())
        return table.pristine(meters)
