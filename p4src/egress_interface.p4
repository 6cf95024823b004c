// An interface as the way out.

#ifndef P4IPSEC_EGRESS_INTERFACE_P4
#define P4IPSEC_EGRESS_INTERFACE_P4

control EgressInterface(inout headers_t hdr,
                        inout metadata_t meta,
                        inout standard_metadata_t standard_metadata) {
    // `mtu`: bytes of IP packet that the link takes. `crypto_map` 0: none is bound here.
    @id(ACTION_SET_EGRESS_INTERFACE)
    action set_egress_interface(@id(1) port_t port,
                                @id(2) bit<16> mtu,
                                @id(3) crypto_map_id_t crypto_map) {
        standard_metadata.egress_spec = port;
        meta.mtu = mtu;
        meta.egress_crypto_map = crypto_map;
    }

    @id(TABLE_EGRESS_INTERFACE)
    @entry_restriction("interface_id != 0")
    table egress_interface {
        key = {
            meta.egress_interface : exact @id(1) @name("interface_id");
        }
        actions = { set_egress_interface; @defaultonly NoAction; }
        const default_action = NoAction;
        size = INTERFACE_TABLE_SIZE;
    }

    apply {
        if (!egress_interface.apply().hit) {
            DROP(UNKNOWN_INTERFACE)
        }
    }
}

#endif
