//! The collective contract (集合契約): a venue makes its mandate (委任状) and prints it; its association, which has the paper in
//! hand, confirms it.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::access::{Action, OrganisationId, Permit};
use domain::calendar::Day;
use domain::contracts::{
    Act, MandateRefusal, NoContract, SIGNATORY_LENGTH_MAX, Standing, State as Became,
};
use domain::doses::REASON_LENGTH_MAX;
use domain::languages::both;
use domain::places::Places;
use domain::venues::record::{Section, Told};
use exchange::encoding::Encoding;
use exchange::venues::{PartyRow, write_parties};
use store::contracts::{self, Decided, Decision, Made, Mandate, NewMandate, Party};
use uuid::Uuid;

use crate::pages::attachments::csv_response;
use crate::pages::fields::Complaints;
use crate::pages::papers::{mandate_pdf, pdf_response};
use crate::pages::records::{Choice, day_text};
use crate::pages::venue_records::{Typed, field};
use crate::pages::venues::Wanted;
use crate::state::App;
use crate::web::body::{PageForm, Params};
use crate::web::layout::{Page, done, html};
use crate::web::locale::Texts;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

/// The pages of this file.
pub fn routes() -> Routes {
    let make = Guard::May(Action::MakeMandate);
    let confirm = Guard::May(Action::ConfirmMandates);
    Routes::new()
        .get("/venue/contract", make, show_own)
        .post("/venue/contract", make, make_mandate)
        .post("/venue/contract/{id}/withdraw", make, withdraw)
        .get("/venue/contract/{id}/mandate.pdf", make, print)
        .get("/mandates", confirm, show_desk)
        .post("/mandates/{id}", confirm, decide)
        .get("/mandates/parties.csv", confirm, own_parties)
        .get(
            "/venues/parties.csv",
            Guard::May(Action::SeeVenues),
            parties,
        )
}

/// How a venue stands to the contract, in words.
#[must_use]
pub fn standing_words(standing: Standing, texts: Texts) -> String {
    let dated = |id: &str, day: Day| texts.t_with(id, &[("day", day_text(day, texts))]);
    match standing {
        Standing::Party { since, .. } => dated("contract-party", since),
        Standing::Never => texts.t("contract-never"),
        Standing::NotYet { from } => dated("contract-not-yet", from),
        Standing::Left { since } => dated("contract-left", since),
    }
}

/// Why a venue may not order, ask for supply or claim.
#[must_use]
pub fn no_contract_problem(reason: NoContract) -> Problem {
    let words = reason.to_string();
    let (ja, en) = both(&words);
    Problem::conflict("no_contract")
        .arg("why_ja", ja)
        .arg("why_en", en)
        .member("reason", reason.reason())
        .member("day", reason.day().map(|day| day.to_string()))
}

/// The number by which the association finds a mandate: the end of its id, which is random.
#[must_use]
pub fn mandate_number(id: Uuid) -> String {
    let hex = id.simple().to_string().to_uppercase();
    let tail = hex.get(hex.len() - 8..).unwrap_or_default();
    let (front, back) = tail.split_at(tail.len() / 2);
    format!("{front}-{back}")
}

/// A mandate in words.
struct Row {
    id: Uuid,
    number: String,
    venue: String,
    code: String,
    city: String,
    association: String,
    act: String,
    from: String,
    signatory: String,
    word: String,
    tone: &'static str,
    icon: &'static str,
    made_at: String,
    decided_at: String,
    answer: String,
    is_waiting: bool,
}

impl Row {
    fn of(one: Mandate, texts: Texts) -> Self {
        let (tone, icon) = match one.state {
            Became::Made => ("wait", "wait"),
            Became::Confirmed => ("good", "check"),
            Became::Refused => ("bad", "warn"),
            Became::Withdrawn => ("void", "void"),
        };
        Self {
            number: mandate_number(one.id),
            id: one.id,
            venue: one.venue_name,
            code: one.code,
            city: city_name(&one.municipality),
            association: one.association_name,
            act: texts.t(&format!("contract-act-{}", one.act.as_str())),
            from: day_text(one.valid_from.unwrap_or(one.asked_from), texts),
            signatory: one.signatory,
            word: texts.t(&format!("contract-state-{}", one.state.as_str())),
            tone,
            icon,
            made_at: one.made_at.japanese(),
            decided_at: one.decided_at.map(|at| at.japanese()).unwrap_or_default(),
            answer: one.answer,
            is_waiting: one.state == Became::Made,
        }
    }
}

/// The name of a municipality, by its code.
#[must_use]
pub fn city_name(code: &str) -> String {
    let code = domain::places::MunicipalityCode::parse(code).ok();
    let place = code.and_then(|code| Places::bundled().any(code));
    place.map_or_else(String::new, |place| place.name.clone())
}

#[derive(Template)]
#[template(path = "venues/contract.html")]
struct ContractPage {
    page: Page,
    standing: String,
    is_party: bool,
    rows: Vec<Row>,
    is_waiting: bool,
    acts: Vec<Choice>,
    associations: Vec<Choice>,
    asked_from: String,
    signatory: String,
    signatory_max: usize,
    trouble: Option<String>,
    complaints: Complaints,
}

/// What the venue's page says beside its lists.
#[derive(Default)]
struct Said {
    typed: Option<Typed>,
    trouble: Option<String>,
    complaints: Complaints,
}

fn own(me: &Me) -> Result<Permit, Problem> {
    me.permit(Action::MakeMandate, me.place())
}

async fn show_own(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render_own(&app, &me, page, Said::default()).await
}

async fn render_own(app: &App, me: &Me, page: Page, said: Said) -> Result<Response, Problem> {
    let permit = own(me)?;
    let page = page.titled("contract-title");
    let texts = page.texts;
    let mandates = contracts::mandates(&app.db, &permit).await?;
    let standing = contracts::standing(&app.db, me.actor.organisation, app.today()).await?;
    let associations = contracts::associations(&app.db).await?;
    let typed = said.typed.unwrap_or_default();
    let last = mandates.first();
    let chosen = match field(&typed, "association") {
        "" => last.map(|one| one.association.to_string()),
        id => Some(id.to_owned()),
    };
    let is_party = standing.is_party();
    let fitting = Act::ALL
        .into_iter()
        .filter(|act| is_party != (*act == Act::Join));
    let acts = fitting.map(|act| Choice {
        value: act.as_str().to_owned(),
        label: texts.t(&format!("contract-act-{}", act.as_str())),
        chosen: act.as_str() == field(&typed, "contract_act"),
    });
    let asked_from = match field(&typed, "asked_from") {
        "" => app.today().to_string(),
        day => day.to_owned(),
    };
    let signatory = match field(&typed, "signatory") {
        "" => last.map(|one| one.signatory.clone()).unwrap_or_default(),
        name => name.to_owned(),
    };
    let is_refused = said.trouble.is_some() || !said.complaints.is_empty();
    let shown = html(&ContractPage {
        standing: standing_words(standing, texts),
        is_party,
        acts: acts.collect(),
        associations: associations
            .into_iter()
            .map(|(id, name)| Choice {
                chosen: chosen.as_deref() == Some(id.to_string().as_str()),
                value: id.to_string(),
                label: name,
            })
            .collect(),
        is_waiting: mandates.iter().any(|one| one.state == Became::Made),
        rows: mandates
            .into_iter()
            .map(|one| Row::of(one, texts))
            .collect(),
        asked_from,
        signatory,
        signatory_max: SIGNATORY_LENGTH_MAX,
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

fn refusal_text(refusal: MandateRefusal, texts: Texts) -> String {
    match refusal {
        MandateRefusal::AlreadyParty => texts.t("contract-trouble-party"),
        MandateRefusal::NotParty => texts.t("contract-trouble-no-party"),
        MandateRefusal::TooEarly { last } => {
            texts.t_with("contract-trouble-early", &[("day", day_text(last, texts))])
        }
        MandateRefusal::Waiting => texts.t("contract-trouble-waiting"),
    }
}

async fn make_mandate(
    State(app): State<App>,
    me: Me,
    page: Page,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = own(&me)?;
    let mut complaints = Complaints::default();
    let signatory = complaints.text(
        &page,
        "signatory",
        field(&typed, "signatory"),
        SIGNATORY_LENGTH_MAX,
    );
    let asked_from = Day::parse(field(&typed, "asked_from"));
    if asked_from.is_none() {
        complaints.add::<()>("asked_from", page.t("complaint-day"));
    }
    let association: Option<Uuid> = field(&typed, "association").parse().ok();
    if association.is_none() {
        complaints.add::<()>("association", page.t("contract-trouble-association"));
    }
    let act = Act::parse(field(&typed, "contract_act"));
    if act.is_none() {
        complaints.add::<()>("contract_act", page.t("choose"));
    }
    let mut trouble = None;
    if let (Some(signatory), Some(asked_from), Some(association), Some(act)) =
        (signatory, asked_from, association, act)
    {
        let new = NewMandate {
            id: app.fresh_id(),
            association: OrganisationId(association),
            act,
            asked_from,
            signatory,
        };
        match contracts::make(&app.db, &permit, &new, (app.fresh_id(), app.now())).await? {
            Made::Now => return Ok(done("/venue/contract", "mandate-made")),
            Made::Refused(refusal) => trouble = Some(refusal_text(refusal, page.texts)),
            Made::NoAssociation => {
                complaints.add::<()>("association", page.t("contract-trouble-association"));
            }
        }
    }
    let said = Said {
        typed: Some(typed),
        trouble,
        complaints,
    };
    render_own(&app, &me, page, said).await
}

async fn withdraw(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let permit = own(&me)?;
    let act = (app.fresh_id(), app.now());
    if contracts::withdraw(&app.db, &permit, id, act).await? {
        return Ok(done("/venue/contract", "mandate-withdrawn"));
    }
    let said = Said {
        trouble: Some(page.t("contract-trouble-late")),
        ..Said::default()
    };
    render_own(&app, &me, page, said).await
}

/// The paper to sign.
async fn print(State(app): State<App>, me: Me, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let mandates = contracts::mandates(&app.db, &own(&me)?).await?;
    let found = mandates.into_iter().find(|one| one.id == id);
    let mandate = found.ok_or_else(Problem::not_found)?;
    let keeping = me.permit(Action::KeepVenue, me.place())?;
    let today = app.today();
    let mut sections =
        store::venues::sections(&app.db, &keeping, me.actor.organisation, today).await?;
    let standing = sections.remove(&Section::Standing).unwrap_or_default();
    let address = match standing.into_iter().next().map(|one| one.told) {
        Some(Told::Standing(told)) => told.address,
        _ => String::new(),
    };
    let number = mandate_number(mandate.id);
    let name = format!("mandate-{number}.pdf");
    let paper = paper::Mandate {
        number,
        association: mandate.association_name,
        act: mandate.act,
        made_on: mandate.made_at.day_in_japan(),
        from: mandate.asked_from,
        code: mandate.code,
        venue: mandate.venue_name,
        address,
        signatory: mandate.signatory,
    };
    Ok(pdf_response(&name, mandate_pdf(paper).await?))
}

#[derive(Template)]
#[template(path = "venues/mandates.html")]
struct MandatesPage {
    page: Page,
    waiting: Vec<Row>,
    decided: Vec<Row>,
    trouble: Option<String>,
    complaints: Complaints,
    reason_max: usize,
    today: Day,
}

fn at_desk(me: &Me) -> Result<Permit, Problem> {
    me.permit(Action::ConfirmMandates, me.place())
}

async fn show_desk(State(app): State<App>, me: Me, page: Page) -> Result<Response, Problem> {
    render_desk(&app, &me, page, (None, Complaints::default())).await
}

async fn render_desk(
    app: &App,
    me: &Me,
    page: Page,
    (trouble, complaints): (Option<String>, Complaints),
) -> Result<Response, Problem> {
    let permit = at_desk(me)?;
    let page = page.titled("mandates-title");
    let texts = page.texts;
    let all = contracts::mandates(&app.db, &permit).await?;
    let rows = all.into_iter().map(|one| Row::of(one, texts));
    let (waiting, decided) = rows.partition(|one| one.is_waiting);
    let status = if trouble.is_some() || !complaints.is_empty() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let shown = html(&MandatesPage {
        waiting,
        decided,
        trouble,
        complaints,
        reason_max: REASON_LENGTH_MAX,
        today: app.today(),
        page,
    })?;
    Ok((status, shown).into_response())
}

async fn decide(
    State(app): State<App>,
    me: Me,
    page: Page,
    Path(id): Path<Uuid>,
    PageForm(typed): PageForm<Typed>,
) -> Result<Response, Problem> {
    let permit = at_desk(&me)?;
    let mut complaints = Complaints::default();
    let reason = match field(&typed, "decision") {
        "refuse" => {
            let text = field(&typed, "answer");
            let reason = complaints.text(&page, "answer", text, REASON_LENGTH_MAX);
            if reason.is_none() {
                return render_desk(&app, &me, page, (None, complaints)).await;
            }
            reason
        }
        _ => None,
    };
    let decision = reason
        .as_deref()
        .map_or(Decision::Confirm, Decision::Refuse);
    let act = (app.fresh_id(), app.now());
    let trouble = match contracts::decide(&app.db, &permit, id, decision, act).await? {
        Decided::Confirmed(_) => return Ok(done("/mandates", "mandate-confirmed")),
        Decided::Refused => return Ok(done("/mandates", "mandate-refused")),
        Decided::TooLate => page.t("contract-trouble-decided"),
        Decided::CannotFollow(refusal) => refusal_text(refusal, page.texts),
    };
    render_desk(&app, &me, page, (Some(trouble), complaints)).await
}

async fn own_parties(
    State(app): State<App>,
    me: Me,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    parties_file(&app, &at_desk(&me)?, &wanted).await
}

async fn parties(
    State(app): State<App>,
    me: Me,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let permit = me.permit(Action::SeeVenues, me.place())?;
    parties_file(&app, &permit, &wanted).await
}

/// The parties of a day, by code.
async fn parties_file(app: &App, permit: &Permit, wanted: &Wanted) -> Result<Response, Problem> {
    let on = Day::parse(wanted.on.trim()).unwrap_or_else(|| app.today());
    let encoding = Encoding::parse(&wanted.encoding).unwrap_or(Encoding::Utf8);
    let parties = contracts::parties(&app.db, permit, on).await?;
    let rows: Vec<PartyRow> = parties.into_iter().map(row).collect();
    let mut file = Vec::new();
    write_parties(&mut file, &rows, encoding).map_err(|_| Problem::internal())?;
    Ok(csv_response(&format!("parties-{on}.csv"), encoding, file))
}

fn row(party: Party) -> PartyRow {
    PartyRow {
        city: city_name(&party.municipality),
        code: party.code,
        name: party.name,
        municipality: party.municipality,
        association: party.association,
        since: party.since.to_string(),
    }
}
