//! The three typefaces inside the program, and which of their glyphs a text needs.
//!
//! Text here is one horizontal line without kerning or ligatures, as the boxes of a form want it,
//! so a glyph for each character and its width is all there is to shape. What a typeface lacks is
//! named, never printed as an empty box: a name with a hole in it is not that person's name.

use std::ops::Range;

use skrifa::charmap::MapVariant;
use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider};

/// The typefaces a paper may use (sources and licences: `fonts/README.md`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Face {
    /// BIZ UDGothic: Latin letters and digits are half a kanji wide, so twenty full-width columns
    /// are twenty em whatever is written in them. For what is filled in.
    Gothic,
    /// BIZ UDPGothic: proportional. For what is printed on every form.
    ProportionalGothic,
    /// OCR-B, which the federations' readers expect (TB/130).
    OcrB,
}

/// One character cluster of a line and the glyph that shows it; lengths in em.
#[derive(Clone)]
pub(crate) struct Glyph {
    pub id: u32,
    pub advance_em: f32,
    /// Left, bottom, right, top of what is inked, from the pen position; `None` for a space.
    pub ink_em: Option<[f32; 4]>,
    /// The bytes of the text this glyph stands for.
    pub text: Range<usize>,
}

/// The characters of a text that some paper could not be printed with (外字), in code point order: for
/// what stands on every paper, where one would refuse them all.
#[must_use]
pub fn missing_characters(text: &str) -> Vec<String> {
    let faces = [Face::Gothic, Face::ProportionalGothic];
    let missing = faces.into_iter().filter_map(|face| face.shape(text).err());
    let missing: std::collections::BTreeSet<String> = missing.flatten().collect();
    missing.into_iter().collect()
}

impl Face {
    /// The font file.
    pub(crate) fn bytes(self) -> &'static [u8] {
        match self {
            Self::Gothic => include_bytes!("../fonts/BIZUDGothic-Regular.ttf"),
            Self::ProportionalGothic => include_bytes!("../fonts/BIZUDPGothic-Regular.ttf"),
            Self::OcrB => include_bytes!("../fonts/OCRB.otf"),
        }
    }

    /// The glyphs for `text`, or the characters (with their variation selectors) it has none for.
    ///
    /// An ideographic variation sequence the face does not know is missing too: the plain shape is
    /// another person's way to write the name.
    pub(crate) fn shape(self, text: &str) -> Result<Vec<Glyph>, Vec<String>> {
        let font = self.font();
        let map = font.charmap();
        let metrics = font.glyph_metrics(Size::new(1.0), LocationRef::default());
        let (mut glyphs, mut missing) = (Vec::new(), Vec::new());
        for (range, character, selector) in clusters(text) {
            let plain = || map.map(character);
            let id = match selector.map(|selector| map.map_variant(character, selector)) {
                None | Some(Some(MapVariant::UseDefault)) => plain(),
                Some(Some(MapVariant::Variant(id))) => Some(id),
                Some(None) => None,
            };
            match id.filter(|id| *id != GlyphId::NOTDEF) {
                None => missing.push(text.get(range).unwrap_or_default().to_owned()),
                Some(id) => glyphs.push(Glyph {
                    id: id.to_u32(),
                    advance_em: metrics.advance_width(id).unwrap_or_default(),
                    ink_em: metrics
                        .bounds(id)
                        .filter(|ink| ink.x_max > ink.x_min)
                        .map(|ink| [ink.x_min, ink.y_min, ink.x_max, ink.y_max]),
                    text: range,
                }),
            }
        }
        if missing.is_empty() {
            Ok(glyphs)
        } else {
            Err(missing)
        }
    }

    /// The text with 〓 for every character the face lacks, as the ledgers of cities have it (外字).
    ///
    /// For lists to work from; whatever certifies a name refuses instead.
    pub(crate) fn with_geta(self, text: &str) -> String {
        clusters(text)
            .filter_map(|(range, ..)| text.get(range))
            .map(|cluster| match self.shape(cluster) {
                Ok(_) => cluster,
                Err(_) => "〓",
            })
            .collect()
    }

    /// Draws the outline of one glyph, `em` units high, y upwards.
    pub(crate) fn outline(self, glyph: &Glyph, em: f32, pen: &mut impl OutlinePen) {
        let settings = DrawSettings::unhinted(Size::new(em), LocationRef::default());
        if let Some(outline) = self.font().outline_glyphs().get(GlyphId::new(glyph.id)) {
            // Fails only for a broken font file; a test draws from each of ours.
            let _drawn = outline.draw(settings, pen);
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "the file is part of the program and a test opens each of the three"
    )]
    fn font(self) -> FontRef<'static> {
        FontRef::new(self.bytes()).expect("an embedded font opens")
    }
}

/// Each character with its bytes and the variation selector that follows it, if there is one.
fn clusters(text: &str) -> impl Iterator<Item = (Range<usize>, char, Option<char>)> {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, character) = characters.next()?;
        let selector = characters
            .next_if(
                |(_, next)| matches!(next, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'),
            )
            .map(|(_, selector)| selector);
        let end = start + character.len_utf8() + selector.map_or(0, char::len_utf8);
        Some((start..end, character, selector))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Strokes(usize);

    impl OutlinePen for Strokes {
        fn move_to(&mut self, _: f32, _: f32) {
            self.0 += 1;
        }
        fn line_to(&mut self, _: f32, _: f32) {}
        fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {}
        fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {}
        fn close(&mut self) {}
    }

    #[test]
    fn each_embedded_font_opens_and_draws_a_digit() {
        for face in [Face::Gothic, Face::ProportionalGothic, Face::OcrB] {
            let glyphs = face.shape("8").unwrap();
            let mut strokes = Strokes(0);
            face.outline(&glyphs[0], 1.0, &mut strokes);
            assert_eq!(strokes.0, 3, "{face:?}: an 8 is one shape with two holes");
        }
    }

    #[test]
    fn ocr_b_digits_are_all_as_wide_as_each_other() {
        let glyphs = Face::OcrB.shape("0123456789").unwrap();
        assert!(
            glyphs
                .iter()
                .all(|glyph| glyph.advance_em == glyphs[0].advance_em)
        );
    }

    #[test]
    fn the_gothic_for_names_gives_latin_half_a_kanji() {
        let glyphs = Face::Gothic.shape("W漢").unwrap();
        assert_eq!((glyphs[0].advance_em, glyphs[1].advance_em), (0.5, 1.0));
    }

    #[test]
    fn what_a_font_lacks_is_named_and_nothing_else() {
        assert_eq!(
            Face::Gothic.shape("𠮷田槗子").err(),
            Some(vec!["𠮷".to_owned(), "槗".to_owned()])
        );
        assert_eq!(
            Face::Gothic.shape("山田\n").err(),
            Some(vec!["\n".to_owned()])
        );
    }

    #[test]
    fn a_list_has_a_geta_for_what_the_face_lacks() {
        let name = "𠮷田　邉\u{E01EF}子";
        assert_eq!(Face::Gothic.with_geta(name), "〓田　〓子");
    }

    #[test]
    fn a_variant_of_a_kanji_has_its_own_glyph() {
        let plain = Face::Gothic.shape("葛").unwrap();
        let variant = Face::Gothic.shape("葛\u{E0100}").unwrap();
        assert_eq!(variant.len(), 1);
        assert_ne!(plain[0].id, variant[0].id);
    }

    #[test]
    fn an_unknown_variant_is_missing_rather_than_written_another_way() {
        assert_eq!(
            Face::Gothic.shape("邉\u{E01EF}").err(),
            Some(vec!["邉\u{E01EF}".to_owned()])
        );
    }
}
