use super::*;
use crate::kernels::Real;
use crate::kernels::elementwise::map;
use crate::kernels::simd::on_every_path;
use rayon::prelude::*;

/// The most a function may be off, in units of the spacing of numbers at the exact value.
const BOUND: f64 = 2.0;

/// A function by name, over slices, with its reference in `f64`.
struct Function<F> {
    name: &'static str,
    ours: fn(&[F], &mut [F]),
    exact: fn(f64) -> f64,
}

/// eˣ − 1 − x, by its series where the difference would cancel.
fn exp_gap(x: f64) -> f64 {
    let series = |terms: i32| 0.5 * x * x * (3..terms).rev().fold(1.0, |tail, k| 1.0 + x / f64::from(k) * tail);
    match x {
        // Half of all numbers: x²/12 is nothing beside 1.
        x if x.abs() < 1e-9 => series(4),
        x if x.abs() < 1.0 => series(30),
        f64::INFINITY => x,
        x => x.exp_m1() - x,
    }
}

fn functions<F: Real>() -> [Function<F>; 8] {
    [
        Function { name: "exp", ours: |x, y| map(&|[x]: [F; 1]| x.exp(), [x], y), exact: f64::exp },
        Function { name: "exp_m1", ours: |x, y| map(&|[x]: [F; 1]| x.exp_m1(), [x], y), exact: f64::exp_m1 },
        Function { name: "exp_gap", ours: |x, y| map(&|[x]: [F; 1]| x.exp_gap(), [x], y), exact: exp_gap },
        Function { name: "ln", ours: |x, y| map(&|[x]: [F; 1]| x.ln(), [x], y), exact: f64::ln },
        Function {
            name: "ln_1p",
            ours: |x, y| map(&|[x]: [F; 1]| if x.abs() < F::INFINITY { x.abs().ln_1p() } else { x.abs() }, [x], y),
            exact: |x| x.abs().ln_1p(),
        },
        Function { name: "tanh", ours: |x, y| map(&|[x]: [F; 1]| x.tanh(), [x], y), exact: f64::tanh },
        Function {
            name: "sigmoid",
            ours: |x, y| map(&|[x]: [F; 1]| x.sigmoid(), [x], y),
            exact: |x| {
                let e = (-x.abs()).exp();
                if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
            },
        },
        Function {
            name: "softplus",
            ours: |x, y| map(&|[x]: [F; 1]| x.softplus(), [x], y),
            exact: |x| if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() },
        },
    ]
}

/// |y − exact| in units of the spacing of `F` at `exact`: constant below the smallest normal number, and with ∞ standing one
/// spacing after the largest number. NaN is 0 from NaN and ∞ from anything else.
fn ulps<F: Real>(y: F, exact: f64) -> f64 {
    let (epsilon, top) = match F::NAME {
        "f32" => (f64::from(f32::EPSILON), 2f64.powi(127)),
        _ => (f64::EPSILON, 2f64.powi(1023)),
    };
    let (y, exact) = (y.f64().clamp(-2.0 * top, 2.0 * top), exact.clamp(-2.0 * top, 2.0 * top));
    if y == exact || (y.is_nan() && exact.is_nan()) {
        return 0.0;
    }
    let binade = f64::from_bits(exact.to_bits() & f64::INFINITY.to_bits());
    let error = (y - exact).abs() / (binade.clamp(F::MIN_POSITIVE.f64(), top) * epsilon);
    if error.is_nan() { f64::INFINITY } else { error }
}

/// The largest error of a function over these inputs, and where it is.
fn worst<F: Real>(f: &Function<F>, x: &[F]) -> (f64, F) {
    let mut y = vec![F::NAN; x.len()];
    (f.ours)(x, &mut y);
    x.iter().zip(&y).map(|(&x, &y)| (ulps(y, (f.exact)(x.f64())), x)).fold((0.0, F::ZERO), larger)
}

fn larger<F>(a: (f64, F), b: (f64, F)) -> (f64, F) {
    if b.0 > a.0 { b } else { a }
}

/// The largest error over the bit patterns 0, `stride`, 2 `stride`, …
fn worst_f32(f: &Function<f32>, stride: usize) -> (f64, f32) {
    const CHUNK: u64 = 1 << 14;
    let inputs = (1u64 << 32).div_ceil(stride as u64);
    (0..inputs.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let patterns = chunk * CHUNK..inputs.min((chunk + 1) * CHUNK);
            let x: Vec<f32> = patterns.map(|i| f32::from_bits((i * stride as u64) as u32)).collect();
            worst(f, &x)
        })
        .reduce(|| (0.0, 0.0), larger)
}

#[test]
#[ignore = "takes minutes"]
fn every_f32_is_within_two_ulp() {
    let errors = functions::<f32>().map(|f| {
        let (error, at) = worst_f32(&f, 1);
        println!("{:>8} {error:.4} ULP at {at:e} ({:#010x})", f.name, at.to_bits());
        error
    });
    assert!(errors.iter().all(|e| *e <= BOUND), "{errors:?}");
}

#[test]
fn every_257th_f32_is_within_two_ulp() {
    for f in functions::<f32>() {
        let (error, at) = worst_f32(&f, 257);
        assert!(error <= BOUND, "{}: {error} ULP at {at:e}", f.name);
    }
}

/// 100 000 numbers: all binades, the range in which the functions bend, and the neighbours of where their formulas switch.
fn awkward() -> Vec<f64> {
    let binades = (0..40_000u64).map(|i| f64::from_bits(i.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    let bends = (0..40_000).map(|i| f64::from(i - 20_000) * 2.0012e-3);
    let switches = (-500..500).flat_map(|n| {
        let edge = if n % 2 == 0 { f64::from(n) * 0.5 * std::f64::consts::LN_2 } else { 0.625 + f64::from(n) * 1e-4 };
        (0..20).map(move |k| f64::from_bits(edge.to_bits().wrapping_add_signed(k - 10)))
    });
    binades.chain(bends).chain(switches).collect()
}

#[test]
fn f64_agrees_with_the_platform_on_awkward_points() {
    for f in functions::<f64>() {
        let (error, at) = worst(&f, &awkward());
        assert!(error <= BOUND, "{}: {error} ULP at {at:e}", f.name);
    }
}

#[test]
fn every_path_gives_the_same_bits() {
    fn agree<F: Real>(x: &[F], bits: fn(F) -> u64) {
        let run = |f: &Function<F>| {
            let mut y = vec![F::ZERO; x.len()];
            (f.ours)(x, &mut y);
            // Which NaN a NaN is, IEEE 754 leaves open.
            y.into_iter().map(|y| if y.f64().is_nan() { u64::MAX } else { bits(y) }).collect::<Vec<_>>()
        };
        for f in functions::<F>() {
            let expected = run(&f);
            on_every_path(|path| assert!(run(&f) == expected, "{} in {}: {path} differs", f.name, F::NAME));
        }
    }
    let singles: Vec<f32> = (0..=u32::MAX).step_by(4099).map(f32::from_bits).collect();
    agree(&singles, |x| x.to_bits().into());
    agree(&awkward(), f64::to_bits);
}

#[test]
fn special_values_give_special_values() {
    fn special<F: Real>(tiny: F, largest: F) {
        let (zero, one, infinity, ln2) = (F::ZERO, F::ONE, F::INFINITY, F::of(std::f64::consts::LN_2));
        let subnormal = F::MIN_POSITIVE * F::of(0.75);
        for (what, y, expected) in [
            ("exp(NaN)", F::NAN.exp(), F::NAN),
            ("exp(0)", zero.exp(), one),
            ("exp(−0)", (-zero).exp(), one),
            ("exp(tiny)", tiny.exp(), one),
            ("exp(largest)", largest.exp(), infinity),
            ("exp(−largest)", (-largest).exp(), zero),
            ("exp(∞)", infinity.exp(), infinity),
            ("exp(−∞)", (-infinity).exp(), zero),
            ("exp_m1(NaN)", F::NAN.exp_m1(), F::NAN),
            ("exp_m1(0)", zero.exp_m1(), zero),
            ("exp_m1(−0)", (-zero).exp_m1(), -zero),
            ("exp_m1(tiny)", tiny.exp_m1(), tiny),
            ("exp_m1(−subnormal)", (-subnormal).exp_m1(), -subnormal),
            ("exp_m1(largest)", largest.exp_m1(), infinity),
            ("exp_m1(−largest)", (-largest).exp_m1(), -one),
            ("exp_m1(∞)", infinity.exp_m1(), infinity),
            ("exp_m1(−∞)", (-infinity).exp_m1(), -one),
            ("exp_gap(NaN)", F::NAN.exp_gap(), F::NAN),
            ("exp_gap(0)", zero.exp_gap(), zero),
            ("exp_gap(−0)", (-zero).exp_gap(), zero),
            ("exp_gap(tiny)", tiny.exp_gap(), zero),
            ("exp_gap(largest)", largest.exp_gap(), infinity),
            ("exp_gap(−largest)", (-largest).exp_gap(), largest),
            ("exp_gap(∞)", infinity.exp_gap(), infinity),
            ("exp_gap(−∞)", (-infinity).exp_gap(), infinity),
            ("ln(NaN)", F::NAN.ln(), F::NAN),
            ("ln(0)", zero.ln(), -infinity),
            ("ln(−0)", (-zero).ln(), -infinity),
            ("ln(−tiny)", (-tiny).ln(), F::NAN),
            ("ln(−∞)", (-infinity).ln(), F::NAN),
            ("ln(1)", one.ln(), zero),
            ("ln(2)", F::of(2.0).ln(), ln2),
            ("ln(∞)", infinity.ln(), infinity),
            ("tanh(NaN)", F::NAN.tanh(), F::NAN),
            ("tanh(0)", zero.tanh(), zero),
            ("tanh(−0)", (-zero).tanh(), -zero),
            ("tanh(tiny)", tiny.tanh(), tiny),
            ("tanh(−subnormal)", (-subnormal).tanh(), -subnormal),
            ("tanh(largest)", largest.tanh(), one),
            ("tanh(−∞)", (-infinity).tanh(), -one),
            ("sigmoid(NaN)", F::NAN.sigmoid(), F::NAN),
            ("sigmoid(0)", zero.sigmoid(), F::of(0.5)),
            ("sigmoid(−tiny)", (-tiny).sigmoid(), F::of(0.5)),
            ("sigmoid(largest)", largest.sigmoid(), one),
            ("sigmoid(−largest)", (-largest).sigmoid(), zero),
            ("sigmoid(∞)", infinity.sigmoid(), one),
            ("sigmoid(−∞)", (-infinity).sigmoid(), zero),
            ("softplus(NaN)", F::NAN.softplus(), F::NAN),
            ("softplus(0)", zero.softplus(), ln2),
            ("softplus(tiny)", tiny.softplus(), ln2),
            ("softplus(largest)", largest.softplus(), largest),
            ("softplus(−largest)", (-largest).softplus(), zero),
            ("softplus(∞)", infinity.softplus(), infinity),
            ("softplus(−∞)", (-infinity).softplus(), zero),
        ] {
            // As f64, which keeps the sign of zero.
            let same = y.f64().to_bits() == expected.f64().to_bits() || y.f64().is_nan() && expected.f64().is_nan();
            assert!(same, "{what} is {expected}, not {y}, in {}", F::NAME);
        }
    }
    special(f32::from_bits(1), f32::MAX);
    special(f64::from_bits(1), f64::MAX);
}

#[test]
fn exp_overflows_and_fades_where_it_should() {
    // Just within and without ln(largest) and ln(half the smallest subnormal).
    assert!(single::exp(88.722_83).is_finite() && single::exp(88.722_84) == f32::INFINITY);
    assert!(single::exp(-103.972_06) == f32::from_bits(1) && single::exp(-103.972_09) == 0.0);
    assert!(double::exp(709.782_712_893_383_9).is_finite() && double::exp(709.782_712_893_384_2) == f64::INFINITY);
    assert!(double::exp(-745.133_219_101_941_1) == f64::from_bits(1) && double::exp(-745.133_219_101_941_2) == 0.0);
    assert!(ulps(single::ln(f32::from_bits(1)), -103.278_929_903_431_85) <= BOUND);
    assert!(ulps(double::ln(f64::from_bits(1)), -744.440_071_921_381_3) <= BOUND);
}

#[test]
fn normal_quantiles_are_those_of_mpmath() {
    // Roots of Φ(x) = p by mpmath 1.3 at 40 digits, for p as the nearest f64.
    for (p, x) in [
        (1e-300, -3.704_709_629_936_120_05e1),
        (1e-100, -2.127_345_356_096_532_57e1),
        (1e-20, -9.262_340_089_798_406_95),
        (1e-9, -5.997_807_015_007_686_54),
        (1e-5, -4.264_890_793_922_824_66),
        (0.001, -3.090_232_306_167_813_64),
        (0.024_25, -1.972_961_051_311_884_93),
        (0.075, -1.439_531_470_938_455_90),
        (0.25, -6.744_897_501_960_817_05e-1),
        (0.4, -2.533_471_031_357_997_23e-1),
        (0.500_000_1, 2.506_628_273_311_648_23e-7),
        (0.9, 1.281_551_565_544_600_59),
        (0.999, 3.090_232_306_167_813_19),
        (0.999_999_9, 5.199_337_582_290_660_90),
    ] {
        let error = ulps(normal_quantile(p), x);
        assert!(error <= BOUND, "{p:e}: {error} ULP");
    }
    assert_eq!(normal_quantile(0.5), 0.0);
}

#[test]
fn the_normal_distribution_function_inverts_its_quantiles() {
    for k in 1..1000 {
        let p = f64::from(k) / 1000.0;
        assert!((normal_cdf(normal_quantile(p)) / p - 1.0).abs() < 1e-14, "{p}");
    }
    assert_eq!([f64::NEG_INFINITY, 0.0, f64::INFINITY].map(normal_cdf), [0.0, 0.5, 1.0]);
    // mpmath.ncdf at 50 digits.
    assert!((normal_cdf(-10.0) / 7.619_853_024_160_526_1e-24 - 1.0).abs() < 1e-13);
}

#[test]
fn normal_quantiles_are_antisymmetric() {
    // Multiples of 2⁻²⁰, so that 1 − p is exact.
    for i in 1..1 << 19 {
        let p = f64::from(i) / f64::from(1 << 20);
        assert_eq!(normal_quantile(p), -normal_quantile(1.0 - p), "{p}");
    }
}

#[test]
fn cos_pi_is_exact_where_the_cosine_is_rational() {
    for (x, y) in [(0.0, 1.0), (1.0 / 3.0, 0.5), (0.5, 0.0), (2.0 / 3.0, -0.5), (1.0, -1.0)] {
        assert!((cos_pi(x) - y).abs() <= f64::EPSILON, "{x}: {}", cos_pi(x));
    }
}
