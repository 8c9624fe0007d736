//! Tesseract on the same photographs. It is helped: it gets the line cut out upright at its true place.

use std::process::{Command, Stdio};
use std::time::Instant;

use reader::Grey;

/// Rows of the cut-out line: about what Tesseract is best at.
const ROWS: usize = 48;

/// What it said, and how long it took.
pub struct Said {
    /// A line for each picture, without spaces.
    pub lines: Vec<String>,
    /// Milliseconds for each.
    pub ms_each: f64,
}

/// Its version, if it is on this machine.
pub fn version() -> Option<String> {
    let told = Command::new("tesseract")
        .arg("--version")
        .stderr(Stdio::piped())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    text.lines().next().map(str::to_owned)
}

/// The line between its corners, with a margin of a third of its height, upright.
pub fn strip(picture: &Grey, corners: &[(f32, f32)]) -> Option<Grey> {
    let &[from, to, below, under] = corners else {
        return None;
    };
    const MARGIN: f32 = 0.33;
    let length = (to.0 - from.0).hypot(to.1 - from.1);
    let height = (under.0 - from.0).hypot(under.1 - from.1).max(1.0);
    let inner = ROWS as f32 / (1.0 + 2.0 * MARGIN);
    let width = ((length / height + 2.0 * MARGIN) * inner) as usize;
    let between = |one: (f32, f32), other: (f32, f32), share: f32| {
        (
            one.0 + (other.0 - one.0) * share,
            one.1 + (other.1 - one.1) * share,
        )
    };
    let margin_across = MARGIN * height / length.max(1.0);
    let mut pixels = Vec::with_capacity(width * ROWS);
    for row in 0..ROWS {
        let down = (row as f32 / ROWS as f32) * (1.0 + 2.0 * MARGIN) - MARGIN;
        let (left, right) = (between(from, under, down), between(to, below, down));
        for column in 0..width {
            let along =
                (column as f32 / width as f32) * (1.0 + 2.0 * margin_across) - margin_across;
            let (x, y) = between(left, right, along);
            pixels.push(picture.at(x, y).round() as u8);
        }
    }
    Grey::new(width, ROWS, pixels)
}

/// Reads all pictures in one run, so that starting it does not count for each.
pub fn read(pictures: &[&Grey]) -> Option<Said> {
    if pictures.is_empty() {
        return None;
    }
    let folder = tempfile::tempdir().ok()?;
    let mut list = String::new();
    for (index, picture) in pictures.iter().enumerate() {
        let file = folder.path().join(format!("{index}.pgm"));
        let mut bytes = format!("P5 {} {} 255\n", picture.width(), picture.height()).into_bytes();
        bytes.extend_from_slice(picture.pixels());
        std::fs::write(&file, bytes).ok()?;
        list.push_str(&format!("{}\n", file.display()));
    }
    let names = folder.path().join("list.txt");
    std::fs::write(&names, list).ok()?;
    let start = Instant::now();
    let told = Command::new("tesseract")
        .arg(&names)
        .args([
            "stdout",
            "--psm",
            "7",
            "-c",
            "tessedit_char_whitelist=0123456789",
        ])
        .env("OMP_THREAD_LIMIT", "1")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let ms_each = start.elapsed().as_secs_f64() * 1000.0 / pictures.len() as f64;
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    // Pages end with a form feed.
    let lines = text
        .split('\u{c}')
        .take(pictures.len())
        .map(|page| page.chars().filter(char::is_ascii_digit).collect())
        .collect();
    Some(Said { lines, ms_each })
}
