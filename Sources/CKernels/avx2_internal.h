// What the files of the AVX2 level share.
#ifndef LECTOR_AVX2_INTERNAL_H
#define LECTOR_AVX2_INTERNAL_H

#include "kernels_internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define CK_AVX2 "avx2,fma,f16c"
#pragma clang attribute push(__attribute__((target(CK_AVX2))), apply_to = function)

// Lanes 0 ..< n, all of them from n = 8 on.
INLINE __m256i lanes8(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)ck_min(n, 8)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// Lanes whose bit of `bits` is set.
INLINE __m256i lanes_of(uint64_t bits) {
    __m256i each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int32_t)(bits & 255)), each), each);
}

INLINE __m256 widen8(const uint16_t *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}

// x rounded to the nearest bf16, even on ties, as float; finite x.
INLINE __m256 rounded8(__m256 x) {
    __m256i b = _mm256_castps_si256(x);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(b, 16), _mm256_set1_epi32(1));
    b = _mm256_add_epi32(b, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
    return _mm256_castsi256_ps(_mm256_and_si256(b, _mm256_set1_epi32((int32_t)0xFFFF0000)));
}

INLINE float sum8(__m256 x) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

INLINE float largest8(__m256 x) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

// 2^x for x <= 0 to about 2^-14, which is more than bf16 keeps; 0 below -126.
INLINE __m256 exp2_8(__m256 x) {
    __m256 small = _mm256_cmp_ps(x, _mm256_set1_ps(-126.0f), _CMP_LT_OQ);
    x = _mm256_max_ps(_mm256_set1_ps(-126.0f), x);
    __m256 n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm256_sub_ps(x, n);
    __m256 e = _mm256_set1_ps(9.618129e-3f);
    e = _mm256_fmadd_ps(e, f, _mm256_set1_ps(5.550411e-2f));
    e = _mm256_fmadd_ps(e, f, _mm256_set1_ps(2.402265e-1f));
    e = _mm256_fmadd_ps(e, f, _mm256_set1_ps(6.931472e-1f));
    e = _mm256_fmadd_ps(e, f, _mm256_set1_ps(1.0f));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(small, _mm256_mul_ps(e, _mm256_castsi256_ps(power)));
}

#pragma clang attribute pop

// avx2_kda.c
void ck_avx2_kda_recurrence(float *out, int64_t ld_o, float *state, const float *q, int64_t ld_q, const float *k,
                            int64_t ld_k, const float *v, int64_t ld_v, const float *g, int64_t ld_g,
                            const float *beta, int64_t ld_beta, int64_t T, int64_t K, int64_t V, int64_t h0, int64_t h1);
// avx2_attention.c
void ck_avx2_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch);
void ck_avx2_mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch);
void ck_avx2_mla_merge(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                       int64_t ld_state, int64_t parts, int64_t r);

#endif
#endif
