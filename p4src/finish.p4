// Carry the verdict out: send, count the drop, or hand to the controller within its rate.

#ifndef P4IPSEC_FINISH_P4
#define P4IPSEC_FINISH_P4

control Finish(inout headers_t hdr,
               inout metadata_t meta,
               inout standard_metadata_t standard_metadata) {
    @id(COUNTER_DROP)
    counter<DropReason>(DROP_COUNTER_SIZE, CounterType.packets_and_bytes) drop_counter;
    // One cell a PuntReason.
    @id(METER_PUNT)
    meter<PuntReason>(PUNT_METER_SIZE, MeterType.packets) punt_meter;
    // One cell a group of sources: who floods IKE takes it from his own group only.
    @id(METER_IKE)
    meter<bit<16>>(IKE_METER_SIZE, MeterType.packets) ike_meter;

    apply {
        if (meta.verdict == Verdict.RECIRCULATE) {
            if (hdr.sa.is_extracted == 0) {
                hdr.ipv4.setInvalid(); // the inner packet is all in the payload
            }
            // Any port will do, and this one exists.
            standard_metadata.egress_spec = standard_metadata.ingress_port;
        } else if (meta.verdict == Verdict.PUNT) {
            bit<2> color = V1MODEL_METER_COLOR_GREEN;
            if (hdr.packet_in.reason == PuntReason.IKE) {
                bit<16> group;
                hash(group, HashAlgorithm.crc16, 16w0, { hdr.ipv4.source }, 16w256);
                ike_meter.execute_meter(group, color);
            }
            if (color == V1MODEL_METER_COLOR_GREEN) {
                punt_meter.execute_meter(hdr.packet_in.reason, color);
            }
            if (color == V1MODEL_METER_COLOR_GREEN) {
                hdr.packet_in.interface_id = meta.ingress_interface;
                if (hdr.packet_in.reason == PuntReason.NEIGHBOR) {
                    hdr.packet_in.interface_id = meta.egress_interface;
                }
                hdr.packet_in.packet_type = meta.packet_type;
                hdr.packet_in.sa_id = meta.sa_in;
                hdr.packet_in.next_hop = meta.next_hop;
                standard_metadata.egress_spec = CPU_PORT;
            } else if (meta.drop_reason == DropReason.NONE) {
                DROP(PUNT_LIMITED)
            } else {
                meta.verdict = Verdict.DROP;
            }
        }
        // A punted packet that the controller will not send on is a dropped one, too.
        if (meta.drop_reason != DropReason.NONE) {
            drop_counter.count(meta.drop_reason);
        }
        if (meta.verdict == Verdict.DROP || meta.verdict == Verdict.UNDECIDED) {
            mark_to_drop(standard_metadata);
        }
    }
}

#endif
