//! The entries that this server committed last, so that its projections need not read them back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::calendar::Instant;
use domain::doses::DoseId;
use domain::ledger::{Act, Entry, Personal, Sha};
use domain::places::MunicipalityCode;

use super::Stretch;

/// Entries that are kept: what a full house records in some seconds, a kilobyte each.
const KEPT_MAX: usize = 16_384;

/// An entry as projections read it.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) city: MunicipalityCode,
    pub(crate) seq: i64,
    pub(crate) dose: DoseId,
    pub(crate) act: Act,
    /// When it came to the ledger.
    pub(crate) at: Instant,
    /// None once it was erased.
    pub(crate) personal: Option<Arc<Personal>>,
}

/// The entries that were committed last; clones share them. An empty one is always right: what is not
/// in it is read from the ledgers.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entries: BTreeMap<(MunicipalityCode, i64), (Sha, Told)>,
    /// In the order in which they came, for forgetting the oldest.
    order: VecDeque<(MunicipalityCode, i64)>,
}

impl Recent {
    /// Keeps entries whose commit is durable.
    pub(crate) fn keep(&self, entries: Vec<Entry>) {
        let mut kept = self.kept();
        for entry in entries {
            let place = (entry.body.municipality, entry.body.seq);
            let told = Told {
                city: place.0,
                seq: place.1,
                dose: entry.body.dose,
                act: entry.body.act,
                at: Instant::from_micros(entry.body.at_micros),
                personal: entry.personal.map(Arc::new),
            };
            kept.entries.insert(place, (entry.hash, told));
            kept.order.push_back(place);
        }
        while kept.order.len() > KEPT_MAX {
            if let Some(oldest) = kept.order.pop_front() {
                kept.entries.remove(&oldest);
            }
        }
    }

    /// All entries of a stretch; none unless every one is here and the last has the hash that the chain
    /// has there. By that hash they are the chain's own, even if the database was set back meanwhile.
    pub(super) fn of(&self, stretch: &Stretch) -> Option<Vec<Told>> {
        let head = stretch.head?;
        let kept = self.kept();
        let places = (stretch.city, stretch.from + 1)..=(stretch.city, stretch.upto);
        let found: Vec<&(Sha, Told)> = kept.entries.range(places).map(|(_, one)| one).collect();
        let whole = i64::try_from(found.len()).ok() == Some(stretch.upto - stretch.from);
        let is_the_chain = found.last().is_some_and(|(hash, _)| *hash == head);
        (whole && is_the_chain).then(|| found.into_iter().map(|(_, told)| told.clone()).collect())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::{OrganisationId, UserId};
    use domain::doses::InputWay;
    use domain::ledger::{Body, ENCODING};
    use uuid::Uuid;

    const CITY: &str = "131016";

    fn city() -> MunicipalityCode {
        MunicipalityCode::parse(CITY).unwrap()
    }

    fn sha(seq: i64) -> Sha {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seq.to_be_bytes());
        Sha::from_bytes(&bytes).unwrap()
    }

    fn entry(seq: i64) -> Entry {
        let id = Uuid::from_u128(seq.unsigned_abs().into());
        Entry {
            body: Body {
                act: Act::Recorded,
                at_micros: Instant::from_micros(0).micros(),
                by: UserId(Uuid::nil()),
                commitment: sha(0),
                device: String::new(),
                dose: DoseId(id),
                id,
                input: InputWay::Keyed,
                municipality: city(),
                organisation: OrganisationId(Uuid::nil()),
                prev: sha(seq - 1),
                seq,
                v: ENCODING,
            },
            hash: sha(seq),
            personal: None,
            salt: None,
        }
    }

    fn stretch(from: i64, upto: i64, head: Option<Sha>) -> Stretch {
        Stretch {
            city: city(),
            from,
            upto,
            head,
        }
    }

    fn seqs(recent: &Recent, stretch: &Stretch) -> Option<Vec<i64>> {
        let told = recent.of(stretch)?;
        Some(told.into_iter().map(|one| one.seq).collect())
    }

    #[test]
    fn a_stretch_comes_whole_and_in_order_or_not_at_all() {
        let recent = Recent::default();
        recent.keep(vec![entry(4), entry(5)]);
        recent.keep(vec![entry(3)]);
        let head = Some(sha(5));
        assert_eq!(seqs(&recent, &stretch(2, 5, head)), Some(vec![3, 4, 5]));
        assert_eq!(seqs(&recent, &stretch(4, 5, head)), Some(vec![5]));
        assert_eq!(seqs(&recent, &stretch(1, 5, head)), None);
        assert_eq!(seqs(&recent, &stretch(2, 6, Some(sha(6)))), None);
    }

    #[test]
    fn entries_that_the_chain_does_not_have_are_not_given() {
        let recent = Recent::default();
        recent.keep(vec![entry(1), entry(2)]);
        // The chain has another second entry: somebody set the database back and went on.
        assert_eq!(seqs(&recent, &stretch(0, 2, Some(sha(7)))), None);
        // Where the chain stands is not known in the middle of a ledger.
        assert_eq!(seqs(&recent, &stretch(0, 2, None)), None);
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let recent = Recent::default();
        let last = i64::try_from(KEPT_MAX).unwrap() + 10;
        recent.keep((1..=last).map(entry).collect());
        let head = Some(sha(last));
        assert_eq!(seqs(&recent, &stretch(9, last, head)), None);
        assert_eq!(
            seqs(&recent, &stretch(10, last, head)).unwrap().len(),
            KEPT_MAX
        );
    }
}
