//! A city's whole mailing (一括印刷): up to 100,000 papers in files of a fixed number of papers.
//!
//! The PDF writer holds one file in memory, so a file is the unit of memory and of resuming. Which
//! papers are in which file follows from the plan alone: a file that was lost is printed again by
//! itself and is the same bytes. The order of the papers is the order of the mailing; a paper that
//! cannot be printed leaves a gap and is told, and none of the others waits for it.

use std::fmt;
use std::io::{self, Write};
use std::ops::{ControlFlow, Range};

use thiserror::Error;

use crate::PaperRefusal;
use crate::document::Pdf;
use crate::papers::Paper;
use crate::sheets::counted;

/// How a batch is cut into files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchPlan {
    papers: usize,
    papers_per_file: usize,
}

/// Papers in one batch: the largest city's cohort of a week; beyond, there are several batches.
pub const BATCH_PAPERS_MAX: usize = 100_000;
/// Papers in one file. More make the file, and the memory it takes, needlessly large.
pub const PAPERS_PER_FILE_MAX: usize = 1_000;

/// One file of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BatchFile {
    /// Which file, from 0.
    pub index: usize,
    /// The papers in it, from 0.
    pub papers: Range<usize>,
    /// A name that sorts in the order of printing: `000001-000500.pdf`, counted from 1.
    pub name: String,
}

/// What happened, as it happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BatchEvent {
    /// A paper cannot be printed; it is left out and everything else goes on.
    Refused {
        /// Which paper, from 0.
        index: usize,
        /// Why.
        refusal: PaperRefusal,
    },
    /// A file is written, or had nothing to print in it.
    File {
        /// Which.
        file: BatchFile,
        /// How many papers were printed in it.
        printed: usize,
        /// Its size; 0 when nothing was printed.
        bytes: usize,
    },
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchOutcome {
    /// Papers printed by this run.
    pub printed: usize,
    /// Papers that could not be.
    pub refused: usize,
    /// The file to go on with; [`BatchPlan::files`] when all is done.
    pub next_file: usize,
}

/// Why a batch stopped. Whatever was written before is whole.
#[derive(Debug, Error)]
pub enum BatchError<Source: fmt::Display> {
    /// The paper could not be fetched.
    #[error("{0}")]
    Source(Source),
    /// The file could not be assembled.
    #[error(transparent)]
    Unwritten(PaperRefusal),
    /// The file could not be written.
    #[error(
        "ファイルに書き込めませんでした({0})。空き容量を確認して続きから再開してください。/ The file could not be written ({0}). Check the free space and go on from there."
    )]
    Io(#[from] io::Error),
}

impl BatchPlan {
    /// A plan for so many papers, so many in a file.
    ///
    /// # Errors
    /// [`PaperRefusal::Count`] outside of 1 to [`BATCH_PAPERS_MAX`] and [`PAPERS_PER_FILE_MAX`].
    pub fn new(papers: usize, papers_per_file: usize) -> Result<Self, PaperRefusal> {
        counted("sheets", papers, 1, BATCH_PAPERS_MAX)?;
        counted("sheets in a file", papers_per_file, 1, PAPERS_PER_FILE_MAX)?;
        Ok(Self {
            papers,
            papers_per_file,
        })
    }

    /// How many files there are.
    #[must_use]
    pub fn files(&self) -> usize {
        self.papers.div_ceil(self.papers_per_file)
    }

    /// One of them; `None` beyond the last.
    #[must_use]
    pub fn file(&self, index: usize) -> Option<BatchFile> {
        let start = index.checked_mul(self.papers_per_file)?;
        let end = start.saturating_add(self.papers_per_file).min(self.papers);
        (start < end).then(|| BatchFile {
            index,
            papers: start..end,
            name: format!("{:06}-{end:06}.pdf", start + 1),
        })
    }

    /// Prints the files from `first_file` on.
    ///
    /// `paper` fetches a paper by its place; `open` opens a file to write to, and is not called for a
    /// file in which nothing could be printed; `tell` is told what happened and may stop the batch,
    /// which then ends with the file to go on with.
    ///
    /// # Errors
    /// What `paper` and `open` fail with, and the writing.
    pub fn print<Out: Write, Source: fmt::Display>(
        &self,
        title: &str,
        first_file: usize,
        mut paper: impl FnMut(usize) -> Result<Paper, Source>,
        mut open: impl FnMut(&BatchFile) -> io::Result<Out>,
        mut tell: impl FnMut(&BatchEvent) -> ControlFlow<()>,
    ) -> Result<BatchOutcome, BatchError<Source>> {
        let mut outcome = BatchOutcome {
            printed: 0,
            refused: 0,
            next_file: first_file,
        };
        while let Some(file) = self.file(outcome.next_file) {
            let (mut pdf, mut printed) = (Pdf::new(title), 0);
            for index in file.papers.clone() {
                match paper(index).map_err(BatchError::Source)?.pages() {
                    Ok(pages) => {
                        for page in &pages {
                            pdf.add(page).map_err(BatchError::Unwritten)?;
                        }
                        printed += 1;
                    }
                    Err(refusal) => {
                        outcome.refused += 1;
                        // Told even when it stops: a file is whole or not there.
                        if tell(&BatchEvent::Refused { index, refusal }).is_break() {
                            return Ok(outcome);
                        }
                    }
                }
            }
            let mut bytes = 0;
            if printed > 0 {
                let document = pdf.finish().map_err(BatchError::Unwritten)?;
                let mut out = open(&file)?;
                out.write_all(&document)?;
                out.flush()?;
                bytes = document.len();
            }
            outcome.printed += printed;
            outcome.next_file = file.index + 1;
            let event = BatchEvent::File {
                file,
                printed,
                bytes,
            };
            if tell(&event).is_break() {
                break;
            }
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use domain::coupons::CouponLine;
    use proptest::prelude::*;

    use super::*;
    use crate::{CouponSheet, envelopes};

    /// A sheet for the person at this place; every seventh name cannot be written.
    fn paper(index: usize) -> Result<Paper, Infallible> {
        let name = if index % 7 == 6 { "𠮷田" } else { "厚生" };
        let sender = envelopes::tests::sender();
        let coupon = CouponLine::parse(&format!("21131016{index:010}")).unwrap();
        Ok(Paper::Coupons(CouponSheet {
            city_name: sender.city_name,
            city_code: sender.city_code,
            recipient_name: name.to_owned(),
            postal_code: None,
            address_lines: Vec::new(),
            coupons: vec![coupon.coupon().unwrap()],
        }))
    }

    /// The files by name, and what was told.
    fn printed(
        plan: BatchPlan,
        first_file: usize,
        files_at_most: usize,
    ) -> (BTreeMap<String, Vec<u8>>, Vec<BatchEvent>, BatchOutcome) {
        let files: RefCell<BTreeMap<String, Vec<u8>>> = RefCell::default();
        let mut events = Vec::new();
        let open = |file: &BatchFile| Ok(Into(file.name.clone(), &files));
        let outcome = plan
            .print("接種券", first_file, paper, open, |event| {
                events.push(event.clone());
                let done = |event: &&BatchEvent| matches!(event, BatchEvent::File { .. });
                if events.iter().filter(done).count() >= files_at_most {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .unwrap();
        (files.into_inner(), events, outcome)
    }

    struct Into<'a>(String, &'a RefCell<BTreeMap<String, Vec<u8>>>);

    impl Write for Into<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut files = self.1.borrow_mut();
            files.entry(self.0.clone()).or_default().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn every_paper_is_in_one_file_in_its_order(
            papers in 1..=BATCH_PAPERS_MAX,
            per_file in 1..=PAPERS_PER_FILE_MAX,
        ) {
            let plan = BatchPlan::new(papers, per_file).unwrap();
            let mut next = 0;
            let mut names = Vec::new();
            for index in 0..plan.files() {
                let file = plan.file(index).unwrap();
                prop_assert_eq!(file.papers.start, next);
                prop_assert!(file.papers.len() <= per_file && !file.papers.is_empty());
                next = file.papers.end;
                names.push(file.name);
            }
            prop_assert_eq!(next, papers);
            prop_assert!(names.is_sorted());
            prop_assert_eq!(plan.file(plan.files()), None);
        }
    }

    #[test]
    fn a_batch_that_was_stopped_goes_on_and_is_the_same_bytes() {
        let plan = BatchPlan::new(10, 4).unwrap();
        let (whole, _, outcome) = printed(plan, 0, usize::MAX);
        assert_eq!(
            (outcome.printed, outcome.refused, outcome.next_file),
            (9, 1, 3)
        );
        let (mut parts, _, outcome) = printed(plan, 0, 1);
        assert_eq!(outcome.next_file, 1);
        let (rest, _, _) = printed(plan, outcome.next_file, usize::MAX);
        parts.extend(rest);
        assert_eq!(parts, whole);
        let names: Vec<&str> = whole.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "000001-000004.pdf",
                "000005-000008.pdf",
                "000009-000010.pdf"
            ]
        );
    }

    #[test]
    fn a_paper_that_cannot_be_printed_is_told_with_its_place() {
        let (_, events, _) = printed(BatchPlan::new(8, 8).unwrap(), 0, usize::MAX);
        let BatchEvent::Refused { index, refusal } = &events[0] else {
            panic!("{events:?}");
        };
        assert_eq!((*index, refusal.code()), (6, "paper_missing_glyphs"));
    }

    #[test]
    fn a_file_with_nothing_in_it_is_not_opened() {
        let (files, events, outcome) = printed(BatchPlan::new(7, 1).unwrap(), 6, usize::MAX);
        assert!(files.is_empty());
        assert_eq!(outcome.next_file, 7);
        assert!(matches!(
            events[1],
            BatchEvent::File {
                printed: 0,
                bytes: 0,
                ..
            }
        ));
    }

    #[test]
    fn a_full_disk_leaves_no_half_batch_behind_it() {
        let plan = BatchPlan::new(2, 1).unwrap();
        let open =
            |_: &BatchFile| -> io::Result<Vec<u8>> { Err(io::ErrorKind::StorageFull.into()) };
        let stopped = plan.print("接種券", 0, paper, open, |_| ControlFlow::Continue(()));
        assert!(matches!(stopped, Err(BatchError::Io(_))));
    }

    #[test]
    fn too_many_papers_and_too_large_files_are_refused() {
        for (papers, per_file) in [(0, 1), (BATCH_PAPERS_MAX + 1, 1), (1, 0), (1, 1_001)] {
            let refused = BatchPlan::new(papers, per_file).err();
            assert_eq!(refused.map(|refusal| refusal.code()), Some("paper_count"));
        }
    }
}
