//! [`Tiles`]: which tile each instruction set uses.

#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2F32, Avx2F64, Avx512F32, Avx512F64};
use super::lanes::{Lanes, Plain};
use super::pack::pack;
use super::product::{Kernel, Matrix, Product, Strip, Sums};
use super::tile::{accumulate, chains, column, strip};
use crate::kernels::simd::Path;
use std::ops::Range;

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
/// Rows and vectors of a strip's tile, half these rows, and rows of a sum's: channels are mostly multiples of 8, and the addresses of
/// 8 rows of A, which lie anywhere, stay in registers.
#[cfg(target_arch = "x86_64")]
const CONV_32: [usize; 4] = [8, 3, 4, 8];
/// The same with 16 vector registers.
const CONV_16: [usize; 4] = [4, 2, 2, 4];

/// Types that have micro-kernels.
pub trait Tiles: Sized + 'static {
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn kernel() -> Kernel<Self>;
}

/// The functions of an instruction set, each compiled for it.
macro_rules! kernel {
    ($F:ty, $L:ty, $mr:expr, $conv:expr $(, $feature:literal)?) => {{
        $(#[target_feature(enable = $feature)])?
        unsafe fn pack_panel(b: Matrix<$F>, panel: usize, packed: &mut [$F]) {
            // SAFETY: by `Kernel::pack`'s contract.
            unsafe { pack::<$L, VECTORS>(b, panel, packed) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn tiles(p: &Product<$F>, rows: Range<usize>, panel: usize, packed: &[$F]) {
            // SAFETY: by `Kernel::column`'s contract.
            unsafe { column::<$L, { $mr }, VECTORS>(p, rows, panel, packed) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn outputs(s: &Strip<$F>, c: &mut [$F], ldc: usize) {
            // SAFETY: by `Kernel::strip`'s contract.
            unsafe { strip::<$L, { $conv[0] }, { $conv[2] }, { $conv[1] }>(s, c, ldc) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn sums(s: &Sums<$F>, c: &mut [$F], ldc: usize) {
            // SAFETY: by `Kernel::accumulate`'s contract.
            unsafe { accumulate::<$L, { $conv[3] }, VECTORS>(s, c, ldc) }
        }
        $(#[target_feature(enable = $feature)])?
        unsafe fn multiply_adds(rounds: usize) -> $F {
            // SAFETY: by `Kernel::chains`' contract.
            unsafe { chains::<$L>(rounds) }
        }
        Kernel {
            mr: $mr,
            nr: VECTORS * <$L>::N,
            strip_rows: $conv[2],
            lanes: <$L>::N,
            sum_rows: $conv[3],
            pack: pack_panel,
            column: tiles,
            strip: outputs,
            accumulate: sums,
            chains: multiply_adds,
        }
    }};
}

macro_rules! tiles {
    ($F:ty, $avx512:ident, $avx2:ident) => {
        impl Tiles for $F {
            #[allow(private_interfaces)]
            fn kernel() -> Kernel<$F> {
                match Path::current() {
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx512 => kernel!($F, $avx512, MR_32, CONV_32, "avx512f"),
                    #[cfg(target_arch = "x86_64")]
                    Path::Avx2 => kernel!($F, $avx2, MR_16, CONV_16, "avx2,fma"),
                    _ => kernel!($F, Plain<$F>, MR_PLAIN, CONV_16),
                }
            }
        }
    };
}

tiles!(f32, Avx512F32, Avx2F32);
tiles!(f64, Avx512F64, Avx2F64);
