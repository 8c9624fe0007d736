//! The proof of the sums that the monitors show: every sum of a venue, a city and a lot, and every day of the
//! cumulative reports, added up again from the movements and the doses of the books.

use std::collections::BTreeMap;

use domain::access::OrganisationId;
use domain::calendar::{Day, Instant};
use domain::closings::Purpose;
use domain::cumulative_reports::counts_on;
use domain::monitors::Sums;
use domain::stock::Goods;
use uuid::Uuid;

use super::books::organisation;
use super::counts::NATION;
use super::prove::Difference;
use super::sums::{FIGURES, Homes, SumsRow};
use crate::db::{Tx, sql};
use crate::error::Result;

const MICROS_IN_AN_HOUR: i64 = 3_600_000_000;

/// What the movements say, while they are added up lot by lot.
pub(super) struct SumsProof {
    homes: Homes,
    venues: BTreeMap<(OrganisationId, String), Sums>,
    /// Sums of lots that were held, of all there are.
    lots: u64,
}

/// A figure that is kept, and what it must be.
struct Held {
    what: &'static str,
    product: String,
    lot: String,
    holder: Option<OrganisationId>,
    place: Option<String>,
}

impl Held {
    fn of_place(what: &'static str, place: &str, product: &str) -> Self {
        Self {
            what,
            product: product.to_owned(),
            lot: String::new(),
            holder: None,
            place: Some(place.to_owned()),
        }
    }

    fn against(self, expected: i64, found: i64) -> Option<Difference> {
        (expected != found).then_some(Difference {
            what: self.what,
            goods: Some(Goods {
                product: self.product,
                lot: self.lot,
            }),
            holder: self.holder,
            place: self.place,
            expected,
            found,
        })
    }

    /// Holds all figures of sums, and tells the first that differs.
    fn sums_against(self, expected: &Sums, found: &Sums) -> Option<Difference> {
        let differs = FIGURES.iter().find(|of| of(expected) != of(found))?;
        self.against(differs(expected), differs(found))
    }
}

/// The first of two tables' keys at which they differ; a key that is missing in one is nothing there.
fn first_difference<K: Ord + Clone>(
    expected: &BTreeMap<K, i64>,
    found: &BTreeMap<K, i64>,
    held: impl Fn(&K) -> Held,
) -> Option<Difference> {
    let at = |table: &BTreeMap<K, i64>, key: &K| table.get(key).copied().unwrap_or_default();
    let keys = expected.keys().chain(found.keys());
    let mut differences =
        keys.filter_map(|key| held(key).against(at(expected, key), at(found, key)));
    differences.next()
}

fn whole(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

impl SumsProof {
    pub(super) async fn begin(tx: &mut Tx) -> Result<Self> {
        let rows: Vec<(Vec<u8>, String)> = tx
            .query(sql!(
                "SELECT id, municipality FROM organisation WHERE municipality IS NOT NULL"
            ))
            .all()
            .await?;
        let homes = rows
            .into_iter()
            .map(|(id, city)| Ok((organisation(&id, "organisation", "id")?, city)))
            .collect::<Result<Homes>>()?;
        Ok(Self {
            homes,
            venues: BTreeMap::new(),
            lots: 0,
        })
    }

    fn home(&self, venue: OrganisationId) -> String {
        self.homes.get(&venue).cloned().unwrap_or_default()
    }

    /// Takes the sums of a lot, and holds what is kept of it against them.
    pub(super) async fn lot(
        &mut self,
        tx: &mut Tx,
        goods: &Goods,
        sums: &BTreeMap<OrganisationId, Sums>,
    ) -> Result<Option<Difference>> {
        let mut cities: BTreeMap<String, i64> = BTreeMap::new();
        for (holder, sums) in sums.iter().filter(|(_, sums)| **sums != Sums::default()) {
            let product = goods.product.clone();
            *self.venues.entry((*holder, product)).or_default() += *sums;
            *cities.entry(self.home(*holder)).or_default() += sums.on_hand;
        }
        let kept: Vec<(String, i64)> = tx
            .query(sql!(
                "SELECT municipality, on_hand FROM supply_of_lot WHERE product = $1 AND lot = $2"
            ))
            .bind(goods.product.clone())
            .bind(goods.lot.clone())
            .all()
            .await?;
        self.lots += whole(kept.len());
        let kept = kept.into_iter().collect();
        Ok(first_difference(&cities, &kept, |city| Held {
            lot: goods.lot.clone(),
            ..Held::of_place("sum_of_lot", city, &goods.product)
        }))
    }

    /// Holds that there is no sum of a lot that never moved.
    async fn all_lots(&self, tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
        let (lots,): (i64,) = tx
            .query(sql!("SELECT COUNT(*) FROM supply_of_lot"))
            .one()
            .await?;
        *held += self.lots;
        let held = Held::of_place("sums_of_lots", NATION, "");
        Ok(held.against(self.lots.cast_signed(), lots))
    }

    /// Holds everything else, once all lots are taken.
    pub(super) async fn hold(self, tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
        let mut found = self.venues(tx, held).await?;
        if found.is_none() {
            found = self.cities(tx, held).await?;
        }
        if found.is_none() {
            found = self.all_lots(tx, held).await?;
        }
        if found.is_none() {
            found = counted_vials(tx, held).await?;
        }
        if found.is_none() {
            found = given_doses(tx, held).await?;
        }
        if found.is_none() {
            found = self.counted_doses(tx, held).await?;
        }
        Ok(found)
    }

    async fn venues(&self, tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
        let rows: Vec<VenueRow> = tx
            .query(sql!(
                "SELECT venue, product, municipality, shipped, received, taken, sent, in_transfer, on_hand, opened,
                        used, wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost, difference
                 FROM supply_at_venue"
            ))
            .all()
            .await?;
        *held += whole(rows.len());
        let mut missing = self.venues.clone();
        for row in rows {
            let venue = organisation(&row.venue, "supply_at_venue", "venue")?;
            let of_venue = |what| Held {
                holder: Some(venue),
                ..Held::of_place(what, &row.municipality, &row.product)
            };
            if row.municipality != self.home(venue) {
                return Ok(of_venue("home_of_venue").against(0, 1));
            }
            let expected = missing.remove(&(venue, row.product.clone()));
            let (kept, expected) = (row.sums.into(), expected.unwrap_or_default());
            if let Some(found) = of_venue("sum_of_venue").sums_against(&expected, &kept) {
                return Ok(Some(found));
            }
        }
        let mut missing = missing.into_iter();
        Ok(missing.find_map(|((venue, product), sums)| {
            let held = Held {
                holder: Some(venue),
                ..Held::of_place("sum_of_venue", &self.home(venue), &product)
            };
            held.sums_against(&sums, &Sums::default())
        }))
    }

    async fn cities(&self, tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
        let mut cities: BTreeMap<(String, String), Sums> = BTreeMap::new();
        for ((venue, product), sums) in &self.venues {
            let city = cities.entry((product.clone(), self.home(*venue)));
            *city.or_default() += *sums;
        }
        let rows: Vec<CityRow> = tx
            .query(sql!(
                "SELECT product, municipality, shipped, received, taken, sent, in_transfer, on_hand, opened, used,
                        wasted_unused, wasted_expired, wasted_temperature, wasted_opened_none, lost, difference
                 FROM supply_at_city"
            ))
            .all()
            .await?;
        *held += whole(rows.len());
        let kept: BTreeMap<(String, String), Sums> = rows
            .into_iter()
            .map(|row| ((row.product, row.municipality), row.sums.into()))
            .collect();
        let mut keys = cities.keys().chain(kept.keys());
        let of = |table: &BTreeMap<_, Sums>, key| table.get(key).copied().unwrap_or_default();
        Ok(keys.find_map(|key| {
            let held = Held::of_place("sum_of_city", &key.1, &key.0);
            held.sums_against(&of(&cities, key), &of(&kept, key))
        }))
    }

    /// The totals of every place, product and turn: those of venues against the doses of the books, and
    /// those of the places above against their venues'.
    async fn counted_doses(&self, tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
        let rows: Vec<(String, String, i64, i64)> = tx
            .query(sql!(
                "SELECT place, product, turn, CAST(SUM(doses) AS BIGINT) FROM dose_counted
                 GROUP BY place, product, turn"
            ))
            .all()
            .await?;
        *held += whole(rows.len());
        let mut above: BTreeMap<(String, String, i64), i64> = BTreeMap::new();
        let mut expected = above.clone();
        let mut venues: BTreeMap<(OrganisationId, String, Purpose), i64> = BTreeMap::new();
        for (place, product, turn, doses) in rows {
            let Ok(venue) = place.parse::<Uuid>().map(OrganisationId) else {
                above.insert((place, product, turn), doses);
                continue;
            };
            let purpose = Purpose::of_turn(u8::try_from(turn).unwrap_or(u8::MAX));
            let of_venue = venues.entry((venue, product.clone(), purpose));
            *of_venue.or_default() += doses;
            let home = self.home(venue);
            let mut places = vec![NATION.to_owned()];
            places.extend(home.get(..2).map(str::to_owned));
            places.push(home);
            for place in places {
                let sum = expected.entry((place, product.clone(), turn));
                *sum.or_default() += doses;
            }
        }
        let books = doses_of_venues(tx).await?;
        let of_venue = |(venue, product, _): &(OrganisationId, String, Purpose)| Held {
            holder: Some(*venue),
            ..Held::of_place("counted_doses", &venue.to_string(), product)
        };
        let found = first_difference(&books, &venues, of_venue);
        Ok(found.or_else(|| {
            first_difference(&expected, &above, |(place, product, _)| {
                Held::of_place("counted_doses", place, product)
            })
        }))
    }
}

#[derive(sqlx_macros::FromRow)]
struct VenueRow {
    venue: Vec<u8>,
    product: String,
    municipality: String,
    #[sqlx(flatten)]
    sums: SumsRow,
}

#[derive(sqlx_macros::FromRow)]
struct CityRow {
    product: String,
    municipality: String,
    #[sqlx(flatten)]
    sums: SumsRow,
}

/// Doses of each venue by product and purpose, as the books have them.
async fn doses_of_venues(tx: &mut Tx) -> Result<BTreeMap<(OrganisationId, String, Purpose), i64>> {
    let rows: Vec<(Vec<u8>, String, i64, i64)> = tx
        .query(sql!(
            "SELECT venue, product, CAST(SUM(doses_primary) AS BIGINT), CAST(SUM(doses_booster) AS BIGINT)
             FROM stock_use GROUP BY venue, product"
        ))
        .all()
        .await?;
    let mut doses = BTreeMap::new();
    for (venue, product, primary, booster) in rows {
        let venue = organisation(&venue, "stock_use", "venue")?;
        doses.insert((venue, product.clone(), Purpose::Primary), primary);
        doses.insert((venue, product, Purpose::Booster), booster);
    }
    Ok(doses)
}

/// Doses by the day they were given: of cities against the books, of prefectures against their cities.
async fn given_doses(tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
    let books: Vec<(String, String, String, i64)> = tx
        .query(sql!(
            "SELECT u.product, COALESCE(o.municipality, ''), u.day,
                    CAST(SUM(u.doses_primary + u.doses_booster) AS BIGINT)
             FROM stock_use AS u LEFT JOIN organisation AS o ON o.id = u.venue
             GROUP BY u.product, COALESCE(o.municipality, ''), u.day"
        ))
        .all()
        .await?;
    let mut expected: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    for (product, city, day, doses) in books {
        if let Some(prefecture) = city.get(..2) {
            let key = (product.clone(), prefecture.to_owned(), day.clone());
            *expected.entry(key).or_default() += doses;
        }
        *expected.entry((product, city, day)).or_default() += doses;
    }
    let rows: Vec<(String, String, String, i64)> = tx
        .query(sql!("SELECT product, place, day, doses FROM dose_given"))
        .all()
        .await?;
    *held += whole(rows.len());
    let kept = rows
        .into_iter()
        .map(|(product, place, day, doses)| ((product, place, day), doses))
        .collect();
    Ok(first_difference(&expected, &kept, |(product, place, _)| {
        Held::of_place("given_doses", place, product)
    }))
}

/// What was thrown away and what is on hand by the day of the reports, from the movements of each moment.
async fn counted_vials(tx: &mut Tx, held: &mut u64) -> Result<Option<Difference>> {
    // By the hour, in which no day of the reports begins but at its end: some thousand rows of a city in a year.
    let moved: Vec<(i64, String, String, String, i64)> = tx
        .query(sql!(
            "SELECT m.at_micros / 3600000000, m.product, COALESCE(o.municipality, ''),
                    CASE WHEN m.account IN ('frozen', 'thawed') THEN 'here' ELSE 'wasted' END,
                    CAST(SUM(m.vials) AS BIGINT)
             FROM (SELECT to_holder AS holder, product, to_account AS account, vials, at_micros FROM stock_movement
                   UNION ALL
                   SELECT from_holder, product, from_account, -vials, at_micros FROM stock_movement) AS m
             LEFT JOIN organisation AS o ON o.id = m.holder
             WHERE m.account IN ('frozen', 'thawed', 'discarded_unused', 'discarded_expired',
                                 'discarded_temperature', 'discarded_opened_none')
             GROUP BY 1, 2, 3, 4"
        ))
        .all()
        .await?;
    let mut expected: BTreeMap<(Day, String, String, bool), i64> = BTreeMap::new();
    for (hour, product, city, where_to, vials) in moved {
        let at = Instant::from_micros(hour * MICROS_IN_AN_HOUR);
        let key = (counts_on(at), product, city, where_to == "here");
        *expected.entry(key).or_default() += vials;
    }
    let rows: Vec<(i64, String, String, i64, i64)> = tx
        .query(sql!(
            "SELECT counted_on, product, municipality, wasted, on_hand FROM supply_counted"
        ))
        .all()
        .await?;
    *held += whole(rows.len());
    let mut kept = BTreeMap::new();
    for (day, product, city, wasted, on_hand) in rows {
        let day = Day::from_epoch(day);
        kept.insert((day, product.clone(), city.clone(), false), wasted);
        kept.insert((day, product, city, true), on_hand);
    }
    Ok(first_difference(
        &expected,
        &kept,
        |(_, product, city, _)| Held::of_place("counted_vials", city, product),
    ))
}
