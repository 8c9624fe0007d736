//! Files of questions (一括照会): taken in, asked in stretches at night or at once, answered by a file.
//!
//! A question is kept by its lookup, so no number lies in the database while it waits. Each stretch
//! is one transaction: the answers, what is written down of them, and how far the work is. Whoever has
//! a file in hand holds a lease and renews it by each stretch; when it runs out, another server goes on.

use domain::access::{Action, CityPermit, NumberPermit, NumberPurpose, OrganisationId, UserId};
use domain::calendar::Instant;
use domain::inquiries::ToldDose;
use domain::people::{BirthDate, MyNumber};
use domain::places::MunicipalityCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Put, Way, answer, bad, birth_date, city_of, purpose_of, whole};
use crate::accounts::uuid;
use crate::audit::{self, Change};
use crate::db::{Db, Table, Tx, sql, transact};
use crate::error::{Error, Result};
use crate::imports::{Decided, Refusal, Remark};
use crate::leases::{LEASE_MICROS, Taking};
use crate::recorder::json;
use crate::seals::{Ids, SealFault, Seals};

/// Questions answered in one transaction: reports beside it never wait long.
pub const STRETCH_QUESTIONS: i64 = 200;
/// Files on a city's list at most.
const LISTED_MAX: i64 = 50;

/// The stages of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its lines are coming in.
    Uploading,
    /// It is being asked, or waits for the night.
    Asking,
    /// All is answered.
    Done,
    /// As a whole it is no good, or nobody may ask it any more.
    Refused,
    /// Somebody threw it away, with what was answered.
    Discarded,
}

impl State {
    const ALL: [Self; 5] = [
        Self::Uploading,
        Self::Asking,
        Self::Done,
        Self::Refused,
        Self::Discarded,
    ];

    /// Its stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Asking => "asking",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Discarded => "discarded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A file of questions, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InquiryFile {
    /// The asking city.
    pub city: MunicipalityCode,
    /// Its id.
    pub id: Uuid,
    /// The file's name, as the browser said it.
    pub file_name: String,
    /// What for.
    pub purpose: NumberPurpose,
    /// Its stage.
    pub state: State,
    /// Good questions in it.
    pub questions: u64,
    /// Those that are answered.
    pub answered: u64,
    /// Those of them for whom a dose was told.
    pub found: u64,
    /// Doses that were told.
    pub doses: u64,
    /// Lines that were no good.
    pub rejected: u64,
    /// The last line that is answered.
    upto_line: i64,
    /// Why it is refused.
    pub refusal: Option<Refusal>,
    /// Who handed it in, and under whose right it is asked.
    pub by: UserId,
    /// From which organisation.
    pub organisation: OrganisationId,
    /// When.
    pub created_at: Instant,
    /// It is asked from then on.
    pub not_before: Instant,
}

impl InquiryFile {
    /// How far the work is, in hundredths.
    #[must_use]
    pub fn percent(&self) -> u64 {
        (self.answered.saturating_mul(100) / self.questions.max(1)).min(100)
    }
}

#[derive(sqlx_macros::FromRow)]
struct FileRow {
    municipality: String,
    id: Vec<u8>,
    file_name: String,
    purpose: String,
    state: String,
    questions: i64,
    answered: i64,
    found: i64,
    doses: i64,
    rejected: i64,
    upto_line: i64,
    refusal: Option<String>,
    by_user: Vec<u8>,
    organisation: Vec<u8>,
    created_at: i64,
    not_before: i64,
}

const TABLE: &str = "inquiry_file";

fn from_json<T: for<'d> Deserialize<'d>>(text: &str, column: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|_| bad(TABLE, column))
}

impl TryFrom<FileRow> for InquiryFile {
    type Error = Error;

    fn try_from(row: FileRow) -> Result<Self> {
        let refusal = row.refusal.as_deref();
        Ok(Self {
            city: city_of(&row.municipality, TABLE)?,
            id: uuid(&row.id, TABLE, "id")?,
            file_name: row.file_name,
            purpose: purpose_of(&row.purpose, TABLE)?,
            state: State::parse(&row.state).ok_or_else(|| bad(TABLE, "state"))?,
            questions: row.questions.unsigned_abs(),
            answered: row.answered.unsigned_abs(),
            found: row.found.unsigned_abs(),
            doses: row.doses.unsigned_abs(),
            rejected: row.rejected.unsigned_abs(),
            upto_line: row.upto_line,
            refusal: refusal.map(|text| from_json(text, "refusal")).transpose()?,
            by: UserId(uuid(&row.by_user, TABLE, "by_user")?),
            organisation: OrganisationId(uuid(&row.organisation, TABLE, "organisation")?),
            created_at: Instant::from_micros(row.created_at),
            not_before: Instant::from_micros(row.not_before),
        })
    }
}

/// A file that is to be handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// The file's name.
    pub file_name: String,
    /// It is asked from then on.
    pub not_before: Instant,
}

/// Begins to take a file in.
///
/// # Errors
/// [`Error::Exists`] if the id is taken, [`SealFault::Denied`], or the database's.
pub async fn begin(db: &Db, permit: &NumberPermit, new: &NewFile, at: Instant) -> Result<()> {
    permit
        .allows(Action::FindByNumber)
        .map_err(SealFault::from)?;
    transact!(db, |tx| {
        tx.query(sql!(
            "INSERT INTO inquiry_file (municipality, id, file_name, purpose, state, questions, answered, found, doses,
                                       rejected, upto_line, by_user, organisation, created_at, not_before, leased_until)
             VALUES ($1, $2, $3, $4, 'uploading', 0, 0, 0, 0, 0, 0, $5, $6, $7, $8, 0)"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(new.id.as_bytes().to_vec())
        .bind(new.file_name.clone())
        .bind(permit.purpose().as_str().to_owned())
        .bind(permit.actor().user.0.as_bytes().to_vec())
        .bind(permit.actor().organisation.0.as_bytes().to_vec())
        .bind(at.micros())
        .bind(new.not_before.micros())
        .expect(1)
        .await?
    })
}

/// A good line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionLine {
    /// Its number, the header being 1.
    pub line: u64,
    /// By which the asking city knows its question again (照会番号).
    pub reference: String,
    /// The number; what is kept of it is its lookup.
    pub number: MyNumber,
    /// The birth date that must fit.
    pub birth: BirthDate,
    /// The one city that is asked; `None` for all.
    pub asked: Option<MunicipalityCode>,
}

/// Some hundreds of lines of a file, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// The good ones.
    pub questions: Vec<QuestionLine>,
    /// How many are no good.
    pub rejected: u64,
    /// What is to be said about them.
    pub remarks: Vec<Remark>,
    /// The last of them, the header being 1.
    pub upto: u64,
}

/// Takes lines of a file in.
///
/// # Errors
/// The database's and [`SealFault`].
pub async fn take(
    db: &Db,
    seals: &Seals,
    permit: &NumberPermit,
    id: Uuid,
    lines: &Lines,
    at: Instant,
) -> Result<()> {
    let city = permit.city();
    let count = i64::try_from(lines.questions.len()).unwrap_or(i64::MAX);
    let rejected = i64::try_from(lines.rejected).unwrap_or(i64::MAX);
    transact!(db, |tx| {
        tx.query(sql!(
            "UPDATE inquiry_file SET questions = questions + $3, rejected = rejected + $4
             WHERE municipality = $1 AND id = $2 AND state = 'uploading'"
        ))
        .bind(city.as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(count)
        .bind(rejected)
        .expect(1)
        .await?;
        keep_questions(&mut tx, seals, (city, id), &lines.questions, at).await?;
        if !lines.remarks.is_empty() {
            tx.query(sql!(
                "INSERT INTO inquiry_remark (municipality, file, upto_line, remarks) VALUES ($1, $2, $3, $4)"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(i64::try_from(lines.upto).unwrap_or(i64::MAX))
            .bind(json(&lines.remarks))
            .expect(1)
            .await?;
        }
    })
}

async fn keep_questions(
    tx: &mut Tx,
    seals: &Seals,
    (city, id): (MunicipalityCode, Uuid),
    questions: &[QuestionLine],
    at: Instant,
) -> Result<()> {
    if questions.is_empty() {
        return Ok(());
    }
    let numbers = questions.iter().map(|one| &one.number);
    let lookups = seals.lookups(tx, numbers, at).await?;
    let of = || questions.iter();
    let rows = Table::default()
        .text(of().map(|_| city.as_str()))
        .bytes(of().map(|_| id.as_bytes().to_vec()))
        .whole(of().map(|one| i64::try_from(one.line).unwrap_or(i64::MAX)))
        .text(of().map(|one| one.reference.as_str()))
        .bytes(lookups)
        .text(of().map(|one| one.birth.iso()))
        .text_or_null(of().map(|one| one.asked.map(|city| city.as_str().to_owned())));
    tx.many(
        sql!(
            "INSERT INTO inquiry_question (municipality, file, line, reference, lookup, birth, asked)
             {rows: text, bytea, bigint, text, bytea, text, text}"
        ),
        rows,
    )
    .expect_each()
    .await
}

/// The file is complete: it will be asked. False if it is at another stage.
///
/// # Errors
/// The database's.
pub async fn complete(db: &Db, permit: &NumberPermit, id: Uuid, how: Decided) -> Result<bool> {
    transact!(db, |tx| {
        let moved = step(
            &mut tx,
            (permit.city(), id),
            State::Uploading,
            State::Asking,
        )
        .await?;
        if moved {
            let subject = id.to_string();
            let change = change(permit.city(), how, "ask-by-file", &subject);
            audit::write(&mut tx, permit.actor(), &change).await?;
        }
        moved
    })
}

fn change<'a>(
    city: MunicipalityCode,
    how: Decided,
    action: &'a str,
    subject: &'a str,
) -> Change<'a> {
    Change {
        id: how.audit,
        at: how.at,
        municipality: Some(city),
        action,
        subject,
        detail: "{}",
    }
}

async fn step(
    tx: &mut Tx,
    (city, id): (MunicipalityCode, Uuid),
    from: State,
    to: State,
) -> Result<bool> {
    let moved = tx
        .query(sql!(
            "UPDATE inquiry_file SET state = $4, worker = NULL, leased_until = 0
             WHERE municipality = $1 AND id = $2 AND state = $3"
        ))
        .bind(city.as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(from.as_str().to_owned())
        .bind(to.as_str().to_owned())
        .run()
        .await?;
    Ok(moved == 1)
}

async fn drop_questions(tx: &mut Tx, city: MunicipalityCode, id: Uuid) -> Result<()> {
    tx.query(sql!(
        "DELETE FROM inquiry_question WHERE municipality = $1 AND file = $2"
    ))
    .bind(city.as_str().to_owned())
    .bind(id.as_bytes().to_vec())
    .run()
    .await?;
    Ok(())
}

/// As a whole the file is no good, or nobody may ask it any more; its questions are gone, and why stays.
/// False if it is at neither of the stages before.
///
/// # Errors
/// The database's.
pub async fn refuse(db: &Db, file: (MunicipalityCode, Uuid), refusal: &Refusal) -> Result<bool> {
    let (city, id) = file;
    transact!(db, |tx| {
        let moved = step(&mut tx, file, State::Uploading, State::Refused).await?
            || step(&mut tx, file, State::Asking, State::Refused).await?;
        if moved {
            tx.query(sql!(
                "UPDATE inquiry_file SET refusal = $3 WHERE municipality = $1 AND id = $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .bind(json(refusal))
            .expect(1)
            .await?;
            drop_questions(&mut tx, city, id).await?;
        }
        moved
    })
}

/// Throws a file away, with its questions and what was answered. That it was asked stays written down.
/// False if it was thrown away or refused before.
///
/// # Errors
/// The database's.
pub async fn discard(db: &Db, permit: &CityPermit, id: Uuid, how: Decided) -> Result<bool> {
    let city = permit.city();
    transact!(db, |tx| {
        let mut moved = false;
        for from in [State::Done, State::Asking, State::Uploading] {
            moved = moved || step(&mut tx, (city, id), from, State::Discarded).await?;
        }
        if moved {
            drop_questions(&mut tx, city, id).await?;
            tx.query(sql!(
                "DELETE FROM inquiry_result WHERE municipality = $1 AND file = $2"
            ))
            .bind(city.as_str().to_owned())
            .bind(id.as_bytes().to_vec())
            .run()
            .await?;
            let subject = id.to_string();
            let change = change(city, how, "discard-inquiries", &subject);
            audit::write(&mut tx, permit.actor(), &change).await?;
        }
        moved
    })
}

const ONE: &str = sql!(
    "SELECT municipality, id, file_name, purpose, state, questions, answered, found, doses, rejected, upto_line,
            refusal, by_user, organisation, created_at, not_before
     FROM inquiry_file WHERE municipality = $1 AND id = $2"
);

/// One file of the city.
///
/// # Errors
/// The database's.
pub async fn file(db: &Db, permit: &CityPermit, id: Uuid) -> Result<Option<InquiryFile>> {
    db.query(ONE)
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .optional::<FileRow>()
        .await?
        .map(InquiryFile::try_from)
        .transpose()
}

/// The city's files, the latest first.
///
/// # Errors
/// The database's.
pub async fn list(db: &Db, permit: &CityPermit) -> Result<Vec<InquiryFile>> {
    let rows: Vec<FileRow> = db
        .query(sql!(
            "SELECT municipality, id, file_name, purpose, state, questions, answered, found, doses, rejected,
                    upto_line, refusal, by_user, organisation, created_at, not_before
             FROM inquiry_file WHERE municipality = $1 ORDER BY id DESC LIMIT $2"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(LISTED_MAX)
        .all()
        .await?;
    rows.into_iter().map(InquiryFile::try_from).collect()
}

/// What is to be said about the lines after this one, with the last line it is said of; none after
/// the last.
///
/// # Errors
/// The database's.
pub async fn remarks(
    db: &Db,
    permit: &CityPermit,
    id: Uuid,
    after: i64,
) -> Result<Option<(i64, Vec<Remark>)>> {
    let next: Option<(i64, String)> = db
        .query(sql!(
            "SELECT upto_line, remarks FROM inquiry_remark
             WHERE municipality = $1 AND file = $2 AND upto_line > $3 ORDER BY upto_line LIMIT 1"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(after)
        .optional()
        .await?;
    next.map(|(upto, text)| Ok((upto, from_json(&text, "remarks")?)))
        .transpose()
}

/// The answer to one question of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAnswer {
    /// By which the asking city knows its question again (照会番号).
    pub reference: String,
    /// The doses of other cities.
    pub doses: Vec<ToldDose>,
}

/// The next stretch of answers after this line, and its own last line; none after the last.
///
/// # Errors
/// The database's.
pub async fn answers(
    db: &Db,
    permit: &CityPermit,
    id: Uuid,
    after: i64,
) -> Result<Option<(i64, Vec<FileAnswer>)>> {
    let next: Option<(i64, String)> = db
        .query(sql!(
            "SELECT upto_line, answers FROM inquiry_result
             WHERE municipality = $1 AND file = $2 AND upto_line > $3 ORDER BY upto_line LIMIT 1"
        ))
        .bind(permit.city().as_str().to_owned())
        .bind(id.as_bytes().to_vec())
        .bind(after)
        .optional()
        .await?;
    next.map(|(upto, text)| Ok((upto, from_json(&text, "answers")?)))
        .transpose()
}

/// A file that a server has taken in hand.
#[derive(Clone, Debug)]
pub struct InHand {
    /// The file as it stands.
    pub file: InquiryFile,
    /// Who has it in hand.
    pub worker: Uuid,
}

const TAKING: Taking = Taking {
    next: sql!(
        "SELECT municipality, id FROM inquiry_file
         WHERE state = 'asking' AND leased_until < $1 AND not_before <= $1
         ORDER BY leased_until, not_before, id LIMIT 1"
    ),
    lease: sql!(
        "UPDATE inquiry_file SET worker = $3, leased_until = $4 WHERE municipality = $1 AND id = $2"
    ),
    one: ONE,
    micros: LEASE_MICROS,
};

/// Takes the next file in hand whose time has come and that nobody has; `worker` is this server's id.
///
/// # Errors
/// The database's.
pub async fn take_in_hand(db: &Db, worker: Uuid, now: Instant) -> Result<Option<InHand>> {
    let row: Option<FileRow> = TAKING.take(db, worker, now).await?;
    row.map(|row| {
        let file = InquiryFile::try_from(row)?;
        Ok(InHand { file, worker })
    })
    .transpose()
}

#[derive(sqlx_macros::FromRow)]
struct QuestionRow {
    line: i64,
    reference: String,
    lookup: Vec<u8>,
    birth: String,
    asked: Option<String>,
}

/// Asks the next stretch; false when there was none, and all is answered. `permit` is that of whoever
/// handed the file in.
///
/// # Errors
/// [`Error::Busy`] if somebody else has the file in hand by now or it is at another stage,
/// [`SealFault`], or the database's; then the stretch is not answered.
pub async fn ask_stretch(
    db: &Db,
    seals: &Seals,
    permit: &NumberPermit,
    hand: &mut InHand,
    now: Instant,
    id: Ids<'_>,
) -> Result<bool> {
    permit
        .allows(Action::FindByNumber)
        .map_err(SealFault::from)?;
    let file = transact!(db, |tx| {
        let questions = questions_after(&mut tx, &hand.file).await?;
        let mut file = hand.file.clone();
        if let Some(last) = questions.last() {
            let upto = last.line;
            let answers = asked(&mut tx, seals, permit, questions, now, id).await?;
            let with_doses = answers.iter().filter(|one| !one.doses.is_empty());
            file.answered += answers.len() as u64;
            file.found += with_doses.count() as u64;
            file.doses += answers
                .iter()
                .map(|one| one.doses.len() as u64)
                .sum::<u64>();
            file.upto_line = upto;
            advance(&mut tx, &file, hand.worker, now).await?;
            tx.query(sql!(
                "INSERT INTO inquiry_result (municipality, file, upto_line, answers) VALUES ($1, $2, $3, $4)"
            ))
            .bind(file.city.as_str().to_owned())
            .bind(file.id.as_bytes().to_vec())
            .bind(upto)
            .bind(json(&answers))
            .expect(1)
            .await?;
        } else {
            advance(&mut tx, &file, hand.worker, now).await?;
            step(&mut tx, (file.city, file.id), State::Asking, State::Done).await?;
            drop_questions(&mut tx, file.city, file.id).await?;
            file.state = State::Done;
        }
        file
    })?;
    hand.file = file;
    Ok(hand.file.state == State::Asking)
}

async fn questions_after(tx: &mut Tx, file: &InquiryFile) -> Result<Vec<QuestionRow>> {
    tx.query(sql!(
        "SELECT line, reference, lookup, birth, asked FROM inquiry_question
         WHERE municipality = $1 AND file = $2 AND line > $3 ORDER BY line LIMIT $4"
    ))
    .bind(file.city.as_str().to_owned())
    .bind(file.id.as_bytes().to_vec())
    .bind(file.upto_line)
    .bind(STRETCH_QUESTIONS)
    .all()
    .await
}

async fn asked(
    tx: &mut Tx,
    seals: &Seals,
    permit: &NumberPermit,
    questions: Vec<QuestionRow>,
    now: Instant,
    id: Ids<'_>,
) -> Result<Vec<FileAnswer>> {
    let mut references = Vec::with_capacity(questions.len());
    let mut puts = Vec::with_capacity(questions.len());
    for question in questions {
        let asked = question.asked.as_deref();
        puts.push(Put {
            id: id(),
            lookup: question.lookup,
            birth: birth_date(&question.birth)?,
            asked: asked
                .map(|code| city_of(code, "inquiry_question"))
                .transpose()?,
        });
        references.push(question.reference);
    }
    let answered = answer(tx, seals, permit, &puts, Way::File, now, id).await?;
    let pairs = references.into_iter().zip(answered);
    let answers = pairs.map(|(reference, answered)| FileAnswer {
        reference,
        doses: answered.answer.doses,
    });
    Ok(answers.collect())
}

/// Says how far the work is and renews the lease.
async fn advance(tx: &mut Tx, file: &InquiryFile, worker: Uuid, now: Instant) -> Result<()> {
    let count = |number: u64| whole(usize::try_from(number).unwrap_or(usize::MAX));
    let moved = tx
        .query(sql!(
            "UPDATE inquiry_file SET answered = $4, found = $5, doses = $6, upto_line = $7, leased_until = $8
             WHERE municipality = $1 AND id = $2 AND worker = $3 AND state = 'asking'"
        ))
        .bind(file.city.as_str().to_owned())
        .bind(file.id.as_bytes().to_vec())
        .bind(worker.as_bytes().to_vec())
        .bind(count(file.answered))
        .bind(count(file.found))
        .bind(count(file.doses))
        .bind(file.upto_line)
        .bind(now.micros().saturating_add(LEASE_MICROS))
        .run()
        .await?;
    if moved == 1 { Ok(()) } else { Err(Error::Busy) }
}
