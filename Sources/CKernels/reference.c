// The plain reference: each kernel as its equation reads, one element at a time. The other
// levels are tested against it.
#pragma STDC FP_CONTRACT OFF

#include "kernels_internal.h"

static float sigmoid1(float x) { return 1 / (1 + expf(-x)); }
static float silu1(float x) { return x / (1 + expf(-x)); }

static float dot_panel(const uint8_t *panel, ck_format format, int64_t K, int64_t c, const void *row) {
    const uint16_t *scales = (const uint16_t *)(panel + ck_panel_data_bytes(format, K));
    const int8_t *q = row;
    const int32_t *offsets = (const int32_t *)((const uint8_t *)row + ck_row_offsets(K));
    float acc = 0;
    switch (format) {
        case CK_F32:
            for (int64_t k = 0; k < K; k++)
                acc = fmaf(((const float *)row)[k], ((const float *)panel)[k * 16 + c], acc);
            break;
        case CK_BF16:
            for (int64_t k = 0; k < K; k++) {
                float x = ck_bf16_to_f32(((const uint16_t *)row)[k]);
                float w = ck_bf16_to_f32(((const uint16_t *)panel)[(k / 2 * 16 + c) * 2 + k % 2]);
                acc = fmaf(x, w, acc);
            }
            break;
        case CK_Q8:
            for (int64_t g = 0; g < K / 64; g++) {
                int32_t sum = 0;
                for (int64_t k = 64 * g; k < 64 * g + 64; k++)
                    sum += q[k] * (int8_t)panel[(k / 4 * 16 + c) * 4 + k % 4];
                acc = fmaf((float)(sum * (1 << ck_offset_shift(offsets[g]))), ck_f16_to_f32(scales[g * 16 + c]), acc);
            }
            break;
        case CK_Q4:
            for (int64_t g = 0; g < K / 32; g++) {
                int32_t sum = 0;
                for (int64_t k = 32 * g; k < 32 * g + 32; k++) {
                    int byte = panel[(k / 8 * 16 + c) * 4 + k % 4];
                    sum += q[k] * ((k / 4 % 2 ? byte >> 4 : byte & 15) - 8);
                }
                acc = fmaf((float)(sum * (1 << ck_offset_shift(offsets[g / 2]))), ck_f16_to_f32(scales[g * 16 + c]), acc);
            }
            break;
    }
    if (format == CK_Q8 || format == CK_Q4)
        acc *= *(const float *)((const uint8_t *)row + ck_row_scale(K));
    return acc;
}

static void gemm(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                 const ck_matrix *w, int64_t p0, int64_t p1) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t n = 16 * p0; n < ck_min(16 * p1, w->N); n++)
            y[m * ldy + n] = dot_panel(ck_panel(w, n / 16), w->format, w->K, n % 16,
                                       (const uint8_t *)x + m * x_row_bytes);
}

static void rms_norm(float *out, int64_t ldo, const float *x, int64_t ldx, const float *weight,
                     int64_t M, int64_t K, float eps) {
    for (int64_t m = 0; m < M; m++) {
        double sum = 0;
        for (int64_t i = 0; i < K; i++) sum += (double)x[m * ldx + i] * x[m * ldx + i];
        float factor = (float)(1 / sqrt(sum / (double)K + eps));
        for (int64_t i = 0; i < K; i++) out[m * ldo + i] = x[m * ldx + i] * factor * weight[i];
    }
}

static void silu_multiply(float *out, int64_t ldo, const float *gate, int64_t ldg, const float *up,
                          int64_t ldu, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i++) out[m * ldo + i] = silu1(gate[m * ldg + i]) * up[m * ldu + i];
}

static void sigmoid(float *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n) {
    for (int64_t m = 0; m < M; m++)
        for (int64_t i = 0; i < n; i++) out[m * ldo + i] = sigmoid1(x[m * ldx + i]);
}

static void exponential(float *out, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = expf(x[i]);
}

void ck_reference_log_softmax(float *out, const float *x, int64_t n) {
    float largest = -INFINITY;
    for (int64_t i = 0; i < n; i++) largest = fmaxf(largest, x[i]);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - largest);
    double norm = largest + log(sum);
    for (int64_t i = 0; i < n; i++) out[i] = (float)(x[i] - norm);
}

static void short_conv(float *out, int64_t ldo, float *tail, int64_t ld_tail, const float *x,
                       int64_t ldx, const float *weight, int64_t ld_weight, int64_t T, int64_t W,
                       int64_t c0, int64_t c1) {
    for (int64_t c = c0; c < c1; c++) {
        float taps[CK_MAX_CONV_WIDTH];  // the last W inputs, the current one last
        for (int64_t j = 0; j < W - 1; j++) taps[j + 1] = tail[j * ld_tail + c];
        for (int64_t t = 0; t < T; t++) {
            for (int64_t j = 0; j + 1 < W; j++) taps[j] = taps[j + 1];
            taps[W - 1] = x[t * ldx + c];
            float sum = weight[c] * taps[0];
            for (int64_t j = 1; j < W; j++) sum += weight[j * ld_weight + c] * taps[j];
            out[t * ldo + c] = silu1(sum);
        }
        for (int64_t j = 0; j < W - 1; j++) tail[j * ld_tail + c] = taps[j + 1];
    }
}

static void l2_norm(float *x, int64_t ldx, int64_t T, int64_t H, int64_t K, float eps, float scale) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++) {
            float *row = x + t * ldx + h * K;
            double sum = 0;
            for (int64_t i = 0; i < K; i++) sum += (double)row[i] * row[i];
            float factor = (float)(scale / sqrt(sum + eps));
            for (int64_t i = 0; i < K; i++) row[i] *= factor;
        }
}

static void kda_gate(float *g, int64_t ldg, const float *z, int64_t ldz, const float *A_log,
                     const float *dt_bias, int64_t T, int64_t H, int64_t K) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++)
            for (int64_t i = 0; i < K; i++) {
                float a = z[t * ldz + h * K + i] + dt_bias[h * K + i];
                float softplus = fmaxf(a, 0) + log1pf(expf(-fabsf(a)));
                g[t * ldg + h * K + i] = -expf(A_log[h]) * softplus;
            }
}

static void kda_recurrence(float *out, int64_t ld_o, float *state, const float *q, int64_t ld_q,
                           const float *k, int64_t ld_k, const float *v, int64_t ld_v,
                           const float *g, int64_t ld_g, const float *beta, int64_t ld_beta,
                           int64_t T, int64_t K, int64_t V, int64_t h0, int64_t h1) {
    for (int64_t h = h0; h < h1; h++) {
        float *S = state + h * K * V;
        for (int64_t t = 0; t < T; t++) {
            const float *qt = q + t * ld_q + h * K, *kt = k + t * ld_k + h * K;
            const float *gt = g + t * ld_g + h * K, *vt = v + t * ld_v + h * V;
            float bt = beta[t * ld_beta + h];
            for (int64_t c = 0; c < K; c++)
                for (int64_t j = 0; j < V; j++) S[c * V + j] *= expf(gt[c]);
            for (int64_t j = 0; j < V; j++) {
                float read = 0, result = 0;
                for (int64_t c = 0; c < K; c++) read += S[c * V + j] * kt[c];
                float u = bt * (vt[j] - read);
                for (int64_t c = 0; c < K; c++) S[c * V + j] += kt[c] * u;
                for (int64_t c = 0; c < K; c++) result += S[c * V + j] * qt[c];
                out[t * ld_o + h * V + j] = result;
            }
        }
    }
}

static void gated_rms_norm(float *out, int64_t ldo, const float *x, int64_t ldx, const float *gate,
                           int64_t ldg, const float *weight, int64_t T, int64_t H, int64_t V,
                           float eps) {
    for (int64_t t = 0; t < T; t++)
        for (int64_t h = 0; h < H; h++) {
            float *o = out + t * ldo + h * V;
            rms_norm(o, V, x + t * ldx + h * V, V, weight, 1, V, eps);
            for (int64_t i = 0; i < V; i++) o[i] *= sigmoid1(gate[t * ldg + h * V + i]);
        }
}

// Where one head finds its keys and values: dn floats and dr bf16 numbers make a key.
typedef struct {
    const float *key, *value;        // expanded: k_n and v of key row 0; NULL in absorbed form
    const uint16_t *key_bf16;        // k_r (expanded) or the latent row (absorbed)
    int64_t ld_key, ld_key_bf16, dn, dr, dv;
} key_rows;

static float one_value(const key_rows *r, int64_t s, int64_t i) {
    return r->value ? r->value[s * r->ld_key + i] : ck_bf16_to_f32(r->key_bf16[s * r->ld_key_bf16 + i]);
}

static void attend_row(float *out, float *row_max, float *row_sum, const float *q, const key_rows *r,
                       int64_t lo, int64_t hi, int64_t key0, float scale) {
    for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
        int64_t begin = ck_max(lo, block), end = ck_min(hi, block + CK_KEY_BLOCK);
        float p[CK_KEY_BLOCK], largest = *row_max, sum = 0;
        for (int64_t j = begin; j < end; j++) {
            int64_t s = j - key0;
            float score = 0;
            for (int64_t i = 0; i < r->dn; i++) score = fmaf(q[i], r->key[s * r->ld_key + i], score);
            for (int64_t i = 0; i < r->dr; i++)
                score = fmaf(q[r->dn + i], ck_bf16_to_f32(r->key_bf16[s * r->ld_key_bf16 + i]), score);
            p[j - begin] = score * scale;
            largest = fmaxf(largest, p[j - begin]);
        }
        float shrink = expf(*row_max - largest);
        for (int64_t j = 0; j < end - begin; j++) sum += p[j] = expf(p[j] - largest);
        for (int64_t i = 0; i < r->dv; i++) {
            float acc = out[i] * shrink;
            for (int64_t j = begin; j < end; j++) acc = fmaf(p[j - begin], one_value(r, j - key0, i), acc);
            out[i] = acc;
        }
        *row_max = largest;
        *row_sum = *row_sum * shrink + sum;
    }
}

static void start_row(float *out, float *row_max, float *row_sum, int64_t dv) {
    for (int64_t i = 0; i < dv; i++) out[i] = 0;
    *row_max = -INFINITY;
    *row_sum = 0;
}

static void end_row(float *out, float row_sum, int64_t dv) {
    for (int64_t i = 0; i < dv; i++) out[i] = out[i] / row_sum;
}

static void mla_expanded(const ck_mla_expanded *a, int64_t h0, int64_t h1, void *scratch) {
    (void)scratch;
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < a->T; t++) {
            float *out = a->out + t * a->ld_out + h * a->dv;
            float *row_max = a->row_max + t * a->H + h, *row_sum = a->row_sum + t * a->H + h;
            const float *kv = a->kv + h * (a->dn + a->dv);
            key_rows rows = {kv, kv + a->dn, a->k_r, a->ld_kv, a->ld_kr, a->dn, a->dr, a->dv};
            int64_t lo, hi;
            ck_key_range(a->query0 + t, a->window, a->key0, a->S, &lo, &hi);
            if (a->first) start_row(out, row_max, row_sum, a->dv);
            attend_row(out, row_max, row_sum, a->q + t * a->ld_q + h * (a->dn + a->dr), &rows, lo, hi,
                       a->key0, a->scale);
            if (a->last) end_row(out, *row_sum, a->dv);
        }
}

static void mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch) {
    (void)scratch;
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < a->T; t++) {
            float *out = a->z + t * a->ld_z + h * a->r;
            float *row_max = a->row_max + t * a->H + h, *row_sum = a->row_sum + t * a->H + h;
            key_rows rows = {NULL, NULL, a->cache, 0, a->ld_cache, 0, a->r + a->dr, a->r};
            int64_t lo, hi;
            ck_key_range(a->query0 + t, a->window, a->key0, a->S, &lo, &hi);
            if (a->first) start_row(out, row_max, row_sum, a->r);
            attend_row(out, row_max, row_sum, a->q + t * a->ld_q + h * (a->r + a->dr), &rows, lo, hi,
                       a->key0, a->scale);
            if (a->last) end_row(out, *row_sum, a->r);
        }
}

void ck_reference_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch) {
    (void)scratch;
    int64_t words = ck_key_block_words(a->width, a->dv), padded = ck_round_up(a->dv, 16);
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t = 0; t < a->T; t++) {
            float *out = a->out + t * a->ld_out + h * a->dv;
            float *row_max = a->row_max + t * a->H + h, *row_sum = a->row_sum + t * a->H + h;
            const float *q = a->q + t * a->ld_q + h * a->width;
            if (a->first) start_row(out, row_max, row_sum, a->dv);
            for (int64_t b = a->key0 / CK_KEY_BLOCK; b * CK_KEY_BLOCK < a->key0 + a->S; b++) {
                uint64_t seen = ck_seen_keys(a->query0 + t, a->window, a->key0, a->S, b * CK_KEY_BLOCK);
                if (!seen) continue;
                const uint16_t *keys = a->blocks + ((b - a->block0) * a->H + h) * words;
                const uint16_t *values = keys + ck_block_values(a->width);
                float p[CK_KEY_BLOCK], largest = *row_max, sum = 0;
                for (int64_t j = 0; j < CK_KEY_BLOCK; j++) {
                    p[j] = 0;
                    for (int64_t i = 0; i < a->width; i++) {
                        float qi = ck_bf16_to_f32(ck_f32_to_bf16(q[i] * (a->scale * 1.44269504f)));
                        p[j] = fmaf(qi, ck_bf16_to_f32(keys[(i / 2 * CK_KEY_BLOCK + j) * 2 + i % 2]), p[j]);
                    }
                    if (seen >> j & 1) largest = fmaxf(largest, p[j]);
                }
                float shrink = exp2f(*row_max - largest);
                for (int64_t j = 0; j < CK_KEY_BLOCK; j++) sum += p[j] = seen >> j & 1 ? exp2f(p[j] - largest) : 0;
                for (int64_t i = 0; i < a->dv; i++) {
                    float acc = out[i] * shrink;
                    for (int64_t j = 0; j < CK_KEY_BLOCK; j++)
                        acc = fmaf(ck_bf16_to_f32(ck_f32_to_bf16(p[j])),
                                   ck_bf16_to_f32(values[(j / 2 * padded + i) * 2 + j % 2]), acc);
                    out[i] = acc;
                }
                *row_max = largest;
                *row_sum = *row_sum * shrink + sum;
            }
            if (a->last) end_row(out, *row_sum, a->dv);
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

void ck_reference_moe_route(int32_t *index, float *weight, const float *logits, int64_t ldl,
                            const float *bias, int64_t M, int64_t E, int64_t k, int64_t groups,
                            int64_t groups_kept, bool renormalize, float scale) {
    for (int64_t m = 0; m < M; m++) {
        float score[1024], choose[1024], group_score[64];
        bool taken[1024], group_taken[64] = {false};
        for (int64_t e = 0; e < E; e++) {
            score[e] = sigmoid1(logits[m * ldl + e]);
            choose[e] = bias ? score[e] + bias[e] : score[e];
            taken[e] = groups > 1;
        }
        if (groups > 1) {
            int64_t size = E / groups;
            for (int64_t j = 0; j < groups; j++) {
                float best = -INFINITY, second = -INFINITY;
                for (int64_t e = j * size; e < j * size + size; e++) {
                    if (choose[e] > best) second = best, best = choose[e];
                    else if (choose[e] > second) second = choose[e];
                }
                group_score[j] = size > 1 ? best + second : best;
            }
            for (int64_t kept = 0; kept < groups_kept; kept++) {
                int64_t best = -1;
                for (int64_t j = 0; j < groups; j++)
                    if (!group_taken[j] && (best < 0 || group_score[j] > group_score[best])) best = j;
                group_taken[best] = true;
                for (int64_t e = best * size; e < best * size + size; e++) taken[e] = false;
            }
        }
        float sum = 0;
        for (int64_t i = 0; i < k; i++) {
            int64_t best = -1;
            for (int64_t e = 0; e < E; e++)
                if (!taken[e] && (best < 0 || choose[e] > choose[best])) best = e;
            if (best < 0) {  // fewer eligible experts than k
                index[m * k + i] = 0;
                weight[m * k + i] = 0;
                continue;
            }
            taken[best] = true;
            index[m * k + i] = (int32_t)best;
            weight[m * k + i] = score[best];
            sum += score[best];
        }
        for (int64_t i = 0; i < k; i++)
            weight[m * k + i] = (renormalize ? weight[m * k + i] / (sum + 1e-20f) : weight[m * k + i]) * scale;
    }
}

const ck_kernels ck_reference_table = {
    .name = "reference",
    .prepare = ck_common_prepare,
    .gemm = gemm,
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
    .kda_recurrence = kda_recurrence,
    .gated_rms_norm = gated_rms_norm,
    .mla_expanded = mla_expanded,
    .mla_blocks = ck_reference_mla_blocks,
    .pack_keys = ck_common_pack_keys,
    .mla_absorbed = mla_absorbed,
    .mla_merge = mla_merge,
    .moe_route = ck_reference_moe_route,
};
