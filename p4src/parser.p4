// Parse: Ethernet, ARP by its type only, IPv4; beyond that only a look ahead.

#ifndef P4IPSEC_PARSER_P4
#define P4IPSEC_PARSER_P4

parser RouterParser(packet_in packet,
                    out headers_t hdr,
                    inout metadata_t meta,
                    inout standard_metadata_t standard_metadata) {
    // What follows the IPv4 header: of any protocol, and of ESP in UDP.
    bit<64>  transport;
    bit<128> udp_esp;

    state start {
        transition select(standard_metadata.ingress_port) {
            CPU_PORT: parse_packet_out;
            default:  parse_ethernet;
        }
    }

    state parse_packet_out {
        packet.extract(hdr.packet_out);
        transition parse_ethernet;
    }

    state parse_ethernet {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHER_TYPE_IPV4: parse_ipv4;
            default:         accept;
        }
    }

    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.ihl, hdr.ipv4.fragment_offset, hdr.ipv4.protocol) {
            (5, 0, IP_PROTOCOL_TCP):  look_at_ports;
            (5, 0, IP_PROTOCOL_SCTP): look_at_ports;
            (5, 0, IP_PROTOCOL_UDP):  look_at_udp;
            (5, 0, IP_PROTOCOL_ESP):  look_at_esp;
            (5, 0, _):                accept;
            (5, _, _):                note_later_fragment;
            default:                  accept;
        }
    }

    state note_later_fragment {
        meta.later_fragment = 1;
        transition accept;
    }

    state look_at_ports {
        transport = packet.lookahead<bit<64>>();
        meta.source_port = transport[63:48];
        meta.destination_port = transport[47:32];
        transition accept;
    }

    state look_at_udp {
        transport = packet.lookahead<bit<64>>();
        meta.source_port = transport[63:48];
        meta.destination_port = transport[47:32];
        transition select(transport) {
            // Too short (less than 16 bytes) for what port 4500 carries besides the keepalive.
            UDP_PORT_IKE_NAT << 32 &&& 0x0000fffffff00000: accept;
            UDP_PORT_IKE_NAT << 32 &&& 0x0000ffff00000000: look_at_encapsulated_esp;
            default:                                       accept;
        }
    }

    // An SPI of 0 is the non-ESP marker: IKE (RFC 3948 §2.2).
    state look_at_encapsulated_esp {
        udp_esp = packet.lookahead<bit<128>>();
        hdr.inbound_esp.setValid();
        hdr.inbound_esp.spi = udp_esp[63:32];
        hdr.inbound_esp.sequence_number = udp_esp[31:0];
        transition accept;
    }

    state look_at_esp {
        transport = packet.lookahead<bit<64>>();
        hdr.inbound_esp.setValid();
        hdr.inbound_esp.spi = transport[63:32];
        hdr.inbound_esp.sequence_number = transport[31:0];
        transition accept;
    }
}

control RouterVerifyChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        verify_checksum(hdr.ipv4.isValid() && hdr.ipv4.ihl == 5,
            { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.total_length,
              hdr.ipv4.identification, hdr.ipv4.reserved_flag, hdr.ipv4.dont_fragment,
              hdr.ipv4.more_fragments, hdr.ipv4.fragment_offset, hdr.ipv4.ttl, hdr.ipv4.protocol,
              hdr.ipv4.source, hdr.ipv4.destination },
            hdr.ipv4.header_checksum, HashAlgorithm.csum16);
    }
}

// A header that was only forwarded has had its checksum updated for the TTL (RFC 1624) already.
control RouterComputeChecksum(inout headers_t hdr, inout metadata_t meta) {
    apply {
        update_checksum(hdr.ipv4.isValid() && meta.recompute_checksum,
            { hdr.ipv4.version, hdr.ipv4.ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.total_length,
              hdr.ipv4.identification, hdr.ipv4.reserved_flag, hdr.ipv4.dont_fragment,
              hdr.ipv4.more_fragments, hdr.ipv4.fragment_offset, hdr.ipv4.ttl, hdr.ipv4.protocol,
              hdr.ipv4.source, hdr.ipv4.destination },
            hdr.ipv4.header_checksum, HashAlgorithm.csum16);
    }
}

control RouterDeparser(packet_out packet, in headers_t hdr) {
    apply {
        packet.emit(hdr.packet_in);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.udp);
        packet.emit(hdr.esp);
    }
}

#endif
