// Message authentication codes with their keys, ready for the next packet.

#ifndef P4IPSEC_MAC_H_
#define P4IPSEC_MAC_H_

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "algorithms.h"
#include "view.h"

namespace p4ipsec::esp {

class Mac {
 public:
  using Tag = std::array<std::uint8_t, 64>;

  virtual ~Mac() = default;
  Mac() = default;
  Mac(const Mac&) = delete;
  Mac& operator=(const Mac&) = delete;

  // Computes the MAC of the parts, one after the other, into the beginning of `tag`; false where
  // OpenSSL refuses.
  virtual bool compute(std::initializer_list<View> parts, Tag& tag) = 0;

  // Null for an AEAD's algorithms, and where OpenSSL refuses. `key` has `mac_key_length` bytes.
  static std::unique_ptr<Mac> make(const Algorithms& algorithms, const std::uint8_t* key);
};

}  // namespace p4ipsec::esp

#endif  // P4IPSEC_MAC_H_
