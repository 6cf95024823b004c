// No SA for traffic that must be protected: what passive mode decided for its packet type.

#ifndef P4IPSEC_NO_SA_P4
#define P4IPSEC_NO_SA_P4

control NoSa(inout headers_t hdr, inout metadata_t meta) {
    // All that a packet type has lost for want of an SA, the packets that were punted included.
    @id(COUNTER_HOLD)
    counter<packet_type_t>(PACKET_TYPE_ARRAY_SIZE, CounterType.packets_and_bytes) hold_counter;
    @id(COUNTER_CLEAR)
    counter<packet_type_t>(PACKET_TYPE_ARRAY_SIZE, CounterType.packets_and_bytes) clear_counter;
    // So that one busy packet type leaves room for the first packet of the others.
    @id(METER_NO_SA)
    meter<packet_type_t>(PACKET_TYPE_ARRAY_SIZE, MeterType.packets) no_sa_meter;
    @id(DIRECT_COUNTER_CLEAR_DESTINATIONS)
    direct_counter(CounterType.packets_and_bytes) clear_destinations_counter;

    // PM-2: an attempt is under way; drop.
    @id(ACTION_HOLD)
    action hold() { DROP(NO_SA_HOLD) }

    // PM-3: forward in the clear. Has no effect while `passive_mode` is off.
    @id(ACTION_CLEAR)
    action clear() {
        hdr.sent.setValid();
        hdr.sent.packet_type = meta.packet_type;
        hdr.sent.is_known = 0;
        hdr.sent.retry_due = 0;
    }

    // PM-4: the same, and report the packet, which is the one that triggers the next attempt.
    @id(ACTION_CLEAR_RETRY_DUE)
    action clear_retry_due() {
        clear();
        hdr.sent.retry_due = 1;
    }

    @id(TABLE_NO_SA)
    @entry_restriction("packet_type != 0")
    table no_sa {
        key = {
            meta.packet_type : exact @id(1) @name("packet_type");
        }
        actions = { hold; clear; clear_retry_due; @defaultonly NoAction; }
        const default_action = NoAction;
        size = PACKET_TYPE_TABLE_SIZE;
    }

    @id(ACTION_KNOWN_DESTINATION)
    action known() {
        hdr.sent.is_known = 1;
        clear_destinations_counter.count();
    }

    // Destinations that the controller has been told of. It removes what has been idle.
    @id(TABLE_CLEAR_DESTINATIONS)
    table clear_destinations {
        key = {
            meta.packet_type     : exact @id(1) @name("packet_type");
            hdr.ipv4.destination : exact @id(2) @name("destination");
        }
        actions = { known; @defaultonly NoAction; }
        const default_action = NoAction;
        counters = clear_destinations_counter;
        support_timeout = true;
        size = CLEAR_ADDRESS_TABLE_SIZE;
    }

    apply {
        switch (no_sa.apply().action_run) {
            hold: {
                hold_counter.count(meta.packet_type);
            }
            NoAction: {
                hold_counter.count(meta.packet_type);
                DROP(NO_SA)
                bit<2> color;
                no_sa_meter.execute_meter(meta.packet_type, color);
                if (color == V1MODEL_METER_COLOR_GREEN) { PUNT(NO_SA) }
            }
            default: {
                if (!meta.passive_mode) {
                    hold_counter.count(meta.packet_type);
                    hdr.sent.setInvalid();
                    DROP(NO_SA)
                } else if (hdr.ipv4.total_length > meta.mtu) {
                    hdr.sent.setInvalid(); // nor will it be
                } else {
                    clear_counter.count(meta.packet_type);
                    clear_destinations.apply();
                }
            }
        }
    }
}

#endif
