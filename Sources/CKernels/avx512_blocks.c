// MLA attention over blocks of bf16 keys and values with AVX-512.
#pragma STDC FP_CONTRACT OFF

#include "avx512_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX512))), apply_to = function)

// 2^x for x <= 0 to about 2^-14, which is more than bf16 keeps.
INLINE __m512 exp2_16(__m512 x) {
    x = _mm512_max_ps(_mm512_set1_ps(-150.0f), x);
    __m512 n = _mm512_roundscale_ps(x, 8), f = _mm512_sub_ps(x, n);
    __m512 e = _mm512_set1_ps(9.618129e-3f);
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(5.550411e-2f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(2.402265e-1f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(6.931472e-1f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(e, n);
}

typedef struct {
    const float *q;        // pairs, [rows][ld_q]
    const float *keys;     // pairs, [pairs][64]
    const float *values;   // pairs, [32][padded]
    float *weights;        // pairs, [6][32]
    int64_t ld_q, pairs, padded, dv;
    float *out, *row_max, *row_sum;
    int64_t ld_out, ld_state;
} block_of_keys;

INLINE void add_pairs(const int R, const int P, const block_of_keys *b, float *out, const float *shrink, int64_t i) {
    __m512 acc[6][4];
    __mmask16 last = tail_mask(b->dv - i - 16 * (P - 1));
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < P; p++)
            acc[r][p] = _mm512_mul_ps(_mm512_maskz_loadu_ps(p == P - 1 ? last : 0xFFFF, out + r * b->ld_out + i + 16 * p),
                                      _mm512_set1_ps(shrink[r]));
    product(R, P, true, acc, b->weights, CK_KEY_BLOCK / 2, b->values + i, b->padded, 16, CK_KEY_BLOCK / 2);
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < P; p++)
            _mm512_mask_storeu_ps(out + r * b->ld_out + i + 16 * p, p == P - 1 ? last : 0xFFFF, acc[r][p]);
}

// Rows row ..< row+R meet the block; row+r sees the keys in seen[r].
INLINE void tile(const int R, const block_of_keys *b, int64_t row, const uint64_t *seen) {
    __m512 s[6][4];
    UNROLL for (int r = 0; r < R; r++)
        UNROLL for (int p = 0; p < 4; p++) s[r][p] = _mm512_setzero_ps();
    product(R, 4, true, s, b->q + row * b->ld_q, b->ld_q, b->keys, CK_KEY_BLOCK, 16, b->pairs);
    float shrink[6];
    UNROLL for (int r = 0; r < R; r++) {
        float *row_max = b->row_max + (row + r) * b->ld_state, *row_sum = b->row_sum + (row + r) * b->ld_state;
        __m512 least = _mm512_set1_ps(-INFINITY);
        UNROLL for (int p = 0; p < 4; p++)
            s[r][p] = _mm512_mask_mov_ps(least, (__mmask16)(seen[r] >> 16 * p), s[r][p]);
        __m512 largest = _mm512_max_ps(_mm512_max_ps(s[r][0], s[r][1]), _mm512_max_ps(s[r][2], s[r][3]));
        float old = *row_max, top = _mm512_reduce_max_ps(largest);
        top = top > old ? top : old;
        // A row that has seen nothing yet stays empty: its weights are 0, not NaN.
        __m512 base = _mm512_set1_ps(top == -INFINITY ? 0 : top);
        UNROLL for (int p = 0; p < 4; p++)
            s[r][p] = _mm512_maskz_mov_ps((__mmask16)(seen[r] >> 16 * p), exp2_16(_mm512_sub_ps(s[r][p], base)));
        UNROLL for (int p = 0; p < 4; p += 2) {
            __m512bh pair = _mm512_cvtne2ps_pbh(s[r][p + 1], s[r][p]);
            _mm512_store_si512(b->weights + 32 * r + 8 * p, (__m512i)pair);
        }
        float sum = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s[r][0], s[r][1]), _mm512_add_ps(s[r][2], s[r][3])));
        shrink[r] = old == top ? 1 : _mm512_cvtss_f32(exp2_16(_mm512_set1_ps(old - top)));
        *row_max = top;
        *row_sum = *row_sum * shrink[r] + sum;
    }
    float *out = b->out + row * b->ld_out;
    int64_t i = 0;
    for (; i + 64 <= b->padded; i += 64) add_pairs(R, 4, b, out, shrink, i);
    for (; i < b->padded; i += 16) add_pairs(R, 1, b, out, shrink, i);
}

static void tile_of(int rows, const block_of_keys *b, int64_t row, const uint64_t *seen) {
    switch (rows) {
        case 1: tile(1, b, row, seen); break;
        case 2: tile(2, b, row, seen); break;
        case 3: tile(3, b, row, seen); break;
        case 4: tile(4, b, row, seen); break;
        case 5: tile(5, b, row, seen); break;
        default: tile(6, b, row, seen); break;
    }
}

void ck_avx512_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch) {
    if (a->T <= 0) return;
    int64_t words = ck_key_block_words(a->width, a->dv), ld_q = ck_round_up(4 * ck_key_pairs(a->width), 64) / 4;
    float *weights = scratch, *q = weights + 6 * CK_KEY_BLOCK / 2;
    __m512 factor = _mm512_set1_ps(a->scale * 1.44269504f);
    int64_t lo, hi, unused;
    ck_key_range(a->query0, a->window, a->key0, a->S, &lo, &unused);
    ck_key_range(a->query0 + a->T - 1, a->window, a->key0, a->S, &unused, &hi);
    for (int64_t h = h0; h < h1; h++) {
        for (int64_t t = 0; t < a->T; t++)
            for (int64_t i = 0; i < 2 * ck_key_pairs(a->width); i += 16) {
                __m512 x = _mm512_maskz_loadu_ps(tail_mask(a->width - i), a->q + t * a->ld_q + h * a->width + i);
                _mm256_store_si256((__m256i *)(q + t * ld_q + i / 2), (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(x, factor)));
            }
        if (a->first)
            for (int64_t t = 0; t < a->T; t++)
                start_row(a->out + t * a->ld_out + h * a->dv, a->row_max + t * a->H + h,
                          a->row_sum + t * a->H + h, a->dv);
        for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
            const uint16_t *keys = a->blocks + ((block / CK_KEY_BLOCK - a->block0) * a->H + h) * words;
            block_of_keys b = {q, (const float *)keys, (const float *)(keys + ck_block_values(a->width)), weights,
                               ld_q, ck_key_pairs(a->width), ck_round_up(a->dv, 16), a->dv,
                               a->out + h * a->dv, a->row_max + h, a->row_sum + h, a->ld_out, a->H};
            // Queries before `block` see none of it, queries past its end by a window neither.
            int64_t t = ck_max(0, block - a->query0), t_end = a->T;
            if (a->window > 0) t_end = ck_min(t_end, block + CK_KEY_BLOCK - 1 + a->window - a->query0);
            while (t < t_end) {
                int rows = tile_rows(t_end - t, 6);
                uint64_t seen[6];
                for (int r = 0; r < rows; r++)
                    seen[r] = ck_seen_keys(a->query0 + t + r, a->window, a->key0, a->S, block);
                tile_of(rows, &b, t, seen);
                t += rows;
            }
        }
        if (a->last)
            for (int64_t t = 0; t < a->T; t++)
                end_row(a->out + t * a->ld_out + h * a->dv, a->row_sum[t * a->H + h], a->dv);
    }
}

void ck_avx512_pack_keys(uint16_t *block, const float *kv, int64_t ld_kv, const uint16_t *k_r, int64_t ld_kr,
                         int64_t H, int64_t dn, int64_t dr, int64_t dv, int64_t begin, int64_t end, bool fresh) {
    if (dn % 32 || dr % 32 || dv % 16) {
        ck_common_pack_keys(block, kv, ld_kv, k_r, ld_kr, H, dn, dr, dv, begin, end, fresh);
        return;
    }
    int64_t words = ck_key_block_words(dn + dr, dv);
    if (fresh) memset(block, 0, (size_t)(H * words) * 2);
    const __m512i step = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                            _mm512_set1_epi32(CK_KEY_BLOCK));
    for (int64_t h = 0; h < H; h++)
        for (int64_t j = begin; j < end; j++) {
            uint16_t *keys = block + h * words, *values = keys + ck_block_values(dn + dr) + j / 2 * dv * 2;
            const float *row = kv + (j - begin) * ld_kv + h * (dn + dv);
            const uint16_t *shared = k_r + (j - begin) * ld_kr;
            for (int64_t i = 0; i < dn; i += 32) {  // 16 pairs, one line apart each
                __m512i pairs = _mm512_inserti64x4(_mm512_castsi256_si512(to_bf16_16(_mm512_loadu_ps(row + i))),
                                                   to_bf16_16(_mm512_loadu_ps(row + i + 16)), 1);
                _mm512_i32scatter_epi32((int32_t *)keys + i / 2 * CK_KEY_BLOCK + j, step, pairs, 4);
            }
            for (int64_t i = 0; i < dr; i += 32)
                _mm512_i32scatter_epi32((int32_t *)keys + (dn + i) / 2 * CK_KEY_BLOCK + j, step,
                                        _mm512_loadu_si512(shared + i), 4);
            for (int64_t i = 0; i < dv; i += 16) {  // every other word of a line
                __m512i fresh_words = _mm512_cvtepu16_epi32(to_bf16_16(_mm512_loadu_ps(row + dn + i)));
                __m512i line = _mm512_loadu_si512(values + 2 * i);
                line = j % 2 ? _mm512_or_si512(_mm512_and_si512(line, _mm512_set1_epi32(0xFFFF)), _mm512_slli_epi32(fresh_words, 16))
                             : _mm512_or_si512(_mm512_andnot_si512(_mm512_set1_epi32(0xFFFF), line), fresh_words);
                _mm512_storeu_si512(values + 2 * i, line);
            }
        }
}

// ---------------------------------------------------------------- absorbed form

// Pairs of components of a block's latent rows, [pairs][64], zeros where a row does not exist.
static void transpose_pairs(float *keys, const uint16_t *rows, int64_t ld, int64_t width, int64_t begin, int64_t end) {
    for (int64_t i = 0; i < width; i += 32) {
        int64_t rest = ck_min(32, width - i), lines = (rest + 1) / 2;
        __mmask32 mask = rest == 32 ? ~(__mmask32)0 : ((__mmask32)1 << rest) - 1;
        for (int64_t j = 0; j < CK_KEY_BLOCK; j += 16) {
            __m512 r[16];
            UNROLL for (int n = 0; n < 16; n++) {
                bool exists = j + n >= begin && j + n < end;
                // The next block's line: rows are too far apart for the hardware to follow.
                _mm_prefetch((const char *)(rows + (j + n + CK_KEY_BLOCK) * ld + i), _MM_HINT_T1);
                r[n] = _mm512_castsi512_ps(_mm512_maskz_loadu_epi16(exists ? mask : 0, exists ? rows + (j + n) * ld + i : rows + begin * ld));
            }
            transpose16(r);
            UNROLL for (int n = 0; n < 16; n++)
                if (n < lines) _mm512_store_ps(keys + (i / 2 + n) * CK_KEY_BLOCK + j, r[n]);
        }
    }
}

// Pairs of a block's rows, [32][padded].
static void pair_values(float *values, int64_t padded, const uint16_t *rows, int64_t ld, int64_t width, int64_t begin,
                        int64_t end) {
    for (int64_t j = 0; j < CK_KEY_BLOCK; j += 2)
        for (int64_t i = 0; i < width; i += 16) {
            __mmask16 mask = tail_mask(width - i);
            const uint16_t *row = rows + j * ld + i;
            bool even = j >= begin && j < end, odd = j + 1 >= begin && j + 1 < end;
            __m512i a = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(even ? mask : 0, even ? row : rows + begin * ld));
            __m512i b = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(odd ? mask : 0, odd ? row + ld : rows + begin * ld));
            _mm512_store_si512(values + j / 2 * padded + i, _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
        }
}

// Rows are heads here: every head of a query meets the same block.
void ck_avx512_mla_absorbed(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch) {
    if (a->T <= 0) return;
    int64_t width = a->r + a->dr, pairs = ck_key_pairs(width), padded = ck_round_up(a->r, 16), lo, hi, unused;
    int64_t ld_q = ck_round_up(pairs, 16);
    float *keys = scratch, *values = keys + CK_KEY_BLOCK * ck_round_up(pairs, 16);
    float *weights = values + CK_KEY_BLOCK / 2 * padded, *q = weights + 6 * CK_KEY_BLOCK / 2;
    __m512 factor = _mm512_set1_ps(a->scale * 1.44269504f);
    ck_key_range(a->query0, a->window, a->key0, a->S, &lo, &unused);
    ck_key_range(a->query0 + a->T - 1, a->window, a->key0, a->S, &unused, &hi);
    if (a->first)
        for (int64_t t = 0; t < a->T; t++)
            for (int64_t h = h0; h < h1; h++)
                start_row(a->z + t * a->ld_z + h * a->r, a->row_max + t * a->H + h, a->row_sum + t * a->H + h,
                          a->r);
    for (int64_t block = lo / CK_KEY_BLOCK * CK_KEY_BLOCK; block < hi; block += CK_KEY_BLOCK) {
        const uint16_t *rows = a->cache + (block - a->key0) * a->ld_cache;
        int64_t begin = ck_max(lo - block, 0), end = ck_min(hi - block, CK_KEY_BLOCK);
        transpose_pairs(keys, rows, a->ld_cache, width, begin, end);
        pair_values(values, padded, rows, a->ld_cache, a->r, begin, end);
        for (int64_t t = 0; t < a->T; t++) {
            uint64_t seen[6];
            seen[0] = ck_seen_keys(a->query0 + t, a->window, a->key0, a->S, block);
            if (!seen[0]) continue;
            for (int r = 1; r < 6; r++) seen[r] = seen[0];
            for (int64_t h = h0; h < h1;) {
                int count = tile_rows(h1 - h, 6);
                for (int r = 0; r < count; r++)
                    for (int64_t i = 0; i < width; i += 16) {
                        __m512 x = _mm512_maskz_loadu_ps(tail_mask(width - i), a->q + t * a->ld_q + (h + r) * width + i);
                        _mm256_storeu_si256((__m256i *)(q + r * ld_q + i / 2), (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(x, factor)));
                    }
                block_of_keys b = {q - h * ld_q, keys, values, weights, ld_q, pairs, padded, a->r,
                                   a->z + t * a->ld_z, a->row_max + t * a->H, a->row_sum + t * a->H, a->r, 1};
                tile_of(count, &b, h, seen);
                h += count;
            }
        }
    }
    for (int64_t h = h0; a->last && h < h1; h++)
        for (int64_t t = 0; t < a->T; t++)
            end_row(a->z + t * a->ld_z + h * a->r, a->row_sum[t * a->H + h], a->r);
}

void ck_avx512_mla_merge(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                      int64_t ld_state, int64_t parts, int64_t r) {
    ck_merge_log2(out, z, ld_z, row_max, row_sum, ld_state, parts, r);
}

#pragma clang attribute pop
#endif
