// Parse: Ethernet, ARP by its type only, IPv4; beyond that only a look ahead.

#ifndef P4IPSEC_PARSER_P4
#define P4IPSEC_PARSER_P4

parser RouterParser(packet_in packet,
                    out headers_t hdr,
                    inout metadata_t meta,
                    inout standard_metadata_t standard_metadata) {
    state start {
        transition select(standard_metadata.ingress_port) {
            CPU_PORT: parse_packet_out;
            default:  parse_ethernet;
        }
    }

    state parse_packet_out {
        packet.extract(hdr.packet_out);
        meta.from_controller = true;
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
        bit<32> ports = packet.lookahead<bit<32>>();
        meta.source_port = ports[31:16];
        meta.destination_port = ports[15:0];
        transition accept;
    }

    state look_at_udp {
        bit<64> udp = packet.lookahead<bit<64>>();
        meta.source_port = udp[63:48];
        meta.destination_port = udp[47:32];
        meta.udp_length = udp[31:16];
        transition select(meta.destination_port, meta.udp_length) {
            // Too short for what port 4500 carries besides the one-byte keepalive.
            (UDP_PORT_IKE_NAT, 0 &&& 0xfff0): accept;
            (UDP_PORT_IKE_NAT, _):            look_at_encapsulated_esp;
            default:                          accept;
        }
    }

    state look_at_encapsulated_esp {
        bit<128> udp_esp = packet.lookahead<bit<128>>();
        meta.spi = udp_esp[63:32];
        meta.esp_sequence = udp_esp[31:0];
        meta.esp_offset = UDP_LENGTH + ESP_LENGTH;
        transition accept;
    }

    state look_at_esp {
        bit<64> esp = packet.lookahead<bit<64>>();
        meta.spi = esp[63:32];
        meta.esp_sequence = esp[31:0];
        meta.esp_offset = ESP_LENGTH;
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
