// IPv4 packets in which the parser of the P4 program would accept everything.

#ifndef P4IPSEC_PLAIN_IPV4_H_
#define P4IPSEC_PLAIN_IPV4_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "view.h"

namespace p4ipsec {

constexpr std::size_t kIpv4Header = 20;  // without options

// 0 where the protocol has none.
struct Ports {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

// The ports of a packet that is just as long as it says, with a right checksum, without options,
// no later fragment, and long enough for what the parser looks ahead at; else nothing. The twin of
// bmv2/embedded/payload_parser.py.
std::optional<Ports> plain_ipv4(esp::View packet);

}  // namespace p4ipsec

#endif  // P4IPSEC_PLAIN_IPV4_H_
