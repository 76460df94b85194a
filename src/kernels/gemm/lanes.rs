//! [`Lanes`]: a register full of numbers, per instruction set.

use crate::kernels::Real;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A vector register of `N` numbers.
///
/// # Safety
/// The processor must support the instruction set, and pointers must be good for `N` numbers (any alignment).
pub(crate) trait Lanes {
    type F: Real;
    type V: Copy;
    /// `N` registers.
    type Square: Copy + AsRef<[Self::V]> + AsMut<[Self::V]>;
    const N: usize;
    unsafe fn splat(x: Self::F) -> Self::V;
    unsafe fn load(p: *const Self::F) -> Self::V;
    unsafe fn store(p: *mut Self::F, v: Self::V);
    /// a·b + c, rounded once.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// a₀ b₀ a₁ b₁ …, the first half and the second.
    unsafe fn interleave(a: Self::V, b: Self::V) -> (Self::V, Self::V);
    /// Asks for the cache line at `p`, which need not be a good address.
    fn prefetch(p: *const Self::F);
    /// Registers from 0 to N.
    fn square(row: impl FnMut(usize) -> Self::V) -> Self::Square;
}

/// Plain numbers, for any machine: the compiler makes of them what the target has.
pub(crate) struct Plain<F>(std::marker::PhantomData<F>);

impl<F: Real> Lanes for Plain<F> {
    type F = F;
    type V = [F; 4];
    type Square = [[F; 4]; 4];
    const N: usize = 4;
    #[inline(always)]
    unsafe fn splat(x: F) -> [F; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(p: *const F) -> [F; 4] {
        // SAFETY: by the trait's contract.
        unsafe { p.cast::<[F; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut F, v: [F; 4]) {
        // SAFETY: by the trait's contract.
        unsafe { p.cast::<[F; 4]>().write_unaligned(v) }
    }
    #[inline(always)]
    unsafe fn mul_add(a: [F; 4], b: [F; 4], c: [F; 4]) -> [F; 4] {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn interleave([a0, a1, a2, a3]: [F; 4], [b0, b1, b2, b3]: [F; 4]) -> ([F; 4], [F; 4]) {
        ([a0, b0, a1, b1], [a2, b2, a3, b3])
    }
    #[inline(always)]
    fn prefetch(_: *const F) {}
    #[inline(always)]
    fn square(row: impl FnMut(usize) -> [F; 4]) -> [[F; 4]; 4] {
        std::array::from_fn(row)
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    (
        $name:ident, $F:ty, $V:ident, $n:literal, $features:literal, $splat:ident $load:ident $store:ident $fma:ident,
        |$a:ident, $b:ident| $interleave:expr
    ) => {
        pub(crate) struct $name;
        impl Lanes for $name {
            type F = $F;
            type V = $V;
            type Square = [$V; $n];
            const N: usize = $n;
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn splat(x: $F) -> Self::V {
                $splat(x)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn load(p: *const $F) -> Self::V {
                // SAFETY: by the trait's contract.
                unsafe { $load(p) }
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn store(p: *mut $F, v: Self::V) {
                // SAFETY: by the trait's contract.
                unsafe { $store(p, v) }
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                $fma(a, b, c)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn interleave($a: Self::V, $b: Self::V) -> (Self::V, Self::V) {
                $interleave
            }
            #[inline(always)]
            fn prefetch(p: *const $F) {
                // SAFETY: a prefetch does not touch memory.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) };
            }
            #[inline(always)]
            fn square(row: impl FnMut(usize) -> Self::V) -> [$V; $n] {
                std::array::from_fn(row)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(
    Avx512F32, f32, __m512, 16, "avx512f", _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps,
    |a, b| {
        // From 16 on, the numbers of b.
        let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
    }
);
#[cfg(target_arch = "x86_64")]
lanes!(
    Avx512F64, f64, __m512d, 8, "avx512f", _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd,
    |a, b| {
        // From 8 on, the numbers of b.
        let (low, high) = (_mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15));
        (_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b))
    }
);
#[cfg(target_arch = "x86_64")]
lanes!(
    Avx2F32, f32, __m256, 8, "avx2,fma", _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps,
    |a, b| {
        // Interleaved within each half of the register; then halves are put together.
        let (even, odd) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        (_mm256_permute2f128_ps::<0x20>(even, odd), _mm256_permute2f128_ps::<0x31>(even, odd))
    }
);
#[cfg(target_arch = "x86_64")]
lanes!(
    Avx2F64, f64, __m256d, 4, "avx2,fma", _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd,
    |a, b| {
        let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        (_mm256_permute2f128_pd::<0x20>(even, odd), _mm256_permute2f128_pd::<0x31>(even, odd))
    }
);
