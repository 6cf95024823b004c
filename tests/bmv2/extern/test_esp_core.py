"""The bmv2 extern's core gives what the embedded switch's gives, byte for byte.

Its own tests and its fuzzer run under AddressSanitizer and UndefinedBehaviorSanitizer.
"""

import ctypes
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmv2.embedded import esp
from bmv2.embedded.datapath.externs import esp_decapsulate, esp_encapsulate
from bmv2.embedded.esp_transform import every_combination, transform
from bmv2.embedded.payload_parser import extract_ipv4
from tests.bmv2.inner_packets import inner_packets

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
EXTERN = HERE.parents[2] / "bmv2" / "extern"
PARTS = ("algorithms", "esp_core", "key_cache", "mac", "plain_ipv4")
CORE = [EXTERN / f"{part}.cpp" for part in PARTS]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]

if shutil.which("g++") is None:
    pytest.skip("g++ is missing: apt-get install g++ libssl-dev", allow_module_level=True)
if subprocess.run(
    ["g++", "-E", "-x", "c++", "-", "-o", "/dev/null"],
    input=b"#include <openssl/evp.h>\n",
    capture_output=True,
    check=False,
).returncode:
    pytest.skip(
        "OpenSSL's headers are missing: apt-get install libssl-dev", allow_module_level=True
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The core as a shared library, and its tests and fuzzer with sanitizers."""
    folder = tmp_path_factory.mktemp("extern")

    def compile_(name: str, flags: list[str], source: str) -> None:
        command = ["g++", "-std=c++17", "-g", *WARNINGS, *flags, f"-I{EXTERN}", *map(str, CORE)]
        command += [str(HERE / source), "-o", str(folder / name), "-lcrypto", "-pthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(compile_, "core.so", ["-O1", "-fPIC", "-shared"], "esp_core_abi.cpp"),
            pool.submit(compile_, "tests", ["-O1", *SANITIZERS], "test_esp_core.cpp"),
            pool.submit(compile_, "fuzzer", ["-O1", *SANITIZERS], "fuzz_esp_core.cpp"),
        ]
        for job in jobs:
            job.result()
    return folder


class CSa(ctypes.Structure):
    _fields_ = (
        ("encryption", ctypes.c_uint8),
        ("key_bits", ctypes.c_uint16),
        ("key", ctypes.c_char_p),
        ("salt", ctypes.c_uint32),
        ("integrity", ctypes.c_uint8),
        ("integrity_key", ctypes.c_char_p),
        ("extended_sequence_numbers", ctypes.c_uint8),
        ("spi", ctypes.c_uint32),
        ("sequence_number", ctypes.c_uint64),
    )

    @classmethod
    def of(cls, encryption, key_bits, key, salt, integrity, integrity_key, *rest):
        octets, integrity_octets = key.to_bytes(32, "big"), integrity_key.to_bytes(64, "big")
        return cls(encryption, key_bits, octets, salt, integrity, integrity_octets, *rest)


class Core:
    """The C++ core, called as the embedded switch calls its own."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.esp_core_new.restype = ctypes.c_void_p
        self._core = ctypes.c_void_p(self._library.esp_core_new())
        self._out = ctypes.create_string_buffer(0xFFFF)

    def close(self) -> None:
        self._library.esp_core_free(self._core)

    def encapsulate(self, payload, header, payload_length, *sa_and_iv):
        *sa, iv = sa_and_iv
        size = ctypes.c_size_t()
        result = self._library.esp_core_encapsulate(
            self._core, header, ctypes.c_size_t(len(header)), payload,
            ctypes.c_size_t(len(payload)), ctypes.c_size_t(payload_length),
            ctypes.byref(CSa.of(*sa)), ctypes.c_uint64(iv), self._out, ctypes.byref(size),
        )  # fmt: skip
        sealed = self._out.raw[: size.value]
        return (sealed if result == 0 else payload), size.value, result

    def decapsulate(self, payload, offset, payload_length, *sa):
        size, next_header = ctypes.c_size_t(), ctypes.c_uint8()
        result = self._library.esp_core_decapsulate(
            self._core, payload, ctypes.c_size_t(len(payload)), ctypes.c_size_t(offset),
            ctypes.c_size_t(payload_length), ctypes.byref(CSa.of(*sa)),
            ctypes.byref(next_header), self._out, ctypes.byref(size),
        )  # fmt: skip
        inner = self._out.raw[: size.value]
        replaced = result == 0 and next_header.value == esp.NEXT_HEADER_IPV4
        return (inner if replaced else payload), next_header.value, result

    def extract_ipv4(self, payload):
        source, destination = ctypes.c_uint16(), ctypes.c_uint16()
        is_extracted = self._library.plain_ipv4_ports(
            payload, ctypes.c_size_t(len(payload)), ctypes.byref(source), ctypes.byref(destination)
        )
        cut = 20 if is_extracted else 0
        return payload[cut:], payload[:cut], source.value, destination.value, is_extracted


@pytest.fixture(scope="module")
def core(built):
    core = Core(built / "core.so")
    yield core
    core.close()


def test_own_tests_and_sanitizers(built):
    done = subprocess.run(
        [built / "tests"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


@pytest.mark.parametrize("seed", [1, 2])
def test_fuzz(built, seed):
    done = subprocess.run(
        [built / "fuzzer", "30000", str(seed)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


bits = {n: st.integers(0, 2**n - 1) for n in (8, 16, 32, 64, 256, 512)}
algorithms = st.sampled_from(every_combination())
# Few keys, so that prepared ones are used again; and any.
keys = st.one_of(st.sampled_from([0, 7, 2**128 + 7, 2**256 - 1]), bits[256])
integrity_keys = st.one_of(st.sampled_from([0, 7, 2**512 - 1]), bits[512])


@st.composite
def sas(draw) -> tuple[int, ...]:
    """The arguments that both methods of the extern have, in their order."""
    encryption, key_bits, integrity = draw(algorithms)
    if draw(st.integers(0, 15)) == 0:
        encryption, key_bits, integrity = draw(bits[8]), draw(bits[16]), draw(bits[8])
    return (
        encryption, key_bits, draw(keys), draw(bits[32]), integrity, draw(integrity_keys),
        draw(st.integers(0, 1)), draw(bits[32]), draw(bits[64]),
    )  # fmt: skip


sa = sas()
same_core = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)


@same_core
@given(
    payload=st.binary(max_size=300),
    header=st.one_of(st.just(b""), st.binary(min_size=20, max_size=20)),
    beyond=st.integers(-40, 2),
    sa=sa,
    iv=bits[64],
)
def test_encapsulates_alike(core, payload, header, beyond, sa, iv):
    length = max(0, len(payload) + beyond)
    expected = esp_encapsulate(payload, header, length, *sa, iv)
    assert core.encapsulate(payload, header, length, *sa, iv) == expected


@same_core
@given(payload=st.binary(max_size=100), offset=bits[16], length=bits[16], sa=sa)
def test_refuses_noise_alike(core, payload, offset, length, sa):
    expected = esp_decapsulate(payload, offset, length, *sa)
    assert core.decapsulate(payload, offset, length, *sa) == expected
    assert core.decapsulate(payload, 0, len(payload), *sa) == esp_decapsulate(
        payload, 0, len(payload), *sa
    )


@st.composite
def plaintexts(draw) -> bytes:
    """What a peer might seal: right, nearly right, or noise."""
    inner = draw(st.one_of(st.binary(min_size=20, max_size=120), st.binary(max_size=20)))
    if len(inner) >= 20 and draw(st.integers(0, 3)):
        version_ihl = draw(st.sampled_from([0x45, 0x46, 0x44, 0x4F, 0x65]))
        nearly = st.integers(len(inner) - 2, len(inner) + 2)
        total = draw(st.one_of(nearly, st.sampled_from([0, 19, 20, 24, 65535])))
        inner = bytes([version_ihl, inner[1]]) + total.to_bytes(2, "big") + inner[4:]
    pad = draw(st.integers(0, 255))
    padding = bytes(range(1, pad + 1))
    if draw(st.integers(0, 7)) == 0:
        padding = draw(st.binary(max_size=8))
    if draw(st.integers(0, 7)) == 0:
        pad = draw(bits[8])
    return inner + padding + bytes([pad, draw(st.sampled_from([4, 4, 4, 41, 59, 0]))])


@same_core
@given(text=plaintexts(), sa=sa, iv=bits[64], offset=st.sampled_from([0, 8, 16]))
def test_decapsulates_alike(core, text, sa, iv, offset):
    encryption, key_bits, key, salt, integrity, integrity_key, extended, spi, sequence = sa
    cipher = transform(encryption, key_bits, key, integrity, integrity_key)
    if cipher is None:
        sealed = iv.to_bytes(8, "big") + text + bytes(16)
    else:
        text = bytes(-len(text) % cipher.block_length) + text
        around = esp.authenticated(spi, sequence, extended, is_aead=integrity == 0)
        sealed = cipher.seal(salt, iv, *around, text)
    payload = bytes(offset) + sealed + b"padding of Ethernet"
    expected = esp_decapsulate(payload, offset, len(sealed), *sa)
    assert core.decapsulate(payload, offset, len(sealed), *sa) == expected


@same_core
@given(packet=inner_packets())
def test_extracts_alike(core, packet):
    assert core.extract_ipv4(packet) == extract_ipv4(packet)


@pytest.mark.parametrize("length", [65486, 65487, 65515])
def test_longest_packets_alike(core, length):
    """The payload's length has 16 bits: two of these do not fit once they are wrapped."""
    sa = (20, 256, 7, 8, 0, 0, 0, 0x100, 1)
    args = (bytes(length), bytes(20), length, *sa, 2)
    assert core.encapsulate(*args) == esp_encapsulate(*args)
