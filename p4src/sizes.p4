// What a target has to provide: one constant a table, array or window.

#ifndef P4IPSEC_SIZES_P4
#define P4IPSEC_SIZES_P4

// Ids of SAs and of packet types run from 1 to their limit; 0 means "none", so the arrays that
// are indexed by them have one cell more.
#define SA_TABLE_SIZE 4096
#define SA_ARRAY_SIZE 4097
#define PACKET_TYPE_TABLE_SIZE 4096
#define PACKET_TYPE_ARRAY_SIZE 4097

// One permit or deny line can need two entries: itself, and one for later fragments.
#define SPD_TABLE_SIZE 8192
#define SELECTOR_TABLE_SIZE 16384

#define CLEAR_ADDRESS_TABLE_SIZE 16384

#define INTERFACE_TABLE_SIZE 512
#define LOCAL_ADDRESS_TABLE_SIZE 512
#define ROUTE_TABLE_SIZE 16384
#define NEIGHBOR_TABLE_SIZE 16384

// RFC 4303 §3.4.3 asks for 32 and recommends 64; reordering by parallel links wants more.
// The width in bits of a packet's place in it has to hold REPLAY_WINDOW_SIZE - 1.
#define REPLAY_WINDOW_SIZE 128

// SAs that one packet may come out of: each is once more around.
#define ESP_DEPTH_LIMIT 4

#define PUNT_METER_SIZE 16
#define IKE_METER_SIZE 256
#define REPORT_METER_SIZE 5
#define DROP_COUNTER_SIZE 64

#endif
