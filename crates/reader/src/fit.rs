//! Straight lines and parabolas through points, and the median.

/// The middle value; `None` of nothing. The upper one of the two in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.into_iter().collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

/// `v = start + slope * u`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Straight {
    pub start: f32,
    pub slope: f32,
}

impl Straight {
    /// The least-squares line through points `(u, v)`; level if they all have one u, zero if there are none.
    pub(crate) fn through(points: &[(f32, f32)]) -> Straight {
        let count = points.len().max(1) as f32;
        let mean_u = points.iter().map(|p| p.0).sum::<f32>() / count;
        let mean_v = points.iter().map(|p| p.1).sum::<f32>() / count;
        let spread = points
            .iter()
            .map(|p| (p.0 - mean_u).powi(2))
            .sum::<f32>()
            .max(1e-6);
        let slope = points
            .iter()
            .map(|p| (p.0 - mean_u) * (p.1 - mean_v))
            .sum::<f32>()
            / spread;
        Straight {
            start: mean_v - slope * mean_u,
            slope,
        }
    }

    pub(crate) fn at(&self, u: f32) -> f32 {
        self.start + self.slope * u
    }
}

/// `v = start + slope * u + bend * u²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Parabola {
    pub start: f32,
    pub slope: f32,
    pub bend: f32,
}

impl Parabola {
    /// The least-squares parabola through points `(u, v)`; a straight line where they do not tell a bend.
    pub(crate) fn through(points: &[(f32, f32)]) -> Parabola {
        // Sums of u^0 … u^4 and of v·u^0 … v·u^2: the normal equations, solved by Cramer's rule.
        let mut u_sums = [0f64; 5];
        let mut v_sums = [0f64; 3];
        for &(u, v) in points {
            let (u, v) = (f64::from(u), f64::from(v));
            let powers = [1.0, u, u * u, u * u * u, u * u * u * u];
            u_sums
                .iter_mut()
                .zip(powers)
                .for_each(|(sum, power)| *sum += power);
            v_sums
                .iter_mut()
                .zip(powers)
                .for_each(|(sum, power)| *sum += v * power);
        }
        let [s0, s1, s2, s3, s4] = u_sums;
        let columns = [[s0, s1, s2], [s1, s2, s3], [s2, s3, s4]];
        let [first, second, third] = columns;
        let whole = determinant(columns);
        if whole.abs() < 1e-6 {
            return Straight::through(points).into();
        }
        Parabola {
            start: (determinant([v_sums, second, third]) / whole) as f32,
            slope: (determinant([first, v_sums, third]) / whole) as f32,
            bend: (determinant([first, second, v_sums]) / whole) as f32,
        }
    }

    pub(crate) fn at(&self, u: f32) -> f32 {
        self.start + self.slope * u + self.bend * u * u
    }
}

impl From<Straight> for Parabola {
    fn from(line: Straight) -> Self {
        Parabola {
            start: line.start,
            slope: line.slope,
            bend: 0.0,
        }
    }
}

fn determinant([a, b, c]: [[f64; 3]; 3]) -> f64 {
    let [[a0, a1, a2], [b0, b1, b2], [c0, c1, c2]] = [a, b, c];
    a0 * (b1 * c2 - b2 * c1) - b0 * (a1 * c2 - a2 * c1) + c0 * (a1 * b2 - a2 * b1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_nothing_is_nothing() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn a_line_through_its_own_points_is_itself() {
        let line = Straight::through(&[(0.0, 1.0), (2.0, 5.0), (4.0, 9.0)]);
        assert!((line.at(10.0) - 21.0).abs() < 1e-4);
    }

    #[test]
    fn a_parabola_through_its_own_points_is_itself() {
        let points: Vec<_> = (0..9)
            .map(|t| (t as f32, 3.0 + 20.0 * t as f32 - 0.1 * (t * t) as f32))
            .collect();
        let curve = Parabola::through(&points);
        assert!((curve.bend + 0.1).abs() < 1e-3, "{curve:?}");
        assert!((curve.at(17.0) - (3.0 + 340.0 - 28.9)).abs() < 1e-1);
    }

    #[test]
    fn two_places_tell_no_bend() {
        assert_eq!(
            Parabola::through(&[(0.0, 0.0), (1.0, 2.0), (1.0, 2.0)]).bend,
            0.0
        );
        assert_eq!(Parabola::through(&[]).at(5.0), 0.0);
    }
}
