#include "esp_core.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace p4ipsec::esp {
namespace {

constexpr std::size_t kTrailerLength = 2;  // pad length, next header
constexpr std::size_t kAlignment = 4;  // RFC 4303 §2.4
constexpr std::size_t kMaxPayload = 0xffff;  // its length has 16 bits in the P4 program
constexpr std::size_t kIpv4HeaderLength = 20;

using Nonce = std::array<std::uint8_t, 12>;

void put(std::uint8_t* at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0; value >>= 8) at[i] = static_cast<std::uint8_t>(value);
}

// Salt and IV (RFC 4106 §4, RFC 4309 §4, RFC 7634 §2).
Nonce nonce_of(const Algorithms& algorithms, const Sa& sa, const std::uint8_t* iv) {
  Nonce nonce{};
  put(nonce.data(), sa.salt, algorithms.salt_length);
  std::memcpy(nonce.data() + algorithms.salt_length, iv, algorithms.iv_length);
  return nonce;
}

// What is authenticated besides the payload. With extended sequence numbers an AEAD takes all of
// the number before it (RFC 4106 §5), others the half that is not sent behind it (RFC 4303 §2.2.1).
struct Authenticated {
  std::array<std::uint8_t, 12> before{};
  std::size_t before_size = 8;
  std::array<std::uint8_t, 4> after{};
  std::size_t after_size = 0;

  Authenticated(const Sa& sa, bool is_aead) {
    put(before.data(), sa.spi, 4);
    if (!sa.extended_sequence_numbers) {
      put(before.data() + 4, sa.sequence_number, 4);
    } else if (is_aead) {
      put(before.data() + 4, sa.sequence_number, 8);
      before_size = 12;
    } else {
      put(before.data() + 4, sa.sequence_number, 4);
      put(after.data(), sa.sequence_number >> 32, 4);
      after_size = 4;
    }
  }

  View head() const { return {before.data(), before_size}; }
  View tail() const { return {after.data(), after_size}; }
};

int size_of(std::size_t size) { return static_cast<int>(size); }

// Encrypts `text` in place, and puts the ICV behind it.
bool seal_aead(const KeyCache::Prepared& key, const Nonce& nonce, View head, std::uint8_t* text,
               std::size_t size) {
  EVP_CIPHER_CTX* const cipher = key.cipher.get();
  int length = 0;
  return EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
         (key.algorithms.mode != Mode::kCcm ||
          EVP_EncryptUpdate(cipher, nullptr, &length, nullptr, size_of(size)) == 1) &&
         EVP_EncryptUpdate(cipher, nullptr, &length, head.data, size_of(head.size)) == 1 &&
         EVP_EncryptUpdate(cipher, text, &length, text, size_of(size)) == 1 &&
         EVP_EncryptFinal_ex(cipher, text + size, &length) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, size_of(key.algorithms.icv_length),
                             text + size) == 1;
}

// Decrypts to `text`. OpenSSL compares the ICV in constant time.
bool open_aead(const KeyCache::Prepared& key, const Nonce& nonce, View head,
               const std::uint8_t* sealed, std::size_t size, std::uint8_t* text) {
  EVP_CIPHER_CTX* const cipher = key.cipher.get();
  const bool is_ccm = key.algorithms.mode == Mode::kCcm;
  std::array<std::uint8_t, kMaxIcv> icv;
  std::memcpy(icv.data(), sealed + size, key.algorithms.icv_length);
  int length = 0;
  return EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
         EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, size_of(key.algorithms.icv_length),
                             icv.data()) == 1 &&
         (!is_ccm || EVP_DecryptUpdate(cipher, nullptr, &length, nullptr, size_of(size)) == 1) &&
         EVP_DecryptUpdate(cipher, nullptr, &length, head.data, size_of(head.size)) == 1 &&
         EVP_DecryptUpdate(cipher, text, &length, sealed, size_of(size)) == 1 &&
         // CCM has compared in the call before, and has no final one.
         (is_ccm || EVP_DecryptFinal_ex(cipher, text + size, &length) == 1);
}

constexpr std::array<std::uint8_t, kMaxIv> kZeros{};

// Encrypts in place: the number before `text` becomes the IV, as the first block of a chain that
// begins with zeros (NIST SP 800-38A, Appendix C).
bool encrypt_cbc(EVP_CIPHER_CTX* cipher, std::uint8_t* iv_and_text, std::size_t size) {
  int length = 0;
  return EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, kZeros.data()) == 1 &&
         EVP_EncryptUpdate(cipher, iv_and_text, &length, iv_and_text, size_of(size)) == 1 &&
         size_of(size) == length;
}

bool decrypt_cbc(EVP_CIPHER_CTX* cipher, const std::uint8_t* iv, View sealed, std::uint8_t* text) {
  int length = 0;
  return EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, iv) == 1 &&
         EVP_DecryptUpdate(cipher, text, &length, sealed.data, size_of(sealed.size)) == 1 &&
         size_of(sealed.size) == length;
}

// Encrypts or decrypts, which is the same. The counter block is salt, IV, and 1 (RFC 3686 §4).
bool run_ctr(const KeyCache::Prepared& key, const Sa& sa, const std::uint8_t* iv, View in,
             std::uint8_t* out) {
  std::array<std::uint8_t, 16> block{};
  const Nonce nonce = nonce_of(key.algorithms, sa, iv);
  std::copy(nonce.begin(), nonce.end(), block.begin());
  block[15] = 1;
  EVP_CIPHER_CTX* const cipher = key.cipher.get();
  int length = 0;
  return EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, block.data(), -1) == 1 &&
         EVP_CipherUpdate(cipher, out, &length, in.data, size_of(in.size)) == 1 &&
         size_of(in.size) == length;
}

// What no AEAD encrypts, in place; and decrypts to `text`. NULL leaves it as it is.
bool encrypt_plain(const KeyCache::Prepared& key, const Sa& sa, std::uint8_t* iv_and_text,
                   std::size_t size) {
  std::uint8_t* const text = iv_and_text + key.algorithms.iv_length;
  switch (key.algorithms.mode) {
    case Mode::kCbc:
      return encrypt_cbc(key.cipher.get(), iv_and_text, size);
    case Mode::kCtr:
      return run_ctr(key, sa, iv_and_text, {text, size - key.algorithms.iv_length}, text);
    default:
      return true;
  }
}

bool decrypt_plain(const KeyCache::Prepared& key, const Sa& sa, const std::uint8_t* iv,
                   View sealed, std::uint8_t* text) {
  switch (key.algorithms.mode) {
    case Mode::kCbc:
      return decrypt_cbc(key.cipher.get(), iv, sealed, text);
    case Mode::kCtr:
      return run_ctr(key, sa, iv, sealed, text);
    default:
      std::memcpy(text, sealed.data, sealed.size);
      return true;
  }
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
  KeyCache::Prepared* const key = sealing_.get(sa.keying, now);
  if (key == nullptr) return {Result::kUnknownAlgorithm, {}};
  const Algorithms& algorithms = key->algorithms;

  const std::size_t alignment = std::max(kAlignment, algorithms.block_length);
  const std::size_t inner = header.size + payload_length;
  const std::size_t pad = (alignment - (inner + kTrailerLength) % alignment) % alignment;
  const std::size_t plain = inner + pad + kTrailerLength;
  const std::size_t sealed = algorithms.iv_length + plain;
  const std::size_t whole = sealed + algorithms.icv_length;
  if (whole > kMaxPayload) return {Result::kMalformed, {}};

  std::uint8_t* const out = buffer_->data();
  std::uint8_t* const text = out + algorithms.iv_length;
  put(out, 0, algorithms.iv_length);
  if (algorithms.iv_length != 0) put(text - sizeof iv, iv, sizeof iv);
  std::memcpy(text, header.data, header.size);
  if (payload_length != 0) std::memcpy(text + header.size, payload.data, payload_length);
  for (std::size_t i = 0; i < pad; ++i) text[inner + i] = static_cast<std::uint8_t>(i + 1);
  text[plain - 2] = static_cast<std::uint8_t>(pad);
  text[plain - 1] = next_header;

  const Authenticated around(sa, algorithms.is_aead());
  if (algorithms.is_aead()) {
    const Nonce nonce = nonce_of(algorithms, sa, out);
    if (!seal_aead(*key, nonce, around.head(), text, plain)) {
      return {Result::kUnknownAlgorithm, {}};
    }
  } else {
    Mac::Tag tag;
    if (!encrypt_plain(*key, sa, out, sealed) ||
        !key->mac->compute({around.head(), {out, sealed}, around.tail()}, tag)) {
      return {Result::kUnknownAlgorithm, {}};
    }
    std::memcpy(out + sealed, tag.data(), algorithms.icv_length);
  }
  return {Result::kOk, {out, whole}};
}

Decapsulated EspCore::decapsulate(const Sa& sa, View payload, std::size_t offset,
                                  std::size_t payload_length, std::chrono::seconds now) {
  if (offset + payload_length > payload.size) return {Result::kMalformed, 0, {}};
  KeyCache::Prepared* const key = opening_.get(sa.keying, now);
  if (key == nullptr) return {Result::kUnknownAlgorithm, 0, {}};
  const Algorithms& algorithms = key->algorithms;
  const std::size_t overhead = algorithms.iv_length + algorithms.icv_length;
  if (payload_length < overhead + kTrailerLength || payload_length > kMaxPayload ||
      (payload_length - overhead) % algorithms.block_length != 0) {
    return {Result::kMalformed, 0, {}};
  }

  const std::uint8_t* const iv = payload.data + offset;
  const std::uint8_t* const ciphertext = iv + algorithms.iv_length;
  const std::size_t plain = payload_length - overhead;
  std::uint8_t* const text = buffer_->data();

  const Authenticated around(sa, algorithms.is_aead());
  if (algorithms.is_aead()) {
    const Nonce nonce = nonce_of(algorithms, sa, iv);
    if (!open_aead(*key, nonce, around.head(), ciphertext, plain, text)) {
      return {Result::kIcvMismatch, 0, {}};
    }
  } else {
    Mac::Tag tag;
    if (!key->mac->compute({around.head(), {iv, algorithms.iv_length + plain}, around.tail()},
                           tag) ||
        CRYPTO_memcmp(tag.data(), ciphertext + plain, algorithms.icv_length) != 0) {
      return {Result::kIcvMismatch, 0, {}};
    }
    if (!decrypt_plain(*key, sa, iv, {ciphertext, plain}, text)) {
      return {Result::kMalformed, 0, {}};
    }
  }

  const std::optional<std::size_t> end = unpadded({text, plain});
  if (!end) return {Result::kMalformed, 0, {}};
  const std::uint8_t next_header = text[plain - 1];
  View inner{text, *end};
  if (next_header == kNextHeaderIpv4) inner.size = ipv4_length(inner);
  return {Result::kOk, next_header, inner};
}

}  // namespace p4ipsec::esp
