#include "key_cache.h"

#include <openssl/crypto.h>

#include <cstring>
#include <optional>
#include <utility>

namespace p4ipsec::esp {

Keying::~Keying() {
  OPENSSL_cleanse(key.data(), key.size());
  OPENSSL_cleanse(integrity_key.data(), integrity_key.size());
}

std::size_t KeyCache::Hash::operator()(const Keying* keying) const {
  // Keys come from a key derivation: any eight bytes of them are as good as a hash. The last
  // ones belong to keys of every length; NULL has none but that of its integrity.
  std::uint64_t key;
  std::uint64_t integrity_key;
  std::memcpy(&key, keying->key.data() + keying->key.size() - sizeof key, sizeof key);
  std::memcpy(&integrity_key,
              keying->integrity_key.data() + keying->integrity_key.size() - sizeof integrity_key,
              sizeof integrity_key);
  return key ^ integrity_key ^ keying->encryption;
}

bool KeyCache::Equal::operator()(const Keying* one, const Keying* other) const {
  return one->encryption == other->encryption && one->key_bits == other->key_bits &&
         one->integrity == other->integrity &&
         CRYPTO_memcmp(one->key.data(), other->key.data(), one->key.size()) == 0 &&
         CRYPTO_memcmp(one->integrity_key.data(), other->integrity_key.data(),
                       one->integrity_key.size()) == 0;
}

KeyCache::KeyCache(Direction direction, std::size_t capacity)
    : direction_(direction), capacity_(capacity == 0 ? 1 : capacity) {}

KeyCache::Prepared* KeyCache::get(const Keying& keying, std::chrono::seconds now) {
  const auto found = index_.find(&keying);
  if (found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    entries_.front().used = now;
  } else {
    Prepared prepared;
    if (!prepare(keying, prepared)) return nullptr;
    if (entries_.size() >= capacity_) drop_oldest();
    entries_.push_front({keying, std::move(prepared), now});
    index_.emplace(&entries_.front().keying, entries_.begin());
  }
  while (entries_.back().used + kIdleLimit < now) drop_oldest();
  return &entries_.front().prepared;
}

bool KeyCache::prepare(const Keying& keying, Prepared& prepared) const {
  const std::optional<Algorithms> found =
      find_algorithms(keying.encryption, keying.key_bits, keying.integrity);
  if (!found) return false;
  prepared.algorithms = *found;
  if (!found->is_aead()) {
    const std::uint8_t* const end = keying.integrity_key.data() + keying.integrity_key.size();
    prepared.mac = Mac::make(*found, end - found->mac_key_length);
    if (prepared.mac == nullptr) return false;
  }
  if (found->mode == Mode::kNull) return true;

  prepared.cipher.reset(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX* const cipher = prepared.cipher.get();
  const int sealing = static_cast<int>(direction_);
  if (cipher == nullptr ||
      EVP_CipherInit_ex(cipher, found->cipher, nullptr, nullptr, nullptr, sealing) != 1) {
    return false;
  }
  if (found->mode == Mode::kCcm) {
    // CCM's lengths are part of what it makes of its key.
    const int nonce_length = static_cast<int>(found->salt_length + found->iv_length);
    const int icv_length = static_cast<int>(found->icv_length);
    if (EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_IVLEN, nonce_length, nullptr) != 1 ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, icv_length, nullptr) != 1) {
      return false;
    }
  }
  const std::uint8_t* const key = keying.key.data() + keying.key.size() - found->key_length;
  if (EVP_CipherInit_ex(cipher, nullptr, nullptr, key, nullptr, sealing) != 1) return false;
  return found->mode != Mode::kCbc || EVP_CIPHER_CTX_set_padding(cipher, 0) == 1;
}

void KeyCache::drop_oldest() {
  index_.erase(&entries_.back().keying);
  entries_.pop_back();
}

}  // namespace p4ipsec::esp
