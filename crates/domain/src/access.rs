//! Who may do what, where.
//!
//! A request names its actor and its place, and asks before it reads. What touches people is opened
//! by a permit that nothing but this file can make.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::places::{MunicipalityCode, Prefecture};

/// Whether the actor may do this at that place.
///
/// People are seen by their city and by the venue in front of them, by nobody above.
#[must_use]
pub fn may(actor: &Actor, action: Action, place: &Place) -> bool {
    use Action as A;
    use OrganisationKind as K;
    if !actor.is_at_home_in_its_kind() {
        return false;
    }
    let at_home = actor.territory.place() == *place;
    let is_administrator = actor.role == Role::Administrator;
    match action {
        A::SeeHome => at_home,
        A::SetDay
        | A::ReadCoupon
        | A::RecordDose
        | A::SeeVenueDay
        | A::CorrectAtVenue
        | A::CloseDay
        | A::SeeStock
        | A::KeepStock
        | A::OfferLeftover => actor.kind == K::Venue && at_home,
        A::SeeLedger
        | A::SeePerson
        | A::CorrectRecord
        | A::ConfirmRecord
        | A::ApproveChange
        | A::SeeFindings
        | A::LoadResidents
        | A::IssueCoupons
        | A::OrderVials
        | A::KeepStandby
        | A::TraceLot => actor.kind == K::City && at_home,
        // A clerk at the counter must find the newcomer in front of them; to see the digits is
        // asked for seldom, and by few.
        A::FindByNumber => actor.kind == K::City && at_home,
        A::OpenNumber | A::ExportLedger | A::SeeAccessLog | A::SetApprovals | A::SetSender => {
            actor.kind == K::City && is_administrator && at_home
        }
        // One register for the whole country: a lot is the same lot everywhere.
        A::KeepLots => actor.kind == K::Nation && at_home,
        A::KeepSupply => matches!(actor.kind, K::Nation | K::Maker) && at_home,
        A::KeepCycles => actor.kind == K::Nation && at_home,
        A::Allocate => matches!(actor.kind, K::Nation | K::Prefecture | K::City) && at_home,
        A::RequestUnits => matches!(actor.kind, K::Prefecture | K::City | K::Venue) && at_home,
        // Each level sees what concerns itself: what it asked for, what it got, what it gave.
        A::SeeAllocations => {
            matches!(actor.kind, K::Nation | K::Prefecture | K::City | K::Venue) && at_home
        }
        // A maker ships some products itself (domain paper 3.2).
        A::RegisterDelivery | A::KeepOwnCodes => {
            matches!(actor.kind, K::Wholesaler | K::Maker) && at_home
        }
        A::KeepVenue | A::MakeMandate => actor.kind == K::Venue && at_home,
        A::SeeVenues => matches!(actor.kind, K::Nation | K::Prefecture | K::City) && at_home,
        A::KeepVenues => matches!(actor.kind, K::Prefecture | K::City) && at_home,
        // A file founds and closes venues, which is otherwise for those who open accounts.
        A::LoadVenues => {
            matches!(actor.kind, K::Nation | K::Prefecture | K::City) && is_administrator && at_home
        }
        // A prefecture answers for the numbers in it (新規付番, domain paper 3.5).
        A::IssueCodes => actor.kind == K::Prefecture && at_home,
        A::ConfirmMandates => actor.kind == K::Association && at_home,
        A::SeeStatistics => is_counted_for(&actor.territory, place),
        // Whoever gives vaccine to a place sees how it does with it; suppliers see nothing of it.
        A::SeeSupply => is_supplied_by(&actor.territory, place),
        A::ManageAccounts => {
            is_administrator && (at_home || stands_directly_above(&actor.territory, place))
        }
    }
}

/// Whose counts an organisation sees: the nation's all, a prefecture's and a city's those of their
/// own prefecture.
fn is_counted_for(territory: &Territory, place: &Place) -> bool {
    match (territory, place) {
        (Territory::Nation, Place::Nation | Place::Prefecture(_)) => true,
        (Territory::Prefecture(own), Place::Prefecture(asked)) => own == asked,
        (Territory::City(own), Place::Prefecture(asked)) => own.prefecture() == Some(*asked),
        // At its own place a city is shown the counts of its prefecture.
        (Territory::City(own), Place::City(asked)) => own == asked,
        _ => false,
    }
}

/// Whether a place is an organisation's own, or lies in it: nation, prefecture, city, venue.
fn is_supplied_by(territory: &Territory, place: &Place) -> bool {
    match (territory, place) {
        (
            Territory::Nation,
            Place::Nation | Place::Prefecture(_) | Place::City(_) | Place::Venue { .. },
        ) => true,
        (Territory::Prefecture(own), Place::Prefecture(asked)) => own == asked,
        (Territory::Prefecture(own), Place::City(city) | Place::Venue { city, .. }) => {
            city.prefecture() == Some(*own)
        }
        (Territory::City(own), Place::City(city) | Place::Venue { city, .. }) => own == city,
        _ => false,
    }
}

/// Whether an organisation opens accounts for the other: each level for the next one below it.
fn stands_directly_above(territory: &Territory, place: &Place) -> bool {
    match (territory, place) {
        (Territory::Nation, Place::Prefecture(_) | Place::Company(_)) => true,
        (Territory::Prefecture(own), Place::City(city)) => city.prefecture() == Some(*own),
        (Territory::City(own), Place::Venue { city, .. }) => own == city,
        _ => false,
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Set the day's venue, doctor, product and lot (当日の設定).
    SetDay,
    /// Read a coupon and see what would come of it.
    ReadCoupon,
    /// Record a dose.
    RecordDose,
    /// See what the venue recorded today.
    SeeVenueDay,
    /// Correct or take back what the venue recorded the same day.
    CorrectAtVenue,
    /// Close the venue's day (閉場): vials opened against doses recorded.
    CloseDay,
    /// See what vaccine the venue has on hand (在庫).
    SeeStock,
    /// Receive, pass on, throw away and count vaccine.
    KeepStock,
    /// Offer leftover doses (余剰ワクチン) to the people on the standby list, and keep the venue's own list.
    OfferLeftover,
    /// See the city's ledger (予防接種台帳).
    SeeLedger,
    /// See one person's record.
    SeePerson,
    /// Correct or take back a record.
    CorrectRecord,
    /// Confirm a record (確定), or open it again.
    ConfirmRecord,
    /// Decide about a change that somebody else proposed (二人承認).
    ApproveChange,
    /// Say for which changes the city wants a second person.
    SetApprovals,
    /// See the work list of findings.
    SeeFindings,
    /// Load residents from a file.
    LoadResidents,
    /// Issue coupons (接種券の発行), issue them again, make numbers void.
    IssueCoupons,
    /// Order vaccine of a wholesaler for a venue of the city (発注).
    OrderVials,
    /// Keep the city's standby list (キャンセル待ち名簿) and its rule, and see what became of leftover doses.
    KeepStandby,
    /// See who of the city was given a dose of a lot (ロットの接種者).
    TraceLot,
    /// Say in whose name the city's papers are sent (差出人).
    SetSender,
    /// Find a person, here or in another city, by the Individual Number (個人番号) they showed.
    FindByNumber,
    /// See the Individual Number of one's own resident.
    OpenNumber,
    /// Take the ledger out as a file.
    ExportLedger,
    /// Enter lots and packages in the register of the nation, and recall lots (使用中止・回収).
    KeepLots,
    /// Say how many units of which lot there will be from which day on (ワクチン供給量).
    KeepSupply,
    /// Set up cycles (クール): their days, cut-offs and formulas.
    KeepCycles,
    /// Propose and publish what the level below gets (配分).
    Allocate,
    /// Ask the level above for units (希望量).
    RequestUnits,
    /// See the cycles, and what one asked for, got and gave.
    SeeAllocations,
    /// Register what was delivered to venues (配送結果), and answer for it.
    RegisterDelivery,
    /// Keep the codes under which one's own company knows venues (自社コード).
    KeepOwnCodes,
    /// See and tell what is told of one's own venue (会場マスタ).
    KeepVenue,
    /// Make mandates (委任状) for the collective contract.
    MakeMandate,
    /// See the venues of one's own area, and who is a party to the contract.
    SeeVenues,
    /// Tell what is told of the venues of one's own area, and apply for codes for them.
    KeepVenues,
    /// Take the venues of one's own area in from a file (会場マスタの取込).
    LoadVenues,
    /// Issue new codes (類似コード) for what was applied for.
    IssueCodes,
    /// Confirm the mandates that were handed over (委任状の確認).
    ConfirmMandates,
    /// See counts.
    SeeStatistics,
    /// See what a place was supplied with, has and used (需給の見える化): one's own, and those in it.
    SeeSupply,
    /// Open, change and close accounts.
    ManageAccounts,
    /// See who looked at whom.
    SeeAccessLog,
    /// See one's own first page.
    SeeHome,
}

impl Action {
    /// Every action.
    pub const ALL: &[Self] = &[
        Self::SetDay,
        Self::ReadCoupon,
        Self::RecordDose,
        Self::SeeVenueDay,
        Self::CorrectAtVenue,
        Self::CloseDay,
        Self::SeeStock,
        Self::KeepStock,
        Self::OfferLeftover,
        Self::SeeLedger,
        Self::SeePerson,
        Self::CorrectRecord,
        Self::ConfirmRecord,
        Self::ApproveChange,
        Self::SetApprovals,
        Self::SeeFindings,
        Self::LoadResidents,
        Self::IssueCoupons,
        Self::OrderVials,
        Self::KeepStandby,
        Self::TraceLot,
        Self::SetSender,
        Self::FindByNumber,
        Self::OpenNumber,
        Self::ExportLedger,
        Self::KeepLots,
        Self::KeepSupply,
        Self::KeepCycles,
        Self::Allocate,
        Self::RequestUnits,
        Self::SeeAllocations,
        Self::RegisterDelivery,
        Self::KeepOwnCodes,
        Self::KeepVenue,
        Self::MakeMandate,
        Self::SeeVenues,
        Self::KeepVenues,
        Self::LoadVenues,
        Self::IssueCodes,
        Self::ConfirmMandates,
        Self::SeeStatistics,
        Self::SeeSupply,
        Self::ManageAccounts,
        Self::SeeAccessLog,
        Self::SeeHome,
    ];

    /// The word in logs, tables and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetDay => "set-day",
            Self::ReadCoupon => "read-coupon",
            Self::RecordDose => "record-dose",
            Self::SeeVenueDay => "see-venue-day",
            Self::CorrectAtVenue => "correct-at-venue",
            Self::CloseDay => "close-day",
            Self::SeeStock => "see-stock",
            Self::KeepStock => "keep-stock",
            Self::OfferLeftover => "offer-leftover",
            Self::SeeLedger => "see-ledger",
            Self::SeePerson => "see-person",
            Self::CorrectRecord => "correct-record",
            Self::ConfirmRecord => "confirm-record",
            Self::ApproveChange => "approve-change",
            Self::SetApprovals => "set-approvals",
            Self::SeeFindings => "see-findings",
            Self::LoadResidents => "load-residents",
            Self::IssueCoupons => "issue-coupons",
            Self::OrderVials => "order-vials",
            Self::KeepStandby => "keep-standby",
            Self::TraceLot => "trace-lot",
            Self::SetSender => "set-sender",
            Self::FindByNumber => "find-by-number",
            Self::OpenNumber => "open-number",
            Self::ExportLedger => "export-ledger",
            Self::KeepLots => "keep-lots",
            Self::KeepSupply => "keep-supply",
            Self::KeepCycles => "keep-cycles",
            Self::Allocate => "allocate",
            Self::RequestUnits => "request-units",
            Self::SeeAllocations => "see-allocations",
            Self::RegisterDelivery => "register-delivery",
            Self::KeepOwnCodes => "keep-own-codes",
            Self::KeepVenue => "keep-venue",
            Self::MakeMandate => "make-mandate",
            Self::SeeVenues => "see-venues",
            Self::KeepVenues => "keep-venues",
            Self::LoadVenues => "load-venues",
            Self::IssueCodes => "issue-codes",
            Self::ConfirmMandates => "confirm-mandates",
            Self::SeeStatistics => "see-statistics",
            Self::SeeSupply => "see-supply",
            Self::ManageAccounts => "manage-accounts",
            Self::SeeAccessLog => "see-access-log",
            Self::SeeHome => "see-home",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.as_str() == word)
    }

    /// At whose desk it is done.
    fn desk(self) -> Desk {
        match self {
            Self::SetDay
            | Self::ReadCoupon
            | Self::RecordDose
            | Self::SeeVenueDay
            | Self::CorrectAtVenue
            | Self::CloseDay
            | Self::SeeStock
            | Self::KeepStock
            | Self::OfferLeftover => Desk::Venue,
            Self::SeeLedger
            | Self::SeePerson
            | Self::CorrectRecord
            | Self::ConfirmRecord
            | Self::ApproveChange
            | Self::SetApprovals
            | Self::SeeFindings
            | Self::LoadResidents
            | Self::IssueCoupons
            | Self::OrderVials
            | Self::KeepStandby
            | Self::TraceLot
            | Self::SetSender
            | Self::ExportLedger
            | Self::SeeAccessLog => Desk::City,
            Self::FindByNumber | Self::OpenNumber => Desk::Number,
            Self::KeepLots
            | Self::KeepSupply
            | Self::KeepCycles
            | Self::Allocate
            | Self::RequestUnits
            | Self::SeeAllocations
            | Self::RegisterDelivery
            | Self::KeepOwnCodes
            | Self::KeepVenue
            | Self::MakeMandate
            | Self::SeeVenues
            | Self::KeepVenues
            | Self::LoadVenues
            | Self::IssueCodes
            | Self::ConfirmMandates
            | Self::SeeStatistics
            | Self::SeeSupply
            | Self::ManageAccounts
            | Self::SeeHome => Desk::Any,
        }
    }
}

/// The desk an action belongs to: the two that have people before them, the one where Individual
/// Numbers are, and all others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Desk {
    Venue,
    City,
    Number,
    Any,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who asks. No names in here: it is written to logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// The account.
    pub user: UserId,
    /// The organisation the account belongs to.
    pub organisation: OrganisationId,
    /// What that organisation is.
    pub kind: OrganisationKind,
    /// What the account is there.
    pub role: Role,
    /// What the organisation answers for.
    pub territory: Territory,
}

impl Actor {
    /// Whether the territory is one that an organisation of this kind can have, and its own: an
    /// actor put together from tables that contradict each other may do nothing.
    fn is_at_home_in_its_kind(&self) -> bool {
        match (self.kind, self.territory) {
            (OrganisationKind::Nation, Territory::Nation)
            | (OrganisationKind::Prefecture, Territory::Prefecture(_))
            | (OrganisationKind::City, Territory::City(_)) => true,
            (OrganisationKind::Venue, Territory::Venue { id, .. })
            | (
                OrganisationKind::Wholesaler
                | OrganisationKind::Maker
                | OrganisationKind::Federation
                | OrganisationKind::Association,
                Territory::Company(id),
            ) => id == self.organisation,
            _ => false,
        }
    }
}

/// The identity of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

/// The identity of an organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrganisationId(pub Uuid);

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for OrganisationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What an organisation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationKind {
    /// The nation (国).
    Nation,
    /// A prefecture (都道府県).
    Prefecture,
    /// A municipality (市町村).
    City,
    /// A venue (接種会場・医療機関).
    Venue,
    /// A wholesaler (卸).
    Wholesaler,
    /// A maker (メーカー).
    Maker,
    /// A federation that pays claims (国保連).
    Federation,
    /// A district medical association (郡市医師会), which venues give their mandates to.
    Association,
}

impl OrganisationKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Nation,
        Self::Prefecture,
        Self::City,
        Self::Venue,
        Self::Wholesaler,
        Self::Maker,
        Self::Federation,
        Self::Association,
    ];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nation => "nation",
            Self::Prefecture => "prefecture",
            Self::City => "city",
            Self::Venue => "venue",
            Self::Wholesaler => "wholesaler",
            Self::Maker => "maker",
            Self::Federation => "federation",
            Self::Association => "association",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What an account is in its organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Does the work and opens accounts.
    Administrator,
    /// Does the work.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Administrator, Self::Operator];

    /// The word in files, tables and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// What an organisation answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Territory {
    /// The whole country.
    Nation,
    /// One prefecture.
    Prefecture(Prefecture),
    /// One municipality.
    City(MunicipalityCode),
    /// One venue.
    Venue {
        /// The venue.
        id: OrganisationId,
        /// The city it stands in.
        city: MunicipalityCode,
    },
    /// A company, federation or association: itself.
    Company(OrganisationId),
}

impl Territory {
    /// The territory as a place that is acted upon.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Nation => Place::Nation,
            Self::Prefecture(prefecture) => Place::Prefecture(prefecture),
            Self::City(city) => Place::City(city),
            Self::Venue { id, city } => Place::Venue { id, city },
            Self::Company(id) => Place::Company(id),
        }
    }
}

/// What is acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The whole country.
    Nation,
    /// A prefecture.
    Prefecture(Prefecture),
    /// A municipality.
    City(MunicipalityCode),
    /// A venue.
    Venue {
        /// The venue.
        id: OrganisationId,
        /// The city it stands in.
        city: MunicipalityCode,
    },
    /// A company, federation or association.
    Company(OrganisationId),
}

/// The actor may not do this there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "この操作({action})の権限がありません。所属の管理者に確認してください。/ You may not do this ({action}) here. Ask your administrator."
)]
pub struct Denied {
    /// What was asked for.
    pub action: Action,
}

impl Denied {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "denied"
    }
}

/// The proof that an actor may work with the people of one city.
///
/// Invariant: the actor belongs to that city, and `action` is one of a city's desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CityPermit {
    actor: Actor,
    action: Action,
    city: MunicipalityCode,
}

/// Asks for a city's own work: its people, ledger, findings and access log.
///
/// # Errors
/// [`Denied`], also for every action that is not of a city's desk.
pub fn city(actor: &Actor, action: Action, city: MunicipalityCode) -> Result<CityPermit, Denied> {
    if action.desk() == Desk::City && may(actor, action, &Place::City(city)) {
        Ok(CityPermit {
            actor: *actor,
            action,
            city,
        })
    } else {
        Err(Denied { action })
    }
}

impl CityPermit {
    /// The city.
    #[must_use]
    pub fn city(&self) -> MunicipalityCode {
        self.city
    }

    /// Who asked.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// For what.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }
}

/// What an Individual Number may be used for in vaccination. There is no other purpose: the law (番号法)
/// names each office and what for, and a number is never used to look somebody up in general.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberPurpose {
    /// The records of somebody who moved in (転入者の接種記録の照会).
    MovedIn,
    /// The person, or who speaks for them, asks for what is kept of them (本人からの請求).
    OwnRequest,
}

impl NumberPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::MovedIn, Self::OwnRequest];

    /// The word in the access log and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MovedIn => "moved-in",
            Self::OwnRequest => "own-request",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

/// The proof that an actor may use Individual Numbers for one purpose.
///
/// Invariant: the actor belongs to that city, and `action` is one of the desk of numbers. No other
/// permit reaches a number, and this one reaches nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPermit {
    actor: Actor,
    action: Action,
    city: MunicipalityCode,
    purpose: NumberPurpose,
}

/// Asks to find somebody by their Individual Number, or to see that of one's own resident.
///
/// # Errors
/// [`Denied`], also for every action that is not of the desk of numbers.
pub fn number(
    actor: &Actor,
    action: Action,
    city: MunicipalityCode,
    purpose: NumberPurpose,
) -> Result<NumberPermit, Denied> {
    if action.desk() == Desk::Number && may(actor, action, &Place::City(city)) {
        Ok(NumberPermit {
            actor: *actor,
            action,
            city,
            purpose,
        })
    } else {
        Err(Denied { action })
    }
}

impl NumberPermit {
    /// The city that asks.
    #[must_use]
    pub fn city(&self) -> MunicipalityCode {
        self.city
    }

    /// Who asked.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What for.
    #[must_use]
    pub fn purpose(&self) -> NumberPurpose {
        self.purpose
    }

    /// Whether the permit is for this: who may find somebody by a number they know may not
    /// therefore see one they do not know.
    ///
    /// # Errors
    /// [`Denied`], if it is for the other action.
    pub fn allows(&self, action: Action) -> Result<(), Denied> {
        if self.action == action {
            Ok(())
        } else {
            Err(Denied { action })
        }
    }
}

/// The proof that an actor may work at one venue, their own.
///
/// Invariant: the actor belongs to that venue, and `action` is one of a venue's desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenuePermit {
    actor: Actor,
    action: Action,
    venue: OrganisationId,
    city: MunicipalityCode,
}

/// Asks for the work of the actor's own venue.
///
/// # Errors
/// [`Denied`], also for every action that is not of a venue's desk.
pub fn venue(actor: &Actor, action: Action) -> Result<VenuePermit, Denied> {
    match actor.territory {
        Territory::Venue { id, city }
            if action.desk() == Desk::Venue && may(actor, action, &actor.territory.place()) =>
        {
            Ok(VenuePermit {
                actor: *actor,
                action,
                venue: id,
                city,
            })
        }
        _ => Err(Denied { action }),
    }
}

impl VenuePermit {
    /// The venue.
    #[must_use]
    pub fn venue(&self) -> OrganisationId {
        self.venue
    }

    /// The city the venue stands in.
    #[must_use]
    pub fn city(&self) -> MunicipalityCode {
        self.city
    }

    /// Who asked.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// For what.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }
}

/// The proof that an actor may do something at some place.
///
/// Invariant: [`may`] said yes to the three.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    actor: Actor,
    action: Action,
    place: Place,
}

/// Asks for anything, anywhere.
///
/// # Errors
/// [`Denied`].
pub fn permit(actor: &Actor, action: Action, place: Place) -> Result<Permit, Denied> {
    if may(actor, action, &place) {
        Ok(Permit {
            actor: *actor,
            action,
            place,
        })
    } else {
        Err(Denied { action })
    }
}

impl Permit {
    /// Who asked.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// For what.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }
}
