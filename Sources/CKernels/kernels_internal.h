// What the levels share: the layouts of ckernels.h as offsets, and small exact helpers.
#ifndef LECTOR_KERNELS_INTERNAL_H
#define LECTOR_KERNELS_INTERNAL_H

#include "ckernels.h"

#include <math.h>
#include <string.h>

// Keys of one step of the running softmax; blocks stand at multiples of it.
#define CK_KEY_BLOCK 64
#define CK_MAX_CONV_WIDTH 16

extern const ck_kernels ck_reference_table;
extern const ck_kernels ck_generic_table;
#if defined(__x86_64__)
extern const ck_kernels ck_avx2_table;
extern const ck_kernels ck_avx512_table;
#elif defined(__aarch64__)
extern const ck_kernels ck_neon_table;
#endif

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

static inline int64_t ck_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t ck_max(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t ck_round_up(int64_t a, int64_t unit) { return (a + unit - 1) / unit * unit; }

static inline uint32_t ck_bits(float x) {
    uint32_t b;
    memcpy(&b, &x, 4);
    return b;
}

static inline float ck_from_bits(uint32_t b) {
    float x;
    memcpy(&x, &b, 4);
    return x;
}

// ck_bf16_to_f32 where a call for each value would keep a loop out of vector registers.
static inline float ck_widen(uint16_t b) { return ck_from_bits((uint32_t)b << 16); }

static inline int32_t ck_word_at(const void *p) {
    int32_t word;
    memcpy(&word, p, 4);
    return word;
}

// Bytes of a panel before its scales.
static inline int64_t ck_panel_data_bytes(ck_format format, int64_t K) {
    switch (format) {
        case CK_F32: return K * 64;
        case CK_BF16: return K / 2 * 64;
        case CK_Q8: return K / 4 * 64;
        case CK_Q4: return K / 8 * 64;
    }
    return 0;
}

static inline int64_t ck_group(ck_format format) { return format == CK_Q4 ? 32 : 64; }

static inline const uint8_t *ck_panel(const ck_matrix *w, int64_t p) {
    return (const uint8_t *)w->data + p * ck_panel_bytes(w->format, w->K);
}

// Parts of one prepared int8 row.
static inline int64_t ck_row_q4_starts(int64_t K) { return ck_round_up(K, 64); }
static inline int64_t ck_row_q8_starts(int64_t K) { return ck_round_up(K, 64) + 4 * (K / 32); }
static inline int64_t ck_row_offsets(int64_t K) {
    return ck_round_up(K, 64) + 4 * (K / 32) + 4 * (K / 64);
}
static inline int64_t ck_row_scale(int64_t K) { return ck_row_offsets(K) + 4 * ((K + 63) / 64); }

// A group's scale is the row's times 2^(shift - CK_MOST_SHIFT), shift in 0 ... CK_MOST_SHIFT.
#define CK_MOST_SHIFT 10
static inline int32_t ck_group_shift(uint32_t row_largest, uint32_t group_largest) {
    int32_t below = (int32_t)(row_largest - group_largest) >> 23;  // whole powers of two
    return CK_MOST_SHIFT - (below < CK_MOST_SHIFT ? below : CK_MOST_SHIFT);
}

// The bits of 1.5 * 2^(23 + shift). There the last bit of a float stands for 2^shift, so adding an
// integer below 2^22 to the bits adds sum * 2^shift to the float, and taking the offset away again
// leaves float(sum << shift), exactly: conversion and scale are one subtraction.
static inline int32_t ck_offset_bits(int32_t shift) { return (127 + 23 + shift) << 23 | 1 << 22; }
static inline int32_t ck_offset_shift(int32_t bits) { return (bits >> 23) - (127 + 23); }

// Keys lo ..< hi (absolute) that query t sees among keys key0 ..< key0+S.
static inline void ck_key_range(int64_t t, int64_t window, int64_t key0, int64_t S, int64_t *lo,
                                int64_t *hi) {
    int64_t low = window > 0 ? ck_max(0, t - window + 1) : 0;
    *lo = ck_max(low, key0);
    *hi = ck_min(t + 1, key0 + S);
}

// One row of int8 activations, in the header so that each level compiles it for its CPU.
static inline uint32_t ck_largest_magnitude(const float *x, int64_t n) {
    uint32_t largest = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t magnitude = ck_bits(x[i]) & 0x7FFFFFFF;
        if (magnitude > largest) largest = magnitude;
    }
    return largest;
}

static inline void ck_prepare_int8(uint8_t *row, const float *x, int64_t K) {
    int8_t *q = (int8_t *)row;
    int32_t *q4_starts = (int32_t *)(row + ck_row_q4_starts(K));
    int32_t *q8_starts = (int32_t *)(row + ck_row_q8_starts(K));
    int32_t *offsets = (int32_t *)(row + ck_row_offsets(K));
    uint32_t largest = ck_largest_magnitude(x, K);
    float sx = ck_from_bits(largest) / 127 * 0x1p-10f;
    bool usable = largest < 0x7F800000 && sx >= 0x1p-126f;
    for (int64_t g = 0; 64 * g < K; g++) {
        int64_t begin = 64 * g, end = ck_min(begin + 64, K);
        int32_t shift = usable ? ck_group_shift(largest, ck_largest_magnitude(x + begin, end - begin)) : 0;
        float per_unit = usable ? 1 / sx / (float)(1 << shift) : 0;
        offsets[g] = ck_offset_bits(shift);
        for (int64_t k = begin; k < end; k++) {
            float r = usable ? rintf(x[k] * per_unit) : 0;
            q[k] = (int8_t)(r > 127 ? 127 : r < -127 ? -127 : r);
        }
    }
    for (int64_t k = K; k < ck_round_up(K, 64); k++) q[k] = 0;
    for (int64_t g = 0; g < K / 32; g++) {
        int32_t sum = 0;
        for (int64_t k = 32 * g; k < 32 * g + 32; k++) sum += q[k];
        q4_starts[g] = offsets[g / 2] - 8 * sum;
    }
    for (int64_t g = 0; g < K / 64; g++)
        q8_starts[g] = 16 * ((q4_starts[2 * g] - offsets[g]) + (q4_starts[2 * g + 1] - offsets[g])) + offsets[g];
    *(float *)(row + ck_row_scale(K)) = largest < 0x7F800000 ? (usable ? sx : 0) : NAN;
}

// A head's part of a key block: pairs of components, then where its values begin (words).
static inline int64_t ck_key_pairs(int64_t width) { return (width + 1) / 2; }
static inline int64_t ck_block_values(int64_t width) { return ck_key_pairs(width) * 2 * CK_KEY_BLOCK; }

// Which of a block's keys a query sees, as bits.
static inline uint64_t ck_seen_keys(int64_t query, int64_t window, int64_t key0, int64_t S, int64_t block) {
    int64_t lo, hi;
    ck_key_range(query, window, key0, S, &lo, &hi);
    lo = ck_max(lo - block, 0);
    hi = ck_min(hi - block, CK_KEY_BLOCK);
    if (lo >= hi) return 0;
    return (hi == 64 ? ~0ull : (1ull << hi) - 1) & ~0ull << lo;
}

// mla_merge of the levels that keep row_max in units of log 2, in the header so that each compiles it for its CPU.
static inline void ck_merge_log2(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                                 int64_t ld_state, int64_t parts, int64_t r) {
    float largest = -INFINITY, sum = 0;
    for (int64_t p = 0; p < parts; p++) largest = fmaxf(largest, row_max[p * ld_state]);
    for (int64_t p = 0; p < parts; p++) sum += exp2f(row_max[p * ld_state] - largest) * row_sum[p * ld_state];
    for (int64_t p = 0; p < parts; p++) {
        float weight = exp2f(row_max[p * ld_state] - largest) / sum;
        for (int64_t i = 0; i < r; i++) out[i] = (p ? out[i] : 0) + weight * z[p * ld_z + i];
    }
}

// Level-independent parts, in common.c: the same bits on every level.
void ck_common_prepare(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K);
void ck_common_add(float *x, const float *y, int64_t n);
int64_t ck_common_argmax(const float *x, int64_t n);
void ck_common_to_bf16(uint16_t *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n);
void ck_common_from_bf16(float *out, int64_t ldo, const uint16_t *x, int64_t ldx, int64_t M, int64_t n);
void ck_common_pack_keys(uint16_t *block, const float *kv, int64_t ld_kv, const uint16_t *k_r, int64_t ld_kr,
                         int64_t H, int64_t dn, int64_t dr, int64_t dv, int64_t begin, int64_t end, bool fresh);
void ck_reference_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch);
void ck_reference_log_softmax(float *out, const float *x, int64_t n);
void ck_reference_moe_route(int32_t *index, float *weight, const float *logits, int64_t ldl,
                            const float *bias, int64_t M, int64_t E, int64_t k, int64_t groups,
                            int64_t groups_kept, bool renormalize, float scale);

#endif
