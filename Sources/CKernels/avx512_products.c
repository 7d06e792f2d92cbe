// Matrix products and activation quantization with AVX-512.
#pragma STDC FP_CONTRACT OFF

#include "avx512_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX512))), apply_to = function)

// ---------------------------------------------------------------- matrix products

// Calls `tile` with R as a constant of at most 6 or 12.
#define UP_TO_6(rows, tile, ...)                   \
    case 1: tile(1, __VA_ARGS__); break;           \
    case 2: tile(2, __VA_ARGS__); break;           \
    case 3: tile(3, __VA_ARGS__); break;           \
    case 4: tile(4, __VA_ARGS__); break;           \
    case 5: tile(5, __VA_ARGS__); break;
#define FOR_6_ROWS(rows, tile, ...)                \
    switch (rows) {                                \
        UP_TO_6(rows, tile, __VA_ARGS__)           \
        default: tile(6, __VA_ARGS__); break;      \
    }
#define FOR_12_ROWS(rows, tile, ...)               \
    switch (rows) {                                \
        UP_TO_6(rows, tile, __VA_ARGS__)           \
        case 6: tile(6, __VA_ARGS__); break;       \
        case 7: tile(7, __VA_ARGS__); break;       \
        case 8: tile(8, __VA_ARGS__); break;       \
        case 9: tile(9, __VA_ARGS__); break;       \
        case 10: tile(10, __VA_ARGS__); break;     \
        case 11: tile(11, __VA_ARGS__); break;     \
        default: tile(12, __VA_ARGS__); break;     \
    }

// What the quantized tiles take: rows of x and consecutive panels.
typedef struct {
    float *y;
    int64_t ldy;
    const uint8_t *x;
    int64_t x_row_bytes;
    const uint8_t *panel;
    int64_t panel_bytes, K;
    __mmask16 last;     // columns of the last panel
    int64_t ahead;      // bytes ahead of the panel to ask for; 0 for none
} int8_tile;

// The end of each group of K. The subtraction has execution pipes of its own, where a shift and a
// conversion would take turns with the products (AMD Zen).
INLINE __m512 add_group(__m512 acc, __m512i sum, __m512 offset, __m512 d) {
    return _mm512_fmadd_ps(_mm512_sub_ps(_mm512_castsi512_ps(sum), offset), d, acc);
}

INLINE void store_tile(const int R, const int P, const int8_tile *t, __m512 (*acc)[2]) {
    UNROLL for (int r = 0; r < R; r++) {
        __m512 sx = _mm512_castsi512_ps(broadcast4(t->x + r * t->x_row_bytes + ck_row_scale(t->K)));
        UNROLL for (int p = 0; p < P; p++)
            _mm512_mask_storeu_ps(t->y + r * t->ldy + 16 * p, p == P - 1 ? t->last : 0xFFFF,
                                  _mm512_mul_ps(acc[r][p], sx));
    }
}

// Two panels by six rows: each line of weights is unpacked for six rows, each broadcast of x
// serves two panels, and sums and accumulators just fit the registers.
INLINE void tile_q4(const int R, const int P, const bool asks, const int8_tile *t) {
    const int64_t K = t->K, pb = t->panel_bytes, xb = t->x_row_bytes;
    const uint8_t *scales = t->panel + K / 8 * 64, *x = t->x;
    const uint8_t *starts = x + ck_row_q4_starts(K), *offsets = x + ck_row_offsets(K);
    const __m512i low = _mm512_set1_epi8(15);
    __m512 acc[6][2];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++) acc[r][p] = _mm512_setzero_ps();
    for (int64_t g = 0; g < K / 32; g++) {
        // A panel's lines and scales lie in one stretch of 288 bytes a group: asked for in a row,
        // every line of memory comes early (a prefetch past the end does nothing).
        if (asks) {
            UNROLL for (int p = 0; p < P; p++)
                UNROLL for (int j = 0; j < 5; j++)
                    _mm_prefetch((const char *)t->panel + p * pb + 288 * g + 64 * j + t->ahead, _MM_HINT_T0);
        }
        const uint8_t *xg = x + 32 * g;
        __m512i sum[6][2];
        UNROLL for (int r = 0; r < R; r++) {
            __m512i start = broadcast4(starts + r * xb + 4 * g);
            UNROLL for (int p = 0; p < P; p++) sum[r][p] = start;
        }
        UNROLL for (int j = 0; j < 4; j++) {
            __m512i even[2], odd[2];
            UNROLL for (int p = 0; p < P; p++) {
                __m512i w = _mm512_load_si512(t->panel + p * pb + 64 * (4 * g + j));
                even[p] = _mm512_and_si512(w, low);
                odd[p] = _mm512_and_si512(_mm512_srli_epi16(w, 4), low);
            }
            UNROLL for (int r = 0; r < R; r++) {
                __m512i xk = broadcast4(xg + r * xb + 8 * j);
                UNROLL for (int p = 0; p < P; p++) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], even[p], xk);
            }
            UNROLL for (int r = 0; r < R; r++) {
                __m512i xk = broadcast4(xg + r * xb + 8 * j + 4);
                UNROLL for (int p = 0; p < P; p++) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], odd[p], xk);
            }
        }
        __m512 d[2];
        UNROLL for (int p = 0; p < P; p++)
            d[p] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(scales + p * pb + 32 * g)));
        UNROLL for (int r = 0; r < R; r++) {
            __m512 offset = _mm512_castsi512_ps(broadcast4(offsets + r * xb + 4 * (g / 2)));
            UNROLL for (int p = 0; p < P; p++) acc[r][p] = add_group(acc[r][p], sum[r][p], offset, d[p]);
        }
    }
    store_tile(R, P, t, acc);
}

// The same tile on q8.
INLINE void tile_q8(const int R, const int P, const bool asks, const int8_tile *t) {
    const int64_t K = t->K, xb = t->x_row_bytes, pb = t->panel_bytes;
    const uint8_t *scales = t->panel + K / 4 * 64, *x = t->x;
    const uint8_t *starts = x + ck_row_q8_starts(K), *offsets = x + ck_row_offsets(K);
    const __m512i flip = _mm512_set1_epi8((char)0x80);  // w + 128, unsigned
    __m512 acc[6][2];
    UNROLL for (int r = 0; r < R; r++) UNROLL for (int p = 0; p < P; p++) acc[r][p] = _mm512_setzero_ps();
    for (int64_t g = 0; g < K / 64; g++) {
        if (asks) {
            UNROLL for (int p = 0; p < P; p++)
                UNROLL for (int j = 0; j < 17; j++)
                    _mm_prefetch((const char *)t->panel + p * pb + 1056 * g + 64 * j + t->ahead, _MM_HINT_T0);
        }
        const uint8_t *xg = x + 64 * g;
        __m512i sum[6][2];
        UNROLL for (int r = 0; r < R; r++) {
            __m512i start = broadcast4(starts + r * xb + 4 * g);
            UNROLL for (int p = 0; p < P; p++) sum[r][p] = start;
        }
        UNROLL for (int j = 0; j < 16; j++) {
            __m512i w[2];
            UNROLL for (int p = 0; p < P; p++)
                w[p] = _mm512_xor_si512(_mm512_load_si512(t->panel + p * pb + 64 * (16 * g + j)), flip);
            UNROLL for (int r = 0; r < R; r++) {
                __m512i xk = broadcast4(xg + r * xb + 4 * j);
                UNROLL for (int p = 0; p < P; p++) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], w[p], xk);
            }
        }
        __m512 d[2];
        UNROLL for (int p = 0; p < P; p++)
            d[p] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(scales + p * pb + 32 * g)));
        UNROLL for (int r = 0; r < R; r++) {
            __m512 offset = _mm512_castsi512_ps(broadcast4(offsets + r * xb + 4 * g));
            UNROLL for (int p = 0; p < P; p++) acc[r][p] = add_group(acc[r][p], sum[r][p], offset, d[p]);
        }
    }
    store_tile(R, P, t, acc);
}

static void rows_q4_1(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q4, 1, false, t) }
static void rows_q4_1_cold(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q4, 1, true, t) }
static void rows_q4_2(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q4, 2, false, t) }
static void rows_q4_2_cold(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q4, 2, true, t) }
static void rows_q8_1(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q8, 1, false, t) }
static void rows_q8_2(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q8, 2, false, t) }
static void rows_q8_2_cold(int rows, const int8_tile *t) { FOR_6_ROWS(rows, tile_q8, 2, true, t) }

static void gemm_q8(const int8_tile *whole, int64_t M, const ck_matrix *w, int64_t p0, int64_t p1) {
    int8_tile t = *whole;
    for (int64_t p = p0; p < p1;) {
        const int count = M > 2 && p1 - p >= 2 ? 2 : 1;
        t.panel = ck_panel(w, p);
        t.last = tail_mask(w->N - 16 * (p + count - 1));
        for (int64_t m = 0; m < M;) {
            int rows = tile_rows(M - m, 6);
            t.x = whole->x + m * t.x_row_bytes;
            t.y = whole->y + m * t.ldy + 16 * p;
            t.ahead = count * t.panel_bytes;
            if (count == 2) (m == 0 ? rows_q8_2_cold : rows_q8_2)(rows, &t);
            else rows_q8_1(rows, &t);
            m += rows;
        }
        p += count;
    }
}

static void gemm_q4(const int8_tile *whole, int64_t M, const ck_matrix *w, int64_t p0, int64_t p1) {
    int8_tile t = *whole;
    for (int64_t p = p0; p < p1;) {
        // A row or two wait for memory and go panel by panel; measured, see Benchmarks/LOG.md.
        const int count = M > 2 && p1 - p >= 2 ? 2 : 1;
        t.panel = ck_panel(w, p);
        t.last = tail_mask(w->N - 16 * (p + count - 1));
        for (int64_t m = 0; m < M;) {
            int rows = tile_rows(M - m, 6);
            t.x = whole->x + m * t.x_row_bytes;
            t.y = whole->y + m * t.ldy + 16 * p;
            // The first rows ask for the next panels while they use these.
            t.ahead = M <= 2 ? 6144 : count * t.panel_bytes;
            if (count == 2) (m == 0 ? rows_q4_2_cold : rows_q4_2)(rows, &t);
            else (m == 0 ? rows_q4_1_cold : rows_q4_1)(rows, &t);
            m += rows;
        }
        p += count;
    }
}

INLINE void tile_wide(const int R, const int P, const bool bf16, float *y, int64_t ldy, const float *x,
                      int64_t ldx, const float *w, int64_t panel, int64_t lines, __mmask16 last) {
    __m512 acc[12][4];
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < P; p++) acc[r][p] = _mm512_setzero_ps();
    product(R, P, bf16, acc, x, ldx, w, 16, panel, lines);
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < P; p++)
            _mm512_mask_storeu_ps(y + r * ldy + 16 * p, p == P - 1 ? last : 0xFFFF, acc[r][p]);
}

#define WIDE_KERNEL(name, bf16)                                                                     \
    static void name##_4(int rows, float *y, int64_t ldy, const float *x, int64_t ldx,               \
                         const float *w, int64_t panel, int64_t lines, __mmask16 last) {             \
        FOR_6_ROWS(rows, tile_wide, 4, bf16, y, ldy, x, ldx, w, panel, lines, last)                  \
    }                                                                                                \
    static void name##_1(int rows, float *y, int64_t ldy, const float *x, int64_t ldx,               \
                         const float *w, int64_t panel, int64_t lines, __mmask16 last) {             \
        FOR_12_ROWS(rows, tile_wide, 1, bf16, y, ldy, x, ldx, w, panel, lines, last)                 \
    }
WIDE_KERNEL(wide_f32, false)
WIDE_KERNEL(wide_bf16, true)

static void gemm_wide(float *y, int64_t ldy, const uint8_t *x, int64_t x_row_bytes, int64_t M,
                      const ck_matrix *w, int64_t p0, int64_t p1) {
    bool bf16 = w->format == CK_BF16;
    int64_t lines = bf16 ? w->K / 2 : w->K, panel = ck_panel_bytes(w->format, w->K) / 4;
    for (int64_t p = p0; p < p1;) {
        int64_t count = p1 - p >= 4 ? 4 : 1;
        const float *wp = (const float *)ck_panel(w, p);
        __mmask16 last = tail_mask(w->N - 16 * (p + count - 1));
        for (int64_t m = 0; m < M;) {
            int rows = tile_rows(M - m, count == 4 ? 6 : 12);
            const float *xm = (const float *)(x + m * x_row_bytes);
            float *ym = y + m * ldy + 16 * p;
            if (count == 4) {
                (bf16 ? wide_bf16_4 : wide_f32_4)(rows, ym, ldy, xm, x_row_bytes / 4, wp, panel, lines, last);
            } else {
                (bf16 ? wide_bf16_1 : wide_f32_1)(rows, ym, ldy, xm, x_row_bytes / 4, wp, panel, lines, last);
            }
            m += rows;
        }
        p += count;
    }
}

void ck_avx512_gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                 const ck_matrix *w, int64_t p0, int64_t p1) {
    // As many rows at a time as stay in the second-level cache while the panels pass by.
    int64_t rows = ck_max(48, (384 << 10) / ck_max(x_row_bytes, 1) / 12 * 12);
    for (int64_t m = 0; m < M; m += rows) {
        const uint8_t *xm = (const uint8_t *)x + m * x_row_bytes;
        int64_t count = ck_min(rows, M - m);
        int8_tile t = {y + m * ldy, ldy, xm, x_row_bytes, NULL, ck_panel_bytes(w->format, w->K), w->K, 0, 0};
        if (w->format == CK_Q4) gemm_q4(&t, count, w, p0, p1);
        else if (w->format == CK_Q8) gemm_q8(&t, count, w, p0, p1);
        else gemm_wide(t.y, ldy, xm, x_row_bytes, count, w, p0, p1);
    }
}

// ---------------------------------------------------------------- activations

INLINE __m512i magnitude16(const float *x) {
    return _mm512_and_si512(_mm512_set1_epi32(0x7FFFFFFF), _mm512_castps_si512(_mm512_loadu_ps(x)));
}

static void prepare_int8(uint8_t *row, const float *x, int64_t K) {
    int32_t *q4_starts = (int32_t *)(row + ck_row_q4_starts(K));
    int32_t *q8_starts = (int32_t *)(row + ck_row_q8_starts(K));
    int32_t *offsets = (int32_t *)(row + ck_row_offsets(K));
    uint32_t top = 0;
    for (int64_t k = 0; k < K; k += 64) {  // the group's largest goes where its offset will be
        __m512i a = _mm512_max_epu32(magnitude16(x + k), magnitude16(x + k + 16));
        if (K - k > 32)
            a = _mm512_max_epu32(a, _mm512_max_epu32(magnitude16(x + k + 32), magnitude16(x + k + 48)));
        uint32_t largest = _mm512_reduce_max_epu32(a);
        offsets[k / 64] = (int32_t)largest;
        top = largest > top ? largest : top;
    }
    float sx = ck_from_bits(top) / 127 * 0x1p-10f;
    bool usable = top < 0x7F800000 && sx >= 0x1p-126f;
    *(float *)(row + ck_row_scale(K)) = top < 0x7F800000 ? (usable ? sx : 0) : NAN;
    float per_unit = usable ? 1 / sx : 0;
    const __m256i ones = _mm256_set1_epi8(1);
    const __m512i least = _mm512_set1_epi32(-127);
    if (K % 64) _mm256_storeu_si256((__m256i *)(row + K), _mm256_setzero_si256());
    __m512 factor = _mm512_setzero_ps();
    int32_t offset = 0;
    for (int64_t g = 0; g < K / 32; g++) {
        if (g % 2 == 0) {
            int32_t shift = usable ? ck_group_shift(top, (uint32_t)offsets[g / 2]) : 0;
            offsets[g / 2] = offset = ck_offset_bits(shift);
            factor = _mm512_set1_ps(per_unit / (float)(1 << shift));
        }
        __m256i q = _mm256_setzero_si256();
        if (usable) {
            // The conversion rounds to nearest even; the pack saturates, and |x * factor| < 127.5.
            __m512i a = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 32 * g), factor));
            __m512i b = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 32 * g + 16), factor));
            q = _mm256_set_m128i(_mm512_cvtsepi32_epi8(_mm512_max_epi32(b, least)),
                                 _mm512_cvtsepi32_epi8(_mm512_max_epi32(a, least)));
        }
        _mm256_storeu_si256((__m256i *)(row + 32 * g), q);
        __m256i s = _mm256_dpbusd_epi32(_mm256_setzero_si256(), ones, q);
        __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4E));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xB1));
        q4_starts[g] = offset - 8 * _mm_cvtsi128_si32(t);
    }
    for (int64_t g = 0; g < K / 64; g++)
        q8_starts[g] = 16 * ((q4_starts[2 * g] - offsets[g]) + (q4_starts[2 * g + 1] - offsets[g])) + offsets[g];
}

void ck_avx512_to_bf16(uint16_t *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i += 16) {
            __mmask16 mask = tail_mask(n - i);
            _mm256_mask_storeu_epi16(out + m * ldo + i, mask, to_bf16_16(_mm512_maskz_loadu_ps(mask, x + m * ldx + i)));
        }
}

void ck_avx512_from_bf16(float *out, int64_t ldo, const uint16_t *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i += 16) {
            __mmask16 mask = tail_mask(n - i);
            _mm512_mask_storeu_ps(out + m * ldo + i, mask, from_bf16_16(_mm256_maskz_loadu_epi16(mask, x + m * ldx + i)));
        }
}

void ck_avx512_prepare(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K) {
    int64_t bytes = ck_activation_row_bytes(format, K);
    if (format == CK_F32) {
        ck_common_prepare(out, format, x, ldx, M, K);
    } else if (format == CK_BF16) {
        ck_avx512_to_bf16(out, bytes / 2, x, ldx, M, K);
    } else {
        for (int64_t m = 0; m < M; m++) prepare_int8((uint8_t *)out + m * bytes, x + m * ldx, K);
    }
}

#pragma clang attribute pop
#endif
