// The extern `PayloadParser` of p4src/payload_parser.p4, for simple_switch_grpc --load-modules.

#include <bm/bm_sim/data.h>
#include <bm/bm_sim/extern.h>
#include <bm/bm_sim/headers.h>
#include <bm/bm_sim/packet.h>

#include <cstdint>
#include <optional>

#include "plain_ipv4.h"

class PayloadParser : public bm::ExternType {
 public:
  BM_EXTERN_ATTRIBUTES {}

  void extract_ipv4(bm::Header& ipv4, bm::Data& source_port, bm::Data& destination_port,
                    bm::Data& is_extracted) {
    bm::Packet& packet = get_packet();
    const auto ports = p4ipsec::plain_ipv4(
        {reinterpret_cast<const std::uint8_t*>(packet.data()), packet.get_data_size()});
    if (ports) {
      ipv4.extract(packet.data(), *packet.get_phv());
      packet.remove(p4ipsec::kIpv4Header);
    }
    source_port.set(ports ? ports->source : 0);
    destination_port.set(ports ? ports->destination : 0);
    is_extracted.set(ports ? 1 : 0);
  }
};

BM_REGISTER_EXTERN(PayloadParser);
BM_REGISTER_EXTERN_METHOD(PayloadParser, extract_ipv4, bm::Header&, bm::Data&, bm::Data&,
                          bm::Data&);
