//! The demonstration's organisations, and one account for each role.

use anyhow::{Context, anyhow};
use domain::access::{
    self, Action, Actor, OrganisationId, OrganisationKind, Place, Role, Territory, UserId,
};
use domain::places::{MunicipalityCode, Places, Prefecture};
use domain::venues::FacilityCode;
use serde::{Deserialize, Serialize};
use store::Db;
use store::accounts::{self, NewAccount, NewOrganisation};
use store::recorder::Outside;

use super::fresh;
use crate::web::passwords;

/// The cities of the demonstration: two neighbours, and two far away.
pub(super) const CITIES: [&str; 4] = ["131016", "131032", "011002", "271004"];

/// An account as `demo.json` tells it.
#[derive(Serialize, Deserialize)]
pub(super) struct DemoAccount {
    /// `administrator` or `operator`.
    pub role: String,
    /// The kind of organisation.
    pub kind: String,
    /// Its name.
    pub organisation: String,
    /// What is typed.
    pub login: String,
    /// What is typed below it.
    pub password: String,
    /// What one can try with it.
    pub what: String,
}

/// A venue of the demonstration, and somebody who records there.
#[derive(Clone)]
pub(super) struct Venue {
    /// Its city.
    pub city: MunicipalityCode,
    /// Its name.
    pub name: &'static str,
    /// Its code, by which vials are delivered to it.
    pub facility: FacilityCode,
    /// Who records.
    pub operator: Actor,
}

/// What was founded.
pub(super) struct Made {
    /// The nation's administrator.
    pub nation: Actor,
    /// Somebody at the wholesaler's.
    pub wholesaler: Actor,
    /// Somebody at the medical association.
    pub association: Actor,
    /// The venues.
    pub venues: Vec<Venue>,
    /// An administrator of each city.
    pub cities: Vec<(MunicipalityCode, Actor)>,
}

/// An organisation to be founded: its kind, where it stands, its name.
struct Planned {
    kind: OrganisationKind,
    at: At,
    name: &'static str,
    /// Login, role, what one can try.
    people: &'static [(&'static str, Role, &'static str)],
}

enum At {
    Prefecture(&'static str),
    City(&'static str),
    /// City, and nine digits of the facility code; the tenth is computed.
    Venue(&'static str, &'static str),
    Company,
}

const ADMIN: Role = Role::Administrator;
const OPERATOR: Role = Role::Operator;

/// In order: whoever founds comes before what is founded.
const PLANNED: &[Planned] = &[
    Planned {
        kind: OrganisationKind::Prefecture,
        at: At::Prefecture("13"),
        name: "東京都",
        people: &[(
            "tokyo",
            ADMIN,
            "都の集計、区市町村の利用者 / the prefecture's counts, its cities' people",
        )],
    },
    Planned {
        kind: OrganisationKind::Prefecture,
        at: At::Prefecture("01"),
        name: "北海道",
        people: &[("hokkaido", ADMIN, "道の集計 / the prefecture's counts")],
    },
    Planned {
        kind: OrganisationKind::Prefecture,
        at: At::Prefecture("27"),
        name: "大阪府",
        people: &[("osaka-fu", ADMIN, "府の集計 / the prefecture's counts")],
    },
    Planned {
        kind: OrganisationKind::Wholesaler,
        at: At::Company,
        name: "見本医薬品卸",
        people: &[(
            "oroshi",
            OPERATOR,
            "卸: 配送結果 / a wholesaler: deliveries",
        )],
    },
    Planned {
        kind: OrganisationKind::Maker,
        at: At::Company,
        name: "見本ワクチン製造",
        people: &[("maker", OPERATOR, "メーカー / a maker")],
    },
    Planned {
        kind: OrganisationKind::Federation,
        at: At::Company,
        name: "見本国民健康保険団体連合会",
        people: &[("kokuho", OPERATOR, "国保連 / the insurers' federation")],
    },
    Planned {
        kind: OrganisationKind::Association,
        at: At::Company,
        name: "見本区医師会",
        people: &[(
            "ishikai",
            OPERATOR,
            "郡市医師会: 委任状の確認 / a medical association: mandates",
        )],
    },
    Planned {
        kind: OrganisationKind::City,
        at: At::City("131016"),
        name: "千代田区",
        people: &[
            (
                "chiyoda-admin",
                ADMIN,
                "区の台帳、閲覧記録、利用者 / the ledger, the access log, people",
            ),
            (
                "chiyoda",
                OPERATOR,
                "区の台帳、登録待ち、住民 / the ledger, the pending list, residents",
            ),
        ],
    },
    Planned {
        kind: OrganisationKind::City,
        at: At::City("131032"),
        name: "港区",
        people: &[("minato", ADMIN, "隣の区 / the neighbour")],
    },
    Planned {
        kind: OrganisationKind::City,
        at: At::City("011002"),
        name: "札幌市",
        people: &[("sapporo", ADMIN, "遠くの市 / a city far away")],
    },
    Planned {
        kind: OrganisationKind::City,
        at: At::City("271004"),
        name: "大阪市",
        people: &[("osaka", ADMIN, "遠くの市 / a city far away")],
    },
    Planned {
        kind: OrganisationKind::Venue,
        at: At::Venue("131016", "131012345"),
        name: "千代田区集団接種会場",
        people: &[
            ("kaijo-admin", ADMIN, "会場の利用者 / the venue's people"),
            (
                "kaijo",
                OPERATOR,
                "券を読み、登録する / reads coupons and records",
            ),
        ],
    },
    Planned {
        kind: OrganisationKind::Venue,
        at: At::Venue("131016", "131054321"),
        name: "神田見本クリニック",
        people: &[("kanda", OPERATOR, "診療所 / a clinic")],
    },
    Planned {
        kind: OrganisationKind::Venue,
        at: At::Venue("131032", "131098765"),
        name: "港区見本病院",
        people: &[(
            "minato-byoin",
            OPERATOR,
            "隣の区の病院 / the neighbour's hospital",
        )],
    },
    Planned {
        kind: OrganisationKind::Venue,
        at: At::Venue("011002", "011011111"),
        name: "札幌見本病院",
        people: &[(
            "sapporo-byoin",
            OPERATOR,
            "札幌の病院 / a hospital in Sapporo",
        )],
    },
    Planned {
        kind: OrganisationKind::Venue,
        at: At::Venue("271004", "271022222"),
        name: "大阪見本会場",
        people: &[("osaka-kaijo", OPERATOR, "大阪の会場 / a venue in Osaka")],
    },
];

/// Founds everything, from the nation down, each by whoever may.
pub(super) async fn found(db: &Db, outside: &Outside) -> anyhow::Result<(Made, Vec<DemoAccount>)> {
    let mut founding = Founding {
        db,
        outside,
        administrators: Vec::new(),
        told: Vec::new(),
    };
    let nation = founding.nation().await?;
    let mut made = Made {
        nation,
        // Until the wholesaler and the association are founded.
        wholesaler: nation,
        association: nation,
        venues: Vec::new(),
        cities: Vec::new(),
    };
    for planned in PLANNED {
        let people = founding.organisation(planned).await?;
        let Some(last) = people.last().cloned() else {
            continue;
        };
        match last.territory {
            Territory::City(city) => made
                .cities
                .push((city, people.into_iter().next().unwrap_or(last))),
            Territory::Venue { city, .. } => {
                let At::Venue(_, nine) = planned.at else {
                    continue;
                };
                made.venues.push(Venue {
                    city,
                    name: planned.name,
                    facility: facility_code(nine)?,
                    operator: last,
                });
            }
            Territory::Company(_) if planned.kind == OrganisationKind::Wholesaler => {
                made.wholesaler = last;
            }
            Territory::Company(_) if planned.kind == OrganisationKind::Association => {
                made.association = last;
            }
            Territory::Nation | Territory::Prefecture(_) | Territory::Company(_) => {}
        }
    }
    Ok((made, founding.told))
}

struct Founding<'a> {
    db: &'a Db,
    outside: &'a Outside,
    administrators: Vec<Actor>,
    told: Vec<DemoAccount>,
}

impl Founding<'_> {
    async fn nation(&mut self) -> anyhow::Result<Actor> {
        let nation = NewOrganisation {
            id: OrganisationId(fresh(self.outside)),
            kind: OrganisationKind::Nation,
            name: "国".to_owned(),
            facility_code: None,
        };
        let what = "全国の集計、都道府県の利用者 / the national counts, the prefectures' people";
        let account = self.account("kuni", ADMIN, &nation, what)?;
        let at = (self.outside.now)();
        let made = accounts::first_administrator(self.db, &nation, &account, at).await?;
        self.administrators.push(made.actor());
        Ok(made.actor())
    }

    async fn organisation(&mut self, planned: &Planned) -> anyhow::Result<Vec<Actor>> {
        let new = NewOrganisation {
            id: OrganisationId(fresh(self.outside)),
            kind: planned.kind,
            name: planned.name.to_owned(),
            facility_code: match planned.at {
                At::Venue(_, nine) => Some(facility_code(nine)?),
                _ => None,
            },
        };
        let place = place(&planned.at, new.id)?;
        let may = |actor: &&Actor| access::may(actor, Action::ManageAccounts, &place);
        let founder = self
            .administrators
            .iter()
            .rev()
            .find(may)
            .context("nobody may found it")?;
        let permit = access::permit(founder, Action::ManageAccounts, place)
            .map_err(|_| anyhow!("the founder may not"))?;
        let at = (self.outside.now)();
        accounts::found_organisation(self.db, &permit, &new, fresh(self.outside), at).await?;
        let mut people = Vec::new();
        for (login, role, what) in planned.people {
            let account = self.account(login, *role, &new, what)?;
            let made =
                accounts::create_account(self.db, &permit, &account, fresh(self.outside), at)
                    .await?;
            if made.role == ADMIN {
                self.administrators.push(made.actor());
            }
            people.push(made.actor());
        }
        Ok(people)
    }

    fn account(
        &mut self,
        login: &str,
        role: Role,
        organisation: &NewOrganisation,
        what: &str,
    ) -> anyhow::Result<NewAccount> {
        let password = passwords::made().context("the operating system gives no randomness")?;
        let hash = passwords::hash(&password).context("the password cannot be hashed")?;
        self.told.push(DemoAccount {
            role: role.as_str().to_owned(),
            kind: organisation.kind.as_str().to_owned(),
            organisation: organisation.name.clone(),
            login: login.to_owned(),
            password,
            what: what.to_owned(),
        });
        Ok(NewAccount {
            id: UserId(fresh(self.outside)),
            login: login.to_owned(),
            name: if role == ADMIN {
                "見本 管理者"
            } else {
                "見本 担当者"
            }
            .to_owned(),
            role,
            password_hash: hash,
            password_must_change: false,
        })
    }
}

fn place(at: &At, id: OrganisationId) -> anyhow::Result<Place> {
    Ok(match at {
        At::Prefecture(number) => {
            Place::Prefecture(Prefecture::parse(number).context("no prefecture")?)
        }
        At::City(code) => Place::City(city(code)?),
        At::Venue(code, _) => Place::Venue {
            id,
            city: city(code)?,
        },
        At::Company => Place::Company(id),
    })
}

/// A city of the register.
pub(super) fn city(code: &str) -> anyhow::Result<MunicipalityCode> {
    let code =
        MunicipalityCode::parse(code).map_err(|_| anyhow!("{code} is no municipality code"))?;
    Places::bundled()
        .any(code)
        .context("the city is not in the register")?;
    Ok(code)
}

/// Nine digits with the tenth that fits them.
fn facility_code(nine: &str) -> anyhow::Result<FacilityCode> {
    (0..10)
        .filter_map(|digit| FacilityCode::parse(&format!("{nine}{digit}")).ok())
        .find(FacilityCode::check_digit_holds)
        .context("no check digit fits")
}
