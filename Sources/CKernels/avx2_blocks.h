// mla_blocks for AVX2: up to four queries share each block of keys and values. A query's own
// arithmetic is the same however many stand beside it.

INLINE __m256 exp8(__m256 x) {  // exp1, eight at a time
    __m256 least = _mm256_set1_ps(-87.33654f);
    __m256 clamped = _mm256_min_ps(_mm256_max_ps(x, least), _mm256_set1_ps(88.72283f));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(clamped, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), clamped));
    __m256 e = _mm256_set1_ps(1.9875691500e-4f);
    const float terms[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    UNROLL for (int i = 0; i < 5; i++) e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(terms[i]));
    e = _mm256_add_ps(_mm256_fmadd_ps(_mm256_mul_ps(e, r), r, r), _mm256_set1_ps(1));
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    e = _mm256_mul_ps(e, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    e = _mm256_mul_ps(e, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23)));
    e = _mm256_andnot_ps(_mm256_cmp_ps(x, least, _CMP_LT_OQ), e);
    return _mm256_blendv_ps(e, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

// Eight words of two bf16: what the low and the high halves stand for.
INLINE void widen_pairs(__m256 *even, __m256 *odd, const uint16_t *words) {
    __m256i w = _mm256_loadu_si256((const __m256i *)words);
    *even = _mm256_castsi256_ps(_mm256_slli_epi32(w, 16));
    *odd = _mm256_castsi256_ps(_mm256_and_si256(w, _mm256_set1_epi32((int32_t)0xFFFF0000)));
}

// acc[r][c] += even[c] * x[r][0] + odd[c] * x[r][1] for rows `ld` apart.
INLINE void add_pairs(const int R, __m256 (*acc)[2], const uint16_t *words, const float *x, int64_t ld) {
    __m256 even[2], odd[2];
    UNROLL for (int c = 0; c < 2; c++) widen_pairs(&even[c], &odd[c], words + 16 * c);
    UNROLL for (int r = 0; r < R; r++) {
        __m256 first = _mm256_broadcast_ss(x + r * ld), second = _mm256_broadcast_ss(x + r * ld + 1);
        UNROLL for (int c = 0; c < 2; c++) acc[r][c] = _mm256_fmadd_ps(first, even[c], acc[r][c]);
        UNROLL for (int c = 0; c < 2; c++) acc[r][c] = _mm256_fmadd_ps(second, odd[c], acc[r][c]);
    }
}

// Scores p [R][64] of queries q [R][ld_q] with a block's keys.
INLINE void block_scores(const int R, float *p, const float *q, int64_t ld_q, const uint16_t *keys, int64_t width) {
    for (int j = 0; j < CK_KEY_BLOCK; j += 16) {
        __m256 acc[4][2];
        UNROLL for (int r = 0; r < R; r++) acc[r][0] = acc[r][1] = _mm256_setzero_ps();
        for (int64_t i = 0; i < width; i += 2) add_pairs(R, acc, keys + (i / 2 * CK_KEY_BLOCK + j) * 2, q + i, ld_q);
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int c = 0; c < 2; c++) _mm256_storeu_ps(p + r * CK_KEY_BLOCK + j + 8 * c, acc[r][c]);
    }
}

// Scores of one query to weights rounded to bf16, 0 where the key is not seen; its running maximum
// and sum move on. Returns what its output so far shrinks by.
static float block_weights(float *p, uint64_t seen, float *row_max, float *row_sum) {
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256 is_seen[8], most = _mm256_set1_ps(-INFINITY);
    UNROLL for (int c = 0; c < 8; c++) {
        __m256i own = _mm256_and_si256(_mm256_set1_epi32((int32_t)(seen >> 8 * c & 255)), bits);
        is_seen[c] = _mm256_castsi256_ps(_mm256_cmpeq_epi32(own, bits));
        __m256 score = _mm256_blendv_ps(_mm256_set1_ps(-INFINITY), _mm256_loadu_ps(p + 8 * c), is_seen[c]);
        most = _mm256_max_ps(score, most);  // the second where the first is no number
    }
    float lanes[8], largest = *row_max, sum = 0;
    _mm256_storeu_ps(lanes, most);
    for (int i = 0; i < 8; i++) largest = lanes[i] > largest ? lanes[i] : largest;
    __m256 sums = _mm256_setzero_ps(), ln2 = _mm256_set1_ps(0.69314718f);
    UNROLL for (int c = 0; c < 8; c++) {
        __m256 below = _mm256_sub_ps(_mm256_loadu_ps(p + 8 * c), _mm256_set1_ps(largest));
        __m256 weight = _mm256_and_ps(exp8(_mm256_mul_ps(below, ln2)), is_seen[c]);
        sums = _mm256_add_ps(sums, weight);
        __m256i w = _mm256_castps_si256(weight), odd = _mm256_and_si256(_mm256_srli_epi32(w, 16), _mm256_set1_epi32(1));
        w = _mm256_add_epi32(w, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF)));
        w = _mm256_and_si256(w, _mm256_set1_epi32((int32_t)0xFFFF0000));
        _mm256_storeu_ps(p + 8 * c, _mm256_castsi256_ps(w));
    }
    _mm256_storeu_ps(lanes, sums);
    for (int i = 0; i < 8; i++) sum += lanes[i];
    float shrink = exp1((*row_max - largest) * 0.69314718f);
    *row_max = largest;
    *row_sum = *row_sum * shrink + sum;
    return shrink;
}

// out[r] = out[r] * shrink[r] + weights p [R][64] times a block's values.
INLINE void block_values(const int R, float *out, int64_t ld_out, const float *p, const float *shrink, const uint16_t *values, int64_t dv) {
    int64_t padded = ck_round_up(dv, 16);
    for (int64_t i = 0; i < dv; i += 16) {
        __m256 acc[4][2];
        __m256i inside[2];
        UNROLL for (int c = 0; c < 2; c++)
            inside[c] = _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)ck_max(0, ck_min(8, dv - i - 8 * c))), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int c = 0; c < 2; c++)
                acc[r][c] = _mm256_mul_ps(_mm256_maskload_ps(out + r * ld_out + i + 8 * c, inside[c]), _mm256_set1_ps(shrink[r]));
        for (int64_t j = 0; j < CK_KEY_BLOCK / 2; j++) add_pairs(R, acc, values + (j * padded + i) * 2, p + 2 * j, CK_KEY_BLOCK);
        UNROLL for (int r = 0; r < R; r++)
            UNROLL for (int c = 0; c < 2; c++) _mm256_maskstore_ps(out + r * ld_out + i + 8 * c, inside[c], acc[r][c]);
    }
}

INLINE void block_rows(const int R, const ck_mla_blocks *a, int64_t h, int64_t t, const uint64_t *seen, const uint16_t *keys, const float *q, int64_t ld_q) {
    float p[4 * CK_KEY_BLOCK], shrink[4];
    block_scores(R, p, q, ld_q, keys, a->width);
    UNROLL for (int r = 0; r < R; r++)
        shrink[r] = block_weights(p + r * CK_KEY_BLOCK, seen[r], a->row_max + (t + r) * a->H + h, a->row_sum + (t + r) * a->H + h);
    block_values(R, a->out + t * a->ld_out + h * a->dv, a->ld_out, p, shrink, keys + ck_block_values(a->width), a->dv);
}

static void avx2_mla_blocks(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch) {
    int64_t words = ck_key_block_words(a->width, a->dv), ld_q = ck_round_up(a->width, 2);
    float *q = scratch;
    for (int64_t h = h0; h < h1; h++)
        for (int64_t t0 = 0; t0 < a->T; t0 += 4) {
            int64_t count = ck_min(4, a->T - t0);
            for (int64_t r = 0; r < count; r++) {
                const float *from = a->q + (t0 + r) * a->ld_q + h * a->width;
                for (int64_t i = 0; i < a->width; i++) q[r * ld_q + i] = ck_widen(ck_f32_to_bf16(from[i] * (a->scale * 1.44269504f)));
                if (ld_q > a->width) q[r * ld_q + a->width] = 0;
                if (!a->first) continue;
                memset(a->out + (t0 + r) * a->ld_out + h * a->dv, 0, (size_t)a->dv * 4);
                a->row_max[(t0 + r) * a->H + h] = -INFINITY;
                a->row_sum[(t0 + r) * a->H + h] = 0;
            }
            for (int64_t b = a->key0 / CK_KEY_BLOCK; b * CK_KEY_BLOCK < a->key0 + a->S; b++) {
                // The queries that see any key of a block stand in a row.
                uint64_t seen[4] = {0};
                int64_t first = count, end = 0;
                for (int64_t r = 0; r < count; r++) {
                    seen[r] = ck_seen_keys(a->query0 + t0 + r, a->window, a->key0, a->S, b * CK_KEY_BLOCK);
                    if (seen[r]) first = ck_min(first, r), end = r + 1;
                }
                const uint16_t *keys = a->blocks + ((b - a->block0) * a->H + h) * words;
                const float *own = q + first * ld_q;
                switch (end - first) {
                    case 1: block_rows(1, a, h, t0 + first, seen + first, keys, own, ld_q); break;
                    case 2: block_rows(2, a, h, t0 + first, seen + first, keys, own, ld_q); break;
                    case 3: block_rows(3, a, h, t0 + first, seen + first, keys, own, ld_q); break;
                    case 4: block_rows(4, a, h, t0 + first, seen + first, keys, own, ld_q); break;
                }
            }
            if (!a->last) continue;
            for (int64_t r = 0; r < count; r++) {
                float *out = a->out + (t0 + r) * a->ld_out + h * a->dv, sum = a->row_sum[(t0 + r) * a->H + h];
                for (int64_t i = 0; i < a->dv; i++) out[i] /= sum;
            }
        }
}
