// MLA attention with AVX-512.
#pragma STDC FP_CONTRACT OFF

#include "avx512_internal.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target(CK_AVX512))), apply_to = function)

// ---------------------------------------------------------------- MLA

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

// Keys that any of T queries sees among the keys of this call.
static void all_keys(int64_t T, int64_t query0, int64_t window, int64_t key0, int64_t S, int64_t *lo,
                     int64_t *hi) {
    int64_t unused;
    ck_key_range(query0, window, key0, S, lo, &unused);
    ck_key_range(query0 + T - 1, window, key0, S, &unused, hi);
}

void ck_avx512_mla_expanded(const ck_mla_expanded *a, int64_t h0, int64_t h1, void *scratch) {
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

#pragma clang attribute pop
#endif
