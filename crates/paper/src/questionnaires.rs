//! The questionnaire (予診票): with the coupon printed on it (接種券一体型予診票), or blank.
//!
//! ```text
//! ▓▓▓ title              ┌ coupon 63 × 34, or
//! QR  address, kana,     │ the place to
//! ▓▓▓ name, telephone    └ stick it on
//! birth date, sex, temperature
//! question            | はい いいえ | doctor
//! …
//! the doctor's judgement
//! the person's consent, signature
//! seal of the vial | amount | venue, doctor, date
//! ```
//!
//! The code at the left carries the draft of the dose ([`Draft`]), so that what was done on paper is
//! scanned, not keyed.

use std::fmt;

use domain::calendar::Day;
use domain::coupons::{Coupon, CouponKind};
use domain::drafts::Draft;
use domain::questionnaires::{Question, questions};
use domain::vaccines::Vaccines;

use crate::PaperRefusal;
use crate::coupons::{HEIGHT_MM, WIDTH_MM, coupon_layout};
use crate::envelopes::{Envelope, Sender, cover};
use crate::fonts::Face;
use crate::forms::{
    A4_HEIGHT_MM, A4_INNER_MM, A4_WIDTH_MM, FILLED, LABEL, MARGIN_MM, NOTE, TEXT, TITLE, height_mm,
};
use crate::layout::{Align, Area, Ink, Layout, Style};
use crate::persons::{Person, Residence, sex_boxes};
use crate::symbols::draft_bars;

/// One questionnaire.
#[derive(Clone, PartialEq, Eq)]
pub struct Questionnaire {
    /// The city that prints it.
    pub sender: Sender,
    /// Which form: the questions are those of this day.
    pub form_of: Day,
    /// For whom; `None` leaves it to be filled in by hand.
    pub person: Option<Person>,
    /// Printed on the form; `None` leaves the place to stick one on.
    pub coupon: Option<Coupon>,
    /// What the form's QR code carries; none without one.
    pub draft: Option<Draft>,
    /// 会場名, where it is known already.
    pub venue_name: Option<String>,
}

impl Questionnaire {
    /// A blank form whose code carries a draft.
    #[must_use]
    pub fn blank(sender: Sender, form_of: Day, draft: Draft, venue_name: Option<String>) -> Self {
        Self {
            sender,
            form_of,
            person: None,
            coupon: None,
            draft: Some(draft),
            venue_name,
        }
    }

    /// Whether it is for a protected person (支援措置).
    pub(crate) fn is_protected(&self) -> bool {
        let residence = self.person.as_ref().map(|person| &person.residence);
        residence == Some(&Residence::Protected)
    }

    /// The same form to be filled in by hand; its draft stays.
    pub(crate) fn without_person(&self) -> Self {
        Self {
            person: None,
            coupon: None,
            ..self.clone()
        }
    }

    /// The form as a page.
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        let mut page = Layout::a4();
        self.write_head(&mut page)?;
        write_birth(&mut page, self.person.as_ref());
        write_questions(&mut page, &questions(self.form_of))?;
        write_judgement(&mut page);
        write_consent(&mut page);
        self.write_dose(&mut page);
        self.write_foot(&mut page);
        page.finish()
    }

    /// The page that shows the address, then the form.
    pub(crate) fn mailing(&self, envelope: &Envelope) -> Result<Vec<Layout>, PaperRefusal> {
        let form = self.layout()?;
        let Some(person) = &self.person else {
            return Ok(vec![form]);
        };
        let heading = "新型コロナワクチン接種 予診票(接種券一体型)";
        let enclosed = [
            "この用紙の次に、接種券が印刷された予診票が入っています。切り離さずにお持ちください。",
            "接種の前に、予診票の太枠の中をご自宅で記入し、本人確認ができるもの(マイナンバーカード、運転免許証など)とともに会場へお持ちください。",
            "接種の費用はかかりません。接種は、ご本人(16歳未満の方は保護者)の同意がある場合に限り行われます。",
            "届いた後に転出された方、すでに接種を受けられた方は、この予診票を使わずにお問い合わせください。",
            "This envelope holds your vaccination questionnaire with the coupon printed on it. Fill it in at home and bring it with an identification document. Vaccination is free of charge and only with your consent.",
        ];
        let page = cover(&self.sender, person, envelope, heading, &enclosed)?;
        Ok(vec![page, form])
    }

    fn write_head(&self, page: &mut Layout) -> Result<(), PaperRefusal> {
        let left_mm = match &self.draft {
            None => MARGIN_MM,
            Some(draft) => write_draft(page, draft)?,
        };
        let width_mm = COUPON.x_mm - COUPON_CLEAR_MM - left_mm;
        let title = match &self.coupon {
            Some(coupon) if coupon.kind == CouponKind::InterviewOnly => {
                "新型コロナワクチン接種の予診票(予診のみ)"
            }
            _ => "新型コロナワクチン接種の予診票",
        };
        page.line("title", title, TITLE, [left_mm, 12.6, width_mm]);
        let note =
            "※太枠の中を、ボールペンで強くはっきりと記入し、当てはまる□に✓を入れてください。";
        page.line("note", note, NOTE, [left_mm, 16.4, width_mm]);
        let heights_mm = [9.0, 4.5, 9.5];
        let table = Area::new(left_mm, 18.0, width_mm, heights_mm.iter().sum());
        let [address, kana, name] = table.rows(heights_mm);
        let person = self.person.as_ref();
        let written = |text: fn(&Person) -> String| person.map(text).unwrap_or_default();
        let residence = written(|person| person.residence.in_one_line());
        page.field("address", "住民票の\n住所", &residence, address, LABEL_MM);
        let kana_text = written(|person| person.kana.clone());
        page.field("kana", "フリガナ", &kana_text, kana, LABEL_MM);
        let [name, phone] = name.columns([width_mm - PHONE_MM, PHONE_MM]);
        let name_text = written(|person| person.name.clone());
        page.field("name", "氏　名", &name_text, name, LABEL_MM);
        page.field("phone", "電話", "", phone, 8.0);
        thick(page, table);
        self.write_coupon(page)
    }

    /// The coupon itself, or where it is stuck on.
    fn write_coupon(&self, page: &mut Layout) -> Result<(), PaperRefusal> {
        let Some(coupon) = &self.coupon else {
            page.fill("coupon place", Ink::Grey, corners(COUPON));
            let hint = Style {
                align: Align::Center,
                ..NOTE
            };
            page.cell("note", "接種券(シール)をここに貼ってください", hint, COUPON);
            return Ok(());
        };
        if coupon.municipality != self.sender.city_code {
            return Err(PaperRefusal::OtherCity { position: 1 });
        }
        let name = self.person.as_ref().map_or("", |person| &person.name);
        let seal = coupon_layout(coupon, &self.sender.city_name, name)?;
        page.place(seal, COUPON.x_mm, COUPON.y_mm);
        Ok(())
    }

    /// What the venue fills in: the vial's seal, the amount, where, who and when.
    fn write_dose(&self, page: &mut Layout) {
        let draft = self.draft.as_ref();
        let [label, body] = DOSE.rows([LABEL_ROW_MM, DOSE.height_mm - LABEL_ROW_MM]);
        let widths_mm = [58.0, 30.0, A4_INNER_MM - 88.0];
        for (text, area) in [
            "ワクチン名・ロット番号",
            "接種量",
            "実施場所・医師名・接種年月日",
        ]
        .into_iter()
        .zip(label.columns(widths_mm))
        {
            page.label(text, area);
        }
        let [seal, amount, place] = body.columns(widths_mm);
        for area in [seal, amount, place] {
            page.frame(area);
        }
        let [hint, product, lot] = seal.inset(1.0, 0.5).rows([5.0, 12.0, 12.0]);
        page.paragraph(
            "note",
            "シール貼付位置(枠に合わせてまっすぐに貼付)",
            NOTE,
            hint,
        );
        let planned = |text: Option<&str>| text.map(str::to_owned).unwrap_or_default();
        let name = draft
            .and_then(|draft| draft.product.as_ref())
            .and_then(|key| Vaccines::bundled().find(key.as_str()))
            .map(|product| product.name_ja.as_str());
        page.cell("product", &planned(name), FILLED, product);
        let number = draft.and_then(|draft| draft.lot.as_ref());
        page.cell("lot", &planned(number.map(|lot| lot.as_str())), FILLED, lot);
        page.cell("note", "(　　　)mL", UNIT, amount);
        let third_mm = body.height_mm / 4.0;
        let [venue, code, doctor, day] = place.rows([third_mm, third_mm, third_mm, third_mm]);
        page.field(
            "venue",
            "実施場所",
            self.venue_name.as_deref().unwrap_or_default(),
            venue,
            LABEL_MM,
        );
        let facility = draft.and_then(|draft| draft.venue.as_ref());
        page.field(
            "venue code",
            "医療機関等\nコード",
            facility.map_or("", |venue| venue.as_str()),
            code,
            LABEL_MM,
        );
        page.field("doctor", "医師名", "", doctor, LABEL_MM);
        let on = draft.and_then(|draft| draft.on);
        let on = on.map_or_else(|| "　　　　年　　月　　日".to_owned(), Day::japanese);
        page.field("day", "接種日", &on, day, LABEL_MM);
    }

    fn write_foot(&self, page: &mut Layout) {
        let foot = format!(
            "{}(市町村コード {})　様式 {}　{}",
            self.sender.full_name(),
            self.sender.city_code.as_str(),
            self.form_of,
            self.sender.desk
        );
        page.line(
            "foot",
            &foot,
            NOTE,
            [MARGIN_MM, A4_HEIGHT_MM - 8.0, A4_INNER_MM],
        );
    }
}

impl fmt::Debug for Questionnaire {
    /// The city and the form; nothing of the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questionnaire")
            .field("city_code", &self.sender.city_code)
            .field("form_of", &self.form_of)
            .finish_non_exhaustive()
    }
}

/// The coupon's place at the upper right, as on the ministry's form.
const COUPON: Area = Area::new(A4_WIDTH_MM - 8.0 - WIDTH_MM, 8.0, WIDTH_MM, HEIGHT_MM);
/// No rule comes nearer to the coupon (TB/130 asks for 1 mm inside and no dark rules around).
const COUPON_CLEAR_MM: f32 = 2.5;
/// The draft's code, with four modules of quiet around even when it is a small one.
const DRAFT: Area = Area::new(MARGIN_MM + 1.5, 9.5, 22.0, 22.0);
const DRAFT_QUIET_MM: f32 = 3.0;
const LABEL_MM: f32 = 16.0;
const LABEL_ROW_MM: f32 = 4.5;
const PHONE_MM: f32 = 42.0;

const BIRTH: Area = Area::new(MARGIN_MM, 44.5, A4_INNER_MM, 7.5);
const QUESTIONS_TOP_MM: f32 = 53.0;
const JUDGEMENT: Area = Area::new(MARGIN_MM, 189.5, A4_INNER_MM, 20.0);
const CONSENT: Area = Area::new(MARGIN_MM, 211.0, A4_INNER_MM, 35.0);
const DOSE: Area = Area::new(MARGIN_MM, 247.5, A4_INNER_MM, 37.0);
/// Question, answer, for the doctor.
const COLUMNS_MM: [f32; 3] = [132.0, 27.0, A4_INNER_MM - 159.0];
/// Frames of what the person fills in are thicker (太枠).
const THICK_MM: f32 = 0.5;

const QUESTION: Style = Style {
    size_pt: 8.0,
    size_min_pt: 7.0,
    ..TEXT
};
const ENGLISH: Style = Style {
    size_pt: 5.5,
    size_min_pt: 5.0,
    ..NOTE
};
const DETAIL: Style = Style {
    size_pt: 7.0,
    size_min_pt: 6.0,
    ..TEXT
};
const ANSWER: Style = Style {
    size_pt: 8.5,
    align: Align::Center,
    ..TEXT
};
const UNIT: Style = Style {
    size_pt: 10.0,
    ..ANSWER
};

/// The draft's code and the form's number below it; the left edge of what stands beside.
fn write_draft(page: &mut Layout, draft: &Draft) -> Result<f32, PaperRefusal> {
    let bars = draft_bars(&draft.text(), DRAFT).ok_or(PaperRefusal::TooLong {
        parts: vec!["draft"],
    })?;
    page.fill("draft", Ink::Black, bars);
    let number = draft.form.simple().to_string().to_uppercase();
    let (first, rest) = number.split_at(16);
    let below = Area::new(
        DRAFT.x_mm,
        DRAFT.bottom_mm() + DRAFT_QUIET_MM,
        DRAFT.width_mm,
        5.5,
    );
    // Digits of one width: whether a number has a place must not hang on which it is.
    let small = Style {
        face: Face::Gothic,
        align: Align::Center,
        ..ENGLISH
    };
    page.paragraph("form number", &format!("{first}\n{rest}"), small, below);
    Ok(DRAFT.right_mm() + DRAFT_QUIET_MM)
}

/// Corners only: a frame would be a dark rule around the coupon.
fn corners(area: Area) -> Vec<Area> {
    const ARM_MM: f32 = 4.0;
    let hair = Area::HAIRLINE_MM;
    let mut arms = Vec::new();
    for y_mm in [area.y_mm, area.bottom_mm() - hair] {
        arms.push(Area::horizontal(area.x_mm, y_mm, ARM_MM));
        arms.push(Area::horizontal(area.right_mm() - ARM_MM, y_mm, ARM_MM));
    }
    for x_mm in [area.x_mm, area.right_mm() - hair] {
        arms.push(Area::vertical(x_mm, area.y_mm, ARM_MM));
        arms.push(Area::vertical(x_mm, area.bottom_mm() - ARM_MM, ARM_MM));
    }
    arms
}

fn thick(page: &mut Layout, area: Area) {
    let sides = vec![
        Area::new(area.x_mm, area.y_mm, area.width_mm, THICK_MM),
        Area::new(
            area.x_mm,
            area.bottom_mm() - THICK_MM,
            area.width_mm,
            THICK_MM,
        ),
        Area::new(area.x_mm, area.y_mm, THICK_MM, area.height_mm),
        Area::new(
            area.right_mm() - THICK_MM,
            area.y_mm,
            THICK_MM,
            area.height_mm,
        ),
    ];
    page.fill("thick frame", Ink::Black, sides);
}

fn write_birth(page: &mut Layout, person: Option<&Person>) {
    let [birth, sex, temperature] = BIRTH.columns([98.0, 42.0, A4_INNER_MM - 140.0]);
    let text = match person {
        Some(person) => format!("{}生(満　　　歳)", person.birth.japanese()),
        None => "(西暦)　　　　年　　月　　日生(満　　　歳)".to_owned(),
    };
    page.field("birth", "生年月日", &text, birth, LABEL_MM);
    let boxes = sex_boxes(person.map(|person| person.sex));
    page.field("sex", "性別", boxes, sex, 12.0);
    page.field(
        "temperature",
        "診察前の体温",
        "　　　度　　分",
        temperature,
        22.0,
    );
    thick(page, BIRTH);
}

/// The questions share the room between the head and the doctor's part, each by its length.
fn write_questions(page: &mut Layout, asked: &[&Question]) -> Result<(), PaperRefusal> {
    if asked.is_empty() {
        return Err(PaperRefusal::Count {
            part: "questions",
            got: 0,
            most: QUESTIONS_MAX,
        });
    }
    let head = Area::new(MARGIN_MM, QUESTIONS_TOP_MM, A4_INNER_MM, LABEL_ROW_MM);
    for (text, area) in ["質問事項", "回答欄", "医師記入欄"]
        .into_iter()
        .zip(head.columns(COLUMNS_MM))
    {
        page.label(text, area);
    }
    let bottom_mm = JUDGEMENT.y_mm - 1.5;
    let heights_mm: Vec<f32> = asked.iter().map(|question| needed_mm(question)).collect();
    let room_mm = bottom_mm - head.bottom_mm() - heights_mm.iter().sum::<f32>();
    if room_mm < 0.0 {
        page.refuse_too_long("questions");
        return Ok(());
    }
    let more_mm = room_mm / asked.len() as f32;
    let mut y_mm = head.bottom_mm();
    for (question, height_mm) in asked.iter().zip(&heights_mm) {
        let row = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, height_mm + more_mm);
        write_question(page, question, row);
        y_mm = row.bottom_mm();
    }
    let [left, middle, _] = COLUMNS_MM;
    let filled = Area::new(MARGIN_MM, head.y_mm, left + middle, y_mm - head.y_mm);
    thick(page, filled);
    Ok(())
}

/// More than any form of the ministry ever asked.
const QUESTIONS_MAX: usize = 16;
/// Left and right of a question's text.
const QUESTION_INSET_MM: f32 = 1.5;

/// What a question needs above and below.
const QUESTION_AIR_MM: f32 = 0.8;

fn needed_mm(question: &Question) -> f32 {
    let [width_mm, ..] = COLUMNS_MM;
    let width_mm = width_mm - 2.0 * QUESTION_INSET_MM;
    height_mm(&question.text_ja, QUESTION, width_mm)
        + height_mm(&question.text_en, ENGLISH, width_mm)
        + height_mm(&question.detail_ja, DETAIL, width_mm)
        + QUESTION_AIR_MM
}

fn write_question(page: &mut Layout, question: &Question, row: Area) {
    let [text, answer, doctor] = row.columns(COLUMNS_MM);
    for area in [text, answer, doctor] {
        page.frame(area);
    }
    let inner = text.inset(QUESTION_INSET_MM, 0.0);
    let heights_mm = [
        height_mm(&question.text_ja, QUESTION, inner.width_mm),
        height_mm(&question.text_en, ENGLISH, inner.width_mm),
        height_mm(&question.detail_ja, DETAIL, inner.width_mm),
    ];
    let spare_mm = (row.height_mm - heights_mm.iter().sum::<f32>()).max(0.0);
    let stack = Area {
        y_mm: inner.y_mm + spare_mm / 2.0,
        ..inner
    };
    let [japanese, english, more] = stack.rows(heights_mm);
    page.paragraph("question", &question.text_ja, QUESTION, japanese);
    page.paragraph("question", &question.text_en, ENGLISH, english);
    page.paragraph("question", &question.detail_ja, DETAIL, more);
    page.cell("answer", "□はい　□いいえ", ANSWER, answer);
}

fn write_judgement(page: &mut Layout) {
    page.frame(JUDGEMENT);
    let [label, body] = JUDGEMENT.columns([LABEL_MM, A4_INNER_MM - LABEL_MM]);
    page.label("医師\n記入欄", label);
    let [text, sign] = body.columns([112.0, body.width_mm - 112.0]);
    let [judged, marks] = text.inset(2.0, 1.0).rows([11.5, 6.5]);
    page.paragraph(
        "judgement",
        "以上の問診及び診察の結果、今日の接種は(□可能　□見合わせる)。\n本人に対して、接種の効果、副反応及び予防接種健康被害救済制度について、説明した。",
        QUESTION,
        judged,
    );
    page.cell(
        "judgement",
        "□時間外　□休日　□6歳未満(加算)　□予診のみで終了",
        LEFT,
        marks,
    );
    page.frame(sign);
    let [hint, _] = sign.inset(1.5, 0.8).rows([5.0, 12.0]);
    page.paragraph("judgement", "医師署名又は記名押印", NOTE, hint);
}

const LEFT: Style = Style {
    align: Align::Left,
    ..QUESTION
};

/// The name is printed above and never here: a signature is the person's own.
fn write_consent(page: &mut Layout) {
    thick(page, CONSENT);
    let [title, text, choice, sign] = CONSENT.inset(3.0, 1.2).rows([5.5, 12.0, 6.0, 9.0]);
    page.cell(
        "consent",
        "新型コロナワクチン接種希望書",
        CONSENT_TITLE,
        title,
    );
    page.paragraph(
        "consent",
        "医師の診察・説明を受け、接種の効果や副反応などについて理解した上で、接種を希望しますか。\nこの予診票は、接種の安全性の確保を目的としています。このことを理解の上、本予診票が市町村、国民健康保険中央会及び国民健康保険団体連合会に提出されることに同意します。",
        QUESTION,
        text,
    );
    page.cell(
        "consent",
        "(　□接種を希望します　　□接種を希望しません　)",
        ANSWER,
        choice,
    );
    let [date, signature] = sign.columns([50.0, sign.width_mm - 50.0]);
    page.cell("consent", "　　　　年　　月　　日", LEFT, date);
    let [who, line] = signature.columns([36.0, signature.width_mm - 36.0]);
    page.cell("consent", "被接種者又は保護者自署", LABEL, who);
    page.fill(
        "rule",
        Ink::Black,
        vec![Area::horizontal(
            line.x_mm,
            line.bottom_mm() - 3.6,
            line.width_mm,
        )],
    );
    let note = Area::new(line.x_mm, line.bottom_mm() - 3.2, line.width_mm, 3.2);
    page.paragraph(
        "note",
        "16歳未満は保護者が署名。自署できない場合は代筆者の氏名と続柄を添える。",
        ENGLISH,
        note,
    );
}

const CONSENT_TITLE: Style = Style {
    size_pt: 9.5,
    ..ANSWER
};

#[cfg(test)]
mod tests {
    use domain::drafts::Draft;

    use super::*;
    use crate::samples;

    fn codes(layout: Result<Layout, PaperRefusal>) -> Option<&'static str> {
        layout.err().map(|refusal| refusal.code())
    }

    #[test]
    fn nothing_of_the_form_comes_near_the_coupon() {
        let form = Questionnaire {
            draft: Some(samples::draft()),
            ..samples::questionnaire()
        };
        let page = form.layout().unwrap();
        let seal = [
            "title",
            "turn",
            "issuer",
            "city code",
            "number",
            "name",
            "barcode",
            "line",
            "qr",
        ];
        let clear = COUPON.grown(COUPON_CLEAR_MM - 0.5);
        for mark in &page.marks {
            let ink = mark.extent();
            let is_near = ink.is_some_and(|ink| ink.touches(&clear) && !COUPON.holds(&ink));
            assert!(!is_near, "{} {ink:?}", mark.part);
        }
        let on_coupon = |part: &&&str| {
            page.parts(part)
                .any(|mark| mark.extent().is_some_and(|ink| COUPON.holds(&ink)))
        };
        assert_eq!(seal.iter().filter(on_coupon).count(), seal.len());
    }

    #[test]
    fn the_drafts_code_has_its_quiet_zone() {
        let page = samples::blank().layout().unwrap();
        let code = page.parts("draft").next().unwrap().extent().unwrap();
        let version_1_modules = 21.0;
        for mark in page.marks.iter().filter(|mark| mark.part != "draft") {
            // Four modules of the code that is printed: it has at least twice as many as version 1.
            let quiet = code.grown(4.0 * code.width_mm / (2.0 * version_1_modules - 1.0));
            assert!(
                mark.extent().is_none_or(|ink| !ink.touches(&quiet)),
                "{}",
                mark.part
            );
        }
    }

    #[test]
    fn every_number_of_a_form_fits() {
        for digit in 0..16_u128 {
            let mut draft = samples::draft();
            draft.form = uuid::Uuid::from_u128(digit * (u128::MAX / 15));
            let form = Questionnaire {
                draft: Some(draft),
                ..samples::questionnaire()
            };
            assert_eq!(codes(form.layout()), None, "{digit:X}");
        }
    }

    #[test]
    fn every_form_and_every_product_fits() {
        for form_of in ["2021-02-17", "2022-05-24", "2022-05-25", "2024-03-31"] {
            for product in Vaccines::bundled().all() {
                let form = Questionnaire {
                    form_of: samples::day(form_of),
                    draft: Some(Draft {
                        product: Some(product.key.clone()),
                        ..samples::draft()
                    }),
                    ..samples::questionnaire()
                };
                assert_eq!(codes(form.layout()), None, "{form_of} {}", product.key);
            }
        }
    }

    #[test]
    fn a_form_of_a_day_without_questions_is_refused() {
        let form = Questionnaire {
            form_of: samples::day("2020-12-31"),
            ..samples::questionnaire()
        };
        assert_eq!(codes(form.layout()), Some("paper_count"));
    }

    #[test]
    fn another_citys_coupon_is_not_printed() {
        let form = Questionnaire {
            coupon: Some(samples::coupon("210110020000000001")),
            ..samples::questionnaire()
        };
        assert_eq!(codes(form.layout()), Some("paper_other_city"));
    }

    #[test]
    fn a_form_for_nobody_has_no_page_for_the_window() {
        let pages = samples::blank().mailing(&Envelope::LONG_3).unwrap();
        assert_eq!(pages.len(), 1);
    }
}
