// The KDA recurrence with AVX2.
#pragma STDC FP_CONTRACT OFF

#include "avx2_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX2))), apply_to = function)

#define KDA_DECAYS 4096

typedef struct {
    float *out, *state;
    const float *q, *k, *v, *beta, *decay;  // of the head and the first token; decay [T,K]
    int64_t ld_o, ld_q, ld_k, ld_v, ld_beta, T, K, V;
} kda_strip;

// Whole vectors unless `masked`, where the lanes beyond the last column are left alone.
INLINE __m256 load(const bool masked, const float *p, __m256i lanes) {
    return masked ? _mm256_maskload_ps(p, lanes) : _mm256_loadu_ps(p);
}

INLINE void store(const bool masked, float *p, __m256i lanes, __m256 x) {
    if (masked) _mm256_maskstore_ps(p, lanes, x);
    else _mm256_storeu_ps(p, x);
}

// T tokens on 8*N value columns of one head's state. What token t writes and what token t+1
// decays and reads is one pass: four vector operations for each load and store. Two vectors of
// columns keep both chains of sums as short as the multipliers' latency.
INLINE void kda_columns(const int N, const bool masked, const kda_strip *a, int64_t j0, __m256i lanes) {
    float *S = a->state + j0;
    int64_t K = a->K, V = a->V;
    __m256 read[2], u[2], result[2];
    UNROLL for (int n = 0; n < N; n++) read[n] = _mm256_setzero_ps();
    for (int64_t c = 0; c < K; c++) {
        __m256 decay = _mm256_set1_ps(a->decay[c]), k = _mm256_set1_ps(a->k[c]);
        UNROLL for (int n = 0; n < N; n++) {
            __m256 s = _mm256_mul_ps(load(masked, S + c * V + 8 * n, lanes), decay);
            read[n] = _mm256_fmadd_ps(k, s, read[n]);
            store(masked, S + c * V + 8 * n, lanes, s);
        }
    }
    for (int64_t t = 0; t < a->T; t++) {
        const float *qt = a->q + t * a->ld_q, *kt = a->k + t * a->ld_k, *vt = a->v + t * a->ld_v + j0;
        __m256 beta = _mm256_set1_ps(a->beta[t * a->ld_beta]);
        UNROLL for (int n = 0; n < N; n++) {
            u[n] = _mm256_mul_ps(beta, _mm256_sub_ps(load(masked, vt + 8 * n, lanes), read[n]));
            read[n] = result[n] = _mm256_setzero_ps();
        }
        if (t + 1 < a->T) {
            const float *next_k = kt + a->ld_k, *next_decay = a->decay + (t + 1) * K;
            for (int64_t c = 0; c < K; c++) {
                __m256 k = _mm256_set1_ps(kt[c]), q = _mm256_set1_ps(qt[c]);
                __m256 decay = _mm256_set1_ps(next_decay[c]), k1 = _mm256_set1_ps(next_k[c]);
                UNROLL for (int n = 0; n < N; n++) {
                    __m256 s = _mm256_fmadd_ps(k, u[n], load(masked, S + c * V + 8 * n, lanes));
                    result[n] = _mm256_fmadd_ps(q, s, result[n]);
                    s = _mm256_mul_ps(s, decay);
                    read[n] = _mm256_fmadd_ps(k1, s, read[n]);
                    store(masked, S + c * V + 8 * n, lanes, s);
                }
            }
        } else {
            for (int64_t c = 0; c < K; c++) {
                __m256 k = _mm256_set1_ps(kt[c]), q = _mm256_set1_ps(qt[c]);
                UNROLL for (int n = 0; n < N; n++) {
                    __m256 s = _mm256_fmadd_ps(k, u[n], load(masked, S + c * V + 8 * n, lanes));
                    result[n] = _mm256_fmadd_ps(q, s, result[n]);
                    store(masked, S + c * V + 8 * n, lanes, s);
                }
            }
        }
        float *ot = a->out + t * a->ld_o + j0;
        UNROLL for (int n = 0; n < N; n++) store(masked, ot + 8 * n, lanes, result[n]);
    }
}

void ck_avx2_kda_recurrence(float *out, int64_t ld_o, float *state, const float *q, int64_t ld_q, const float *k,
                            int64_t ld_k, const float *v, int64_t ld_v, const float *g, int64_t ld_g,
                            const float *beta, int64_t ld_beta, int64_t T, int64_t K, int64_t V, int64_t h0, int64_t h1) {
    if (K > KDA_DECAYS) {
        ck_reference_table.kda_recurrence(out, ld_o, state, q, ld_q, k, ld_k, v, ld_v, g, ld_g, beta, ld_beta, T, K, V,
                                          h0, h1);
        return;
    }
    const int64_t step = ck_max(1, ck_min(32, KDA_DECAYS / ck_max(K, 1)));
    const __m256i all = lanes8(8);
    _Alignas(64) float decay[KDA_DECAYS];
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < T; t += step) {
            int64_t count = ck_min(step, T - t);
            for (int64_t i = 0; i < count; i++) ck_avx2_table.exp(decay + i * K, g + (t + i) * ld_g + h * K, K);
            kda_strip a = {out + t * ld_o + h * V, state + h * K * V,
                           q + t * ld_q + h * K, k + t * ld_k + h * K, v + t * ld_v + h * V,
                           beta + t * ld_beta + h, decay,
                           ld_o, ld_q, ld_k, ld_v, ld_beta, count, K, V};
            int64_t j = 0;
            for (; j + 16 <= V; j += 16) kda_columns(2, false, &a, j, all);
            for (; j + 8 <= V; j += 8) kda_columns(1, false, &a, j, all);
            if (j < V) kda_columns(1, true, &a, j, lanes8(V - j));
        }
}

#pragma clang attribute pop
#endif
