// Clear traffic that the controller should hear of: addresses that it does not know yet, a
// sample of those it knows (PM-8 wants one of the minute's packets), and PM-4's trigger.

#ifndef P4IPSEC_REPORT_P4
#define P4IPSEC_REPORT_P4

// Cells of `report_meter`.
#define REPORT_NEW_DESTINATION    0
#define REPORT_KNOWN_DESTINATION  1
#define REPORT_NEW_SOURCE         2
#define REPORT_KNOWN_SOURCE       3
#define REPORT_RETRY_DUE          4

control Report(in headers_t hdr, inout metadata_t meta) {
    @id(METER_REPORT)
    meter(REPORT_METER_SIZE, MeterType.packets) report_meter;

    apply {
        if (meta.sent_packet_type != 0) {
            bit<32> cell = REPORT_NEW_DESTINATION;
            if (meta.retry_due == 1) {
                cell = REPORT_RETRY_DUE;
            } else if (meta.sent_is_known) {
                cell = REPORT_KNOWN_DESTINATION;
            }
            bit<2> color;
            report_meter.execute_meter(cell, color);
            if (color != V1MODEL_METER_COLOR_GREEN) { meta.sent_packet_type = 0; }
        }
        if (meta.received_packet_type != 0) {
            bit<32> cell = REPORT_NEW_SOURCE;
            if (meta.received_is_known) { cell = REPORT_KNOWN_SOURCE; }
            bit<2> color;
            report_meter.execute_meter(cell, color);
            if (color != V1MODEL_METER_COLOR_GREEN) { meta.received_packet_type = 0; }
        }
        if (meta.sent_packet_type != 0 || meta.received_packet_type != 0) {
            digest<clear_report_t>(1, {
                meta.sent_packet_type, hdr.ipv4.destination,
                meta.received_packet_type, hdr.ipv4.source,
                meta.retry_due
            });
        }
    }
}

#endif
