//! Papers to try: a person with a long address, one that is protected, a form of every kind.

use domain::adverse_reactions::*;
use domain::calendar::{Day, Instant};
use domain::contracts::Act;
use domain::coupons::{Coupon, CouponLine};
use domain::drafts::Draft;
use domain::findings::{Finding, FindingCode};
use domain::mistakes::MistakeDraft;
use domain::people::{BirthDate, Sex};
use domain::places::MunicipalityCode;
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use paper::*;

pub const LINE: &str = "211310160000012345";

pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

pub fn coupon(line: &str) -> Coupon {
    CouponLine::parse(line).unwrap().coupon().unwrap()
}

pub fn sender() -> Sender {
    Sender {
        city_name: "千代田区".to_owned(),
        city_code: MunicipalityCode::parse("131016").unwrap(),
        desk: "健康推進課 予防接種係 電話 03-0000-0000(平日 8時30分〜17時)".to_owned(),
        return_to: None,
    }
}

pub fn person() -> Person {
    Person {
        name: "厚生　太郎".to_owned(),
        kana: "コウセイ タロウ".to_owned(),
        birth: BirthDate::parse("1946-05-03").unwrap(),
        sex: Sex::Male,
        residence: Residence::At(address()),
    }
}

pub fn address() -> Address {
    Address {
        postal_code: Some("102-8688".to_owned()),
        lines: vec![
            "東京都千代田区九段南一丁目2番1号".to_owned(),
            "千代田マンション101号室".to_owned(),
        ],
    }
}

/// Every kind of paper, each of this person, with a name for files.
pub fn every_paper(person: &Person) -> Vec<(&'static str, Paper)> {
    let is_protected = person.residence == Residence::Protected;
    let questionnaire = Questionnaire {
        person: Some(person.clone()),
        ..questionnaire()
    };
    vec![
        ("coupons", Paper::Coupons(coupons(person))),
        ("questionnaire", Paper::Questionnaire(questionnaire.clone())),
        (
            "mailed",
            Paper::MailedQuestionnaire(questionnaire, Envelope::DL),
        ),
        (
            "seals",
            Paper::Seals(SealSheet {
                person: person.clone(),
                ..seals()
            }),
        ),
        (
            "certificate",
            Paper::Certificate(Certificate {
                person: person.clone(),
                ..certificate(false)
            }),
        ),
        (
            "travel",
            Paper::Certificate(Certificate {
                person: person.clone(),
                ..certificate(true)
            }),
        ),
        (
            "disclosure",
            Paper::Disclosure(Disclosure {
                person: person.clone(),
                ..disclosure()
            }),
        ),
        ("access_log", Paper::AccessLog(access_log(70))),
        ("roster", Paper::Roster(roster(60))),
        (
            "adverse_reaction",
            Paper::AdverseReaction(adverse_reaction(is_protected)),
        ),
        ("mistake", Paper::Mistake(mistake())),
        ("mandate", Paper::Mandate(mandate())),
        ("handover", Paper::Handover(handover(false))),
        ("handover_again", Paper::Handover(handover(true))),
        (
            "transfer_book",
            Paper::TransferBook(transfer_book(BookReader::Giver)),
        ),
        (
            "transfer_report",
            Paper::TransferBook(transfer_book(BookReader::Prefecture("東京都".to_owned()))),
        ),
    ]
}

/// A sheet of coupons as the city makes it out of a person: the address only where it may be told.
pub fn coupons(person: &Person) -> CouponSheet {
    let address = match &person.residence {
        Residence::At(address) => address.clone(),
        Residence::Protected | Residence::Blank => Address {
            postal_code: None,
            lines: Vec::new(),
        },
    };
    CouponSheet {
        city_name: sender().city_name,
        city_code: sender().city_code,
        recipient_name: person.name.clone(),
        postal_code: address.postal_code,
        address_lines: address.lines,
        coupons: vec![coupon(LINE)],
    }
}

pub fn draft() -> Draft {
    Draft {
        form: uuid::Uuid::from_u128(0x0197_e5f0_0000_7000_8000_0000_0000_002a),
        city: sender().city_code,
        coupon: CouponLine::parse(LINE).ok(),
        venue: FacilityCode::parse("1391000013").ok(),
        on: Day::parse("2021-06-12"),
        product: ProductKey::parse("comirnaty_12_mono"),
        lot: Lot::parse("EY0573").ok(),
    }
}

pub fn questionnaire() -> Questionnaire {
    Questionnaire {
        sender: sender(),
        form_of: day("2021-12-01"),
        person: Some(person()),
        coupon: Some(coupon(LINE)),
        draft: None,
        venue_name: None,
    }
}

pub fn blank() -> Questionnaire {
    Questionnaire::blank(
        sender(),
        day("2022-05-25"),
        draft(),
        Some("千代田区役所 集団接種会場".to_owned()),
    )
}

pub fn seals() -> SealSheet {
    SealSheet {
        sender: sender(),
        person: person(),
        number: coupon(LINE).number,
        turns: vec![1, 2],
        envelope: paper::Envelope::LONG_3,
        mayor: "千代田区長　千代田　花子".to_owned(),
    }
}

pub fn certificate(travel: bool) -> Certificate {
    let dose = |turn, on, lot: &str| CertifiedDose {
        turn,
        given_on: day(on),
        country: "JPN".to_owned(),
        maker: Some("ファイザー".to_owned()),
        product_ja: Some("コミナティ".to_owned()),
        product_en: Some("Pfizer/BioNTech COMIRNATY".to_owned()),
        lot: Some(lot.to_owned()),
        receipt: (!travel).then(|| PrintedReceipt {
            number: "16A5-00000-2ZRC0-1K7QM".to_owned(),
            address: "https://sesshu.example.org/receipts/16A5-00000-2ZRC0-1K7QM".to_owned(),
        }),
    };
    Certificate {
        sender: sender(),
        mayor: "千代田区長　千代田　花子".to_owned(),
        issued_on: day("2021-07-26"),
        id: "JPN131016202107260001".to_owned(),
        person: person(),
        travel: travel.then(|| Travel {
            romaji: "KOSEI TARO".to_owned(),
            passport: "TK0000000".to_owned(),
            nationality: "JPN".to_owned(),
            authority: "Mayor of Chiyoda City".to_owned(),
        }),
        doses: vec![
            dose(1, "2021-06-12", "EY0573"),
            dose(2, "2021-07-03", "FA7812"),
        ],
    }
}

pub fn disclosure() -> Disclosure {
    let dose = |turn, on, note: &str| DisclosedDose {
        turn: Some(turn),
        given_on: day(on),
        product: "コミナティ(12歳以上・従来株)".to_owned(),
        lot: "EY0573".to_owned(),
        venue: "千代田区役所 集団接種会場".to_owned(),
        doctor: "山田　一郎".to_owned(),
        city: sender().city_code,
        note: note.to_owned(),
    };
    Disclosure {
        sender: sender(),
        on: day("2021-12-01"),
        person: person(),
        numbers: vec![coupon(LINE).number],
        has_individual_number: true,
        doses: vec![dose(1, "2021-06-12", ""), dose(2, "2021-07-03", "確定")],
    }
}

pub fn access_log(looks: usize) -> AccessLog {
    let look = |minute| Look {
        at: Instant::parse(&format!("2021-07-10T15:{:02}:05+09:00", minute % 60)).unwrap(),
        organisation: "千代田区".to_owned(),
        by: "健康推進課".to_owned(),
        view: "接種記録の詳細".to_owned(),
        purpose: "本人からの電話による問い合わせ(次回の接種日の確認)".to_owned(),
    };
    AccessLog {
        sender: sender(),
        on: day("2021-12-01"),
        name: person().name,
        period: (day("2021-04-01"), day("2021-11-30")),
        looks: (0..looks).map(look).collect(),
    }
}

fn party(name: &str, code: &str) -> Party {
    Party {
        name: name.to_owned(),
        code: code.to_owned(),
    }
}

fn transferred(is_again: bool) -> Transferred {
    let at = |text| Instant::parse(text).unwrap();
    let came = Came {
        from: party("基本病院", "1310000015"),
        at: at("2021-05-30T16:00:00+09:00"),
        vials: 30,
    };
    Transferred {
        at: at("2021-06-01T11:00:00+09:00"),
        from: party("千代田見本病院", "1391000013"),
        to: party("神田見本クリニック", "1319999999"),
        product: "コミナティ(12歳以上・従来株)".to_owned(),
        lot: "EY0573".to_owned(),
        last_day: Some(day("2021-09-30")),
        sent: Some(6),
        taken: None,
        is_thawed: true,
        left_freezer: Some(at("2021-06-01T09:00:00+09:00")),
        use_by: Some(at("2021-07-02T09:00:00+09:00")),
        note: "保冷バッグで搬送".to_owned(),
        came: is_again.then_some(came).into_iter().collect(),
    }
}

pub fn handover(is_again: bool) -> Handover {
    Handover {
        on: day("2021-06-01"),
        of: transferred(is_again),
    }
}

pub fn transfer_book(reader: BookReader) -> TransferBook {
    let is_again = reader != BookReader::Giver;
    TransferBook {
        on: day("2021-06-02"),
        giver: party("千代田見本病院", "1391000013"),
        reader,
        rows: vec![transferred(is_again), transferred(is_again)],
    }
}

pub fn roster(people: usize) -> Roster {
    let expected = |index: usize| Expected {
        time: format!("{:02}:{:02}", 9 + index / 12, index % 12 * 5),
        coupon: CouponLine::parse(&format!("21131016{:010}", 12_345 + index)).unwrap(),
        turn: Some(1),
        who: match index % 5 {
            3 => Who::Protected,
            _ => Who::Named {
                name: if index % 5 == 4 {
                    "𠮷田　花子"
                } else {
                    "厚生　太郎"
                }
                .to_owned(),
                kana: "コウセイ タロウ".to_owned(),
                birth: person().birth,
            },
        },
        note: "コミナティ".to_owned(),
    };
    Roster {
        sender: sender(),
        venue_name: "千代田区役所 集団接種会場".to_owned(),
        venue: FacilityCode::parse("1391000013").ok(),
        on: day("2021-06-12"),
        as_of: Instant::parse("2021-06-11T20:00:00+09:00").unwrap(),
        expected: (0..people).map(expected).collect(),
    }
}

pub fn pack() -> Pack {
    let numbered = |form: u128| Draft {
        form: uuid::Uuid::from_u128(0x0197_e5f0_0000_7000_8000_0000_0000_0000 + form),
        ..draft()
    };
    let for_person = |form, person: Person| Questionnaire {
        person: Some(person),
        draft: Some(numbered(form)),
        ..questionnaire()
    };
    let named = |name: &str| Person {
        name: name.to_owned(),
        ..person()
    };
    let protected = Person {
        residence: Residence::Protected,
        ..named("秘匿　花子")
    };
    Pack {
        roster: roster(3),
        forms: vec![
            for_person(1, named("厚生　太郎")),
            for_person(2, named("𠮷田　花子")),
            for_person(3, protected),
            Questionnaire::blank(sender(), day("2022-05-25"), numbered(4), None),
        ],
    }
}

pub fn adverse_reaction(is_protected: bool) -> AdverseReactionReport {
    let vaccine = GivenVaccine {
        product: "コミナティ(12歳以上・従来株)".to_owned(),
        lot: "EY0573".to_owned(),
        maker: "ファイザー".to_owned(),
        turn: 1,
        given_on: day("2021-06-12"),
        given_at: TimeOfDay::parse("10:30"),
    };
    let report = Report {
        number: "2021-0001".to_owned(),
        reported_on: day("2021-06-13"),
        is_public: true,
        patient: Patient {
            name: "厚生　花子".to_owned(),
            kana: "コウセイ ハナコ".to_owned(),
            sex: Sex::Female,
            address: "東京都千代田区九段南一丁目2番1号".to_owned(),
            birth: person().birth,
            age_months: 75 * 12 + 1,
        },
        reporter: Reporter {
            role: ReporterRole::TreatingDoctor,
            name: "山田　一郎".to_owned(),
            phone: "03-0000-0000".to_owned(),
            institution: "千代田病院".to_owned(),
            address: "東京都千代田区霞が関一丁目".to_owned(),
        },
        place_name: "千代田区役所 集団接種会場".to_owned(),
        place_address: "東京都千代田区霞が関一丁目".to_owned(),
        vaccines: vec![vaccine],
        background: Background {
            temperature_tenths: Some(365),
            to_note: Some("卵アレルギー".to_owned()),
            ..Background::default()
        },
        event: Event {
            symptoms: "アナフィラキシー".to_owned(),
            began_on: day("2021-06-12"),
            began_at: TimeOfDay::parse("10:45"),
            causality: Causality::Related,
            other_cause: None,
            summary: "接種の15分後から全身にじんましん、呼吸困難が現れた。アドレナリンを筋肉注射し、救急搬送した。".to_owned(),
            gravity: Some(Gravity::Hospital),
            hospital: "千代田病院".to_owned(),
            admitted_on: Some(day("2021-06-12")),
            discharged_on: None,
            outcome: Outcome::Improving,
            outcome_on: Some(day("2021-06-13")),
        },
    };
    AdverseReactionReport {
        report,
        is_protected,
    }
}

pub fn mistake() -> MistakeReport {
    let findings = [Finding::with(FindingCode::TooSoon, day("2021-07-01"))];
    MistakeReport {
        sender: sender(),
        number: "2021-0007".to_owned(),
        reported_on: day("2021-07-05"),
        draft: MistakeDraft::of(day("2021-06-28"), &findings, day("2021-07-02")).unwrap(),
        venue_name: "千代田区役所 集団接種会場".to_owned(),
        product: "コミナティ(12歳以上・従来株)".to_owned(),
        lot: "EY0573".to_owned(),
        turn: Some(2),
        age_years: Some(75),
        sex: Sex::Male,
        summary: "1回目から16日後に2回目を接種した。予約の取り直しの際に1回目の日付を確認していなかった。".to_owned(),
        cause: String::new(),
        harm: String::new(),
        explained: String::new(),
        measures: String::new(),
    }
}

pub fn mandate() -> Mandate {
    Mandate {
        number: "9A2F-41C7".to_owned(),
        association: "見本区医師会".to_owned(),
        act: Act::Join,
        made_on: day("2021-03-01"),
        from: day("2021-03-15"),
        code: "1310000015".to_owned(),
        venue: "神田見本クリニック".to_owned(),
        address: "東京都千代田区神田見本町1-1".to_owned(),
        signatory: "院長　見本 一郎".to_owned(),
    }
}
