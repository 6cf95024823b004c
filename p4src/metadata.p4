// What the stages tell each other about a packet.

#ifndef P4IPSEC_METADATA_P4
#define P4IPSEC_METADATA_P4

#define FIELD_LIST_RECIRCULATE 1

// Cells of `drop_counter`: the operator's answer to "where did my packet go".
enum bit<8> DropReason {
    NONE                  = 0,
    MALFORMED             = 1,  // truncated header, or a length that the frame does not hold
    UNKNOWN_PORT          = 2,  // no interface is configured there
    WRONG_MAC             = 3,  // not addressed to this router
    NOT_IPV4              = 4,
    BAD_CHECKSUM          = 5,
    IP_OPTIONS            = 6,
    NOT_UNICAST           = 7,
    ESP_FRAGMENT          = 8,  // reassembly is needed before ESP, and not done here
    NAT_KEEPALIVE         = 9,
    UNKNOWN_SPI           = 10,
    REPLAY                = 11,
    ICV_MISMATCH          = 12,
    ESP_MALFORMED         = 13,
    ESP_ALGORITHM         = 14, // the extern does not have the SA's algorithm
    ESP_DUMMY             = 15, // next header 59, RFC 4303 §2.6
    ESP_NOT_TUNNEL        = 16, // what came out is no IPv4 packet
    SELECTOR_MISMATCH     = 17, // RFC 4301 §5.2 step 4
    ECN_ILLEGAL           = 18, // RFC 6040 §4.2: congestion marked, inner not ECN-capable
    CLEAR_NOT_ALLOWED     = 19, // inbound, should have been protected, passive mode off
    POLICY_DISCARD        = 20,
    NO_ROUTE              = 21,
    TTL_EXPIRED           = 22,
    NO_SA                 = 23, // no SA, told to the controller
    NO_SA_HOLD            = 24, // no SA, an attempt is under way
    SEQUENCE_EXHAUSTED    = 25,
    TOO_BIG               = 26,
    NO_NEIGHBOR           = 27, // the controller's to count: it holds what waits for ARP
    PUNT_LIMITED          = 28, // wanted to go to the controller, over the rate
    NOT_FOR_US            = 29, // for one of our addresses, nobody listens
    UNKNOWN_INTERFACE     = 30,
    IPSEC_FAILED          = 31  // the extern refused to encapsulate
}

// Where a packet stands. Each stage runs only on what is still UNDECIDED.
enum bit<3> Verdict {
    UNDECIDED   = 0,
    DROP        = 1,
    PUNT        = 2,
    FORWARD     = 3,
    RECIRCULATE = 4
}

struct metadata_t {
    // Kept across recirculation: where the packet came in, and what it came out of.
    @field_list(FIELD_LIST_RECIRCULATE)
    interface_id_t ingress_interface;
    @field_list(FIELD_LIST_RECIRCULATE)
    sa_id_t        sa_in;     // 0: in the clear
    @field_list(FIELD_LIST_RECIRCULATE)
    bit<2>         outer_ecn;

    Verdict    verdict;
    DropReason drop_reason;
    PuntReason punt_reason;

    bool from_controller;
    bool bypass_spd;
    bool passive_mode;
    bool recompute_checksum;

    // The transport's view, looked at but never extracted: what follows the IPv4 header stays
    // payload, so that ESP can take it whole.
    bit<16> source_port;
    bit<16> destination_port;
    bit<16> udp_length;
    bit<1>  later_fragment; // has no ports to look at
    bit<32> spi;            // of an ESP packet; 0 after UDP is the non-ESP marker
    bit<32> esp_sequence;
    bit<16> esp_offset;     // bytes of payload before the ESP IV

    mac_address_t   ingress_mac;
    crypto_map_id_t ingress_crypto_map;

    interface_id_t  egress_interface;
    crypto_map_id_t egress_crypto_map;
    port_t          egress_port;
    bit<16>         mtu; // bytes of IP packet
    ipv4_address_t  next_hop;

    packet_type_t packet_type; // outbound; 0: not to be protected

    // For the digest at the end: 0 where there is nothing to report.
    packet_type_t sent_packet_type;
    bool          sent_is_known; // the controller has been told of this destination
    packet_type_t received_packet_type;
    bool          received_is_known;
    bit<8>        retry_due;
}

// Clear traffic that the controller should hear of: each part is absent when its type is 0.
struct clear_report_t {
    packet_type_t  sent_packet_type;
    ipv4_address_t destination;
    packet_type_t  received_packet_type;
    ipv4_address_t source;
    bit<8>         retry_due; // 1: PM-4, this packet is the one that triggers the attempt
}

#endif
