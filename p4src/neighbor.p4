// The last step out: does it fit the link, and whose MAC address is it for.

#ifndef P4IPSEC_NEIGHBOR_P4
#define P4IPSEC_NEIGHBOR_P4

control Neighbor(inout headers_t hdr,
                 inout metadata_t meta,
                 inout standard_metadata_t standard_metadata) {
    // The whole rewrite, because a tunnel may leave by another interface than its inner packet.
    @id(ACTION_SET_NEIGHBOR)
    action set_neighbor(@id(1) mac_address_t mac_address,
                        @id(2) port_t port,
                        @id(3) mac_address_t source_mac_address) {
        hdr.ethernet.source = source_mac_address;
        hdr.ethernet.destination = mac_address;
        standard_metadata.egress_spec = port;
        meta.verdict = Verdict.FORWARD;
    }

    @id(TABLE_NEIGHBOR)
    @entry_restriction("interface_id != 0")
    table neighbor {
        key = {
            meta.egress_interface : exact @id(1) @name("interface_id");
            meta.next_hop         : exact @id(2) @name("next_hop");
        }
        actions = { set_neighbor; @defaultonly NoAction; }
        const default_action = NoAction;
        size = NEIGHBOR_TABLE_SIZE;
    }

    apply {
        if (hdr.ipv4.total_length > meta.mtu) {
            DROP(TOO_BIG)
            if (hdr.ipv4.dont_fragment == 1) { PUNT(TOO_BIG) }
        } else if (!neighbor.apply().hit) {
            PUNT(NEIGHBOR)
        }
    }
}

#endif
