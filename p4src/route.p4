// Where next: longest prefix, then the egress interface with its crypto map.

#ifndef P4IPSEC_ROUTE_P4
#define P4IPSEC_ROUTE_P4

control Route(inout headers_t hdr, inout metadata_t meta) {
    // Next hop by a gateway on this interface.
    @id(ACTION_VIA)
    action via(@id(1) interface_id_t interface_id, @id(2) ipv4_address_t gateway) {
        meta.egress_interface = interface_id;
        meta.next_hop = gateway;
    }

    // The destination is on this interface's own subnet.
    @id(ACTION_CONNECTED)
    action connected(@id(1) interface_id_t interface_id) {
        meta.egress_interface = interface_id;
        meta.next_hop = hdr.ipv4.destination;
    }

    @id(ACTION_BLACKHOLE)
    action blackhole() { DROP(NO_ROUTE) }

    @id(TABLE_ROUTE)
    table route {
        key = {
            hdr.ipv4.destination : lpm @id(1) @name("prefix");
        }
        actions = { via; connected; blackhole; }
        const default_action = blackhole;
        size = ROUTE_TABLE_SIZE;
    }

    apply {
        if (!hdr.packet_out.isValid() && hdr.ipv4.ttl <= 1) {
            DROP(TTL_EXPIRED)
            PUNT(TTL_EXPIRED)
        } else {
            route.apply();
            if (meta.verdict == Verdict.UNDECIDED && !hdr.packet_out.isValid()) {
                hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
                // What RFC 1624, equation 3, comes to for 1 less in the byte of the TTL.
                hdr.ipv4.header_checksum = hdr.ipv4.header_checksum
                    + (hdr.ipv4.header_checksum >= 0xfeff ? 16w0x0101 : 16w0x0100);
            }
        }
    }
}

#endif
