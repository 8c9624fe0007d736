//! The chain as the documentation says it, computed here without the ledger's own functions.
#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use domain::access::{OrganisationId, UserId};
use domain::calendar::{Day, Instant};
use domain::coupons::CouponLine;
use domain::doses::{DoseId, Facts, InputWay, Standing};
use domain::findings::{Finding, FindingCode};
use domain::ledger::{Act, Break, Draft, Entry, Head, Personal, Stamp, append, follow};
use domain::people::Sex;
use domain::places::MunicipalityCode;
use domain::statistics::{AgeBand, Effect};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

fn draft(number: u128, lot: &str) -> Draft {
    let given_on = Day::parse("2021-06-01").unwrap();
    Draft {
        act: Act::Recorded,
        id: Uuid::from_u128(number),
        dose: DoseId(Uuid::from_u128(number)),
        stamp: Stamp {
            at: Instant::parse("2021-06-01T10:00:00+09:00").unwrap(),
            by: UserId(Uuid::from_u128(7)),
            device: "タブレット1".into(),
            input: InputWay::Qr,
            organisation: OrganisationId(Uuid::from_u128(8)),
        },
        personal: Personal {
            effects: vec![Effect {
                age: AgeBand::From65,
                day: given_on,
                n: 1,
                sex: Sex::Female,
                turn: 1,
            }],
            facts: Facts {
                doctor: "鈴木 \"一郎\"".into(),
                given_on,
                line: CouponLine::parse("211310160000012345").unwrap(),
                lot: lot.into(),
                product: "comirnaty_12_mono".into(),
                turn: 1,
                venue: OrganisationId(Uuid::from_u128(8)),
                venue_name: "千代田会場".into(),
            },
            findings: vec![Finding {
                code: FindingCode::LateEntry,
                day: None,
            }],
            reason: None,
            said: None,
            standing: Standing::Counted,
        },
    }
}

fn chain(lots: &[String]) -> Vec<Entry> {
    let city = MunicipalityCode::parse("131016").unwrap();
    let mut head = Head::START;
    let mut entries = Vec::new();
    for (number, lot) in lots.iter().enumerate() {
        let entry = append(
            &head,
            city,
            draft(number as u128 + 1, lot),
            [number as u8; 16],
        );
        head = follow(&head, &entry).unwrap();
        entries.push(entry);
    }
    entries
}

/// What an outsider does with an exported line: sort the keys, drop the spaces, hash.
fn canonical(value: &serde_json::Value) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn an_outsider_recomputes_the_chain_from_the_export() {
    let entries = chain(&["EY2173".to_owned(), "FA5765".to_owned()]);
    let mut prev = "0".repeat(64);
    for entry in entries {
        // `serde_json::Value` keeps its keys in alphabetical order.
        let line: serde_json::Value =
            serde_json::from_str(&serde_json::to_string(&entry).unwrap()).unwrap();
        assert_eq!(line["body"]["prev"], prev.as_str());
        let salt = hex::decode(line["salt"].as_str().unwrap()).unwrap();
        let commitment = Sha256::new()
            .chain_update(salt)
            .chain_update(canonical(&line["personal"]));
        assert_eq!(
            line["body"]["commitment"],
            hex::encode(commitment.finalize()).as_str()
        );
        let hash = hex::encode(Sha256::digest(canonical(&line["body"])));
        assert_eq!(line["hash"], hash.as_str());
        prev = hash;
    }
}

#[test]
fn the_encoding_is_what_it_was_when_it_was_published() {
    let entries = chain(&["EY2173".to_owned()]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&entries[0]).unwrap());
}

#[test]
fn an_erased_personal_part_leaves_the_chain_whole() {
    let mut entries = chain(&["EY2173".to_owned(), "FA5765".to_owned()]);
    entries[0].personal = None;
    entries[0].salt = None;
    let head = follow(&Head::START, &entries[0]).unwrap();
    follow(&head, &entries[1]).unwrap();
}

#[test]
fn another_salt_or_another_fact_breaks_the_commitment() {
    let mut entry = chain(&["EY2173".to_owned()]).remove(0);
    entry.salt = Some("ff".repeat(16));
    assert_eq!(follow(&Head::START, &entry), Err(Break::Commitment));
}

proptest! {
    /// Dropping, swapping or repeating an entry is noticed wherever it happens.
    #[test]
    fn a_chain_with_a_hole_does_not_follow(lots in prop::collection::vec("[A-Z]{2}[0-9]{4}", 2..8), hole in 0..8_usize) {
        let mut entries = chain(&lots);
        entries.remove(hole % (lots.len() - 1));
        let walked = entries.iter().try_fold(Head::START, |head, entry| follow(&head, entry));
        prop_assert!(walked.is_err());
    }
}
