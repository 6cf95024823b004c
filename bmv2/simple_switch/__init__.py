"""The real bmv2: starts `simple_switch_grpc` with the options that the embedded switch takes.

::

    async with SimpleSwitch(SwitchOptions(ports=(parse_port_spec("1=veth1"),))) as switch:
        switch.address                    # where P4Runtime is served
        await switch.wait()               # until it ends by itself

or ``await run(options, stop)``.
"""

from bmv2.simple_switch.errors import SimpleSwitchError
from bmv2.simple_switch.installation import Installation, find_installation
from bmv2.simple_switch.switch import SimpleSwitch, run

__all__ = ["Installation", "SimpleSwitch", "SimpleSwitchError", "find_installation", "run"]
