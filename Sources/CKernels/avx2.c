// The level for CPUs with AVX2 and FMA: the portable code compiled for them; matrix products,
// the recurrence and attention of its own.
#include "avx2_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX2))), apply_to = function)
#define CK_HAS_FMA
#define CK_LEVEL_TABLE ck_avx2_table
#define CK_LEVEL_NAME "avx2"
#define CK_LEVEL_GEMM avx2_gemm
#define CK_LEVEL_RECURRENCE ck_avx2_kda_recurrence
#define CK_LEVEL_BLOCKS ck_avx2_mla_blocks
#define CK_LEVEL_ABSORBED ck_avx2_mla_absorbed
#define CK_LEVEL_MERGE ck_avx2_mla_merge
#include "generic_level.h"

// Rows of a tile, and bytes ahead of its weights that a row or two ask for.
#ifndef CK_ROWS
#define CK_ROWS 6
#endif
#ifndef CK_AHEAD
#define CK_AHEAD 4096
#endif

// The end of a group of K for its 16 columns, as two halves; see ck_offset_bits.
INLINE void add_group(__m256 *acc, const __m256i *sum, const uint8_t *offset, const __m256 *d) {
    __m256 away = _mm256_castsi256_ps(_mm256_set1_epi32(ck_word_at(offset)));
    UNROLL for (int c = 0; c < 2; c++)
        acc[c] = _mm256_fmadd_ps(_mm256_sub_ps(_mm256_castsi256_ps(sum[c]), away), d[c], acc[c]);
}

INLINE void load_scales(__m256 *d, const uint8_t *scales) {
    UNROLL for (int c = 0; c < 2; c++) d[c] = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(scales + 16 * c)));
}

// 16 columns of R rows; a line of 64 bytes is two halves of 8 columns by 4 values of K.
INLINE void tile_q4(const int R, const bool asks, __m256 (*acc)[2], const uint8_t *x, int64_t xb, const uint8_t *panel,
                    int64_t K) {
    const uint8_t *scales = panel + K / 8 * 64;
    const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
    for (int64_t g = 0; g < K / 32; g++) {
        // A panel's lines and scales lie in one stretch of 288 bytes a group.
        if (asks) {
            UNROLL for (int j = 0; j < 5; j++)
                _mm_prefetch((const char *)panel + 288 * g + 64 * j + CK_AHEAD, _MM_HINT_T0);
        }
        // Eight products of at most 2 * 15 * 127 fit 16 bits.
        __m256i half[CK_ROWS][2];
        UNROLL for (int r = 0; r < R; r++) half[r][0] = half[r][1] = _mm256_setzero_si256();
        UNROLL for (int j = 0; j < 4; j++)
            UNROLL for (int c = 0; c < 2; c++) {
                __m256i w = _mm256_load_si256((const __m256i *)(panel + 64 * (4 * g + j) + 32 * c));
                __m256i even = _mm256_and_si256(w, low), odd = _mm256_and_si256(_mm256_srli_epi16(w, 4), low);
                UNROLL for (int r = 0; r < R; r++) {
                    const uint8_t *xk = x + r * xb + 32 * g + 8 * j;
                    half[r][c] = _mm256_add_epi16(half[r][c], _mm256_maddubs_epi16(even, _mm256_set1_epi32(ck_word_at(xk))));
                    half[r][c] = _mm256_add_epi16(half[r][c], _mm256_maddubs_epi16(odd, _mm256_set1_epi32(ck_word_at(xk + 4))));
                }
            }
        __m256 d[2];
        load_scales(d, scales + 32 * g);
        UNROLL for (int r = 0; r < R; r++) {
            __m256i start = _mm256_set1_epi32(ck_word_at(x + r * xb + ck_row_q4_starts(K) + 4 * g)), sum[2];
            UNROLL for (int c = 0; c < 2; c++) sum[c] = _mm256_add_epi32(start, _mm256_madd_epi16(half[r][c], ones));
            add_group(acc[r], sum, x + r * xb + ck_row_offsets(K) + 4 * (g / 2), d);
        }
    }
}

INLINE void tile_q8(const int R, __m256 (*acc)[2], const uint8_t *x, int64_t xb, const uint8_t *panel, int64_t K) {
    const uint8_t *scales = panel + K / 4 * 64;
    const __m256i ones = _mm256_set1_epi16(1);
    for (int64_t g = 0; g < K / 64; g++) {
        __m256i sum[CK_ROWS][2];
        UNROLL for (int r = 0; r < R; r++)
            sum[r][0] = sum[r][1] = _mm256_set1_epi32(ck_word_at(x + r * xb + ck_row_offsets(K) + 4 * g));
        for (int j = 0; j < 16; j++)
            UNROLL for (int c = 0; c < 2; c++) {
                __m256i w = _mm256_load_si256((const __m256i *)(panel + 64 * (16 * g + j) + 32 * c));
                __m256i magnitude = _mm256_abs_epi8(w);
                UNROLL for (int r = 0; r < R; r++) {  // |w| times x with the sign of w: 2 * 127 * 127 fits 16 bits
                    __m256i signed_x = _mm256_sign_epi8(_mm256_set1_epi32(ck_word_at(x + r * xb + 64 * g + 4 * j)), w);
                    sum[r][c] = _mm256_add_epi32(sum[r][c], _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, signed_x), ones));
                }
            }
        __m256 d[2];
        load_scales(d, scales + 32 * g);
        UNROLL for (int r = 0; r < R; r++) add_group(acc[r], sum[r], x + r * xb + ck_row_offsets(K) + 4 * g, d);
    }
}

INLINE void tile_f32(const int R, __m256 (*acc)[2], const float *x, int64_t ldx, const float *panel, int64_t K) {
    for (int64_t k = 0; k < K; k++) {
        __m256 w[2] = {_mm256_load_ps(panel + 16 * k), _mm256_load_ps(panel + 16 * k + 8)};
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int c = 0; c < 2; c++) acc[r][c] = _mm256_fmadd_ps(_mm256_set1_ps(x[r * ldx + k]), w[c], acc[r][c]);
    }
}

INLINE void tile_bf16(const int R, __m256 (*acc)[2], const uint8_t *x, int64_t xb, const uint8_t *panel, int64_t K) {
    const __m256i high = _mm256_set1_epi32((int32_t)0xFFFF0000);
    for (int64_t k = 0; k < K / 2; k++)
        UNROLL for (int c = 0; c < 2; c++) {
            __m256i w = _mm256_load_si256((const __m256i *)(panel + 64 * k + 32 * c));
            __m256 even = _mm256_castsi256_ps(_mm256_slli_epi32(w, 16)), odd = _mm256_castsi256_ps(_mm256_and_si256(w, high));
            UNROLL for (int r = 0; r < R; r++) {
                uint32_t pair = (uint32_t)ck_word_at(x + r * xb + 4 * k);
                acc[r][c] = _mm256_fmadd_ps(_mm256_set1_ps(ck_from_bits(pair << 16)), even, acc[r][c]);
                acc[r][c] = _mm256_fmadd_ps(_mm256_set1_ps(ck_from_bits(pair & 0xFFFF0000)), odd, acc[r][c]);
            }
        }
}

INLINE void tile(const int R, const bool asks, float *y, int64_t ldy, const uint8_t *x, int64_t xb, const ck_matrix *w, int64_t p) {
    const uint8_t *panel = ck_panel(w, p);
    __m256 acc[CK_ROWS][2];
    UNROLL for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = _mm256_setzero_ps();
    switch (w->format) {
        case CK_F32: tile_f32(R, acc, (const float *)x, xb / 4, (const float *)panel, w->K); break;
        case CK_BF16: tile_bf16(R, acc, x, xb, panel, w->K); break;
        case CK_Q8: tile_q8(R, acc, x, xb, panel, w->K); break;
        case CK_Q4: tile_q4(R, asks, acc, x, xb, panel, w->K); break;
    }
    bool scaled = w->format == CK_Q8 || w->format == CK_Q4;
    int64_t columns = ck_min(16, w->N - 16 * p);
    UNROLL for (int r = 0; r < R; r++) {
        __m256 sx = _mm256_set1_ps(scaled ? ck_from_bits((uint32_t)ck_word_at(x + r * xb + ck_row_scale(w->K))) : 1);
        _Alignas(32) float row[16];
        UNROLL for (int c = 0; c < 2; c++) _mm256_store_ps(row + 8 * c, _mm256_mul_ps(acc[r][c], sx));
        memcpy(y + r * ldy + 16 * p, row, (size_t)columns * 4);
    }
}

typedef void tile_of_rows(float *, int64_t, const uint8_t *, int64_t, const ck_matrix *, int64_t);
#define CK_TILE(name, R, asks)                                                                                         \
    static void name(float *y, int64_t ldy, const uint8_t *x, int64_t xb, const ck_matrix *w, int64_t p) {             \
        tile(R, asks, y, ldy, x, xb, w, p);                                                                            \
    }
CK_TILE(rows_1, 1, false)
CK_TILE(rows_2, 2, false)
CK_TILE(rows_3, 3, false)
CK_TILE(rows_4, 4, false)
CK_TILE(rows_5, 5, false)
CK_TILE(rows_6, 6, false)
CK_TILE(rows_1_cold, 1, true)
CK_TILE(rows_2_cold, 2, true)

static void avx2_gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M, const ck_matrix *w,
                      int64_t p0, int64_t p1) {
    static tile_of_rows *const tiles[] = {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6};
    // A row or two wait for memory and ask ahead.
    tile_of_rows *const few = M == 1 ? rows_1_cold : rows_2_cold;
    // As many rows at a time as stay in the second-level cache while the panels pass by.
    int64_t most = ck_max(48, (128 << 10) / ck_max(x_row_bytes, 1) / CK_ROWS * CK_ROWS);
    for (int64_t m0 = 0; m0 < M; m0 += most)
        for (int64_t p = p0; p < p1; p++)
            for (int64_t m = m0, end = ck_min(M, m0 + most); m < end; m += CK_ROWS)
                (M <= 2 ? few : tiles[ck_min(CK_ROWS, end - m) - 1])(
                    y + m * ldy, ldy, (const uint8_t *)x + m * x_row_bytes, x_row_bytes, w, p);
}

#pragma clang attribute pop
#endif
