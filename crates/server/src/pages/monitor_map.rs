//! The map of the nation by weeks of cover: an outline for each prefecture, filled by a pattern and a colour. It
//! tells nothing that the table beside it does not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::access::Place;
use domain::monitors::{Band, Cover};
use domain::places::Prefecture;

use crate::pages::monitor_places::name;
use crate::web::locale::Texts;

/// What the outlines lie in, with a margin: measured from the file.
pub const VIEW: &str = "8 -6 450 528";

/// An outline with its filling.
pub struct Outline {
    /// The SVG path.
    pub path: &'static str,
    /// The band's word, which names the pattern.
    pub band: &'static str,
    /// What a pointer is told: the name and the weeks.
    pub title: String,
}

fn outlines() -> &'static BTreeMap<String, String> {
    static OUTLINES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let file = include_str!("../../../../data/prefecture_outlines.json");
        // A file of ours that a test reads; without it there is no map, and the table stays.
        serde_json::from_str(file).unwrap_or_default()
    });
    &OUTLINES
}

/// All 47, by what is known of each; `weeks` says the cover in words.
pub fn map(
    covers: &BTreeMap<Prefecture, Cover>,
    weeks: impl Fn(Cover) -> String,
    texts: Texts,
) -> Vec<Outline> {
    Prefecture::all()
        .filter_map(|prefecture| {
            let path = outlines().get(&prefecture.to_string())?;
            let cover = covers.get(&prefecture).copied();
            let cover = cover.unwrap_or(Cover::NothingUsed);
            let name = name(&Place::Prefecture(prefecture), texts);
            Some(Outline {
                path,
                band: cover.band().as_str(),
                title: format!("{name} {}", weeks(cover)),
            })
        })
        .collect()
}

/// The bands with their words, for the legend.
pub fn legend(texts: Texts) -> Vec<(&'static str, String)> {
    let word = |band: Band| texts.t(&format!("monitor-band-{}", band.as_str()));
    Band::ALL
        .into_iter()
        .map(|band| (band.as_str(), word(band)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefecture_has_its_outline_within_the_view() {
        let texts = Texts::default();
        let tokyo = Prefecture::new(13).unwrap();
        let covers = BTreeMap::from([(tokyo, Cover::Tenths(5))]);
        let weeks = |cover| format!("{cover:?}");
        let map = map(&covers, weeks, texts);
        assert_eq!(map.len(), 47);
        assert!(map.iter().all(|one| one.path.starts_with('M')));
        assert_eq!(map[12].band, "under-one");
        assert_eq!(map[12].title, "東京都 Tenths(5)");
        assert_eq!(map[0].band, "unknown");
    }
}
