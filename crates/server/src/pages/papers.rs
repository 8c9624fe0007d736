//! What is printed for people (帳票): the rows of the register made into papers, and the papers into PDF.

use std::collections::BTreeSet;

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::access::CityPermit;
use domain::calendar::Day;
use domain::coupons::{Coupon, CouponKind};
use domain::issues::Form;
use domain::languages::both;
use domain::places::{MunicipalityCode, Places};
use domain::vaccines::Vaccines;
use paper::{
    AccessLog, Address, Certificate, CertifiedDose, Envelope, Paper, PaperRefusal, Person,
    PrintedReceipt, Questionnaire, Residence, SealSheet, Sender, papers_pdf,
};
use store::coupons::Papers;
use store::doses::Record;
use store::residents::Resident;
use store::senders::Sender as Said;

use crate::state::App;
use crate::web::problem::Problem;

/// The kind digits of a dose and of an interview (`data/coupon_kinds.csv`).
pub const DOSE: u8 = 2;
const INTERVIEW_ONLY: u8 = 1;
/// What coupons are mailed in.
const ENVELOPE: Envelope = Envelope::LONG_3;

/// In whose name papers are printed.
#[derive(Clone, Debug)]
pub struct Letterhead {
    /// The city and its desk.
    pub sender: Sender,
    /// 首長名 as it stands on a proof.
    pub mayor: String,
}

impl Letterhead {
    /// What the city said of itself; until it did, the papers bear its name, and `desk` is whom to ask.
    #[must_use]
    pub fn of(city: MunicipalityCode, desk: &str, said: Option<Said>) -> Self {
        let name = Places::bundled().any(city).map(|place| place.name.clone());
        let city_name = name.unwrap_or_else(|| desk.to_owned());
        match said {
            None => Self {
                mayor: format!("{city_name}長"),
                sender: Sender {
                    city_name,
                    city_code: city,
                    desk: desk.to_owned(),
                    return_to: None,
                },
            },
            Some(said) => Self {
                mayor: format!("{}　{}", said.office, said.mayor),
                sender: Sender {
                    city_name,
                    city_code: city,
                    desk: format!("{}　電話 {}", said.desk, said.phone),
                    return_to: Some(format!(
                        "〒{} {}",
                        said.postal_code.hyphenated(),
                        said.address
                    )),
                },
            },
        }
    }
}

/// The city's letterhead of today.
///
/// # Errors
/// The database's.
pub async fn letterhead(app: &App, permit: &CityPermit, desk: &str) -> Result<Letterhead, Problem> {
    let said = store::senders::on(&app.db, permit, app.today()).await?;
    Ok(Letterhead::of(permit.city(), desk, said))
}

/// Where letters reach somebody, as papers may tell. An address that cannot be printed, for its
/// characters or its length, is left out, as one that is not known: the papers are printed all the same,
/// and [`cannot_be_mailed`] tells which.
#[must_use]
pub fn residence(resident: &Resident) -> Residence {
    let address = resident.address.as_ref().and_then(Address::of);
    let printable = address.filter(|address| address.is_printable(&ENVELOPE));
    Residence::of(printable, resident.protected)
}

/// Why a piece has no address in its window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unmailable {
    /// The register has none.
    Unknown,
    /// It has characters that no typeface of ours has, or is too long.
    Unprintable,
}

/// Whether an address stands in the window, and why not.
#[must_use]
pub fn cannot_be_mailed(address: Option<&domain::addresses::Address>) -> Option<Unmailable> {
    match address.and_then(Address::of) {
        None => Some(Unmailable::Unknown),
        Some(address) if address.is_printable(&ENVELOPE) => None,
        Some(_) => Some(Unmailable::Unprintable),
    }
}

/// A person as papers have them.
#[must_use]
pub fn printed(resident: &Resident, by_kana: bool) -> Person {
    Person {
        name: if by_kana {
            resident.kana.clone()
        } else {
            resident.name.clone()
        },
        kana: resident.kana.clone(),
        birth: resident.birth,
        sex: resident.sex,
        residence: residence(resident),
    }
}

/// What people's coupons are printed as.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    /// The paper.
    pub form: Form,
    /// The questions are those of this day.
    pub form_of: Day,
    /// Whether every piece goes into an envelope: then each begins with the page for its window, whether
    /// there is an address or not, so that all pieces have the same pages.
    pub mailed: bool,
}

/// The papers of one person: a questionnaire for each dose or interview, or one sheet of seals.
fn papers_of(letterhead: &Letterhead, one: &Papers, print: Print, by_kana: bool) -> Vec<Paper> {
    let person = printed(&one.resident, by_kana);
    let sender = &letterhead.sender;
    let (kind, kind_digit) = match print.form {
        Form::Seals => {
            return vec![Paper::Seals(SealSheet {
                sender: sender.clone(),
                person,
                number: one.number,
                turns: one.turns.clone(),
                envelope: ENVELOPE,
                mayor: letterhead.mayor.clone(),
            })];
        }
        Form::Questionnaire => (CouponKind::Dose, DOSE),
        Form::Interview => (CouponKind::InterviewOnly, INTERVIEW_ONLY),
    };
    let has_window = print.mailed || matches!(person.residence, Residence::At(_));
    let of_turn = |(place, turn): (usize, &u8)| {
        let questionnaire = Questionnaire {
            sender: sender.clone(),
            form_of: print.form_of,
            person: Some(person.clone()),
            coupon: Some(Coupon {
                kind,
                kind_digit,
                turn_digit: *turn,
                municipality: sender.city_code,
                number: one.number,
            }),
            draft: None,
            venue_name: None,
        };
        if has_window && place == 0 {
            Paper::MailedQuestionnaire(questionnaire, ENVELOPE)
        } else {
            Paper::Questionnaire(questionnaire)
        }
    };
    one.turns.iter().enumerate().map(of_turn).collect()
}

/// Prints people's coupons into one PDF, in their order. Whose name has a character that no font of
/// ours has (外字) is named by the kana; the same people are the same bytes.
///
/// # Errors
/// The paper's, if somebody cannot be printed even so.
pub fn print_coupons(
    letterhead: &Letterhead,
    people: &[Papers],
    print: Print,
) -> Result<Vec<u8>, PaperRefusal> {
    let mut by_kana = BTreeSet::new();
    loop {
        let mut owners = Vec::new();
        let mut papers = Vec::new();
        for (place, one) in people.iter().enumerate() {
            let of_one = papers_of(letterhead, one, print, by_kana.contains(&place));
            owners.extend(of_one.iter().map(|_| place));
            papers.extend(of_one);
        }
        match papers_pdf("接種券", &papers) {
            Err(PaperRefusal::Sheets { refused }) if by_kana.is_empty() => {
                let places = refused
                    .iter()
                    .filter_map(|one| owners.get(one.position.checked_sub(1)?).copied());
                by_kana.extend(places);
                if by_kana.is_empty() {
                    return Err(PaperRefusal::Sheets { refused });
                }
            }
            done => return done,
        }
    }
}

/// As [`print_coupons`], beside what answers.
///
/// # Errors
/// 422 `paper_refused` if somebody cannot be printed.
pub async fn coupons_pdf(
    letterhead: Letterhead,
    people: Vec<Papers>,
    print: Print,
) -> Result<Vec<u8>, Problem> {
    blocking(move || print_coupons(&letterhead, &people, print)).await
}

/// Prints a proof of vaccination (接種済証) of the doses that count, each with its receipt (受領番号).
///
/// # Errors
/// 422 `paper_refused` if there is no dose, or too many.
pub async fn certificate_pdf(
    letterhead: Letterhead,
    resident: &Resident,
    records: &[(&Record, PrintedReceipt)],
    issued_on: Day,
) -> Result<Vec<u8>, Problem> {
    let doses = records.iter().map(|(record, receipt)| {
        let product = Vaccines::bundled().find(&record.product);
        CertifiedDose {
            turn: record.turn,
            given_on: record.given_on,
            country: "JPN".to_owned(),
            maker: product.map(|one| one.maker.clone()),
            product_ja: product.map(|one| one.name_ja.clone()),
            product_en: product.map(|one| one.name_en.clone()),
            lot: Some(record.lot.clone()).filter(|lot| !lot.is_empty()),
            receipt: Some(receipt.clone()),
        }
    });
    let mut certificate = Certificate {
        mayor: letterhead.mayor,
        sender: letterhead.sender,
        issued_on,
        id: String::new(),
        person: printed(resident, false),
        travel: None,
        doses: doses.collect(),
    };
    let kana = printed(resident, true);
    blocking(move || {
        let first = papers_pdf("接種済証", &[Paper::Certificate(certificate.clone())]);
        if !matches!(first, Err(PaperRefusal::Sheets { .. })) || kana.name.is_empty() {
            return first;
        }
        certificate.person = kana;
        papers_pdf("接種済証", &[Paper::Certificate(certificate)])
    })
    .await
}

/// Prints who looked at a person's record (閲覧記録).
///
/// # Errors
/// 422 `paper_refused` if something of it cannot be printed.
pub async fn access_log_pdf(log: AccessLog) -> Result<Vec<u8>, Problem> {
    blocking(move || papers_pdf("閲覧記録", &[Paper::AccessLog(log)])).await
}

/// Prints a mandate (委任状) for the collective contract.
///
/// # Errors
/// 422 `paper_refused` if a name cannot be printed.
pub async fn mandate_pdf(mandate: paper::Mandate) -> Result<Vec<u8>, Problem> {
    blocking(move || papers_pdf("委任状", &[Paper::Mandate(mandate)])).await
}

/// Printing takes some seconds of work, which is not for the threads that answer.
pub(super) async fn blocking(
    print: impl FnOnce() -> Result<Vec<u8>, PaperRefusal> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let printed = tokio::task::spawn_blocking(print).await;
    let printed = printed.map_err(|_| Problem::internal())?;
    printed.map_err(|refusal| {
        let why = refusal.to_string();
        let (ja, en) = both(&why);
        Problem::unprocessable("paper_refused")
            .arg("why_ja", ja)
            .arg("why_en", en)
            .member("reason", refusal.code())
    })
}

/// A PDF to save; nobody on the way keeps it.
#[must_use]
pub fn pdf_response(name: &str, pdf: Vec<u8>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/pdf".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, pdf).into_response()
}

#[cfg(test)]
mod tests {
    use domain::coupons::CouponNumber;
    use domain::people::{BirthDate, ResidentStanding, Sex};
    use store::residents::OtherNames;

    use super::*;

    fn people(names: &[&str]) -> Vec<Papers> {
        let serials = 1_u32..;
        serials
            .zip(names)
            .map(|(serial, name)| {
                let number = CouponNumber::parse(&format!("{serial:010}")).unwrap();
                Papers {
                    resident: Resident {
                        resident_no: serial.to_string(),
                        number,
                        name: (*name).to_owned(),
                        kana: "ヨシダ".to_owned(),
                        birth: BirthDate::parse_compact("19400101").unwrap(),
                        sex: Sex::Female,
                        standing: ResidentStanding::Resident,
                        protected: false,
                        other_names: OtherNames::default(),
                        address: None,
                    },
                    number,
                    turns: vec![1],
                }
            })
            .collect()
    }

    fn bare() -> Letterhead {
        Letterhead::of(MunicipalityCode::parse("131016").unwrap(), "千代田区", None)
    }

    fn print(form: Form, mailed: bool) -> Print {
        Print {
            form,
            form_of: Day::parse("2021-06-01").unwrap(),
            mailed,
        }
    }

    fn living_at(place: &str, protected: bool) -> Papers {
        let mut one = people(&["厚生"]).remove(0);
        one.resident.address =
            domain::addresses::Address::of(None, place.to_owned(), String::new());
        one.resident.protected = protected;
        one
    }

    #[test]
    fn a_name_that_no_font_has_is_printed_by_its_kana() {
        let how = print(Form::Seals, true);
        let rare = print_coupons(&bare(), &people(&["厚生", "𠮷田"]), how);
        let kana = print_coupons(&bare(), &people(&["厚生", "ヨシダ"]), how);
        assert_eq!(rare.unwrap(), kana.unwrap());
    }

    #[test]
    fn what_is_mailed_begins_with_its_window_and_what_is_handed_over_with_an_address() {
        let pages = |one: &Papers, form, mailed| -> Vec<bool> {
            papers_of(&bare(), one, print(form, mailed), false)
                .iter()
                .map(|paper| matches!(paper, Paper::MailedQuestionnaire(..)))
                .collect()
        };
        let mut unknown = people(&["厚生"]).remove(0);
        unknown.turns = vec![1, 2];
        assert_eq!(pages(&unknown, Form::Questionnaire, true), [true, false]);
        assert_eq!(pages(&unknown, Form::Questionnaire, false), [false, false]);
        let known = living_at("千代田区千代田1-1", false);
        assert_eq!(pages(&known, Form::Interview, false), [true]);
    }

    #[test]
    fn an_interview_is_printed_with_its_own_kind_of_coupon() {
        let one = people(&["厚生"]).remove(0);
        let papers = papers_of(&bare(), &one, print(Form::Interview, false), false);
        let [Paper::Questionnaire(questionnaire)] = papers.as_slice() else {
            panic!("one questionnaire");
        };
        let coupon = questionnaire.coupon.unwrap();
        assert_eq!(coupon.line().as_str(), "111310160000000001");
        assert!(print_coupons(&bare(), &[one], print(Form::Interview, true)).is_ok());
    }

    #[test]
    fn whom_no_letter_reaches_is_printed_without_an_address_and_told() {
        let known = living_at("千代田区千代田1-1", false);
        assert_eq!(cannot_be_mailed(known.resident.address.as_ref()), None);
        assert!(matches!(residence(&known.resident), Residence::At(_)));
        let rare = living_at("𠮷田町1", false);
        let told = cannot_be_mailed(rare.resident.address.as_ref());
        assert_eq!(told, Some(Unmailable::Unprintable));
        assert_eq!(residence(&rare.resident), Residence::Blank);
        assert_eq!(cannot_be_mailed(None), Some(Unmailable::Unknown));
        assert!(print_coupons(&bare(), &[rare], print(Form::Questionnaire, true)).is_ok());
        let hidden = living_at("千代田区千代田1-1", true);
        assert_eq!(residence(&hidden.resident), Residence::Protected);
    }

    #[test]
    fn the_citys_papers_bear_what_it_said_of_itself() {
        let said = Said {
            valid_from: Day::parse("2021-04-01").unwrap(),
            office: "千代田区長".to_owned(),
            mayor: "見本　花子".to_owned(),
            desk: "健康推進課".to_owned(),
            phone: "03-0000-0000".to_owned(),
            postal_code: domain::addresses::PostalCode::parse("1028688").unwrap(),
            address: "千代田区九段南1-2-1".to_owned(),
        };
        let city = MunicipalityCode::parse("131016").unwrap();
        let head = Letterhead::of(city, "健康課", Some(said));
        assert_eq!(head.mayor, "千代田区長　見本　花子");
        assert_eq!(head.sender.desk, "健康推進課　電話 03-0000-0000");
        let back = head.sender.return_to.unwrap();
        assert_eq!(back, "〒102-8688 千代田区九段南1-2-1");
        assert_eq!(bare().mayor, "千代田区長");
    }
}
