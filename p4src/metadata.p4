// What the stages tell each other about a packet.

#ifndef P4IPSEC_METADATA_P4
#define P4IPSEC_METADATA_P4

#define FIELD_LIST_RECIRCULATE 1

// Cells of `drop_counter`: the operator's answer to "where did my packet go".
// Each is also the cell of `drop_counter` that it is counted in.
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
    IPSEC_FAILED          = 31, // the extern refused to encapsulate
    ESP_TOO_DEEP          = 32  // ESP in ESP in ESP, `ESP_DEPTH_LIMIT` times
}

// Where a packet stands. Each stage runs only on what is still UNDECIDED.
enum bit<3> Verdict {
    UNDECIDED   = 0,
    DROP        = 1,
    PUNT        = 2,
    FORWARD     = 3,
    RECIRCULATE = 4
}

// These headers are never on the wire. They hold what only some packets need: a target clears its
// metadata for every packet, and for bmv2 that is a good part of the work.

// What was sent or received in the clear, and should not have been.
header in_the_clear_t {
    packet_type_t packet_type;
    bit<8>        is_known;  // 1: the controller has been told of this address
    bit<8>        retry_due; // 1: PM-4, this packet is the one that triggers the attempt
}

// The SA that the packet came over, or is to be sent over, and where the packet stands in it.
header sa_t {
    sa_id_t                 id;
    bit<32>                 generation;
    bit<32>                 last_generation; // the one that the id was used with last
    bit<32>                 spi;
    bit<8>                  encryption;
    bit<16>                 key_length; // bits
    bit<256>                key_material;
    bit<32>                 salt;
    bit<8>                  integrity;
    bit<512>                integrity_key;
    bit<64>                 sequence_number; // the packet's
    bit<16>                 payload_length;  // bytes, before the extern
    bit<8>                  result; // an EspResult
    bit<1>                  extended_sequence_numbers;
    bit<1>                  anti_replay;
    bit<6>                  padding;

    // Inbound: the replay window, whose lowest bit stands for the sequence number `highest`.
    bit<64>                 highest;
    bit<REPLAY_WINDOW_SIZE> window;
    bit<64>                 distance; // of the packet from `highest`, either way
    bit<REPLAY_WINDOW_SIZE> place;    // the packet's bit in the window
    bit<16>                 offset;   // bytes of payload before the IV
    bit<8>                  next_header;
    bit<8>                  is_extracted; // the inner packet's header

    // Outbound
    bit<64>                 sequence_limit;
    bit<64>                 iv;
    bit<16>                 esp_payload_length; // bytes of IV | ciphertext | ICV
    ipv4_address_t          tunnel_source;
    ipv4_address_t          tunnel_destination;
    ipv4_address_t          gateway;
    bit<16>                 udp_destination_port;
    bit<16>                 inner_mtu; // bytes
}

struct headers_t {
    packet_out_t   packet_out;
    packet_in_t    packet_in;
    ethernet_t     ethernet;
    ipv4_t         ipv4;
    udp_t          udp; // only ever outbound: encapsulation of ESP (RFC 3948)
    esp_t          esp; // only ever outbound
    esp_t          inbound_esp; // looked at, and never extracted
    sa_t           sa;
    in_the_clear_t sent;
    in_the_clear_t received;
}

struct metadata_t {
    // Kept across recirculation: where the packet came in, and what it came out of.
    @field_list(FIELD_LIST_RECIRCULATE)
    interface_id_t ingress_interface;
    @field_list(FIELD_LIST_RECIRCULATE)
    sa_id_t        sa_in;     // 0: in the clear
    @field_list(FIELD_LIST_RECIRCULATE)
    bool           is_selected; // the SA's selectors allow it
    @field_list(FIELD_LIST_RECIRCULATE)
    bit<2>         outer_ecn;
    @field_list(FIELD_LIST_RECIRCULATE)
    bit<8>         esp_depth; // of ESP in ESP: how many SAs it came out of before

    Verdict    verdict;
    DropReason drop_reason;

    bool passive_mode;
    bool recompute_checksum;
    bool is_local; // for an address of this router

    // The transport's view, looked at but never extracted: what follows the IPv4 header stays
    // payload, so that ESP can take it whole.
    bit<16> source_port;
    bit<16> destination_port;
    bit<1>  later_fragment; // has no ports to look at

    mac_address_t   ingress_mac;
    crypto_map_id_t ingress_crypto_map;

    interface_id_t  egress_interface;
    crypto_map_id_t egress_crypto_map;
    bit<16>         mtu; // bytes of IP packet
    ipv4_address_t  next_hop;

    packet_type_t packet_type; // outbound; 0: not to be protected
}

// Clear traffic that the controller should hear of: a part is absent when its type is 0.
struct clear_report_t {
    packet_type_t  sent_packet_type;
    ipv4_address_t destination;
    packet_type_t  received_packet_type;
    ipv4_address_t source;
    bit<8>         retry_due; // 1: PM-4, this packet is the one that triggers the attempt
}

#endif
