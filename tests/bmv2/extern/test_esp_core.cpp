// The extern's core against published packets (draft-mcgrew-gcm-test-01 §4, NIST's GCM vectors),
// its bounds, its cache of keys, and several of them at once.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "esp_core.h"

namespace {

using namespace p4ipsec::esp;
using Bytes = std::vector<std::uint8_t>;
using std::chrono::seconds;

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
      std::exit(1);                                                             \
    }                                                                           \
  } while (false)

Bytes hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

View view(const Bytes& bytes) { return {bytes.data(), bytes.size()}; }
Bytes copy(View bytes) { return Bytes(bytes.data, bytes.data + bytes.size); }

Sa sa_of(const std::string& key, std::uint32_t salt, std::uint32_t spi, std::uint64_t sequence) {
  Sa sa;
  const Bytes bytes = hex(key);
  sa.keying.encryption = 20;
  sa.keying.key_bits = static_cast<std::uint16_t>(8 * bytes.size());
  std::copy(bytes.begin(), bytes.end(),
            sa.keying.key.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  sa.salt = salt;
  sa.spi = spi;
  sa.sequence_number = sequence;
  return sa;
}

Bytes ipv4(std::size_t length) {
  Bytes packet(length, 0xaa);
  packet[0] = 0x45;
  packet[2] = static_cast<std::uint8_t>(length >> 8);
  packet[3] = static_cast<std::uint8_t>(length);
  return packet;
}

Encapsulated seal(EspCore& core, const Sa& sa, const Bytes& packet, std::uint64_t iv = 1,
                  seconds now = seconds(0)) {
  return core.encapsulate(sa, iv, {packet.data(), 20}, {packet.data() + 20, packet.size() - 20},
                          packet.size() - 20, now);
}

Decapsulated open(EspCore& core, const Sa& sa, const Bytes& payload, seconds now = seconds(0)) {
  return core.decapsulate(sa, view(payload), 0, payload.size(), now);
}

struct Vector {
  std::string key;
  std::uint32_t salt;
  std::uint64_t iv;
  std::uint32_t spi;
  std::uint64_t sequence;
  std::string inner;
  std::uint8_t next_header;
  std::string sealed;  // ciphertext and ICV
};

const std::vector<Vector> kVectors = {
    {"feffe9928665731c6d6a8f9467308308", 0xcafebabe, 0xfacedbaddecaf888, 0x0000a5f8, 0x0000000a,
     "4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100000100000000000003736970096379"
     "6265726369747902646b0000010001",
     1,
     "deb22cd9b07c72c16e3a65beeb8df304a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec4166"
     "42cfbb85a5b47e48a4ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a"},
    {"abbccddef00112233445566778899aababbccddef00112233445566778899aab", 0x11223344,
     0x0102030405060708, 0x4a2cbfe3, 0x00000002,
     "4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b4010104"
     "02",
     1,
     "ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e9"
     "9def842d8eb335f4eecfdbf831824b4c4915956c96"},
    {"00000000000000000000000000000000", 0, 0, 0, 1,
     "4500003c99c500008001cb7a40679318010101010800075c020044006162636465666768696a6b6c6d6e6f70717273"
     "74757677616263646566676869",
     1,
     "4688daf2f973a392732909c331d56d60f694abaa414b5e7ff5fdcdfff5e9a284456476492719ffb64de7d9dca1e1d8"
     "94bc3bd57873ed4d181d19d4d5c8c18af3f821d496eeb096e98ad2b69e4799c71d"},
};

void published_packets() {
  EspCore core;
  for (const Vector& vector : kVectors) {
    const Sa sa = sa_of(vector.key, vector.salt, vector.spi, vector.sequence);
    Bytes expected(8);
    for (int i = 0; i < 8; ++i) expected[i] = static_cast<std::uint8_t>(vector.iv >> (56 - 8 * i));
    const Bytes sealed = hex(vector.sealed);
    expected.insert(expected.end(), sealed.begin(), sealed.end());

    const Bytes inner = hex(vector.inner);
    const Encapsulated result =
        core.encapsulate(sa, vector.iv, {inner.data(), 20}, {inner.data() + 20, inner.size() - 20},
                         inner.size() - 20, seconds(0), vector.next_header);
    CHECK(result.result == Result::kOk);
    CHECK(copy(result.payload) == expected);
    const Decapsulated opened = open(core, sa, expected);
    CHECK(opened.result == Result::kOk);
    CHECK(opened.next_header == vector.next_header);
    CHECK(copy(opened.inner) == inner);
  }
  CHECK(core.keys() == 2 * kVectors.size());
}

// Every bit counts: payload, SPI, sequence number, salt, key.
void any_change_is_noticed() {
  EspCore core;
  const Sa sa = sa_of("000102030405060708090a0b0c0d0e0f", 1, 0x100, 7);
  const Bytes payload = copy(seal(core, sa, ipv4(61)).payload);
  CHECK(open(core, sa, payload).result == Result::kOk);
  for (std::size_t bit = 0; bit < payload.size() * 8; ++bit) {
    Bytes changed = payload;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const Decapsulated opened = open(core, sa, changed);
    CHECK(opened.result == Result::kIcvMismatch);
    CHECK(opened.next_header == 0 && opened.inner.size == 0);
  }
  Sa other = sa;
  other.spi ^= 1;
  CHECK(open(core, other, payload).result == Result::kIcvMismatch);
  other = sa;
  other.sequence_number ^= 1;
  CHECK(open(core, other, payload).result == Result::kIcvMismatch);
  other = sa;
  other.salt ^= 1;
  CHECK(open(core, other, payload).result == Result::kIcvMismatch);
  other = sa;
  other.keying.key.back() ^= 1;
  CHECK(open(core, other, payload).result == Result::kIcvMismatch);
  other = sa;  // only 32 bits are authenticated, without ESN
  other.sequence_number += std::uint64_t{1} << 32;
  CHECK(open(core, other, payload).result == Result::kOk);
  other = sa;  // the high half is no part of a 128-bit key
  other.keying.key.front() = 0xff;
  CHECK(open(core, other, payload).result == Result::kOk);
}

void bounds() {
  EspCore core;
  Sa sa = sa_of("000102030405060708090a0b0c0d0e0f", 1, 0x100, 7);
  const Bytes packet = ipv4(0xffff);
  // IV and ICV leave 65,511 bytes, of which ESP's alignment takes 65,508; two are the trailer.
  CHECK(seal(core, sa, ipv4(65506)).result == Result::kOk);
  CHECK(seal(core, sa, ipv4(65507)).result == Result::kMalformed);
  CHECK(seal(core, sa, packet).result == Result::kMalformed);
  CHECK(core.encapsulate(sa, 1, {}, view(packet), 8, seconds(0)).result == Result::kMalformed);
  CHECK(core.encapsulate(sa, 1, {packet.data(), 61}, {packet.data(), 80}, 80, seconds(0)).result ==
        Result::kMalformed);
  CHECK(core.encapsulate(sa, 1, {packet.data(), 20}, {packet.data(), 8}, 9, seconds(0)).result ==
        Result::kMalformed);
  CHECK(core.encapsulate(sa, 1, {packet.data(), 20}, {}, 0, seconds(0)).result == Result::kOk);
  for (std::size_t size = 0; size < 26; ++size) {
    CHECK(open(core, sa, Bytes(size)).result == Result::kMalformed);
  }
  CHECK(open(core, sa, Bytes(26)).result == Result::kIcvMismatch);
  CHECK(core.decapsulate(sa, view(packet), 0xffff, 1, seconds(0)).result == Result::kMalformed);
  CHECK(core.decapsulate(sa, {}, 0, 0, seconds(0)).result == Result::kMalformed);
  const auto unknown = [&](std::uint8_t encryption, std::uint16_t key_bits, std::uint8_t integrity) {
    sa.keying.encryption = encryption;
    sa.keying.key_bits = key_bits;
    sa.keying.integrity = integrity;
    CHECK(seal(core, sa, ipv4(40)).result == Result::kUnknownAlgorithm);
    CHECK(open(core, sa, Bytes(64)).result == Result::kUnknownAlgorithm);
  };
  unknown(0, 128, 0);
  unknown(255, 128, 0);
  unknown(20, 127, 0);
  unknown(20, 512, 0);
  unknown(28, 128, 0);
  unknown(20, 128, 12);  // an AEAD has no need of integrity
  unknown(12, 128, 0);   // all others have
  unknown(11, 0, 0);
  unknown(11, 128, 12);
  unknown(3, 128, 12);
  unknown(12, 128, 255);
}

// RFC 4303 §2.7: cut to the inner packet's total length, where that can be true.
void inner_length() {
  EspCore core;
  const Sa sa = sa_of("000102030405060708090a0b0c0d0e0f", 1, 0x100, 7);
  const auto length_of_61 = [&](std::uint8_t version_ihl, std::size_t total) {
    Bytes packet = ipv4(61);
    packet[0] = version_ihl;
    packet[2] = static_cast<std::uint8_t>(total >> 8);
    packet[3] = static_cast<std::uint8_t>(total);
    return open(core, sa, copy(seal(core, sa, packet).payload)).inner.size;
  };
  CHECK(length_of_61(0x45, 60) == 60);
  CHECK(length_of_61(0x45, 20) == 20);
  CHECK(length_of_61(0x4f, 60) == 60);
  CHECK(length_of_61(0x45, 61) == 61);
  CHECK(length_of_61(0x45, 62) == 61);
  CHECK(length_of_61(0x45, 0xffff) == 61);
  CHECK(length_of_61(0x45, 19) == 61);
  CHECK(length_of_61(0x44, 40) == 61);
  CHECK(length_of_61(0x46, 23) == 61);
  CHECK(length_of_61(0x65, 40) == 61);
}

Sa numbered(std::uint32_t number) {
  Sa sa = sa_of("000102030405060708090a0b0c0d0e0f", 1, 0x100, 7);
  for (int i = 0; i < 4; ++i) sa.keying.key[31 - i] = static_cast<std::uint8_t>(number >> 8 * i);
  return sa;
}

void keys_are_bounded() {
  EspCore core(4);
  const Bytes packet = ipv4(40);
  const Bytes first = copy(seal(core, numbered(0), packet).payload);
  for (std::uint32_t number = 1; number < 100; ++number) {
    CHECK(seal(core, numbered(number), packet).result == Result::kOk);
    CHECK(core.keys() <= 4);
  }
  CHECK(copy(seal(core, numbered(0), packet).payload) == first);  // prepared anew
}

void idle_keys_are_dropped() {
  EspCore core;
  const Bytes packet = ipv4(40);
  CHECK(seal(core, numbered(1), packet, 1, seconds(100)).result == Result::kOk);
  CHECK(seal(core, numbered(2), packet, 1, seconds(100)).result == Result::kOk);
  CHECK(seal(core, numbered(1), packet, 1, seconds(160)).result == Result::kOk);
  CHECK(core.keys() == 2);
  CHECK(seal(core, numbered(1), packet, 1, seconds(161)).result == Result::kOk);
  CHECK(core.keys() == 1);
}

struct Combination {
  std::uint8_t encryption;
  std::uint16_t key_bits;
  std::uint8_t integrity;
  std::size_t iv, block, icv;
};

std::vector<Combination> combinations() {
  std::vector<Combination> all = {{28, 256, 0, 8, 4, 16}};
  for (const std::uint16_t bits : {128, 192, 256}) {
    for (const std::uint8_t index : {0, 1, 2}) {
      const std::size_t icv = 8 + 4 * index;
      all.push_back({static_cast<std::uint8_t>(14 + index), bits, 0, 8, 4, icv});
      all.push_back({static_cast<std::uint8_t>(18 + index), bits, 0, 8, 4, icv});
    }
  }
  const std::vector<std::pair<std::uint8_t, std::size_t>> integrity = {
      {2, 12}, {5, 12}, {8, 12}, {12, 16}, {13, 24}, {14, 32}};
  for (const auto& [number, icv] : integrity) {
    all.push_back({11, 0, number, 0, 4, icv});
    all.push_back({3, 192, number, 8, 8, icv});
    for (const std::uint16_t bits : {128, 192, 256}) {
      all.push_back({12, bits, number, 16, 16, icv});
      all.push_back({13, bits, number, 8, 4, icv});
    }
  }
  return all;
}

// What is sealed comes out again, has the length that it should have, and has ESN inside or not.
void every_combination() {
  EspCore core;
  for (const Combination& combination : combinations()) {
    for (const std::size_t size : {20u, 21u, 33u, 100u, 1400u, 1401u, 1402u, 1403u}) {
      Sa sa;
      sa.keying.encryption = combination.encryption;
      sa.keying.key_bits = combination.key_bits;
      sa.keying.integrity = combination.integrity;
      for (std::size_t i = 0; i < 32; ++i) sa.keying.key[i] = static_cast<std::uint8_t>(i);
      for (std::size_t i = 0; i < 64; ++i) sa.keying.integrity_key[i] = static_cast<std::uint8_t>(i);
      sa.spi = 0x100;
      sa.sequence_number = 0x500000007;
      const Bytes packet = ipv4(size);
      for (const bool extended : {false, true}) {
        sa.extended_sequence_numbers = extended;
        const Bytes payload = copy(seal(core, sa, packet, size).payload);
        const std::size_t text = (size + 2 + combination.block - 1) / combination.block;
        CHECK(payload.size() == combination.iv + text * combination.block + combination.icv);
        CHECK(copy(open(core, sa, payload).inner) == packet);
        CHECK(copy(seal(core, sa, packet, size).payload) == payload);  // nothing is left over
        Sa other = sa;
        other.sequence_number += std::uint64_t{1} << 32;
        CHECK(open(core, other, payload).result ==
              (extended ? Result::kIcvMismatch : Result::kOk));
        for (const std::size_t at : {std::size_t{0}, payload.size() / 2, payload.size() - 1}) {
          Bytes changed = payload;
          changed[at] ^= 1;
          CHECK(open(core, sa, changed).result == Result::kIcvMismatch);
        }
        Bytes cut(payload.begin() + 1, payload.end());
        const Result result = open(core, sa, cut).result;
        CHECK(result == Result::kIcvMismatch || result == Result::kMalformed);
        if (combination.iv != 0) {
          // IVs of packets that are alike differ, and are no plain counters with CBC.
          const Bytes next = copy(seal(core, sa, packet, size + 1).payload);
          CHECK(!std::equal(next.begin(), next.begin() + 8, payload.begin()));
          if (combination.block > 4) CHECK(next[0] != 0 || next[1] != 0 || next[2] != 0);
        }
      }
    }
  }
}

void threads() {
  std::vector<std::thread> workers;
  for (std::uint32_t worker = 0; worker < 4; ++worker) {
    workers.emplace_back([worker] {
      EspCore core(8);
      for (std::uint32_t i = 0; i < 500; ++i) {
        const Bytes packet = ipv4(20 + (i * 7) % 1400);
        const Sa sa = numbered(worker * 16 + i % 16);
        const Bytes payload = copy(seal(core, sa, packet, i).payload);
        CHECK(copy(open(core, sa, payload).inner) == packet);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
}

}  // namespace

int main() {
  published_packets();
  any_change_is_noticed();
  every_combination();
  bounds();
  inner_length();
  keys_are_bounded();
  idle_keys_are_dropped();
  threads();
  std::puts("ok");
}
