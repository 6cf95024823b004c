"""A session of p4runtime-shell, for its own venv: ``shell_session.py ADDRESS P4INFO JSON``.

Prints what the shell got, as JSON.
"""

import json
import os
import sys
import traceback

import p4runtime_sh.shell as shell
from p4runtime_sh.p4runtime import P4RuntimeWriteException

SECONDS = 5


def _describe(entry):
    source = entry.match["source"].ternary
    params = [param.value.hex() for param in entry.action.msg().params]
    return [entry.priority, source.value.hex(), source.mask.hex(), params]


def session(address, p4info, config):
    got = {}
    shell.setup(
        device_id=1,
        grpc_addr=address,
        election_id=(0, 100),
        config=shell.FwdPipeConfig(p4info, config),
        verbose=False,
    )
    packet_in = shell.PacketIn()
    interface = shell.TableEntry("ingress_interface")(action="set_ingress_interface")
    interface.match["port"] = "1"
    interface.action["interface_id"] = "7"
    interface.action["mac_address"] = "02:00:00:00:00:01"
    interface.action["crypto_map"] = "0"
    interface.insert()
    outgoing = shell.TableEntry("egress_interface")(action="set_egress_interface")
    outgoing.match["interface_id"] = "7"
    outgoing.action["port"] = "1"
    outgoing.action["mtu"] = "1500"
    outgoing.action["crypto_map"] = "0"
    outgoing.insert()

    entry = shell.TableEntry("spd_out")(action="protect")
    entry.match["crypto_map"] = "7"
    entry.match["source"] = "10.0.0.0&&&255.0.0.0"
    entry.match["destination_port"] = "500..600"
    entry.action["packet_type"] = "5"
    entry.priority = 10
    entry.insert()
    try:
        entry.insert()
    except P4RuntimeWriteException as error:
        got["insert again"] = str(error)
    found = list(shell.TableEntry("spd_out").read())
    got["read"] = [_describe(e) for e in found]
    entry.delete()
    got["read after delete"] = len(list(shell.TableEntry("spd_out").read()))

    out = shell.PacketOut(b"\x02" * 14 + b"from the shell", interface_id="7")
    out.send()
    (message,) = packet_in.sniff(timeout=SECONDS)
    got["packet in"] = message.packet.payload.hex()
    got["metadata"] = {m.metadata_id: m.value.hex() for m in message.packet.metadata}

    counter = shell.CounterEntry("drop_counter")
    counter.index = 1
    (cell,) = counter.read()
    got["counter"] = [cell.data.packet_count, cell.data.byte_count]
    meter = shell.MeterEntry("punt_meter")
    meter.index = 1
    meter.cir, meter.cburst, meter.pir, meter.pburst = 1, 2, 3, 4
    meter.modify()
    (cell,) = meter.read()
    got["meter"] = [cell.cir, cell.cburst, cell.pir, cell.pburst]
    shell.teardown()
    return got


if __name__ == "__main__":
    code = 1
    try:
        print(json.dumps(session(*sys.argv[1:])), flush=True)  # noqa: T201 - the test reads it
        code = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(code)  # the shell's thread for packet-ins never ends
