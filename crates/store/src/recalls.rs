//! The recall of a lot (回収): where every vial of it is, and who was given one.
//!
//! The nation sees vials, venues and numbers of doses. Who was given a dose is seen by each person's own
//! city, with its access log written first.

use domain::access::{Action, CityPermit, OrganisationId, Permit};
use domain::addresses::Address;
use domain::calendar::{Day, Instant};
use domain::coupons::CouponNumber;
use domain::doses::DoseId;
use domain::people::ResidentStanding;
use domain::places::MunicipalityCode;
use domain::stock::Account;
use domain::vaccines::Lot;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Change, View};
use crate::db::{Db, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::stock::{account_in, day_in, organisation, wrong_permit};

/// People on one page of a city's list at most.
pub const PEOPLE_MAX: i64 = 500;

/// Vials of a lot at one account of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of which product: a lot number may be of two.
    pub product: String,
    /// Whose.
    pub holder: OrganisationId,
    /// The holder's name; empty if it has none by now.
    pub holder_name: String,
    /// The city it stands in, if it is a venue.
    pub municipality: Option<MunicipalityCode>,
    /// The venue's code, if it has one.
    pub facility: String,
    /// Where they are.
    pub account: Account,
    /// How many.
    pub vials: i64,
}

/// Doses of a lot recorded for the people of a city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CityDoses {
    /// The city.
    pub municipality: MunicipalityCode,
    /// How many.
    pub doses: i64,
}

/// Where a lot is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Vials, by venue and account, those on hand first.
    pub vials: Vec<Standing>,
    /// Doses, by city.
    pub doses: Vec<CityDoses>,
}

impl Whereabouts {
    /// Vials on shelves and on the way, which can still be stopped.
    #[must_use]
    pub fn to_stop(&self) -> i64 {
        let held = self.vials.iter().filter(|one| can_be_stopped(one.account));
        held.map(|one| one.vials.max(0)).sum()
    }

    /// Doses in all.
    #[must_use]
    pub fn dosed(&self) -> i64 {
        self.doses.iter().map(|one| one.doses).sum()
    }
}

/// Whether vials there may still be given to somebody.
#[must_use]
pub fn can_be_stopped(account: Account) -> bool {
    matches!(
        account,
        Account::Shelf(_) | Account::Delivery | Account::Transfer | Account::Opened
    )
}

fn bad(table: &'static str, column: &'static str) -> Error {
    Error::Inconsistent { table, column }
}

#[derive(sqlx_macros::FromRow)]
struct StandingRow {
    product: String,
    holder: Vec<u8>,
    account: String,
    vials: i64,
    name: Option<String>,
    municipality: Option<String>,
    facility_code: Option<String>,
}

/// Where every vial of a lot is now, and how many doses of it each city's people have. No person is in
/// it.
///
/// # Errors
/// The database's.
pub async fn whereabouts(db: &Db, permit: &Permit, lot: &Lot) -> Result<Whereabouts> {
    if permit.action() != Action::KeepLots {
        return Err(wrong_permit());
    }
    let mut tx = db.begin_reading().await?;
    let rows: Vec<StandingRow> = tx
        .query(sql!(
            "SELECT b.product, b.holder, b.account, b.vials, o.name, o.municipality, o.facility_code
             FROM stock_balance AS b LEFT JOIN organisation AS o ON o.id = b.holder
             WHERE b.lot = $1 AND b.vials <> 0 AND b.account <> 'supply'
             ORDER BY b.product, o.municipality NULLS LAST, o.name NULLS LAST, b.holder, b.account"
        ))
        .bind(lot.as_str().to_owned())
        .all()
        .await?;
    let mut vials = rows
        .into_iter()
        .map(|row| {
            let municipality = row.municipality.as_deref().map(MunicipalityCode::parse);
            Ok(Standing {
                product: row.product,
                holder: organisation(&row.holder, "stock_balance", "holder")?,
                holder_name: row.name.unwrap_or_default(),
                municipality: municipality
                    .transpose()
                    .map_err(|_| bad("organisation", "municipality"))?,
                facility: row.facility_code.unwrap_or_default(),
                account: account_in(&row.account)?,
                vials: row.vials,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    vials.sort_by_key(|one| !can_be_stopped(one.account));
    let doses = city_doses(&mut tx, lot).await?;
    Ok(Whereabouts { vials, doses })
}

async fn city_doses(tx: &mut Tx, lot: &Lot) -> Result<Vec<CityDoses>> {
    let rows: Vec<(String, i64)> = tx
        .query(sql!(
            "SELECT municipality, COUNT(*) FROM lot_dose WHERE lot = $1
             GROUP BY municipality ORDER BY municipality"
        ))
        .bind(lot.as_str().to_owned())
        .all()
        .await?;
    rows.into_iter()
        .map(|(city, doses)| {
            Ok(CityDoses {
                municipality: MunicipalityCode::parse(&city)
                    .map_err(|_| bad("lot_dose", "municipality"))?,
                doses,
            })
        })
        .collect()
}

/// Writes down that the recall of a lot was rehearsed (訓練): nothing else changes.
///
/// # Errors
/// The database's.
pub async fn rehearse(
    db: &Db,
    permit: &Permit,
    lot: &Lot,
    found: &Whereabouts,
    (audit, at): (Uuid, Instant),
) -> Result<()> {
    if permit.action() != Action::KeepLots {
        return Err(wrong_permit());
    }
    let detail = json!({
        "vials_to_stop": found.to_stop(),
        "doses": found.dosed(),
        "cities": found.doses.len(),
    });
    transact!(db, |tx| {
        let change = Change {
            id: audit,
            at,
            municipality: None,
            action: "rehearse-recall",
            subject: lot.as_str(),
            detail: &detail.to_string(),
        };
        audit::write(&mut tx, permit.actor(), &change).await?;
    })
}

/// Somebody who was given a dose of the lot, by record and coupon number.
#[derive(Clone, PartialEq, Eq)]
pub struct Dosed {
    /// The record.
    pub dose: DoseId,
    /// The coupon's number; none while the digits lead nowhere.
    pub number: Option<CouponNumber>,
    /// The day.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The venue's name on the day.
    pub venue_name: String,
    /// Whether the person is protected (支援措置): of them neither number nor place is told here.
    pub is_protected: bool,
}

impl std::fmt::Debug for Dosed {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dosed({})", self.dose)
    }
}

#[derive(sqlx_macros::FromRow)]
struct DosedRow {
    dose_id: Vec<u8>,
    number: Option<String>,
    given_on: String,
    product: String,
    venue_name: String,
    protected: Option<i64>,
}

/// Who of the city was given a dose of the lot, after one record, at most [`PEOPLE_MAX`]; the look is in
/// the access log before it is told.
///
/// # Errors
/// The database's; then nothing may be shown.
pub async fn dosed(
    db: &Db,
    permit: &CityPermit,
    lot: &Lot,
    after: Option<DoseId>,
    view: &View,
) -> Result<Vec<Dosed>> {
    if permit.action() != Action::TraceLot {
        return Err(wrong_permit());
    }
    audit::looked(db, permit, view).await?;
    let after = after.map_or_else(Vec::new, |dose| dose.0.as_bytes().to_vec());
    let rows: Vec<DosedRow> = db
        .query(sql!(
            "SELECT l.dose_id, d.number, d.given_on, d.product, d.venue_name, p.protected
             FROM lot_dose AS l
             JOIN dose AS d ON d.municipality = l.municipality AND d.dose_id = l.dose_id
             LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
             LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
             WHERE l.lot = $1 AND l.municipality = $2 AND l.dose_id > $3
             ORDER BY l.dose_id LIMIT $4"
        ))
        .bind(lot.as_str().to_owned())
        .bind(permit.city().to_string())
        .bind(after)
        .bind(PEOPLE_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|row| {
            let is_protected = row.protected == Some(1);
            let number = row.number.filter(|_| !is_protected);
            let number = number.as_deref().map(CouponNumber::parse).transpose();
            Ok(Dosed {
                dose: DoseId(
                    Uuid::from_slice(&row.dose_id).map_err(|_| bad("lot_dose", "dose_id"))?,
                ),
                number: number.map_err(|_| bad("dose", "number"))?,
                given_on: day_in(&row.given_on, "dose", "given_on")?,
                product: row.product,
                venue_name: if is_protected {
                    String::new()
                } else {
                    row.venue_name
                },
                is_protected,
            })
        })
        .collect()
}

/// Somebody to write to because of a dose of the lot.
#[derive(Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The record.
    pub dose: DoseId,
    /// The city's own number of the person.
    pub resident_no: String,
    /// The coupon's number.
    pub number: CouponNumber,
    /// The name.
    pub name: String,
    /// Its kana.
    pub kana: String,
    /// Whether the person lives in the city, moved out, died or was removed.
    pub standing: ResidentStanding,
    /// Where letters go, if it is known.
    pub address: Option<Address>,
    /// The day of the dose.
    pub given_on: Day,
    /// The product's key.
    pub product: String,
    /// The venue's name on the day.
    pub venue_name: String,
}

impl std::fmt::Debug for Addressee {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Addressee({})", self.dose)
    }
}

/// Whom the city has to write to because of a lot, by record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// Whoever may be named in a list, also who is gone by now.
    pub named: Vec<Addressee>,
    /// Doses of protected people (支援措置): they are told one by one from their own pages.
    pub protected: i64,
    /// Doses whose person is not found yet (登録待ち).
    pub pending: i64,
}

#[derive(sqlx_macros::FromRow)]
struct AddresseeRow {
    dose_id: Vec<u8>,
    given_on: String,
    product: String,
    venue_name: String,
    resident_no: Option<String>,
    number: Option<String>,
    name: Option<String>,
    kana: Option<String>,
    standing: Option<String>,
    standing_since: Option<String>,
    protected: Option<i64>,
    address: Option<String>,
}

impl AddresseeRow {
    fn dose(&self) -> Result<DoseId> {
        let id = Uuid::from_slice(&self.dose_id);
        Ok(DoseId(id.map_err(|_| bad("lot_dose", "dose_id"))?))
    }

    fn addressee(self, resident_no: String) -> Result<Addressee> {
        let since = self.standing_since.as_deref();
        let since = since
            .map(|day| day_in(day, "resident", "standing_since"))
            .transpose()?;
        let standing = ResidentStanding::parse(self.standing.as_deref().unwrap_or_default(), since);
        let number = CouponNumber::parse(self.number.as_deref().unwrap_or_default());
        Ok(Addressee {
            dose: self.dose()?,
            resident_no,
            number: number.map_err(|_| bad("dose", "number"))?,
            name: self.name.unwrap_or_default(),
            kana: self.kana.unwrap_or_default(),
            standing: standing.ok_or_else(|| bad("resident", "standing"))?,
            address: crate::residents::address(self.address.as_deref())?,
            given_on: day_in(&self.given_on, "dose", "given_on")?,
            product: self.product,
            venue_name: self.venue_name,
        })
    }
}

/// Everybody of the city who was given a dose of the lot, with where letters go; the look is in the access log before
/// it is told. Protected people are counted and not named.
///
/// # Errors
/// The database's; then nothing may be shown.
pub async fn addressees(
    db: &Db,
    permit: &CityPermit,
    lot: &Lot,
    view: &View,
) -> Result<Addressees> {
    if permit.action() != Action::TraceLot {
        return Err(wrong_permit());
    }
    audit::looked(db, permit, view).await?;
    let mut all = Addressees::default();
    let mut after = Vec::new();
    loop {
        let rows: Vec<AddresseeRow> = db
            .query(sql!(
                "SELECT l.dose_id, d.given_on, d.product, d.venue_name, p.resident_no, d.number, p.name, p.kana,
                        p.standing, p.standing_since, p.protected, p.address
                 FROM lot_dose AS l
                 JOIN dose AS d ON d.municipality = l.municipality AND d.dose_id = l.dose_id
                 LEFT JOIN coupon AS c ON c.municipality = d.municipality AND c.number = d.number
                 LEFT JOIN resident AS p ON p.municipality = c.municipality AND p.resident_no = c.resident_no
                 WHERE l.lot = $1 AND l.municipality = $2 AND l.dose_id > $3
                 ORDER BY l.dose_id LIMIT $4"
            ))
            .bind(lot.as_str().to_owned())
            .bind(permit.city().to_string())
            .bind(after)
            .bind(PEOPLE_MAX)
            .all()
            .await?;
        let Some(last) = rows.last() else {
            return Ok(all);
        };
        after = last.dose_id.clone();
        for mut row in rows {
            match row.resident_no.take() {
                None => all.pending += 1,
                Some(_) if row.protected == Some(1) => all.protected += 1,
                Some(resident_no) => all.named.push(row.addressee(resident_no)?),
            }
        }
    }
}
