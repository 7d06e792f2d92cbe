// CRC-32C (Castagnoli), the checksum of every section of Lector's files.
//
// crc32c(0, bytes, n) of "123456789" is 0xE3069283. Runs of bytes may be cut
// anywhere: crc32c(crc32c(0, a), b) is the checksum of a followed by b.
// Source: RFC 3720, appendix B.4; polynomial 0x1EDC6F41, reflected 0x82F63B78.
#ifndef LECTOR_CRC32C_H
#define LECTOR_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t lector_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
