#include "key_cache.h"

#include <openssl/crypto.h>

#include <cstring>
#include <utility>

namespace p4ipsec::esp {
namespace {

struct Algorithm {
  const EVP_CIPHER* cipher = nullptr;
  std::size_t key_length = 0;  // bytes, at the end of `Key`
};

// EspAlgorithm of p4src/esp_cipher.p4. All have a nonce of 12 bytes and an ICV of 16.
Algorithm algorithm_of(std::uint8_t id) {
  switch (id) {
    case 1:
      return {EVP_aes_128_gcm(), 16};
    case 2:
      return {EVP_aes_256_gcm(), 32};
    default:
      return {};
  }
}

}  // namespace

KeyCache::Identity::~Identity() { OPENSSL_cleanse(key.data(), key.size()); }

std::size_t KeyCache::Hash::operator()(const Identity* identity) const {
  // Keys come from a key derivation: any eight bytes of them are as good as a hash. The last
  // ones belong to keys of every length.
  std::uint64_t hash;
  std::memcpy(&hash, identity->key.data() + identity->key.size() - sizeof hash, sizeof hash);
  return hash ^ identity->algorithm;
}

bool KeyCache::Equal::operator()(const Identity* one, const Identity* other) const {
  return one->algorithm == other->algorithm &&
         CRYPTO_memcmp(one->key.data(), other->key.data(), one->key.size()) == 0;
}

KeyCache::KeyCache(Direction direction, std::size_t capacity)
    : direction_(direction), capacity_(capacity == 0 ? 1 : capacity) {}

EVP_CIPHER_CTX* KeyCache::get(std::uint8_t algorithm, const Key& key, std::chrono::seconds now) {
  const Identity wanted(algorithm, key);
  const auto found = index_.find(&wanted);
  if (found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    entries_.front().used = now;
  } else {
    Cipher cipher = prepare(algorithm, key);
    if (cipher == nullptr) return nullptr;
    if (entries_.size() >= capacity_) drop_oldest();
    entries_.emplace_front(algorithm, key, std::move(cipher), now);
    index_.emplace(&entries_.front().identity, entries_.begin());
  }
  while (entries_.back().used + kIdleLimit < now) drop_oldest();
  return entries_.front().cipher.get();
}

KeyCache::Cipher KeyCache::prepare(std::uint8_t id, const Key& key) const {
  const Algorithm algorithm = algorithm_of(id);
  if (algorithm.cipher == nullptr) return nullptr;
  Cipher cipher(EVP_CIPHER_CTX_new());
  if (cipher == nullptr ||
      EVP_CipherInit_ex(cipher.get(), algorithm.cipher, nullptr,
                        key.data() + key.size() - algorithm.key_length, nullptr,
                        static_cast<int>(direction_)) != 1) {
    return nullptr;
  }
  return cipher;
}

void KeyCache::drop_oldest() {
  index_.erase(&entries_.back().identity);
  entries_.pop_back();
}

}  // namespace p4ipsec::esp
