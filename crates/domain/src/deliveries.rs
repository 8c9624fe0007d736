//! Deliveries (配送): what a wholesaler handed over, what the venue found in the box, and where the two
//! or the order say different things.
//!
//! A delivery happened, whatever is wrong with its paper: it is booked as the wholesaler tells it, and
//! what does not fit goes on a work list beside it.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::access::OrganisationId;
use crate::calendar::Day;
use crate::lots::RegisteredLot;
use crate::vaccines::{Lot, ProductKey};
use crate::venues::FacilityCode;

/// Vials of one line of a delivery at most: some hundred boxes of 195.
pub const DELIVERY_VIALS_MAX: u16 = 60_000;
/// Longest slip or order number, in characters.
pub const NUMBER_LENGTH_MAX: usize = 30;

/// The number of a delivery slip (伝票番号) or of an order (発注番号), as the wholesaler's papers have it:
/// half-width and upper-case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PaperNumber(String);

/// Why a text is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PaperNumberRefusal {
    /// Nothing there.
    #[error("番号を入力してください。/ Enter the number.")]
    Empty,
    /// Longer than [`NUMBER_LENGTH_MAX`].
    #[error("番号は30文字以内で入力してください。/ Use at most 30 characters.")]
    Length {
        /// How many characters there are.
        got: usize,
    },
    /// A character that cannot be printed.
    #[error(
        "番号に印字できない文字があります。/ The number holds a character that cannot be printed."
    )]
    Unprintable,
}

impl PaperNumber {
    /// Reads a number as people type it.
    ///
    /// # Errors
    /// When it is empty, too long or not printable.
    pub fn parse(text: &str) -> Result<Self, PaperNumberRefusal> {
        let upper = text.nfkc().collect::<String>().to_uppercase();
        let number = upper.nfkc().collect::<String>().trim().to_owned();
        let got = number.chars().count();
        if number.is_empty() {
            Err(PaperNumberRefusal::Empty)
        } else if got > NUMBER_LENGTH_MAX {
            Err(PaperNumberRefusal::Length { got })
        } else if number.chars().any(char::is_control) {
            Err(PaperNumberRefusal::Unprintable)
        } else {
            Ok(Self(number))
        }
    }

    /// The number of the order that follows from what a cycle gives a venue: the cycle's first day, the
    /// venue's code (its id's last ten digits where it has none), and what tells two cycles of a day apart.
    /// The same again for the same.
    #[must_use]
    pub fn of_allocation(
        first_day: Day,
        (venue, code): (OrganisationId, Option<&FacilityCode>),
        cycle: Uuid,
    ) -> Self {
        let last = |id: Uuid, digits: usize| {
            let all = id.simple().to_string().to_uppercase();
            all.chars().skip(32 - digits).collect::<String>()
        };
        let day = first_day.compact();
        let code = code.map_or_else(|| last(venue.0, 10), |code| code.as_str().to_owned());
        Self(format!("{day}-{code}-{}", last(cycle, 6)))
    }

    /// The number of the order that takes the place of a recalled lot's vials at a venue: the day, the venue's code (its
    /// id's last ten digits where it has none), and what tells two recalls of a day apart. The same again for the same.
    #[must_use]
    pub fn of_replacement(
        on: Day,
        (venue, code): (OrganisationId, Option<&FacilityCode>),
        recall: Uuid,
    ) -> Self {
        let Self(number) = Self::of_allocation(on, (venue, code), recall);
        Self(format!("R{number}"))
    }

    /// The number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PaperNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the logger in the box says (温度記録).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temperature {
    /// It was cold all the way (適).
    Kept,
    /// It was not (逸脱).
    Broken,
    /// There was no logger, or nobody looked (記録なし).
    NotLogged,
}

impl Temperature {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Kept, Self::Broken, Self::NotLogged];

    /// The word in tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Broken => "broken",
            Self::NotLogged => "not_logged",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// One lot of a delivery, as the wholesaler registers its result (❼ 配送結果).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The slip.
    pub slip: PaperNumber,
    /// To whom.
    pub facility: FacilityCode,
    /// For which order, if it was ordered by number.
    pub order: Option<PaperNumber>,
    /// Of which product.
    pub product: ProductKey,
    /// The lot.
    pub lot: Lot,
    /// Its last day as printed on the box.
    pub expires: Day,
    /// Vials handed over, 1 or more.
    pub vials: i64,
    /// When.
    pub delivered_on: Day,
    /// How cold it was.
    pub temperature: Temperature,
    /// Why it is another number than ordered, or whatever else is to be said.
    pub note: String,
}

/// An order as it stands when a delivery is held against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ordered<'o> {
    /// For which venue.
    pub venue: OrganisationId,
    /// Of which product.
    pub product: &'o ProductKey,
    /// Vials ordered.
    pub vials: i64,
    /// Vials delivered of it before.
    pub delivered: i64,
}

/// What has to be asked about a delivery or a line of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The line cannot be read: a negative count, a day that does not exist. Nothing was booked.
    Unreadable,
    /// Nobody has this facility code. Nothing was booked.
    VenueUnknown,
    /// The same slip and lot say something else than they said before. What they said before holds.
    Contradicts,
    /// The order is another venue's.
    OtherVenue,
    /// The order is of another product.
    OtherProduct,
    /// Nobody has placed this order.
    OrderUnknown,
    /// More than was ordered.
    MoreThanOrdered,
    /// The maker has shipped no such lot, by the register.
    LotUnknown,
    /// The register has another last day for the lot.
    ExpiryDiffers,
    /// The lot must not be given any more.
    LotRecalled,
    /// It was not cold all the way: the vials are not to be given before somebody has decided.
    TemperatureBroken,
    /// The venue says that the box came to it, and the slip is another venue's.
    CameElsewhere,
}

impl Question {
    /// Every question.
    pub const ALL: [Self; 12] = [
        Self::Unreadable,
        Self::VenueUnknown,
        Self::Contradicts,
        Self::OtherVenue,
        Self::OtherProduct,
        Self::OrderUnknown,
        Self::MoreThanOrdered,
        Self::LotUnknown,
        Self::ExpiryDiffers,
        Self::LotRecalled,
        Self::TemperatureBroken,
        Self::CameElsewhere,
    ];

    /// The word in tables, texts and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::VenueUnknown => "venue_unknown",
            Self::Contradicts => "contradicts",
            Self::OtherVenue => "other_venue",
            Self::OtherProduct => "other_product",
            Self::OrderUnknown => "order_unknown",
            Self::MoreThanOrdered => "more_than_ordered",
            Self::LotUnknown => "lot_unknown",
            Self::ExpiryDiffers => "expiry_differs",
            Self::LotRecalled => "lot_recalled",
            Self::TemperatureBroken => "temperature_broken",
            Self::CameElsewhere => "came_elsewhere",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Everything that is to be asked about a delivery to this venue; `order` is what its number leads to,
/// `registered` what the register says of the lot.
#[must_use]
pub fn questions(
    delivery: &Delivery,
    venue: OrganisationId,
    order: Option<Ordered<'_>>,
    registered: Option<&RegisteredLot>,
) -> Vec<Question> {
    let mut asked = Vec::new();
    let mut ask = |is_so: bool, question| {
        if is_so {
            asked.push(question);
        }
    };
    match order {
        None => ask(delivery.order.is_some(), Question::OrderUnknown),
        Some(order) => {
            ask(order.venue != venue, Question::OtherVenue);
            ask(*order.product != delivery.product, Question::OtherProduct);
            let delivered = order.delivered.saturating_add(delivery.vials);
            ask(delivered > order.vials, Question::MoreThanOrdered);
        }
    }
    match registered {
        None => ask(true, Question::LotUnknown),
        Some(lot) => {
            ask(lot.expires != delivery.expires, Question::ExpiryDiffers);
            let recalled = lot.recall.as_ref().map(|recall| recall.since);
            ask(
                recalled.is_some_and(|since| since <= delivery.delivered_on),
                Question::LotRecalled,
            );
        }
    }
    ask(
        delivery.temperature == Temperature::Broken,
        Question::TemperatureBroken,
    );
    asked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lots::Recall;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn product(key: &str) -> ProductKey {
        ProductKey::parse(key).unwrap()
    }

    fn venue(number: u128) -> OrganisationId {
        OrganisationId(Uuid::from_u128(number))
    }

    fn delivery(vials: i64) -> Delivery {
        Delivery {
            slip: PaperNumber::parse("d-0001").unwrap(),
            facility: FacilityCode::parse("1310000015").unwrap(),
            order: PaperNumber::parse("o-0001").ok(),
            product: product("comirnaty_12_mono"),
            lot: Lot::parse("EY2173").unwrap(),
            expires: day("2021-08-31"),
            vials,
            delivered_on: day("2021-06-01"),
            temperature: Temperature::Kept,
            note: String::new(),
        }
    }

    fn registered(expires: &str, since: Option<&str>) -> RegisteredLot {
        RegisteredLot {
            product: product("comirnaty_12_mono"),
            lot: Lot::parse("EY2173").unwrap(),
            expires: day(expires),
            recall: since.map(|since| Recall {
                since: day(since),
                reason: "異物混入".to_owned(),
            }),
        }
    }

    fn asked(delivery: &Delivery, order: Option<(u128, &str, i64, i64)>) -> Vec<Question> {
        let key = product(order.map_or("comirnaty_12_mono", |order| order.1));
        let order = order.map(|(number, _, vials, delivered)| Ordered {
            venue: venue(number),
            product: &key,
            vials,
            delivered,
        });
        questions(
            delivery,
            venue(1),
            order,
            Some(&registered("2021-08-31", None)),
        )
    }

    #[test]
    fn what_was_ordered_and_is_in_the_register_asks_nothing() {
        let order = Some((1, "comirnaty_12_mono", 195, 0));
        assert_eq!(asked(&delivery(195), order), []);
    }

    #[test]
    fn more_than_ordered_is_asked_over_all_deliveries_of_the_order() {
        let order = |delivered| Some((1, "comirnaty_12_mono", 195, delivered));
        assert_eq!(asked(&delivery(95), order(100)), []);
        assert_eq!(
            asked(&delivery(96), order(100)),
            [Question::MoreThanOrdered]
        );
    }

    #[test]
    fn an_order_of_another_venue_or_product_or_of_nobody_is_asked() {
        let other = asked(&delivery(5), Some((2, "comirnaty_12_mono", 195, 0)));
        assert_eq!(other, [Question::OtherVenue]);
        let other = asked(&delivery(5), Some((1, "spikevax_mono", 195, 0)));
        assert_eq!(other, [Question::OtherProduct]);
        assert_eq!(asked(&delivery(5), None), [Question::OrderUnknown]);
        let unordered = Delivery {
            order: None,
            ..delivery(5)
        };
        assert_eq!(asked(&unordered, None), []);
    }

    #[test]
    fn a_lot_never_shipped_recalled_or_of_another_day_is_asked() {
        let order_free = Delivery {
            order: None,
            temperature: Temperature::Broken,
            ..delivery(5)
        };
        let by =
            |registered: Option<&RegisteredLot>| questions(&order_free, venue(1), None, registered);
        assert_eq!(
            by(None),
            [Question::LotUnknown, Question::TemperatureBroken]
        );
        assert_eq!(
            by(Some(&registered("2021-09-30", Some("2021-05-01")))),
            [
                Question::ExpiryDiffers,
                Question::LotRecalled,
                Question::TemperatureBroken
            ]
        );
    }

    #[test]
    fn a_number_is_upper_case_and_half_width_however_it_is_typed() {
        for text in ["d-0001", " Ｄ－０００１ "] {
            assert_eq!(PaperNumber::parse(text).unwrap().as_str(), "D-0001");
        }
        assert_eq!(PaperNumber::parse(" "), Err(PaperNumberRefusal::Empty));
        let long = "1".repeat(31);
        assert_eq!(
            PaperNumber::parse(&long),
            Err(PaperNumberRefusal::Length { got: 31 })
        );
    }

    #[test]
    fn every_word_is_read_back() {
        for question in Question::ALL {
            assert_eq!(Question::parse(question.as_str()), Some(question));
        }
        for temperature in Temperature::ALL {
            assert_eq!(Temperature::parse(temperature.as_str()), Some(temperature));
        }
    }

    #[test]
    fn the_order_of_an_allocation_has_the_same_number_each_time() {
        let cycle = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let code = FacilityCode::parse("1310000015").unwrap();
        let of = |code| PaperNumber::of_allocation(day("2021-07-05"), (venue(171), code), cycle);
        assert_eq!(of(Some(&code)).as_str(), "20210705-1310000015-9A8057");
        assert_eq!(of(None).as_str(), "20210705-00000000AB-9A8057");
        let read = PaperNumber::parse(of(None).as_str());
        assert_eq!(read, Ok(of(None)));
    }
}
