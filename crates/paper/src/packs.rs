//! The disaster pack (災害用一式): a venue's day on paper, so that work goes on without a network and
//! comes back by scanning.
//!
//! The roster first, then a questionnaire for each person expected with the draft of the dose in its
//! code, then blank ones for whoever comes without being expected.

use std::collections::BTreeSet;
use std::fmt;

use crate::document::Pdf;
use crate::rosters::Roster;
use crate::sheets::counted;
use crate::{PaperRefusal, Questionnaire, RefusedSheet};

/// A venue's day on paper.
#[derive(Clone, PartialEq)]
pub struct Pack {
    /// Who is expected.
    pub roster: Roster,
    /// A form for each of them, and blank ones, in the order they are printed. Each has a draft.
    pub forms: Vec<Questionnaire>,
}

/// Forms in one pack: more than any venue gives doses in a day.
pub const PACK_FORMS_MAX: usize = 3_000;

/// A pack as it was printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrintedPack {
    /// The file.
    pub pdf: Vec<u8>,
    /// Forms that could not be printed for their person and came out without name and address, by
    /// their place from 1.
    pub made_blank: Vec<RefusedSheet>,
}

/// Prints a pack as one file.
///
/// A name that cannot be written must not keep a venue from its paper: that form is printed without
/// the person, its draft still carries the coupon, and [`PrintedPack::made_blank`] tells of it. A
/// protected person's form is printed so on purpose: the pile lies at the venue.
///
/// # Errors
/// [`PaperRefusal::Count`] for no form or too many; what the roster, or a form even without its
/// person, cannot be printed for; [`PaperRefusal::NoDraft`] for a form that could only be keyed;
/// [`PaperRefusal::SameForm`] for two forms with one id, whose doses would become one record.
pub fn pack_pdf(pack: &Pack) -> Result<PrintedPack, PaperRefusal> {
    counted("forms", pack.forms.len(), 1, PACK_FORMS_MAX)?;
    let mut pdf = Pdf::new("災害用一式");
    for page in pack.roster.layouts()? {
        pdf.add(&page)?;
    }
    let (mut made_blank, mut ids) = (Vec::new(), BTreeSet::new());
    for (index, form) in pack.forms.iter().enumerate() {
        let position = index + 1;
        let draft = form
            .draft
            .as_ref()
            .ok_or(PaperRefusal::NoDraft { position })?;
        if !ids.insert(draft.form) {
            return Err(PaperRefusal::SameForm { position });
        }
        if form.is_protected() {
            pdf.add(&form.without_person().layout()?)?;
            continue;
        }
        match form.layout() {
            Ok(page) => pdf.add(&page)?,
            Err(refusal) => {
                pdf.add(&form.without_person().layout()?)?;
                made_blank.push(RefusedSheet { position, refusal });
            }
        }
    }
    Ok(PrintedPack {
        pdf: pdf.finish()?,
        made_blank,
    })
}

impl fmt::Debug for Pack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pack")
            .field("roster", &self.roster)
            .field("forms", &self.forms.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn the_same_pack_is_the_same_bytes() {
        assert_eq!(pack_pdf(&samples::pack()), pack_pdf(&samples::pack()));
    }

    #[test]
    fn a_form_that_could_only_be_keyed_has_no_place_in_a_pack() {
        let mut pack = samples::pack();
        pack.forms[1].draft = None;
        assert_eq!(pack_pdf(&pack), Err(PaperRefusal::NoDraft { position: 2 }));
    }

    #[test]
    fn two_forms_with_one_id_are_refused() {
        let mut pack = samples::pack();
        pack.forms[2].draft = pack.forms[0].draft.clone();
        assert_eq!(pack_pdf(&pack), Err(PaperRefusal::SameForm { position: 3 }));
    }

    #[test]
    fn a_pack_without_forms_is_refused() {
        let pack = Pack {
            forms: Vec::new(),
            ..samples::pack()
        };
        let refused = pack_pdf(&pack).err().map(|refusal| refusal.code());
        assert_eq!(refused, Some("paper_count"));
    }
}
