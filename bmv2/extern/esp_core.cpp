#include "esp_core.h"

#include <openssl/evp.h>

#include <cstring>
#include <optional>

namespace p4ipsec::esp {
namespace {

constexpr std::size_t kIvLength = 8;  // RFC 4106 §3.1
constexpr std::size_t kIcvLength = 16;
constexpr std::size_t kTrailerLength = 2;  // pad length, next header
constexpr std::size_t kAlignment = 4;  // RFC 4303 §2.4
constexpr std::size_t kMaxPayload = 0xffff;  // its length has 16 bits in the P4 program
constexpr std::size_t kIpv4HeaderLength = 20;

using Nonce = std::array<std::uint8_t, 12>;
using Aad = std::array<std::uint8_t, 8>;

void put(std::uint8_t* at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0; value >>= 8) at[i] = static_cast<std::uint8_t>(value);
}

// RFC 4106 §4: salt and IV.
Nonce nonce_of(const Sa& sa, const std::uint8_t* iv) {
  Nonce nonce;
  put(nonce.data(), sa.salt, 4);
  std::memcpy(nonce.data() + 4, iv, kIvLength);
  return nonce;
}

// RFC 4106 §5, without ESN.
Aad aad_of(const Sa& sa) {
  Aad aad;
  put(aad.data(), sa.spi, 4);
  put(aad.data() + 4, sa.sequence_number, 4);
  return aad;
}

// The length of an IPv4 packet as it says, or of all bytes where that cannot be true.
std::size_t ipv4_length(View packet) {
  if (packet.size < kIpv4HeaderLength || packet.data[0] >> 4 != 4) return packet.size;
  const std::size_t header = (packet.data[0] & 0xfu) * 4u;
  const std::size_t total = packet.data[2] << 8 | packet.data[3];
  const bool plausible = kIpv4HeaderLength <= header && header <= total && total <= packet.size;
  return plausible ? total : packet.size;
}

// The bytes before the padding, or nothing where the padding is not 1, 2, 3, … (RFC 4303 §2.4).
std::optional<std::size_t> unpadded(View plaintext) {
  const std::size_t pad = plaintext.data[plaintext.size - 2];
  if (pad + kTrailerLength > plaintext.size) return std::nullopt;
  const std::size_t end = plaintext.size - kTrailerLength - pad;
  for (std::size_t i = 0; i < pad; ++i) {
    if (plaintext.data[end + i] != i + 1) return std::nullopt;
  }
  return end;
}

}  // namespace

EspCore::EspCore(std::size_t max_keys)
    : sealing_(KeyCache::Direction::kSeal, max_keys),
      opening_(KeyCache::Direction::kOpen, max_keys),
      buffer_(std::make_unique<std::array<std::uint8_t, kBufferSize>>()) {}

Encapsulated EspCore::encapsulate(const Sa& sa, std::uint64_t iv, View header, View payload,
                                  std::size_t payload_length, std::chrono::seconds now,
                                  std::uint8_t next_header) {
  if (header.size == 0 || header.size > kMaxHeader || payload_length > payload.size) {
    return {Result::kMalformed, {}};
  }
  EVP_CIPHER_CTX* cipher = sealing_.get(sa.algorithm, sa.key, now);
  if (cipher == nullptr) return {Result::kUnknownAlgorithm, {}};

  const std::size_t inner = header.size + payload_length;
  const std::size_t pad = (kAlignment - (inner + kTrailerLength) % kAlignment) % kAlignment;
  const std::size_t plain = inner + pad + kTrailerLength;
  const std::size_t sealed = kIvLength + plain + kIcvLength;
  if (sealed > kMaxPayload) return {Result::kMalformed, {}};

  std::uint8_t* const out = buffer_->data();
  std::uint8_t* const text = out + kIvLength;
  put(out, iv, kIvLength);
  std::memcpy(text, header.data, header.size);
  if (payload_length != 0) std::memcpy(text + header.size, payload.data, payload_length);
  for (std::size_t i = 0; i < pad; ++i) text[inner + i] = static_cast<std::uint8_t>(i + 1);
  text[plain - 2] = static_cast<std::uint8_t>(pad);
  text[plain - 1] = next_header;

  const Nonce nonce = nonce_of(sa, out);
  const Aad aad = aad_of(sa);
  int length = 0;
  if (EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) != 1 ||
      EVP_EncryptUpdate(cipher, nullptr, &length, aad.data(), aad.size()) != 1 ||
      EVP_EncryptUpdate(cipher, text, &length, text, static_cast<int>(plain)) != 1 ||
      EVP_EncryptFinal_ex(cipher, text + plain, &length) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, kIcvLength, text + plain) != 1) {
    return {Result::kUnknownAlgorithm, {}};
  }
  return {Result::kOk, {out, sealed}};
}

Decapsulated EspCore::decapsulate(const Sa& sa, View payload, std::size_t offset,
                                  std::size_t payload_length, std::chrono::seconds now) {
  if (offset + payload_length > payload.size) return {Result::kMalformed, 0, {}};
  EVP_CIPHER_CTX* cipher = opening_.get(sa.algorithm, sa.key, now);
  if (cipher == nullptr) return {Result::kUnknownAlgorithm, 0, {}};
  if (payload_length < kIvLength + kTrailerLength + kIcvLength || payload_length > kMaxPayload) {
    return {Result::kMalformed, 0, {}};
  }

  const std::uint8_t* const iv = payload.data + offset;
  const std::uint8_t* const ciphertext = iv + kIvLength;
  const std::size_t plain = payload_length - kIvLength - kIcvLength;
  std::uint8_t* const text = buffer_->data();

  const Nonce nonce = nonce_of(sa, iv);
  const Aad aad = aad_of(sa);
  std::array<std::uint8_t, kIcvLength> icv;
  std::memcpy(icv.data(), ciphertext + plain, icv.size());
  int length = 0;
  // EVP_DecryptFinal_ex compares the ICV in constant time.
  if (EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, kIcvLength, icv.data()) != 1 ||
      EVP_DecryptUpdate(cipher, nullptr, &length, aad.data(), aad.size()) != 1 ||
      EVP_DecryptUpdate(cipher, text, &length, ciphertext, static_cast<int>(plain)) != 1 ||
      EVP_DecryptFinal_ex(cipher, text + plain, &length) != 1) {
    return {Result::kIcvMismatch, 0, {}};
  }

  const std::optional<std::size_t> end = unpadded({text, plain});
  if (!end) return {Result::kMalformed, 0, {}};
  const std::uint8_t next_header = text[plain - 1];
  View inner{text, *end};
  if (next_header == kNextHeaderIpv4) inner.size = ipv4_length(inner);
  return {Result::kOk, next_header, inner};
}

}  // namespace p4ipsec::esp
