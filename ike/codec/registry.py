"""Values of the IANA registry "Internet Key Exchange Version 2 (IKEv2) Parameters".

Decoded payloads hold plain integers, so that a value which is not listed here is kept; the
members of these enums compare equal to them.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from functools import lru_cache


class ExchangeType(IntEnum):
    """RFC 7296 §3.1."""

    IKE_SA_INIT = 34
    IKE_AUTH = 35
    CREATE_CHILD_SA = 36
    INFORMATIONAL = 37
    IKE_SESSION_RESUME = 38
    GSA_AUTH = 39
    GSA_REGISTRATION = 40
    GSA_REKEY = 41
    IKE_INTERMEDIATE = 43
    IKE_FOLLOWUP_KE = 44


class HeaderFlag(IntFlag):
    """RFC 7296 §3.1."""

    INITIATOR = 0x08
    VERSION = 0x10
    RESPONSE = 0x20


class PayloadType(IntEnum):
    """RFC 7296 §3.2."""

    NONE = 0
    SA = 33
    KE = 34
    IDI = 35
    IDR = 36
    CERT = 37
    CERTREQ = 38
    AUTH = 39
    NONCE = 40
    NOTIFY = 41
    DELETE = 42
    VENDOR_ID = 43
    TSI = 44
    TSR = 45
    SK = 46
    CP = 47
    EAP = 48
    GSPM = 49
    SKF = 53
    PS = 54


class ProtocolId(IntEnum):
    """RFC 7296 §3.3.1."""

    NONE = 0
    IKE = 1
    AH = 2
    ESP = 3


class TransformType(IntEnum):
    """RFC 7296 §3.3.2; additional key exchanges: RFC 9370."""

    ENCR = 1
    PRF = 2
    INTEG = 3
    KE = 4
    ESN = 5
    ADDKE1 = 6
    ADDKE2 = 7
    ADDKE3 = 8
    ADDKE4 = 9
    ADDKE5 = 10
    ADDKE6 = 11
    ADDKE7 = 12


class AttributeType(IntEnum):
    """RFC 7296 §3.3.5."""

    KEY_LENGTH = 14


class AuthMethod(IntEnum):
    """RFC 7296 §3.8."""

    RSA_SIGNATURE = 1
    SHARED_KEY_MIC = 2
    DSS_SIGNATURE = 3
    ECDSA_SHA256_P256 = 9
    ECDSA_SHA384_P384 = 10
    ECDSA_SHA512_P521 = 11
    GENERIC_SECURE_PASSWORD = 12
    NULL = 13
    DIGITAL_SIGNATURE = 14


class HashAlgorithm(IntEnum):
    """RFC 7427 §7; IDENTITY: RFC 8420."""

    SHA1 = 1
    SHA2_256 = 2
    SHA2_384 = 3
    SHA2_512 = 4
    IDENTITY = 5


class TsType(IntEnum):
    """RFC 7296 §3.13.1."""

    IPV4_ADDR_RANGE = 7
    IPV6_ADDR_RANGE = 8
    FC_ADDR_RANGE = 9


class CertificateEncoding(IntEnum):
    """RFC 7296 §3.6."""

    PKCS7_X509 = 1
    PGP = 2
    DNS_SIGNED_KEY = 3
    X509_SIGNATURE = 4
    KERBEROS_TOKEN = 6
    CRL = 7
    ARL = 8
    SPKI = 9
    X509_ATTRIBUTE = 10
    RAW_RSA_KEY = 11
    HASH_AND_URL_X509 = 12
    HASH_AND_URL_BUNDLE = 13
    OCSP_CONTENT = 14
    RAW_PUBLIC_KEY = 15


class ConfigurationType(IntEnum):
    """RFC 7296 §3.15."""

    REQUEST = 1
    REPLY = 2
    SET = 3
    ACK = 4


class ConfigurationAttributeType(IntEnum):
    """RFC 7296 §3.15.1."""

    INTERNAL_IP4_ADDRESS = 1
    INTERNAL_IP4_NETMASK = 2
    INTERNAL_IP4_DNS = 3
    INTERNAL_IP4_NBNS = 4
    INTERNAL_IP4_DHCP = 6
    APPLICATION_VERSION = 7
    INTERNAL_IP6_ADDRESS = 8
    INTERNAL_IP6_DNS = 10
    INTERNAL_IP6_DHCP = 12
    INTERNAL_IP4_SUBNET = 13
    SUPPORTED_ATTRIBUTES = 14
    INTERNAL_IP6_SUBNET = 15


class NotifyType(IntEnum):
    """RFC 7296 §3.10.1; below 16384 are errors, from there on status."""

    UNSUPPORTED_CRITICAL_PAYLOAD = 1
    INVALID_IKE_SPI = 4
    INVALID_MAJOR_VERSION = 5
    INVALID_SYNTAX = 7
    INVALID_MESSAGE_ID = 9
    INVALID_SPI = 11
    NO_PROPOSAL_CHOSEN = 14
    INVALID_KE_PAYLOAD = 17
    AUTHENTICATION_FAILED = 24
    SINGLE_PAIR_REQUIRED = 34
    NO_ADDITIONAL_SAS = 35
    INTERNAL_ADDRESS_FAILURE = 36
    FAILED_CP_REQUIRED = 37
    TS_UNACCEPTABLE = 38
    INVALID_SELECTORS = 39
    UNACCEPTABLE_ADDRESSES = 40
    UNEXPECTED_NAT_DETECTED = 41
    USE_ASSIGNED_HOA = 42
    TEMPORARY_FAILURE = 43
    CHILD_SA_NOT_FOUND = 44
    INVALID_GROUP_ID = 45
    AUTHORIZATION_FAILED = 46
    STATE_NOT_FOUND = 47
    TS_MAX_QUEUE = 48

    INITIAL_CONTACT = 16384
    SET_WINDOW_SIZE = 16385
    ADDITIONAL_TS_POSSIBLE = 16386
    IPCOMP_SUPPORTED = 16387
    NAT_DETECTION_SOURCE_IP = 16388
    NAT_DETECTION_DESTINATION_IP = 16389
    COOKIE = 16390
    USE_TRANSPORT_MODE = 16391
    HTTP_CERT_LOOKUP_SUPPORTED = 16392
    REKEY_SA = 16393
    ESP_TFC_PADDING_NOT_SUPPORTED = 16394
    NON_FIRST_FRAGMENTS_ALSO = 16395
    MOBIKE_SUPPORTED = 16396
    ADDITIONAL_IP4_ADDRESS = 16397
    ADDITIONAL_IP6_ADDRESS = 16398
    NO_ADDITIONAL_ADDRESSES = 16399
    UPDATE_SA_ADDRESSES = 16400
    COOKIE2 = 16401
    NO_NATS_ALLOWED = 16402
    AUTH_LIFETIME = 16403
    MULTIPLE_AUTH_SUPPORTED = 16404
    ANOTHER_AUTH_FOLLOWS = 16405
    REDIRECT_SUPPORTED = 16406
    REDIRECT = 16407
    REDIRECTED_FROM = 16408
    TICKET_LT_OPAQUE = 16409
    TICKET_REQUEST = 16410
    TICKET_ACK = 16411
    TICKET_NACK = 16412
    TICKET_OPAQUE = 16413
    LINK_ID = 16414
    USE_WESP_MODE = 16415
    ROHC_SUPPORTED = 16416
    EAP_ONLY_AUTHENTICATION = 16417
    CHILDLESS_IKEV2_SUPPORTED = 16418
    QUICK_CRASH_DETECTION = 16419
    IKEV2_MESSAGE_ID_SYNC_SUPPORTED = 16420
    IPSEC_REPLAY_COUNTER_SYNC_SUPPORTED = 16421
    IKEV2_MESSAGE_ID_SYNC = 16422
    IPSEC_REPLAY_COUNTER_SYNC = 16423
    SECURE_PASSWORD_METHODS = 16424
    PSK_PERSIST = 16425
    PSK_CONFIRM = 16426
    ERX_SUPPORTED = 16427
    IFOM_CAPABILITY = 16428
    SENDER_REQUEST_ID = 16429
    IKEV2_FRAGMENTATION_SUPPORTED = 16430
    SIGNATURE_HASH_ALGORITHMS = 16431
    CLONE_IKE_SA_SUPPORTED = 16432
    CLONE_IKE_SA = 16433
    PUZZLE = 16434
    USE_PPK = 16435
    PPK_IDENTITY = 16436
    NO_PPK_AUTH = 16437
    INTERMEDIATE_EXCHANGE_SUPPORTED = 16438
    IP4_ALLOWED = 16439
    IP6_ALLOWED = 16440
    ADDITIONAL_KEY_EXCHANGE = 16441
    USE_AGGFRAG = 16442


FIRST_STATUS_NOTIFY = 16384

TRANSFORM_NAMES: dict[int, dict[int, str]] = {
    TransformType.ENCR: {
        2: "DES",
        3: "3DES",
        5: "CAST",
        7: "BLOWFISH",
        11: "NULL",
        12: "AES_CBC",
        13: "AES_CTR",
        14: "AES_CCM_8",
        15: "AES_CCM_12",
        16: "AES_CCM_16",
        18: "AES_GCM_8",
        19: "AES_GCM_12",
        20: "AES_GCM_16",
        21: "NULL_AUTH_AES_GMAC",
        23: "CAMELLIA_CBC",
        28: "CHACHA20_POLY1305",
    },
    TransformType.PRF: {
        1: "HMAC_MD5",
        2: "HMAC_SHA1",
        4: "AES128_XCBC",
        5: "HMAC_SHA2_256",
        6: "HMAC_SHA2_384",
        7: "HMAC_SHA2_512",
        8: "AES128_CMAC",
    },
    TransformType.INTEG: {
        0: "NONE",
        1: "HMAC_MD5_96",
        2: "HMAC_SHA1_96",
        5: "AES_XCBC_96",
        8: "AES_CMAC_96",
        9: "AES_128_GMAC",
        10: "AES_192_GMAC",
        11: "AES_256_GMAC",
        12: "HMAC_SHA2_256_128",
        13: "HMAC_SHA2_384_192",
        14: "HMAC_SHA2_512_256",
    },
    TransformType.KE: {
        0: "NONE",
        1: "MODP768",
        2: "MODP1024",
        5: "MODP1536",
        14: "MODP2048",
        15: "MODP3072",
        16: "MODP4096",
        17: "MODP6144",
        18: "MODP8192",
        19: "SECP256R1",
        20: "SECP384R1",
        21: "SECP521R1",
        22: "MODP1024S160",
        23: "MODP2048S224",
        24: "MODP2048S256",
        25: "SECP192R1",
        26: "SECP224R1",
        27: "BRAINPOOLP224R1",
        28: "BRAINPOOLP256R1",
        29: "BRAINPOOLP384R1",
        30: "BRAINPOOLP512R1",
        31: "CURVE25519",
        32: "CURVE448",
        35: "ML_KEM_512",
        36: "ML_KEM_768",
        37: "ML_KEM_1024",
    },
    TransformType.ESN: {0: "NO_ESN", 1: "ESN"},
}


def is_key_exchange(transform_type: int) -> bool:
    """Tell whether a transform is a key exchange method, the first one or an additional one."""
    return transform_type == TransformType.KE or (
        TransformType.ADDKE1 <= transform_type <= TransformType.ADDKE7
    )


def transform_name(transform_type: int, transform_id: int) -> str:
    """Name a transform as the registry does, or by its numbers where it is not listed."""
    kind = TransformType.KE if is_key_exchange(transform_type) else transform_type
    known = TRANSFORM_NAMES.get(kind, {}).get(transform_id)
    return known or f"transform {transform_type}/{transform_id}"


@lru_cache(maxsize=1024)  # every payload and notify is asked for its name
def value_name(registry: type[IntEnum], value: int) -> str:
    """Name a registry value, or give its number where it is not listed."""
    try:
        return registry(value).name
    except ValueError:
        return str(value)
