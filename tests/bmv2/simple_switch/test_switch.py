"""Starting, watching and stopping bmv2."""

import asyncio
import os
import queue
import signal
import socket
import stat
from pathlib import Path

import grpc
import pytest
from finsy.proto import p4i, p4r, p4r_grpc
from google.protobuf import text_format

from bmv2.simple_switch import SimpleSwitch, SimpleSwitchError, run
from bmv2.switch_options import SwitchOptions, TlsFiles
from p4src.artefacts import JSON_PATH, P4INFO_PATH

ANY_PORT = SwitchOptions(grpc_addresses=("127.0.0.1:0",))
LISTEN = "server = socket.create_server(address)\n"


@pytest.fixture
def no_p4runtime(tmp_path):
    """Options under which accepting a connection is all that shows readiness."""
    pem = tmp_path / "x.pem"
    pem.write_text("")
    return SwitchOptions(grpc_addresses=("127.0.0.1:0",), tls=TlsFiles(pem, pem))


async def until(holds) -> None:
    """Wait for what another process does."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - nothing to wait on tells of it
            await asyncio.sleep(0.02)


async def refusal(options, **where) -> str:
    with pytest.raises(SimpleSwitchError) as caught:
        async with SimpleSwitch(options, **where):
            pass
    (sentence,) = str(caught.value).splitlines()
    return sentence


async def test_ends_while_it_starts(make_program, make_extern):
    program = make_program("print('no luck'); sys.exit(3)")
    sentence = await refusal(ANY_PORT, program=program, extern=make_extern())
    assert sentence == "simple_switch_grpc ended with exit code 3, having said 'no luck'"


async def test_never_answers(make_program, make_extern, monkeypatch):
    monkeypatch.setattr("bmv2.simple_switch.switch.SECONDS_TO_START", 0.2)
    program = make_program("print('thinking', flush=True); time.sleep(60)")
    sentence = await refusal(ANY_PORT, program=program, extern=make_extern())
    assert "does not answer on 127.0.0.1:" in sentence


async def test_extern_that_finds_no_symbols(make_program, make_extern, no_p4runtime):
    program = make_program(
        "print('WARNING: Skipping module: /e.so: /e.so: undefined symbol: _ZN2bm', flush=True)\n"
        + LISTEN + "time.sleep(60)"
    )  # fmt: skip
    sentence = await refusal(no_p4runtime, program=program, extern=make_extern())
    assert "does not export its symbols" in sentence
    assert "-rdynamic" in sentence


async def test_extern_that_finds_no_library(make_program, make_extern, no_p4runtime):
    why = "libcrypto.so.9: cannot open shared object file: No such file or directory"
    program = make_program(
        f"print('WARNING: Skipping module: /e.so: {why}', flush=True)\n" + LISTEN + "time.sleep(60)"
    )
    sentence = await refusal(no_p4runtime, program=program, extern=make_extern())
    assert why in sentence
    assert "cmake -S bmv2/extern" in sentence


async def test_port_that_cannot_be_opened(make_program, make_extern, no_p4runtime):
    program = make_program(
        "print('Adding interface veth1 as port 1')\n"
        "print('[09:24:55.9] [bmv2] [E] [thread 1] Add port operation failed', flush=True)\n"
        + LISTEN + "time.sleep(60)"
    )  # fmt: skip
    sentence = await refusal(no_p4runtime, program=program, extern=make_extern())
    assert "cannot open port 1=veth1" in sentence
    assert "root" in sentence


async def test_address_in_use(make_program, make_extern):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        options = SwitchOptions(grpc_addresses=(address,))
        sentence = await refusal(options, program=make_program(), extern=make_extern())
    assert f"{address} is in use" in sentence


async def test_stops_what_does_not_want_to(make_program, make_extern, no_p4runtime, monkeypatch):
    monkeypatch.setattr("bmv2.simple_switch.switch.SECONDS_TO_STOP", 0.1)
    program = make_program(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTEN + "time.sleep(60)"
    )
    async with SimpleSwitch(no_p4runtime, program=program, extern=make_extern()) as switch:
        pid = switch.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_crash_ends_run(make_program, make_extern, no_p4runtime):
    program = make_program(LISTEN + "server.accept(); time.sleep(0.3); sys.exit('dead')")
    with pytest.raises(SimpleSwitchError, match="exit code 1, having said 'dead'"):
        await run(no_p4runtime, asyncio.Event(), program=program, extern=make_extern())


async def test_restarts_after_a_crash(
    make_program, make_extern, no_p4runtime, monkeypatch, tmp_path
):
    monkeypatch.setattr("bmv2.simple_switch.switch.FIRST_RESTART_DELAY", 0.01)
    starts = tmp_path / "starts"
    program = make_program(
        f"first = not open({str(starts)!r}, 'a+').tell()\n"
        f"open({str(starts)!r}, 'a').write('x')\n"
        + LISTEN + "server.accept(); time.sleep(0.3 if first else 60)"
    )  # fmt: skip
    stop = asyncio.Event()
    running = asyncio.create_task(
        run(no_p4runtime, stop, program=program, extern=make_extern(), restart=True)
    )
    await until(lambda: starts.exists() and starts.stat().st_size == 2)
    stop.set()
    await running


async def test_a_first_start_that_fails_is_not_tried_again(make_program, make_extern):
    program = make_program("sys.exit(3)")
    with pytest.raises(SimpleSwitchError, match="exit code 3"):
        await run(ANY_PORT, asyncio.Event(), program=program, extern=make_extern(), restart=True)


# --- the real one -----------------------------------------------------------------------------


def push_pipeline(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stub = p4r_grpc.P4RuntimeStub(channel)
        requests: queue.SimpleQueue = queue.SimpleQueue()
        stream = stub.StreamChannel(iter(requests.get, None))
        primary = p4r.Uint128(low=1)
        arbitration = p4r.MasterArbitrationUpdate(device_id=1, election_id=primary)
        requests.put(p4r.StreamMessageRequest(arbitration=arbitration))
        next(stream)
        stub.SetForwardingPipelineConfig(
            p4r.SetForwardingPipelineConfigRequest(
                device_id=1,
                election_id=primary,
                action=p4r.SetForwardingPipelineConfigRequest.VERIFY_AND_COMMIT,
                config=p4r.ForwardingPipelineConfig(
                    p4info=text_format.Parse(P4INFO_PATH.read_text(), p4i.P4Info()),
                    p4_device_config=JSON_PATH.read_bytes(),
                ),
            ),
            timeout=20,
        )
        requests.put(None)


@pytest.mark.parametrize("unix", [False, True])
async def test_real_bmv2_takes_the_program_with_its_extern(real_bmv2, tmp_path, unix):
    address = f"unix:{tmp_path}/s.sock" if unix else "127.0.0.1:0"
    async with SimpleSwitch(SwitchOptions(grpc_addresses=(address,))) as switch:
        if unix:
            mode = stat.S_IMODE((tmp_path / "s.sock").stat().st_mode)
            assert mode & 0o077 == 0
        await asyncio.to_thread(push_pipeline, switch.address)
        pid = switch.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (tmp_path / "s.sock").exists()


async def test_real_bmv2_that_is_killed_is_told(real_bmv2):
    async with SimpleSwitch(ANY_PORT) as switch:
        os.kill(switch.pid, signal.SIGKILL)
        assert "ended by SIGKILL" in await switch.wait()


async def test_real_bmv2_is_restarted(real_bmv2, monkeypatch, caplog):
    monkeypatch.setattr("bmv2.simple_switch.switch.FIRST_RESTART_DELAY", 0.01)
    caplog.set_level("INFO", logger="bmv2.simple_switch")
    stop = asyncio.Event()
    running = asyncio.create_task(run(ANY_PORT, stop, restart=True))
    await until(lambda: caplog.text.count("P4Runtime on") == 1)
    os.kill(child("simple_switch_grpc"), signal.SIGSEGV)
    await until(lambda: caplog.text.count("P4Runtime on") == 2)
    stop.set()
    await running
    assert "SIGSEGV" in caplog.text


def child(name: str) -> int:
    """The process id of our child of this name."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    (found,) = [pid for pid in pids if name in Path(f"/proc/{pid}/cmdline").read_text()]
    return int(found)
