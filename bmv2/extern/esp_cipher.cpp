// The extern `EspCipher` of p4src/esp_cipher.p4, for simple_switch_grpc --load-modules.

#include <bm/bm_sim/data.h>
#include <bm/bm_sim/extern.h>
#include <bm/bm_sim/fields.h>
#include <bm/bm_sim/headers.h>
#include <bm/bm_sim/packet.h>
#include <openssl/crypto.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "esp_core.h"

namespace p4ipsec::esp {
namespace {

// Who starts the switch looks for these in the file, and compares.
[[maybe_unused]] __attribute__((used)) constexpr char kBuiltFor[] =
    "p4ipsec-esp-extern contract=" P4IPSEC_CONTRACT_SHA256 " bmv2=" P4IPSEC_BMV2_VERSION ";";

// A packet grows by this here, and by outer headers later. simple_switch gives every packet's
// buffer 512 bytes more than the frame that came in, and keeps them when it recirculates.
static_assert(kMaxOverhead + kMaxHeader <= 256, "no room left for the outer headers");

std::chrono::seconds now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

// Copies a field's bytes to the end of `key`; the entry's are as wide as it is.
template <std::size_t kSize>
void copy_key(const bm::Data& value, std::array<std::uint8_t, kSize>& key) {
  const char* bytes;
  std::size_t size;
  std::string owner;
  if (const auto* field = dynamic_cast<const bm::Field*>(&value)) {
    bytes = field->get_bytes().data();
    size = field->get_bytes().size();
  } else {
    owner = value.get_string();
    bytes = owner.data();
    size = owner.size();
  }
  const std::size_t taken = size < key.size() ? size : key.size();
  std::memcpy(key.data() + key.size() - taken, bytes + size - taken, taken);
  if (!owner.empty()) OPENSSL_cleanse(owner.data(), owner.size());
}

// What both methods are told of an SA.
Sa sa_of(const bm::Data& encryption, const bm::Data& key_length, const bm::Data& key,
         const bm::Data& salt, const bm::Data& integrity, const bm::Data& integrity_key,
         const bm::Data& extended_sequence_numbers, const bm::Data& spi,
         const bm::Data& sequence_number) {
  Sa sa;
  sa.keying.encryption = encryption.get<std::uint8_t>();
  sa.keying.key_bits = key_length.get<std::uint16_t>();
  sa.keying.integrity = integrity.get<std::uint8_t>();
  copy_key(key, sa.keying.key);
  if (sa.keying.integrity != 0) copy_key(integrity_key, sa.keying.integrity_key);
  sa.salt = salt.get<std::uint32_t>();
  sa.extended_sequence_numbers = extended_sequence_numbers.get<unsigned>() != 0;
  sa.spi = spi.get<std::uint32_t>();
  sa.sequence_number = sequence_number.get<std::uint64_t>();
  return sa;
}

// After the parser, what is left in the packet's buffer is the payload: the deparser puts the
// headers before it.
View payload_of(const bm::Packet& packet) {
  const bm::PacketBuffer& buffer = packet.get_packet_buffer();
  return {reinterpret_cast<const std::uint8_t*>(buffer.start()), buffer.get_data_size()};
}

void replace_payload(bm::Packet& packet, View payload) {
  const std::size_t old = packet.get_packet_buffer().get_data_size();
  if (payload.size > old) {
    packet.prepend(payload.size - old);
  } else {
    packet.remove(old - payload.size);
  }
  if (payload.size != 0) std::memcpy(packet.data(), payload.data, payload.size);
}

}  // namespace
}  // namespace p4ipsec::esp

// bmv2 calls the methods of an instance one at a time, whichever thread they come from, and
// destroys the instance, and with it the keys, when another pipeline takes over.
class EspCipher : public bm::ExternType {
 public:
  BM_EXTERN_ATTRIBUTES {}

  void encapsulate(const bm::Header& inner, const bm::Data& payload_length,
                   const bm::Data& encryption, const bm::Data& key_length, const bm::Data& key,
                   const bm::Data& salt, const bm::Data& integrity,
                   const bm::Data& integrity_key, const bm::Data& extended_sequence_numbers,
                   const bm::Data& spi, const bm::Data& sequence_number, const bm::Data& iv,
                   bm::Data& esp_payload_length, bm::Data& result) {
    namespace esp = p4ipsec::esp;
    const esp::Sa sa = esp::sa_of(encryption, key_length, key, salt, integrity, integrity_key,
                                  extended_sequence_numbers, spi, sequence_number);
    std::array<char, esp::kMaxHeader> header;
    const auto header_size = static_cast<std::size_t>(inner.get_nbytes_packet());
    esp::View header_view;
    if (inner.is_valid() && header_size <= header.size()) {
      inner.deparse(header.data());
      header_view = {reinterpret_cast<const std::uint8_t*>(header.data()), header_size};
    }
    bm::Packet& packet = get_packet();
    const esp::Encapsulated sealed =
        core_.encapsulate(sa, iv.get<std::uint64_t>(), header_view, esp::payload_of(packet),
                          payload_length.get<std::size_t>(), esp::now());
    if (sealed.result == esp::Result::kOk) esp::replace_payload(packet, sealed.payload);
    esp_payload_length.set(sealed.payload.size);
    result.set(static_cast<unsigned>(sealed.result));
  }

  void decapsulate(const bm::Data& offset, const bm::Data& payload_length,
                   const bm::Data& encryption, const bm::Data& key_length, const bm::Data& key,
                   const bm::Data& salt, const bm::Data& integrity,
                   const bm::Data& integrity_key, const bm::Data& extended_sequence_numbers,
                   const bm::Data& spi, const bm::Data& sequence_number, bm::Data& next_header,
                   bm::Data& result) {
    namespace esp = p4ipsec::esp;
    const esp::Sa sa = esp::sa_of(encryption, key_length, key, salt, integrity, integrity_key,
                                  extended_sequence_numbers, spi, sequence_number);
    bm::Packet& packet = get_packet();
    const esp::Decapsulated opened =
        core_.decapsulate(sa, esp::payload_of(packet), offset.get<std::size_t>(),
                          payload_length.get<std::size_t>(), esp::now());
    if (opened.result == esp::Result::kOk && opened.next_header == esp::kNextHeaderIpv4) {
      esp::replace_payload(packet, opened.inner);
    }
    next_header.set(static_cast<unsigned>(opened.next_header));
    result.set(static_cast<unsigned>(opened.result));
  }

 private:
  p4ipsec::esp::EspCore core_;
};

BM_REGISTER_EXTERN(EspCipher);
BM_REGISTER_EXTERN_METHOD(EspCipher, encapsulate, const bm::Header&, const bm::Data&,
                          const bm::Data&, const bm::Data&, const bm::Data&, const bm::Data&,
                          const bm::Data&, const bm::Data&, const bm::Data&, const bm::Data&,
                          const bm::Data&, const bm::Data&, bm::Data&, bm::Data&);
BM_REGISTER_EXTERN_METHOD(EspCipher, decapsulate, const bm::Data&, const bm::Data&,
                          const bm::Data&, const bm::Data&, const bm::Data&, const bm::Data&,
                          const bm::Data&, const bm::Data&, const bm::Data&, const bm::Data&,
                          const bm::Data&, bm::Data&, bm::Data&);
