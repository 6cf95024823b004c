// What came in the clear must not be traffic that the crypto map protects.

#ifndef P4IPSEC_SPD_IN_P4
#define P4IPSEC_SPD_IN_P4

control SpdIn(inout headers_t hdr, inout metadata_t meta) {
    @id(DIRECT_COUNTER_CLEAR_SOURCES)
    direct_counter(CounterType.packets_and_bytes) clear_sources_counter;

    // The crypto map of the interface protects this traffic: it should not be in the clear.
    @id(ACTION_EXPECT_PROTECTION)
    action expect_protection(@id(1) packet_type_t packet_type) {
        hdr.received.setValid();
        hdr.received.packet_type = packet_type;
        hdr.received.is_known = 0;
    }

    @id(ACTION_BYPASS_IN)
    action bypass() {}

    @id(ACTION_DISCARD_IN)
    action discard() { DROP(POLICY_DISCARD) }

    // Source and destination are the packet's own: the controller mirrors the crypto map.
    @id(TABLE_SPD_IN)
    @entry_restriction("crypto_map != 0")
    table spd_in {
        key = {
            meta.ingress_crypto_map : exact @id(1) @name("crypto_map");
            hdr.ipv4.source         : ternary @id(2) @name("source");
            hdr.ipv4.destination    : ternary @id(3) @name("destination");
            hdr.ipv4.protocol       : ternary @id(4) @name("protocol");
            meta.source_port        : range @id(5) @name("source_port");
            meta.destination_port   : range @id(6) @name("destination_port");
            meta.later_fragment     : ternary @id(7) @name("later_fragment");
        }
        actions = { expect_protection; bypass; discard; }
        const default_action = bypass;
        size = SPD_TABLE_SIZE;
    }

    @id(ACTION_KNOWN_SOURCE)
    action known() {
        hdr.received.is_known = 1;
        clear_sources_counter.count();
    }

    // Sources that the controller has been told of. It removes what has been idle.
    @id(TABLE_CLEAR_SOURCES)
    table clear_sources {
        key = {
            hdr.received.packet_type : exact @id(1) @name("packet_type");
            hdr.ipv4.source          : exact @id(2) @name("source");
        }
        actions = { known; @defaultonly NoAction; }
        const default_action = NoAction;
        counters = clear_sources_counter;
        support_timeout = true;
        size = CLEAR_ADDRESS_TABLE_SIZE;
    }

    apply {
        if (meta.ingress_crypto_map != 0) {
            switch (spd_in.apply().action_run) {
                expect_protection: {
                    if (meta.passive_mode) {
                        // PM-6: accepted even where an SA exists; a redundant peer may not have it.
                        clear_sources.apply();
                    } else {
                        hdr.received.setInvalid();
                        DROP(CLEAR_NOT_ALLOWED)
                    }
                }
            }
        }
    }
}

#endif
