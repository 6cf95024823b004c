// A C ABI for the extern's core, so that Python can compare it with its twin.

#include <cstdint>
#include <cstring>

#include "esp_core.h"

using namespace p4ipsec::esp;

namespace {

Sa sa_of(std::uint8_t algorithm, const std::uint8_t* key, std::uint32_t salt, std::uint32_t spi,
         std::uint64_t sequence_number) {
  Sa sa;
  sa.algorithm = algorithm;
  std::memcpy(sa.key.data(), key, sa.key.size());
  sa.salt = salt;
  sa.spi = spi;
  sa.sequence_number = sequence_number;
  return sa;
}

}  // namespace

extern "C" {

EspCore* esp_core_new() { return new EspCore; }
void esp_core_free(EspCore* core) { delete core; }

// Both return the result, and copy what came out to `out`, which has room for 65535 bytes.
int esp_core_encapsulate(EspCore* core, const std::uint8_t* header, std::size_t header_size,
                         const std::uint8_t* payload, std::size_t payload_size,
                         std::size_t payload_length, std::uint8_t algorithm,
                         const std::uint8_t* key, std::uint32_t salt, std::uint32_t spi,
                         std::uint64_t sequence_number, std::uint64_t iv, std::uint8_t* out,
                         std::size_t* out_size) {
  const Encapsulated sealed = core->encapsulate(
      sa_of(algorithm, key, salt, spi, sequence_number), iv, {header, header_size},
      {payload, payload_size}, payload_length, std::chrono::seconds(0));
  *out_size = sealed.payload.size;
  if (sealed.payload.size != 0) std::memcpy(out, sealed.payload.data, sealed.payload.size);
  return static_cast<int>(sealed.result);
}

int esp_core_decapsulate(EspCore* core, const std::uint8_t* payload, std::size_t payload_size,
                         std::size_t offset, std::size_t payload_length, std::uint8_t algorithm,
                         const std::uint8_t* key, std::uint32_t salt, std::uint32_t spi,
                         std::uint64_t sequence_number, std::uint8_t* next_header,
                         std::uint8_t* out, std::size_t* out_size) {
  const Decapsulated opened =
      core->decapsulate(sa_of(algorithm, key, salt, spi, sequence_number),
                        {payload, payload_size}, offset, payload_length, std::chrono::seconds(0));
  *next_header = opened.next_header;
  *out_size = opened.inner.size;
  if (opened.inner.size != 0) std::memcpy(out, opened.inner.data, opened.inner.size);
  return static_cast<int>(opened.result);
}

}  // extern "C"
