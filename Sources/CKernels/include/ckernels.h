// CKernels: the arithmetic of Kimi Linear on memory of the caller.
//
// A plain reference, a portable `generic` level and one level per CPU class stand behind
// one table of function pointers (`ck_kernels`). Kernels allocate nothing, start no threads
// and keep no globals: the caller cuts work by panels, rows, heads or channels and hands the
// pieces to its pool.
//
// Rules that hold for every kernel and level:
// - Row-major. `ld...` is the distance of two rows in elements, `..._bytes` in bytes. Heads,
//   and what is inside a head, lie dense. Pointers need the alignment of their type only,
//   except packed weights and prepared activations (64 bytes).
// - No pointer aliases another unless the comment allows it. Nothing outside the named
//   shapes is read or written. Counts may be 0.
// - One row's result has the same bits alone, among neighbours, and however the work is cut,
//   on one level. Levels differ in last bits, except gemm on q8 and q4 and everything about
//   packing and activation quantization, which have the same bits on all levels.
// - The floating-point environment is the default one (round to nearest, no flush to zero).
//
// Start at `ck_kernels`; packing stands first, since every matrix product needs it.
#ifndef LECTOR_CKERNELS_H
#define LECTOR_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define CK_NULLABLE _Nullable
#else
#define CK_NULLABLE
#endif

// ---------------------------------------------------------------- packed matrices

// How the weights of one matrix [N,K] are stored. The numbers are part of Lector's file.
typedef enum {
    CK_F32 = 0,
    CK_BF16 = 1,  // K even
    CK_Q8 = 2,    // groups of 64 along K, K a multiple of 64
    CK_Q4 = 3,    // groups of 32 along K, K a multiple of 32
} ck_format;

// A packed matrix: ceil(N/16) panels of 16 output columns, panel p at
// data + p * ck_panel_bytes(format, K), `data` 64-byte aligned. Inside a panel:
//   f32   [K][16] float
//   bf16  [K/2][16][2] bf16
//   q8    [K/4][16][4] int8, then scales [K/64][16] fp16
//   q4    [K/8][16][4] bytes: byte (j,c,i) holds column c at k = 8j+i in its low nibble and
//         k = 8j+4+i in its high nibble, each q+8; then scales [K/32][16] fp16
// and zeros up to a multiple of 64 bytes. Columns N ..< 16*panels stand for zeros.
typedef struct {
    const void *data;
    int64_t N, K;
    ck_format format;
} ck_matrix;

// Whether a matrix with K columns can be stored so (see ck_format); K >= 1.
bool ck_format_fits(ck_format format, int64_t K);
// ceil(N/16).
int64_t ck_panel_count(int64_t N);
// Bytes of one panel, a multiple of 64.
int64_t ck_panel_bytes(ck_format format, int64_t K);
// Bytes of a packed matrix: panel count times panel bytes.
int64_t ck_matrix_bytes(ck_format format, int64_t N, int64_t K);

// Packs panels p0 ..< p1 of the matrix `w` [N,K] (row n at w + n*ldw) to `data`, the start of
// the whole packed matrix. Grids (docs/decisions/0003-four-bit-grid.md), x the group's values:
//   q4: d = fp16(m / -8), m the first element of largest |x|; q = clamp(rne(x/d), -8, 7)
//   q8: d = fp16(max|x| / 127);                               q = clamp(rne(x/d), -127, 127)
// d == 0 gives q = 0. bf16 and fp16 round to nearest even.
// Returns false, having packed everything as if it were 0, when a value is NaN or infinite
// or (q4, q8) a scale leaves the range of fp16.
bool ck_pack(void *data, ck_format format, const float *w, int64_t ldw, int64_t N, int64_t K,
             int64_t p0, int64_t p1);

// Row n of the matrix as float: out [K]. Also the embedding lookup, since the embedding is
// the same packed matrix as the tied head. Exact: the value that gemm multiplies with.
void ck_unpack_row(float *out, const ck_matrix *w, int64_t n);

// ---------------------------------------------------------------- conversions

float ck_f16_to_f32(uint16_t h);
uint16_t ck_f32_to_f16(float x);   // nearest even; overflow gives infinity, NaN stays NaN
float ck_bf16_to_f32(uint16_t b);
uint16_t ck_f32_to_bf16(float x);  // nearest even; NaN stays NaN

// ---------------------------------------------------------------- prepared activations

// What gemm multiplies packed weights with, for a weight format:
//   f32       the float rows themselves: nothing to prepare, x_row_bytes = 4 * ldx
//   bf16      [K] bf16, nearest even
//   q8, q4    [K] int8 padded to 64; where each group's sum of unsigned products starts, q4 (int32
//             [K/32]: bits of o, less 8 * the group's sum of xq), then q8 ([K/64]: 128 times);
//             o (float) = 1.5 * 2^(23 + e) for each 64 values, with a shift e of 0 ... 10; and the row's
//             scale sx (float): x = xq * 2^e * sx. The group with the row's largest |x| has e = 10 and
//             2^10 sx = max|x| / 127; a group whose own largest is n whole powers of two
//             below has e = 10 - min(n, 10). xq = rne(x * (1/sx * 2^-e)). A row of zeros, or
//             below 2^-109, has sx = 0; a row that holds NaN or infinity has sx = NaN, which makes its products NaN.
//             (docs/decisions/0015-activation-groups.md)
// One preparation serves every q8 and q4 matrix with the same K. For K not a multiple of 64
// only q4 may use it.
// Bytes of one prepared row, a multiple of 64 (for f32: 4 * K, as it is).
int64_t ck_activation_row_bytes(ck_format format, int64_t K);

// ---------------------------------------------------------------- attention arguments

// MLA without positions (NoPE), expanded form, for T consecutive queries of one sequence.
// Key j (absolute position) of head h is (k_n[j,h], k_r[j]), its value v[j,h]; both k_n and v
// are rows of kv_b times the normed latent, made by gemm from the bf16 cache (expanding a key
// again gives the same bits, so keys before the chunk are just expanded with it).
//   s[t,j] = scale * q[t,h] . (k_n[j,h], k_r[j]),   max(0, t-window+1) <= j <= t
//   out[t,h] = sum_j softmax_j(s[t,j]) v[j,h]
// computed block by block over keys [64b, 64b+64) at absolute positions with a running
// maximum and sum, so neither the cut of the sequence nor of the keys changes a bit.
//
// Keys may come in several calls in ascending order (bounded scratch for any context): the
// first call has `first`, the last one `last`, each inner boundary is a multiple of 64, and
// out, row_max and row_sum carry the rows between calls. One call may be both.
typedef struct {
    float *out;            // [T][ld_out], head h at h*dv
    int64_t ld_out;
    float *row_max;        // [T,H], carried; overwritten by the first call
    float *row_sum;        // [T,H], carried; overwritten by the first call
    const float *q;        // [T][ld_q], head h at h*(dn+dr): q_n [dn], then q_r [dr]
    int64_t ld_q;
    const float *kv;       // [S][ld_kv], head h at h*(dn+dv): k_n [dn], then v [dv]
    int64_t ld_kv;
    const uint16_t *k_r;   // bf16 [S][ld_kr], dr of each row are read (ld_kr = r+dr in the cache)
    int64_t ld_kr;
    int64_t T, H, dn, dr, dv;
    int64_t query0;        // absolute position of query row 0
    int64_t key0, S;       // absolute position of key row 0; key rows in this call
    int64_t window;        // keys a query sees, its own included; 0: all
    float scale;           // (dn+dr)^-0.5
    bool first, last;
} ck_mla_expanded;

// The expanded form again, at twice the rate: keys and values rounded to bf16 and stored as the
// products want them, in blocks of 64 keys at absolute positions. Per block and head:
//   keys   [ceil((dn+dr)/2)][64][2]      pairs of components of (k_n, k_r)
//   values [32][dv rounded up to 16][2]  pairs of keys
// Block order, running maximum and cut rules as in ck_mla_expanded; queries and softmax weights
// are rounded to bf16 as well, sums are float. Rows end with the same bits however keys or
// queries are cut, since a block is always multiplied whole, its unseen keys with weight 0.
typedef struct {
    float *out;              // [T][ld_out], head h at h*dv
    int64_t ld_out;
    float *row_max;          // [T,H], carried; in units of log 2
    float *row_sum;          // [T,H], carried
    const float *q;          // [T][ld_q], head h at h*width
    int64_t ld_q;
    const uint16_t *blocks;  // block b at (b - block0) * H * ck_key_block_words(width, dv)
    int64_t block0;
    int64_t T, H, width, dv; // width = dn+dr
    int64_t query0;
    int64_t key0, S;         // keys of this call, absolute position and count
    int64_t window;          // keys a query sees, its own included; 0: all
    float scale;
    bool first, last;
} ck_mla_blocks;

// 16-bit words of one head's part of a block.
int64_t ck_key_block_words(int64_t width, int64_t dv);

// The same attention in absorbed form: one latent row is key and value for all heads.
//   s[t,h,j] = scale * q[t,h] . cache[j],  q[t,h] = (W_UK[h]^T q_n, q_r)   [r+dr]
//   z[t,h] = sum_j softmax_j(s) cache[j][0 ..< r];  the caller finishes with W_UV[h] z[t,h]
// (W_UK^T and W_UV are packed by the caller per head, as f32 or bf16 matrices, for gemm.)
// Same block order; the mathematics, not the bits, of the expanded forms. A level may round q and the
// softmax weights to bf16, as ck_mla_blocks does, and may keep row_max in units of log 2, so the
// calls over one row's keys must be of one level. For decoding: cuts at multiples of 64 change no
// bit, and the caller may also give parts of the keys to several threads (each with `first`, none
// with `last`) and add them up as exp(row_max) weighs them; see mla_merge.
typedef struct {
    float *z;               // [T][ld_z], head h at h*r
    int64_t ld_z;
    float *row_max;         // [T,H]
    float *row_sum;         // [T,H]
    const float *q;         // [T][ld_q], head h at h*(r+dr): absorbed q_n [r], then q_r [dr]
    int64_t ld_q;
    const uint16_t *cache;  // bf16 [S][ld_cache]: c [r], then k_r [dr]
    int64_t ld_cache;
    int64_t T, H, r, dr;
    int64_t query0, key0, S, window;
    float scale;
    bool first, last;
} ck_mla_absorbed;

// Scratch for one call of an attention kernel on one thread, 64-byte aligned, any content.
// `width` is dn+dr (expanded) or r+dr (absorbed); `value_width` dv or r.
int64_t ck_mla_scratch_bytes(int64_t width, int64_t value_width);
// The same for mla_blocks with T queries.
int64_t ck_mla_blocks_scratch_bytes(int64_t T, int64_t width);

// ---------------------------------------------------------------- the table

typedef struct {
    const char *name;

    // -------- matrix products

    // Prepares rows 0 ..< M of x [M][ldx] (K values each) for gemm with weights of `format`
    // (not f32): out [M] rows of ck_activation_row_bytes(format, K), 64-byte aligned.
    void (*prepare)(void *out, ck_format format, const float *x, int64_t ldx, int64_t M, int64_t K);

    // y[m][n] = sum_k x[m][k] w[n][k]  for rows 0 ..< M and the columns of panels p0 ..< p1:
    // n in 16*p0 ..< min(N, 16*p1). y [M][ldy] is indexed by the n of the whole matrix.
    // x: prepared rows (f32 weights: float rows), x_row_bytes apart.
    // Order: f32 acc = fma(x_k, w_k, acc), k ascending from acc = 0 (generic on a CPU without FMA
    // rounds the product too); bf16 the same on rounded
    // x with k in pairs (within a pair, the CPU's own order); q8, q4
    // acc = fma(float(group's integer sum << e), d, acc), groups ascending, then acc * sx.
    void (*gemm)(float *y, int64_t ldy, const void *x, int64_t x_row_bytes, int64_t M,
                 const ck_matrix *w, int64_t p0, int64_t p1);

    // -------- rows

    // out[m][i] = x[m][i] * weight[i] / sqrt(mean_i x^2 + eps), i < K. out may be x (ldo = ldx).
    void (*rms_norm)(float *out, int64_t ldo, const float *x, int64_t ldx, const float *weight,
                     int64_t M, int64_t K, float eps);

    // x[i] += y[i], i < n.
    void (*add)(float *x, const float *y, int64_t n);

    // out[m][i] = silu(gate[m][i]) * up[m][i], i < n; silu(a) = a / (1 + exp(-a)).
    // out may be gate or up (same distance of rows).
    void (*silu_multiply)(float *out, int64_t ldo, const float *gate, int64_t ldg, const float *up,
                          int64_t ldu, int64_t M, int64_t n);

    // out[m][i] = 1 / (1 + exp(-x[m][i])), i < n. KDA's beta, for one. out may be x (ldo = ldx).
    void (*sigmoid)(float *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n);

    // out[i] = exp(x[i]), i < n, for x <= 88; below -87.4 it may be 0 or subnormal. out may be x.
    // The exp that all other kernels of the level use.
    void (*exp)(float *out, const float *x, int64_t n);

    // out[i] = x[i] - log(sum_j exp(x[j])), i < n. out may be x.
    void (*log_softmax)(float *out, const float *x, int64_t n);

    // Index of the largest of n >= 1 values, the lowest on ties; -1 when a value is NaN.
    int64_t (*argmax)(const float *x, int64_t n);

    // bf16 rows to and from float: out[m][i] = convert(x[m][i]), i < n.
    void (*to_bf16)(uint16_t *out, int64_t ldo, const float *x, int64_t ldx, int64_t M, int64_t n);
    void (*from_bf16)(float *out, int64_t ldo, const uint16_t *x, int64_t ldx, int64_t M, int64_t n);

    // -------- KDA

    // Depthwise causal convolution and SiLU over T tokens of one sequence, channels c0 ..< c1:
    //   out[t][c] = silu( sum_j weight[j][c] * x'[t-W+1+j][c] ),  j = 0 ..< W
    // where x' is x, preceded by the tail: the last W-1 rows of x before token 0 (zeros at the
    // start of a sequence). tail [W-1][ld_tail] is replaced by the last W-1 rows of x', for
    // channels c0 ..< c1. weight [W][ld_weight]: tap W-1 is the current token (a transposed
    // copy of the checkpoint's [C,1,W]). All indexed by the c of the whole row; 1 <= W <= 16.
    void (*short_conv)(float *out, int64_t ldo, float *tail, int64_t ld_tail, const float *x,
                       int64_t ldx, const float *weight, int64_t ld_weight, int64_t T, int64_t W,
                       int64_t c0, int64_t c1);

    // x[t][h] *= scale / sqrt(sum_i x[t][h][i]^2 + eps), over K values of each head, in place.
    // q: scale = K^-0.5; k: scale = 1; eps = 1e-6 (added to the sum, not to the mean).
    void (*l2_norm)(float *x, int64_t ldx, int64_t T, int64_t H, int64_t K, float eps, float scale);

    // g[t][h,c] = -exp(A_log[h]) * softplus(z[t][h,c] + dt_bias[h,c]);  A_log [H], dt_bias [H,K].
    // g may be z (ldg = ldz). g is the natural log of the decay, <= 0.
    void (*kda_gate)(float *g, int64_t ldg, const float *z, int64_t ldz, const float *A_log,
                     const float *dt_bias, int64_t T, int64_t H, int64_t K);

    // The recurrence over T tokens of one sequence, heads h0 ..< h1; decay, read, delta,
    // write, output, in this order:
    //   S = diag(exp(g_t)) S;  u = beta_t (v_t - S^T k_t);  S += k_t u^T;  o_t = S^T q_t
    // q, k, g [T][ld_q|ld_k|ld_g], head h at h*K: q, k L2-normalised, q already scaled by
    // K^-0.5, g <= 0. v, out [T][ld_v|ld_o], head h at h*V. beta [T][ld_beta], in (0,1).
    // state [H,K,V] (V dense), in place: before token 0 in, after token T-1 out.
    // Source: arXiv:2510.26692 eq. 1; naive_recurrent_kda, fla/ops/kda/naive.py.
    void (*kda_recurrence)(float *out, int64_t ld_o, float *state, const float *q, int64_t ld_q,
                           const float *k, int64_t ld_k, const float *v, int64_t ld_v,
                           const float *g, int64_t ld_g, const float *beta, int64_t ld_beta,
                           int64_t T, int64_t K, int64_t V, int64_t h0, int64_t h1);

    // out[t][h] = rms_norm(x[t][h]; weight [V], eps) * sigmoid(gate[t][h]), per head over V.
    // Norm first, then the gate. out may be x (ldo = ldx).
    void (*gated_rms_norm)(float *out, int64_t ldo, const float *x, int64_t ldx, const float *gate,
                           int64_t ldg, const float *weight, int64_t T, int64_t H, int64_t V,
                           float eps);

    // -------- MLA

    // Heads h0 ..< h1 of the attention described at ck_mla_expanded. A range of query rows is
    // the same call on shifted pointers, query0 and T.
    void (*mla_expanded)(const ck_mla_expanded *a, int64_t h0, int64_t h1, void *scratch);
    void (*mla_blocks)(const ck_mla_blocks *a, int64_t h0, int64_t h1, void *scratch);
    // Writes keys begin ..< end (0 ... 64) of one block of ck_mla_blocks, all H heads, from expanded
    // rows as in ck_mla_expanded: kv [end-begin][ld_kv] and k_r bf16 [end-begin][ld_kr]. `fresh`
    // clears the block first; without it the other keys stay as they are.
    void (*pack_keys)(uint16_t *block, const float *kv, int64_t ld_kv, const uint16_t *k_r,
                      int64_t ld_kr, int64_t H, int64_t dn, int64_t dr, int64_t dv, int64_t begin,
                      int64_t end, bool fresh);
    void (*mla_absorbed)(const ck_mla_absorbed *a, int64_t h0, int64_t h1, void *scratch);
    // Ends one row's absorbed attention whose keys were read in `parts` calls with `first` and without
    // `last`: out[i] = sum_p w_p z[p][i] / sum_p w_p row_sum[p], w_p by row_max[p], i < r; parts
    // in order. z [parts] rows ld_z apart, row_max and row_sum ld_state apart; a part that saw no key
    // has row_max = -inf. out may be z.
    void (*mla_merge)(float *out, const float *z, int64_t ld_z, const float *row_max, const float *row_sum,
                      int64_t ld_state, int64_t parts, int64_t r);

    // -------- MoE

    // Per row m: s = sigmoid(logits[m]) over E experts; the k experts of largest s + bias,
    // ties to the lower index, in descending order; weight = s (without bias), divided by
    // (their sum + 1e-20) if renormalize, times scale. With groups > 1 the experts stand in
    // equal groups, a group scores the sum of its two largest s + bias, and only the best
    // groups_kept are eligible. bias may be NULL. E <= 1024, groups <= 64.
    // index [M,k], weight [M,k]. Where fewer than k experts are eligible: index 0, weight 0.
    void (*moe_route)(int32_t *index, float *weight, const float *logits, int64_t ldl,
                      const float *CK_NULLABLE bias, int64_t M, int64_t E, int64_t k,
                      int64_t groups, int64_t groups_kept, bool renormalize, float scale);
} ck_kernels;

// Levels, plainest first: "reference", "generic", then CPU classes ("avx2", "avx512"; "neon").
int32_t ck_level_count(void);
const char *CK_NULLABLE ck_level_name(int32_t index);
// Whether this CPU (and its operating system) can run the level.
bool ck_level_available(int32_t index);
// The table of a level by name, or of the best one available for NULL.
// NULL when the name is unknown or this CPU cannot run it.
const ck_kernels *CK_NULLABLE ck_kernels_get(const char *CK_NULLABLE level);

// Runs a register-only loop of the multiply-adds that gemm of this level and weight format
// uses. Returns the operations done (a multiply-add is two) for the caller to time; 0, at
// once, where no such loop is known.
int64_t ck_peak(const char *level, ck_format format, int64_t iterations);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif

#ifdef __cplusplus
}
#endif
#endif
