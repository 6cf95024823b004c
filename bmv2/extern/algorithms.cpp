#include "algorithms.h"

namespace p4ipsec::esp {
namespace {

const EVP_CIPHER* aes(std::uint16_t key_bits, const EVP_CIPHER* with_128,
                      const EVP_CIPHER* with_192, const EVP_CIPHER* with_256) {
  switch (key_bits) {
    case 128:
      return with_128;
    case 192:
      return with_192;
    case 256:
      return with_256;
    default:
      return nullptr;
  }
}

std::optional<Algorithms> find_cipher(std::uint8_t encryption, std::uint16_t key_bits) {
  Algorithms found;
  found.key_length = key_bits / 8u;
  switch (encryption) {
    case 3:
      found.mode = Mode::kCbc;
      found.cipher = key_bits == 192 ? EVP_des_ede3_cbc() : nullptr;
      found.iv_length = found.block_length = 8;
      break;
    case 11:
      if (key_bits != 0) return std::nullopt;
      return found;
    case 12:
      found.mode = Mode::kCbc;
      found.cipher = aes(key_bits, EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc());
      found.iv_length = found.block_length = 16;
      break;
    case 13:
      found.mode = Mode::kCtr;
      found.cipher = aes(key_bits, EVP_aes_128_ctr(), EVP_aes_192_ctr(), EVP_aes_256_ctr());
      found.salt_length = 4;
      found.iv_length = 8;
      break;
    case 14:
    case 15:
    case 16:
      found.mode = Mode::kCcm;
      found.cipher = aes(key_bits, EVP_aes_128_ccm(), EVP_aes_192_ccm(), EVP_aes_256_ccm());
      found.salt_length = 3;
      found.iv_length = 8;
      found.icv_length = 8u + 4u * (encryption - 14u);
      break;
    case 18:
    case 19:
    case 20:
      found.mode = Mode::kAead;
      found.cipher = aes(key_bits, EVP_aes_128_gcm(), EVP_aes_192_gcm(), EVP_aes_256_gcm());
      found.salt_length = 4;
      found.iv_length = 8;
      found.icv_length = 8u + 4u * (encryption - 18u);
      break;
    case 28:
      found.mode = Mode::kAead;
      found.cipher = key_bits == 256 ? EVP_chacha20_poly1305() : nullptr;
      found.salt_length = 4;
      found.iv_length = 8;
      found.icv_length = 16;
      break;
    default:
      return std::nullopt;
  }
  if (found.cipher == nullptr) return std::nullopt;
  return found;
}

}  // namespace

std::optional<Algorithms> find_algorithms(std::uint8_t encryption, std::uint16_t key_bits,
                                          std::uint8_t integrity) {
  std::optional<Algorithms> found = find_cipher(encryption, key_bits);
  if (!found || (integrity == 0) != (found->icv_length != 0)) return std::nullopt;
  const auto with = [&](Algorithms::Mac mac, const char* hash, std::size_t key_length,
                        std::size_t icv_length) {
    found->mac = mac;
    found->mac_algorithm = hash;
    found->mac_key_length = key_length;
    found->icv_length = icv_length;
    return found;
  };
  switch (integrity) {
    case 0:
      return found;
    case 2:
      return with(Algorithms::Mac::kHmac, "SHA1", 20, 12);
    case 5:
      return with(Algorithms::Mac::kXcbc, nullptr, 16, 12);
    case 8:
      return with(Algorithms::Mac::kCmac, nullptr, 16, 12);
    case 12:
      return with(Algorithms::Mac::kHmac, "SHA256", 32, 16);
    case 13:
      return with(Algorithms::Mac::kHmac, "SHA384", 48, 24);
    case 14:
      return with(Algorithms::Mac::kHmac, "SHA512", 64, 32);
    default:
      return std::nullopt;
  }
}

}  // namespace p4ipsec::esp
