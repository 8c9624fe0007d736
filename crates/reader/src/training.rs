//! What the net is shown: the strips that the reader itself cuts out of a picture, so that it is trained on what it
//! will see, with the errors that the search for the line makes.

use crate::chain::Place;
use crate::grey::Grey;
use crate::line::{look_at, passes};
use crate::net;
use crate::strip::{PITCH, Pyramid, ROWS, cut};

/// A strip cut out of a picture.
pub struct Strip {
    /// Columns; there are [`Strip::ROWS`] rows.
    pub width: usize,
    /// Grey values, row after row.
    pub pixels: Vec<u8>,
    /// What is read there, if 18 digits are.
    pub digits: Option<String>,
    /// As sure as of the least sure digit, 0 to 1.
    pub confidence: f32,
    place: Place,
}

impl Strip {
    /// Rows of every strip.
    pub const ROWS: usize = ROWS;
    /// Columns from digit to digit.
    pub const PITCH: f32 = PITCH;

    /// The column and the row in which a place of the picture is seen; they may lie outside of the strip.
    pub fn seen_at(&self, x: f32, y: f32) -> (f32, f32) {
        let (sine, cosine) = self.place.down.slope.atan().sin_cos();
        let off = |t: f32| {
            let across = self.place.across.at(t);
            (x - across, y - self.place.down.at(across))
        };
        let along = |t: f32| {
            let (x, y) = off(t);
            x * cosine + y * sine
        };
        // The digits follow each other nearly evenly, so a few steps lead there.
        let mut t = (self.place.from + self.place.to) / 2.0;
        for _ in 0..12 {
            let pace = (along(t) - along(t + 1.0)).max(1.0);
            t += along(t) / pace;
        }
        let (off_x, off_y) = off(t);
        let aside = off_y * cosine - off_x * sine;
        let row_height = self.place.height.at(t).max(4.0) / crate::strip::DIGIT_ROWS;
        (
            (t - self.place.from) * PITCH,
            (ROWS - 1) as f32 / 2.0 + aside / row_height,
        )
    }
}

/// Reads with other weights than the committed ones from now on, to compare nets. False if the file is none, or
/// something was read already.
pub fn read_with(weights: &[u8]) -> bool {
    net::take(weights)
}

/// The strips that one of the searches (below 5) cuts out of a picture, best first.
pub fn strips(grey: &Grey, search: usize) -> Vec<Strip> {
    let (Some(net), Some(pass)) = (net::trained(), passes(grey.width()).into_iter().nth(search))
    else {
        return Vec::new();
    };
    let pyramid = Pyramid::of(grey.clone());
    let strip = |place: Place| {
        let cut = cut(&pyramid, &place, 0.0, 0.0)?;
        let read = look_at(net, &pyramid, &place);
        Some(Strip {
            width: cut.width,
            pixels: cut.values.iter().map(|value| value.round() as u8).collect(),
            confidence: read.confidence(),
            digits: read.digits,
            place,
        })
    };
    pass.places(&pyramid)
        .into_iter()
        .filter_map(strip)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_picture_is_seen_in_its_column_and_in_the_middle_row() {
        let place = Place::level(100.0, 60.0, 20.0, 24.0);
        let strip = Strip {
            width: 320,
            pixels: Vec::new(),
            digits: None,
            confidence: 0.0,
            place,
        };
        let (column, row) = strip.seen_at(100.0 + 3.0 * 20.0, 60.0);
        assert!(
            (column - (3.0 - place.from) * PITCH).abs() < 0.1,
            "{column}"
        );
        assert!((row - 15.5).abs() < 0.1, "{row}");
    }
}
