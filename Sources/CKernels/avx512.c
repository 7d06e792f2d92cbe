// The level for CPUs with AVX-512 VNNI and BF16 (Zen 4, Sapphire Rapids and later).
//
// Every tile function has its number of rows R (and panels P) as a constant: one source, one
// unrolled loop per size, and inside it a row's operations never depend on R. Tails are
// masked vectors with the same arithmetic, never scalar code.
#if defined(__x86_64__)
#pragma STDC FP_CONTRACT OFF

#include "kernels_internal.h"

#include <immintrin.h>

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx2,fma,f16c"))), apply_to = function)

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

// Calls `tile` with R as a constant.
#define FOR_ROWS(rows, tile, ...)                  \
    switch (rows) {                                \
        case 1: tile(1, __VA_ARGS__); break;       \
        case 2: tile(2, __VA_ARGS__); break;       \
        case 3: tile(3, __VA_ARGS__); break;       \
        case 4: tile(4, __VA_ARGS__); break;       \
        case 5: tile(5, __VA_ARGS__); break;       \
        case 6: tile(6, __VA_ARGS__); break;       \
        case 7: tile(7, __VA_ARGS__); break;       \
        case 8: tile(8, __VA_ARGS__); break;       \
        case 9: tile(9, __VA_ARGS__); break;       \
        case 10: tile(10, __VA_ARGS__); break;     \
        case 11: tile(11, __VA_ARGS__); break;     \
        default: tile(12, __VA_ARGS__); break;     \
    }

INLINE __mmask16 tail_mask(int64_t n) { return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1); }

INLINE __m512i broadcast4(const void *p) {
    int32_t word;
    memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
}

// ---------------------------------------------------------------- matrix products

INLINE void tile_q4(const int R, float *y, int64_t ldy, const uint8_t *x, int64_t x_row_bytes,
                    const uint8_t *panel, int64_t K, __mmask16 columns) {
    const uint8_t *scales = panel + K / 8 * 64;
    const uint8_t *corrections = x + ck_row_q4_corrections(K);
    const __m512i low = _mm512_set1_epi8(15);
    __m512 acc[12];
    UNROLL for (int r = 0; r < R; r++) acc[r] = _mm512_setzero_ps();
    for (int64_t g = 0; g < K / 32; g++) {
        const uint8_t *xg = x + 32 * g, *cg = corrections + 4 * g;
        __m512i sum[12];
        UNROLL for (int r = 0; r < R; r++) sum[r] = broadcast4(cg + r * x_row_bytes);
        UNROLL for (int j = 0; j < 4; j++) {
            __m512i w = _mm512_load_si512(panel + 64 * (4 * g + j));
            // One or two rows wait for memory; asked for this early into the second-level cache,
            // cold weights come half as fast again (a prefetch past the end does nothing).
            if (R <= 2) _mm_prefetch((const char *)panel + 64 * (4 * g + j) + 16384, _MM_HINT_T1);
            __m512i even = _mm512_and_si512(w, low);
            __m512i odd = _mm512_and_si512(_mm512_srli_epi16(w, 4), low);
            UNROLL for (int r = 0; r < R; r++)
                sum[r] = _mm512_dpbusd_epi32(sum[r], even, broadcast4(xg + r * x_row_bytes + 8 * j));
            UNROLL for (int r = 0; r < R; r++)
                sum[r] = _mm512_dpbusd_epi32(sum[r], odd, broadcast4(xg + r * x_row_bytes + 8 * j + 4));
        }
        __m512 d = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(scales + 32 * g)));
        UNROLL for (int r = 0; r < R; r++)
            acc[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r]), d, acc[r]);
    }
    UNROLL for (int r = 0; r < R; r++) {
        __m512 sx = _mm512_castsi512_ps(broadcast4(x + r * x_row_bytes + ck_row_scale(K)));
        _mm512_mask_storeu_ps(y + r * ldy, columns, _mm512_mul_ps(acc[r], sx));
    }
}

INLINE void tile_q8(const int R, float *y, int64_t ldy, const uint8_t *x, int64_t x_row_bytes,
                    const uint8_t *panel, int64_t K, __mmask16 columns) {
    const uint8_t *scales = panel + K / 4 * 64;
    const uint8_t *corrections = x + ck_row_q8_corrections(K);
    const __m512i flip = _mm512_set1_epi8((char)0x80);  // w + 128, unsigned
    __m512 acc[12];
    UNROLL for (int r = 0; r < R; r++) acc[r] = _mm512_setzero_ps();
    for (int64_t g = 0; g < K / 64; g++) {
        const uint8_t *xg = x + 64 * g, *cg = corrections + 4 * g;
        __m512i sum[12];
        UNROLL for (int r = 0; r < R; r++) sum[r] = broadcast4(cg + r * x_row_bytes);
        UNROLL for (int j = 0; j < 16; j++) {
            __m512i w = _mm512_xor_si512(_mm512_load_si512(panel + 64 * (16 * g + j)), flip);
            UNROLL for (int r = 0; r < R; r++)
                sum[r] = _mm512_dpbusd_epi32(sum[r], w, broadcast4(xg + r * x_row_bytes + 4 * j));
        }
        __m512 d = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(scales + 32 * g)));
        UNROLL for (int r = 0; r < R; r++)
            acc[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r]), d, acc[r]);
    }
    UNROLL for (int r = 0; r < R; r++) {
        __m512 sx = _mm512_castsi512_ps(broadcast4(x + r * x_row_bytes + ck_row_scale(K)));
        _mm512_mask_storeu_ps(y + r * ldy, columns, _mm512_mul_ps(acc[r], sx));
    }
}

// acc[r][p] += sum over `lines` of x[r] times the 64-byte line of panel p; the lines of a panel
// are `line` floats apart, the panels `panel` floats. bf16: a line is 16 pairs, x pairs too.
INLINE void product(const int R, const int P, const bool bf16, __m512 (*acc)[4], const float *x,
                    int64_t ldx, const float *w, int64_t line, int64_t panel, int64_t lines) {
    for (int64_t k = 0; k < lines; k++) {
        __m512 wk[4];
        UNROLL for (int p = 0; p < P; p++) wk[p] = _mm512_loadu_ps(w + p * panel + k * line);
        UNROLL for (int r = 0; r < R; r++) {
            __m512 xk = _mm512_set1_ps(x[r * ldx + k]);
            UNROLL for (int p = 0; p < P; p++)
                acc[r][p] = bf16 ? _mm512_dpbf16_ps(acc[r][p], (__m512bh)xk, (__m512bh)wk[p])
                                 : _mm512_fmadd_ps(xk, wk[p], acc[r][p]);
        }
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
        switch (rows) {                                                                              \
            case 1: tile_wide(1, 4, bf16, y, ldy, x, ldx, w, panel, lines, last); break;             \
            case 2: tile_wide(2, 4, bf16, y, ldy, x, ldx, w, panel, lines, last); break;             \
            case 3: tile_wide(3, 4, bf16, y, ldy, x, ldx, w, panel, lines, last); break;             \
            case 4: tile_wide(4, 4, bf16, y, ldy, x, ldx, w, panel, lines, last); break;             \
            case 5: tile_wide(5, 4, bf16, y, ldy, x, ldx, w, panel, lines, last); break;             \
            default: tile_wide(6, 4, bf16, y, ldy, x, ldx, w, panel, lines, last); break;            \
        }                                                                                            \
    }                                                                                                \
    static void name##_1(int rows, float *y, int64_t ldy, const float *x, int64_t ldx,               \
                         const float *w, int64_t panel, int64_t lines, __mmask16 last) {             \
        FOR_ROWS(rows, tile_wide, 1, bf16, y, ldy, x, ldx, w, panel, lines, last)                    \
    }
WIDE_KERNEL(wide_f32, false)
WIDE_KERNEL(wide_bf16, true)

// Rows are taken in tiles of nearly equal height, so that 13 rows are 7 + 6, not 12 + 1.
INLINE int tile_rows(int64_t rest, int64_t most) {
    int64_t tiles = (rest + most - 1) / most;
    return (int)((rest + tiles - 1) / tiles);
}

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

static void gemm_q(float *y, int64_t ldy, const uint8_t *x, int64_t x_row_bytes, int64_t M,
                   const ck_matrix *w, int64_t p0, int64_t p1) {
    for (int64_t p = p0; p < p1; p++) {
        const uint8_t *panel = ck_panel(w, p);
        __mmask16 columns = tail_mask(w->N - 16 * p);
        for (int64_t m = 0; m < M;) {
            int rows = tile_rows(M - m, 12);
            const uint8_t *xm = x + m * x_row_bytes;
            float *ym = y + m * ldy + 16 * p;
            if (w->format == CK_Q4) {
                FOR_ROWS(rows, tile_q4, ym, ldy, xm, x_row_bytes, panel, w->K, columns)
            } else {
                FOR_ROWS(rows, tile_q8, ym, ldy, xm, x_row_bytes, panel, w->K, columns)
            }
            m += rows;
        }
    }
}

static void gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                 const ck_matrix *w, int64_t p0, int64_t p1) {
    // As many rows at a time as stay in the second-level cache while the panels pass by.
    int64_t rows = ck_max(48, (384 << 10) / ck_max(x_row_bytes, 1) / 12 * 12);
    for (int64_t m = 0; m < M; m += rows) {
        const uint8_t *xm = (const uint8_t *)x + m * x_row_bytes;
        int64_t count = ck_min(rows, M - m);
        if (w->format == CK_Q4 || w->format == CK_Q8)
            gemm_q(y + m * ldy, ldy, xm, x_row_bytes, count, w, p0, p1);
        else
            gemm_wide(y + m * ldy, ldy, xm, x_row_bytes, count, w, p0, p1);
    }
}

// ---------------------------------------------------------------- activations

static void prepare_int8(uint8_t *row, const float *x, int64_t K) {
    __m512i largest = _mm512_setzero_si512();
    const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
    for (int64_t k = 0; k < K; k += 16)
        largest = _mm512_max_epu32(largest, _mm512_and_si512(magnitude, _mm512_castps_si512(_mm512_loadu_ps(x + k))));
    uint32_t top = _mm512_reduce_max_epu32(largest);
    float sx = ck_from_bits(top) / 127;
    bool usable = top < 0x7F800000 && sx > 0;
    int32_t *q4_corrections = (int32_t *)(row + ck_row_q4_corrections(K));
    int32_t *q8_corrections = (int32_t *)(row + ck_row_q8_corrections(K));
    *(float *)(row + ck_row_scale(K)) = top < 0x7F800000 ? (usable ? sx : 0) : NAN;
    const __m512 divisor = _mm512_set1_ps(sx);
    const __m256i ones = _mm256_set1_epi8(1);
    if (K % 64) _mm256_storeu_si256((__m256i *)(row + K), _mm256_setzero_si256());
    for (int64_t g = 0; g < K / 32; g++) {
        __m256i q = _mm256_setzero_si256();
        if (usable) {
            // The conversion rounds to nearest even; the pack saturates, and |x/sx| < 127.5.
            __m512i a = _mm512_cvtps_epi32(_mm512_div_ps(_mm512_loadu_ps(x + 32 * g), divisor));
            __m512i b = _mm512_cvtps_epi32(_mm512_div_ps(_mm512_loadu_ps(x + 32 * g + 16), divisor));
            const __m512i low = _mm512_set1_epi32(-127);
            q = _mm256_set_m128i(_mm512_cvtsepi32_epi8(_mm512_max_epi32(b, low)),
                                 _mm512_cvtsepi32_epi8(_mm512_max_epi32(a, low)));
        }
        _mm256_storeu_si256((__m256i *)(row + 32 * g), q);
        __m256i s = _mm256_dpbusd_epi32(_mm256_setzero_si256(), ones, q);
        __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4E));
        t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0xB1));
        q4_corrections[g] = -8 * _mm_cvtsi128_si32(t);
    }
    for (int64_t g = 0; g < K / 64; g++)
        q8_corrections[g] = 16 * (q4_corrections[2 * g] + q4_corrections[2 * g + 1]);
}

// 16 floats to bf16, nearest even, subnormals kept (vcvtneps2bf16 would flush them).
INLINE __m256i to_bf16_16(__m512 x) {
    __m512i b = _mm512_castps_si512(x);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(b, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_srli_epi32(
        _mm512_add_epi32(b, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7FFF))), 16);
    __m512i quiet = _mm512_or_si512(_mm512_srli_epi32(b, 16), _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), quiet));
}

INLINE __m512 from_bf16_16(__m256i b) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16));
}

static void to_bf16(uint16_t *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i += 16) {
            __mmask16 mask = tail_mask(n - i);
            _mm256_mask_storeu_epi16(out + m * ldo + i, mask, to_bf16_16(_mm512_maskz_loadu_ps(mask, x + m * ldx + i)));
        }
}

static void from_bf16(float *out, int64_t ldo, const uint16_t *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i += 16) {
            __mmask16 mask = tail_mask(n - i);
            _mm512_mask_storeu_ps(out + m * ldo + i, mask, from_bf16_16(_mm256_maskz_loadu_epi16(mask, x + m * ldx + i)));
        }
}

static void prepare(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K) {
    int64_t bytes = ck_activation_row_bytes(format, K);
    if (format == CK_F32) {
        ck_common_prepare(out, format, x, ldx, M, K);
    } else if (format == CK_BF16) {
        to_bf16(out, bytes / 2, x, ldx, M, K);
    } else {
        for (int64_t m = 0; m < M; m++) prepare_int8((uint8_t *)out + m * bytes, x + m * ldx, K);
    }
}

// ---------------------------------------------------------------- exp and its family

// 2^n exp(r), |r| <= ln(2)/2: polynomial of Cephes expf, about 1 ulp; NaN stays NaN.
INLINE __m512 exp16(__m512 x) {
    // min and max return their second operand on NaN.
    x = _mm512_min_ps(_mm512_set1_ps(89.0f), _mm512_max_ps(_mm512_set1_ps(-104.0f), x));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 e = _mm512_set1_ps(1.9875691500e-4f);
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.3981999507e-3f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(8.3334519073e-3f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(4.1665795894e-2f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.6666665459e-1f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(5.0000001201e-1f));
    e = _mm512_fmadd_ps(e, _mm512_mul_ps(r, r), r);
    return _mm512_scalef_ps(_mm512_add_ps(e, _mm512_set1_ps(1)), n);
}

INLINE __m512 negated(__m512 x) { return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f)); }

INLINE __m512 one_plus_exp_negative(__m512 x) {
    return _mm512_add_ps(_mm512_set1_ps(1), exp16(negated(x)));
}

INLINE __m512 sigmoid16(__m512 x) { return _mm512_div_ps(_mm512_set1_ps(1), one_plus_exp_negative(x)); }
INLINE __m512 silu16(__m512 x) { return _mm512_div_ps(x, one_plus_exp_negative(x)); }

// log(1 + u) for u in 0 ... 1 as 2 atanh(u / (2 + u)), a series in a square below 1/9.
INLINE __m512 log1p16(__m512 u) {
    __m512 s = _mm512_div_ps(u, _mm512_add_ps(u, _mm512_set1_ps(2)));
    __m512 z = _mm512_mul_ps(s, s), e = _mm512_set1_ps(1.0f / 15);
    e = _mm512_fmadd_ps(e, z, _mm512_set1_ps(1.0f / 13));
    e = _mm512_fmadd_ps(e, z, _mm512_set1_ps(1.0f / 11));
    e = _mm512_fmadd_ps(e, z, _mm512_set1_ps(1.0f / 9));
    e = _mm512_fmadd_ps(e, z, _mm512_set1_ps(1.0f / 7));
    e = _mm512_fmadd_ps(e, z, _mm512_set1_ps(1.0f / 5));
    e = _mm512_fmadd_ps(e, z, _mm512_set1_ps(1.0f / 3));
    __m512 half = _mm512_fmadd_ps(_mm512_mul_ps(s, z), e, s);
    return _mm512_add_ps(half, half);
}

INLINE __m512 softplus16(__m512 x) {
    __m512 magnitude = _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x);
    return _mm512_add_ps(_mm512_max_ps(_mm512_setzero_ps(), x), log1p16(exp16(negated(magnitude))));
}

static void exponential(float *out, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = tail_mask(n - i);
        _mm512_mask_storeu_ps(out + i, mask, exp16(_mm512_maskz_loadu_ps(mask, x + i)));
    }
}

static void sigmoid(float *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i += 16) {
            __mmask16 mask = tail_mask(n - i);
            _mm512_mask_storeu_ps(out + m * ldo + i, mask, sigmoid16(_mm512_maskz_loadu_ps(mask, x + m * ldx + i)));
        }
}

static void silu_multiply(float *out, int64_t ldo, const float *gate, int64_t ldg, const float *up,
                          int64_t ldu, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i += 16) {
            __mmask16 mask = tail_mask(n - i);
            __m512 a = silu16(_mm512_maskz_loadu_ps(mask, gate + m * ldg + i));
            _mm512_mask_storeu_ps(out + m * ldo + i, mask,
                                  _mm512_mul_ps(a, _mm512_maskz_loadu_ps(mask, up + m * ldu + i)));
        }
}

// ---------------------------------------------------------------- rows

static void add(float *x, const float *y, int64_t n) {
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = tail_mask(n - i);
        __m512 sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, x + i), _mm512_maskz_loadu_ps(mask, y + i));
        _mm512_mask_storeu_ps(x + i, mask, sum);
    }
}

// Two sums, of even and of odd vectors: half the latency, one fixed order.
INLINE float sum_of_squares(const float *x, int64_t n) {
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    for (int64_t i = 0; i < n; i += 32) {
        __m512 a = _mm512_maskz_loadu_ps(tail_mask(n - i), x + i);
        even = _mm512_fmadd_ps(a, a, even);
        if (n - i > 16) {
            __m512 b = _mm512_maskz_loadu_ps(tail_mask(n - i - 16), x + i + 16);
            odd = _mm512_fmadd_ps(b, b, odd);
        }
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
}

static void rms_norm(float *out, int64_t ldo, const float *x, int64_t ldx, const float *weight,
                     int64_t M, int64_t K, float eps) {
    for (int64_t m = 0; m < M; m++) {
        __m512 factor = _mm512_set1_ps(1 / sqrtf(sum_of_squares(x + m * ldx, K) / (float)K + eps));
        for (int64_t i = 0; i < K; i += 16) {
            __mmask16 mask = tail_mask(K - i);
            __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + m * ldx + i), factor);
            _mm512_mask_storeu_ps(out + m * ldo + i, mask,
                                  _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
        }
    }
}

// ---------------------------------------------------------------- KDA

static void short_conv(float *out, int64_t ldo, float *tail, int64_t ld_tail, const float *x,
                       int64_t ldx, const float *weight, int64_t ld_weight, int64_t T, int64_t W,
                       int64_t c0, int64_t c1) {
    if (T <= 0) return;
    for (int64_t c = c0; c < c1; c += 16) {
        __mmask16 mask = tail_mask(c1 - c);
        __m512 w[CK_MAX_CONV_WIDTH];
        for (int64_t j = 0; j < W; j++) w[j] = _mm512_maskz_loadu_ps(mask, weight + j * ld_weight + c);
        for (int64_t t = 0; t < T; t++) {
            // Rows lie kilobytes apart, where no hardware prefetcher follows.
            _mm_prefetch((const char *)(x + (t + 12) * ldx + c), _MM_HINT_T0);
            _mm_prefetch((const char *)(out + (t + 12) * ldo + c), _MM_HINT_T0);
            __m512 sum = _mm512_setzero_ps();
            for (int64_t j = 0; j < W; j++) {
                int64_t s = t - W + 1 + j;
                const float *row = s < 0 ? tail + (s + W - 1) * ld_tail : x + s * ldx;
                sum = _mm512_fmadd_ps(w[j], _mm512_maskz_loadu_ps(mask, row + c), sum);
            }
            _mm512_mask_storeu_ps(out + t * ldo + c, mask, silu16(sum));
        }
        for (int64_t j = 0; j < W - 1; j++) {  // ascending: row j needs rows behind it only
            int64_t s = T - W + 1 + j;
            const float *row = s < 0 ? tail + (s + W - 1) * ld_tail : x + s * ldx;
            _mm512_mask_storeu_ps(tail + j * ld_tail + c, mask, _mm512_maskz_loadu_ps(mask, row + c));
        }
    }
}

static void l2_norm(float *x, int64_t ldx, int64_t T, int64_t H, int64_t K, float eps, float scale) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++) {
            float *row = x + t * ldx + h * K;
            __m512 factor = _mm512_set1_ps(scale / sqrtf(sum_of_squares(row, K) + eps));
            for (int64_t i = 0; i < K; i += 16) {
                __mmask16 mask = tail_mask(K - i);
                _mm512_mask_storeu_ps(row + i, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, row + i), factor));
            }
        }
}

static void kda_gate(float *g, int64_t ldg, const float *z, int64_t ldz, const float *A_log,
                     const float *dt_bias, int64_t T, int64_t H, int64_t K) {
    for (int64_t h = 0; h < H; h++) {
        __m512 rate = negated(exp16(_mm512_set1_ps(A_log[h])));
        for (int64_t i = 0; i < K; i += 16) {
            __mmask16 mask = tail_mask(K - i);
            __m512 bias = _mm512_maskz_loadu_ps(mask, dt_bias + h * K + i);
            for (int64_t t = 0; t < T; t++) {
                __m512 a = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, z + t * ldz + h * K + i), bias);
                _mm512_mask_storeu_ps(g + t * ldg + h * K + i, mask, _mm512_mul_ps(rate, softplus16(a)));
            }
        }
    }
}

static void gated_rms_norm(float *out, int64_t ldo, const float *x, int64_t ldx, const float *gate,
                           int64_t ldg, const float *weight, int64_t T, int64_t H, int64_t V,
                           float eps) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++) {
            const float *xh = x + t * ldx + h * V, *gh = gate + t * ldg + h * V;
            __m512 factor = _mm512_set1_ps(1 / sqrtf(sum_of_squares(xh, V) / (float)V + eps));
            for (int64_t i = 0; i < V; i += 16) {
                __mmask16 mask = tail_mask(V - i);
                __m512 o = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, xh + i), factor);
                o = _mm512_mul_ps(o, _mm512_maskz_loadu_ps(mask, weight + i));
                o = _mm512_mul_ps(o, sigmoid16(_mm512_maskz_loadu_ps(mask, gh + i)));
                _mm512_mask_storeu_ps(out + t * ldo + h * V + i, mask, o);
            }
        }
}

#define KDA_DECAYS 4096

typedef struct {
    float *out, *state;
    const float *q, *k, *v, *beta, *decay;  // of the head and the first token; decay [T,K]
    int64_t ld_o, ld_q, ld_k, ld_v, ld_beta, T, K, V;
} kda_strip;

// T tokens on 16*N value columns of one head's state. What token t writes and what token t+1
// decays and reads is one pass: four vector operations for each load and store.
INLINE void kda_columns(const int N, const kda_strip *a, int64_t j0, __mmask16 last) {
#define LANES(n) ((n) == N - 1 ? last : (__mmask16)0xFFFF)
    float *S = a->state + j0;
    int64_t K = a->K, V = a->V;
    __m512 read[4], u[4], result[4];
    UNROLL for (int n = 0; n < N; n++) read[n] = _mm512_setzero_ps();
    for (int64_t c = 0; c < K; c++) {
        __m512 decay = _mm512_set1_ps(a->decay[c]), k = _mm512_set1_ps(a->k[c]);
        UNROLL for (int n = 0; n < N; n++) {
            __m512 s = _mm512_mul_ps(_mm512_maskz_loadu_ps(LANES(n), S + c * V + 16 * n), decay);
            read[n] = _mm512_fmadd_ps(k, s, read[n]);
            _mm512_mask_storeu_ps(S + c * V + 16 * n, LANES(n), s);
        }
    }
    for (int64_t t = 0; t < a->T; t++) {
        const float *qt = a->q + t * a->ld_q, *kt = a->k + t * a->ld_k, *vt = a->v + t * a->ld_v + j0;
        __m512 beta = _mm512_set1_ps(a->beta[t * a->ld_beta]);
        UNROLL for (int n = 0; n < N; n++) {
            u[n] = _mm512_mul_ps(beta, _mm512_sub_ps(_mm512_maskz_loadu_ps(LANES(n), vt + 16 * n), read[n]));
            read[n] = result[n] = _mm512_setzero_ps();
        }
        if (t + 1 < a->T) {
            const float *next_k = kt + a->ld_k, *next_decay = a->decay + (t + 1) * K;
            for (int64_t c = 0; c < K; c++) {
                __m512 k = _mm512_set1_ps(kt[c]), q = _mm512_set1_ps(qt[c]);
                __m512 decay = _mm512_set1_ps(next_decay[c]), k1 = _mm512_set1_ps(next_k[c]);
                UNROLL for (int n = 0; n < N; n++) {
                    __m512 s = _mm512_maskz_loadu_ps(LANES(n), S + c * V + 16 * n);
                    s = _mm512_fmadd_ps(k, u[n], s);
                    result[n] = _mm512_fmadd_ps(q, s, result[n]);
                    s = _mm512_mul_ps(s, decay);
                    read[n] = _mm512_fmadd_ps(k1, s, read[n]);
                    _mm512_mask_storeu_ps(S + c * V + 16 * n, LANES(n), s);
                }
            }
        } else {
            for (int64_t c = 0; c < K; c++) {
                __m512 k = _mm512_set1_ps(kt[c]), q = _mm512_set1_ps(qt[c]);
                UNROLL for (int n = 0; n < N; n++) {
                    __m512 s = _mm512_maskz_loadu_ps(LANES(n), S + c * V + 16 * n);
                    s = _mm512_fmadd_ps(k, u[n], s);
                    result[n] = _mm512_fmadd_ps(q, s, result[n]);
                    _mm512_mask_storeu_ps(S + c * V + 16 * n, LANES(n), s);
                }
            }
        }
        float *ot = a->out + t * a->ld_o + j0;
        UNROLL for (int n = 0; n < N; n++) _mm512_mask_storeu_ps(ot + 16 * n, LANES(n), result[n]);
    }
#undef LANES
}

static void kda_recurrence(float *out, int64_t ld_o, float *state, const float *q, int64_t ld_q,
                           const float *k, int64_t ld_k, const float *v, int64_t ld_v,
                           const float *g, int64_t ld_g, const float *beta, int64_t ld_beta,
                           int64_t T, int64_t K, int64_t V, int64_t h0, int64_t h1) {
    if (K > KDA_DECAYS) {
        ck_reference_table.kda_recurrence(out, ld_o, state, q, ld_q, k, ld_k, v, ld_v, g, ld_g, beta,
                                          ld_beta, T, K, V, h0, h1);
        return;
    }
    // A wide head goes in strips of 32 columns, so that a strip stays in the first-level cache.
    const int64_t strip = K * 64 * 4 <= 16 << 10 ? 64 : 32;
    const int64_t step = ck_max(1, ck_min(32, KDA_DECAYS / ck_max(K, 1)));
    _Alignas(64) float decay[KDA_DECAYS];
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < T; t += step) {
            int64_t count = ck_min(step, T - t);
            for (int64_t i = 0; i < count; i++) exponential(decay + i * K, g + (t + i) * ld_g + h * K, K);
            kda_strip a = {out + t * ld_o + h * V, state + h * K * V,
                           q + t * ld_q + h * K, k + t * ld_k + h * K, v + t * ld_v + h * V,
                           beta + t * ld_beta + h, decay,
                           ld_o, ld_q, ld_k, ld_v, ld_beta, count, K, V};
            int64_t j = 0;
            for (; j + strip <= V; j += strip) {
                if (strip == 64) kda_columns(4, &a, j, 0xFFFF);
                else kda_columns(2, &a, j, 0xFFFF);
            }
            for (; j + 16 <= V; j += 16) kda_columns(1, &a, j, 0xFFFF);
            if (j < V) kda_columns(1, &a, j, tail_mask(V - j));
        }
}

// ---------------------------------------------------------------- MLA

INLINE void transpose16(__m512 *r) {
    __m512 t[16];
    UNROLL for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        __m512d a = _mm512_castps_pd(t[4 * i]), b = _mm512_castps_pd(t[4 * i + 1]);
        __m512d c = _mm512_castps_pd(t[4 * i + 2]), d = _mm512_castps_pd(t[4 * i + 3]);
        r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    UNROLL for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xDD);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xDD);
    }
    UNROLL for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xDD);
    }
}

// keys[i][j] = row (j) [i] for i < width and the 64 keys of a block, of which only rows
// begin ..< end exist (the others become 0). rows: pointer to the block's key 0.
INLINE void transpose_keys(float *keys, const void *rows, const bool bf16, int64_t ld, int64_t width,
                           int64_t begin, int64_t end) {
    for (int64_t i = 0; i < width; i += 16) {
        __mmask16 mask = tail_mask(width - i);
        for (int64_t j = 0; j < CK_KEY_BLOCK; j += 16) {
            __m512 r[16];
            UNROLL for (int n = 0; n < 16; n++) {
                __mmask16 exists = j + n >= begin && j + n < end ? mask : 0;
                int64_t at = exists ? (j + n) * ld + i : 0;
                r[n] = bf16 ? from_bf16_16(_mm256_maskz_loadu_epi16(exists, (const uint16_t *)rows + at))
                            : _mm512_maskz_loadu_ps(exists, (const float *)rows + at);
            }
            transpose16(r);
            UNROLL for (int n = 0; n < 16; n++)
                if (i + n < width) _mm512_store_ps(keys + (i + n) * CK_KEY_BLOCK + j, r[n]);
        }
    }
}

// values[j][i] = row (j) [i], rows padded with zeros to `padded` floats.
INLINE void copy_values(float *values, int64_t padded, const void *rows, const bool bf16, int64_t ld,
                        int64_t width, int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; j++)
        for (int64_t i = 0; i < width; i += 16) {
            __mmask16 mask = tail_mask(width - i);
            __m512 x = bf16 ? from_bf16_16(_mm256_maskz_loadu_epi16(mask, (const uint16_t *)rows + j * ld + i))
                            : _mm512_maskz_loadu_ps(mask, (const float *)rows + j * ld + i);
            _mm512_store_ps(values + j * padded + i, x);
        }
}

// A block of keys in scratch and the rows that meet it.
typedef struct {
    const float *keys;    // [width][64]
    const float *values;  // [64][padded]
    float *weights;       // [6][64]
    int64_t width, padded, value_width;
    float scale;
    const float *q;
    float *out, *row_max, *row_sum;
    int64_t ld_q, ld_out, ld_state;
} key_block;

// out[r] = out[r] * shrink[r] + sum over keys begin ..< end of weight * value.
INLINE void add_values(const int R, const key_block *b, const float *weights, float *out,
                       const float *shrink, int64_t begin, int64_t end) {
    int64_t i = 0;
    for (; i + 64 <= b->padded; i += 64) {
        __mmask16 last = tail_mask(b->value_width - i - 48);
        __m512 acc[6][4];
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int p = 0; p < 4; p++)
                acc[r][p] = _mm512_mul_ps(_mm512_maskz_loadu_ps(p == 3 ? last : 0xFFFF, out + r * b->ld_out + i + 16 * p),
                                          _mm512_set1_ps(shrink[r]));
        product(R, 4, false, acc, weights + begin, CK_KEY_BLOCK, b->values + begin * b->padded + i,
                b->padded, 16, end - begin);
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int p = 0; p < 4; p++)
                _mm512_mask_storeu_ps(out + r * b->ld_out + i + 16 * p, p == 3 ? last : 0xFFFF, acc[r][p]);
    }
    for (; i < b->padded; i += 16) {
        __mmask16 last = tail_mask(b->value_width - i);
        __m512 acc[6][4];
        UNROLL for (int r = 0; r < R; r++)
            acc[r][0] = _mm512_mul_ps(_mm512_maskz_loadu_ps(last, out + r * b->ld_out + i), _mm512_set1_ps(shrink[r]));
        product(R, 1, false, acc, weights + begin, CK_KEY_BLOCK, b->values + begin * b->padded + i,
                b->padded, 16, end - begin);
        UNROLL for (int r = 0; r < R; r++) _mm512_mask_storeu_ps(out + r * b->ld_out + i, last, acc[r][0]);
    }
}

// Rows `row` ..< row+R meet the block; row+r sees its keys begin[r] ..< end[r] (0 ... 64).
INLINE void attend_tile(const int R, const key_block *b, int64_t row, const int64_t *begin, const int64_t *end) {
    __m512 s[6][4];
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < 4; p++) s[r][p] = _mm512_setzero_ps();
    product(R, 4, false, s, b->q + row * b->ld_q, b->ld_q, b->keys, CK_KEY_BLOCK, 16, b->width);
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < 4; p++)
            _mm512_store_ps(b->weights + r * CK_KEY_BLOCK + 16 * p, _mm512_mul_ps(s[r][p], _mm512_set1_ps(b->scale)));
    float shrink[6];
    bool alike = true;
    for (int r = 0; r < R; r++) {
        if (begin[r] != begin[0] || end[r] != end[0]) alike = false;
        if (begin[r] >= end[r]) continue;
        float *weights = b->weights + r * CK_KEY_BLOCK;
        float *row_max = b->row_max + (row + r) * b->ld_state, *row_sum = b->row_sum + (row + r) * b->ld_state;
        uint64_t lanes = (end[r] == 64 ? ~0ull : (1ull << end[r]) - 1) & ~0ull << begin[r];
        __m512 p[4], largest = _mm512_set1_ps(-INFINITY);
        UNROLL for (int i = 0; i < 4; i++) {
            p[i] = _mm512_load_ps(weights + 16 * i);
            largest = _mm512_mask_max_ps(largest, (__mmask16)(lanes >> 16 * i), largest, p[i]);
        }
        float old = *row_max, top = _mm512_reduce_max_ps(largest);
        top = top > old ? top : old;
        UNROLL for (int i = 0; i < 4; i++) {
            p[i] = _mm512_maskz_mov_ps((__mmask16)(lanes >> 16 * i), exp16(_mm512_sub_ps(p[i], _mm512_set1_ps(top))));
            _mm512_store_ps(weights + 16 * i, p[i]);
        }
        float sum = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(p[0], p[1]), _mm512_add_ps(p[2], p[3])));
        shrink[r] = _mm512_cvtss_f32(exp16(_mm512_set1_ps(old - top)));
        *row_max = top;
        *row_sum = *row_sum * shrink[r] + sum;
    }
    float *out = b->out + row * b->ld_out;
    if (alike) {
        if (begin[0] < end[0]) add_values(R, b, b->weights, out, shrink, begin[0], end[0]);
    } else {
        for (int r = 0; r < R; r++)
            if (begin[r] < end[r])
                add_values(1, b, b->weights + r * CK_KEY_BLOCK, out + r * b->ld_out, shrink + r, begin[r], end[r]);
    }
}

static void attend_rows(const key_block *b, int64_t row, int rows, const int64_t *begin, const int64_t *end) {
    switch (rows) {
        case 1: attend_tile(1, b, row, begin, end); break;
        case 2: attend_tile(2, b, row, begin, end); break;
        case 3: attend_tile(3, b, row, begin, end); break;
        case 4: attend_tile(4, b, row, begin, end); break;
        case 5: attend_tile(5, b, row, begin, end); break;
        default: attend_tile(6, b, row, begin, end); break;
    }
}

static void start_row(float *out, float *row_max, float *row_sum, int64_t n) {
    memset(out, 0, (size_t)n * 4);
    *row_max = -INFINITY;
    *row_sum = 0;
}

static void end_row(float *out, float row_sum, int64_t n) {
    __m512 sum = _mm512_set1_ps(row_sum);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = tail_mask(n - i);
        _mm512_mask_storeu_ps(out + i, mask, _mm512_div_ps(_mm512_maskz_loadu_ps(mask, out + i), sum));
    }
}

// Keys that any of T queries sees among the keys of this call.
static void all_keys(int64_t T, int64_t query0, int64_t window, int64_t key0, int64_t S, int64_t *lo,
                     int64_t *hi) {
    int64_t unused;
    ck_key_range(query0, window, key0, S, lo, &unused);
    ck_key_range(query0 + T - 1, window, key0, S, &unused, hi);
}

static void mla_expanded(const ck_mla_expanded *a, int64_t h0, int64_t h1, void *scratch) {
    if (a->T <= 0) return;
    int64_t width = a->dn + a->dr, padded = ck_round_up(a->dv, 16), lo, hi;
    float *keys = scratch, *values = keys + CK_KEY_BLOCK * ck_round_up(width, 16);
    float *weights = values + CK_KEY_BLOCK * padded;
    all_keys(a->T, a->query0, a->window, a->key0, a->S, &lo, &hi);
    for (int64_t h = h0; a->first && h < h1; h++)
        for (int64_t t = 0; t < a->T; t++)
            start_row(a->out + t * a->ld_out + h * a->dv, a->row_max + t * a->H + h,
                      a->row_sum + t * a->H + h, a->dv);
    for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
        int64_t begin = ck_max(lo - block, 0), end = ck_min(hi - block, CK_KEY_BLOCK);
        int64_t first_row = block - a->key0;  // may be negative; rows begin ..< end exist
        transpose_keys(keys + a->dn * CK_KEY_BLOCK, a->k_r + first_row * a->ld_kr, true, a->ld_kr, a->dr,
                       begin, end);
        for (int64_t h = h0; h < h1; h++) {
            const float *kv = a->kv + first_row * a->ld_kv + h * (a->dn + a->dv);
            transpose_keys(keys, kv, false, a->ld_kv, a->dn, begin, end);
            copy_values(values, padded, kv + a->dn, false, a->ld_kv, a->dv, begin, end);
            key_block b = {keys, values, weights, width, padded, a->dv, a->scale,
                           a->q + h * width, a->out + h * a->dv, a->row_max + h, a->row_sum + h,
                           a->ld_q, a->ld_out, a->H};
            // Queries before `block` see none of it, queries past its end by a window neither.
            int64_t t = ck_max(0, block - a->query0), t_end = a->T;
            if (a->window > 0) t_end = ck_min(t_end, block + CK_KEY_BLOCK - 1 + a->window - a->query0);
            while (t < t_end) {
                int rows = tile_rows(t_end - t, 6);
                int64_t row_begin[6], row_end[6];
                for (int r = 0; r < rows; r++) {
                    int64_t low, high;
                    ck_key_range(a->query0 + t + r, a->window, a->key0, a->S, &low, &high);
                    row_begin[r] = ck_max(low - block, 0);
                    row_end[r] = ck_min(high - block, CK_KEY_BLOCK);
                }
                attend_rows(&b, t, rows, row_begin, row_end);
                t += rows;
            }
        }
    }
    for (int64_t h = h0; a->last && h < h1; h++)
        for (int64_t t = 0; t < a->T; t++)
            end_row(a->out + t * a->ld_out + h * a->dv, a->row_sum[t * a->H + h], a->dv);
}

static void mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch) {
    if (a->T <= 0) return;
    int64_t width = a->r + a->dr, padded = ck_round_up(a->r, 16), lo, hi;
    float *keys = scratch, *values = keys + CK_KEY_BLOCK * ck_round_up(width, 16);
    float *weights = values + CK_KEY_BLOCK * padded;
    all_keys(a->T, a->query0, a->window, a->key0, a->S, &lo, &hi);
    for (int64_t h = h0; a->first && h < h1; h++)
        for (int64_t t = 0; t < a->T; t++)
            start_row(a->z + t * a->ld_z + h * a->r, a->row_max + t * a->H + h,
                      a->row_sum + t * a->H + h, a->r);
    for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
        int64_t begin = ck_max(lo - block, 0), end = ck_min(hi - block, CK_KEY_BLOCK);
        const uint16_t *rows = a->cache + (block - a->key0) * a->ld_cache;
        transpose_keys(keys, rows, true, a->ld_cache, width, begin, end);
        copy_values(values, padded, rows, true, a->ld_cache, a->r, begin, end);
        for (int64_t t = 0; t < a->T; t++) {
            int64_t low, high, row_begin[6], row_end[6];
            ck_key_range(a->query0 + t, a->window, a->key0, a->S, &low, &high);
            for (int r = 0; r < 6; r++) {
                row_begin[r] = ck_max(low - block, 0);
                row_end[r] = ck_min(high - block, CK_KEY_BLOCK);
            }
            if (row_begin[0] >= row_end[0]) continue;
            key_block b = {keys, values, weights, width, padded, a->r, a->scale,
                           a->q + t * a->ld_q, a->z + t * a->ld_z, a->row_max + t * a->H,
                           a->row_sum + t * a->H, width, a->r, 1};
            for (int64_t h = h0; h < h1;) {
                int count = tile_rows(h1 - h, 6);
                attend_rows(&b, h, count, row_begin, row_end);
                h += count;
            }
        }
    }
    for (int64_t h = h0; a->last && h < h1; h++)
        for (int64_t t = 0; t < a->T; t++)
            end_row(a->z + t * a->ld_z + h * a->r, a->row_sum[t * a->H + h], a->r);
}

#pragma clang attribute pop

const ck_kernels ck_avx512_table = {
    .name = "avx512",
    .prepare = prepare,
    .gemm = gemm,
    .rms_norm = rms_norm,
    .add = add,
    .silu_multiply = silu_multiply,
    .sigmoid = sigmoid,
    .exp = exponential,
    .log_softmax = ck_reference_log_softmax,
    .argmax = ck_common_argmax,
    .to_bf16 = to_bf16,
    .from_bf16 = from_bf16,
    .short_conv = short_conv,
    .l2_norm = l2_norm,
    .kda_gate = kda_gate,
    .kda_recurrence = kda_recurrence,
    .gated_rms_norm = gated_rms_norm,
    .mla_expanded = mla_expanded,
    .mla_absorbed = mla_absorbed,
    .moe_route = ck_reference_moe_route,
};
#endif
