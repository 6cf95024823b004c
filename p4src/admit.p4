// The way in: which interface, and is this a packet that the router can handle at all.

#ifndef P4IPSEC_ADMIT_P4
#define P4IPSEC_ADMIT_P4

#define DROP(because) { meta.verdict = Verdict.DROP; meta.drop_reason = DropReason.because; }
#define PUNT(because) { \
    meta.verdict = Verdict.PUNT; \
    hdr.packet_in.setValid(); \
    hdr.packet_in.reason = PuntReason.because; \
}

control Unicast(in headers_t hdr, inout metadata_t meta) {
    apply {
        // 224/4 and 240/4 (with broadcast), loopback, "this network"
        if (hdr.ipv4.destination >= 0xe0000000 || hdr.ipv4.source >= 0xe0000000
            || (hdr.ipv4.destination & 0xff000000) == 0x7f000000
            || (hdr.ipv4.source & 0xff000000) == 0x7f000000
            || hdr.ipv4.destination < 0x01000000 || hdr.ipv4.source < 0x01000000) {
            DROP(NOT_UNICAST)
        }
    }
}

control Admit(inout headers_t hdr,
              inout metadata_t meta,
              in standard_metadata_t standard_metadata) {
    Unicast() unicast;

    // An interface of the router: its id in every other table, its MAC address, and the crypto
    // map that is bound to it (0: none).
    @id(ACTION_SET_INGRESS_INTERFACE)
    action set_ingress_interface(@id(1) interface_id_t interface_id,
                                 @id(2) mac_address_t mac_address,
                                 @id(3) crypto_map_id_t crypto_map) {
        meta.ingress_interface = interface_id;
        meta.ingress_mac = mac_address;
        meta.ingress_crypto_map = crypto_map;
    }

    // After recirculation the interface is known and the port is not.
    @id(TABLE_INGRESS_INTERFACE)
    @entry_restriction("port != 510")
    table ingress_interface {
        key = {
            standard_metadata.ingress_port : exact @id(1) @name("port");
        }
        actions = { set_ingress_interface; @defaultonly NoAction; }
        const default_action = NoAction;
        size = INTERFACE_TABLE_SIZE;
    }

    apply {
        if (standard_metadata.parser_error != error.NoError) {
            DROP(MALFORMED)
        } else if (meta.sa_in == 0 && !hdr.packet_out.isValid()) {
            if (!ingress_interface.apply().hit) {
                DROP(UNKNOWN_PORT)
            } else if (hdr.ethernet.ether_type == ETHER_TYPE_ARP) {
                if (hdr.ethernet.destination == meta.ingress_mac
                    || hdr.ethernet.destination == 0xffffffffffff) {
                    PUNT(ARP)
                } else {
                    DROP(WRONG_MAC)
                }
            } else if (hdr.ethernet.destination != meta.ingress_mac) {
                DROP(WRONG_MAC)
            }
        }

        if (meta.verdict == Verdict.UNDECIDED) {
            if (!hdr.ipv4.isValid()) {
                if (meta.sa_in != 0) { DROP(ESP_NOT_TUNNEL) } else { DROP(NOT_IPV4) }
            } else if (hdr.ipv4.version != 4 || hdr.ipv4.ihl < 5
                       || hdr.ipv4.total_length < IPV4_LENGTH
                       || (bit<32>) hdr.ipv4.total_length + ETHERNET_LENGTH
                          > standard_metadata.packet_length) {
                DROP(MALFORMED)
            } else if (hdr.ipv4.ihl > 5) {
                DROP(IP_OPTIONS)
            } else if (standard_metadata.checksum_error == 1) {
                DROP(BAD_CHECKSUM)
            } else {
                unicast.apply(hdr, meta);
            }
        }
    }
}

#endif
