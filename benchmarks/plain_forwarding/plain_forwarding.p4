// The least that forwards IPv4 (RFC 1812 §5.2.1): what bmv2 takes for that is what the router of
// p4src/ is measured by.

#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> destination;
    bit<48> source;
    bit<16> ether_type;
}

header ipv4_t {
    bit<4>  version;
    bit<4>  ihl;
    bit<8>  traffic_class;
    bit<16> total_length;
    bit<16> identification;
    bit<16> fragment;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> checksum;
    bit<32> source;
    bit<32> destination;
}

struct headers_t {
    ethernet_t ethernet;
    ipv4_t     ipv4;
}

struct metadata_t {}

parser PlainParser(
    packet_in packet,
    out headers_t headers,
    inout metadata_t meta,
    inout standard_metadata_t standard_metadata
) {
    state start {
        packet.extract(headers.ethernet);
        transition select(headers.ethernet.ether_type) {
            0x0800: ipv4;
            default: accept;
        }
    }

    state ipv4 {
        packet.extract(headers.ipv4);
        transition accept;
    }
}

control PlainVerify(inout headers_t headers, inout metadata_t meta) {
    apply {
        verify_checksum(
            headers.ipv4.isValid(),
            { headers.ipv4.version, headers.ipv4.ihl, headers.ipv4.traffic_class,
              headers.ipv4.total_length, headers.ipv4.identification, headers.ipv4.fragment,
              headers.ipv4.ttl, headers.ipv4.protocol, headers.ipv4.source,
              headers.ipv4.destination },
            headers.ipv4.checksum,
            HashAlgorithm.csum16
        );
    }
}

control PlainIngress(
    inout headers_t headers,
    inout metadata_t meta,
    inout standard_metadata_t standard_metadata
) {
    action drop() {
        mark_to_drop(standard_metadata);
    }

    action forward(bit<9> port, bit<48> source, bit<48> destination) {
        standard_metadata.egress_spec = port;
        headers.ethernet.source = source;
        headers.ethernet.destination = destination;
        headers.ipv4.ttl = headers.ipv4.ttl - 1;
    }

    table route {
        key = { headers.ipv4.destination: lpm @name("prefix"); }
        actions = { forward; drop; }
        const default_action = drop();
        size = 1024;
    }

    apply {
        if (headers.ipv4.isValid() && standard_metadata.checksum_error == 0
            && headers.ipv4.ttl > 1) {
            route.apply();
        } else {
            drop();
        }
    }
}

control PlainEgress(
    inout headers_t headers,
    inout metadata_t meta,
    inout standard_metadata_t standard_metadata
) {
    apply {}
}

control PlainChecksum(inout headers_t headers, inout metadata_t meta) {
    apply {
        update_checksum(
            headers.ipv4.isValid(),
            { headers.ipv4.version, headers.ipv4.ihl, headers.ipv4.traffic_class,
              headers.ipv4.total_length, headers.ipv4.identification, headers.ipv4.fragment,
              headers.ipv4.ttl, headers.ipv4.protocol, headers.ipv4.source,
              headers.ipv4.destination },
            headers.ipv4.checksum,
            HashAlgorithm.csum16
        );
    }
}

control PlainDeparser(packet_out packet, in headers_t headers) {
    apply {
        packet.emit(headers.ethernet);
        packet.emit(headers.ipv4);
    }
}

V1Switch(
    PlainParser(), PlainVerify(), PlainIngress(), PlainEgress(), PlainChecksum(), PlainDeparser()
) main;
