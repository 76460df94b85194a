//! ln to the nearest `f64`, where a last bit decides a whole number.
//!
//! Optuna rounds quotients of logarithms to whole numbers, and at powers they are whole already: ln 243 / ln 3 is 4.999… or 5, by
//! the last bit of ln 3. Python takes the logarithm of the C library, which gives the nearest number nearly always; libm's is
//! another one in a hundred, and for 3.

use libm::{fma, frexp};
use std::f64::consts::FRAC_1_SQRT_2;

/// ln x for finite x > 0, within 0.53 units in the last place.
///
/// With x = 2ᵉ m, m in [√½, √2) and s = (m − 1)/(m + 1) it is e ln 2 + 2 (s + s³/3 + s⁵/5 + …). The large terms stand as pairs of a
/// number and what it rounded off (Dekker, *A floating-point technique for extending the available precision*, 1971).
pub(super) fn ln(x: f64) -> f64 {
    // ln 2; the first part times an exponent is exact.
    const LN_2: (f64, f64) = (f64::from_bits(0x3fe6_2e42_fee0_0000), f64::from_bits(0x3dea_39ef_3579_3c76));
    let (m, e) = frexp(x);
    let (m, e) = if m < FRAC_1_SQRT_2 { (2.0 * m, e - 1) } else { (m, e) };
    let (f, e) = (m - 1.0, f64::from(e));
    let (sum, sum_rest) = add(2.0, f);
    let s = f / sum;
    let s_rest = (fma(-s, sum, f) - s * sum_rest) / sum;
    let z = s * s;
    let series = (1..=12).rev().fold(0.0, |tail, k| z * (tail + 1.0 / f64::from(2 * k + 1)));
    let (high, high_rest) = add(e * LN_2.0, 2.0 * s);
    high + (high_rest + (2.0 * (s_rest + s * series) + e * LN_2.1))
}

/// a + b, and what the sum rounded off (Knuth).
fn add(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_the_nearest_numbers() {
        // By arithmetic of 300 bits.
        let nearest = [
            (3.0, 0x3ff1_93ea_7aad_030b),
            (14.0, 0x4005_1cca_16d7_bba7),
            (48.0, 0x400e_f838_3c50_bb75),
            (0.1, 0xc002_6bb1_bbb5_5515),
            (1.7e308, 0x4086_2dd0_8fdc_6f88),
            (5e-324, 0xc087_4385_446d_71c3),
        ];
        for (x, bits) in nearest {
            assert_eq!(ln(x), f64::from_bits(bits), "{x}");
        }
        assert_eq!(ln(1.0), 0.0);
    }
}
