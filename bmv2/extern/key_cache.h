// Ciphers with their key schedules, ready for the next packet.

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
#include <utility>

namespace p4ipsec::esp {

using Key = std::array<std::uint8_t, 32>;

// The ciphers that were used last, of one direction. A key that is not used for kIdleLimit is
// dropped at the next packet of any key, because nobody tells an extern that an SA is gone; what is
// dropped is overwritten.
class KeyCache {
 public:
  enum class Direction { kOpen = 0, kSeal = 1 };  // as EVP_CipherInit_ex has it

  static constexpr std::size_t kDefaultCapacity = 8192;  // all SAs, each with its successor
  static constexpr std::chrono::seconds kIdleLimit{60};

  KeyCache(Direction direction, std::size_t capacity);

  // The cipher of `algorithm` (EspAlgorithm of p4src/esp_cipher.p4) and `key`, which lacks only
  // its nonce; null for an algorithm that is unknown or that OpenSSL refuses. Valid until the next
  // call. `now` only goes forward.
  EVP_CIPHER_CTX* get(std::uint8_t algorithm, const Key& key, std::chrono::seconds now);

  std::size_t size() const { return entries_.size(); }

 private:
  // A key and its algorithm, overwritten when it goes.
  struct Identity {
    std::uint8_t algorithm;
    Key key;
    Identity(std::uint8_t id, const Key& bytes) : algorithm(id), key(bytes) {}
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;
    ~Identity();
  };
  struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
  struct Entry {
    Identity identity;
    Cipher cipher;
    std::chrono::seconds used;
    Entry(std::uint8_t algorithm, const Key& key, Cipher prepared, std::chrono::seconds now)
        : identity(algorithm, key), cipher(std::move(prepared)), used(now) {}
  };
  struct Hash {
    std::size_t operator()(const Identity* identity) const;
  };
  struct Equal {
    bool operator()(const Identity* one, const Identity* other) const;
  };
  using Entries = std::list<Entry>;  // the latest used first

  Cipher prepare(std::uint8_t algorithm, const Key& key) const;
  void drop_oldest();

  const Direction direction_;
  const std::size_t capacity_;
  Entries entries_;
  // Keyed by the identity inside the entry, so that a key exists once.
  std::unordered_map<const Identity*, Entries::iterator, Hash, Equal> index_;
};

}  // namespace p4ipsec::esp

#endif  // P4IPSEC_KEY_CACHE_H_
