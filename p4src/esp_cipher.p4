// The one thing that plain P4 cannot do. A target with a crypto block of its own replaces this
// extern, and nothing else.

#ifndef P4IPSEC_ESP_CIPHER_P4
#define P4IPSEC_ESP_CIPHER_P4

enum bit<8> EspAlgorithm {
    NONE           = 0,
    AES_GCM_16_128 = 1, // RFC 4106, 16-byte ICV; the key is the low 128 bits of `key`
    AES_GCM_16_256 = 2
}

enum bit<8> EspResult {
    OK                = 0,
    ICV_MISMATCH      = 1,
    MALFORMED         = 2, // a length or the padding is wrong; the payload is as it was
    UNKNOWN_ALGORITHM = 3
}

extern EspCipher {
    EspCipher();

    // Tunnel mode: encrypts `inner` and the first `payload_length` bytes that follow it in the
    // packet. The packet's payload becomes IV | ciphertext | ICV, of `esp_payload_length` bytes.
    // `iv` must never repeat under one key (RFC 4106 §3.1); an algorithm whose IV has to be
    // unpredictable draws its own.
    void encapsulate(in ipv4_t inner,
                     in bit<16> payload_length,
                     in bit<8> algorithm,
                     in bit<256> key,
                     in bit<32> salt,
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
                     in bit<8> algorithm,
                     in bit<256> key,
                     in bit<32> salt,
                     in bit<32> spi,
                     in bit<64> sequence_number,
                     out bit<8> next_header,
                     out bit<8> result);
}

#endif
