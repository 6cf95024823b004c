// Headers on the wire, and the two that packets carry to and from the controller.

#ifndef P4IPSEC_HEADERS_P4
#define P4IPSEC_HEADERS_P4

typedef bit<48> mac_address_t;
typedef bit<32> ipv4_address_t;
typedef bit<16> interface_id_t;
typedef bit<16> crypto_map_id_t;
typedef bit<16> packet_type_t;
typedef bit<16> sa_id_t;
typedef bit<9> port_t;

#define CPU_PORT 510

#define ETHER_TYPE_IPV4 0x0800
#define ETHER_TYPE_ARP  0x0806

#define IP_PROTOCOL_ICMP 1
#define IP_PROTOCOL_IPIP 4
#define IP_PROTOCOL_TCP  6
#define IP_PROTOCOL_UDP  17
#define IP_PROTOCOL_ESP  50
#define IP_PROTOCOL_NONE 59
#define IP_PROTOCOL_SCTP 132

#define UDP_PORT_IKE     500
#define UDP_PORT_IKE_NAT 4500

#define ETHERNET_LENGTH 14
#define IPV4_LENGTH     20
#define UDP_LENGTH      8
#define ESP_LENGTH      8

#define ECN_NOT_ECT 0
#define ECN_ECT_1   1
#define ECN_ECT_0   2
#define ECN_CE      3

// Why a packet goes to the controller. Also the cell of `punt_meter` that limits it.
enum bit<8> PuntReason {
    NONE          = 0,
    ARP           = 1,
    IKE           = 2, // UDP 500, or 4500 with the non-ESP marker
    LOCAL         = 3, // for one of our addresses, and ours to answer (ICMP)
    NO_SA         = 4, // must be protected, has no SA, and no decision in `no_sa`
    NEIGHBOR      = 5, // the next hop's MAC address is not known
    TTL_EXPIRED   = 6,
    TOO_BIG       = 7, // larger than the MTU, and DF is set
    EARLY_ESP     = 8  // for an inbound SA whose keys are still being negotiated
}

header ethernet_t {
    mac_address_t destination;
    mac_address_t source;
    bit<16>       ether_type;
}

header ipv4_t {
    bit<4>         version;
    bit<4>         ihl;
    bit<6>         dscp;
    bit<2>         ecn;
    bit<16>        total_length; // bytes, this header included
    bit<16>        identification;
    bit<1>         reserved_flag;
    bit<1>         dont_fragment;
    bit<1>         more_fragments;
    bit<13>        fragment_offset; // in units of 8 bytes
    bit<8>         ttl;
    bit<8>         protocol;
    bit<16>        header_checksum;
    ipv4_address_t source;
    ipv4_address_t destination;
}

header udp_t {
    bit<16> source_port;
    bit<16> destination_port;
    bit<16> length; // bytes, this header included
    bit<16> checksum;
}

header esp_t {
    bit<32> spi;
    bit<32> sequence_number; // the low 32 bits
}

@controller_header("packet_in")
header packet_in_t {
    PuntReason     reason;
    interface_id_t interface_id; // where the packet came in, or would have gone out (NEIGHBOR)
    packet_type_t  packet_type;  // NO_SA, and TOO_BIG for an SA; else 0
    sa_id_t        sa_id;        // the SA that the packet came out of; 0: it came in the clear
    ipv4_address_t next_hop;     // NEIGHBOR
}

@controller_header("packet_out")
header packet_out_t {
    interface_id_t interface_id; // send from here as it is; 0: through the pipeline, as our own
    bit<1>         bypass_spd;   // IKE itself must not be protected (RFC 4301 §5.1)
    bit<7>         padding;
}

#endif
