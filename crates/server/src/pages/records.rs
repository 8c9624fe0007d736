//! A record in the words of the pages: what the venue and the city both show of it.

use domain::calendar::Day;
use domain::checks::Colour;
use domain::coupons::{CouponKind, CouponLine, kinds};
use domain::doses::{Answer, Standing};
use domain::findings::{Finding, Severity};
use domain::places::{MunicipalityCode, Places};
use domain::vaccines::{Product, Vaccines};
use store::doses::Record;

use crate::web::locale::{Locale, Texts};

/// A record as a page shows it: every value is text in the reader's language.
#[derive(Clone)]
pub struct Shown {
    /// Its id, for links.
    pub id: String,
    /// The 18 digits, part by part.
    pub digits: Digits,
    /// The person's number in the city, if the digits lead anywhere.
    pub number: Option<String>,
    /// The coupon's city, or that it is unknown.
    pub city: String,
    /// What the kind digit means.
    pub kind: String,
    /// Which dose it is.
    pub turn: String,
    /// The day it was given.
    pub given_on: String,
    /// The product's name.
    pub product: String,
    /// The lot.
    pub lot: String,
    /// Who gave it.
    pub doctor: String,
    /// Where.
    pub venue: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// Only the time of that.
    pub recorded_time: String,
    /// By which way the digits came in.
    pub input: String,
    /// The number of its entry.
    pub seq: i64,
    /// How it stands, and what else marks it.
    pub badges: Vec<Badge>,
    /// What was found.
    pub findings: Vec<Found>,
    /// Whether it was taken back.
    pub voided: bool,
    /// Whether the city has confirmed it.
    pub confirmed: bool,
}

impl Shown {
    /// The record in a language.
    #[must_use]
    pub fn of(record: &Record, texts: Texts) -> Self {
        let at = record.recorded_at.japanese();
        Self {
            id: record.id.to_string(),
            digits: Digits::of(&record.line),
            number: record
                .number
                .as_ref()
                .map(|number| number.as_str().to_owned()),
            city: city_name(&record.line, texts),
            kind: kind_name(&record.line, texts),
            turn: turn_name(record.turn, record.line.kind(), texts),
            given_on: day_text(record.given_on, texts),
            product: product_name(&record.product, texts),
            lot: record.lot.clone(),
            doctor: record.doctor.clone(),
            venue: record.venue_name.clone(),
            recorded_time: at.get(11..).unwrap_or(&at).to_owned(),
            recorded_at: at,
            input: texts.t(&format!("input-{}", record.input.as_str())),
            seq: record.seq,
            badges: badges(record, texts),
            findings: record
                .findings
                .iter()
                .map(|finding| Found::of(finding, texts))
                .collect(),
            voided: record.standing == Standing::Void,
            confirmed: record.confirmed,
        }
    }
}

/// The 18 digits in the four parts that people compare.
#[derive(Clone)]
pub struct Digits {
    /// The kind digit.
    pub kind: String,
    /// The turn digit.
    pub turn: String,
    /// The six digits of the municipality.
    pub city: String,
    /// The ten digits of the number, in groups of five.
    pub number: [String; 2],
    /// All of them with a blank between the parts.
    pub grouped: String,
}

impl Digits {
    /// The parts of a line.
    #[must_use]
    pub fn of(line: &CouponLine) -> Self {
        let part =
            |range: std::ops::Range<usize>| line.as_str().get(range).unwrap_or_default().to_owned();
        Self {
            kind: part(0..1),
            turn: part(1..2),
            city: part(2..8),
            number: [part(8..13), part(13..18)],
            grouped: line.grouped(),
        }
    }
}

/// A word with a tone and a sign, so that nothing is told by colour alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Badge {
    /// The class that gives the colour.
    pub tone: &'static str,
    /// The sign in `icons.svg`.
    pub icon: &'static str,
    /// The word.
    pub word: String,
}

impl Badge {
    fn new(tone: &'static str, icon: &'static str, word: String) -> Self {
        Self { tone, icon, word }
    }

    /// The one large word for a venue.
    #[must_use]
    pub fn answer(answer: Answer, texts: Texts) -> Self {
        let (tone, icon) = match answer {
            Answer::Normal => ("good", "check"),
            Answer::OutOfResidence => ("away", "away"),
            Answer::InterviewOnly => ("talk", "talk"),
            Answer::Pending => ("wait", "wait"),
            Answer::AlreadyRecorded => ("twice", "twice"),
            Answer::Clash => ("bad", "clash"),
            Answer::Quarantined => ("bad", "warn"),
        };
        Self::new(tone, icon, texts.t(&format!("answer-{}", answer.as_str())))
    }

    /// The large word before the shot (接種前チェック).
    #[must_use]
    pub fn before(colour: Colour, texts: Texts) -> Self {
        let (tone, icon) = match colour {
            Colour::Green => ("good", "check"),
            Colour::Amber => ("warn", "warn"),
            Colour::Red => ("bad", "stop"),
        };
        Self::new(tone, icon, texts.t(&format!("before-{}", colour.as_str())))
    }

    /// What the ledger says to a receipt: `genuine`, `not_ours`, `broken`.
    #[must_use]
    pub fn receipt(result: &str, texts: Texts) -> Self {
        let (tone, icon) = if result == "genuine" {
            ("good", "check")
        } else {
            ("bad", "warn")
        };
        Self::new(tone, icon, texts.t(&format!("receipt-{result}")))
    }

    /// That a lot is to be looked at before it is given.
    #[must_use]
    pub fn lot_to_look_at(word: String) -> Self {
        Self::new("warn", "info", word)
    }

    /// That a lot must not be given.
    #[must_use]
    pub fn lot_stopped(word: String) -> Self {
        Self::new("bad", "stop", word)
    }

    /// That a record was taken back, in the large word's place.
    #[must_use]
    pub fn taken_back(texts: Texts) -> Self {
        Self::new("void", "void", texts.t("answer-void"))
    }

    /// How a record stands.
    #[must_use]
    pub fn standing(standing: Standing, texts: Texts) -> Self {
        let (tone, icon) = match standing {
            Standing::Counted => ("good", "check"),
            Standing::Interview => ("talk", "talk"),
            Standing::Duplicate => ("twice", "twice"),
            Standing::Clash => ("bad", "clash"),
            Standing::Quarantined => ("bad", "warn"),
            Standing::Void => ("void", "void"),
        };
        Self::new(
            tone,
            icon,
            texts.t(&format!("standing-{}", standing.as_str())),
        )
    }

    /// How bad something is.
    #[must_use]
    pub fn severity(severity: Severity, texts: Texts) -> Self {
        match severity {
            Severity::Info => Self::new("info", "info", texts.t("severity-info")),
            Severity::Warn => Self::new("warn", "warn", texts.t("severity-warn")),
            Severity::Error => Self::new("bad", "clash", texts.t("severity-error")),
            Severity::Block => Self::new("bad", "stop", texts.t("severity-block")),
        }
    }
}

fn badges(record: &Record, texts: Texts) -> Vec<Badge> {
    let mut badges = vec![Badge::standing(record.standing, texts)];
    if record.pending {
        badges.push(Badge::new("wait", "wait", texts.t("mark-pending")));
    }
    if record.confirmed {
        badges.push(Badge::new("good", "lock", texts.t("mark-confirmed")));
    }
    if record.contested {
        badges.push(Badge::new("bad", "clash", texts.t("mark-contested")));
    }
    badges
}

/// One finding in words: what it is, and what each side does about it.
#[derive(Clone)]
pub struct Found {
    /// How bad.
    pub severity: Badge,
    /// Its short name.
    pub name: String,
    /// What was found.
    pub text: String,
    /// What the venue does.
    pub venue: String,
    /// What the city does.
    pub city: String,
    /// Whether somebody has to look at it.
    pub matters: bool,
}

impl Found {
    /// The finding in a language.
    #[must_use]
    pub fn of(finding: &Finding, texts: Texts) -> Self {
        let id = format!("finding-{}", finding.code.as_str());
        let day = finding
            .day
            .map_or_else(|| "—".to_owned(), |day| day_text(day, texts));
        Self {
            severity: Badge::severity(finding.code.severity(), texts),
            name: texts.t(&format!("{id}.name")),
            text: texts.t_with(&id, &[("day", day)]),
            venue: texts.t(&format!("{id}.venue")),
            city: texts.t(&format!("{id}.city")),
            matters: finding.code.severity() > Severity::Info,
        }
    }
}

/// A day as people of the language write it.
#[must_use]
pub fn day_text(day: Day, texts: Texts) -> String {
    match texts.locale() {
        Locale::Ja => day.japanese(),
        Locale::En => day.to_string(),
    }
}

/// The prefecture and name of the coupon's city.
#[must_use]
pub fn city_name(line: &CouponLine, texts: Texts) -> String {
    line.coupon()
        .ok()
        .and_then(|coupon| place_name(coupon.municipality))
        .unwrap_or_else(|| texts.t("unknown-city"))
}

/// The prefecture and name of a municipality, if there ever was one with this code.
#[must_use]
pub fn place_name(code: MunicipalityCode) -> Option<String> {
    let places = Places::bundled();
    let place = places.any(code)?;
    let prefecture = places.prefecture_name(place.prefecture);
    Some(if place.name == prefecture {
        place.name.clone()
    } else {
        format!("{prefecture} {}", place.name)
    })
}

/// What the coupon's kind digit means.
#[must_use]
pub fn kind_name(line: &CouponLine, texts: Texts) -> String {
    let digit = line.kind_digit();
    kinds().iter().find(|row| row.digit == digit).map_or_else(
        || texts.t("finding-kind_unknown.name"),
        |row| match texts.locale() {
            Locale::Ja => row.meaning_ja.clone(),
            Locale::En => row.meaning_en.clone(),
        },
    )
}

/// Which dose it is, in words; an interview has none when the coupon leaves it open.
#[must_use]
pub fn turn_name(turn: u8, kind: CouponKind, texts: Texts) -> String {
    match (turn, kind) {
        (0, CouponKind::InterviewOnly) => "—".to_owned(),
        (0, _) => texts.t("turn-open"),
        (turn, _) => texts.t_with("turn-n", &[("turn", turn)]),
    }
}

/// The name of a product, or its key if it is in no list.
#[must_use]
pub fn product_name(key: &str, texts: Texts) -> String {
    Vaccines::bundled()
        .find(key)
        .map_or_else(|| key.to_owned(), |product| product_words(product, texts))
}

fn product_words(product: &Product, texts: Texts) -> String {
    match texts.locale() {
        Locale::Ja => product.name_ja.clone(),
        Locale::En => product.name_en.clone(),
    }
}

/// One choice of a select.
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// The products in use on a day, and the one that is chosen even if it is not among them.
#[must_use]
pub fn product_choices(day: Day, chosen: &str, texts: Texts) -> Vec<Choice> {
    let vaccines = Vaccines::bundled();
    let mut choices: Vec<Choice> = vaccines
        .on(day)
        .into_iter()
        .map(|product| Choice {
            value: product.key.as_str().to_owned(),
            label: match texts.locale() {
                Locale::Ja => format!("{} · {}", product.maker, product.name_ja),
                // The makers' names are written in Japanese only.
                Locale::En => product.name_en.clone(),
            },
            chosen: product.key.as_str() == chosen,
        })
        .collect();
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.chosen) {
        let label = product_name(chosen, texts);
        choices.push(Choice {
            value: chosen.to_owned(),
            label,
            chosen: true,
        });
    }
    choices
}

/// The turns a form offers: as many as coupons print.
#[must_use]
pub fn turn_choices(chosen: u8, texts: Texts) -> Vec<Choice> {
    // An interview's turn may be left open, and stays so.
    (u8::from(chosen != 0)..=TURN_MAX.max(chosen))
        .map(|turn| Choice {
            value: turn.to_string(),
            label: turn_name(turn, CouponKind::Dose, texts),
            chosen: turn == chosen,
        })
        .collect()
}

/// The highest turn that was printed on coupons.
const TURN_MAX: u8 = 7;
