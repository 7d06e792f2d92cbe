// The portable level: the same equations as reference.c in a form that a compiler can put in vector
// registers of any CPU. No intrinsics, no libm inside loops. The levels of other CPU classes
// include it too, compiled for those CPUs, with products of their own:
//   CK_LEVEL_TABLE, CK_LEVEL_NAME   the table's symbol and name
//   CK_LEVEL_GEMM                   gemm instead of the portable one
//   CK_LEVEL_RECURRENCE             kda_recurrence, likewise
//   CK_LEVEL_BLOCKS, _ABSORBED, _MERGE   mla_blocks, mla_absorbed and mla_merge, all three
//   CK_HAS_FMA                      fmaf is one instruction
#pragma STDC FP_CONTRACT OFF

#include "kernels_internal.h"

// Before a loop that writes where it reads or elsewhere, never one element for another: callers work in place, and
// the check that a compiler puts in front of such a loop would send them to its scalar form.
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")

#if !defined(CK_LEVEL_GEMM)
// a * b + c, rounded once, for a product that is exact in double (24 + 24 bits). Where the
// CPU has no such instruction, the sum is rounded to odd in double, which makes the second
// rounding to float exact: the same bits as fmaf, and no call.
static inline float fma_exact(float a, float b, float c) {
#if defined(CK_HAS_FMA) || defined(__FMA__) || defined(__aarch64__)
    return fmaf(a, b, c);
#else
    double p = (double)a * b, q = c, sum = p + q;
    double high = sum - p, error = (p - (sum - high)) + (q - high);
    int64_t bits;
    memcpy(&bits, &sum, 8);
    int64_t inexact_even = (int64_t)(error != 0) & ~bits & 1;
    bits += inexact_even * (((error > 0) == (sum > 0)) * 2 - 1);
    memcpy(&sum, &bits, 8);
    return (float)sum;
#endif
}

// The end of a group of K for its 16 columns; see ck_offset_bits.
static inline void fma_scales(float *acc, const int32_t *sums, int32_t offset, const uint16_t *scales) {
    for (int c = 0; c < 16; c++) {
        // fp16 to float as in ck_f16_to_f32; scales are finite.
        uint32_t h = scales[c];
        float d = ck_from_bits((h & 0x7FFF) << 13) * 0x1p112f;
        acc[c] = fma_exact(ck_from_bits((uint32_t)sums[c]) - ck_from_bits((uint32_t)offset), ck_from_bits(ck_bits(d) | (h & 0x8000) << 16), acc[c]);
    }
}

static void panel_q4(float *acc, const uint8_t *panel, int64_t K, const uint8_t *row) {
    const int8_t *q = (const int8_t *)row;
    const int32_t *starts = (const int32_t *)(row + ck_row_q4_starts(K));
    const int32_t *offsets = (const int32_t *)(row + ck_row_offsets(K));
    const uint16_t *scales = (const uint16_t *)(panel + ck_panel_data_bytes(CK_Q4, K));
    for (int64_t g = 0; g < K / 32; g++) {
        int32_t sums[16];
        for (int c = 0; c < 16; c++) sums[c] = starts[g];
        for (int j = 0; j < 4; j++, panel += 64, q += 8)
            for (int c = 0; c < 16; c++)
                for (int i = 0; i < 4; i++) {
                    int16_t byte = panel[4 * c + i];
                    sums[c] += (int16_t)(byte & 15) * (int16_t)q[i] + (int16_t)(byte >> 4) * (int16_t)q[4 + i];
                }
        fma_scales(acc, sums, offsets[g / 2], scales + 16 * g);
    }
}

static void panel_q8(float *acc, const uint8_t *panel, int64_t K, const uint8_t *row) {
    const int8_t *q = (const int8_t *)row, *w = (const int8_t *)panel;
    const int32_t *offsets = (const int32_t *)(row + ck_row_offsets(K));
    const uint16_t *scales = (const uint16_t *)(panel + ck_panel_data_bytes(CK_Q8, K));
    for (int64_t g = 0; g < K / 64; g++) {
        int32_t sums[16];
        for (int c = 0; c < 16; c++) sums[c] = offsets[g];
        for (int j = 0; j < 16; j++, w += 64, q += 4)
            for (int c = 0; c < 16; c++)
                for (int i = 0; i < 4; i++) sums[c] += (int16_t)w[4 * c + i] * (int16_t)q[i];
        fma_scales(acc, sums, offsets[g], scales + 16 * g);
    }
}

static void panel_f32(float *acc, const float *panel, int64_t K, const float *x) {
    for (int64_t k = 0; k < K; k++)
        for (int c = 0; c < 16; c++) acc[c] += x[k] * panel[16 * k + c];
}

static void panel_bf16(float *acc, const uint16_t *panel, int64_t K, const uint16_t *x) {
    for (int64_t k = 0; k < K; k += 2, panel += 32) {
        float x0 = ck_widen(x[k]), x1 = ck_widen(x[k + 1]);
        for (int c = 0; c < 16; c++)
            acc[c] += x0 * ck_widen(panel[2 * c]) + x1 * ck_widen(panel[2 * c + 1]);
    }
}

static void gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                 const ck_matrix *w, int64_t p0, int64_t p1) {
    int64_t K = w->K;
    for (int64_t p = p0; p < p1; p++) {
        const uint8_t *panel = ck_panel(w, p);
        int64_t columns = ck_min(16, w->N - 16 * p);
        for (int64_t m = 0; m < M; m++) {
            const uint8_t *row = (const uint8_t *)x + m * x_row_bytes;
            float acc[16] = {0}, factor = 1;
            switch (w->format) {
                case CK_F32: panel_f32(acc, (const float *)panel, K, (const float *)row); break;
                case CK_BF16: panel_bf16(acc, (const uint16_t *)panel, K, (const uint16_t *)row); break;
                case CK_Q8: panel_q8(acc, panel, K, row); break;
                case CK_Q4: panel_q4(acc, panel, K, row); break;
            }
            if (w->format == CK_Q8 || w->format == CK_Q4) factor = *(const float *)(row + ck_row_scale(K));
            for (int64_t c = 0; c < columns; c++) y[m * ldy + 16 * p + c] = acc[c] * factor;
        }
    }
}
#define CK_LEVEL_GEMM gemm
#else
static void CK_LEVEL_GEMM(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                          const ck_matrix *w, int64_t p0, int64_t p1);
#endif

static void prepare(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K) {
    if (format != CK_Q8 && format != CK_Q4) {
        ck_common_prepare(out, format, x, ldx, M, K);
        return;
    }
    int64_t bytes = ck_activation_row_bytes(format, K);
    for (int64_t m = 0; m < M; m++) ck_prepare_int8((uint8_t *)out + m * bytes, x + m * ldx, K);
}

// ---------------------------------------------------------------- exp

// exp(x) = 2^n * exp(r), |r| <= ln(2)/2, with a polynomial for exp(r) (Cephes expf); about
// 2 ulp. Flushes to 0 below the smallest normal number.
static inline float exp1(float x) {
    float clamped = x < -87.33654f ? -87.33654f : x > 88.72283f ? 88.72283f : x;
    float n = (clamped * 1.44269504f + 12582912.0f) - 12582912.0f;  // nearest integer
    float r = clamped - n * 0.693359375f - n * -2.12194440e-4f;
    float e = 1.9875691500e-4f;
    e = e * r + 1.3981999507e-3f;
    e = e * r + 8.3334519073e-3f;
    e = e * r + 4.1665795894e-2f;
    e = e * r + 1.6666665459e-1f;
    e = e * r + 5.0000001201e-1f;
    e = e * r * r + r + 1.0f;
    // 2^n in two factors, since n may be 128.
    int32_t whole = (int32_t)n, half = whole >> 1;
    e = e * ck_from_bits((uint32_t)(half + 127) << 23) * ck_from_bits((uint32_t)(whole - half + 127) << 23);
    e = x < -87.33654f ? 0 : e;
    return x != x ? x : e;
}

static inline float sigmoid1(float x) { return 1 / (1 + exp1(-x)); }
static inline float silu1(float x) { return x / (1 + exp1(-x)); }

// log(1 + u) for u in 0 ... 1 as 2 atanh(u / (2 + u)), a series in a square below 1/9.
static inline float log1p1(float u) {
    float s = u / (2 + u), z = s * s, e = 1.0f / 15;
    e = e * z + 1.0f / 13;
    e = e * z + 1.0f / 11;
    e = e * z + 1.0f / 9;
    e = e * z + 1.0f / 7;
    e = e * z + 1.0f / 5;
    e = e * z + 1.0f / 3;
    return 2 * (s + s * z * e);
}

// ---------------------------------------------------------------- rows

static float sum_of_squares(const float *x, int64_t n) {
    float sums[16] = {0}, total = 0;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int c = 0; c < 16; c++) sums[c] += x[i + c] * x[i + c];
    for (int c = 0; i + c < n; c++) sums[c] += x[i + c] * x[i + c];
    for (int width = 8; width > 0; width /= 2)
        for (int c = 0; c < width; c++) sums[c] += sums[c + width];
    total = sums[0];
    return total;
}

static void rms_norm(float *out, int64_t ldo, const float *x, int64_t ldx, const float *weight,
                     int64_t M, int64_t K, float eps) {
    for (int64_t m = 0; m < M; m++) {
        float factor = 1 / sqrtf(sum_of_squares(x + m * ldx, K) / (float)K + eps);
        IN_PLACE for (int64_t i = 0; i < K; i++) out[m * ldo + i] = x[m * ldx + i] * factor * weight[i];
    }
}

static void silu_multiply(float *out, int64_t ldo, const float *gate, int64_t ldg, const float *up,
                          int64_t ldu, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        IN_PLACE for (int64_t i = 0; i < n; i++) out[m * ldo + i] = silu1(gate[m * ldg + i]) * up[m * ldu + i];
}

static void sigmoid(float *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        IN_PLACE for (int64_t i = 0; i < n; i++) out[m * ldo + i] = sigmoid1(x[m * ldx + i]);
}

static void exponential(float *out, const float *x, int64_t n) {
    IN_PLACE for (int64_t i = 0; i < n; i++) out[i] = exp1(x[i]);
}

// ---------------------------------------------------------------- KDA

static void short_conv(float *out, int64_t ldo, float *tail, int64_t ld_tail, const float *x,
                       int64_t ldx, const float *weight, int64_t ld_weight, int64_t T, int64_t W,
                       int64_t c0, int64_t c1) {
    for (int64_t t = 0; t < T; t++) {
        float *o = out + t * ldo;
        for (int64_t j = 0; j < W; j++) {
            int64_t s = t - W + 1 + j;
            const float *row = s < 0 ? tail + (s + W - 1) * ld_tail : x + s * ldx;
            const float *w = weight + j * ld_weight;
            if (j == 0)
                for (int64_t c = c0; c < c1; c++) o[c] = w[c] * row[c];
            else
                for (int64_t c = c0; c < c1; c++) o[c] += w[c] * row[c];
        }
        for (int64_t c = c0; c < c1; c++) o[c] = silu1(o[c]);
    }
    for (int64_t j = 0; j < W - 1; j++) {  // ascending: row j only needs rows behind it
        int64_t s = T - W + 1 + j;
        const float *row = s < 0 ? tail + (s + W - 1) * ld_tail : x + s * ldx;
        if (T > 0) memcpy(tail + j * ld_tail + c0, row + c0, (size_t)(c1 - c0) * 4);
    }
}

static void l2_norm(float *x, int64_t ldx, int64_t T, int64_t H, int64_t K, float eps, float scale) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++) {
            float *row = x + t * ldx + h * K;
            float factor = scale / sqrtf(sum_of_squares(row, K) + eps);
            for (int64_t i = 0; i < K; i++) row[i] *= factor;
        }
}

static void kda_gate(float *g, int64_t ldg, const float *z, int64_t ldz, const float *A_log,
                     const float *dt_bias, int64_t T, int64_t H, int64_t K) {
    for (int64_t h = 0; h < H; h++) {
        float rate = -exp1(A_log[h]);
        for (int64_t t = 0; t < T; t++)
            IN_PLACE for (int64_t i = h * K; i < h * K + K; i++) {
                float a = z[t * ldz + i] + dt_bias[i], magnitude = a < 0 ? -a : a;
                g[t * ldg + i] = rate * ((a < 0 ? 0 : a) + log1p1(exp1(-magnitude)));
            }
    }
}

#if !defined(CK_LEVEL_RECURRENCE)
// The state in strips of 16 value columns, so that what is read and written per key channel
// stays in registers; strips do not touch each other.
static void kda_recurrence(float *out, int64_t ld_o, float *state, const float *q, int64_t ld_q,
                           const float *k, int64_t ld_k, const float *v, int64_t ld_v,
                           const float *g, int64_t ld_g, const float *beta, int64_t ld_beta,
                           int64_t T, int64_t K, int64_t V, int64_t h0, int64_t h1) {
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < T; t++) {
            const float *qt = q + t * ld_q + h * K, *kt = k + t * ld_k + h * K;
            const float *gt = g + t * ld_g + h * K, *vt = v + t * ld_v + h * V;
            float *ot = out + t * ld_o + h * V, bt = beta[t * ld_beta + h];
            for (int64_t c = 0; c < K; c++) {
                float *S = state + (h * K + c) * V, decay = exp1(gt[c]);
                for (int64_t j = 0; j < V; j++) S[j] *= decay;
            }
            for (int64_t j0 = 0; j0 < V; j0 += 16) {
                float *S = state + h * K * V + j0, read[16] = {0}, u[16], result[16] = {0};
                if (j0 + 16 <= V) {
                    for (int64_t c = 0; c < K; c++)
                        for (int j = 0; j < 16; j++) read[j] += S[c * V + j] * kt[c];
                    for (int j = 0; j < 16; j++) u[j] = bt * (vt[j0 + j] - read[j]);
                    for (int64_t c = 0; c < K; c++)
                        for (int j = 0; j < 16; j++) {
                            float s = S[c * V + j] + kt[c] * u[j];
                            S[c * V + j] = s;
                            result[j] += s * qt[c];
                        }
                    for (int j = 0; j < 16; j++) ot[j0 + j] = result[j];
                } else {
                    int rest = (int)(V - j0);
                    for (int64_t c = 0; c < K; c++)
                        for (int j = 0; j < rest; j++) read[j] += S[c * V + j] * kt[c];
                    for (int j = 0; j < rest; j++) u[j] = bt * (vt[j0 + j] - read[j]);
                    for (int64_t c = 0; c < K; c++)
                        for (int j = 0; j < rest; j++) {
                            float s = S[c * V + j] + kt[c] * u[j];
                            S[c * V + j] = s;
                            result[j] += s * qt[c];
                        }
                    for (int j = 0; j < rest; j++) ot[j0 + j] = result[j];
                }
            }
        }
}
#define CK_LEVEL_RECURRENCE kda_recurrence
#endif

static void gated_rms_norm(float *out, int64_t ldo, const float *x, int64_t ldx, const float *gate,
                           int64_t ldg, const float *weight, int64_t T, int64_t H, int64_t V,
                           float eps) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++) {
            float *o = out + t * ldo + h * V;
            const float *xh = x + t * ldx + h * V, *gh = gate + t * ldg + h * V;
            float factor = 1 / sqrtf(sum_of_squares(xh, V) / (float)V + eps);
            IN_PLACE for (int64_t i = 0; i < V; i++) o[i] = xh[i] * factor * weight[i] * sigmoid1(gh[i]);
        }
}

// ---------------------------------------------------------------- MLA

// As in reference.c: one query row over keys lo ..< hi; keys are dn floats then dr bf16.
typedef struct {
    const float *key, *value;
    const uint16_t *key_bf16;
    int64_t ld_key, ld_key_bf16, dn, dr, dv;
} key_rows;

static float dot(const float *a, const float *b, int64_t n) {
    float sums[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int c = 0; c < 16; c++) sums[c] += a[i + c] * b[i + c];
    for (int c = 0; i + c < n; c++) sums[c] += a[i + c] * b[i + c];
    for (int width = 8; width > 0; width /= 2)
        for (int c = 0; c < width; c++) sums[c] += sums[c + width];
    return sums[0];
}

static float dot_bf16(const float *a, const uint16_t *b, int64_t n) {
    float sums[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int c = 0; c < 16; c++) sums[c] += a[i + c] * ck_widen(b[i + c]);
    for (int c = 0; i + c < n; c++) sums[c] += a[i + c] * ck_widen(b[i + c]);
    for (int width = 8; width > 0; width /= 2)
        for (int c = 0; c < width; c++) sums[c] += sums[c + width];
    return sums[0];
}

static void attend_row(float *out, float *row_max, float *row_sum, const float *q, const key_rows *r,
                       int64_t lo, int64_t hi, int64_t key0, float scale) {
    for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
        int64_t begin = ck_max(lo, block) - key0, end = ck_min(hi, block + CK_KEY_BLOCK) - key0;
        float p[CK_KEY_BLOCK], largest = *row_max, sum = 0;
        for (int64_t s = begin; s < end; s++) {
            float score = dot_bf16(q + r->dn, r->key_bf16 + s * r->ld_key_bf16, r->dr);
            if (r->key) score += dot(q, r->key + s * r->ld_key, r->dn);
            p[s - begin] = score * scale;
            largest = p[s - begin] > largest ? p[s - begin] : largest;
        }
        float shrink = exp1(*row_max - largest);
        for (int64_t j = 0; j < end - begin; j++) p[j] = exp1(p[j] - largest);
        for (int64_t j = 0; j < end - begin; j++) sum += p[j];
        for (int64_t i = 0; i < r->dv; i++) out[i] *= shrink;
        for (int64_t s = begin; s < end; s++) {
            float weight = p[s - begin];
            if (r->value) {
                const float *value = r->value + s * r->ld_key;
                for (int64_t i = 0; i < r->dv; i++) out[i] += weight * value[i];
            } else {
                const uint16_t *value = r->key_bf16 + s * r->ld_key_bf16;
                for (int64_t i = 0; i < r->dv; i++) out[i] += weight * ck_widen(value[i]);
            }
        }
        *row_max = largest;
        *row_sum = *row_sum * shrink + sum;
    }
}

static void attend(float *out, float *row_max, float *row_sum, const float *q, const key_rows *r,
                   int64_t t, int64_t window, int64_t key0, int64_t S, float scale, bool first,
                   bool last) {
    int64_t lo, hi;
    ck_key_range(t, window, key0, S, &lo, &hi);
    if (first) {
        memset(out, 0, (size_t)r->dv * 4);
        *row_max = -INFINITY;
        *row_sum = 0;
    }
    attend_row(out, row_max, row_sum, q, r, lo, hi, key0, scale);
    if (last)
        for (int64_t i = 0; i < r->dv; i++) out[i] /= *row_sum;
}

static void mla_expanded(const ck_mla_expanded *a, int64_t h0, int64_t h1, void *scratch) {
    (void)scratch;
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < a->T; t++) {
            const float *kv = a->kv + h * (a->dn + a->dv);
            key_rows rows = {kv, kv + a->dn, a->k_r, a->ld_kv, a->ld_kr, a->dn, a->dr, a->dv};
            attend(a->out + t * a->ld_out + h * a->dv, a->row_max + t * a->H + h,
                   a->row_sum + t * a->H + h, a->q + t * a->ld_q + h * (a->dn + a->dr), &rows,
                   a->query0 + t, a->window, a->key0, a->S, a->scale, a->first, a->last);
        }
}

#if !defined(CK_LEVEL_BLOCKS)
static void mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch) {
    (void)scratch;
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < a->T; t++) {
            key_rows rows = {NULL, NULL, a->cache, 0, a->ld_cache, 0, a->r + a->dr, a->r};
            attend(a->z + t * a->ld_z + h * a->r, a->row_max + t * a->H + h, a->row_sum + t * a->H + h,
                   a->q + t * a->ld_q + h * (a->r + a->dr), &rows, a->query0 + t, a->window, a->key0,
                   a->S, a->scale, a->first, a->last);
        }
}

// As in reference.c, with the block's keys and values widened a line at a time.
static void blocks_row(const ck_mla_blocks *a, int64_t h, int64_t t, uint64_t seen, const uint16_t *keys) {
    const uint16_t *values = keys + ck_block_values(a->width);
    const float *q = a->q + t * a->ld_q + h * a->width;
    float *out = a->out + t * a->ld_out + h * a->dv, *row_max = a->row_max + t * a->H + h;
    float *row_sum = a->row_sum + t * a->H + h, p[CK_KEY_BLOCK] = {0}, largest = *row_max, sum = 0;
    int64_t padded = ck_round_up(a->dv, 16);
    for (int64_t i = 0; i < a->width; i++) {
        float qi = ck_widen(ck_f32_to_bf16(q[i] * (a->scale * 1.44269504f)));
        const uint16_t *line = keys + i / 2 * CK_KEY_BLOCK * 2 + i % 2;
        for (int j = 0; j < CK_KEY_BLOCK; j++) p[j] += qi * ck_widen(line[2 * j]);
    }
    for (int j = 0; j < CK_KEY_BLOCK; j++)
        if (seen >> j & 1) largest = p[j] > largest ? p[j] : largest;
    float shrink = exp1((*row_max - largest) * 0.69314718f);
    for (int j = 0; j < CK_KEY_BLOCK; j++) {
        float weight = exp1((p[j] - largest) * 0.69314718f);
        p[j] = seen >> j & 1 ? weight : 0;
        sum += p[j];
    }
    for (int64_t i = 0; i < a->dv; i++) out[i] *= shrink;
    for (int j = 0; j < CK_KEY_BLOCK; j++) {
        float weight = ck_widen(ck_f32_to_bf16(p[j]));
        const uint16_t *line = values + j / 2 * padded * 2 + j % 2;
        for (int64_t i = 0; i < a->dv; i++) out[i] += weight * ck_widen(line[2 * i]);
    }
    *row_max = largest;
    *row_sum = *row_sum * shrink + sum;
}

static void mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch) {
    (void)scratch;
    int64_t words = ck_key_block_words(a->width, a->dv);
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < a->T; t++) {
            float *out = a->out + t * a->ld_out + h * a->dv, *row_sum = a->row_sum + t * a->H + h;
            if (a->first) {
                memset(out, 0, (size_t)a->dv * 4);
                a->row_max[t * a->H + h] = -INFINITY;
                *row_sum = 0;
            }
            for (int64_t b = a->key0 / CK_KEY_BLOCK; b * CK_KEY_BLOCK < a->key0 + a->S; b++) {
                uint64_t seen = ck_seen_keys(a->query0 + t, a->window, a->key0, a->S, b * CK_KEY_BLOCK);
                if (seen) blocks_row(a, h, t, seen, a->blocks + ((b - a->block0) * a->H + h) * words);
            }
            if (a->last)
                for (int64_t i = 0; i < a->dv; i++) out[i] /= *row_sum;
        }
}

static void mla_merge(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                      int64_t ld_state, int64_t parts, int64_t r) {
    float largest = -INFINITY, sum = 0;
    for (int64_t p = 0; p < parts; p++) largest = fmaxf(largest, row_max[p * ld_state]);
    for (int64_t p = 0; p < parts; p++) sum += expf(row_max[p * ld_state] - largest) * row_sum[p * ld_state];
    for (int64_t p = 0; p < parts; p++) {
        float weight = expf(row_max[p * ld_state] - largest) / sum;
        for (int64_t i = 0; i < r; i++) out[i] = (p ? out[i] : 0) + weight * z[p * ld_z + i];
    }
}
#define CK_LEVEL_BLOCKS mla_blocks
#define CK_LEVEL_ABSORBED mla_absorbed
#define CK_LEVEL_MERGE mla_merge
#endif

const ck_kernels CK_LEVEL_TABLE = {
    .name = CK_LEVEL_NAME,
    .prepare = prepare,
    .gemm = CK_LEVEL_GEMM,
    .rms_norm = rms_norm,
    .add = ck_common_add,
    .silu_multiply = silu_multiply,
    .sigmoid = sigmoid,
    .exp = exponential,
    .log_softmax = ck_reference_log_softmax,
    .argmax = ck_common_argmax,
    .to_bf16 = ck_common_to_bf16,
    .from_bf16 = ck_common_from_bf16,
    .short_conv = short_conv,
    .l2_norm = l2_norm,
    .kda_gate = kda_gate,
    .kda_recurrence = CK_LEVEL_RECURRENCE,
    .gated_rms_norm = gated_rms_norm,
    .mla_expanded = mla_expanded,
    .mla_blocks = CK_LEVEL_BLOCKS,
    .pack_keys = ck_common_pack_keys,
    .mla_absorbed = CK_LEVEL_ABSORBED,
    .mla_merge = CK_LEVEL_MERGE,
    .moe_route = ck_reference_moe_route,
};
