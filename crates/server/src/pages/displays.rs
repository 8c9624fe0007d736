//! The temperature off a photograph of a cooler's display (保冷庫の温度表示の写真).
//!
//! The digits are read; whether there is a minus before them is always told by a person, who has the picture before
//! them: it is the smallest stroke of the display and the gravest error in the record. The photograph is not kept.

use axum::extract::State;
use axum::extract::multipart::Multipart;
use axum::response::{Redirect, Response};
use domain::access::Action;
use domain::cold_chain::Temperature;
use reader::DisplayDoubt;

use crate::pages::attachments;
use crate::pages::fields::Complaints;
use crate::pages::photos::{self, PHOTO_BYTES_MAX};
use crate::pages::reading::{photo_in, picture_text};
use crate::pages::temperatures::{self, Fields, Said, temperature_in};
use crate::state::App;
use crate::web::layout::Page;
use crate::web::me::Me;
use crate::web::problem::Problem;
use crate::web::routes::{Guard, Routes};

const PATH: &str = "/venue/temperatures/photo";

/// The pages of this file.
pub fn routes() -> Routes {
    let keep = Guard::May(Action::KeepStock);
    Routes::new()
        .post_up_to(PHOTO_BYTES_MAX, PATH, keep, read)
        .get(PATH, keep, back)
}

async fn back() -> Redirect {
    Redirect::to(temperatures::PATH)
}

/// Fills the form with the digits of the photograph, or says why not.
async fn read(
    State(app): State<App>,
    me: Me,
    page: Page,
    form: Multipart,
) -> Result<Response, Problem> {
    let permit = me.venue(Action::KeepStock)?;
    let photo = photo_in(form).await?;
    let said = match photos::display(photo).await? {
        Ok(Ok(reading)) => {
            let picture = attachments::address("image/png", &reading.picture.png());
            let seen = if reading.minus { MINUS } else { NO_SIGN };
            Said::of_display(Fields::of_display(reading.magnitude, seen), picture)
        }
        Ok(Err(doubt)) => Said::of_trouble(page.t(doubt_text(doubt))),
        Err(refusal) => Said::of_trouble(page.t(picture_text(&refusal))),
    };
    temperatures::render(&app, &permit, page, said).await
}

/// A minus, as seen and as chosen.
const MINUS: &str = "minus";
/// No minus, as chosen.
const PLUS: &str = "plus";
/// No minus was seen, which proves nothing.
const NO_SIGN: &str = "none";

fn doubt_text(doubt: DisplayDoubt) -> &'static str {
    match doubt {
        DisplayDoubt::NothingFound => "display-nothing-found",
        DisplayDoubt::Unsure => "display-unsure",
        DisplayDoubt::Several => "display-several",
    }
}

/// The temperature of a form: as typed, or of a photograph's digits with the sign that a person chose.
pub(super) fn temperature_of(
    page: &Page,
    fields: &Fields,
    complaints: &mut Complaints,
) -> Option<Temperature> {
    if fields.display.is_empty() {
        return temperature_in(page, &fields.degrees, complaints);
    }
    let size = temperature_in(page, &fields.degrees, complaints)?;
    let has_sign = !fields
        .degrees
        .trim()
        .starts_with(|one: char| one.is_numeric());
    if has_sign {
        return complaints.add("degrees", page.t("temperatures-complaint-sign-twice"));
    }
    let tenths = match fields.sign.as_str() {
        PLUS => size.tenths(),
        MINUS => -size.tenths(),
        _ => return complaints.add("sign", page.t("temperatures-complaint-sign")),
    };
    match Temperature::of_tenths(tenths) {
        Ok(temperature) => Some(temperature),
        Err(refusal) => {
            let id = format!("refused-{}", refusal.code());
            complaints.add("degrees", page.t(&id))
        }
    }
}

/// Whether the photograph shows a minus that the person did not choose.
pub(super) fn lacks_minus(fields: &Fields) -> bool {
    fields.display == MINUS && fields.sign == PLUS
}
