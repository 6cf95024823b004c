// Inbound ESP: destination and SPI name the SA; check, decrypt, and once more around.

#ifndef P4IPSEC_SAD_IN_P4
#define P4IPSEC_SAD_IN_P4

control SadIn(inout headers_t hdr, inout metadata_t meta) {
    // Of each SA id: the highest sequence number that was authentic, and, one bit a packet below
    // it, which ones were (RFC 4303 §3.4.3). They start afresh when `generation` is not the one
    // that the id was used with last: nobody has to reset them from outside.
    register<bit<32>>(SA_ARRAY_SIZE) sad_in_generation;
    register<bit<64>>(SA_ARRAY_SIZE) sad_in_highest;
    register<bit<REPLAY_WINDOW_SIZE>>(SA_ARRAY_SIZE) sad_in_window;

    EspCipher() cipher;

    @id(DIRECT_COUNTER_SAD_IN)
    direct_counter(CounterType.packets_and_bytes) sad_in_counter;

    sa_id_t sa_id = 0;
    bit<32> generation = 0;
    bit<8>  encryption = 0;
    bit<16> key_length = 0;
    bit<256> key_ = 0;
    bit<32> salt = 0;
    bit<8>  integrity = 0;
    bit<512> integrity_key = 0;
    bit<1>  extended_sequence_numbers = 0;
    bit<1>  anti_replay = 0;
    bool    awaits_keys = false;

    // The packet came over this SA. `generation` differs from that of the SA that had the id
    // before. The algorithms are those of `esp_cipher.p4`. `anti_replay` is 0 for manual SAs only:
    // their sender may start to count again (RFC 4303 §3.3.3).
    @id(ACTION_DECAPSULATE)
    action decapsulate(@id(1) sa_id_t sa_id_,
                       @id(2) bit<32> generation_,
                       @id(3) bit<8> encryption_,
                       @id(4) bit<16> key_length_,
                       @id(5) bit<256> key_material,
                       @id(6) bit<32> salt_,
                       @id(7) bit<8> integrity_,
                       @id(8) bit<512> integrity_key_,
                       @id(9) bit<1> extended_sequence_numbers_,
                       @id(10) bit<1> anti_replay_) {
        sa_id = sa_id_;
        generation = generation_;
        encryption = encryption_;
        key_length = key_length_;
        key_ = key_material;
        salt = salt_;
        integrity = integrity_;
        integrity_key = integrity_key_;
        extended_sequence_numbers = extended_sequence_numbers_;
        anti_replay = anti_replay_;
        sad_in_counter.count();
    }

    // We have offered this SPI to a peer, who may send by it before the controller has read his
    // answer and knows the keys. The controller holds the packet until then, and sends it back.
    @id(ACTION_AWAIT_KEYS)
    action await_keys() {
        awaits_keys = true;
        sad_in_counter.count();
    }

    @id(TABLE_SAD_IN)
    @entry_restriction("spi > 255")
    table sad_in {
        key = {
            hdr.ipv4.destination : exact @id(1) @name("destination");
            meta.spi             : exact @id(2) @name("spi");
        }
        actions = { decapsulate; await_keys; @defaultonly NoAction; }
        const default_action = NoAction;
        counters = sad_in_counter;
        size = SA_TABLE_SIZE;
    }

    apply {
        if (!sad_in.apply().hit) {
            DROP(UNKNOWN_SPI)
        } else if (awaits_keys) {
            PUNT(EARLY_ESP)
        } else {
            bit<32> last_generation;
            bit<64> highest;
            bit<REPLAY_WINDOW_SIZE> window;
            sad_in_generation.read(last_generation, (bit<32>) sa_id);
            sad_in_highest.read(highest, (bit<32>) sa_id);
            sad_in_window.read(window, (bit<32>) sa_id);
            if (last_generation != generation) {
                highest = 0;
                window = 0;
            }

            // RFC 4303 Appendix A2.2: the half that is not in the packet is the one that puts the
            // number nearest to the window, above its lower edge.
            bit<32> upper = 0;
            if (extended_sequence_numbers == 1) {
                bit<32> lower_edge = highest[31:0] - (REPLAY_WINDOW_SIZE - 1);
                upper = highest[63:32];
                if (highest[31:0] >= REPLAY_WINDOW_SIZE - 1) {
                    if (meta.esp_sequence < lower_edge) { upper = upper + 1; }
                } else if (meta.esp_sequence >= lower_edge && upper != 0) {
                    upper = upper - 1;
                }
            }
            bit<64> sequence_number = upper ++ meta.esp_sequence;
            bit<64> behind = highest - sequence_number;
            bit<64> ahead = sequence_number - highest;
            bool is_newest = sequence_number > highest;
            bit<REPLAY_WINDOW_SIZE> place = 0;
            if (!is_newest && behind < REPLAY_WINDOW_SIZE) {
                place = (bit<REPLAY_WINDOW_SIZE>) 1 << (bit<8>) behind;
            }

            if (anti_replay == 1
                && (sequence_number == 0
                    || (!is_newest && (place == 0 || (window & place) != 0)))) {
                DROP(REPLAY)
            } else {
                bit<8> next_header;
                bit<8> result;
                cipher.decapsulate(meta.esp_offset,
                                   hdr.ipv4.total_length - IPV4_LENGTH - meta.esp_offset,
                                   encryption, key_length, key_, salt,
                                   integrity, integrity_key,
                                   extended_sequence_numbers, meta.spi, sequence_number,
                                   next_header, result);
                if (result == (bit<8>) EspResult.OK) {
                    // Only now: a forged number must not move the window.
                    if (is_newest) {
                        highest = sequence_number;
                        if (ahead < REPLAY_WINDOW_SIZE) {
                            window = window << (bit<8>) ahead;
                        } else {
                            window = 0;
                        }
                        place = 1;
                    }
                    window = window | place;
                    sad_in_generation.write((bit<32>) sa_id, generation);
                    sad_in_highest.write((bit<32>) sa_id, highest);
                    sad_in_window.write((bit<32>) sa_id, window);

                    if (next_header == IP_PROTOCOL_IPIP) {
                        meta.sa_in = sa_id;
                        meta.outer_ecn = hdr.ipv4.ecn;
                        meta.verdict = Verdict.RECIRCULATE;
                    } else if (next_header == 59) {
                        DROP(ESP_DUMMY)
                    } else {
                        DROP(ESP_NOT_TUNNEL)
                    }
                } else if (result == (bit<8>) EspResult.ICV_MISMATCH) {
                    DROP(ICV_MISMATCH)
                } else if (result == (bit<8>) EspResult.UNKNOWN_ALGORITHM) {
                    DROP(ESP_ALGORITHM)
                } else {
                    DROP(ESP_MALFORMED)
                }
            }
        }
    }
}

#endif
