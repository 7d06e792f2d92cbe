// Register-only loops: what this core could do at most, for bench's share of the peak.
#include "ckernels.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

// Twelve chains hide the latency; the barrier keeps the compiler from folding the loop.
#define CK_PEAK_LOOP(type, init, step)                                                            \
    type a0 = init, a1 = init, a2 = init, a3 = init, a4 = init, a5 = init;                        \
    type a6 = init, a7 = init, a8 = init, a9 = init, a10 = init, a11 = init;                      \
    for (int64_t i = 0; i < iterations; i++) {                                                    \
        a0 = step(a0); a1 = step(a1); a2 = step(a2); a3 = step(a3); a4 = step(a4); a5 = step(a5); \
        a6 = step(a6); a7 = step(a7); a8 = step(a8); a9 = step(a9); a10 = step(a10);              \
        a11 = step(a11);                                                                          \
        __asm__ volatile("" : "+v"(a0), "+v"(a1), "+v"(a2), "+v"(a3), "+v"(a4), "+v"(a5),         \
                         "+v"(a6), "+v"(a7), "+v"(a8), "+v"(a9), "+v"(a10), "+v"(a11));           \
    }

__attribute__((target("avx512f,avx512vnni"))) static void peak_int8(int64_t iterations) {
    __m512i x = _mm512_set1_epi32(0x01010101);
    __asm__ volatile("" : "+v"(x));
#define CK_STEP(a) _mm512_dpbusd_epi32(a, x, x)
    CK_PEAK_LOOP(__m512i, _mm512_setzero_si512(), CK_STEP)
#undef CK_STEP
}

__attribute__((target("avx512f,avx512bf16"))) static void peak_bf16(int64_t iterations) {
    __m512i bits = _mm512_set1_epi32(0x3F803F80);
    __asm__ volatile("" : "+v"(bits));
    __m512bh x = (__m512bh)bits;
#define CK_STEP(a) _mm512_dpbf16_ps(a, x, x)
    CK_PEAK_LOOP(__m512, _mm512_setzero_ps(), CK_STEP)
#undef CK_STEP
}

__attribute__((target("avx512f"))) static void peak_f32(int64_t iterations) {
    __m512 x = _mm512_set1_ps(0.5f);
    __asm__ volatile("" : "+v"(x));
#define CK_STEP(a) _mm512_fmadd_ps(a, x, x)
    CK_PEAK_LOOP(__m512, _mm512_setzero_ps(), CK_STEP)
#undef CK_STEP
}

// What a product of bytes costs without VNNI: a multiply of 32 and an addition of their 16-bit pairs.
__attribute__((target("avx2"))) static void peak_int8_avx2(int64_t iterations) {
    __m256i x = _mm256_set1_epi8(1);
    __asm__ volatile("" : "+v"(x));
#define CK_STEP(a) _mm256_add_epi16(a, _mm256_maddubs_epi16(x, a))
    CK_PEAK_LOOP(__m256i, _mm256_setzero_si256(), CK_STEP)
#undef CK_STEP
}

__attribute__((target("avx2,fma"))) static void peak_f32_avx2(int64_t iterations) {
    __m256 x = _mm256_set1_ps(0.5f);
    __asm__ volatile("" : "+v"(x));
#define CK_STEP(a) _mm256_fmadd_ps(a, x, x)
    CK_PEAK_LOOP(__m256, _mm256_setzero_ps(), CK_STEP)
#undef CK_STEP
}
#endif

int64_t ck_peak(const char *level, ck_format format, int64_t iterations) {
#if defined(__x86_64__)
    if (strcmp(level, "avx512") == 0) {
        switch (format) {
            case CK_F32: peak_f32(iterations); return iterations * 12 * 32;
            case CK_BF16: peak_bf16(iterations); return iterations * 12 * 64;
            default: peak_int8(iterations); return iterations * 12 * 128;
        }
    }
    if (strcmp(level, "avx2") == 0) {
        switch (format) {  // bf16 weights are widened to float
            case CK_F32:
            case CK_BF16: peak_f32_avx2(iterations); return iterations * 12 * 16;
            default: peak_int8_avx2(iterations); return iterations * 12 * 64;
        }
    }
#endif
    (void)level, (void)format, (void)iterations;
    return 0;
}
