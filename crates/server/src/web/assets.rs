//! Stylesheets, scripts and pictures inside the binary, at addresses that change with their content.
//!
//! All assets share one address prefix made from the content of all of them, so that a script can
//! import its neighbour by a relative path and still be kept by the browser for ever.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::web::problem::Problem;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// Hexadecimal digits of the hash in an address: enough that two versions never meet.
const PRINT_DIGITS: usize = 16;

/// The address of an asset.
#[must_use]
pub fn address(path: &str) -> String {
    format!("/assets/{}/{path}", print())
}

/// The names of all assets, in order.
#[must_use]
pub fn names() -> Vec<String> {
    let mut names: Vec<_> = Files::iter().map(String::from).collect();
    names.sort();
    names
}

/// The fingerprint of all assets together.
#[must_use]
pub fn print() -> &'static str {
    static PRINT: OnceLock<String> = OnceLock::new();
    PRINT.get_or_init(|| {
        let mut names: Vec<_> = Files::iter().collect();
        names.sort();
        let mut hash = Sha256::new();
        for name in names {
            hash.update(name.as_bytes());
            if let Some(file) = Files::get(&name) {
                hash.update(file.metadata.sha256_hash());
            }
        }
        let mut digits = hex::encode(hash.finalize());
        digits.truncate(PRINT_DIGITS);
        digits
    })
}

/// Serves an asset; one asked for under an older fingerprint is served as it is now, and not kept.
pub async fn serve(
    Path((asked, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let file = Files::get(&path).ok_or_else(Problem::not_found)?;
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let keep = if asked == print() {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let kind = match file.metadata.mimetype() {
        kind if kind.starts_with("text/") => format!("{kind}; charset=utf-8"),
        kind => kind.to_owned(),
    };
    let head = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, keep.to_owned()),
        (ETAG, tag),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, file.data.into_owned()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendored_files_are_the_published_ones() {
        let versions = include_str!("../../assets/vendor/VERSIONS.md");
        let vendored: Vec<_> = Files::iter()
            .filter(|path| path.starts_with("vendor/"))
            .collect();
        assert!(!vendored.is_empty());
        for path in vendored {
            let file = Files::get(&path).unwrap();
            let hash = hex::encode(file.metadata.sha256_hash());
            if path == "vendor/VERSIONS.md" {
                continue;
            }
            let line = versions.lines().find(|line| line.contains(path.as_ref()));
            assert!(
                line.is_some_and(|line| line.contains(&hash)),
                "{path} is not in VERSIONS.md with its hash {hash}"
            );
        }
    }

    #[test]
    fn an_address_names_the_content() {
        assert!(address("css/sesshu.css").starts_with("/assets/"));
        assert_eq!(print().len(), PRINT_DIGITS);
    }
}
