// P4Runtime ids, fixed so that a controller and the entries it finds survive a recompile.
// The first byte is the kind of object (p4.config.v1.P4Ids), the rest is ours.

#ifndef P4IPSEC_IDS_P4
#define P4IPSEC_IDS_P4

#define TABLE_INGRESS_INTERFACE   0x02000001
#define TABLE_EGRESS_INTERFACE    0x02000002
#define TABLE_LOCAL_ADDRESS       0x02000003
#define TABLE_ROUTE               0x02000004
#define TABLE_NEIGHBOR            0x02000005
#define TABLE_SAD_IN              0x02000010
#define TABLE_SA_SELECTORS        0x02000011
#define TABLE_SPD_IN              0x02000012
#define TABLE_CLEAR_SOURCES       0x02000013
#define TABLE_SPD_OUT             0x02000020
#define TABLE_SAD_OUT             0x02000021
#define TABLE_NO_SA               0x02000022
#define TABLE_CLEAR_DESTINATIONS  0x02000023
#define TABLE_PASSIVE_MODE        0x02000030

#define ACTION_SET_INGRESS_INTERFACE 0x01000001
#define ACTION_SET_EGRESS_INTERFACE  0x01000002
#define ACTION_LOCAL                 0x01000003
#define ACTION_VIA                   0x01000004
#define ACTION_CONNECTED             0x01000005
#define ACTION_BLACKHOLE             0x01000006
#define ACTION_SET_NEIGHBOR          0x01000007
#define ACTION_DECAPSULATE           0x01000010
#define ACTION_ACCEPT                0x01000011
#define ACTION_EXPECT_PROTECTION     0x01000012
#define ACTION_BYPASS_IN             0x01000013
#define ACTION_DISCARD_IN            0x01000014
#define ACTION_KNOWN_SOURCE          0x01000015
#define ACTION_AWAIT_KEYS            0x01000016
#define ACTION_PROTECT               0x01000020
#define ACTION_BYPASS_OUT            0x01000021
#define ACTION_DISCARD_OUT           0x01000022
#define ACTION_ENCAPSULATE           0x01000023
#define ACTION_HOLD                  0x01000024
#define ACTION_CLEAR                 0x01000025
#define ACTION_CLEAR_RETRY_DUE       0x01000026
#define ACTION_KNOWN_DESTINATION     0x01000027
#define ACTION_SET_PASSIVE_MODE      0x01000030

#define COUNTER_DROP       0x12000001
#define COUNTER_HOLD       0x12000002
#define COUNTER_CLEAR      0x12000003

#define DIRECT_COUNTER_SAD_IN             0x13000001
#define DIRECT_COUNTER_SAD_OUT            0x13000002
#define DIRECT_COUNTER_CLEAR_SOURCES      0x13000003
#define DIRECT_COUNTER_CLEAR_DESTINATIONS 0x13000004

#define METER_PUNT   0x14000001
#define METER_IKE    0x14000002
#define METER_NO_SA  0x14000003
#define METER_REPORT 0x14000004

#endif
