//! The document of the API (OpenAPI), made from the calls themselves.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::web::routes::{Guard, Routes};

/// The routes of this file.
pub fn routes() -> Routes {
    Routes::new().get("/api/v1/openapi.json", Guard::Public, document)
}

/// Everything under `/api/v1` and the open data.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sesshu",
        description = "Vaccination records and supply. Log in with `POST /api/v1/sessions` and send the token as \
            `Authorization: Bearer …`. Ids of what you send are made by you (UUID version 7); sending the same again \
            is safe and gets the first answer. Problems are RFC 9457 `application/problem+json` with a stable `code`, \
            `title` and `detail` in your language and the words of both under `ja` and `en`. Lists are read on by \
            their `next`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        super::sessions::log_in,
        super::sessions::current,
        super::sessions::log_out,
        super::accounts::organisations,
        super::accounts::found,
        super::accounts::list,
        super::accounts::create,
        super::accounts::reset,
        super::accounts::activate,
        super::accounts::log_out,
        super::doses::report,
        super::doses::list,
        super::doses::one,
        super::doses::correct,
        super::doses::void,
        super::tablet::day,
        super::tablet::used_coupons,
        super::tablet::carried_lots,
        super::tablet::register,
        super::tablet::take_in,
        super::receipts::prove,
        super::venue_days::day,
        super::venue_days::close,
        super::venue_days::opening_days,
        super::venue_days::tell_opening_days,
        super::venues::list,
        super::venues::one,
        super::venues::by_code,
        super::venues::tell,
        super::venues::own_record,
        super::venues::tell_own,
        super::venues::own_mandates,
        super::venues::make_mandate,
        super::venues::mandates,
        super::venues::decide,
        super::coupons::read,
        super::checks::check,
        super::lots::list,
        super::lots::enter,
        super::lots::packages,
        super::lots::enter_package,
        super::lots::seal,
        super::lots::photo,
        super::allocations::propose,
        super::allocations::supply_list,
        super::allocations::tell_supply,
        super::allocations::cycle_list,
        super::allocations::keep_cycle,
        super::allocations::ask,
        super::allocations::received,
        super::allocations::plan,
        super::figures::list,
        super::figures::state,
        super::figures::draw,
        super::stock::on_hand,
        super::stock::movements,
        super::stock::act,
        super::stock::count,
        super::stock::arrivals,
        super::stock::receive,
        super::stock::open_transfers,
        super::stock::begin_transfer,
        super::stock::take,
        super::stock::put_right,
        super::temperatures::coolers,
        super::temperatures::readings,
        super::temperatures::enter,
        super::temperatures::excursions,
        super::temperatures::decide,
        super::leftover_doses::board,
        super::leftover_doses::tell,
        super::leftover_doses::call,
        super::leftover_doses::answer,
        super::leftover_doses::enter,
        super::leftover_doses::withdraw,
        super::leftover_doses::outcomes,
        super::deliveries::orders,
        super::deliveries::open,
        super::deliveries::enter,
        super::deliveries::put_right,
        super::deliveries::questions,
        super::deliveries::answer,
        super::monitors::monitor,
        super::monitors::report,
        super::allocations::publish,
        super::allocations::decision,
        super::allocations::reopen,
        super::settings::current,
        super::settings::set,
        super::records::desk,
        super::records::list,
        super::records::one,
        super::records::correct,
        super::records::void,
        super::records::confirm,
        super::records::reopen,
        super::people::list,
        super::records::person,
        super::records::entries,
        super::worklists::counts,
        super::worklists::list,
        super::worklists::sessions,
        super::worklists::take,
        super::worklists::give_back,
        super::worklists::candidates,
        super::proposals::list,
        super::proposals::one,
        super::proposals::approve,
        super::proposals::refuse,
        super::proposals::withdraw,
        super::proposals::undo,
        super::proposals::preview,
        super::proposals::repair,
        super::proposals::lock,
        super::proposals::wanted,
        super::proposals::set_wanted,
        super::residents::load,
        super::coupon_batches::list,
        super::coupon_batches::begin,
        super::coupon_batches::one,
        super::coupon_batches::approve,
        super::coupon_batches::discard,
        super::coupon_batches::file,
        super::coupon_batches::of_person,
        super::coupon_batches::reissue,
        super::coupon_batches::void,
        super::coupon_batches::print,
        super::packs::list,
        super::packs::begin,
        super::packs::file_of_city,
        super::packs::list_of_venue,
        super::packs::begin_of_venue,
        super::packs::file_of_venue,
        super::inquiries::ask,
        super::inquiries::asked,
        super::imports::list,
        super::imports::hand_in,
        super::imports::one,
        super::imports::remarks,
        super::imports::approve,
        super::imports::discard,
        super::imports::undo,
        super::imports::keep,
        super::venue_files::list,
        super::venue_files::hand_in,
        super::venue_files::one,
        super::venue_files::remarks,
        super::venue_files::approve,
        super::venue_files::discard,
        super::venue_files::undo,
        super::venue_files::keep,
        super::statistics::counts,
        super::statistics::prefecture,
        super::statistics::by_date,
        super::statistics::by_prefecture,
        super::places::list,
        super::places::one,
        super::places::products,
    ),
    modifiers(&Bearer),
    security(("bearer" = [])),
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("bearer", bearer);
    }
}

async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(Document::openapi())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Calls about the document itself, and the addresses for watchers of the server.
    const BESIDE: &[&str] = &["/api/v1/openapi.json", "/healthz", "/livez"];

    #[test]
    fn the_document_tells_every_call_and_no_other() {
        let told: BTreeSet<String> = Document::openapi().paths.paths.into_keys().collect();
        let there: BTreeSet<String> = crate::api::routes()
            .list()
            .iter()
            .map(|route| route.path.to_owned())
            .filter(|path| !BESIDE.contains(&path.as_str()))
            .collect();
        assert_eq!(told, there);
    }

    /// The document keeps one schema under each name: of two, one would hide the other without a word.
    #[test]
    fn no_two_schemas_share_a_name() {
        let mut names = Vec::new();
        schemas_in(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("../"),
            &mut names,
        );
        assert!(names.len() > 100, "{}", names.len());
        names.sort();
        let twice: Vec<_> = names.windows(2).filter(|two| two[0] == two[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    /// The names of the types below a folder that derive a schema.
    fn schemas_in(folder: &Path, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                schemas_in(&path, names);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let mut is_schema = false;
                for line in text.lines() {
                    is_schema |= line.starts_with("#[derive(") && line.contains("ToSchema");
                    let mut words = line.split(|at: char| !at.is_alphanumeric() && at != '_');
                    let kind = words.find(|word| ["struct", "enum"].contains(word));
                    if is_schema && kind.is_some() && !line.starts_with(['/', '#']) {
                        names.extend(words.find(|word| !word.is_empty()).map(str::to_owned));
                        is_schema = false;
                    }
                }
            }
        }
    }

    #[test]
    fn the_document_changes_only_on_purpose() {
        insta::assert_json_snapshot!(Document::openapi());
    }
}
