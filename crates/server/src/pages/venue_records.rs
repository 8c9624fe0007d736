//! What is told of a venue (会場マスタ): by the venue of itself, by city and prefecture of theirs. One section is changed at a
//! time; the page shows what holds, what is told for later, and the story of all of it.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId, Permit};
use domain::calendar::Day;
use domain::contracts::Standing as ContractStanding;
use domain::opening_days::Weekdays;
use domain::venues::hours::{DayHours, Hours};
use domain::venues::record::{
    AccountReference, Band, Closing, Contact, DeliveryTerms, RecordRefusal, Section, Source,
    Standing, Storage, Told, VenueType, WEEK,
};
use serde::Deserialize;
use store::venues::{self, Kept, SectionTold, Story};
use uuid::Uuid;

use crate::pages::contracts::standing_words;
use crate::pages::fields::Complaints;
use crate::pages::records::{Choice, day_text};
use crate::pages::venue_codes::{self, CodesShown};
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let own = Guard::May(Action::KeepVenue);
    Routes::new()
        .get("/venue/record", own, show_own)
        .post("/venue/record/{section}", own, tell_own)
        .get("/venues/{id}", Guard::May(Action::SeeVenues), show_one)
        .post(
            "/venues/{id}/sections/{section}",
            Guard::May(Action::KeepVenues),
            tell_one,
        )
}

/// What a form sends: the fields as typed.
pub type Typed = HashMap<String, String>;

/// What is typed into a field, without blanks around it.
#[must_use]
pub fn field<'t>(typed: &'t Typed, name: &str) -> &'t str {
    typed.get(name).map_or("", |text| text.trim())
}

/// From whose desk a venue is looked at.
pub struct Desk {
    /// The right to look.
    pub permit: Permit,
    /// The venue.
    pub venue: OrganisationId,
    /// The page's address.
    pub path: String,
    /// Where forms of sections go, up to the section's word.
    sections: String,
    /// Whether anything may be told from here.
    pub may_tell: bool,
    /// Whether it is the venue's own.
    pub is_own: bool,
}

impl Desk {
    fn own(me: &Me) -> Result<Self, Problem> {
        Ok(Self {
            permit: me.permit(Action::KeepVenue, me.place())?,
            venue: me.actor.organisation,
            path: "/venue/record".to_owned(),
            sections: "/venue/record".to_owned(),
            may_tell: true,
            is_own: true,
        })
    }

    /// The desk of a city, a prefecture or the nation, for one venue.
    ///
    /// # Errors
    /// Forbidden.
    pub fn above(me: &Me, id: Uuid) -> Result<Self, Problem> {
        let may_tell = me.may(Action::KeepVenues);
        let action = if may_tell {
            Action::KeepVenues
        } else {
            Action::SeeVenues
        };
        Ok(Self {
            permit: me.permit(action, me.place())?,
            venue: OrganisationId(id),
            path: format!("/venues/{id}"),
            sections: format!("/venues/{id}/sections"),
            may_tell,
            is_own: false,
        })
    }
}

/// An item in words.
struct Item {
    label: String,
    value: String,
}

/// What is told of a section from a day on, in words.
struct Holding {
    from: String,
    is_to_come: bool,
    items: Vec<Item>,
}

/// How a field is shown.
#[derive(PartialEq, Eq)]
enum FieldKind {
    Text,
    Number,
    Choice,
    Week,
}

/// A field of a section's form.
struct Field {
    name: &'static str,
    label: String,
    help: String,
    value: String,
    kind: FieldKind,
    choices: Vec<Choice>,
    /// The days of a week with whether each is ticked.
    week: Vec<(String, String, bool)>,
}

/// The form of the section that is being changed.
struct Form {
    action: String,
    valid_from: String,
    seen: i64,
    fields: Vec<Field>,
}

/// A section on the page.
struct SectionShown {
    id: &'static str,
    title: String,
    lead: String,
    holdings: Vec<Holding>,
    may_change: bool,
    form: Option<Form>,
}

/// A telling in the story, in words.
struct Chapter {
    at: String,
    by: String,
    /// The file that told it, if one did.
    file: Option<String>,
    section: String,
    from: String,
    changes: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "venues/record.html")]
struct RecordPage {
    page: Page,
    path: String,
    is_own: bool,
    name: String,
    contract: String,
    is_party: bool,
    /// The first day on which an order of today could be delivered.
    earliest: Option<String>,
    sections: Vec<SectionShown>,
    codes: CodesShown,
    story: Vec<Chapter>,
    trouble: Option<String>,
    complaints: Complaints,
}

/// What a page says beside what is told.
#[derive(Default)]
pub struct Said {
    /// Which section is being changed.
    pub editing: Option<Section>,
    /// What was typed.
    pub typed: Option<Typed>,
    /// What is wrong with it.
    pub complaints: Complaints,
    /// Why it was not taken.
    pub trouble: Option<String>,
}

/// Which section is to be changed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    edit: String,
}

async fn show_own(
    State(app): State<App>,
    me: Me,
    page: Page,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let said = Said {
        editing: Section::parse(&asked.edit),
        ..Said::default()
    };
    render(&app, &Desk::own(&me)?, page, said).await
}

async fn show_one(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let said = Said {
        editing: Section::parse(&asked.edit),
        ..Said::default()
    };
    render(&app, &Desk::above(&me, id)?, page, said).await
}

async fn tell_own(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(section): Path<String>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    tell(&app, &Desk::own(&me)?, page, &section, typed).await
}

async fn tell_one(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path((id, section)): Path<(Uuid, String)>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    tell(&app, &Desk::above(&me, id)?, page, &section, typed).await
}

async fn tell(
    app: &App,
    desk: &Desk,
    page: Page,
    section: &str,
    typed: Typed,
) -> Result<Response, Problem> {
    let section = Section::parse(section).ok_or_else(Problem::not_found)?;
    let mut complaints = Complaints::default();
    let from = Day::parse(field(&typed, "valid_from"));
    if from.is_none() {
        complaints.add::<()>("valid_from", page.t("complaint-day"));
    }
    let told = told_in(&page, section, &typed, &mut complaints);
    if let Some(told) = &told {
        for refusal in told.refusals() {
            complaints.add::<()>(refusal.item(), refusal_text(&refusal, page.texts));
        }
    }
    let mut said = Said {
        editing: Some(section),
        ..Said::default()
    };
    if let (Some(told), Some(from), true) = (told, from, complaints.is_empty()) {
        let seen = field(&typed, "seen").parse().unwrap_or(0);
        let act = (app.fresh_id(), app.now());
        let kept = venues::tell(&app.db, &desk.permit, desk.venue, (&told, from), seen, act);
        match kept.await? {
            Kept::As(_) | Kept::AsItIs => return Ok(done(&desk.path, "venue-told")),
            kept => said.trouble = Some(kept_text(&kept, &page)?),
        }
    }
    said.typed = Some(typed);
    said.complaints = complaints;
    render(app, desk, page, said).await
}

/// Why what was told is not kept.
///
/// # Errors
/// Not found, or forbidden.
pub fn kept_text(kept: &Kept, page: &Page) -> Result<String, Problem> {
    match kept {
        Kept::NotFound => Err(Problem::not_found()),
        Kept::NotYours => Err(Problem::forbidden()),
        Kept::Circle(day) => Ok(page.t1("venue-trouble-circle", "day", day_text(*day, page.texts))),
        Kept::NoSupplier => Ok(page.t("venue-trouble-supplier")),
        Kept::CodeTaken => Ok(page.t("venue-trouble-code-taken")),
        Kept::ChangedMeanwhile(_) => Ok(page.t("venue-trouble-changed")),
        Kept::As(_) | Kept::AsItIs => Ok(String::new()),
    }
}

/// What is wrong with an item, in words.
#[must_use]
pub fn refusal_text(refusal: &RecordRefusal, texts: Texts) -> String {
    match refusal {
        RecordRefusal::Empty { .. } => texts.t("complaint-empty"),
        RecordRefusal::TooLong { max, got, .. } => {
            texts.t_with("complaint-long", &[("max", *max), ("got", *got)])
        }
        RecordRefusal::Unprintable { .. } => texts.t("complaint-control"),
        RecordRefusal::TooMuch { max, .. } => {
            texts.t_with("venue-complaint-number", &[("max", *max)])
        }
        RecordRefusal::NotAUrl => texts.t("venue-complaint-url"),
        RecordRefusal::NoWeekday => texts.t("venue-complaint-weekday"),
        RecordRefusal::AccountNumber => texts.t("venue-complaint-account"),
    }
}

/// What was typed, as the section has it.
fn told_in(
    page: &Page,
    section: Section,
    typed: &Typed,
    complaints: &mut Complaints,
) -> Option<Told> {
    let text = |name: &str| field(typed, name).to_owned();
    let number = |complaints: &mut Complaints, name: &'static str| {
        let read: Option<u32> = match field(typed, name) {
            "" => Some(0),
            text => text.parse().ok(),
        };
        if read.is_none() {
            let max = domain::venues::record::ROOM_UNITS_MAX;
            complaints.add::<()>(name, page.t1("venue-complaint-number", "max", max));
        }
        read
    };
    Some(match section {
        Section::Standing => {
            let venue_type = VenueType::parse(field(typed, "venue_type"));
            if venue_type.is_none() {
                complaints.add::<()>("venue_type", page.t("venue-complaint-type"));
            }
            Told::Standing(Standing {
                name: text("venue_name"),
                kana: text("venue_kana"),
                venue_type: venue_type?,
                address: text("venue_address"),
                phone: text("venue_phone"),
            })
        }
        Section::Source => Told::Source(Source {
            supplier: match field(typed, "source") {
                "" => None,
                id => match id.parse() {
                    Ok(id) => Some(OrganisationId(id)),
                    Err(_) => return complaints.add("source", page.t("venue-trouble-supplier")),
                },
            },
        }),
        Section::Storage => {
            let deep = number(complaints, "deep_frozen_units");
            let frozen = number(complaints, "frozen_units");
            let refrigerated = number(complaints, "refrigerated_units");
            Told::Storage(Storage {
                deep_frozen_units: deep?,
                frozen_units: frozen?,
                refrigerated_units: refrigerated?,
            })
        }
        Section::Hours => Told::Hours(hours_in(page, typed, complaints)?),
        Section::Contact => Told::Contact(Contact {
            phone: text("booking_phone"),
            url: text("url"),
            remarks: text("remarks"),
        }),
        Section::Delivery => {
            let lead = number(complaints, "lead_days");
            Told::Delivery(DeliveryTerms {
                weekdays: Weekdays::of(WEEK.map(|day| !field(typed, day).is_empty())),
                band: Band::parse(field(typed, "band")).unwrap_or_default(),
                lead_days: u8::try_from(lead?).unwrap_or(u8::MAX),
                place: text("unloading"),
                remarks: text("remarks"),
            })
        }
        Section::Account => Told::Account(AccountReference {
            reference: text("reference"),
        }),
        Section::Closing => {
            Told::Closing(Closing::parse(field(typed, "venue_closing")).unwrap_or_default())
        }
    })
}

fn hours_in(page: &Page, typed: &Typed, complaints: &mut Complaints) -> Option<Hours> {
    let week = WEEK.map(|day| {
        let read = DayHours::parse(field(typed, day));
        if read.is_none() {
            complaints.add::<()>(day, page.t("venue-complaint-hours"));
        }
        read
    });
    let is_read = week.iter().all(Option::is_some);
    is_read.then(|| Hours {
        week: week.map(Option::unwrap_or_default),
    })
}

/// A value in words: what tables and digits say, said for people.
fn value_text(
    item: &str,
    value: &str,
    names: &BTreeMap<OrganisationId, String>,
    texts: Texts,
) -> String {
    if value.is_empty() {
        return match item {
            "source" => texts.t("venue-source-none"),
            "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun" => texts.t("venue-closed"),
            _ => "—".to_owned(),
        };
    }
    match item {
        "venue_type" => texts.t(&format!("venue-type-{value}")),
        "venue_closing" => texts.t(&format!("venue-closing-{value}")),
        "band" => texts.t(&format!("venue-band-{value}")),
        "source" => {
            let id = value.parse().ok().map(OrganisationId);
            let name = id.and_then(|id| names.get(&id).cloned());
            name.unwrap_or_else(|| texts.t("venue-source-elsewhere"))
        }
        "weekdays" => {
            let week: Vec<String> = Weekdays::parse(value)
                .unwrap_or_default()
                .each()
                .zip(WEEK)
                .filter(|(works, _)| *works)
                .map(|(_, day)| texts.t(&format!("weekday-{day}")))
                .collect();
            week.join(" ")
        }
        _ => value.to_owned(),
    }
}

fn holding(
    told: &SectionTold,
    today: Day,
    names: &BTreeMap<OrganisationId, String>,
    texts: Texts,
) -> Holding {
    let items = told.told.items().into_iter().map(|(item, value)| Item {
        label: texts.t(&format!("field-{item}")),
        value: value_text(item, &value, names, texts),
    });
    Holding {
        from: day_text(told.from, texts),
        is_to_come: told.from > today,
        items: items.collect(),
    }
}

/// The values that a form begins with: those told last, or those of an empty section.
fn values(section: Section, last: Option<&SectionTold>, name: &str) -> Vec<(&'static str, String)> {
    if let Some(last) = last {
        return last.told.items();
    }
    let told = match section {
        Section::Standing => Told::Standing(Standing {
            name: name.to_owned(),
            kana: String::new(),
            venue_type: VenueType::Satellite,
            address: String::new(),
            phone: String::new(),
        }),
        Section::Source => Told::Source(Source::default()),
        Section::Storage => Told::Storage(Storage::default()),
        Section::Hours => Told::Hours(Hours::default()),
        Section::Contact => Told::Contact(Contact::default()),
        Section::Delivery => Told::Delivery(DeliveryTerms::default()),
        Section::Account => Told::Account(AccountReference::default()),
        Section::Closing => Told::Closing(Closing::default()),
    };
    told.items()
}

/// How an item is shown in a form, with what may be chosen.
fn kind_of(
    item: &str,
    shown: &str,
    own: OrganisationId,
    names: &BTreeMap<OrganisationId, String>,
    texts: Texts,
) -> (FieldKind, Vec<Choice>) {
    let choice = |word: String, label: String| Choice {
        chosen: word == shown,
        value: word,
        label,
    };
    match item {
        "venue_type" => {
            let all = VenueType::ALL.into_iter().map(VenueType::as_str);
            let label = |word: &str| texts.t(&format!("venue-type-{word}"));
            let all = all.map(|word| choice(word.to_owned(), label(word)));
            (FieldKind::Choice, all.collect())
        }
        "venue_closing" => {
            let all = ["open", "closed"].into_iter();
            let label = |word: &str| texts.t(&format!("venue-closing-{word}"));
            let all = all.map(|word| choice(word.to_owned(), label(word)));
            (FieldKind::Choice, all.collect())
        }
        "band" => {
            let all = Band::ALL.into_iter().map(Band::as_str);
            let label = |word: &str| texts.t(&format!("venue-band-{word}"));
            let all = all.map(|word| choice(word.to_owned(), label(word)));
            (FieldKind::Choice, all.collect())
        }
        "source" => {
            let none = choice(String::new(), texts.t("venue-source-none"));
            let others = names.iter().filter(|(id, _)| **id != own);
            let others = others.map(|(id, name)| choice(id.to_string(), name.clone()));
            (
                FieldKind::Choice,
                std::iter::once(none).chain(others).collect(),
            )
        }
        "weekdays" => (FieldKind::Week, Vec::new()),
        "deep_frozen_units" | "frozen_units" | "refrigerated_units" | "lead_days" => {
            (FieldKind::Number, Vec::new())
        }
        _ => (FieldKind::Text, Vec::new()),
    }
}

fn form(
    desk: &Desk,
    section: Section,
    told: &[SectionTold],
    (name, today): (&str, Day),
    said: &Said,
    names: &BTreeMap<OrganisationId, String>,
    texts: Texts,
) -> Form {
    let latest = told.iter().max_by_key(|one| one.revision);
    let typed = said.typed.as_ref();
    let value = |item: &'static str, kept: String| {
        typed.map_or(kept, |typed| field(typed, item).to_owned())
    };
    let fields = values(section, latest, name)
        .into_iter()
        .map(|(item, kept)| {
            let kept_week = Weekdays::parse(&kept).unwrap_or_default();
            let week = WEEK.into_iter().zip(kept_week.each()).map(|(day, works)| {
                let ticked = typed.map_or(works, |typed| !field(typed, day).is_empty());
                (day.to_owned(), texts.t(&format!("weekday-{day}")), ticked)
            });
            let shown = value(item, kept);
            let (kind, choices) = kind_of(item, &shown, desk.venue, names, texts);
            let help = format!("venue-help-{item}");
            Field {
                name: item,
                label: texts.t(&format!("field-{item}")),
                help: if texts.has(&help) {
                    texts.t(&help)
                } else {
                    String::new()
                },
                week: week.collect(),
                value: shown,
                kind,
                choices,
            }
        });
    Form {
        action: format!("{}/{}", desk.sections, section.as_str()),
        valid_from: value("valid_from", today.to_string()),
        seen: latest.map_or(0, |one| one.revision),
        fields: fields.collect(),
    }
}

fn chapter(story: Story, names: &BTreeMap<OrganisationId, String>, texts: Texts) -> Chapter {
    let changes = story.changes.iter().map(|change| {
        let said = |value: &str| value_text(change.item, value, names, texts);
        (
            texts.t(&format!("field-{}", change.item)),
            said(&change.before),
            said(&change.after),
        )
    });
    Chapter {
        at: story.at.japanese(),
        by: story.by,
        file: story.file,
        section: texts.t(&format!("venue-section-{}", story.section.as_str())),
        from: day_text(story.from, texts),
        changes: changes.collect(),
    }
}

/// The page of a venue.
///
/// # Errors
/// Not found; the database's.
pub async fn render(app: &App, desk: &Desk, page: Page, said: Said) -> Result<Response, Problem> {
    let found = venues::venue(&app.db, &desk.permit, desk.venue).await?;
    let venue = found.ok_or_else(Problem::not_found)?;
    let page = page.titled("venue-title");
    let (texts, today) = (page.texts, app.today());
    let sections = venues::sections(&app.db, &desk.permit, desk.venue, today).await?;
    let others = venues::suppliers(&app.db, &desk.permit, desk.venue).await?;
    let names: BTreeMap<OrganisationId, String> = others.into_iter().collect();
    let story = venues::story(&app.db, &desk.permit, desk.venue).await?;
    let contract = store::contracts::standing(&app.db, desk.venue, today).await?;
    let codes = venue_codes::shown(app, desk, texts).await?;
    let kind = desk.permit.actor().kind;
    let earliest = match sections
        .get(&Section::Delivery)
        .and_then(|told| told.first())
    {
        Some(one) if one.from <= today => match &one.told {
            Told::Delivery(terms) => terms.earliest(today),
            _ => None,
        },
        _ => None,
    };
    let shown = Section::ALL.into_iter().map(|section| {
        let told = sections.get(&section).map_or(&[][..], Vec::as_slice);
        let may_change = desk.may_tell && section.is_told_by(kind);
        let is_open = may_change && said.editing == Some(section);
        SectionShown {
            id: section.as_str(),
            title: texts.t(&format!("venue-section-{}", section.as_str())),
            lead: texts.t(&format!("venue-lead-{}", section.as_str())),
            holdings: told
                .iter()
                .map(|one| holding(one, today, &names, texts))
                .collect(),
            form: is_open.then(|| {
                form(
                    desk,
                    section,
                    told,
                    (&venue.name, today),
                    &said,
                    &names,
                    texts,
                )
            }),
            may_change,
        }
    });
    let is_refused = said.trouble.is_some() || !said.complaints.is_empty();
    let shown = html(&RecordPage {
        path: desk.path.clone(),
        is_own: desk.is_own,
        contract: standing_words(contract, texts),
        is_party: matches!(contract, ContractStanding::Party { .. }),
        earliest: earliest.map(|day| day_text(day, texts)),
        sections: shown.collect(),
        codes,
        story: story
            .into_iter()
            .map(|one| chapter(one, &names, texts))
            .collect(),
        name: venue.name,
        trouble: said.trouble,
        complaints: said.complaints,
        page,
    })?;
    let status = if is_refused {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, shown).into_response())
}
