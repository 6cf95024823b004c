// Is it for this router? ESP goes on to `sad_in`; IKE and ICMP go to the controller.

#ifndef P4IPSEC_LOCAL_P4
#define P4IPSEC_LOCAL_P4

control Local(inout headers_t hdr, inout metadata_t meta, out bool is_local, out bool is_esp) {
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
        is_local = false;
        is_esp = false;
        if (local_address.apply().hit) {
            is_local = true;
            bool fragment = hdr.ipv4.more_fragments == 1 || hdr.ipv4.fragment_offset != 0;
            if (hdr.ipv4.protocol == IP_PROTOCOL_ESP) {
                if (fragment) { DROP(ESP_FRAGMENT) } else { is_esp = true; }
            } else if (hdr.ipv4.protocol == IP_PROTOCOL_UDP && !fragment) {
                if (meta.destination_port == UDP_PORT_IKE) {
                    PUNT(IKE)
                } else if (meta.destination_port == UDP_PORT_IKE_NAT) {
                    if (meta.esp_offset == 0) {
                        DROP(NAT_KEEPALIVE)
                    } else if (meta.spi == 0) {
                        PUNT(IKE)
                    } else {
                        is_esp = true;
                    }
                }
            } else if (hdr.ipv4.protocol == IP_PROTOCOL_UDP
                       && hdr.ipv4.fragment_offset == 0
                       && meta.destination_port == UDP_PORT_IKE_NAT
                       && meta.esp_offset != 0 && meta.spi != 0) {
                DROP(ESP_FRAGMENT)
            }
        }
    }
}

#endif
