//! The code of a form (予診票の控え), by the examples that the tablet's own parser is held against, too.

use domain::coupons::CouponLine;
use domain::drafts::{Draft, DraftRefusal};
use domain::vaccines::{Lot, ProductKey};
use domain::venues::FacilityCode;
use serde_json::{Value, json};

/// What the examples say of a text that was read.
fn told(read: &Result<Draft, DraftRefusal>) -> Value {
    match read {
        Ok(draft) => json!({ "draft": {
            "form": draft.form.to_string(),
            "city": draft.city.as_str(),
            "coupon": draft.coupon.as_ref().map(CouponLine::as_str),
            "venue": draft.venue.as_ref().map(FacilityCode::as_str),
            "on": draft.on.map(|on| on.to_string()),
            "product": draft.product.as_ref().map(ProductKey::as_str),
            "lot": draft.lot.as_ref().map(Lot::as_str),
        } }),
        Err(refusal) => {
            let code = refusal.code();
            let told = match refusal {
                DraftRefusal::Version { version } => json!({ "code": code, "version": version }),
                DraftRefusal::Field { field } => json!({ "code": code, "field": field }),
                DraftRefusal::NotADraft | DraftRefusal::Check => json!({ "code": code }),
            };
            json!({ "refusal": told })
        }
    }
}

#[test]
fn every_example_is_read_as_it_says() {
    let examples: Vec<Value> = serde_json::from_str(include_str!("draft_codes.json")).unwrap();
    assert!(examples.len() > 30);
    for example in examples {
        let text = example["text"].as_str().unwrap();
        let mut expected = example.clone();
        let members = expected.as_object_mut().unwrap();
        members.remove("about");
        members.remove("text");
        assert_eq!(told(&Draft::parse(text)), expected, "{}", example["about"]);
    }
}
