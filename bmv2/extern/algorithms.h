// Which ciphers and integrity algorithms there are, and what is to be known about them.

#ifndef P4IPSEC_ALGORITHMS_H_
#define P4IPSEC_ALGORITHMS_H_

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace p4ipsec::esp {

// How a cipher is run.
enum class Mode {
  kAead,  // GCM, ChaCha20-Poly1305
  kCcm,   // wants to know the length before the data
  kCbc,
  kCtr,
  kNull,
};

// A cipher and the integrity algorithm that goes with it. Lengths in bytes.
struct Algorithms {
  Mode mode = Mode::kNull;
  const EVP_CIPHER* cipher = nullptr;  // null with kNull
  std::size_t key_length = 0;
  std::size_t salt_length = 0;
  std::size_t iv_length = 0;
  std::size_t block_length = 1;
  std::size_t icv_length = 0;

  enum class Mac { kNone, kHmac, kCmac, kXcbc };
  Mac mac = Mac::kNone;  // kNone with an AEAD
  const char* mac_algorithm = nullptr;  // the hash of an HMAC
  std::size_t mac_key_length = 0;

  bool is_aead() const { return mac == Mac::kNone; }
};

constexpr std::size_t kMaxIv = 16;
constexpr std::size_t kMaxBlock = 16;
constexpr std::size_t kMaxIcv = 32;

// The numbers are those of p4src/esp_cipher.p4: EspEncryption, bits of key, EspIntegrity. Nothing
// where there is no such algorithm, or where they don't go together.
std::optional<Algorithms> find_algorithms(std::uint8_t encryption, std::uint16_t key_bits,
                                          std::uint8_t integrity);

}  // namespace p4ipsec::esp

#endif  // P4IPSEC_ALGORITHMS_H_
