"""The demo as a user runs it: a process of its own, with its output piped or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.command import main
from demo.steps import STEPS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DEADLINE = 50.0  # seconds, on a busy machine

SEED_TEXTS = (
    "Security warning: crypto ipsec optional is configured",
    "Unencrypted traffic is sent to 10.3.N.2 because crypto optional is configured",
    "Unencrypted traffic is received from 10.3.N.2 because crypto optional is configured",
    "Passive mode enabled. IPSec is currently insecure.",
    "Passive mode disabled.",
)

ONE_STEP = """
import sys
from demo.command import main
from demo.stage import Step
from demo.steps import STEPS

async def run(stage):
    {body}

sys.exit(main({arguments!r}, steps=(*STEPS[:1], Step("Another one", run))))
"""


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start Python with these arguments, in its development mode: it warns of what leaks."""
    return subprocess.Popen(
        [sys.executable, "-X", "dev", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    try:
        out, error = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def one_step(body: str, *arguments: str) -> list[str]:
    return ["-c", ONE_STEP.format(body=body, arguments=["--speed", "20", *arguments])]


@pytest.fixture(scope="module")
def both_forms() -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    """The whole demo, told and as JSON, at the same time."""
    told = start("-m", "demo", "--speed", "10")
    as_json = start("-m", "demo", "--speed", "10", "--json")
    return finish(told), finish(as_json)


@pytest.fixture
def told(both_forms):
    return both_forms[0]


@pytest.fixture
def result(both_forms):
    assert both_forms[1].returncode == 0, both_forms[1].stdout + both_forms[1].stderr
    return json.loads(both_forms[1].stdout)


class TestTheWholeDemo:
    def test_everything_is_as_expected_and_nothing_is_left_behind(self, told):
        assert told.returncode == 0, told.stdout + told.stderr
        assert re.search(r"^All \d+ checks passed, in \d+ s\.$", told.stdout, re.MULTILINE)
        assert "✗" not in told.stdout
        assert told.stderr == ""

    def test_piped_output_is_plain_lines_that_fit_a_screen_or_three(self, told):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", told.stdout)
        assert len(told.stdout.splitlines()) < 170
        assert max(map(len, told.stdout.splitlines())) <= 120

    def test_has_the_texts_of_the_seed_word_for_word(self, told):
        """PM-7 to PM-10."""
        lines = [line.replace("10.3.0.2", "10.3.N.2") for line in told.stdout.splitlines()]
        lines += [line.replace("10.3.9.2", "10.3.N.2") for line in lines]
        for text in SEED_TEXTS:
            assert any(line.endswith(text) for line in lines), text
        assert "write memory" in told.stdout

    def test_shows_the_sas_in_words(self, told):
        assert "IPv4 Crypto ISAKMP SA (IKEv2)" in told.stdout
        assert re.search(r"10\.0\.0\.2:4500 .* established +initiator", told.stdout)
        # The packets of the hold: the first, and on a slow machine the next few.
        assert re.search(r"#pkts held: [1-9], #pkts sent in the clear: 0", told.stdout)

    def test_tells_each_step(self, told):
        for number, step in enumerate(STEPS, 1):
            assert f"\n{number}. {step.title}\n" in told.stdout

    def test_json_has_the_same_steps_and_says_ok(self, result):
        assert result["ok"] is True
        assert [step["title"] for step in result["steps"]] == [step.title for step in STEPS]
        assert all(check["ok"] for step in result["steps"] for check in step["checks"])
        assert all(step["checks"] for step in result["steps"])
        assert SEED_TEXTS[0] in [message["text"] for message in result["messages"]]

    def test_held_for_ten_seconds_and_then_clear(self, result):
        """PM-2, PM-3."""
        flow = flow_of(result["steps"][1], "host1 → host3")
        assert 20 <= flow["dropped"] < 40  # two a second
        assert flow["clear"] >= 10
        assert flow["encrypted"] == 0

    def test_upgraded_with_no_packet_lost_either_way(self, result):
        """PM-4."""
        for name in ("host1 → host3", "host3 → host1"):
            flow = flow_of(result["steps"][4], name)
            assert flow["dropped"] == 0
            assert flow["clear"] > 0
            assert flow["encrypted"] > 0

    def test_turned_off_everything_is_encrypted_or_dropped(self, result):
        """PM-1, PM-10."""
        for flow in result["steps"][5]["flows"]:
            assert flow["sent"] > 0
            assert flow["clear"] == 0
            to_printer = "printer" in flow["flow"]
            assert flow["dropped"] == (flow["sent"] if to_printer else 0)


def flow_of(step, name):
    (flow,) = (flow for flow in step["flows"] if flow["flow"] == name)
    return flow


class TestWhatDiffers:
    def test_a_wrong_expectation_fails_with_what_was_found_and_r1s_log(self):
        body = "stage.expect(1 == 2, 'one is two', 'that it is not')"
        processes = [start(*one_step(body)), start(*one_step(body, "--json"))]
        told, as_json = map(finish, processes)
        assert told.returncode == 1
        assert "✗ one is two" in told.stdout
        assert "found: that it is not" in told.stdout
        after = told.stdout.partition("Something is not as expected.")[2]
        assert SEED_TEXTS[0] in after
        assert re.search(r"^1 of \d+ checks failed, in \d+ s\.$", after, re.MULTILINE)

        assert as_json.returncode == 1
        result = json.loads(as_json.stdout)
        assert result["ok"] is False
        assert result["steps"][1]["checks"] == [
            {"check": "one is two", "ok": False, "found": "that it is not"}
        ]

    def test_a_defect_fails_with_the_routers_log(self):
        failed = finish(start(*one_step("raise ZeroDivisionError('a defect')")))
        assert failed.returncode == 1
        assert "a defect" in failed.stderr
        assert "router=R1" in failed.stderr


class TestInterrupted:
    def test_ends_cleanly(self, tmp_path):
        # Not pytest's own path, which can be too long for a Unix socket.
        directory = tmp_path.parents[1]
        processes = {
            number: start("-u", "-m", "demo", TMPDIR=str(directory))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        for number, process in processes.items():
            assert process.stdout is not None
            line = ""
            while "host1 begins to send" not in line:
                line = process.stdout.readline()
                assert line, "ended before it began"
            time.sleep(0.2)
            process.send_signal(number)
            ended = finish(process)
            assert ended.returncode == 130
            assert ended.stderr == "interrupted\n"
        assert not list(directory.glob("p4ipsec-demo-*"))

    def test_reader_that_leaves_costs_no_traceback(self):
        process = start("-m", "demo", "--speed", "20")
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        ended = finish(process)
        assert ended.returncode == 1
        assert ended.stderr == ""


class TestTerminal:
    def test_has_colours_and_a_live_view_and_no_color_is_honoured(self):
        colored, plain = on_terminals({}, {"NO_COLOR": "1"})
        for written in (colored, plain):
            assert re.search(r"router time .*[\d.]+ s", written)
            assert "R1's packet type" in written
        assert "\x1b[32m" in colored
        assert not re.search(r"\x1b\[(\d+;)*[349][0-7](;\d+)*m", plain)


def on_terminals(*environments: dict[str, str]) -> list[str]:
    """Return what two steps write to terminals, with these environments."""
    body = "stage.expect(True, 'fine'); import asyncio; await asyncio.sleep(0.5)"
    running = []
    for environment in environments:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, *one_step(body)],
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", **environment},
            stdout=theirs,
            stderr=subprocess.STDOUT,
        )
        os.close(theirs)
        running.append((ours, process))
    written = []
    for ours, process in running:
        try:
            written.append(read_all(ours))
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()
            os.close(ours)
    return written


def read_all(descriptor: int) -> str:
    chunks = []
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        if select.select([descriptor], [], [], 1)[0]:
            try:
                chunk = os.read(descriptor, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not chunk:
                break
            chunks.append(chunk)
    return b"".join(chunks).decode()


class TestOptions:
    def test_help_says_what_it_does_and_its_exit_codes(self, capsys):
        with pytest.raises(SystemExit) as ended:
            main(["--help"])
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert "--real-time" in shown
        assert "130" in shown

    @pytest.mark.parametrize("arguments", [["--speed", "0"], ["--speed", "x"], ["--colour"]])
    def test_wrong_arguments(self, arguments, capsys):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert "usage:" in capsys.readouterr().err
