// MLA attention with AVX2: bf16 keys and values are widened in registers, products and sums are float.
#pragma STDC FP_CONTRACT OFF

#include "avx2_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX2))), apply_to = function)

INLINE void start_row(float *out, float *row_max, float *row_sum, int64_t n) {
    memset(out, 0, (size_t)n * 4);
    *row_max = -INFINITY;
    *row_sum = 0;
}

INLINE void end_row(float *out, float row_sum, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] /= row_sum;
}

// Scores of one block's 64 keys, in units of log 2, become softmax weights (rounded to bf16, in place);
// returns what the row's earlier keys shrink by.
INLINE float weigh(float *scores, uint64_t seen, float *row_max, float *row_sum) {
    __m256 s[8], largest = _mm256_set1_ps(-INFINITY), sum = _mm256_setzero_ps();
    UNROLL for (int i = 0; i < 8; i++) {
        __m256 lanes = _mm256_castsi256_ps(lanes_of(seen >> 8 * i));
        s[i] = _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), _mm256_loadu_ps(scores + 8 * i), lanes);
        largest = _mm256_max_ps(largest, s[i]);
    }
    float old = *row_max, top = largest8(largest);
    top = top > old ? top : old;
    // A row that has seen nothing yet stays empty: its weights are 0, not NaN.
    __m256 base = _mm256_set1_ps(top == -INFINITY ? 0 : top);
    UNROLL for (int i = 0; i < 8; i++) {
        s[i] = exp2_8(_mm256_sub_ps(s[i], base));
        sum = _mm256_add_ps(sum, s[i]);
        _mm256_storeu_ps(scores + 8 * i, rounded8(s[i]));
    }
    float shrink = old == top ? 1 : _mm256_cvtss_f32(exp2_8(_mm256_set1_ps(old - top)));
    *row_max = top;
    *row_sum = *row_sum * shrink + sum8(sum);
    return shrink;
}

// ---------------------------------------------------------------- blocks of keys

// acc[r][p] += sum over `pairs` of x[r][2 pair ...] times the pair's 8*P columns of w, a bf16 panel
// [pairs][ld_w][2].
INLINE void add_pairs(const int R, const int P, __m256 (*acc)[2], const float *x, int64_t ldx, const uint16_t *w,
                      int64_t ld_w, int64_t pairs) {
    const __m256i high = _mm256_set1_epi32((int32_t)0xFFFF0000);
    for (int64_t k = 0; k < pairs; k++) {
        __m256 even[2], odd[2];
        UNROLL for (int p = 0; p < P; p++) {
            __m256i both = _mm256_loadu_si256((const __m256i *)(w + 2 * (k * ld_w + 8 * p)));
            even[p] = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
            odd[p] = _mm256_castsi256_ps(_mm256_and_si256(both, high));
        }
        UNROLL for (int r = 0; r < R; r++) {
            __m256 xk = _mm256_set1_ps(x[r * ldx + 2 * k]);
            UNROLL for (int p = 0; p < P; p++) acc[r][p] = _mm256_fmadd_ps(xk, even[p], acc[r][p]);
        }
        UNROLL for (int r = 0; r < R; r++) {
            __m256 xk = _mm256_set1_ps(x[r * ldx + 2 * k + 1]);
            UNROLL for (int p = 0; p < P; p++) acc[r][p] = _mm256_fmadd_ps(xk, odd[p], acc[r][p]);
        }
    }
}

typedef struct {
    const float *q;          // [rows][ld_q], scaled, rounded to bf16, an even number of components
    const uint16_t *keys;    // pairs, [pairs][64]
    const uint16_t *values;  // pairs, [32][padded]
    float *weights;          // [4][64]
    int64_t ld_q, pairs, padded, dv;
    float *out, *row_max, *row_sum;
    int64_t ld_out, ld_state;
} block_of_keys;

// out[r][i ..] = out[r][i ..] * shrink[r] + weights times 8*P value columns.
INLINE void add_values(const int R, const int P, const block_of_keys *b, float *out, const float *shrink, int64_t i) {
    __m256 acc[4][2];
    __m256i last = lanes8(b->dv - i - 8 * (P - 1));
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < P; p++) {
            const float *at = out + r * b->ld_out + i + 8 * p;
            __m256 o = p == P - 1 ? _mm256_maskload_ps(at, last) : _mm256_loadu_ps(at);
            acc[r][p] = _mm256_mul_ps(o, _mm256_set1_ps(shrink[r]));
        }
    add_pairs(R, P, acc, b->weights, CK_KEY_BLOCK, b->values + 2 * i, b->padded, CK_KEY_BLOCK / 2);
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < P; p++) {
            float *at = out + r * b->ld_out + i + 8 * p;
            if (p == P - 1) _mm256_maskstore_ps(at, last, acc[r][p]);
            else _mm256_storeu_ps(at, acc[r][p]);
        }
}

// Rows row ..< row+R meet the block; row+r sees the keys in seen[r].
INLINE void tile(const int R, const block_of_keys *b, int64_t row, const uint64_t *seen) {
    for (int64_t j = 0; j < CK_KEY_BLOCK; j += 16) {
        __m256 s[4][2];
        UNROLL for (int r = 0; r < R; r++) s[r][0] = s[r][1] = _mm256_setzero_ps();
        add_pairs(R, 2, s, b->q + row * b->ld_q, b->ld_q, b->keys + 2 * j, CK_KEY_BLOCK, b->pairs);
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int p = 0; p < 2; p++) _mm256_storeu_ps(b->weights + r * CK_KEY_BLOCK + j + 8 * p, s[r][p]);
    }
    float shrink[4];
    for (int r = 0; r < R; r++)
        shrink[r] = weigh(b->weights + r * CK_KEY_BLOCK, seen[r], b->row_max + (row + r) * b->ld_state,
                          b->row_sum + (row + r) * b->ld_state);
    float *out = b->out + row * b->ld_out;
    int64_t i = 0;
    for (; i + 8 < b->dv; i += 16) add_values(R, 2, b, out, shrink, i);
    if (i < b->dv) add_values(R, 1, b, out, shrink, i);
}

static void tile_of(int rows, const block_of_keys *b, int64_t row, const uint64_t *seen) {
    switch (rows) {
        case 1: tile(1, b, row, seen); break;
        case 2: tile(2, b, row, seen); break;
        case 3: tile(3, b, row, seen); break;
        default: tile(4, b, row, seen); break;
    }
}

// Queries times scale / log 2, rounded to bf16, with zeros up to a multiple of 8.
INLINE void scale_query(float *out, const float *q, int64_t n, float factor) {
    for (int64_t i = 0; i < n; i += 8) {
        __m256 x = n - i >= 8 ? _mm256_loadu_ps(q + i) : _mm256_maskload_ps(q + i, lanes8(n - i));
        _mm256_storeu_ps(out + i, rounded8(_mm256_mul_ps(x, _mm256_set1_ps(factor))));
    }
}

void ck_avx2_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch) {
    if (a->T <= 0) return;
    int64_t words = ck_key_block_words(a->width, a->dv), ld_q = ck_round_up(a->width, 16);
    float *weights = scratch, *q = weights + 4 * CK_KEY_BLOCK;
    int64_t lo, hi, unused;
    ck_key_range(a->query0, a->window, a->key0, a->S, &lo, &unused);
    ck_key_range(a->query0 + a->T - 1, a->window, a->key0, a->S, &unused, &hi);
    for (int64_t h = h0; h < h1; h++) {
        for (int64_t t = 0; t < a->T; t++) {
            scale_query(q + t * ld_q, a->q + t * a->ld_q + h * a->width, a->width, a->scale * 1.44269504f);
            if (a->first)
                start_row(a->out + t * a->ld_out + h * a->dv, a->row_max + t * a->H + h, a->row_sum + t * a->H + h, a->dv);
        }
        for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
            const uint16_t *keys = a->blocks + ((block / CK_KEY_BLOCK - a->block0) * a->H + h) * words;
            block_of_keys b = {q, keys, keys + ck_block_values(a->width), weights, ld_q, ck_key_pairs(a->width),
                               ck_round_up(a->dv, 16), a->dv, a->out + h * a->dv, a->row_max + h, a->row_sum + h,
                               a->ld_out, a->H};
            // Queries before `block` see none of it, queries past its end by a window neither.
            int64_t t = ck_max(0, block - a->query0), t_end = a->T;
            if (a->window > 0) t_end = ck_min(t_end, block + CK_KEY_BLOCK - 1 + a->window - a->query0);
            for (; t < t_end; t += 4) {
                uint64_t seen[4];
                int rows = (int)ck_min(4, t_end - t);
                for (int r = 0; r < rows; r++)
                    seen[r] = ck_seen_keys(a->query0 + t + r, a->window, a->key0, a->S, block);
                tile_of(rows, &b, t, seen);
            }
        }
        for (int64_t t = 0; a->last && t < a->T; t++)
            end_row(a->out + t * a->ld_out + h * a->dv, a->row_sum[t * a->H + h], a->dv);
    }
}

// ---------------------------------------------------------------- absorbed form

// One query position and up to five heads over one block of latents.
typedef struct {
    const float *q;         // [heads][ld_q], scaled, rounded to bf16, zeros behind the width
    const uint16_t *cache;  // row of the block's key 0
    float *weights;         // [5][64]
    int64_t ld_q, ld_cache, width, r;
    int64_t begin, end;     // keys of the block that the query sees
    float *z, *row_max, *row_sum;  // of the first head; z rows r apart
} latent_block;

// scores[r] of keys j and j1, sums over the width by lane and then across them.
INLINE void score_two(const int R, const latent_block *b, int64_t j, int64_t j1) {
    const uint16_t *key0 = b->cache + j * b->ld_cache, *key1 = b->cache + j1 * b->ld_cache;
    __m256 s[5][2];
    UNROLL for (int r = 0; r < R; r++) s[r][0] = s[r][1] = _mm256_setzero_ps();
    int64_t i = 0;
    for (; i + 8 <= b->width; i += 8) {
        __m256 k0 = widen8(key0 + i), k1 = widen8(key1 + i);
        UNROLL for (int r = 0; r < R; r++) {
            __m256 x = _mm256_loadu_ps(b->q + r * b->ld_q + i);
            s[r][0] = _mm256_fmadd_ps(x, k0, s[r][0]);
            s[r][1] = _mm256_fmadd_ps(x, k1, s[r][1]);
        }
    }
    if (i < b->width) {
        uint16_t last[2][8] = {{0}};
        memcpy(last[0], key0 + i, (size_t)(b->width - i) * 2);
        memcpy(last[1], key1 + i, (size_t)(b->width - i) * 2);
        __m256 k0 = widen8(last[0]), k1 = widen8(last[1]);
        UNROLL for (int r = 0; r < R; r++) {
            __m256 x = _mm256_loadu_ps(b->q + r * b->ld_q + i);
            s[r][0] = _mm256_fmadd_ps(x, k0, s[r][0]);
            s[r][1] = _mm256_fmadd_ps(x, k1, s[r][1]);
        }
    }
    UNROLL for (int r = 0; r < R; r++) {
        b->weights[r * CK_KEY_BLOCK + j] = sum8(s[r][0]);
        b->weights[r * CK_KEY_BLOCK + j1] = sum8(s[r][1]);
    }
}

INLINE void add_latents(const int R, const latent_block *b, const float *shrink) {
    int64_t i = 0;
    for (; i + 16 <= b->r; i += 16) {
        __m256 acc[5][2];
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int p = 0; p < 2; p++)
                acc[r][p] = _mm256_mul_ps(_mm256_loadu_ps(b->z + r * b->r + i + 8 * p), _mm256_set1_ps(shrink[r]));
        for (int64_t j = b->begin; j < b->end; j++) {
            const uint16_t *row = b->cache + j * b->ld_cache + i;
            __m256 v0 = widen8(row), v1 = widen8(row + 8);
            UNROLL for (int r = 0; r < R; r++) {
                __m256 weight = _mm256_set1_ps(b->weights[r * CK_KEY_BLOCK + j]);
                acc[r][0] = _mm256_fmadd_ps(weight, v0, acc[r][0]);
                acc[r][1] = _mm256_fmadd_ps(weight, v1, acc[r][1]);
            }
        }
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int p = 0; p < 2; p++) _mm256_storeu_ps(b->z + r * b->r + i + 8 * p, acc[r][p]);
    }
    for (; i < b->r; i++)
        for (int r = 0; r < R; r++) {
            float sum = b->z[r * b->r + i] * shrink[r];
            for (int64_t j = b->begin; j < b->end; j++)
                sum = fmaf(b->weights[r * CK_KEY_BLOCK + j], ck_widen(b->cache[j * b->ld_cache + i]), sum);
            b->z[r * b->r + i] = sum;
        }
}

INLINE void heads(const int R, const latent_block *b) {
    uint64_t seen = (b->end == 64 ? ~0ull : (1ull << b->end) - 1) & ~0ull << b->begin;
    for (int64_t j = b->begin; j < b->end; j += 2) score_two(R, b, j, ck_min(j + 1, b->end - 1));
    float shrink[5];
    for (int r = 0; r < R; r++) shrink[r] = weigh(b->weights + r * CK_KEY_BLOCK, seen, b->row_max + r, b->row_sum + r);
    add_latents(R, b, shrink);
}

static void heads_of(int count, const latent_block *b) {
    switch (count) {
        case 1: heads(1, b); break;
        case 2: heads(2, b); break;
        case 3: heads(3, b); break;
        case 4: heads(4, b); break;
        default: heads(5, b); break;
    }
}

void ck_avx2_mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch) {
    int64_t width = a->r + a->dr, ld_q = ck_round_up(width, 16);
    float *weights = scratch, *q = weights + 5 * CK_KEY_BLOCK;
    memset(weights, 0, 5 * CK_KEY_BLOCK * 4);
    for (int64_t t = 0; t < a->T; t++) {
        int64_t lo, hi;
        ck_key_range(a->query0 + t, a->window, a->key0, a->S, &lo, &hi);
        for (int64_t h = h0; h < h1;) {
            int count = (int)ck_min(5, h1 - h);
            if (h1 - h == 6) count = 3;  // two threes, not a five and a one
            for (int r = 0; r < count; r++) {
                scale_query(q + r * ld_q, a->q + t * a->ld_q + (h + r) * width, width, a->scale * 1.44269504f);
                if (a->first)
                    start_row(a->z + t * a->ld_z + (h + r) * a->r, a->row_max + t * a->H + h + r,
                              a->row_sum + t * a->H + h + r, a->r);
            }
            for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; lo < hi && block < hi; block += CK_KEY_BLOCK) {
                latent_block b = {q, a->cache + (block - a->key0) * a->ld_cache, weights, ld_q, a->ld_cache, width, a->r,
                                  ck_max(lo - block, 0), ck_min(hi - block, CK_KEY_BLOCK),
                                  a->z + t * a->ld_z + h * a->r, a->row_max + t * a->H + h, a->row_sum + t * a->H + h};
                heads_of(count, &b);
            }
            for (int r = 0; a->last && r < count; r++)
                end_row(a->z + t * a->ld_z + (h + r) * a->r, a->row_sum[t * a->H + h + r], a->r);
            h += count;
        }
    }
}

void ck_avx2_mla_merge(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                       int64_t ld_state, int64_t parts, int64_t r) {
    ck_merge_log2(out, z, ld_z, row_max, row_sum, ld_state, parts, r);
}

#pragma clang attribute pop
#endif
