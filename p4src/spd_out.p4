// The crypto map of the egress interface: protect as a packet type, bypass, discard.

#ifndef P4IPSEC_SPD_OUT_P4
#define P4IPSEC_SPD_OUT_P4

control SpdOut(inout headers_t hdr, inout metadata_t meta) {
    // One permit line of the crypto map's access list, towards its peer.
    @id(ACTION_PROTECT)
    action protect(@id(1) packet_type_t packet_type) {
        meta.packet_type = packet_type;
    }

    @id(ACTION_BYPASS_OUT)
    action bypass() {}

    @id(ACTION_DISCARD_OUT)
    action discard() { DROP(POLICY_DISCARD) }

    // What no line matches is not the crypto map's business, as on IOS.
    @id(TABLE_SPD_OUT)
    @entry_restriction("crypto_map != 0")
    table spd_out {
        key = {
            meta.egress_crypto_map : exact @id(1) @name("crypto_map");
            hdr.ipv4.source        : ternary @id(2) @name("source");
            hdr.ipv4.destination   : ternary @id(3) @name("destination");
            hdr.ipv4.protocol      : ternary @id(4) @name("protocol");
            meta.source_port       : range @id(5) @name("source_port");
            meta.destination_port  : range @id(6) @name("destination_port");
            meta.later_fragment    : ternary @id(7) @name("later_fragment");
        }
        actions = { protect; bypass; discard; }
        const default_action = bypass;
        size = SPD_TABLE_SIZE;
    }

    apply {
        bool bypasses = hdr.packet_out.isValid() && hdr.packet_out.bypass_spd == 1;
        if (meta.egress_crypto_map != 0 && !bypasses) { spd_out.apply(); }
    }
}

#endif
