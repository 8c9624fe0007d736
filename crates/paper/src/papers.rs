//! Every paper there is, and one file of any of them.

use crate::document::Pdf;
use crate::envelopes::Envelope;
use crate::layout::Layout;
use crate::sheets::counted;
use crate::{
    AccessLog, AdverseReactionReport, Certificate, CouponSheet, Disclosure, Handover, Mandate,
    MistakeReport, PaperRefusal, Questionnaire, RefusedSheet, Roster, SHEETS_MAX, SealSheet,
    TransferBook,
};

/// One paper: what leaves the printer for one person or one purpose.
#[derive(Clone, PartialEq, Debug)]
pub enum Paper {
    /// 接種券.
    Coupons(CouponSheet),
    /// 予診票 by itself.
    Questionnaire(Questionnaire),
    /// 予診票 with the page that shows the address (宛名台紙) before it.
    MailedQuestionnaire(Questionnaire, Envelope),
    /// 接種券シール with the 接種済証.
    Seals(SealSheet),
    /// 接種済証, or the certificate for travelling.
    Certificate(Certificate),
    /// What the ledger holds of a person.
    Disclosure(Disclosure),
    /// Who looked at a person's record.
    AccessLog(AccessLog),
    /// 当日の名簿.
    Roster(Roster),
    /// 副反応疑い報告書.
    AdverseReaction(AdverseReactionReport),
    /// 間違い接種の報告書.
    Mistake(MistakeReport),
    /// 委任状.
    Mandate(Mandate),
    /// 様式7-1, 7-3: with vials that go to another venue.
    Handover(Handover),
    /// 様式7-2, 7-4: what a venue gave to others.
    TransferBook(TransferBook),
}

/// Prints papers one after the other into one PDF.
///
/// The same papers are the same bytes. Nothing is printed if one of them cannot be.
///
/// # Errors
/// [`PaperRefusal::Sheets`] with every paper that cannot be printed and why;
/// [`PaperRefusal::Count`] for none or too many.
pub fn papers_pdf(title: &str, papers: &[Paper]) -> Result<Vec<u8>, PaperRefusal> {
    counted("sheets", papers.len(), 1, SHEETS_MAX)?;
    let (mut pdf, mut refused) = (Pdf::new(title), Vec::new());
    for (index, paper) in papers.iter().enumerate() {
        match paper.pages() {
            Ok(pages) => {
                for page in &pages {
                    pdf.add(page)?;
                }
            }
            Err(refusal) => refused.push(RefusedSheet {
                position: index + 1,
                refusal,
            }),
        }
    }
    if refused.is_empty() {
        pdf.finish()
    } else {
        Err(PaperRefusal::Sheets { refused })
    }
}

impl Paper {
    /// Its pages, in the order they are printed.
    pub(crate) fn pages(&self) -> Result<Vec<Layout>, PaperRefusal> {
        match self {
            Self::Coupons(sheet) => sheet.layout().map(|page| vec![page]),
            Self::Questionnaire(questionnaire) => questionnaire.layout().map(|page| vec![page]),
            Self::MailedQuestionnaire(questionnaire, envelope) => questionnaire.mailing(envelope),
            Self::Seals(sheet) => sheet.layout().map(|page| vec![page]),
            Self::Certificate(certificate) => certificate.layout().map(|page| vec![page]),
            Self::Disclosure(disclosure) => disclosure.layouts(),
            Self::AccessLog(log) => log.layouts(),
            Self::Roster(roster) => roster.layouts(),
            Self::AdverseReaction(report) => report.layout().map(|page| vec![page]),
            Self::Mistake(report) => report.layout().map(|page| vec![page]),
            Self::Mandate(mandate) => mandate.layout().map(|page| vec![page]),
            Self::Handover(handover) => handover.layouts(),
            Self::TransferBook(book) => book.layouts(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Mark;
    use crate::samples;

    /// A mark as a line: what it is, where its ink is in tenths of a millimetre, what it says.
    fn line(mark: &Mark) -> String {
        let ink = mark.extent().map_or_else(String::new, |ink| {
            format!(
                "{:.1},{:.1} {:.1}x{:.1}",
                ink.x_mm, ink.y_mm, ink.width_mm, ink.height_mm
            )
        });
        format!("{} | {ink} | {}", mark.part, mark.text().unwrap_or("-"))
    }

    /// What stands where, as a picture in words: whoever moves something sees what else moved.
    #[test]
    fn every_paper_is_laid_out_as_it_was() {
        let person = samples::person();
        let others = vec![
            ("blank", Paper::Questionnaire(samples::blank())),
            ("roster_of_three", Paper::Roster(samples::roster(3))),
            (
                "access_log_of_two",
                Paper::AccessLog(samples::access_log(2)),
            ),
        ];
        for (name, paper) in samples::every_paper(&person).into_iter().chain(others) {
            if ["roster", "access_log"].contains(&name) {
                continue;
            }
            let pages = paper.pages().unwrap();
            let told: Vec<String> = pages
                .iter()
                .enumerate()
                .flat_map(|(index, page)| {
                    let head = format!("page {}", index + 1);
                    std::iter::once(head).chain(page.marks.iter().map(line))
                })
                .collect();
            insta::assert_snapshot!(name, told.join("\n"));
        }
    }

    #[test]
    fn the_same_papers_are_the_same_bytes() {
        let papers: Vec<Paper> = samples::every_paper(&samples::person())
            .into_iter()
            .map(|(_, paper)| paper)
            .collect();
        assert_eq!(papers_pdf("一式", &papers), papers_pdf("一式", &papers));
    }

    #[test]
    fn a_paper_in_a_log_names_nobody() {
        for (name, paper) in samples::every_paper(&samples::person()) {
            let shown = format!("{paper:?}");
            for secret in ["厚生", "九段", "12345", "KOSEI", "TK0000000"] {
                assert!(!shown.contains(secret), "{name}: {shown}");
            }
        }
    }

    #[test]
    fn a_name_no_face_can_write_is_refused_wherever_it_is_certified() {
        let person = crate::Person {
            name: "𠮷田　花子".to_owned(),
            ..samples::person()
        };
        for (name, paper) in samples::every_paper(&person) {
            let names_the_person = ![
                "access_log",
                "roster",
                "adverse_reaction",
                "mistake",
                "mandate",
                "handover",
                "handover_again",
                "transfer_book",
                "transfer_report",
            ]
            .contains(&name);
            let refused = paper.pages().err().map(|refusal| refusal.code());
            assert_eq!(
                refused,
                names_the_person.then_some("paper_missing_glyphs"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_long_name_and_a_geta_are_printed_and_an_endless_one_is_refused() {
        let named = |name: String| crate::Person {
            name,
            ..samples::person()
        };
        let long = named(format!("〓田　{}", "国".repeat(17)));
        for (name, paper) in samples::every_paper(&long) {
            assert!(paper.pages().is_ok(), "{name}: {:?}", paper.pages().err());
        }
        let endless = samples::every_paper(&named("国".repeat(400)));
        for (name, paper) in endless {
            if ["certificate", "travel", "questionnaire", "seals"].contains(&name) {
                let refused = paper.pages().err().map(|refusal| refusal.code());
                assert_eq!(refused, Some("paper_too_long"), "{name}");
            }
        }
    }
}
