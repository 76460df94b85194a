//! One axis: which numbers it spans, where a number falls and where the ticks are.

/// Whether a value can be drawn: it is finite, and an `f32` could hold it.
pub fn drawable(value: f64) -> bool {
    value.abs() <= f64::from(f32::MAX)
}

/// A span of numbers, `lo < hi`.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub lo: f64,
    pub hi: f64,
}

impl Axis {
    /// From one multiple of the tick distance to another, so that every value is in between. Without values 0 to 1.
    pub fn covering(values: &[f64]) -> Self {
        let lo = values.iter().copied().fold(f64::INFINITY, f64::min);
        let hi = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if lo > hi {
            return Axis { lo: 0.0, hi: 1.0 };
        }
        let tight = Axis::between(lo, hi);
        let step = tight.step();
        // A hair of slack: 0.3 / 0.1 is not 3.
        Axis { lo: (tight.lo / step + 1e-9).floor() * step, hi: (tight.hi / step - 1e-9).ceil() * step }
    }

    /// From one number to another; around them where they are too close to be told apart, and no further than can be drawn.
    pub fn between(lo: f64, hi: f64) -> Self {
        let most = f64::from(f32::MAX);
        let (lo, hi) = (lo.clamp(-most, most), hi.clamp(-most, most));
        let is_wide = hi - lo > (1e-9 * hi.abs().max(lo.abs())).max(1e-300);
        let room = if is_wide { 0.0 } else { 0.05 * hi.abs().max(1.0) };
        Axis { lo: lo - room, hi: hi + room }
    }

    /// The same centre, another length.
    pub fn resized(self, length: f64) -> Self {
        let centre = (self.lo + self.hi) / 2.0;
        Axis { lo: centre - length / 2.0, hi: centre + length / 2.0 }
    }

    pub fn length(self) -> f64 {
        self.hi - self.lo
    }

    /// Where `value` falls: `lo` at 0 and `hi` at 1. What is far outside is moved nearer, but stays outside.
    pub fn share(self, value: f64) -> f64 {
        ((value - self.lo) / self.length()).clamp(-99.0, 99.0)
    }

    /// Five to nine multiples of 1, 2 or 5 times a power of ten, with their labels; fewer if the ends are given.
    pub fn ticks(self) -> Vec<(f64, String)> {
        self.multiples(self.step())
    }

    /// The same for an axis that counts: whole numbers only, and called so.
    pub fn whole_ticks(self) -> Vec<(f64, String)> {
        self.multiples(self.step().max(1.0).round())
    }

    fn multiples(self, step: f64) -> Vec<(f64, String)> {
        let (first, last) = ((self.lo / step - 1e-6).ceil(), (self.hi / step + 1e-6).floor());
        (0..=(last - first) as i64).map(|i| (first + i as f64) * step + 0.0).map(|v| (v, label(v, step))).collect()
    }

    /// For an axis of base-10 logarithms: the numbers 1, 2 and 5 times a power of ten, or the powers alone where these are many.
    pub fn log_ticks(self) -> Vec<(f64, String)> {
        let apart = (self.length() / 10.0).ceil().max(1.0) as usize;
        let decades = (self.lo.floor() as i32..=self.hi.ceil() as i32).step_by(apart);
        let factors: &[f64] = if self.length() > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all = decades.flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)));
        let near = |v: f64| (self.lo - 1e-6..=self.hi + 1e-6).contains(&v.log10());
        all.filter(|v| near(*v)).map(|v| (v.log10(), label(v, v))).collect()
    }

    fn step(self) -> f64 {
        let rough = self.length() / 8.0;
        let power = 10f64.powf(rough.log10().floor());
        [1.0, 2.0, 5.0, 10.0]
            .map(|m| m * power)
            .into_iter()
            .find(|s| *s >= rough * (1.0 - 1e-9))
            .unwrap_or(10.0 * power)
    }
}

/// The value with the decimals that the step calls for, in powers of ten if it is very large or small.
fn label(value: f64, step: f64) -> String {
    let digits = if (1e-4..1e6).contains(&step) {
        format!("{value:.*}", (-step.log10() - 1e-9).ceil().max(0.0) as usize)
    } else {
        let rounded: f64 = format!("{value:.5e}").parse().expect("it was a number");
        format!("{rounded:e}")
    };
    if value == 0.0 { "0".to_string() } else { digits.replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(lo: f64, hi: f64) -> Vec<String> {
        Axis { lo, hi }.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(0.0, 20.0), ["0", "5", "10", "15", "20"]);
        assert_eq!(labels(150.0, 500.0), ["150", "200", "250", "300", "350", "400", "450", "500"]);
        assert_eq!(labels(-0.3, 0.3), ["−0.3", "−0.2", "−0.1", "0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(0.0, 4e7), ["0", "5e6", "1e7", "1.5e7", "2e7", "2.5e7", "3e7", "3.5e7", "4e7"]);
        assert_eq!(labels(0.0, 4e-5), ["0", "5e−6", "1e−5", "1.5e−5", "2e−5", "2.5e−5", "3e−5", "3.5e−5", "4e−5"]);
    }

    #[test]
    fn an_axis_that_counts_has_whole_numbers() {
        let labels = |lo, hi| Axis { lo, hi }.whole_ticks().into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(1.0, 2.0), ["1", "2"]);
        assert_eq!(labels(0.8, 4.2), ["1", "2", "3", "4"]);
        assert_eq!(labels(0.0, 20.0), ["0", "5", "10", "15", "20"]);
    }

    #[test]
    fn an_axis_of_logarithms_has_the_numbers_themselves() {
        let labels = |lo: f64, hi: f64| -> Vec<String> {
            Axis { lo: lo.log10(), hi: hi.log10() }.log_ticks().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(0.01, 0.1), ["0.01", "0.02", "0.05", "0.1"]);
        assert_eq!(labels(2.0, 256.0), ["2", "5", "10", "20", "50", "100", "200"]);
        assert_eq!(labels(1e-5, 0.1), ["1e−5", "0.0001", "0.001", "0.01", "0.1"]);
        assert_eq!(labels(1e-300, 1e300).len(), 11);
    }

    #[test]
    fn an_axis_covers_its_values_and_ends_on_ticks() {
        for values in [
            [168.2, 488.3],
            [1.0, 20.0],
            [-3.7, 2.9],
            [0.1, 0.3],
            [1e-30, 3e-30],
            [-1e38, 1e38],
            [99.0, 101.0],
            [0.0, 1e-299],
        ] {
            let axis = Axis::covering(&values);
            assert!(axis.lo <= values[0] && values[1] <= axis.hi, "{axis:?} {values:?}");
            let ticks = axis.ticks();
            assert!((4..=10).contains(&ticks.len()), "{ticks:?}");
            assert!(axis.share(ticks[0].0).abs() < 1e-9 && (axis.share(ticks.last().unwrap().0) - 1.0).abs() < 1e-9);
            assert!(axis.length() <= 1.5 * (values[1] - values[0]), "{axis:?} wastes space on {values:?}");
        }
    }

    #[test]
    fn an_axis_needs_neither_values_nor_a_spread() {
        assert_eq!(Axis::covering(&[]).ticks().len(), 6);
        for ends in [[0.0, 5e-324], [1.0, 1.0 + f64::EPSILON], [f64::MIN, f64::MAX], [1e308, f64::MAX]] {
            let ticks = Axis::between(ends[0], ends[1]).ticks();
            assert!((3..=11).contains(&ticks.len()) && ticks.iter().all(|(at, _)| at.is_finite()), "{ticks:?}");
        }
        for value in [0.0, -7.0, 1e-12, 3e38, 488.3] {
            let axis = Axis::covering(&[value, value]);
            assert!(axis.lo < value && value < axis.hi && axis.ticks().len() >= 3, "{axis:?}");
        }
    }
}
