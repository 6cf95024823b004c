// The one thing that plain P4 cannot do. A target with a crypto block of its own replaces this
// extern, and nothing else.

#ifndef P4IPSEC_ESP_CIPHER_P4
#define P4IPSEC_ESP_CIPHER_P4

// IANA "IKEv2 Transform Type 1": the ciphers of RFC 8221, and 3DES for old peers. AES has keys of
// 128, 192 and 256 bits.
enum bit<8> EspEncryption {
    TRIPLE_DES        = 3,  // RFC 2451; 192 bits of key, parity bits included
    NULL              = 11, // RFC 2410; no key
    AES_CBC           = 12, // RFC 3602
    AES_CTR           = 13, // RFC 3686; the salt is 32 bits
    AES_CCM_8         = 14, // RFC 4309; the salt is 24 bits
    AES_CCM_12        = 15,
    AES_CCM_16        = 16,
    AES_GCM_8         = 18, // RFC 4106; the salt is 32 bits
    AES_GCM_12        = 19,
    AES_GCM_16        = 20,
    CHACHA20_POLY1305 = 28  // RFC 7634; 256 bits of key, the salt is 32 bits
}

// IANA "IKEv2 Transform Type 3"; NONE with the AEADs, which are CCM, GCM and ChaCha20-Poly1305.
// The key of an HMAC is as long as its hash, that of the others 128 bits.
enum bit<8> EspIntegrity {
    NONE              = 0,
    HMAC_SHA1_96      = 2,  // RFC 2404
    AES_XCBC_96       = 5,  // RFC 3566
    AES_CMAC_96       = 8,  // RFC 4494
    HMAC_SHA2_256_128 = 12, // RFC 4868
    HMAC_SHA2_384_192 = 13,
    HMAC_SHA2_512_256 = 14
}

enum bit<8> EspResult {
    OK                = 0,
    ICV_MISMATCH      = 1,
    MALFORMED         = 2, // a length or the padding is wrong; the payload is as it was
    UNKNOWN_ALGORITHM = 3  // or a combination that there is not
}

extern EspCipher {
    EspCipher();

    // Tunnel mode: encrypts `inner` and the first `payload_length` bytes that follow it in the
    // packet. The packet's payload becomes IV | ciphertext | ICV, of `esp_payload_length` bytes.
    // Keys and salt are in the low bits; `key_length` is in bits. `iv` must never repeat under one
    // key (RFC 4106 §3.1). Where the IV has to be unpredictable as well, it is the encryption of
    // `iv` (NIST SP 800-38A, Appendix C). Of the sequence number 32 bits are authenticated, all 64
    // with extended sequence numbers (RFC 4303 §2.2.1).
    void encapsulate(in ipv4_t inner,
                     in bit<16> payload_length,
                     in bit<8> encryption,
                     in bit<16> key_length,
                     in bit<256> key,
                     in bit<32> salt,
                     in bit<8> integrity,
                     in bit<512> integrity_key,
                     in bit<1> extended_sequence_numbers,
                     in bit<32> spi,
                     in bit<64> sequence_number,
                     in bit<64> iv,
                     out bit<16> esp_payload_length,
                     out bit<8> result);

    // The payload holds, after `offset` bytes (ESP header, and UDP before it), `payload_length`
    // bytes of IV | ciphertext | ICV. With OK and `next_header` 4 the payload becomes the inner
    // packet, cut to its own total length (RFC 4303 §2.7); else it stays as it was.
    void decapsulate(in bit<16> offset,
                     in bit<16> payload_length,
                     in bit<8> encryption,
                     in bit<16> key_length,
                     in bit<256> key,
                     in bit<32> salt,
                     in bit<8> integrity,
                     in bit<512> integrity_key,
                     in bit<1> extended_sequence_numbers,
                     in bit<32> spi,
                     in bit<64> sequence_number,
                     out bit<8> next_header,
                     out bit<8> result);
}

#endif
