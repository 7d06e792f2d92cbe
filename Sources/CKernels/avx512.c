// Rows and KDA with AVX-512, and the table of the level.
#pragma STDC FP_CONTRACT OFF

#include "avx512_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX512))), apply_to = function)

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

// One head's part of a row lies kilobytes from the next one's, where no hardware prefetcher follows:
// rows are asked for so far ahead, beyond the end too (where a prefetch does nothing, or brings what
// the caller's next tokens need).
#define CK_ROWS_AHEAD 12

static void short_conv(float *out, int64_t ldo, float *tail, int64_t ld_tail, const float *x,
                       int64_t ldx, const float *weight, int64_t ld_weight, int64_t T, int64_t W,
                       int64_t c0, int64_t c1) {
    if (T <= 0) return;
    for (int64_t c = c0; c < c1; c += 16) {
        __mmask16 mask = tail_mask(c1 - c);
        __m512 w[CK_MAX_CONV_WIDTH];
        for (int64_t j = 0; j < W; j++) w[j] = _mm512_maskz_loadu_ps(mask, weight + j * ld_weight + c);
        for (int64_t t = 0; t < T; t++) {
            _mm_prefetch((const char *)(x + (t + CK_ROWS_AHEAD) * ldx + c), _MM_HINT_T0);
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
                _mm_prefetch((const char *)(z + (t + CK_ROWS_AHEAD) * ldz + h * K + i), _MM_HINT_T0);
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
                _mm_prefetch((const char *)(gh + CK_ROWS_AHEAD * ldg + i), _MM_HINT_T0);
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

#pragma clang attribute pop

const ck_kernels ck_avx512_table = {
    .name = "avx512",
    .prepare = ck_avx512_prepare,
    .gemm = ck_avx512_gemm,
    .rms_norm = rms_norm,
    .add = add,
    .silu_multiply = silu_multiply,
    .sigmoid = sigmoid,
    .exp = exponential,
    .log_softmax = ck_reference_log_softmax,
    .argmax = ck_common_argmax,
    .to_bf16 = ck_avx512_to_bf16,
    .from_bf16 = ck_avx512_from_bf16,
    .short_conv = short_conv,
    .l2_norm = l2_norm,
    .kda_gate = kda_gate,
    .kda_recurrence = kda_recurrence,
    .gated_rms_norm = gated_rms_norm,
    .mla_expanded = ck_avx512_mla_expanded,
    .mla_blocks = ck_avx512_mla_blocks,
    .pack_keys = ck_avx512_pack_keys,
    .mla_absorbed = ck_avx512_mla_absorbed,
    .mla_merge = ck_avx512_mla_merge,
    .moe_route = ck_reference_moe_route,
};
#endif
