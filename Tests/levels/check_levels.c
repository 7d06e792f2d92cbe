// Every kernel level of this build against the plain reference, on odd shapes and fixed random numbers:
// what KernelTests does, as a program that needs no Swift, for sanitizers and for other CPUs under an
// emulator. Built and run by Tests/check-levels.sh. Buffers end where their rows end, so that the
// address sanitizer sees one element too far.
//
//   check_levels FIXTURES    the folder of kda_golden.bin; ends with 1 when a check fails
#include "ckernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const ck_kernels *plain, *fast;
static int failures, checks;
static uint64_t seed;

static uint64_t next(void) {  // SplitMix64
    uint64_t z = seed += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void *bytes(int64_t n) {
    void *p = NULL;
    if (posix_memalign(&p, 64, n > 0 ? (size_t)n : 1) != 0) exit(2);
    memset(p, 0xAB, n > 0 ? (size_t)n : 1);
    return p;
}

static float *floats(int64_t n, float low, float high) {
    float *x = bytes(n * 4);
    for (int64_t i = 0; i < n; i++) x[i] = low + (high - low) * (float)(next() >> 40) / 16777216.0f;
    return x;
}

static float *copy(const float *x, int64_t n) {
    float *y = bytes(n * 4);
    memcpy(y, x, (size_t)n * 4);
    return y;
}

// Largest |a - b| relative to max(1, |b|) within `limit`; a limit of 0 asks for the same bits.
static void compare(const char *what, const float *a, const float *b, int64_t n, float limit) {
    float worst = 0;
    checks++;
    for (int64_t i = 0; i < n; i++) {
        float d = fabsf(a[i] - b[i]) / fmaxf(1, fabsf(b[i]));
        if (!(d <= worst)) worst = d == d ? d : INFINITY;
    }
    if (worst <= limit && (limit > 0 || memcmp(a, b, (size_t)n * 4) == 0)) return;
    failures++;
    printf("%s %s differs by %g, allowed %g\n", fast->name, what, (double)worst, (double)limit);
}

static void products(void) {
    static const int64_t widths[4][4] = {{1, 7, 96, 130}, {2, 34, 96, 130}, {64, 192, 576, 1024}, {32, 96, 192, 576}};
    for (int f = 0; f < 4; f++)
        for (int w = 0; w < 4; w++)
            for (int64_t M = 1; M < 20; M += M < 8 ? 1 : 5)
                for (int64_t N = 1; N < 70; N += 17) {
                    ck_format format = (ck_format)f;
                    int64_t K = widths[f][w], row = ck_activation_row_bytes(format, K), panels = ck_panel_count(N);
                    float *values = floats(N * K, -1, 1), *x = floats(M * K, -2, 2);
                    for (int64_t i = 0; i < M * K; i += 3) x[i] *= (float)(1 << i / 64 % 12);
                    void *data = bytes(ck_matrix_bytes(format, N, K)), *a = bytes(M * row), *b = bytes(M * row);
                    ck_pack(data, format, values, K, N, K, 0, panels);
                    ck_matrix matrix = {data, N, K, format};
                    const void *xa = x, *xb = x;
                    if (format != CK_F32) {
                        fast->prepare(a, format, x, K, M, K);
                        plain->prepare(b, format, x, K, M, K);
                        xa = a, xb = b;
                    }
                    float *y = floats(M * N, 0, 0), *expected = floats(M * N, 0, 0);
                    int64_t cut = panels / 2;
                    fast->gemm(y, N, xa, row, M, &matrix, 0, cut);
                    fast->gemm(y, N, xa, row, M, &matrix, cut, panels);
                    plain->gemm(expected, N, xb, row, M, &matrix, 0, panels);
                    compare("gemm", y, expected, M * N, format >= CK_Q8 ? 0 : 1e-3f);
                    free(values); free(x); free(data); free(a); free(b); free(y); free(expected);
                }
}

static void rows(void) {
    for (int64_t n = 1; n < 100; n += 13) {
        int64_t M = 3, ld = n + 2, all = (M - 1) * ld + n;
        float *x = floats(all, -4, 4), *y = floats(all, -4, 4), *w = floats(n, -1, 1);
        float *a = copy(x, all), *b = copy(x, all);
#define BOTH(name, limit, call_fast, call_plain) call_fast; call_plain; compare(name, a, b, all, limit)
        BOTH("rms_norm", 1e-5f, fast->rms_norm(a, ld, x, ld, w, M, n, 1e-5f), plain->rms_norm(b, ld, x, ld, w, M, n, 1e-5f));
        BOTH("silu_multiply", 1e-5f, fast->silu_multiply(a, ld, x, ld, y, ld, M, n), plain->silu_multiply(b, ld, x, ld, y, ld, M, n));
        BOTH("sigmoid", 1e-5f, fast->sigmoid(a, ld, x, ld, M, n), plain->sigmoid(b, ld, x, ld, M, n));
        memcpy(a, x, (size_t)all * 4), memcpy(b, x, (size_t)all * 4);
        BOTH("add", 0, fast->add(a, y, all), plain->add(b, y, all));
        BOTH("exp", 1e-5f, fast->exp(a, x, all), plain->exp(b, x, all));
        BOTH("log_softmax", 1e-5f, fast->log_softmax(a, x, all), plain->log_softmax(b, x, all));
        BOTH("gated_rms_norm", 1e-5f, fast->gated_rms_norm(a, ld, x, ld, y, ld, w, M, 1, n, 1e-5f),
             plain->gated_rms_norm(b, ld, x, ld, y, ld, w, M, 1, n, 1e-5f));
        BOTH("kda_gate", 1e-5f, fast->kda_gate(a, ld, x, ld, w, w, M, 1, n), plain->kda_gate(b, ld, x, ld, w, w, M, 1, n));
        memcpy(a, x, (size_t)all * 4), memcpy(b, x, (size_t)all * 4);
        BOTH("l2_norm", 1e-5f, fast->l2_norm(a, ld, M, 1, n, 1e-6f, 0.5f), plain->l2_norm(b, ld, M, 1, n, 1e-6f, 0.5f));
        checks++;
        if (fast->argmax(x, all) != plain->argmax(x, all)) failures++, printf("%s argmax differs\n", fast->name);
        uint16_t *p = bytes(all * 2), *q = bytes(all * 2);
        fast->to_bf16(p, n, x, ld, M, n);
        plain->to_bf16(q, n, x, ld, M, n);
        checks++;
        if (memcmp(p, q, (size_t)(M * n) * 2)) failures++, printf("%s to_bf16 differs\n", fast->name);
        fast->from_bf16(a, n, p, n, M, n);
        plain->from_bf16(b, n, p, n, M, n);
        compare("from_bf16", a, b, M * n, 0);
        free(x); free(y); free(w); free(a); free(b); free(p); free(q);
    }
}

static void convolution(void) {
    for (int64_t W = 1; W < 6; W++)
        for (int64_t C = 1; C < 70; C += 17)
            for (int64_t T = 0; T < 9; T += 2) {
                float *x = floats(T * C, -1, 1), *weight = floats(W * C, -1, 1), *tail = floats((W - 1) * C, -1, 1);
                float *tails = copy(tail, (W - 1) * C), *a = floats(T * C, 0, 0), *b = floats(T * C, 0, 0);
                fast->short_conv(a, C, tail, C, x, C, weight, C, T, W, 0, C / 2);
                fast->short_conv(a, C, tail, C, x, C, weight, C, T, W, C / 2, C);
                plain->short_conv(b, C, tails, C, x, C, weight, C, T, W, 0, C);
                compare("short_conv", a, b, T * C, 1e-5f);
                compare("short_conv tail", tail, tails, (W - 1) * C, 0);
                free(x); free(weight); free(tail); free(tails); free(a); free(b);
            }
}

static void recur(const ck_kernels *k, float *out, float *state, float **s, int64_t T, int64_t H, int64_t K, int64_t V) {
    k->kda_recurrence(out, H * V, state, s[0], H * K, s[1], H * K, s[2], H * V, s[3], H * K, s[4], H, T, K, V, 0, H);
}

static void recurrence(void) {
    static const int64_t shapes[][3] = {{1, 1, 1}, {3, 16, 16}, {2, 7, 33}, {2, 33, 7}, {1, 64, 64}, {1, 48, 130}, {1, 128, 128}};
    for (int i = 0; i < 7; i++)
        for (int64_t T = 1; T < 40; T += 12) {
            int64_t H = shapes[i][0], K = shapes[i][1], V = shapes[i][2];
            float *s[] = {floats(T * H * K, -1, 1), floats(T * H * K, -1, 1), floats(T * H * V, -1, 1),
                          floats(T * H * K, -4, 0), floats(T * H, 0, 1)};
            plain->l2_norm(s[0], H * K, T, H, K, 1e-6f, 1 / sqrtf((float)K));
            plain->l2_norm(s[1], H * K, T, H, K, 1e-6f, 1);
            float *state = floats(H * K * V, -1, 1), *states = copy(state, H * K * V);
            float *a = floats(T * H * V, 0, 0), *b = floats(T * H * V, 0, 0);
            recur(fast, a, state, s, T, H, K, V);
            recur(plain, b, states, s, T, H, K, V);
            compare("kda_recurrence", a, b, T * H * V, 4e-6f);
            compare("kda_recurrence state", state, states, H * K * V, 4e-6f);
            for (int j = 0; j < 5; j++) free(s[j]);
            free(state); free(states); free(a); free(b);
        }
}

// naive_recurrent_kda of flash-linear-attention; layout as KDATests reads it.
static void golden(const char *folder) {
    char path[1024];
    snprintf(path, sizeof path, "%s/kda_golden.bin", folder);
    FILE *file = fopen(path, "rb");
    if (!file) {
        failures++;
        printf("%s cannot be read\n", path);
        return;
    }
    uint32_t sizes[4];
    while (fread(sizes, 4, 4, file) == 4) {
        int64_t T = sizes[0], H = sizes[1], K = sizes[2], V = sizes[3];
        int64_t counts[] = {T * H * K, T * H * K, T * H * V, T * H * K, T * H, H * K * V, T * H * V, H * K * V};
        float *s[8];
        for (int j = 0; j < 8; j++) {
            s[j] = bytes(counts[j] * 4);
            if (fread(s[j], 4, (size_t)counts[j], file) != (size_t)counts[j]) failures++;
        }
        for (int64_t i = 0; i < counts[0]; i++) s[0][i] *= 1 / sqrtf((float)K);
        float *out = floats(counts[6], 0, 0);
        recur(fast, out, s[5], s, T, H, K, V);
        compare("kda_recurrence golden", out, s[6], counts[6], 1e-5f);
        compare("kda_recurrence golden state", s[5], s[7], counts[7], 1e-5f);
        for (int j = 0; j < 8; j++) free(s[j]);
        free(out);
    }
    fclose(file);
}

static void attention(void) {
    static const int64_t shapes[][4] = {{64, 32, 64, 48}, {7, 3, 21, 18}, {16, 8, 80, 70}};
    static const int64_t windows[] = {0, 1, 40, 65};
    for (int i = 0; i < 3; i++)
        for (int w = 0; w < 4; w++) {
            int64_t dn = shapes[i][0], dr = shapes[i][1], dv = shapes[i][2], r = shapes[i][3], H = 3, S = 135, T = S;
            int64_t wide = r + dr > dn + dr ? r + dr : dn + dr, most = r > dv ? r : dv;
            float *q = floats(T * H * wide, -2, 2), *kv = floats(S * H * (dn + dv), -2, 2), *c = floats(S * (r + dr), -2, 2);
            uint16_t *cache = bytes(S * (r + dr) * 2);
            plain->to_bf16(cache, r + dr, c, r + dr, S, r + dr);
            float *a = floats(T * H * most, 0, 0), *b = floats(T * H * most, 0, 0), *carry = floats(2 * T * H, 0, 0);
            int64_t scratch_bytes = ck_mla_scratch_bytes(wide, most) + ck_mla_blocks_scratch_bytes(T, wide);
            void *scratch = bytes(scratch_bytes);
            ck_mla_expanded e = {a, H * dv, carry, carry + T * H, q, H * (dn + dr), kv, H * (dn + dv), cache + r, r + dr,
                                 T, H, dn, dr, dv, 0, 0, S, windows[w], 0.2f, true, true};
            fast->mla_expanded(&e, 0, H, scratch);
            e.out = b;
            plain->mla_expanded(&e, 0, H, scratch);
            compare("mla_expanded", a, b, T * H * dv, 1e-5f);
            ck_mla_absorbed z = {a, H * r, carry, carry + T * H, q, H * (r + dr), cache, r + dr, T, H, r, dr, 0, 0, S,
                                 windows[w], 0.05f, true, true};
            fast->mla_absorbed(&z, 0, H, scratch);
            z.z = b;
            plain->mla_absorbed(&z, 0, H, scratch);
            compare("mla_absorbed", a, b, T * H * r, 0.03f);
            int64_t words = H * ck_key_block_words(dn + dr, dv), blocks = (S + 63) / 64;
            uint16_t *x = bytes(blocks * words * 2), *y = bytes(blocks * words * 2);
            for (int64_t j = 0; j < S; j++)
                fast->pack_keys(x + j / 64 * words, kv + j * H * (dn + dv), H * (dn + dv), cache + j * (r + dr) + r, r + dr,
                                H, dn, dr, dv, j % 64, j % 64 + 1, j % 64 == 0);
            for (int64_t j = 0; j < S; j += 64)
                plain->pack_keys(y + j / 64 * words, kv + j * H * (dn + dv), H * (dn + dv), cache + j * (r + dr) + r,
                                 r + dr, H, dn, dr, dv, 0, S - j < 64 ? S - j : 64, true);
            checks++;
            if (memcmp(x, y, (size_t)(blocks * words) * 2)) failures++, printf("%s pack_keys differs\n", fast->name);
            ck_mla_blocks m = {a, H * dv, carry, carry + T * H, q, H * (dn + dr), x, 0, T, H, dn + dr, dv, 0, 0, S,
                               windows[w], 0.2f, true, true};
            fast->mla_blocks(&m, 0, H, scratch);
            m.out = b;
            plain->mla_blocks(&m, 0, H, scratch);
            compare("mla_blocks", a, b, T * H * dv, 4e-3f);
            free(q); free(kv); free(c); free(cache); free(a); free(b); free(carry); free(scratch); free(x); free(y);
        }
}

static void routing(void) {
    int64_t M = 5, E = 24, k = 4;
    float *logits = floats(M * E, -3, 3), *bias = floats(E, -1, 1), *a = floats(M * k, 0, 0), *b = floats(M * k, 0, 0);
    int32_t *i = bytes(M * k * 4), *j = bytes(M * k * 4);
    fast->moe_route(i, a, logits, E, bias, M, E, k, 4, 2, true, 2.5f);
    plain->moe_route(j, b, logits, E, bias, M, E, k, 4, 2, true, 2.5f);
    compare("moe_route", a, b, M * k, 1e-6f);
    checks++;
    if (memcmp(i, j, (size_t)(M * k) * 4)) failures++, printf("%s moe_route differs\n", fast->name);
    free(logits); free(bias); free(a); free(b); free(i); free(j);
}

int main(int count, char **arguments) {
    if (count != 2) return fprintf(stderr, "usage: check_levels FIXTURES\n"), 2;
    plain = ck_kernels_get("reference");
    for (int32_t level = 0; level < ck_level_count(); level++) {
        if (!ck_level_available(level)) {
            printf("level %s: this CPU cannot run it\n", ck_level_name(level));
            continue;
        }
        fast = ck_kernels_get(ck_level_name(level));
        int failed_before = failures, before = checks;
        seed = 1;
        products();
        rows();
        convolution();
        recurrence();
        golden(arguments[1]);
        attention();
        routing();
        printf("level %s: %d checks, %d failed\n", fast->name, checks - before, failures - failed_before);
    }
    return failures > 0;
}
