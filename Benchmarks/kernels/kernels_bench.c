// Speed of the kernels, without Swift: best and median of many short windows.
//
//   clang -O2 -o /tmp/kernels_bench Benchmarks/kernels/kernels_bench.c Sources/CKernels/*.c \
//     Sources/CThreads/*.c -ISources/CKernels/include -ISources/CThreads/include -lm -lpthread \
//     && /tmp/kernels_bench [level] [threads]
#include "ckernels.h"
#include "cthreads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOWS 41

static const ck_kernels *kernels;
static ct_pool *pool;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *random_floats(int64_t n, float low, float high) {
    float *x = aligned_alloc(64, (size_t)(n * 4 + 63) / 64 * 64);
    for (int64_t i = 0; i < n; i++) x[i] = low + (high - low) * (float)rand() / (float)RAND_MAX;
    return x;
}

static int by_size(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

typedef struct { double best, median; } timing;

// Seconds of one call: windows of about 2 ms each.
static timing measure(void (*work)(void *), void *context) {
    double windows[WINDOWS];
    int64_t repeats = 1;
    for (;;) {
        double start = now();
        for (int64_t i = 0; i < repeats; i++) work(context);
        if (now() - start > 2e-3) break;
        repeats *= 2;
    }
    for (int w = 0; w < WINDOWS; w++) {
        double start = now();
        for (int64_t i = 0; i < repeats; i++) work(context);
        windows[w] = (now() - start) / (double)repeats;
    }
    qsort(windows, WINDOWS, sizeof windows[0], by_size);
    return (timing){windows[0], windows[WINDOWS / 2]};
}

typedef struct { float *y; const void *x; int64_t row_bytes, M; ck_matrix *w; int copies, next; int64_t grain; } product;

static void product_job(void *context, int64_t begin, int64_t end, int32_t worker) {
    (void)worker;
    product *p = context;
    kernels->gemm(p->y, p->w->N, p->x, p->row_bytes, p->M, &p->w[p->next], begin, end);
}

static void run_product(void *context) {
    product *p = context;
    ct_pool_run(pool, product_job, p, ck_panel_count(p->w->N), p->grain);
    p->next = (p->next + 1) % p->copies;
}

// `copies` matrices are walked in turn, so that a decode step finds its weights as cold as in a model.
static void bench_product(ck_format format, int64_t M, int64_t N, int64_t K, int copies) {
    static const char *names[] = {"f32", "bf16", "q8", "q4"};
    float *w = random_floats(N * K, -1, 1), *x = random_floats(M * K, -1, 1);
    ck_matrix *matrices = calloc((size_t)copies, sizeof(ck_matrix));
    for (int i = 0; i < copies; i++) {
        void *data = aligned_alloc(64, (size_t)ck_matrix_bytes(format, N, K));
        ck_pack(data, format, w, K, N, K, 0, ck_panel_count(N));
        matrices[i] = (ck_matrix){data, N, K, format};
    }
    int64_t row_bytes = ck_activation_row_bytes(format, K);
    void *prepared = aligned_alloc(64, (size_t)(M * row_bytes + 63) / 64 * 64);
    kernels->prepare(prepared, format, x, K, M, K);
    int64_t panels = ck_panel_count(N), chunks = 4 * ct_pool_threads(pool);
    product p = {random_floats(M * N, 0, 0), prepared, row_bytes, M, matrices, copies, 0,
                 ct_pool_threads(pool) == 1 ? panels : (panels + chunks - 1) / chunks};
    timing t = measure(run_product, &p);
    double operations = 2e-9 * (double)(M * N * K), bytes = 1e-9 * (double)ck_matrix_bytes(format, N, K);
    printf("gemm %-4s M=%-4lld %lldx%lld x%-3d best %8.1f median %8.1f GOPS   %6.1f GB/s  %9.2f us\n",
           names[format], (long long)M, (long long)N, (long long)K, copies, operations / t.best,
           operations / t.median, bytes / t.best, 1e6 * t.median);
    for (int i = 0; i < copies; i++) free((void *)matrices[i].data);
    free(matrices); free(w); free(x); free(prepared); free(p.y);
}

typedef struct { int64_t T, H, K, V; float *q, *k, *v, *g, *beta, *state, *out; } kda;

static void run_kda(void *context) {
    kda *a = context;
    kernels->kda_recurrence(a->out, a->H * a->V, a->state, a->q, a->H * a->K, a->k, a->H * a->K, a->v,
                            a->H * a->V, a->g, a->H * a->K, a->beta, a->H, a->T, a->K, a->V, 0, a->H);
}

static void bench_kda(int64_t T, int64_t H, int64_t D) {
    kda a = {T, H, D, D, random_floats(T * H * D, -1, 1), random_floats(T * H * D, -1, 1),
             random_floats(T * H * D, -1, 1), random_floats(T * H * D, -3, 0), random_floats(T * H, 0, 1),
             random_floats(H * D * D, -1, 1), random_floats(T * H * D, 0, 0)};
    kernels->l2_norm(a.q, H * D, T, H, D, 1e-6f, 1 / sqrtf((float)D));
    kernels->l2_norm(a.k, H * D, T, H, D, 1e-6f, 1);
    timing t = measure(run_kda, &a);
    printf("kda  T=%-4lld H=%lld D=%-4lld best %7.1f median %7.1f ns/token/head\n", (long long)T, (long long)H,
           (long long)D, 1e9 * t.best / (double)(T * H), 1e9 * t.median / (double)(T * H));
    free(a.q); free(a.k); free(a.v); free(a.g); free(a.beta); free(a.state); free(a.out);
}

typedef struct { ck_mla_expanded e; ck_mla_absorbed a; void *scratch; bool absorbed; } attention;

static void run_attention(void *context) {
    attention *x = context;
    if (x->absorbed) kernels->mla_absorbed(&x->a, 0, x->a.H, x->scratch);
    else kernels->mla_expanded(&x->e, 0, x->e.H, x->scratch);
}

static void bench_attention(int64_t T, int64_t S, bool absorbed) {
    const int64_t H = 9, dn = 64, dr = 32, dv = 64, r = 256;
    attention x = {.absorbed = absorbed};
    float *q = random_floats(T * H * (r + dr), -1, 1), *kv = random_floats(S * H * (dn + dv), -1, 1);
    float *latents = random_floats(S * (r + dr), -1, 1), *out = random_floats(T * H * r, 0, 0);
    float *carried = random_floats(2 * T * H, 0, 0);
    uint16_t *cache = aligned_alloc(64, (size_t)(S * (r + dr) * 2 + 63) / 64 * 64);
    kernels->to_bf16(cache, r + dr, latents, r + dr, S, r + dr);
    x.scratch = aligned_alloc(64, (size_t)ck_mla_scratch_bytes(r + dr, r));
    x.e = (ck_mla_expanded){out, H * dv, carried, carried + T * H, q, H * (dn + dr), kv, H * (dn + dv),
                            cache + r, r + dr, T, H, dn, dr, dv, S - T, 0, S, 1024, 0.1f, true, true};
    x.a = (ck_mla_absorbed){out, H * r, carried, carried + T * H, q, H * (r + dr), cache, r + dr,
                            T, H, r, dr, S - T, 0, S, 1024, 0.1f, true, true};
    timing t = measure(run_attention, &x);
    double pairs = 0;
    for (int64_t i = 0; i < T; i++) pairs += (double)(S - T + i + 1 < 1024 ? S - T + i + 1 : 1024);
    double width = absorbed ? (double)(2 * r + dr) : (double)(dn + dr + dv);
    printf("mla  %s T=%-4lld S=%-5lld best %8.1f median %8.1f us/token  %6.1f GFLOP/s\n",
           absorbed ? "absorbed" : "expanded", (long long)T, (long long)S, 1e6 * t.best / (double)T,
           1e6 * t.median / (double)T, 2e-9 * pairs * (double)H * width / t.best);
    free(q); free(kv); free(latents); free(out); free(carried); free(cache); free(x.scratch);
}

typedef struct { float *a, *b, *c, *w; void *prepared; int which; } rows;

static void run_rows(void *context) {
    rows *x = context;
    const int64_t M = 64, K = 576;
    switch (x->which) {
        case 0: kernels->rms_norm(x->c, K, x->a, K, x->w, M, K, 1e-5f); break;
        case 1: kernels->prepare(x->prepared, CK_Q4, x->a, K, M, K); break;
        case 2: kernels->silu_multiply(x->c, K, x->a, K, x->b, K, M, K); break;
        case 3: kernels->short_conv(x->c, K, x->w, K, x->a, K, x->b, K, M, 4, 0, K); break;
        case 4: kernels->l2_norm(x->c, K, M, 9, 64, 1e-6f, 1); break;
        case 5: kernels->kda_gate(x->c, K, x->a, K, x->w, x->w, M, 9, 64); break;
        case 6: kernels->gated_rms_norm(x->c, K, x->a, K, x->b, K, x->w, M, 9, 64, 1e-5f); break;
        case 7: kernels->add(x->c, x->a, M * K); break;
        case 8: kernels->to_bf16(x->prepared, K, x->a, K, M, K); break;
    }
}

static void bench_rows(void) {
    static const char *names[] = {"rms_norm", "prepare q", "silu_multiply", "short_conv", "l2_norm", "kda_gate",
                                  "gated_rms_norm", "add", "to_bf16"};
    rows x = {random_floats(64 * 576, -1, 1), random_floats(64 * 576, -1, 1), random_floats(64 * 576, -1, 1),
              random_floats(4 * 576, -1, 1), aligned_alloc(64, 1 << 17), 0};
    for (x.which = 0; x.which < 9; x.which++) {
        timing t = measure(run_rows, &x);
        printf("row  %-15s best %6.3f median %6.3f us per row of 576\n", names[x.which], 1e6 * t.best / 64,
               1e6 * t.median / 64);
    }
}

static void nothing(void *context, int64_t begin, int64_t end, int32_t worker) {
    (void)context; (void)begin; (void)end; (void)worker;
}
static void run_empty(void *context) { (void)context; ct_pool_run(pool, nothing, NULL, 8, 1); }

int main(int count, char **arguments) {
    const char *level = count > 1 && strcmp(arguments[1], "best") != 0 ? arguments[1] : NULL;
    kernels = ck_kernels_get(level);
    pool = ct_pool_create(count > 2 ? atoi(arguments[2]) : 1);
    if (!kernels || !pool) return fprintf(stderr, "this CPU cannot run level %s\n", level), 1;
    printf("level %s, %d threads\n", kernels->name, ct_pool_threads(pool));
    for (ck_format f = CK_F32; f <= CK_Q4; f++) {
        bench_product(f, 4, 1536, 576, 1);
        bench_product(f, 64, 576, 576, 1);
        bench_product(f, 64, 576, 1536, 1);
        bench_product(f, 256, 1536, 576, 1);
        bench_product(f, 256, 1024, 4096, 1);
        bench_product(f, 1, 1536, 576, 1);
        bench_product(f, 1, 1536, 576, 72);  // 64 M weights
    }
    if (ct_pool_threads(pool) == 1) {
        bench_kda(512, 9, 64);
        bench_kda(1, 9, 64);
        bench_kda(128, 32, 128);
        bench_attention(256, 512, false);
        bench_attention(256, 1280, false);
        bench_attention(16, 1040, false);
        bench_attention(1, 1024, true);
        bench_rows();
    }
    timing t = measure(run_empty, NULL);
    printf("pool run of 8 empty chunks: best %.2f median %.2f us\n", 1e6 * t.best, 1e6 * t.median);
    ct_pool_destroy(pool);
}
