//! What is printed of a batch, file by file in the order of the mailing, and what is printed singly.

use domain::access::CityPermit;
use domain::addresses::Address;
use domain::coupons::CouponNumber;
use domain::places::MunicipalityCode;
use uuid::Uuid;

use super::{STRETCH_PEOPLE, bad_issue, keys};
use crate::db::{Db, Tx, sql};
use crate::error::Result;
use crate::residents::{Resident, ResidentRow, address};

/// Numbers of protected people shown with a batch at most.
pub const APART_MAX: i64 = 200;

/// A file of a batch.
#[derive(Clone, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct File {
    /// Which, from 1.
    pub file: i64,
    /// People in it when it was cut.
    pub people: i64,
    /// Coupons in it when it was cut.
    pub coupons: i64,
}

/// The files of a batch, in the order of the mailing.
///
/// # Errors
/// The database's.
pub async fn files(db: &Db, permit: &CityPermit, batch: Uuid) -> Result<Vec<File>> {
    db.query(sql!(
        "SELECT file, people, coupons FROM coupon_file WHERE municipality = $1 AND batch = $2 ORDER BY file"
    ))
    .bind(permit.city().as_str().to_owned())
    .bind(batch.as_bytes().to_vec())
    .all()
    .await
}

/// One person's papers in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Papers {
    /// The person.
    pub resident: Resident,
    /// The number printed.
    pub number: CouponNumber,
    /// The doses.
    pub turns: Vec<u8>,
}

#[derive(sqlx_macros::FromRow)]
struct PaperRow {
    issued_number: String,
    turn: i64,
    #[sqlx(flatten)]
    resident: ResidentRow,
}

/// What is printed in a file, in the order of the mailing; `file` counts from 1.
///
/// Whoever is gone or protected by now, and what was voided or replaced, is left out: the same file
/// is the same until then.
///
/// # Errors
/// The database's.
pub async fn papers(db: &Db, permit: &CityPermit, batch: Uuid, file: i64) -> Result<Vec<Papers>> {
    let rows: Vec<PaperRow> = db
        .query(sql!(
            "SELECT i.number AS issued_number, i.turn, p.*
             FROM coupon_file AS f
             JOIN coupon_issue AS i ON i.municipality = f.municipality AND i.batch = f.batch
             JOIN resident AS p ON p.municipality = i.municipality AND p.resident_no = i.resident_no
             WHERE f.municipality = $1 AND f.batch = $2 AND f.file = $3
               AND i.batch IS NOT NULL AND i.sort_key <= f.upto_key
               AND i.sort_key > COALESCE((
                   SELECT MAX(e.upto_key) FROM coupon_file AS e
                   WHERE e.municipality = $1 AND e.batch = $2 AND e.file < $3), '')
               AND i.apart = 0 AND i.state = 'issued' AND p.protected = 0 AND p.standing = 'resident'
             ORDER BY i.sort_key, i.turn"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(batch.as_bytes().to_vec())
        .bind(file)
        .all()
        .await?;
    let mut papers: Vec<Papers> = Vec::new();
    for row in rows {
        let turn = u8::try_from(row.turn).map_err(|_| bad_issue("turn"))?;
        let resident = Resident::try_from(row.resident)?;
        let number = CouponNumber::parse(&row.issued_number).map_err(|_| bad_issue("number"))?;
        match papers.last_mut() {
            Some(last) if last.resident.resident_no == resident.resident_no => {
                last.turns.push(turn)
            }
            _ => papers.push(Papers {
                resident,
                number,
                turns: vec![turn],
            }),
        }
    }
    Ok(papers)
}

/// Somebody's piece of a mailing: as much as is needed to say whether the post can carry it.
#[derive(Clone, PartialEq, Eq)]
pub struct Piece {
    /// The key to go on after.
    pub key: String,
    /// The number printed.
    pub number: CouponNumber,
    /// The city's own number of the person.
    pub resident_no: String,
    /// The name.
    pub name: String,
    /// Where it goes, if that is known.
    pub address: Option<Address>,
}

impl std::fmt::Debug for Piece {
    /// Nothing that identifies a person reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Piece(..)")
    }
}

/// The pieces of a batch in the order of the mailing, after this key, [`STRETCH_PEOPLE`] at most: those
/// that [`papers`] prints, whichever file they are in.
///
/// # Errors
/// The database's.
pub async fn pieces(db: &Db, permit: &CityPermit, batch: Uuid, after: &str) -> Result<Vec<Piece>> {
    type PieceRow = (String, String, String, String, Option<String>);
    let rows: Vec<PieceRow> = db
        .query(sql!(
            "SELECT DISTINCT i.sort_key, i.number, p.resident_no, p.name, p.address
             FROM coupon_issue AS i
             JOIN resident AS p ON p.municipality = i.municipality AND p.resident_no = i.resident_no
             WHERE i.municipality = $1 AND i.batch = $2 AND i.batch IS NOT NULL AND i.sort_key > $3
               AND i.apart = 0 AND i.state = 'issued' AND p.protected = 0 AND p.standing = 'resident'
             ORDER BY i.sort_key LIMIT $4"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(batch.as_bytes().to_vec())
        .bind(after.to_owned())
        .bind(STRETCH_PEOPLE)
        .all()
        .await?;
    rows.into_iter()
        .map(|(key, number, resident_no, name, kept)| {
            Ok(Piece {
                key,
                number: CouponNumber::parse(&number).map_err(|_| bad_issue("number"))?,
                resident_no,
                name,
                address: address(kept.as_deref())?,
            })
        })
        .collect()
}

/// The numbers of a batch whose papers are printed singly, the first of them.
///
/// # Errors
/// The database's.
pub async fn apart(db: &Db, permit: &CityPermit, batch: Uuid) -> Result<Vec<CouponNumber>> {
    let rows: Vec<(String,)> = db
        .query(sql!(
            "SELECT DISTINCT x.number FROM coupon_issue AS x CROSS JOIN coupon_issue AS i
             WHERE x.municipality = $1 AND x.batch = $2 AND x.batch IS NOT NULL AND x.sort_key = ''
               AND i.municipality = x.municipality AND i.number = x.number AND i.turn = x.turn AND i.nth = x.nth
               AND i.apart = 1 AND i.state = 'issued'
             ORDER BY x.number LIMIT $3"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(batch.as_bytes().to_vec())
        .bind(APART_MAX)
        .all()
        .await?;
    rows.into_iter()
        .map(|(number,)| CouponNumber::parse(&number).map_err(|_| bad_issue("number")))
        .collect()
}

/// Takes the papers of people who are protected (支援措置) out of the mailings: they are printed singly from
/// now on, also if the protection ends, and nothing is left of the key they were sorted by.
pub(crate) async fn set_apart(
    tx: &mut Tx,
    city: MunicipalityCode,
    residents: &[&str],
) -> Result<()> {
    tx.many(
        sql!(
            "WITH k (municipality, resident_no) AS ({rows: text, text})
             UPDATE coupon_issue SET apart = 1, sort_key = ''
             WHERE apart = 0 AND (municipality, number, turn, nth) IN (
                 SELECT x.municipality, x.number, x.turn, x.nth FROM k CROSS JOIN coupon_issue AS x
                 WHERE x.municipality = k.municipality AND x.resident_no = k.resident_no)"
        ),
        keys(city, residents.iter().copied()),
    )
    .run()
    .await?;
    Ok(())
}
