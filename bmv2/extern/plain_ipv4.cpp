#include "plain_ipv4.h"

namespace p4ipsec {
namespace {

constexpr std::uint8_t kVersion4NoOptions = 0x45;
constexpr std::uint8_t kTcp = 6, kUdp = 17, kEsp = 50, kSctp = 132;
constexpr std::uint16_t kPortIkeNat = 4500;
// Bytes behind the header that the parser wants of those protocols.
constexpr std::size_t kLookAhead = 8;
constexpr std::size_t kLookAheadEspInUdp = 16;

std::uint16_t word(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

std::uint16_t checksum(const std::uint8_t* header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < kIpv4Header; at += 2) {
    if (at != 10) sum += word(header + at);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

std::optional<Ports> plain_ipv4(esp::View packet) {
  const std::uint8_t* const header = packet.data;
  if (packet.size < kIpv4Header || header[0] != kVersion4NoOptions ||
      word(header + 2) != packet.size || (word(header + 6) & 0x1fff) != 0 ||
      word(header + 10) != checksum(header)) {
    return std::nullopt;
  }
  const std::uint8_t protocol = header[9];
  const bool has_ports = protocol == kTcp || protocol == kUdp || protocol == kSctp;
  if (!has_ports && protocol != kEsp) return Ports{};
  const std::uint8_t* const transport = header + kIpv4Header;
  const std::size_t size = packet.size - kIpv4Header;
  if (size < kLookAhead) return std::nullopt;
  if (protocol == kEsp) return Ports{};
  const Ports ports{word(transport), word(transport + 2)};
  if (protocol == kUdp && ports.destination == kPortIkeNat &&
      word(transport + 4) >= kLookAheadEspInUdp && size < kLookAheadEspInUdp) {
    return std::nullopt;
  }
  return ports;
}

}  // namespace p4ipsec
