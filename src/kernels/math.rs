//! Elementary functions, written once as plain branch-free arithmetic that a compiler turns into vector code.
//!
//! The standard library's `exp`, `ln` and `tanh` are calls into the platform's C library: not vectorised, and free to
//! differ in the last bit from one machine to the next. These use only `+ − × ÷`, fused multiply-add and bit
//! operations, all of which IEEE 754 defines exactly, so the bits are the same everywhere and on every
//! [SIMD path](super::simd::Path).
//!
//! Largest error over **all** 2³² inputs in `f32`, in units of the spacing of `f32` at the exact value, measured against
//! `f64` by the ignored test `every_f32_is_within_two_ulp`:
//!
//! | function | `exp` | `exp_m1` | `exp_gap` | `ln` | `ln_1p` | `tanh` | `sigmoid` | `softplus` |
//! |---|---|---|---|---|---|---|---|---|
//! | ULP | 0.875 | 0.869 | 1.628 | 0.835 | 0.837 | 1.325 | 1.649 | 1.627 |
//!
//! # How
//!
//! * **exp**: x = n ln 2 + r with |r| ≤ ½ ln 2 (ln 2 in two parts: Cody and Waite), a minimax polynomial (f64: the
//!   Taylor polynomial) for eʳ, then 2ⁿ by writing the exponent field, in two factors so that results may overflow to ∞
//!   or fade through the subnormals.
//! * **exp_m1** and **exp_gap**, eˣ − 1 and eˣ − 1 − x, from the same parts: 2ⁿ(1 + t) − 1 = (2ⁿ − 1) + 2ⁿ t with t = eʳ − 1, the
//!   first sum with what it rounds off. Differences of rounded numbers would have no digit left near 0.
//! * **ln**: x = 2ᵉ m with m in [√½, √2), s = (m−1)/(m+1), and the odd series of ln((1+s)/(1−s)) with the coefficients of
//!   FreeBSD's msun.
//! * **sigmoid** and **softplus** from e = e^(−|x|) ≤ 1, which cannot overflow: softplus(x) = max(x, 0) + ln(1 + e), and
//!   σ(x) = a − a · e/(1 + e) with a = 1 for x ≥ 0, else e. (a/(1 + e) would pass the rounding of 1 + e on to the result.)
//! * **tanh**: Cephes: an odd polynomial (f64: rational function) below 0.625, else 1 − 2/(e^(2|x|) + 1).

#![allow(clippy::excessive_precision)] // Coefficients stand as they were published.

/// Selects without a branch: both sides are computed.
macro_rules! select {
    ($c:expr, $a:expr, $b:expr) => {
        if $c { $a } else { $b }
    };
}

/// Horner's rule with fused multiply-adds, highest coefficient first.
macro_rules! horner {
    ($x:expr; $c0:expr $(, $c:expr)* $(,)?) => {{
        let [x, p] = [$x, $c0];
        $(let p = p.mul_add(x, $c);)*
        p
    }};
}

macro_rules! functions {
    (
        $F:ident, $U:ident, $I:ident, mantissa_bits: $M:expr, bias: $B:expr,
        exp: { lo: $exp_lo:expr, m1_lo: $m1_lo:expr, hi: $exp_hi:expr, log2e: $log2e:expr, ln2: ($e_hi:expr, $e_lo:expr), poly: [$($e:expr),+ $(,)?], m1: [$($m:expr),+ $(,)?] $(,)? },
        ln: { ln2: ($l_hi:expr, $l_lo:expr), sqrt_half: $sqrt_half:expr, even: [$($even:expr),+ $(,)?], odd: [$($odd:expr),+ $(,)?] $(,)? },
        tanh: |$z:ident| $tanh:expr,
    ) => {
        /// eˣ. ∞ above, 0 below the representable range; NaN for NaN.
        #[inline(always)]
        pub fn exp(x: $F) -> $F {
            let (n, high, low) = reduced(x, $exp_lo);
            let r = high + low;
            // eʳ = 1 + (high + (low + r² q(r))): the large terms are added last, and what r rounded off is still there.
            let q = horner!(r; $($e),+);
            let p = (high + (r * r).mul_add(q, low)) + 1.0;
            let half = n >> 1;
            p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
        }

        /// n and r with x = n ln 2 + r and |r| ≤ ½ ln 2; r as the sum of two numbers. Below `lo` x counts as that.
        #[inline(always)]
        fn reduced(x: $F, lo: $F) -> ($I, $F, $F) {
            // Adding 1.5 · 2^M leaves round(x log₂e) in the low bits of the mantissa.
            const MAGIC: $F = 1.5 * ((1 as $U) << $M) as $F;
            let x = select!(x > $exp_hi, $exp_hi, x);
            let x = select!(x < lo, lo, x);
            let t = x.mul_add($log2e, MAGIC);
            let n = t.to_bits().wrapping_sub(MAGIC.to_bits()) as $I;
            let nf = t - MAGIC;
            (n, nf.mul_add(-$e_hi, x), nf * -$e_lo) // the first is exact
        }

        /// eˣ − 1, with all digits near 0 too.
        #[inline(always)]
        pub fn exp_m1(x: $F) -> $F {
            let parts = m1_parts(x);
            select!(parts.n == 0, parts.high + parts.rest, parts.far(0.0)).copysign(x)
        }

        /// eˣ − 1 − x, how far eˣ lies above its tangent at 0: never negative, and ½ x² near 0.
        #[inline(always)]
        pub fn exp_gap(x: $F) -> $F {
            let parts = m1_parts(x);
            let near = (x * x * parts.q).mul_add(x, 0.5 * x * x);
            select!(parts.n == 0, near, parts.far(select!(x > $exp_hi, $exp_hi, x)))
        }

        /// eˣ = 2ⁿ (1 + (high + rest)); for n = 0 it is 1 + x + ½ x² + q x³.
        struct Parts {
            n: $I,
            high: $F,
            rest: $F,
            q: $F,
        }

        #[inline(always)]
        fn m1_parts(x: $F) -> Parts {
            let (n, high, low) = reduced(x, $m1_lo);
            let r = high + low;
            let q = horner!(r; $($m),+);
            Parts { n, high, rest: (r * r).mul_add(q.mul_add(r, 0.5), low), q }
        }

        impl Parts {
            /// eˣ − 1 − y, for n ≠ 0 and a y that cancels the larger part or none: ((2ⁿ − 1) + 2ⁿ high) − y + 2ⁿ rest, halved, since
            /// 2ⁿ may be out of range, and with what the first sums round off (Dekker, Knuth).
            #[inline(always)]
            fn far(&self, y: $F) -> $F {
                let s = power_of_two(self.n.wrapping_sub(1));
                let (a, b) = (s - 0.5, s * self.high);
                let a_error = -0.5 - (a - s);
                let sum = a + b;
                let b_part = sum - a;
                let b_error = (a - (sum - b_part)) + (b - b_part);
                2.0 * ((sum - 0.5 * y) + (a_error + b_error + s * self.rest))
            }
        }

        /// 2ⁿ for n in the range of normal exponents.
        #[inline(always)]
        fn power_of_two(n: $I) -> $F {
            $F::from_bits((n.wrapping_add($B) as $U) << $M)
        }

        /// ln x. −∞ at 0, NaN below.
        #[inline(always)]
        pub fn ln(x: $F) -> $F {
            let subnormal = x < $F::MIN_POSITIVE;
            let scaled = select!(subnormal, x * ((1 as $U) << $M) as $F, x);
            let y = ln_plus(scaled, 0.0, select!(subnormal, -$M as $F, 0.0));
            let y = select!(x == $F::INFINITY, x, y);
            let y = select!(x == 0.0, $F::NEG_INFINITY, y);
            select!(x >= 0.0, y, $F::NAN)
        }

        /// ln x + correction + shift · ln 2, for a normal x > 0 and a correction far smaller than 1.
        #[inline(always)]
        fn ln_plus(x: $F, correction: $F, shift: $F) -> $F {
            // Subtracting the bits of √½ moves the boundary between exponents to √½, so that m is in [√½, √2).
            const SQRT_HALF: $U = $sqrt_half;
            const ONE: $U = ($B as $U) << $M;
            let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
            let e = ((bits >> $M) as $I).wrapping_sub($B) as $F + shift;
            let m = $F::from_bits((bits & (((1 as $U) << $M) - 1)).wrapping_add(SQRT_HALF));
            let f = m - 1.0;
            let s = f / (2.0 + f);
            let z = s * s;
            let w = z * z;
            let r = horner!(w; $($even),+).mul_add(w, horner!(w; $($odd),+) * z);
            let hfsq = 0.5 * f * f;
            let low = s.mul_add(hfsq + r, e.mul_add($l_lo, correction));
            e.mul_add($l_hi, f - (hfsq - low))
        }

        /// ln(1 + u) for finite u ≥ 0: what u loses when 1 is added to it is given back to first order.
        #[inline(always)]
        pub fn ln_1p(u: $F) -> $F {
            let v = 1.0 + u;
            ln_plus(v, (u - (v - 1.0)) / v, 0.0)
        }

        /// σ(x) = 1 / (1 + e⁻ˣ).
        #[inline(always)]
        pub fn sigmoid(x: $F) -> $F {
            let e = exp(-x.abs());
            let a = select!(x < 0.0, e, 1.0);
            a.mul_add(-(e / (1.0 + e)), a)
        }

        /// ln(1 + eˣ).
        #[inline(always)]
        pub fn softplus(x: $F) -> $F {
            // x < 0 first, so that NaN falls through.
            select!(x < 0.0, 0.0, x) + ln_1p(exp(-x.abs()))
        }

        /// tanh x.
        #[inline(always)]
        pub fn tanh(x: $F) -> $F {
            let a = x.abs();
            let $z = a * a;
            let near = a.mul_add($tanh, a);
            let far = 1.0 - 2.0 / (exp(a + a) + 1.0);
            select!(a < 0.625, near, far).copysign(x)
        }
    };
}

/// The functions in `f32`.
pub mod single {
    functions! {
        f32, u32, i32, mantissa_bits: 23, bias: 127,
        exp: {
            lo: -104.0, m1_lo: -20.0, hi: 89.0, log2e: std::f32::consts::LOG2_E, ln2: (6.931_457_5e-1, 1.428_606_8e-6),
            poly: [1.382_076_53e-3, 8.368_679_32e-3, 4.166_826_61e-2, 1.666_652_11e-1, 4.999_999_4e-1],
            // Chebyshev's on |r| ≤ 0.3467, to 1.5e-9.
            m1: [1.989_101_73e-4, 1.393_367_42e-3, 8.333_310_49e-3, 4.166_646_3e-2, 1.666_666_72e-1],
        },
        ln: {
            ln2: (6.931_381_2e-1, 9.058_001e-6), sqrt_half: 0x3f35_04f3,
            even: [0.242_790_79, 0.400_009_72],
            odd: [0.284_987_87, 0.666_666_6]
        },
        tanh: |z| z * horner!(z; -5.704_988_7e-3, 2.063_908_9e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328_2e-1),
    }
}

/// The functions in `f64`.
pub mod double {
    functions! {
        f64, u64, i64, mantissa_bits: 52, bias: 1023,
        exp: {
            lo: -746.0, m1_lo: -40.0, hi: 710.0, log2e: std::f64::consts::LOG2_E,
            ln2: (6.931_471_803_691_238_164_90e-1, 1.908_214_929_270_587_700_02e-10),
            poly: [
                1.0 / 6_227_020_800.0, 1.0 / 479_001_600.0, 1.0 / 39_916_800.0, 1.0 / 3_628_800.0, 1.0 / 362_880.0,
                1.0 / 40_320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5,
            ],
            m1: [
                1.0 / 6_227_020_800.0, 1.0 / 479_001_600.0, 1.0 / 39_916_800.0, 1.0 / 3_628_800.0, 1.0 / 362_880.0,
                1.0 / 40_320.0, 1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0,
            ],
        },
        ln: {
            ln2: (6.931_471_803_691_238_164_90e-1, 1.908_214_929_270_587_700_02e-10), sqrt_half: 0x3fe6_a09e_0000_0000,
            even: [1.531_383_769_920_937_332e-1, 2.222_219_843_214_978_396e-1, 3.999_999_999_940_941_908e-1],
            odd: [1.479_819_860_511_658_591e-1, 1.818_357_216_161_805_012e-1, 2.857_142_874_366_239_149e-1, 6.666_666_666_666_735_130e-1]
        },
        tanh: |z| z * (horner!(z; -9.643_991_794_250_522_386_28e-1, -9.928_772_310_019_185_865_64e1, -1.614_687_684_417_084_479_52e3)
            / horner!(z; 1.0, 1.128_116_784_916_329_314_02e2, 2.235_488_390_601_004_485_83e3, 4.844_063_053_251_254_860_48e3)),
    }
}

/// cos πx for 0 ≤ x ≤ 1, as −sin π(x − ½) by its Taylor series: 1 ulp of 1.
pub fn cos_pi(x: f64) -> f64 {
    let y = std::f64::consts::PI * (x - 0.5);
    let mut term = y;
    let mut sine = y;
    for k in 1..12 {
        term *= -y * y / f64::from(2 * k * (2 * k + 1));
        sine += term;
    }
    -sine
}

/// Φ(x), the distribution function of N(0, 1), as ½ erfc(−x/√2): to 1 ulp near 0, and to about x² ulp where it fades.
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Φ⁻¹(p), the quantile function of N(0, 1), for 0 < p < 1: Wichura (1988), algorithm AS 241 (PPND16),
/// about 16 digits. Turns one uniform number into one normal number, and lays out latent grids of equal prior mass.
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        let num = horner!(r; 2_509.080_928_730_122_672_7, 33_430.575_583_588_128_105, 67_265.770_927_008_700_853,
            45_921.953_931_549_871_457, 13_731.693_765_509_461_125, 1_971.590_950_306_551_442_7,
            133.141_667_891_784_377_45, 3.387_132_872_796_366_608_0);
        let den = horner!(r; 5_226.495_278_852_854_561_0, 28_729.085_735_721_942_674, 39_307.895_800_092_710_610,
            21_213.794_301_586_595_867, 5_394.196_021_424_751_107_7, 687.187_007_492_057_908_30,
            42.313_330_701_600_911_252, 1.0);
        return q * num / den;
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-double::ln(tail)).sqrt();
    let x = if r <= 5.0 {
        let r = r - 1.6;
        horner!(r; 7.745_450_142_783_414_076_40e-4, 2.272_384_498_926_918_458_33e-2, 2.417_807_251_774_506_117_70e-1,
            1.270_458_252_452_368_382_58, 3.647_848_324_763_204_605_04, 5.769_497_221_460_691_405_50,
            4.630_337_846_156_545_295_90, 1.423_437_110_749_683_577_34)
            / horner!(r; 1.050_750_071_644_416_843_24e-9, 5.475_938_084_995_344_946_00e-4,
                1.519_866_656_361_645_719_66e-2, 1.481_039_764_274_800_745_90e-1, 6.897_673_349_851_000_045_50e-1,
                1.676_384_830_183_803_849_40, 2.053_191_626_637_758_821_87, 1.0)
    } else {
        let r = r - 5.0;
        horner!(r; 2.010_334_399_292_288_132_65e-7, 2.711_555_568_743_487_578_15e-5, 1.242_660_947_388_078_438_60e-3,
            2.653_218_952_657_612_309_30e-2, 2.965_605_718_285_048_912_30e-1, 1.784_826_539_917_291_335_80,
            5.463_784_911_164_114_369_90, 6.657_904_643_501_103_777_20)
            / horner!(r; 2.044_263_103_389_939_785_64e-15, 1.421_511_758_316_445_888_70e-7,
                1.846_318_317_510_054_681_80e-5, 7.868_691_311_456_132_591_00e-4, 1.487_536_129_085_061_485_25e-2,
                1.369_298_809_227_358_053_10e-1, 5.998_322_065_558_879_376_90e-1, 1.0)
    };
    if q < 0.0 { -x } else { x }
}

#[cfg(test)]
mod tests;
