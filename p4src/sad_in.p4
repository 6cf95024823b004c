// Inbound ESP: destination and SPI name the SA; check, decrypt, and go on with what is inside.

#ifndef P4IPSEC_SAD_IN_P4
#define P4IPSEC_SAD_IN_P4

control SadIn(inout headers_t hdr, inout metadata_t meta) {
    // Of each SA id: the highest sequence number that was authentic, and, one bit a packet below
    // it, which ones were (RFC 4303 §3.4.3). They start afresh when `generation` is not the one
    // that the id was used with last: nobody has to reset them from outside.
    register<bit<32>, sa_id_t>(SA_ARRAY_SIZE) sad_in_generation;
    register<bit<64>, sa_id_t>(SA_ARRAY_SIZE) sad_in_highest;
    register<bit<REPLAY_WINDOW_SIZE>, sa_id_t>(SA_ARRAY_SIZE) sad_in_window;

    EspCipher() cipher;
    PayloadParser() payload_parser;
    Unicast() unicast;

    @id(DIRECT_COUNTER_SAD_IN)
    direct_counter(CounterType.packets_and_bytes) sad_in_counter;

    // The packet came over this SA. `generation` differs from that of the SA that had the id
    // before. The algorithms are those of `esp_cipher.p4`. `anti_replay` is 0 for manual SAs only:
    // their sender may start to count again (RFC 4303 §3.3.3).
    @id(ACTION_DECAPSULATE)
    action decapsulate(@id(1) sa_id_t sa_id,
                       @id(2) bit<32> generation,
                       @id(3) bit<8> encryption,
                       @id(4) bit<16> key_length,
                       @id(5) bit<256> key_material,
                       @id(6) bit<32> salt,
                       @id(7) bit<8> integrity,
                       @id(8) bit<512> integrity_key,
                       @id(9) bit<1> extended_sequence_numbers,
                       @id(10) bit<1> anti_replay) {
        hdr.sa.setValid();
        hdr.sa.id = sa_id;
        hdr.sa.generation = generation;
        hdr.sa.encryption = encryption;
        hdr.sa.key_length = key_length;
        hdr.sa.key_material = key_material;
        hdr.sa.salt = salt;
        hdr.sa.integrity = integrity;
        hdr.sa.integrity_key = integrity_key;
        hdr.sa.extended_sequence_numbers = extended_sequence_numbers;
        hdr.sa.anti_replay = anti_replay;
        hdr.sa.offset = hdr.ipv4.protocol == IP_PROTOCOL_ESP
            ? (bit<16>) ESP_LENGTH : (bit<16>) (UDP_LENGTH + ESP_LENGTH);
        hdr.sa.payload_length = hdr.ipv4.total_length - IPV4_LENGTH - hdr.sa.offset;
        hdr.sa.sequence_number = (bit<64>) hdr.inbound_esp.sequence_number;
        meta.outer_ecn = hdr.ipv4.ecn;
        sad_in_generation.read(hdr.sa.last_generation, sa_id);
        sad_in_highest.read(hdr.sa.highest, sa_id);
        sad_in_window.read(hdr.sa.window, sa_id);
        sad_in_counter.count();
    }

    // We have offered this SPI to a peer, who may send by it before the controller has read his
    // answer and knows the keys. The controller holds the packet until then, and sends it back.
    @id(ACTION_AWAIT_KEYS)
    action await_keys() {
        PUNT(EARLY_ESP)
        sad_in_counter.count();
    }

    @id(TABLE_SAD_IN)
    @entry_restriction("spi > 255")
    table sad_in {
        key = {
            hdr.ipv4.destination : exact @id(1) @name("destination");
            hdr.inbound_esp.spi  : exact @id(2) @name("spi");
        }
        actions = { decapsulate; await_keys; @defaultonly NoAction; }
        const default_action = NoAction;
        counters = sad_in_counter;
        size = SA_TABLE_SIZE;
    }

    // RFC 4303 Appendix A2.2: the half that is not in the packet is the one that puts the number
    // nearest to the window, above its lower edge.
    @hidden
    action extend_sequence_number() {
        bit<32> lower = hdr.inbound_esp.sequence_number;
        bit<32> upper = hdr.sa.highest[63:32];
        bit<32> lower_edge = hdr.sa.highest[31:0] - (REPLAY_WINDOW_SIZE - 1);
        hdr.sa.sequence_number = hdr.sa.highest[31:0] >= REPLAY_WINDOW_SIZE - 1
            ? (lower < lower_edge ? upper + 1 : upper) ++ lower
            : (lower >= lower_edge && upper != 0 ? upper - 1 : upper) ++ lower;
    }

    @hidden
    action look_back() {
        hdr.sa.distance = hdr.sa.highest - hdr.sa.sequence_number;
        hdr.sa.place = hdr.sa.distance < REPLAY_WINDOW_SIZE
            ? (bit<REPLAY_WINDOW_SIZE>) 1 << (bit<8>) hdr.sa.distance : 0;
    }

    @hidden
    action advance_window() {
        hdr.sa.distance = hdr.sa.sequence_number - hdr.sa.highest;
        hdr.sa.window = hdr.sa.distance < REPLAY_WINDOW_SIZE
            ? hdr.sa.window << (bit<8>) hdr.sa.distance : 0;
        hdr.sa.highest = hdr.sa.sequence_number;
        hdr.sa.place = 1;
    }

    @hidden
    action mark_received() {
        hdr.sa.window = hdr.sa.window | hdr.sa.place;
        sad_in_generation.write(hdr.sa.id, hdr.sa.generation);
        sad_in_highest.write(hdr.sa.id, hdr.sa.highest);
        sad_in_window.write(hdr.sa.id, hdr.sa.window);
    }

    // From here on it is another packet, and not the controller's own even if he has sent the ESP.
    @hidden
    action enter_sa() {
        meta.sa_in = hdr.sa.id;
        meta.is_selected = false;
        hdr.packet_out.setInvalid();
        hdr.inbound_esp.setInvalid();
    }

    apply {
        switch (sad_in.apply().action_run) {
            decapsulate: {
                if (hdr.sa.last_generation != hdr.sa.generation) {
                    hdr.sa.highest = 0;
                    hdr.sa.window = 0;
                }
                if (hdr.sa.extended_sequence_numbers == 1) { extend_sequence_number(); }
                if (hdr.sa.sequence_number <= hdr.sa.highest) {
                    look_back();
                    if (hdr.sa.anti_replay == 1
                        && (hdr.sa.sequence_number == 0 || hdr.sa.place == 0
                            || (hdr.sa.window & hdr.sa.place) != 0)) {
                        DROP(REPLAY)
                    }
                }
                if (meta.verdict == Verdict.UNDECIDED) {
                    cipher.decapsulate(hdr.sa.offset, hdr.sa.payload_length,
                                       hdr.sa.encryption, hdr.sa.key_length, hdr.sa.key_material,
                                       hdr.sa.salt, hdr.sa.integrity, hdr.sa.integrity_key,
                                       hdr.sa.extended_sequence_numbers, hdr.inbound_esp.spi,
                                       hdr.sa.sequence_number,
                                       hdr.sa.next_header, hdr.sa.result);
                    if (hdr.sa.result == (bit<8>) EspResult.OK) {
                        // Only now: a forged number must not move the window.
                        if (hdr.sa.sequence_number > hdr.sa.highest) { advance_window(); }
                        mark_received();
                        if (hdr.sa.next_header == IP_PROTOCOL_IPIP) {
                            enter_sa();
                            payload_parser.extract_ipv4(hdr.ipv4, meta.source_port,
                                                        meta.destination_port,
                                                        hdr.sa.is_extracted);
                            if (hdr.sa.is_extracted == 1) {
                                unicast.apply(hdr, meta);
                            } else {
                                meta.verdict = Verdict.RECIRCULATE;
                            }
                        } else if (hdr.sa.next_header == IP_PROTOCOL_NONE) {
                            DROP(ESP_DUMMY)
                        } else {
                            DROP(ESP_NOT_TUNNEL)
                        }
                    } else if (hdr.sa.result == (bit<8>) EspResult.ICV_MISMATCH) {
                        DROP(ICV_MISMATCH)
                    } else if (hdr.sa.result == (bit<8>) EspResult.UNKNOWN_ALGORITHM) {
                        DROP(ESP_ALGORITHM)
                    } else {
                        DROP(ESP_MALFORMED)
                    }
                }
            }
        }
    }
}

#endif
