//! [`Lanes`]: a register full of numbers, per instruction set; and which tile each instruction set uses.

use super::tile::rectangle;
use super::{Kernel, Product, Real};
use crate::kernels::simd::Path;
use std::ops::Range;

/// A vector register of `N` numbers.
///
/// # Safety
/// The processor must support the instruction set, and pointers must be good for `N` numbers (any alignment).
pub(crate) trait Lanes {
    type F: Real;
    type V: Copy;
    const N: usize;
    unsafe fn splat(x: Self::F) -> Self::V;
    unsafe fn load(p: *const Self::F) -> Self::V;
    unsafe fn store(p: *mut Self::F, v: Self::V);
    /// a·b + c, rounded once.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
}

/// Plain numbers, for any machine: the compiler makes of them what the target has.
pub(crate) struct Plain<F>(std::marker::PhantomData<F>);

impl<F: Real> Lanes for Plain<F> {
    type F = F;
    type V = [F; 4];
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
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($name:ident, $F:ty, $V:ident, $n:literal, $features:literal, $splat:ident $load:ident $store:ident $fma:ident) => {
        pub(crate) struct $name;
        impl Lanes for $name {
            type F = $F;
            type V = std::arch::x86_64::$V;
            const N: usize = $n;
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn splat(x: $F) -> Self::V {
                std::arch::x86_64::$splat(x)
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn load(p: *const $F) -> Self::V {
                // SAFETY: by the trait's contract.
                unsafe { std::arch::x86_64::$load(p) }
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn store(p: *mut $F, v: Self::V) {
                // SAFETY: by the trait's contract.
                unsafe { std::arch::x86_64::$store(p, v) }
            }
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                std::arch::x86_64::$fma(a, b, c)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(Avx512F32, f32, __m512, 16, "avx512f", _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps);
#[cfg(target_arch = "x86_64")]
lanes!(Avx512F64, f64, __m512d, 8, "avx512f", _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd);
#[cfg(target_arch = "x86_64")]
lanes!(Avx2F32, f32, __m256, 8, "avx2,fma", _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps);
#[cfg(target_arch = "x86_64")]
lanes!(Avx2F64, f64, __m256d, 4, "avx2,fma", _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd);

/// Rows of a tile with 32 vector registers: 12 × 2 accumulators, 2 of B, and room for the broadcasts.
#[cfg(target_arch = "x86_64")]
const MR_32: usize = 12;
/// Rows of a tile with 16 vector registers: 6 × 2 accumulators, 2 of B, 1 broadcast.
#[cfg(target_arch = "x86_64")]
const MR_16: usize = 6;
/// Rows of a tile of plain numbers.
const MR_PLAIN: usize = 4;
/// Vectors of a tile's row.
const VECTORS: usize = 2;

/// Types that have micro-kernels.
pub trait Tiles: Sized + 'static {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn kernel() -> Kernel<Self>;
}

macro_rules! tiles {
    ($F:ty, $avx512:ident, $avx2:ident) => {
        impl Tiles for $F {
            #[allow(private_interfaces)]
            fn kernel() -> Kernel<$F> {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f")]
                unsafe fn avx512(p: &Product<$F>, rows: Range<usize>, panels: Range<usize>) {
                    // SAFETY: by `Kernel::rectangle`'s contract.
                    unsafe { rectangle::<$avx512, MR_32, VECTORS>(p, rows, panels) }
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2(p: &Product<$F>, rows: Range<usize>, panels: Range<usize>) {
                    // SAFETY: by `Kernel::rectangle`'s contract.
                    unsafe { rectangle::<$avx2, MR_16, VECTORS>(p, rows, panels) }
                }
                match Path::current() {
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx512 => Kernel { mr: MR_32, nr: VECTORS * $avx512::N, rectangle: avx512 },
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx2 => Kernel { mr: MR_16, nr: VECTORS * $avx2::N, rectangle: avx2 },
                    _ => Kernel {
                        mr: MR_PLAIN,
                        nr: VECTORS * Plain::<$F>::N,
                        rectangle: rectangle::<Plain<$F>, MR_PLAIN, VECTORS>,
                    },
                }
            }
        }
    };
}

tiles!(f32, Avx512F32, Avx2F32);
tiles!(f64, Avx512F64, Avx2F64);
