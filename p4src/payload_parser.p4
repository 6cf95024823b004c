// A second look at the payload, in the same pass. It saves most of what comes out of an SA a way
// around the pipeline, a quarter of what such a packet costs bmv2. A target that has none always
// answers 0, and the packet is recirculated.

#ifndef P4IPSEC_PAYLOAD_PARSER_P4
#define P4IPSEC_PAYLOAD_PARSER_P4

extern PayloadParser {
    PayloadParser();

    // `is_extracted` is 1 where the payload is an IPv4 packet, just as long as it says, in which
    // `RouterParser` would accept everything, with a right checksum, without options, and no later
    // fragment. Its header then moves from the payload to `ipv4`, whatever that was; the ports are
    // 0 where the protocol has none. Else nothing changes, and they are 0.
    void extract_ipv4(inout ipv4_t ipv4,
                      out bit<16> source_port,
                      out bit<16> destination_port,
                      out bit<8> is_extracted);
}

#endif
