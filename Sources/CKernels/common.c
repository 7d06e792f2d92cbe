// Packing, conversions, activation quantization and the choice of a level: what has the same
// bits on every level.
#pragma STDC FP_CONTRACT OFF

#include "kernels_internal.h"

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// ---------------------------------------------------------------- conversions

float ck_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7FFF;
    if (magnitude >= 0x7C00) return ck_from_bits(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
    // Moves the exponent by a product, which also normalises subnormals; exact.
    float x = ck_from_bits(magnitude << 13) * 0x1p112f;
    return ck_from_bits(sign | ck_bits(x));
}

uint16_t ck_f32_to_f16(float x) {
    uint32_t b = ck_bits(x), sign = b >> 16 & 0x8000, magnitude = b & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00);  // rounds to 65536 or more
    if (magnitude < 0x38800000) {
        // Subnormal: adding 0.5 puts the last bit of fp16 at the last bit of the sum.
        float shifted = ck_from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (ck_bits(shifted) - 0x3F000000));
    }
    uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

float ck_bf16_to_f32(uint16_t b) { return ck_from_bits((uint32_t)b << 16); }

uint16_t ck_f32_to_bf16(float x) {
    uint32_t b = ck_bits(x);
    if ((b & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(b >> 16 | 0x40);
    return (uint16_t)((b + 0x7FFF + (b >> 16 & 1)) >> 16);
}

void ck_common_to_bf16(uint16_t *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i++) out[m * ldo + i] = ck_f32_to_bf16(x[m * ldx + i]);
}

void ck_common_from_bf16(float *out, int64_t ldo, const uint16_t *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i++) out[m * ldo + i] = ck_bf16_to_f32(x[m * ldx + i]);
}

// ---------------------------------------------------------------- packing

bool ck_format_fits(ck_format format, int64_t K) {
    if (K < 1) return false;
    switch (format) {
        case CK_F32: return true;
        case CK_BF16: return K % 2 == 0;
        case CK_Q8: return K % 64 == 0;
        case CK_Q4: return K % 32 == 0;
    }
    return false;
}

int64_t ck_panel_count(int64_t N) { return (N + 15) / 16; }

int64_t ck_panel_bytes(ck_format format, int64_t K) {
    int64_t bytes = ck_panel_data_bytes(format, K);
    if (format == CK_Q8 || format == CK_Q4) bytes += K / ck_group(format) * 32;
    return ck_round_up(bytes, 64);
}

int64_t ck_matrix_bytes(ck_format format, int64_t N, int64_t K) {
    return ck_panel_count(N) * ck_panel_bytes(format, K);
}

// The largest |x| of a group and its sign, the first on ties. NaN counts as infinite.
static float group_extreme(const float *x, int64_t n) {
    float extreme = 0, magnitude = 0;
    for (int64_t i = 0; i < n; i++) {
        float a = fabsf(x[i]);
        if (a != a) return INFINITY;
        if (a > magnitude) {
            magnitude = a;
            extreme = x[i];
        }
    }
    return extreme;
}

static int clamped_quotient(float x, float d, int low, int high) {
    if (d == 0) return 0;
    float q = rintf(x / d);
    return q < (float)low ? low : q > (float)high ? high : (int)q;
}

// One column of a panel. Returns false on values that cannot be stored.
static bool pack_column(uint8_t *panel, ck_format format, const float *x, int64_t K, int64_t c) {
    bool good = true;
    switch (format) {
        case CK_F32:
            for (int64_t k = 0; k < K; k++) {
                float value = isfinite(x[k]) ? x[k] : (good = false, 0.0f);
                memcpy(panel + (k * 16 + c) * 4, &value, 4);
            }
            break;
        case CK_BF16:
            for (int64_t k = 0; k < K; k++) {
                uint16_t value = ck_f32_to_bf16(x[k]);
                if ((value & 0x7F80) == 0x7F80) good = false, value = 0;
                memcpy(panel + ((k / 2 * 16 + c) * 2 + k % 2) * 2, &value, 2);
            }
            break;
        case CK_Q8:
        case CK_Q4: {
            int64_t group = ck_group(format);
            uint8_t *scales = panel + ck_panel_data_bytes(format, K);
            for (int64_t g = 0; g < K / group; g++) {
                const float *xg = x + g * group;
                float extreme = group_extreme(xg, group);
                uint16_t scale = ck_f32_to_f16(format == CK_Q8 ? fabsf(extreme) / 127 : extreme / -8);
                if ((scale & 0x7C00) == 0x7C00) good = false, scale = 0;
                if ((scale & 0x7FFF) == 0) scale = 0;
                float d = ck_f16_to_f32(scale);
                memcpy(scales + (g * 16 + c) * 2, &scale, 2);
                for (int64_t i = 0; i < group; i++) {
                    int64_t k = g * group + i;
                    if (format == CK_Q8) {
                        panel[(k / 4 * 16 + c) * 4 + k % 4] =
                            (uint8_t)(int8_t)clamped_quotient(xg[i], d, -127, 127);
                    } else {
                        int q = clamped_quotient(xg[i], d, -8, 7) + 8;
                        uint8_t *byte = &panel[(k / 8 * 16 + c) * 4 + k % 4];
                        *byte = (uint8_t)(k / 4 % 2 ? (*byte & 0x0F) | q << 4 : (*byte & 0xF0) | q);
                    }
                }
            }
            break;
        }
    }
    return good;
}

bool ck_pack(void *data, ck_format format, const float *w, int64_t ldw, int64_t N, int64_t K,
             int64_t p0, int64_t p1) {
    bool good = true;
    int64_t bytes = ck_panel_bytes(format, K), data_bytes = ck_panel_data_bytes(format, K);
    for (int64_t p = p0; p < p1; p++) {
        uint8_t *panel = (uint8_t *)data + p * bytes;
        memset(panel, format == CK_Q4 ? 0x88 : 0, (size_t)data_bytes);
        memset(panel + data_bytes, 0, (size_t)(bytes - data_bytes));
        for (int64_t c = 0; c < 16 && p * 16 + c < N; c++)
            good &= pack_column(panel, format, w + (p * 16 + c) * ldw, K, c);
    }
    return good;
}

void ck_unpack_row(float *out, const ck_matrix *w, int64_t n) {
    const uint8_t *panel = ck_panel(w, n / 16);
    int64_t K = w->K, c = n % 16;
    const uint16_t *scales = (const uint16_t *)(panel + ck_panel_data_bytes(w->format, K));
    switch (w->format) {
        case CK_F32:
            for (int64_t k = 0; k < K; k++) out[k] = ((const float *)panel)[k * 16 + c];
            break;
        case CK_BF16:
            for (int64_t k = 0; k < K; k++)
                out[k] = ck_bf16_to_f32(((const uint16_t *)panel)[(k / 2 * 16 + c) * 2 + k % 2]);
            break;
        case CK_Q8:
            for (int64_t g = 0; g < K / 64; g++) {
                float d = ck_f16_to_f32(scales[g * 16 + c]);
                for (int64_t k = g * 64; k < g * 64 + 64; k++)
                    out[k] = d * (float)(int8_t)panel[(k / 4 * 16 + c) * 4 + k % 4];
            }
            break;
        case CK_Q4:
            for (int64_t g = 0; g < K / 32; g++) {
                float d = ck_f16_to_f32(scales[g * 16 + c]);
                for (int64_t k = g * 32; k < g * 32 + 32; k++) {
                    int byte = panel[(k / 8 * 16 + c) * 4 + k % 4];
                    out[k] = d * (float)((k / 4 % 2 ? byte >> 4 : byte & 15) - 8);
                }
            }
            break;
    }
}

// ---------------------------------------------------------------- activations

int64_t ck_activation_row_bytes(ck_format format, int64_t K) {
    if (format == CK_F32) return 4 * K;
    if (format == CK_BF16) return ck_round_up(2 * K, 64);
    // An odd number of lines: rows a power of two apart would share few cache sets.
    return ck_round_up(ck_row_scale(K) + 4, 64) | 64;
}

void ck_common_prepare(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K) {
    int64_t bytes = ck_activation_row_bytes(format, K);
    for (int64_t m = 0; m < M; m++) {
        uint8_t *row = (uint8_t *)out + m * bytes;
        if (format == CK_BF16) {
            ck_common_to_bf16((uint16_t *)row, K, x + m * ldx, ldx, 1, K);
        } else if (format == CK_F32) {
            memcpy(row, x + m * ldx, (size_t)(4 * K));
        } else {
            ck_prepare_int8(row, x + m * ldx, K);
        }
    }
}

void ck_common_add(float *x, const float *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) x[i] += y[i];
}

int64_t ck_common_argmax(const float *x, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 0; i < n; i++) {
        if (x[i] != x[i]) return -1;
        if (x[i] > x[best]) best = i;
    }
    return best;
}

int64_t ck_mla_scratch_bytes(int64_t width, int64_t value_width) {
    // One block of keys as panels [width][64], one of values, scores of up to 16 query rows.
    // Six queries of `width` floats beside them serve the absorbed form.
    return 4 * CK_KEY_BLOCK * (ck_round_up(width, 16) + ck_round_up(value_width, 16) + 16) + 1024
        + 6 * 4 * ck_round_up(width, 16);
}

int64_t ck_mla_blocks_scratch_bytes(int64_t T, int64_t width) {
    // Queries and four rows of softmax weights as float; levels that keep them as bf16 pairs need less.
    return T * 4 * ck_round_up(width, 16) + 4 * 4 * CK_KEY_BLOCK + 64;
}

int64_t ck_key_block_words(int64_t width, int64_t dv) {
    return ck_block_values(width) + CK_KEY_BLOCK * ck_round_up(dv, 16);
}

void ck_common_pack_keys(uint16_t *block, const float *kv, int64_t ld_kv, const uint16_t *k_r, int64_t ld_kr,
                         int64_t H, int64_t dn, int64_t dr, int64_t dv, int64_t begin, int64_t end, bool fresh) {
    int64_t words = ck_key_block_words(dn + dr, dv), padded = ck_round_up(dv, 16);
    if (fresh) memset(block, 0, (size_t)(H * words) * 2);
    for (int64_t h = 0; h < H; h++)
        for (int64_t j = begin; j < end; j++) {
            uint16_t *keys = block + h * words, *values = keys + ck_block_values(dn + dr) + j / 2 * padded * 2 + j % 2;
            const float *row = kv + (j - begin) * ld_kv + h * (dn + dv);
            for (int64_t i = 0; i < dn; i++)
                keys[(i / 2 * CK_KEY_BLOCK + j) * 2 + i % 2] = ck_f32_to_bf16(row[i]);
            for (int64_t i = dn; i < dn + dr; i++)
                keys[(i / 2 * CK_KEY_BLOCK + j) * 2 + i % 2] = k_r[(j - begin) * ld_kr + i - dn];
            for (int64_t i = 0; i < dv; i++) values[2 * i] = ck_f32_to_bf16(row[dn + i]);
        }
}

// ---------------------------------------------------------------- levels

static const ck_kernels *const tables[] = {
    &ck_reference_table,
    &ck_generic_table,
#if defined(__x86_64__)
    &ck_avx2_table,
    &ck_avx512_table,
#elif defined(__aarch64__)
    &ck_neon_table,
#endif
};

int32_t ck_level_count(void) { return (int32_t)(sizeof tables / sizeof tables[0]); }

const char *ck_level_name(int32_t index) {
    return index >= 0 && index < ck_level_count() ? tables[index]->name : NULL;
}

bool ck_level_available(int32_t index) {
    if (index < 0 || index >= ck_level_count()) return false;
#if defined(__x86_64__)
    if (tables[index] == &ck_avx2_table)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    if (tables[index] == &ck_avx512_table)  // also asks whether the system saves the registers
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
            && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__) && defined(__linux__)
    if (tables[index] == &ck_neon_table) return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#endif
    return true;
}

const ck_kernels *ck_kernels_get(const char *level) {
    for (int32_t i = ck_level_count() - 1; i >= 0; i--)
        if ((!level || strcmp(level, tables[i]->name) == 0) && ck_level_available(i)) return tables[i];
    return NULL;
}
