//! Organisations and people who are to use the system from now on, read from what a page or a
//! program sent.

use domain::access::{Action, OrganisationId, OrganisationKind, Permit, Place, Role, UserId};
use domain::places::{MunicipalityCode, Places, Prefecture};
use domain::venues::FacilityCode;
use store::accounts::{NewAccount, NewOrganisation};
use uuid::Uuid;

use crate::state::App;
use crate::web::logins::LOGIN_CHARACTERS_MAX;
use crate::web::me::Me;
use crate::web::passwords;
use crate::web::problem::Problem;

/// Characters of a login at least.
const LOGIN_CHARACTERS_MIN: usize = 3;
/// Characters of a person's name at most: the longest in any register is far shorter.
const NAME_CHARACTERS_MAX: usize = 100;

/// The account of a newcomer, with a password made for it that must be changed at the first login.
///
/// # Errors
/// `login_shape`, `name_shape`, `role_unknown`.
pub async fn person(
    app: &App,
    id: Uuid,
    login: &str,
    name: &str,
    role: &str,
) -> Result<(NewAccount, String), Problem> {
    let login = login_of(login)?;
    let name = name_of(name)?;
    let role = Role::parse(role).ok_or_else(|| Problem::unprocessable("role_unknown"))?;
    let password = passwords::made().ok_or_else(Problem::internal)?;
    let password_hash = app.logins.passwords.hash(password.clone()).await?;
    let id = UserId(id);
    let new = NewAccount {
        id,
        login,
        name,
        role,
        password_hash,
        password_must_change: true,
    };
    Ok((new, password))
}

/// A login as it is kept.
///
/// # Errors
/// `login_shape`.
pub fn login_of(text: &str) -> Result<String, Problem> {
    let login = text.trim().to_lowercase();
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    let fits = (LOGIN_CHARACTERS_MIN..=LOGIN_CHARACTERS_MAX).contains(&login.len())
        && login.bytes().all(is_allowed);
    if fits {
        Ok(login)
    } else {
        Err(Problem::unprocessable("login_shape"))
    }
}

fn name_of(text: &str) -> Result<String, Problem> {
    let name = text.trim();
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control);
    if fits {
        Ok(name.to_owned())
    } else {
        Err(Problem::unprocessable("name_shape"))
    }
}

/// What is told of an organisation that is to use the system.
pub struct Told<'a> {
    /// Its kind, by its word.
    pub kind: &'a str,
    /// A prefecture's two digits, a city's six; empty for others.
    pub code: &'a str,
    /// The name; a prefecture's and a city's is the register's.
    pub name: &'a str,
    /// A venue's ten digits; empty for others, and for a venue that has none yet.
    pub facility_code: &'a str,
}

/// The organisation of a newcomer, and the right to let it in.
///
/// # Errors
/// `kind_unknown`, `prefecture_unknown`, `city_unknown`, `name_shape`, `facility_code_shape`, and
/// forbidden for who may not.
pub fn organisation(
    app: &App,
    me: &Me,
    id: Uuid,
    told: &Told<'_>,
) -> Result<(Permit, NewOrganisation), Problem> {
    let kind = OrganisationKind::parse(told.kind)
        .filter(|kind| *kind != OrganisationKind::Nation)
        .ok_or_else(|| Problem::unprocessable("kind_unknown"))?;
    let id = OrganisationId(id);
    let mut facility_code = None;
    let (place, name) = match kind {
        OrganisationKind::Prefecture => {
            let prefecture = Prefecture::parse(told.code)
                .ok_or_else(|| Problem::unprocessable("prefecture_unknown"))?;
            (
                Place::Prefecture(prefecture),
                Places::bundled().prefecture_name(prefecture).to_owned(),
            )
        }
        OrganisationKind::City => {
            let (code, name) = city(app, told.code)?;
            (Place::City(code), name)
        }
        OrganisationKind::Venue => {
            let Place::City(city) = me.place() else {
                return Err(Problem::forbidden());
            };
            // Whoever has none yet applies for one (新規付番) once the venue is there.
            facility_code = match told.facility_code.trim() {
                "" => None,
                code => Some(
                    FacilityCode::parse(code)
                        .map_err(|_| Problem::unprocessable("facility_code_shape"))?,
                ),
            };
            (Place::Venue { id, city }, name_of(told.name)?)
        }
        _ => (Place::Company(id), name_of(told.name)?),
    };
    let permit = me.permit(Action::ManageAccounts, place)?;
    Ok((
        permit,
        NewOrganisation {
            id,
            kind,
            name,
            facility_code,
        },
    ))
}

fn city(app: &App, code: &str) -> Result<(MunicipalityCode, String), Problem> {
    let unknown = || Problem::unprocessable("city_unknown").arg("code", code);
    let code = MunicipalityCode::parse(code).map_err(|_| unknown())?;
    let place = Places::bundled()
        .issuer(code, app.today())
        .ok_or_else(unknown)?;
    Ok((code, place.name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_small_letters_digits_and_three_marks() {
        assert_eq!(
            login_of(" Sato.Hanako-1 ").ok().as_deref(),
            Some("sato.hanako-1")
        );
        for bad in ["", "ab", "佐藤花子", "a b c", "a@b.c", &"a".repeat(65)] {
            assert!(login_of(bad).is_err(), "{bad}");
        }
    }
}
