// Outbound ESP: the packet type's SA. Looked up before any rule for the clear, so that a new SA
// takes over at once, with no packet lost and none leaked.

#ifndef P4IPSEC_SAD_OUT_P4
#define P4IPSEC_SAD_OUT_P4

#define OUTER_TTL 64

control SadOut(inout headers_t hdr, inout metadata_t meta, out bool has_sa) {
    // Of each SA id: the sequence number that was sent last. It starts afresh, as in `sad_in`,
    // when `generation` is not the one that the id was used with last.
    register<bit<32>>(SA_ARRAY_SIZE) sad_out_generation;
    register<bit<64>>(SA_ARRAY_SIZE) sad_out_sequence;

    EspCipher() cipher;

    @id(DIRECT_COUNTER_SAD_OUT)
    direct_counter(CounterType.packets_and_bytes) sad_out_counter;

    sa_id_t sa_id = 0;
    bit<32> generation = 0;
    bit<64> last_sequence = 0;
    bit<32> spi = 0;
    bit<8>  encryption = 0;
    bit<16> key_length = 0;
    bit<256> key_ = 0;
    bit<32> salt = 0;
    bit<8>  integrity = 0;
    bit<512> integrity_key = 0;
    bit<1>  extended_sequence_numbers = 0;
    ipv4_address_t tunnel_source = 0;
    ipv4_address_t tunnel_destination = 0;
    ipv4_address_t gateway = 0;
    bit<16> udp_port = 0;
    bit<16> inner_mtu = 0;

    // Tunnel mode. `sequence_limit`: the last sequence number that may be sent, 2^32 - 1 without
    // extended sequence numbers. The algorithms are those of `esp_cipher.p4`.
    // `udp_destination_port` 0: plain ESP, else RFC 3948. `inner_mtu`: bytes of the largest inner packet that fits the link once it is wrapped.
    @id(ACTION_ENCAPSULATE)
    action encapsulate(@id(1) sa_id_t sa_id_,
                       @id(2) bit<32> generation_,
                       @id(3) bit<32> spi_,
                       @id(4) bit<8> encryption_,
                       @id(5) bit<16> key_length_,
                       @id(6) bit<256> key_material,
                       @id(7) bit<32> salt_,
                       @id(8) bit<8> integrity_,
                       @id(9) bit<512> integrity_key_,
                       @id(10) bit<1> extended_sequence_numbers_,
                       @id(11) bit<64> sequence_limit,
                       @id(12) ipv4_address_t tunnel_source_,
                       @id(13) ipv4_address_t tunnel_destination_,
                       @id(14) bit<16> udp_destination_port,
                       @id(15) interface_id_t interface_id,
                       @id(16) ipv4_address_t gateway_,
                       @id(17) bit<16> inner_mtu_) {
        sa_id = sa_id_;
        generation = generation_;
        spi = spi_;
        encryption = encryption_;
        key_length = key_length_;
        key_ = key_material;
        salt = salt_;
        integrity = integrity_;
        integrity_key = integrity_key_;
        extended_sequence_numbers = extended_sequence_numbers_;
        last_sequence = sequence_limit;
        tunnel_source = tunnel_source_;
        tunnel_destination = tunnel_destination_;
        udp_port = udp_destination_port;
        meta.egress_interface = interface_id;
        gateway = gateway_;
        inner_mtu = inner_mtu_;
        sad_out_counter.count();
    }

    @id(TABLE_SAD_OUT)
    @entry_restriction("packet_type != 0")
    table sad_out {
        key = {
            meta.packet_type : exact @id(1) @name("packet_type");
        }
        actions = { encapsulate; @defaultonly NoAction; }
        const default_action = NoAction;
        counters = sad_out_counter;
        size = SA_TABLE_SIZE;
    }

    apply {
        has_sa = sad_out.apply().hit;
        if (has_sa) {
            if (hdr.ipv4.total_length > inner_mtu) {
                DROP(TOO_BIG)
                if (hdr.ipv4.dont_fragment == 1) { PUNT(TOO_BIG) }
            } else {
                bit<32> last_generation;
                bit<64> sequence_number;
                sad_out_generation.read(last_generation, (bit<32>) sa_id);
                sad_out_sequence.read(sequence_number, (bit<32>) sa_id);
                if (last_generation != generation) { sequence_number = 0; }
                if (sequence_number >= last_sequence) {
                    DROP(SEQUENCE_EXHAUSTED)
                } else {
                    // Written before it is used: a number is never taken twice, and with it
                    // never an IV (RFC 4106 §3.1). The generation is part of the IV, because a
                    // manual SA that is installed again counts from 1 under the same key.
                    sequence_number = sequence_number + 1;
                    sad_out_generation.write((bit<32>) sa_id, generation);
                    sad_out_sequence.write((bit<32>) sa_id, sequence_number);

                    bit<16> esp_payload_length;
                    bit<8> result;
                    cipher.encapsulate(hdr.ipv4, hdr.ipv4.total_length - IPV4_LENGTH,
                                       encryption, key_length, key_, salt,
                                       integrity, integrity_key,
                                       extended_sequence_numbers, spi, sequence_number,
                                       ((bit<64>) generation << 32) ^ sequence_number,
                                       esp_payload_length, result);
                    if (result != (bit<8>) EspResult.OK) {
                        DROP(IPSEC_FAILED)
                    } else {
                        bit<16> length = IPV4_LENGTH + ESP_LENGTH + esp_payload_length;
                        hdr.ipv4.protocol = IP_PROTOCOL_ESP;
                        if (udp_port != 0) {
                            length = length + UDP_LENGTH;
                            hdr.ipv4.protocol = IP_PROTOCOL_UDP;
                            hdr.udp.setValid();
                            hdr.udp.source_port = UDP_PORT_IKE_NAT;
                            hdr.udp.destination_port = udp_port;
                            hdr.udp.length = UDP_LENGTH + ESP_LENGTH + esp_payload_length;
                            hdr.udp.checksum = 0; // RFC 3948 §2.1
                        }
                        hdr.esp.setValid();
                        hdr.esp.spi = spi;
                        hdr.esp.sequence_number = sequence_number[31:0];

                        // The outer header, built on the inner one: DSCP and ECN (RFC 6040 §4.1)
                        // and DF are the inner packet's, the rest is ours.
                        hdr.ipv4.total_length = length;
                        hdr.ipv4.identification = sequence_number[15:0];
                        hdr.ipv4.reserved_flag = 0;
                        hdr.ipv4.more_fragments = 0;
                        hdr.ipv4.fragment_offset = 0;
                        hdr.ipv4.ttl = OUTER_TTL;
                        hdr.ipv4.source = tunnel_source;
                        hdr.ipv4.destination = tunnel_destination;
                        meta.next_hop = gateway;
                        meta.mtu = length; // fits, by `inner_mtu`
                        meta.recompute_checksum = true;
                    }
                }
            }
        }
    }
}

#endif
