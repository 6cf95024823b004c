// An IPv4 router with IPsec and its passive mode (v1model). One stage a file, in the order of
// the includes; who wants to follow a packet starts at `RouterIngress`.

#include <core.p4>
#define V1MODEL_VERSION 20200408 // indices of any width
#include <v1model.p4>

#include "sizes.p4"
#include "ids.p4"
#include "headers.p4"
#include "esp_cipher.p4"
#include "payload_parser.p4"
#include "metadata.p4"
#include "parser.p4"
#include "admit.p4"
#include "local.p4"
#include "sad_in.p4"
#include "sa_selectors.p4"
#include "spd_in.p4"
#include "route.p4"
#include "egress_interface.p4"
#include "spd_out.p4"
#include "sad_out.p4"
#include "no_sa.p4"
#include "neighbor.p4"
#include "report.p4"
#include "finish.p4"

control RouterIngress(inout headers_t hdr,
                      inout metadata_t meta,
                      inout standard_metadata_t standard_metadata) {
    Admit() admit;
    Local() local;
    SadIn() sad_in;
    SaSelectors() sa_selectors;
    SpdIn() spd_in;
    Route() route;
    EgressInterface() egress_interface;
    SpdOut() spd_out;
    SadOut() sad_out;
    NoSa() no_sa;
    Neighbor() neighbor;
    Report() report;
    Finish() finish;

    // PM-1: off until somebody turns it on. One write here stops all clear traffic at once.
    @id(ACTION_SET_PASSIVE_MODE)
    action set_passive_mode(@id(1) bit<1> enabled) {
        meta.passive_mode = enabled == 1;
    }

    @id(TABLE_PASSIVE_MODE)
    table passive_mode {
        actions = { set_passive_mode; }
        default_action = set_passive_mode(0);
    }

    apply {
        passive_mode.apply();

        // What the controller has chosen the interface for takes a short cut.
        if (hdr.packet_out.isValid()) { meta.egress_interface = hdr.packet_out.interface_id; }
        if (meta.egress_interface == 0) {
            admit.apply(hdr, meta, standard_metadata);

            // ESP in ESP only once the selectors of the outer SA have allowed it.
            bool is_esp = hdr.inbound_esp.isValid() && hdr.inbound_esp.spi != 0;
            if (meta.verdict == Verdict.UNDECIDED && is_esp && hdr.ipv4.more_fragments == 0
                && (meta.sa_in == 0 || meta.is_selected)) {
                if (meta.esp_depth == ESP_DEPTH_LIMIT) {
                    DROP(ESP_TOO_DEEP)
                } else {
                    sad_in.apply(hdr, meta);
                }
            }
            // Before all else, so that nothing that an SA is not for gets any further.
            if (meta.verdict == Verdict.UNDECIDED && meta.sa_in != 0 && !meta.is_selected) {
                sa_selectors.apply(hdr, meta);
            }
            // What the controller sends is its own, but for ESP: that came in before its keys did.
            if (meta.verdict == Verdict.UNDECIDED && (!hdr.packet_out.isValid() || is_esp)) {
                local.apply(hdr, meta);
                if (meta.verdict == Verdict.UNDECIDED && meta.sa_in == 0) {
                    spd_in.apply(hdr, meta);
                }
                if (meta.verdict == Verdict.UNDECIDED && meta.is_local) {
                    if (hdr.ipv4.protocol == IP_PROTOCOL_ICMP) {
                        PUNT(LOCAL)
                    } else {
                        DROP(NOT_FOR_US)
                    }
                }
            }
            if (meta.verdict == Verdict.UNDECIDED) { route.apply(hdr, meta); }
        }

        if (meta.verdict == Verdict.UNDECIDED) {
            egress_interface.apply(hdr, meta, standard_metadata);
        }
        if (meta.verdict == Verdict.UNDECIDED) {
            if (hdr.packet_out.isValid() && hdr.packet_out.interface_id != 0) {
                meta.verdict = Verdict.FORWARD;
            } else {
                spd_out.apply(hdr, meta);
                if (meta.verdict == Verdict.UNDECIDED && meta.packet_type != 0) {
                    sad_out.apply(hdr, meta);
                    if (meta.verdict == Verdict.UNDECIDED && !hdr.esp.isValid()) {
                        no_sa.apply(hdr, meta);
                    }
                }
                if (meta.verdict == Verdict.UNDECIDED) {
                    neighbor.apply(hdr, meta, standard_metadata);
                }
            }
        }

        report.apply(hdr, meta);
        finish.apply(hdr, meta, standard_metadata);
    }
}

control RouterEgress(inout headers_t hdr,
                     inout metadata_t meta,
                     inout standard_metadata_t standard_metadata) {
    apply {
        if (meta.verdict == Verdict.RECIRCULATE) {
            recirculate_preserving_field_list(FIELD_LIST_RECIRCULATE);
        }
    }
}

V1Switch(RouterParser(), RouterVerifyChecksum(), RouterIngress(), RouterEgress(),
         RouterComputeChecksum(), RouterDeparser()) main;
