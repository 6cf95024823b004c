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

control Report(inout headers_t hdr, inout metadata_t meta) {
    @id(METER_REPORT)
    meter<bit<8>>(REPORT_METER_SIZE, MeterType.packets) report_meter;

    bit<8> cell;
    bit<2> color;

    apply {
        if (hdr.sent.isValid()) {
            cell = REPORT_NEW_DESTINATION;
            if (hdr.sent.retry_due == 1) {
                cell = REPORT_RETRY_DUE;
            } else if (hdr.sent.is_known == 1) {
                cell = REPORT_KNOWN_DESTINATION;
            }
            report_meter.execute_meter(cell, color);
            if (color != V1MODEL_METER_COLOR_GREEN) { hdr.sent.setInvalid(); }
        }
        if (hdr.received.isValid()) {
            cell = REPORT_NEW_SOURCE;
            if (hdr.received.is_known == 1) { cell = REPORT_KNOWN_SOURCE; }
            report_meter.execute_meter(cell, color);
            if (color != V1MODEL_METER_COLOR_GREEN) { hdr.received.setInvalid(); }
        }
        if (hdr.sent.isValid() || hdr.received.isValid()) {
            if (!hdr.sent.isValid()) {
                hdr.sent.setValid();
                hdr.sent.packet_type = 0;
                hdr.sent.retry_due = 0;
            }
            if (!hdr.received.isValid()) {
                hdr.received.setValid();
                hdr.received.packet_type = 0;
            }
            digest<clear_report_t>(1, {
                hdr.sent.packet_type, hdr.ipv4.destination,
                hdr.received.packet_type, hdr.ipv4.source,
                hdr.sent.retry_due
            });
        }
    }
}

#endif
