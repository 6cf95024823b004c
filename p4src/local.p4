// Is it for this router? ESP goes on to `sad_in`; IKE and ICMP go to the controller.

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
                    meta.is_esp = true;
                }
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
