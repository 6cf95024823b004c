#include "mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>

namespace p4ipsec::esp {
namespace {

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

// HMAC and AES-CMAC, as OpenSSL has them.
class OpensslMac final : public Mac {
 public:
  static std::unique_ptr<Mac> make(const char* name, const char* parameter, const char* value,
                                   const std::uint8_t* key, std::size_t key_length) {
    EVP_MAC* const mac = EVP_MAC_fetch(nullptr, name, nullptr);
    if (mac == nullptr) return nullptr;
    auto made = std::make_unique<OpensslMac>();
    made->context_.reset(EVP_MAC_CTX_new(mac));
    EVP_MAC_free(mac);
    // OpenSSL takes what it only reads by a pointer to something that could be written.
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(parameter, const_cast<char*>(value), 0),
        OSSL_PARAM_construct_end(),
    };
    if (made->context_ == nullptr ||
        EVP_MAC_init(made->context_.get(), key, key_length, params) != 1) {
      return nullptr;
    }
    return made;
  }

  bool compute(std::initializer_list<View> parts, Tag& tag) override {
    // Without a key: once more with the one that it has.
    if (EVP_MAC_init(context_.get(), nullptr, 0, nullptr) != 1) return false;
    for (const View& part : parts) {
      if (part.size != 0 && EVP_MAC_update(context_.get(), part.data, part.size) != 1) return false;
    }
    std::size_t length = 0;
    return EVP_MAC_final(context_.get(), tag.data(), &length, tag.size()) == 1;
  }

 private:
  std::unique_ptr<EVP_MAC_CTX, FreeMac> context_;
};

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

// AES-XCBC-MAC (RFC 3566 §4): CBC with the first derived key, and one of two others on the last
// block.
class XcbcMac final : public Mac {
 public:
  static std::unique_ptr<Mac> make(const std::uint8_t* key) {
    auto made = std::make_unique<XcbcMac>();
    EVP_CIPHER_CTX* const chain = made->chain_.get();
    Block first;
    int length = 0;
    const auto derive = [&](std::uint8_t number, Block& derived) {
      Block constant;
      constant.fill(number);
      return EVP_EncryptUpdate(chain, derived.data(), &length, constant.data(), kSize) == 1;
    };
    const bool good = chain != nullptr &&
                      EVP_EncryptInit_ex(chain, EVP_aes_128_ecb(), nullptr, key, nullptr) == 1 &&
                      derive(1, first) && derive(2, made->whole_) && derive(3, made->padded_) &&
                      EVP_EncryptInit_ex(chain, EVP_aes_128_cbc(), nullptr, first.data(),
                                         kZeros.data()) == 1 &&
                      EVP_CIPHER_CTX_set_padding(chain, 0) == 1;
    OPENSSL_cleanse(first.data(), first.size());
    if (!good) return nullptr;
    return made;
  }

  ~XcbcMac() override {
    OPENSSL_cleanse(whole_.data(), whole_.size());
    OPENSSL_cleanse(padded_.data(), padded_.size());
  }

  bool compute(std::initializer_list<View> parts, Tag& tag) override {
    if (EVP_EncryptInit_ex(chain_.get(), nullptr, nullptr, nullptr, kZeros.data()) != 1) {
      return false;
    }
    Block block;  // the last bytes so far: the chain takes them when there are more
    std::size_t held = 0;
    for (View part : parts) {
      while (part.size != 0) {
        if (held == kSize) {
          if (!take(block)) return false;
          held = 0;
        }
        const std::size_t taken = std::min(kSize - held, part.size);
        std::memcpy(block.data() + held, part.data, taken);
        held += taken;
        part.data += taken;
        part.size -= taken;
      }
    }
    const bool is_whole = held == kSize;
    if (!is_whole) {
      block[held] = 0x80;
      std::fill(block.begin() + static_cast<std::ptrdiff_t>(held) + 1, block.end(),
                std::uint8_t{0});
    }
    const Block& key = is_whole ? whole_ : padded_;
    for (std::size_t i = 0; i < kSize; ++i) {
      block[i] = static_cast<std::uint8_t>(block[i] ^ key[i]);
    }
    if (!take(block)) return false;
    std::copy(block.begin(), block.end(), tag.begin());
    return true;
  }

  XcbcMac() : chain_(EVP_CIPHER_CTX_new()) {}

 private:
  static constexpr std::size_t kSize = 16;
  using Block = std::array<std::uint8_t, kSize>;
  static constexpr Block kZeros{};

  // Puts a block through the chain; it becomes what comes out.
  bool take(Block& block) {
    int length = 0;
    return EVP_EncryptUpdate(chain_.get(), block.data(), &length, block.data(),
                             static_cast<int>(kSize)) == 1;
  }

  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> chain_;
  Block whole_{};
  Block padded_{};
};

}  // namespace

std::unique_ptr<Mac> Mac::make(const Algorithms& algorithms, const std::uint8_t* key) {
  switch (algorithms.mac) {
    case Algorithms::Mac::kNone:
      return nullptr;
    case Algorithms::Mac::kHmac:
      return OpensslMac::make("HMAC", OSSL_MAC_PARAM_DIGEST, algorithms.mac_algorithm, key,
                              algorithms.mac_key_length);
    case Algorithms::Mac::kCmac:
      return OpensslMac::make("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC", key,
                              algorithms.mac_key_length);
    case Algorithms::Mac::kXcbc:
      return XcbcMac::make(key);
  }
  return nullptr;
}

}  // namespace p4ipsec::esp
