// Bytes that somebody else owns.

#ifndef P4IPSEC_VIEW_H_
#define P4IPSEC_VIEW_H_

#include <cstddef>
#include <cstdint>

namespace p4ipsec::esp {

struct View {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
};

}  // namespace p4ipsec::esp

#endif  // P4IPSEC_VIEW_H_
