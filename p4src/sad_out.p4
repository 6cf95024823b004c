// Outbound ESP: the packet type's SA. Looked up before any rule for the clear, so that a new SA
// takes over at once, with no packet lost and none leaked.

#ifndef P4IPSEC_SAD_OUT_P4
#define P4IPSEC_SAD_OUT_P4

#define OUTER_TTL 64

control SadOut(inout headers_t hdr, inout metadata_t meta) {
    // Of each SA id: the sequence number that was sent last. It starts afresh, as in `sad_in`,
    // when `generation` is not the one that the id was used with last.
    register<bit<32>, sa_id_t>(SA_ARRAY_SIZE) sad_out_generation;
    register<bit<64>, sa_id_t>(SA_ARRAY_SIZE) sad_out_sequence;

    EspCipher() cipher;

    @id(DIRECT_COUNTER_SAD_OUT)
    direct_counter(CounterType.packets_and_bytes) sad_out_counter;

    // Tunnel mode. `sequence_limit`: the last sequence number that may be sent, 2^32 - 1 without
    // extended sequence numbers. The algorithms are those of `esp_cipher.p4`.
    // `udp_destination_port` 0: plain ESP, else RFC 3948. `inner_mtu`: bytes of the largest inner
    // packet that fits the link once it is wrapped.
    @id(ACTION_ENCAPSULATE)
    action encapsulate(@id(1) sa_id_t sa_id,
                       @id(2) bit<32> generation,
                       @id(3) bit<32> spi,
                       @id(4) bit<8> encryption,
                       @id(5) bit<16> key_length,
                       @id(6) bit<256> key_material,
                       @id(7) bit<32> salt,
                       @id(8) bit<8> integrity,
                       @id(9) bit<512> integrity_key,
                       @id(10) bit<1> extended_sequence_numbers,
                       @id(11) bit<64> sequence_limit,
                       @id(12) ipv4_address_t tunnel_source,
                       @id(13) ipv4_address_t tunnel_destination,
                       @id(14) bit<16> udp_destination_port,
                       @id(15) interface_id_t interface_id,
                       @id(16) ipv4_address_t gateway,
                       @id(17) bit<16> inner_mtu) {
        hdr.sa.setValid();
        hdr.sa.id = sa_id;
        hdr.sa.generation = generation;
        hdr.sa.spi = spi;
        hdr.sa.encryption = encryption;
        hdr.sa.key_length = key_length;
        hdr.sa.key_material = key_material;
        hdr.sa.salt = salt;
        hdr.sa.integrity = integrity;
        hdr.sa.integrity_key = integrity_key;
        hdr.sa.extended_sequence_numbers = extended_sequence_numbers;
        hdr.sa.sequence_limit = sequence_limit;
        hdr.sa.tunnel_source = tunnel_source;
        hdr.sa.tunnel_destination = tunnel_destination;
        hdr.sa.udp_destination_port = udp_destination_port;
        hdr.sa.gateway = gateway;
        hdr.sa.inner_mtu = inner_mtu;
        hdr.sa.payload_length = hdr.ipv4.total_length - IPV4_LENGTH;
        meta.egress_interface = interface_id;
        sad_out_generation.read(hdr.sa.last_generation, sa_id);
        sad_out_sequence.read(hdr.sa.sequence_number, sa_id);
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

    // Written before it is used: a number is never taken twice, and with it never an IV (RFC 4106
    // §3.1). The generation is part of the IV, because a manual SA that is installed again counts
    // from 1 under the same key.
    @hidden
    action take_sequence_number() {
        hdr.sa.sequence_number = hdr.sa.sequence_number + 1;
        sad_out_generation.write(hdr.sa.id, hdr.sa.generation);
        sad_out_sequence.write(hdr.sa.id, hdr.sa.sequence_number);
        hdr.sa.iv = ((bit<64>) hdr.sa.generation << 32) ^ hdr.sa.sequence_number;
    }

    // The outer header, built on the inner one: DSCP and ECN (RFC 6040 §4.1) and DF are the inner
    // packet's, the rest is ours.
    @hidden
    action add_outer_headers() {
        hdr.esp.setValid();
        hdr.esp.spi = hdr.sa.spi;
        hdr.esp.sequence_number = hdr.sa.sequence_number[31:0];
        hdr.ipv4.total_length = IPV4_LENGTH + ESP_LENGTH + hdr.sa.esp_payload_length;
        hdr.ipv4.identification = hdr.sa.sequence_number[15:0];
        hdr.ipv4.reserved_flag = 0;
        hdr.ipv4.more_fragments = 0;
        hdr.ipv4.fragment_offset = 0;
        hdr.ipv4.ttl = OUTER_TTL;
        hdr.ipv4.protocol = IP_PROTOCOL_ESP;
        hdr.ipv4.source = hdr.sa.tunnel_source;
        hdr.ipv4.destination = hdr.sa.tunnel_destination;
        meta.next_hop = hdr.sa.gateway;
        meta.mtu = 0xffff; // fits, by `inner_mtu`
        meta.recompute_checksum = true;
    }

    @hidden
    action add_udp() {
        hdr.ipv4.protocol = IP_PROTOCOL_UDP;
        hdr.ipv4.total_length = IPV4_LENGTH + UDP_LENGTH + ESP_LENGTH + hdr.sa.esp_payload_length;
        hdr.udp.setValid();
        hdr.udp.source_port = UDP_PORT_IKE_NAT;
        hdr.udp.destination_port = hdr.sa.udp_destination_port;
        hdr.udp.length = UDP_LENGTH + ESP_LENGTH + hdr.sa.esp_payload_length;
        hdr.udp.checksum = 0; // RFC 3948 §2.1
    }

    apply {
        if (sad_out.apply().hit) {
            if (hdr.sa.last_generation != hdr.sa.generation) { hdr.sa.sequence_number = 0; }
            if (hdr.ipv4.total_length > hdr.sa.inner_mtu) {
                DROP(TOO_BIG)
                if (hdr.ipv4.dont_fragment == 1) { PUNT(TOO_BIG) }
            } else if (hdr.sa.sequence_number >= hdr.sa.sequence_limit) {
                DROP(SEQUENCE_EXHAUSTED)
            } else {
                take_sequence_number();
                cipher.encapsulate(hdr.ipv4, hdr.sa.payload_length,
                                   hdr.sa.encryption, hdr.sa.key_length, hdr.sa.key_material,
                                   hdr.sa.salt, hdr.sa.integrity, hdr.sa.integrity_key,
                                   hdr.sa.extended_sequence_numbers, hdr.sa.spi,
                                   hdr.sa.sequence_number, hdr.sa.iv,
                                   hdr.sa.esp_payload_length, hdr.sa.result);
                if (hdr.sa.result != (bit<8>) EspResult.OK) {
                    DROP(IPSEC_FAILED)
                } else {
                    add_outer_headers();
                    if (hdr.sa.udp_destination_port != 0) { add_udp(); }
                }
            }
        }
    }
}

#endif
