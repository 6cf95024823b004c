// Is it for this router? IKE and ICMP go to the controller; ESP that has no SA ends here.

#ifndef P4IPSEC_LOCAL_P4
#define P4IPSEC_LOCAL_P4

control Local(inout headers_t hdr, inout metadata_t meta) {
    // The destination is an address of this router.
    @id(ACTION_LOCAL)
    action local() {}

    @id(TABLE_LOCAL_ADDRESS)
    table local_address {
        key = {
            hdr.ipv4.destination : exact @id(1) @name("address");
        }
        actions = { local; @defaultonly NoAction; }
        const default_action = NoAction;
        size = LOCAL_ADDRESS_TABLE_SIZE;
    }

    apply {
        if (local_address.apply().hit) {
            meta.is_local = true;
            if (hdr.inbound_esp.isValid()) {
                if (hdr.inbound_esp.spi == 0 && hdr.ipv4.protocol == IP_PROTOCOL_UDP) {
                    if (hdr.ipv4.more_fragments == 0) { PUNT(IKE) }
                } else if (hdr.ipv4.more_fragments == 1) {
                    DROP(ESP_FRAGMENT)
                } else {
                    DROP(UNKNOWN_SPI) // `sad_in` has been asked
                }
            } else if (hdr.sa.isValid()
                       && (hdr.ipv4.protocol == IP_PROTOCOL_ESP
                           || (hdr.ipv4.protocol == IP_PROTOCOL_UDP
                               && meta.destination_port == UDP_PORT_IKE_NAT))) {
                // It came out of an SA just now, and may have come over another one: once more
                // around for the parser, and for `sad_in`.
                meta.esp_depth = meta.esp_depth + 1;
                meta.verdict = Verdict.RECIRCULATE;
            } else if (hdr.ipv4.protocol == IP_PROTOCOL_ESP) {
                DROP(ESP_FRAGMENT) // a later one
            } else if (hdr.ipv4.protocol == IP_PROTOCOL_UDP && hdr.ipv4.more_fragments == 0
                       && hdr.ipv4.fragment_offset == 0) {
                if (meta.destination_port == UDP_PORT_IKE) {
                    PUNT(IKE)
                } else if (meta.destination_port == UDP_PORT_IKE_NAT) {
                    DROP(NAT_KEEPALIVE)
                }
            }
        }
    }
}

#endif
