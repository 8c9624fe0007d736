//! A file of venues (会場マスタの取込): what a line says, and what it changes of what is told of its venue.
//!
//! A line is told as if it were typed by hand: section by section, from a day on, beside what was told before. Whatever it
//! says as it stands already is not told again, and an item that the file does not have says nothing.

use std::collections::BTreeMap;

use thiserror::Error;

use super::FacilityCode;
use super::codes::{CodeHistory, CodeKind, CodeSince};
use super::hours::Hours;
use super::record::{
    AccountReference, Band, Closing, Contact, DeliveryTerms, RecordRefusal, Section, Source,
    Standing, Storage, Told, VenueType,
};
use crate::access::{OrganisationId, Place};
use crate::calendar::Day;
use crate::opening_days::Weekdays;
use crate::places::{MunicipalityCode, Places, Prefecture};

/// Closings in a file that are worth a question, however few the venues are.
const CLOSINGS_MIN: u64 = 10;
/// One venue closed of so many known ones is as many as a year may bring.
const CLOSINGS_SHARE: u64 = 20;

/// Whose venues a file is of (取込の対象地域).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The whole country.
    Nation,
    /// One prefecture.
    Prefecture(Prefecture),
    /// One municipality.
    City(MunicipalityCode),
}

impl Area {
    /// The area that a place is; venues and companies are none.
    #[must_use]
    pub fn of(place: &Place) -> Option<Self> {
        match *place {
            Place::Nation => Some(Self::Nation),
            Place::Prefecture(prefecture) => Some(Self::Prefecture(prefecture)),
            Place::City(city) => Some(Self::City(city)),
            Place::Venue { .. } | Place::Company(_) => None,
        }
    }

    /// The area as a place.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Nation => Place::Nation,
            Self::Prefecture(prefecture) => Place::Prefecture(prefecture),
            Self::City(city) => Place::City(city),
        }
    }

    /// Whether a city lies in it.
    #[must_use]
    pub fn has(self, city: MunicipalityCode) -> bool {
        match self {
            Self::Nation => true,
            Self::Prefecture(own) => city.prefecture() == Some(own),
            Self::City(own) => own == city,
        }
    }
}

/// Who supplies a venue, as a file says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supplier {
    /// Nobody (なし): it receives boxes itself.
    Nobody,
    /// The venue that has this code.
    Venue(FacilityCode),
}

/// What a line says of a venue. `None` says nothing, and what stands stays; an empty text says that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// 会場コード, from the day on.
    pub code: FacilityCode,
    /// コード区分.
    pub kind: Option<CodeKind>,
    /// 旧会場コード: the code that the venue had before this one.
    pub former: Option<FacilityCode>,
    /// 市町村コード: where the venue stands.
    pub city: MunicipalityCode,
    /// 適用開始日: from which day on the line holds.
    pub from: Day,
    /// 閉鎖日: from which day on the venue is closed.
    pub closed_from: Option<Day>,
    /// 会場名.
    pub name: String,
    /// 会場名カナ.
    pub kana: Option<String>,
    /// 施設類型.
    pub venue_type: VenueType,
    /// 住所.
    pub address: Option<String>,
    /// 電話番号.
    pub phone: Option<String>,
    /// 供給元会場コード.
    pub supplier: Option<Supplier>,
    /// What it says beyond that.
    pub sections: FileSections,
}

/// The sections that a line may be silent about: freezers, hours, booking, delivery, account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSections {
    /// 超低温冷凍庫容量, in shipping units.
    pub deep_frozen_units: Option<u32>,
    /// 冷凍庫容量, in shipping units.
    pub frozen_units: Option<u32>,
    /// 冷蔵庫容量, in shipping units.
    pub refrigerated_units: Option<u32>,
    /// 診療時間.
    pub hours: Option<Hours>,
    /// 予約電話番号.
    pub booking_phone: Option<String>,
    /// 予約URL.
    pub url: Option<String>,
    /// 予約備考.
    pub booking_remarks: Option<String>,
    /// 納品曜日.
    pub weekdays: Option<Weekdays>,
    /// 納品時間帯.
    pub band: Option<Band>,
    /// 納品日数: days of notice.
    pub lead_days: Option<u8>,
    /// 荷下ろし場所.
    pub unloading: Option<String>,
    /// 納品備考.
    pub delivery_remarks: Option<String>,
    /// 口座登録名: the word under which the federation has the account.
    pub account: Option<String>,
}

/// What is known of the venue that a line is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Its codes.
    pub codes: CodeHistory,
    /// What is told of each section, from each day on.
    pub told: BTreeMap<Section, BTreeMap<Day, Told>>,
    /// Whether the venue itself told last where its payment goes.
    pub told_its_account: bool,
}

impl Known {
    /// What holds of a section on a day.
    #[must_use]
    pub fn on(&self, section: Section, day: Day) -> Option<&Told> {
        let (_, told) = self.told.get(&section)?.range(..=day).next_back()?;
        Some(told)
    }

    fn is_told_after(&self, section: Section, day: Day) -> bool {
        let told = self.told.get(&section);
        told.is_some_and(|told| told.keys().any(|from| *from > day))
    }
}

/// Why a line is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileFault {
    /// There is no such municipality on that day.
    #[error(
        "この市町村コードの市町村はありません。合併などで変わっていないか確かめてください。/ There is no such municipality on that day. See whether it was merged or renamed."
    )]
    NoSuchCity,
    /// The venue stands outside of the area.
    #[error(
        "この地域の外の市町村です。その市町村か都道府県、または国のファイルで取り込んでください。/ This municipality lies outside of your area. It goes into the file of that city, its prefecture or the nation."
    )]
    Outside,
    /// The code is of a venue that stands elsewhere.
    #[error(
        "この会場コードは、ほかの市町村の会場のものです。市町村コードか会場コードを直してください。/ The venue that has this code stands in another municipality. Correct the municipality or the code."
    )]
    OtherCity,
    /// Another venue has the new code.
    #[error(
        "この会場コードは、その日に別の会場がもっています。会場コードか適用開始日を直してください。/ Another venue has this code at that time. Correct the code or the day."
    )]
    CodeTaken,
    /// No venue had the former code.
    #[error(
        "旧会場コードの会場がありません。新しい会場なら空にし、そうでなければ直してください。/ No venue had this former code. Leave it empty for a new venue, or correct it."
    )]
    FormerUnknown,
    /// An earlier line is about the same venue.
    #[error(
        "同じ会場の行が{first_line}行目にもあります。1つの会場は1行にしてください。/ Line {first_line} is about the same venue. Write one line for each venue."
    )]
    SameVenue {
        /// The earlier line.
        first_line: u64,
    },
    /// No venue has the supplier's code.
    #[error(
        "供給元会場コードの会場がありません。供給元の会場を先に登録するか、この行より前に書いてください。/ No venue has the supplier's code. Enter the supplier first, or write its line before this one."
    )]
    SupplierUnknown,
    /// The venue would supply itself.
    #[error(
        "{day}から、回り回って自分自身に供給することになります。供給元を直してください。/ From {day} on the venue would supply itself by way of others. Correct the supplier."
    )]
    Circle {
        /// From which day on.
        day: Day,
    },
    /// It closes before the line holds.
    #[error(
        "閉鎖日が適用開始日より前です。どちらかを直してください。/ The day of closing is before the day from which the line holds. Correct one of them."
    )]
    ClosesBefore,
    /// An item cannot be so.
    #[error(transparent)]
    Item(#[from] RecordRefusal),
}

impl FileFault {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchCity => "venue_city_unknown",
            Self::Outside => "venue_outside",
            Self::OtherCity => "venue_other_city",
            Self::CodeTaken => "venue_code_taken",
            Self::FormerUnknown => "venue_former_unknown",
            Self::SameVenue { .. } => "venue_repeated",
            Self::SupplierUnknown => "venue_supplier_unknown",
            Self::Circle { .. } => "venue_circle",
            Self::ClosesBefore => "venue_closes_before",
            Self::Item(refusal) => refusal.code(),
        }
    }

    /// The item of the file that it is about.
    #[must_use]
    pub fn column(&self) -> &'static str {
        match self {
            Self::NoSuchCity | Self::Outside | Self::OtherCity => "市町村コード",
            Self::CodeTaken | Self::SameVenue { .. } => "会場コード",
            Self::FormerUnknown => "旧会場コード",
            Self::SupplierUnknown | Self::Circle { .. } => "供給元会場コード",
            Self::ClosesBefore => "閉鎖日",
            Self::Item(refusal) => match refusal.item() {
                "venue_kana" => "会場名カナ",
                "venue_address" => "住所",
                "venue_phone" => "電話番号",
                "booking_phone" => "予約電話番号",
                "url" => "予約URL",
                "weekdays" => "納品曜日",
                "lead_days" => "納品日数",
                "unloading" => "荷下ろし場所",
                "reference" => "口座登録名",
                "deep_frozen_units" => "超低温冷凍庫容量",
                "frozen_units" => "冷凍庫容量",
                "refrigerated_units" => "冷蔵庫容量",
                "remarks" => "備考",
                _ => "会場名",
            },
        }
    }
}

/// What somebody should look at before a line is taken that will be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileDoubt {
    /// Another venue has the same name and address.
    #[error(
        "会場名と住所が同じ会場が、コード{code}であります。コードが変わっただけなら、旧会場コードを入力してください。/ A venue with the same name and address has the code {code}. If only its code changed, write the former code."
    )]
    SameNameAndAddress {
        /// Its code.
        code: FacilityCode,
    },
    /// The code was another venue's.
    #[error(
        "この会場コードは、以前は別の会場のものでした。新しい会場として登録します。/ This code was another venue's before. The line founds a new venue."
    )]
    CodeGivenBack,
    /// Something is told for a later day, and holds from then on.
    #[error(
        "適用開始日より後の日から、別の内容がすでに登録されています。その日からはそちらが有効です。/ Something else is told already for a later day, and holds from then on."
    )]
    ToldForLater,
    /// Where payment goes was told by the venue itself.
    #[error(
        "口座登録名は会場が自分で登録しているため、変えません。/ The venue itself told where its payment goes; that is left as it is."
    )]
    AccountKept,
}

impl FileDoubt {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SameNameAndAddress { .. } => "venue_same_name_and_address",
            Self::CodeGivenBack => "venue_code_given_back",
            Self::ToldForLater => "venue_told_for_later",
            Self::AccountKept => "venue_account_kept",
        }
    }

    /// The item of the file that it is about.
    #[must_use]
    pub fn column(&self) -> &'static str {
        match self {
            Self::SameNameAndAddress { .. } => "会場名",
            Self::CodeGivenBack => "会場コード",
            Self::ToldForLater => "適用開始日",
            Self::AccountKept => "口座登録名",
        }
    }
}

/// What a line would change of its venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The code to be told.
    pub code: Option<CodeSince>,
    /// The sections to be told, each from its day on.
    pub told: Vec<(Day, Told)>,
    /// What somebody should look at.
    pub doubts: Vec<FileDoubt>,
}

impl Plan {
    /// Whether the line says what stands already.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.code.is_none() && self.told.is_empty()
    }

    /// Whether the venue closes by it.
    #[must_use]
    pub fn closes(&self) -> bool {
        let closing = Told::Closing(Closing { closed: true });
        self.told.iter().any(|(_, told)| *told == closing)
    }
}

/// Whether a file closes so many of the venues it names that somebody should ask whether that is meant.
#[must_use]
pub fn is_mass_closing(closed: u64, known: u64) -> bool {
    closed >= CLOSINGS_MIN && closed.saturating_mul(CLOSINGS_SHARE) > known
}

/// What stands against a line whatever is known of its venue.
#[must_use]
pub fn faults(row: &FileRow, area: Area) -> Vec<FileFault> {
    let mut found = Vec::new();
    if Places::bundled().find(row.city, row.from).is_none() {
        found.push(FileFault::NoSuchCity);
    } else if !area.has(row.city) {
        found.push(FileFault::Outside);
    }
    if row.closed_from.is_some_and(|closed| closed < row.from) {
        found.push(FileFault::ClosesBefore);
    }
    found
}

/// What a line changes of its venue; of a new one, when nothing is known, it tells everything it says. `supplier` is the
/// venue that the line's supplier is.
///
/// # Errors
/// Everything that is wrong with what would be told.
pub fn plan(
    row: &FileRow,
    supplier: Option<&Source>,
    known: Option<&Known>,
) -> Result<Plan, Vec<FileFault>> {
    let nothing = Known::default();
    let known = known.unwrap_or(&nothing);
    let mut plan = Plan {
        code: code_of(row, known),
        ..Plan::default()
    };
    let mut wrong = Vec::new();
    for told in said(row, supplier, known) {
        let section = told.section();
        let stands = known.on(section, row.from);
        if stands == Some(&told) {
            continue;
        }
        if section == Section::Account && known.told_its_account {
            plan.doubts.push(FileDoubt::AccountKept);
            continue;
        }
        wrong.extend(told.refusals().into_iter().map(FileFault::Item));
        let doubt = FileDoubt::ToldForLater;
        if known.is_told_after(section, row.from) && !plan.doubts.contains(&doubt) {
            plan.doubts.push(doubt);
        }
        plan.told.push((row.from, told));
    }
    let closing = Told::Closing(Closing { closed: true });
    if let Some(day) = row.closed_from
        && known.on(Section::Closing, day) != Some(&closing)
    {
        plan.told.push((day, closing));
    }
    if wrong.is_empty() {
        Ok(plan)
    } else {
        Err(wrong)
    }
}

/// The code that has to be told, if it or its kind is another than the venue has on that day.
fn code_of(row: &FileRow, known: &Known) -> Option<CodeSince> {
    let stands = known.codes.on(row.from);
    // Of a day before it was registered its first code is known, and nothing else.
    let stands = stands.or_else(|| known.codes.all().first());
    let kind = match stands {
        Some(one) if one.code == row.code => row.kind.unwrap_or(one.kind),
        _ => row.kind.unwrap_or_else(|| CodeKind::guessed(row.code)),
    };
    let is_so = stands.is_some_and(|one| one.code == row.code && one.kind == kind);
    (!is_so).then_some(CodeSince {
        from: row.from,
        code: row.code,
        kind,
    })
}

/// The sections that the line tells of, with what stands where the line is silent.
fn said(row: &FileRow, supplier: Option<&Source>, known: &Known) -> Vec<Told> {
    let on = |section| known.on(section, row.from);
    let mut all = vec![standing(row, on(Section::Standing))];
    all.extend(supplier.cloned().map(Told::Source));
    all.extend(storage(row, on(Section::Storage)));
    all.extend(row.sections.hours.clone().map(Told::Hours));
    all.extend(contact(row, on(Section::Contact)));
    all.extend(delivery(row, on(Section::Delivery)));
    let account = row.sections.account.clone();
    all.extend(account.map(|reference| Told::Account(AccountReference { reference })));
    all
}

fn or_as_it_is(said: &Option<String>, stands: Option<&String>) -> String {
    let said = said.as_ref().or(stands);
    said.cloned().unwrap_or_default()
}

fn standing(row: &FileRow, stands: Option<&Told>) -> Told {
    let was = match stands {
        Some(Told::Standing(was)) => Some(was),
        _ => None,
    };
    Told::Standing(Standing {
        name: row.name.clone(),
        kana: or_as_it_is(&row.kana, was.map(|was| &was.kana)),
        venue_type: row.venue_type,
        address: or_as_it_is(&row.address, was.map(|was| &was.address)),
        phone: or_as_it_is(&row.phone, was.map(|was| &was.phone)),
    })
}

fn storage(row: &FileRow, stands: Option<&Told>) -> Option<Told> {
    let said = [
        row.sections.deep_frozen_units,
        row.sections.frozen_units,
        row.sections.refrigerated_units,
    ];
    if said.iter().all(Option::is_none) {
        return None;
    }
    let was = match stands {
        Some(Told::Storage(was)) => was.clone(),
        _ => Storage::default(),
    };
    Some(Told::Storage(Storage {
        deep_frozen_units: row
            .sections
            .deep_frozen_units
            .unwrap_or(was.deep_frozen_units),
        frozen_units: row.sections.frozen_units.unwrap_or(was.frozen_units),
        refrigerated_units: row
            .sections
            .refrigerated_units
            .unwrap_or(was.refrigerated_units),
    }))
}

fn contact(row: &FileRow, stands: Option<&Told>) -> Option<Told> {
    let said = [
        &row.sections.booking_phone,
        &row.sections.url,
        &row.sections.booking_remarks,
    ];
    if said.iter().all(|one| one.is_none()) {
        return None;
    }
    let was = match stands {
        Some(Told::Contact(was)) => was.clone(),
        _ => Contact::default(),
    };
    Some(Told::Contact(Contact {
        phone: or_as_it_is(&row.sections.booking_phone, Some(&was.phone)),
        url: or_as_it_is(&row.sections.url, Some(&was.url)),
        remarks: or_as_it_is(&row.sections.booking_remarks, Some(&was.remarks)),
    }))
}

fn delivery(row: &FileRow, stands: Option<&Told>) -> Option<Told> {
    let texts = [&row.sections.unloading, &row.sections.delivery_remarks];
    let is_silent = row.sections.weekdays.is_none()
        && row.sections.band.is_none()
        && row.sections.lead_days.is_none()
        && texts.iter().all(|one| one.is_none());
    if is_silent {
        return None;
    }
    let was = match stands {
        Some(Told::Delivery(was)) => was.clone(),
        _ => DeliveryTerms::default(),
    };
    Some(Told::Delivery(DeliveryTerms {
        weekdays: row.sections.weekdays.unwrap_or(was.weekdays),
        band: row.sections.band.unwrap_or(was.band),
        lead_days: row.sections.lead_days.unwrap_or(was.lead_days),
        place: or_as_it_is(&row.sections.unloading, Some(&was.place)),
        remarks: or_as_it_is(&row.sections.delivery_remarks, Some(&was.remarks)),
    }))
}

/// The line that says of a venue what holds on a day, for whoever takes a file out; none if it has no code or no type yet.
/// `supplier` is the code of its supplier on that day.
#[must_use]
pub fn row_of(
    known: &Known,
    (city, name, day): (MunicipalityCode, &str, Day),
    supplier: impl Fn(OrganisationId) -> Option<FacilityCode>,
) -> Option<FileRow> {
    let code = known.codes.on(day)?;
    let Some(Told::Standing(standing)) = known.on(Section::Standing, day) else {
        return None;
    };
    let mut row = FileRow {
        code: code.code,
        kind: Some(code.kind),
        former: None,
        city,
        from: day,
        closed_from: None,
        name: if standing.name.is_empty() {
            name.to_owned()
        } else {
            standing.name.clone()
        },
        kana: Some(standing.kana.clone()),
        venue_type: standing.venue_type,
        address: Some(standing.address.clone()),
        phone: Some(standing.phone.clone()),
        supplier: None,
        sections: FileSections::default(),
    };
    for section in Section::ALL {
        match known.on(section, day) {
            Some(Told::Source(told)) => {
                row.supplier = match told.supplier {
                    None => Some(Supplier::Nobody),
                    Some(venue) => supplier(venue).map(Supplier::Venue),
                };
            }
            Some(told) => put(&mut row, told, day),
            None => {}
        }
    }
    Some(row)
}

fn put(row: &mut FileRow, told: &Told, day: Day) {
    match told {
        Told::Standing(_) | Told::Source(_) => {}
        Told::Storage(told) => {
            row.sections.deep_frozen_units = Some(told.deep_frozen_units);
            row.sections.frozen_units = Some(told.frozen_units);
            row.sections.refrigerated_units = Some(told.refrigerated_units);
        }
        Told::Hours(told) => row.sections.hours = Some(told.clone()),
        Told::Contact(told) => {
            let all_empty = told.phone.is_empty() && told.url.is_empty() && told.remarks.is_empty();
            if !all_empty {
                row.sections.booking_phone = Some(told.phone.clone());
                row.sections.url = Some(told.url.clone());
                row.sections.booking_remarks = Some(told.remarks.clone());
            }
        }
        Told::Delivery(told) => {
            row.sections.weekdays = Some(told.weekdays);
            row.sections.band = Some(told.band);
            row.sections.lead_days = Some(told.lead_days);
            row.sections.unloading = Some(told.place.clone());
            row.sections.delivery_remarks = Some(told.remarks.clone());
        }
        Told::Account(told) => row.sections.account = Some(told.reference.clone()),
        Told::Closing(told) => row.closed_from = told.closed.then_some(day),
    }
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
