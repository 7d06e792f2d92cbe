// What the files of the level for CPUs with AVX-512 VNNI and BF16 (Zen 4, Sapphire Rapids and
// later) share.
//
// Every tile function has its number of rows R (and panels P) as a constant: one source, one
// unrolled loop per size, and inside it a row's operations never depend on R. Tails are
// masked vectors with the same arithmetic, never scalar code.
#ifndef LECTOR_AVX512_INTERNAL_H
#define LECTOR_AVX512_INTERNAL_H
#if defined(__x86_64__)

#include "kernels_internal.h"

#include <immintrin.h>

#define CK_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,avx2,fma,f16c"

#pragma clang attribute push(__attribute__((target(CK_AVX512))), apply_to = function)

INLINE __mmask16 tail_mask(int64_t n) { return n >= 16 ? 0xFFFF : n <= 0 ? 0 : (__mmask16)((1u << n) - 1); }

INLINE __m512i broadcast4(const void *p) { return _mm512_set1_epi32(ck_word_at(p)); }

// Rows are taken in tiles of nearly equal height, so that 13 rows are 7 + 6, not 12 + 1.
INLINE int tile_rows(int64_t rest, int64_t most) {
    int64_t tiles = (rest + most - 1) / most;
    return (int)((rest + tiles - 1) / tiles);
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

// One row of attention before its first key, and after its last one.
INLINE void start_row(float *out, float *row_max, float *row_sum, int64_t n) {
    memset(out, 0, (size_t)n * 4);
    *row_max = -INFINITY;
    *row_sum = 0;
}

INLINE void end_row(float *out, float row_sum, int64_t n) {
    __m512 sum = _mm512_set1_ps(row_sum);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 mask = tail_mask(n - i);
        _mm512_mask_storeu_ps(out + i, mask, _mm512_div_ps(_mm512_maskz_loadu_ps(mask, out + i), sum));
    }
}

#pragma clang attribute pop

// products.c
void ck_avx512_prepare(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K);
void ck_avx512_gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                    const ck_matrix *w, int64_t p0, int64_t p1);
void ck_avx512_to_bf16(uint16_t *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n);
void ck_avx512_from_bf16(float *out, int64_t ldo, const uint16_t *x, int64_t ldx, int64_t M, int64_t n);
// blocks.c
void ck_avx512_mla_merge(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                         int64_t ld_state, int64_t parts, int64_t r);
// attention.c
void ck_avx512_mla_expanded(const ck_mla_expanded *a, int64_t h0, int64_t h1, void *scratch);
void ck_avx512_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch);
void ck_avx512_pack_keys(uint16_t *block, const float *kv, int64_t ld_kv, const uint16_t *k_r, int64_t ld_kr,
                         int64_t H, int64_t dn, int64_t dr, int64_t dv, int64_t begin, int64_t end, bool fresh);
void ck_avx512_mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch);

#endif
#endif
