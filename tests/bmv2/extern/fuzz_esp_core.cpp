// Mutates packets and arguments, and looks for a crash or a forgery:
//   fuzz_esp_core [rounds [seed]]
// Some packets are sealed around mangled plaintext, so that what follows the ICV is fuzzed, too.

#include <openssl/evp.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <random>
#include <vector>

#include "esp_core.h"
#include "plain_ipv4.h"

namespace {

using namespace p4ipsec::esp;
using Bytes = std::vector<std::uint8_t>;

class Fuzzer {
 public:
  explicit Fuzzer(unsigned seed) : random_(seed) {}

  void round() {
    Sa sa = some_sa();
    Bytes payload = below(2) == 0 ? through_core(sa) : around_noise(sa);
    const Bytes before = payload;
    mutate(payload);
    const std::size_t offset = below(4) == 0 ? below(payload.size() + 3) : 0;
    std::size_t length = payload.size() - std::min(offset, payload.size());
    if (below(8) == 0) length = below(70000);
    const Bytes exact = payload;  // its own allocation: a byte too many is seen
    const Decapsulated opened =
        core_.decapsulate(sa, {exact.data(), exact.size()}, offset, length, now());
    // Reads every byte that it says it has.
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < opened.inner.size; ++i) sum += opened.inner.data[i];
    checksum_ += sum;
    const Bytes inner(opened.inner.data, opened.inner.data + opened.inner.size);
    checksum_ += p4ipsec::plain_ipv4({inner.data(), inner.size()}).has_value();
    if (opened.result == Result::kOk) {
      ++accepted;
      require(offset == 0 && length == before.size() && payload == before, "forgery");
    } else {
      require(opened.next_header == 0 && opened.inner.size == 0, "output without OK");
      if (opened.result == Result::kMalformed) ++malformed;
    }
  }

  unsigned long accepted = 0;
  unsigned long malformed = 0;

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_()); }
  std::chrono::seconds now() { return now_ += std::chrono::seconds(below(50) == 0 ? 20 : 0); }

  static void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_esp_core: %s\n", what);
    std::abort();
  }

  Bytes noise(std::size_t size) {
    Bytes bytes(size);
    for (std::uint8_t& value : bytes) value = byte();
    return bytes;
  }

  struct Choice {
    std::uint8_t encryption;
    std::uint16_t key_bits;
    std::uint8_t integrity;
  };

  Sa some_sa() {
    Sa sa;
    static constexpr Choice kChoices[] = {
        {20, 128, 0}, {20, 256, 0}, {18, 192, 0}, {16, 128, 0}, {14, 256, 0},  {28, 256, 0},
        {12, 128, 2}, {12, 256, 12}, {12, 192, 14}, {12, 128, 5}, {3, 192, 8}, {11, 0, 13},
        {13, 128, 12}};
    const Choice& choice = kChoices[below(std::size(kChoices))];
    sa.keying.encryption = below(16) == 0 ? byte() : choice.encryption;
    sa.keying.key_bits = choice.key_bits;
    sa.keying.integrity = below(64) == 0 ? byte() : choice.integrity;
    sa.keying.key[31] = static_cast<std::uint8_t>(below(64));
    sa.extended_sequence_numbers = below(2) == 0;
    sa.salt = static_cast<std::uint32_t>(random_());
    sa.spi = static_cast<std::uint32_t>(random_());
    sa.sequence_number = random_();
    return sa;
  }

  Bytes through_core(const Sa& sa) {
    const Bytes header = noise(below(8) == 0 ? below(80) : 20);
    const Bytes packet = noise(below(64) == 0 ? below(70000) : below(200));
    std::size_t length = packet.size();
    if (below(8) == 0) length = below(2 * packet.size() + 2);
    const Encapsulated sealed = core_.encapsulate(
        sa, random_(), {header.data(), header.size()}, {packet.data(), packet.size()}, length, now());
    return Bytes(sealed.payload.data, sealed.payload.data + sealed.payload.size);
  }

  // A payload that verifies, around bytes that no sender of ours would put there.
  Bytes around_noise(const Sa& sa) {
    if (sa.keying.encryption != 20 || sa.keying.integrity != 0) return noise(60);
    Bytes text = noise(below(80));
    if (text.size() >= 4 && below(2) == 0) {
      text[0] = static_cast<std::uint8_t>(0x40 | below(16));
      text[2] = 0;
      text[3] = static_cast<std::uint8_t>(below(100));
    }
    const std::size_t pad = below(6);
    for (std::size_t i = 0; i < pad; ++i) text.push_back(static_cast<std::uint8_t>(i + 1));
    text.push_back(static_cast<std::uint8_t>(below(4) == 0 ? byte() : pad));
    text.push_back(static_cast<std::uint8_t>(below(4) == 0 ? byte() : kNextHeaderIpv4));
    std::uint8_t nonce[12];
    std::uint8_t aad[12];
    for (int i = 0; i < 4; ++i) {
      nonce[i] = static_cast<std::uint8_t>(sa.salt >> (24 - 8 * i));
      aad[i] = static_cast<std::uint8_t>(sa.spi >> (24 - 8 * i));
    }
    const int number_size = sa.extended_sequence_numbers ? 8 : 4;
    for (int i = 0; i < number_size; ++i) {
      aad[4 + i] = static_cast<std::uint8_t>(sa.sequence_number >> (8 * (number_size - 1 - i)));
    }
    Bytes payload = noise(8);
    std::copy(payload.begin(), payload.end(), nonce + 4);
    payload.resize(8 + text.size() + 16);
    const bool small = sa.keying.key_bits == 128;
    EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
    int length = 0;
    require(EVP_EncryptInit_ex(cipher, small ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), nullptr,
                               sa.keying.key.data() + (small ? 16 : 0), nonce) == 1 &&
                EVP_EncryptUpdate(cipher, nullptr, &length, aad, 4 + number_size) == 1 &&
                EVP_EncryptUpdate(cipher, payload.data() + 8, &length, text.data(),
                                  static_cast<int>(text.size())) == 1 &&
                EVP_EncryptFinal_ex(cipher, payload.data() + 8 + length, &length) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16,
                                    payload.data() + 8 + text.size()) == 1,
            "OpenSSL");
    EVP_CIPHER_CTX_free(cipher);
    return payload;
  }

  void mutate(Bytes& bytes) {
    switch (below(6)) {
      case 0:
        if (!bytes.empty()) bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1 << below(8));
        break;
      case 1:
        bytes.resize(below(bytes.size() + 1));
        break;
      case 2:
        for (std::size_t i = below(20) + 1; i > 0; --i) bytes.push_back(byte());
        break;
      default:
        break;  // as it is
    }
  }

  std::mt19937_64 random_;
  std::chrono::seconds now_{0};
  std::uint64_t checksum_ = 0;
  EspCore core_{32};
};

}  // namespace

int main(int argc, char** argv) {
  const unsigned long rounds = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200000;
  const unsigned seed = argc > 2 ? static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)) : 1;
  Fuzzer fuzzer(seed);
  for (unsigned long i = 0; i < rounds; ++i) fuzzer.round();
  std::printf("%lu rounds, %lu accepted, %lu malformed\n", rounds, fuzzer.accepted,
              fuzzer.malformed);
  // A fuzzer that never gets past the ICV has stopped to test anything.
  return fuzzer.accepted > rounds / 10 && fuzzer.malformed > rounds / 50 ? 0 : 1;
}
