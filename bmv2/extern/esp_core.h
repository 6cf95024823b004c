// ESP's cryptography and framing, for tunnel mode with IPv4 inside: bytes in, bytes out.
//
// What it has no part in: sequence numbers, the replay window, SAs and outer headers, which are
// the P4 program's. Results are those of bmv2/embedded/esp.py, byte for byte.
//
// The payload of an ESP packet here is what follows its header (SPI, sequence number):
//
//     IV | ciphertext of: inner packet, padding, pad length (1), next header (1) | ICV

#ifndef P4IPSEC_ESP_CORE_H_
#define P4IPSEC_ESP_CORE_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "algorithms.h"
#include "key_cache.h"
#include "view.h"

namespace p4ipsec::esp {

// EspResult of p4src/esp_cipher.p4.
enum class Result : std::uint8_t {
  kOk = 0,
  kIcvMismatch = 1,
  kMalformed = 2,  // a length or the padding is wrong
  kUnknownAlgorithm = 3,
};

constexpr std::uint8_t kNextHeaderIpv4 = 4;  // IP-in-IP

// A packet's growth: IV, padding, trailer and ICV.
constexpr std::size_t kMaxOverhead = kMaxIv + (kMaxBlock - 1) + 2 + kMaxIcv;
constexpr std::size_t kMaxHeader = 60;  // an IPv4 header with all options

// What an SA's table entry says, and the packet's sequence number.
struct Sa {
  Keying keying;
  std::uint32_t salt = 0;
  bool extended_sequence_numbers = false;  // all 64 bits are authenticated, else 32
  std::uint32_t spi = 0;
  std::uint64_t sequence_number = 0;
};

struct Encapsulated {
  Result result = Result::kMalformed;
  View payload;  // empty unless kOk; valid until the next call
};

struct Decapsulated {
  Result result = Result::kMalformed;
  std::uint8_t next_header = 0;  // 0 unless kOk
  View inner;  // empty unless kOk; valid until the next call
};

// One direction's or both directions' packets, one call at a time: an object has one user, who
// serializes the calls. Its own memory grows only when a key is seen for the first time.
class EspCore {
 public:
  explicit EspCore(std::size_t max_keys = KeyCache::kDefaultCapacity);

  // Encrypts `header` and the first `payload_length` bytes of `payload` (RFC 4303 §3.3).
  // kMalformed: there is no header, or it is longer than kMaxHeader; the payload has fewer bytes;
  // the result would not fit 16 bits of length.
  // `iv` never repeats under one key. `now` only goes forward.
  Encapsulated encapsulate(const Sa& sa, std::uint64_t iv, View header, View payload,
                           std::size_t payload_length, std::chrono::seconds now,
                           std::uint8_t next_header = kNextHeaderIpv4);

  // Verifies and decrypts the `payload_length` bytes of `payload` that follow its first `offset`
  // ones (RFC 4303 §3.4). With next header 4 the inner packet is cut to its own total length
  // (§2.7), where it holds an IPv4 packet.
  Decapsulated decapsulate(const Sa& sa, View payload, std::size_t offset,
                           std::size_t payload_length, std::chrono::seconds now);

  // Keys that are prepared, in either direction.
  std::size_t keys() const { return sealing_.size() + opening_.size(); }

 private:
  static constexpr std::size_t kBufferSize = kMaxHeader + 0xffff + kMaxOverhead;

  KeyCache sealing_;
  KeyCache opening_;
  std::unique_ptr<std::array<std::uint8_t, kBufferSize>> buffer_;
};

}  // namespace p4ipsec::esp

#endif  // P4IPSEC_ESP_CORE_H_
