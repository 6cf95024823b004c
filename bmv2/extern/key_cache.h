// Keys with their schedules, ready for the next packet.

#ifndef P4IPSEC_KEY_CACHE_H_
#define P4IPSEC_KEY_CACHE_H_

#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "algorithms.h"
#include "mac.h"

namespace p4ipsec::esp {

// An SA's algorithms and keys, as its table entry has them (p4src/esp_cipher.p4): keys are
// big-endian, shorter ones at the end. Overwritten when it goes.
struct Keying {
  std::uint8_t encryption = 0;
  std::uint16_t key_bits = 0;
  std::uint8_t integrity = 0;
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 64> integrity_key{};

  Keying() = default;
  Keying(const Keying&) = default;
  Keying& operator=(const Keying&) = default;
  ~Keying();
};

// The keys that were used last, of one direction. A key that is not used for kIdleLimit is
// dropped at the next packet of any key, because nobody tells an extern that an SA is gone; what is
// dropped is overwritten.
class KeyCache {
 public:
  enum class Direction { kOpen = 0, kSeal = 1 };  // as EVP_CipherInit_ex has it

  static constexpr std::size_t kDefaultCapacity = 8192;  // all SAs, each with its successor
  static constexpr std::chrono::seconds kIdleLimit{60};

  struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  struct Prepared {
    Algorithms algorithms;
    std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> cipher;  // lacks only its nonce; null with kNull
    std::unique_ptr<Mac> mac;                            // null with an AEAD
  };

  KeyCache(Direction direction, std::size_t capacity);

  // Null for algorithms that are unknown, don't go together, or that OpenSSL refuses. Valid until
  // the next call. `now` only goes forward.
  Prepared* get(const Keying& keying, std::chrono::seconds now);

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    Keying keying;
    Prepared prepared;
    std::chrono::seconds used;
  };
  struct Hash {
    std::size_t operator()(const Keying* keying) const;
  };
  struct Equal {
    bool operator()(const Keying* one, const Keying* other) const;
  };
  using Entries = std::list<Entry>;  // the latest used first

  bool prepare(const Keying& keying, Prepared& prepared) const;
  void drop_oldest();

  const Direction direction_;
  const std::size_t capacity_;
  Entries entries_;
  // Keyed by what is inside the entry, so that a key exists once.
  std::unordered_map<const Keying*, Entries::iterator, Hash, Equal> index_;
};

}  // namespace p4ipsec::esp

#endif  // P4IPSEC_KEY_CACHE_H_
