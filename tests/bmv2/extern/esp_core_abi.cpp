// A C ABI for the extern's core, so that Python can compare it with its twin.

#include <cstdint>
#include <cstring>

#include "esp_core.h"
#include "plain_ipv4.h"

using namespace p4ipsec::esp;

namespace {

struct CSa {
  std::uint8_t encryption;
  std::uint16_t key_bits;
  const std::uint8_t* key;  // 32 bytes
  std::uint32_t salt;
  std::uint8_t integrity;
  const std::uint8_t* integrity_key;  // 64 bytes
  std::uint8_t extended_sequence_numbers;
  std::uint32_t spi;
  std::uint64_t sequence_number;
};

Sa sa_of(const CSa& from) {
  Sa sa;
  sa.keying.encryption = from.encryption;
  sa.keying.key_bits = from.key_bits;
  sa.keying.integrity = from.integrity;
  std::memcpy(sa.keying.key.data(), from.key, sa.keying.key.size());
  std::memcpy(sa.keying.integrity_key.data(), from.integrity_key, sa.keying.integrity_key.size());
  sa.salt = from.salt;
  sa.extended_sequence_numbers = from.extended_sequence_numbers != 0;
  sa.spi = from.spi;
  sa.sequence_number = from.sequence_number;
  return sa;
}

}  // namespace

extern "C" {

EspCore* esp_core_new() { return new EspCore; }
void esp_core_free(EspCore* core) { delete core; }

// Both return the result, and copy what came out to `out`, which has room for 65535 bytes.
int esp_core_encapsulate(EspCore* core, const std::uint8_t* header, std::size_t header_size,
                         const std::uint8_t* payload, std::size_t payload_size,
                         std::size_t payload_length, const CSa* sa, std::uint64_t iv,
                         std::uint8_t* out, std::size_t* out_size) {
  const Encapsulated sealed = core->encapsulate(
      sa_of(*sa), iv, {header, header_size}, {payload, payload_size}, payload_length,
      std::chrono::seconds(0));
  *out_size = sealed.payload.size;
  if (sealed.payload.size != 0) std::memcpy(out, sealed.payload.data, sealed.payload.size);
  return static_cast<int>(sealed.result);
}

int esp_core_decapsulate(EspCore* core, const std::uint8_t* payload, std::size_t payload_size,
                         std::size_t offset, std::size_t payload_length, const CSa* sa,
                         std::uint8_t* next_header, std::uint8_t* out, std::size_t* out_size) {
  const Decapsulated opened = core->decapsulate(sa_of(*sa), {payload, payload_size}, offset,
                                                payload_length, std::chrono::seconds(0));
  *next_header = opened.next_header;
  *out_size = opened.inner.size;
  if (opened.inner.size != 0) std::memcpy(out, opened.inner.data, opened.inner.size);
  return static_cast<int>(opened.result);
}

// Returns 1, and the ports, for a packet whose header is to be extracted.
int plain_ipv4_ports(const std::uint8_t* packet, std::size_t size, std::uint16_t* source,
                     std::uint16_t* destination) {
  const auto ports = p4ipsec::plain_ipv4({packet, size});
  if (!ports) return 0;
  *source = ports->source;
  *destination = ports->destination;
  return 1;
}

}  // extern "C"
