// The level for 64-bit ARM with dot products (ARMv8.2): the portable code, which the compiler puts in
// NEON registers, and matrix products of its own.
#if defined(__aarch64__)
#include <arm_neon.h>
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define CK_HAS_FMA
#define CK_LEVEL_TABLE ck_neon_table
#define CK_LEVEL_NAME "neon"
#define CK_LEVEL_GEMM neon_gemm
#include "generic_level.h"

// The end of a group of K for its 16 columns, in quarters; see ck_offset_bits.
INLINE void add_group(float32x4_t *acc, const int32x4_t *sum, const uint8_t *offset, const float32x4_t *d) {
    float32x4_t away = vreinterpretq_f32_s32(vdupq_n_s32(ck_word_at(offset)));
    UNROLL for (int c = 0; c < 4; c++)
        acc[c] = vfmaq_f32(acc[c], vsubq_f32(vreinterpretq_f32_s32(sum[c]), away), d[c]);
}

INLINE void load_scales(float32x4_t *d, const uint8_t *scales) {
    UNROLL for (int c = 0; c < 4; c++)
        d[c] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)(const void *)(scales + 8 * c))));
}

// 16 columns of R rows; a line of 64 bytes is four quarters of 4 columns by 4 values of K.
INLINE void tile_q4(const int R, float32x4_t (*acc)[4], const uint8_t *x, int64_t xb, const uint8_t *panel, int64_t K) {
    const uint8_t *scales = panel + K / 8 * 64;
    const uint8x16_t low = vdupq_n_u8(15);
    for (int64_t g = 0; g < K / 32; g++) {
        int32x4_t sum[2][4];
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int c = 0; c < 4; c++) sum[r][c] = vdupq_n_s32(ck_word_at(x + r * xb + ck_row_q4_starts(K) + 4 * g));
        UNROLL for (int j = 0; j < 4; j++)
            UNROLL for (int c = 0; c < 4; c++) {
                uint8x16_t w = vld1q_u8(panel + 64 * (4 * g + j) + 16 * c);
                int8x16_t even = vreinterpretq_s8_u8(vandq_u8(w, low)), odd = vreinterpretq_s8_u8(vshrq_n_u8(w, 4));
                UNROLL for (int r = 0; r < R; r++) {
                    const uint8_t *xk = x + r * xb + 32 * g + 8 * j;
                    sum[r][c] = vdotq_s32(sum[r][c], even, vreinterpretq_s8_s32(vdupq_n_s32(ck_word_at(xk))));
                    sum[r][c] = vdotq_s32(sum[r][c], odd, vreinterpretq_s8_s32(vdupq_n_s32(ck_word_at(xk + 4))));
                }
            }
        float32x4_t d[4];
        load_scales(d, scales + 32 * g);
        UNROLL for (int r = 0; r < R; r++) add_group(acc[r], sum[r], x + r * xb + ck_row_offsets(K) + 4 * (g / 2), d);
    }
}

INLINE void tile_q8(const int R, float32x4_t (*acc)[4], const uint8_t *x, int64_t xb, const uint8_t *panel, int64_t K) {
    const uint8_t *scales = panel + K / 4 * 64;
    for (int64_t g = 0; g < K / 64; g++) {
        int32x4_t sum[2][4];
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int c = 0; c < 4; c++) sum[r][c] = vdupq_n_s32(ck_word_at(x + r * xb + ck_row_offsets(K) + 4 * g));
        for (int j = 0; j < 16; j++)
            UNROLL for (int c = 0; c < 4; c++) {
                int8x16_t w = vld1q_s8((const int8_t *)panel + 64 * (16 * g + j) + 16 * c);
                UNROLL for (int r = 0; r < R; r++)
                    sum[r][c] = vdotq_s32(sum[r][c], w, vreinterpretq_s8_s32(vdupq_n_s32(ck_word_at(x + r * xb + 64 * g + 4 * j))));
            }
        float32x4_t d[4];
        load_scales(d, scales + 32 * g);
        UNROLL for (int r = 0; r < R; r++) add_group(acc[r], sum[r], x + r * xb + ck_row_offsets(K) + 4 * g, d);
    }
}

INLINE void tile_f32(const int R, float32x4_t (*acc)[4], const float *x, int64_t ldx, const float *panel, int64_t K) {
    for (int64_t k = 0; k < K; k++)
        UNROLL for (int c = 0; c < 4; c++) {
            float32x4_t w = vld1q_f32(panel + 16 * k + 4 * c);
            UNROLL for (int r = 0; r < R; r++) acc[r][c] = vfmaq_n_f32(acc[r][c], w, x[r * ldx + k]);
        }
}

INLINE void tile_bf16(const int R, float32x4_t (*acc)[4], const uint8_t *x, int64_t xb, const uint8_t *panel, int64_t K) {
    for (int64_t k = 0; k < K / 2; k++)
        UNROLL for (int c = 0; c < 4; c++) {
            uint32x4_t w = vld1q_u32((const uint32_t *)(const void *)(panel + 64 * k + 16 * c));
            float32x4_t even = vreinterpretq_f32_u32(vshlq_n_u32(w, 16));
            float32x4_t odd = vreinterpretq_f32_u32(vandq_u32(w, vdupq_n_u32(0xFFFF0000)));
            UNROLL for (int r = 0; r < R; r++) {
                uint32_t pair = (uint32_t)ck_word_at(x + r * xb + 4 * k);
                acc[r][c] = vfmaq_n_f32(acc[r][c], even, ck_from_bits(pair << 16));
                acc[r][c] = vfmaq_n_f32(acc[r][c], odd, ck_from_bits(pair & 0xFFFF0000));
            }
        }
}

INLINE void tile(const int R, float *y, int64_t ldy, const uint8_t *x, int64_t xb, const ck_matrix *w, int64_t p) {
    const uint8_t *panel = ck_panel(w, p);
    float32x4_t acc[2][4];
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int c = 0; c < 4; c++) acc[r][c] = vdupq_n_f32(0);
    switch (w->format) {
        case CK_F32: tile_f32(R, acc, (const float *)(const void *)x, xb / 4, (const float *)(const void *)panel, w->K); break;
        case CK_BF16: tile_bf16(R, acc, x, xb, panel, w->K); break;
        case CK_Q8: tile_q8(R, acc, x, xb, panel, w->K); break;
        case CK_Q4: tile_q4(R, acc, x, xb, panel, w->K); break;
    }
    bool scaled = w->format == CK_Q8 || w->format == CK_Q4;
    int64_t columns = ck_min(16, w->N - 16 * p);
    UNROLL for (int r = 0; r < R; r++) {
        float sx = scaled ? ck_from_bits((uint32_t)ck_word_at(x + r * xb + ck_row_scale(w->K))) : 1, row[16];
        UNROLL for (int c = 0; c < 4; c++) vst1q_f32(row + 4 * c, vmulq_n_f32(acc[r][c], sx));
        memcpy(y + r * ldy + 16 * p, row, (size_t)columns * 4);
    }
}

static void neon_gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M, const ck_matrix *w,
                      int64_t p0, int64_t p1) {
    // As many rows at a time as stay in the second-level cache while the panels pass by.
    int64_t most = ck_max(48, (128 << 10) / ck_max(x_row_bytes, 1) / 2 * 2);
    for (int64_t m0 = 0; m0 < M; m0 += most)
        for (int64_t p = p0; p < p1; p++)
            for (int64_t m = m0, end = ck_min(M, m0 + most); m < end; m += 2) {
                const uint8_t *xm = (const uint8_t *)x + m * x_row_bytes;
                if (end - m >= 2) tile(2, y + m * ldy, ldy, xm, x_row_bytes, w, p);
                else tile(1, y + m * ldy, ldy, xm, x_row_bytes, w, p);
            }
}

#pragma clang attribute pop
#endif
