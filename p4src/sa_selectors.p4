// What came out of an SA must be what that SA is for.

#ifndef P4IPSEC_SA_SELECTORS_P4
#define P4IPSEC_SA_SELECTORS_P4

control SaSelectors(inout headers_t hdr, inout metadata_t meta) {
    // The selectors of the SA allow this packet (RFC 4301 §5.2).
    @id(ACTION_ACCEPT)
    action accept_() {}

    @id(TABLE_SA_SELECTORS)
    @entry_restriction("sa_id != 0")
    table sa_selectors {
        key = {
            meta.sa_in            : exact @id(1) @name("sa_id");
            hdr.ipv4.source       : ternary @id(2) @name("source");
            hdr.ipv4.destination  : ternary @id(3) @name("destination");
            hdr.ipv4.protocol     : ternary @id(4) @name("protocol");
            meta.source_port      : range @id(5) @name("source_port");
            meta.destination_port : range @id(6) @name("destination_port");
            meta.later_fragment   : ternary @id(7) @name("later_fragment");
        }
        actions = { accept_; @defaultonly NoAction; }
        const default_action = NoAction;
        size = SELECTOR_TABLE_SIZE;
    }

    apply {
        meta.is_selected = true;
        if (!sa_selectors.apply().hit) {
            DROP(SELECTOR_MISMATCH)
        } else if (meta.outer_ecn == ECN_CE) {
            // RFC 6040 §4.2, normal mode
            if (hdr.ipv4.ecn == ECN_NOT_ECT) {
                DROP(ECN_ILLEGAL)
            } else {
                hdr.ipv4.ecn = ECN_CE;
                meta.recompute_checksum = true;
            }
        } else if (meta.outer_ecn == ECN_ECT_1 && hdr.ipv4.ecn == ECN_ECT_0) {
            hdr.ipv4.ecn = ECN_ECT_1;
            meta.recompute_checksum = true;
        }
    }
}

#endif
