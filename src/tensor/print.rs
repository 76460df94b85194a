//! How a tensor prints: shape, precision and a summary on one line, then its corners.

use super::Tensor;
use crate::kernels::Real;
use std::fmt;

/// Elements shown at each end of a row, and rows at each end of a matrix.
const EDGE: usize = 3;

impl<F: Real> fmt::Display for Tensor<F> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let shape = self.shape();
        if shape.is_empty() {
            return write!(f, "{}", self.data()[0]);
        }
        write!(f, "{}{shape}", F::NAME)?;
        if shape.size() == 0 {
            return Ok(());
        }
        let n = shape.size() as f64;
        let mean = self.data().iter().map(|x| x.f64()).sum::<f64>() / n;
        let var = self.data().iter().map(|x| x.f64() - mean).map(|d| d * d).sum::<f64>() / n;
        write!(f, "  mean {mean:.4}  std {:.4}", var.sqrt())?;
        let columns = shape[shape.len() - 1];
        let rows = shape.size() / columns;
        for i in ends(rows) {
            f.write_str("\n  ")?;
            let Some(i) = i else {
                f.write_str("…")?;
                continue;
            };
            for j in ends(columns) {
                match j {
                    Some(j) => write!(f, "{:>9.4}", self.data()[i * columns + j])?,
                    None => f.write_str("  …")?,
                }
            }
        }
        Ok(())
    }
}

impl<F: Real> fmt::Debug for Tensor<F> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The first and last indices of 0..n, with `None` where some are left out.
fn ends(n: usize) -> Vec<Option<usize>> {
    if n <= 2 * EDGE {
        return (0..n).map(Some).collect();
    }
    (0..EDGE).map(Some).chain([None]).chain((n - EDGE..n).map(Some)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_prints_its_shape_summary_and_corners() {
        let t = Tensor::new((0..80).map(|x| x as f32).collect(), [8, 10]);
        let text = t.to_string();
        assert!(text.starts_with("f32[8, 10]  mean 39.5000  std 23.0922\n     0.0000   1.0000   2.0000  …"), "{text}");
        assert_eq!(text.lines().count(), 8);
        assert_eq!(Tensor::scalar(1.5f64).to_string(), "1.5");
    }
}
