//! Connected ink: the blots that may be digits.
#![expect(
    clippy::indexing_slicing,
    reason = "labels are handed out in order of creation, and each has its place in `parents` and `blots` from then on"
)]

use crate::threshold::InkMap;

/// A piece of connected ink, by the rectangle around it; the sides are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blot {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
    /// Number of ink pixels.
    pub area: usize,
}

impl Blot {
    pub(crate) fn width(&self) -> usize {
        self.right - self.left + 1
    }

    pub(crate) fn height(&self) -> usize {
        self.bottom - self.top + 1
    }

    fn merge(&mut self, other: &Blot) {
        self.left = self.left.min(other.left);
        self.top = self.top.min(other.top);
        self.right = self.right.max(other.right);
        self.bottom = self.bottom.max(other.bottom);
        self.area += other.area;
    }
}

/// All blots of a map, touching corners included, in the order of their first row.
///
/// Works on runs of ink rather than pixels: a run joins every run of the row above that it touches.
pub(crate) fn blots(map: &InkMap) -> Vec<Blot> {
    let mut forest = Forest::default();
    let mut above: Vec<Run> = Vec::new();
    let mut here: Vec<Run> = Vec::new();
    for (y, row) in map.ink.chunks_exact(map.width).enumerate() {
        here.clear();
        let mut first_that_may_touch = 0;
        for (left, right) in runs(row) {
            let label = forest.plant(Blot {
                left,
                top: y,
                right,
                bottom: y,
                area: right - left + 1,
            });
            while above
                .get(first_that_may_touch)
                .is_some_and(|run| run.right + 1 < left)
            {
                first_that_may_touch += 1;
            }
            for run in above[first_that_may_touch..]
                .iter()
                .take_while(|run| run.left <= right + 1)
            {
                forest.join(label, run.label);
            }
            here.push(Run { left, right, label });
        }
        std::mem::swap(&mut above, &mut here);
    }
    forest.into_blots()
}

struct Run {
    left: usize,
    right: usize,
    label: usize,
}

/// First and last place of each run of `true`.
fn runs(row: &[bool]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut x = 0;
    std::iter::from_fn(move || {
        let left = x + row.get(x..)?.iter().position(|&ink| ink)?;
        let length = row[left..]
            .iter()
            .position(|&ink| !ink)
            .unwrap_or(row.len() - left);
        x = left + length;
        Some((left, x - 1))
    })
}

/// Union-find: each label points to an older one of the same blot, or to itself.
#[derive(Default)]
struct Forest {
    parents: Vec<usize>,
    blots: Vec<Blot>,
}

impl Forest {
    fn plant(&mut self, blot: Blot) -> usize {
        self.parents.push(self.parents.len());
        self.blots.push(blot);
        self.parents.len() - 1
    }

    fn root(&mut self, mut label: usize) -> usize {
        while self.parents[label] != label {
            self.parents[label] = self.parents[self.parents[label]];
            label = self.parents[label];
        }
        label
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        let (older, younger) = (one.min(other), one.max(other));
        if older != younger {
            self.parents[younger] = older;
            let joined = self.blots[younger];
            self.blots[older].merge(&joined);
        }
    }

    fn into_blots(self) -> Vec<Blot> {
        let Forest { parents, blots } = self;
        let roots = parents
            .iter()
            .enumerate()
            .map(|(label, &parent)| label == parent);
        blots
            .into_iter()
            .zip(roots)
            .filter_map(|(blot, is_root)| is_root.then_some(blot))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(picture: &str) -> Vec<Blot> {
        let rows: Vec<&str> = picture.split_whitespace().collect();
        blots(&InkMap {
            width: rows[0].len(),
            ink: rows.concat().bytes().map(|c| c == b'#').collect(),
        })
    }

    #[test]
    fn arms_that_meet_below_are_one_blot() {
        let found = found("#..# #..# ####");
        assert_eq!(
            found,
            [Blot {
                left: 0,
                top: 0,
                right: 3,
                bottom: 2,
                area: 8
            }]
        );
    }

    #[test]
    fn corners_touch() {
        assert_eq!(found("#.. .#. ..#").len(), 1);
        assert_eq!(found("..# .#. #..").len(), 1);
    }

    #[test]
    fn ink_apart_is_counted_apart() {
        let found = found("#.#.# ..... #####");
        assert_eq!(found.len(), 4);
        assert_eq!(
            found[3],
            Blot {
                left: 0,
                top: 2,
                right: 4,
                bottom: 2,
                area: 5
            }
        );
    }
}
