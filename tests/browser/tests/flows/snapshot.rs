//! Pictures of pages in words, the same on every day and every machine.

use std::path::Path;
use std::{env, fs};

use browser_flows::Page;

/// What moves, and what stands for it.
const MOVING: &[(&str, &str)] = &[
    (r"\d{4}年\d{1,2}月\d{1,2}日", "〈日〉"),
    (r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}", "〈日時〉"),
    (r"\d{4}-\d{2}-\d{2}", "〈日〉"),
    (r"\b\d{2}:\d{2}\b", "〈時刻〉"),
    (r"\b[0-9a-f]{12}\b", "〈ハッシュ〉"),
    // A receipt number begins with its city and ends with the entry's hash.
    (
        r"\b[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{5}){3}\b",
        "〈受領番号〉",
    ),
    // The demonstration's own lots are named after their month.
    (r"\bCO\d{4}\b", "〈ロット〉"),
];

/// Compares what a screen reader is told of the page with what was agreed on.
pub fn assert_page(name: &str, page: &Page) {
    assert_with(name, page, &[]);
}

/// The same where the numbers on the page are counts that grow with the days of the demonstration.
pub fn assert_page_of_counts(name: &str, page: &Page) {
    assert_with(name, page, &[(r#""[\d,]+""#, r#""〈数〉""#)]);
}

/// The same where `more` moves, too.
pub fn assert_with(name: &str, page: &Page, more: &[(&str, &str)]) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (moving, stands_for) in MOVING.iter().chain(more) {
        settings.add_filter(moving, *stands_for);
    }
    show(page, name);
    settings.bind(|| insta::assert_snapshot!(name, page.accessibility_tree()));
}

/// Keeps a picture of the page in the folder `$SESSHU_SHOTS`, if there is one, to be looked at.
pub fn show(page: &Page, name: &str) {
    if let Some(folder) = env::var_os("SESSHU_SHOTS") {
        fs::create_dir_all(&folder).unwrap();
        page.screenshot(&Path::new(&folder).join(format!("{name}.png")));
    }
}
