//! The coupons already used, so small that every tablet can carry them: a filter that says "surely not" or "probably".
//!
//! A binary fuse filter (Graf and Lemire 2022) keeps about nine bits for each coupon. It never misses one, and takes
//! one in 256 others for used: it warns, and forbids nothing. Nobody reads numbers out of it: it holds eight bits of a
//! salted SHA-256.

use std::collections::HashMap;
use std::sync::Arc;

use domain::access::VenuePermit;
use domain::calendar::Instant;
use domain::places::MunicipalityCode;
use sha2::{Digest, Sha256};
use store::Db;
use store::doses::{USED_MAX, Used, used_in_city};
use tokio::sync::Mutex;
use xorf::BinaryFuse8;

use crate::state::App;
use crate::web::problem::Problem;

/// How long a filter is handed out before it is made anew: a city of a million doses is read in some seconds, and fifty
/// tablets ask within the same minutes of a morning.
const KEPT_MICROS: i64 = 10 * 60 * 1_000_000;
/// Cities whose filters are kept: one of a million doses takes 1.1 megabytes.
const KEPT_MAX: usize = 64;
/// Doses that go into one filter at most; beyond, the filter would grow past what a tablet fetches in a morning.
const DOSES_MAX: usize = 8_000_000;
/// The first bytes of the format, with its version.
const MAGIC: &[u8; 4] = b"SUC1";
/// Bytes of the salt.
const SALT_BYTES: usize = 16;

/// A filter as it is sent; `docs/tablet.md` tells its bytes.
pub type Carried = Arc<Vec<u8>>;

/// The filters of this server, each made when it is asked for.
#[derive(Default)]
pub struct Filters(Mutex<HashMap<MunicipalityCode, (Instant, Carried)>>);

/// The filter of the venue's city, at most ten minutes old.
///
/// # Errors
/// The database's own.
pub async fn carried(app: &App, permit: &VenuePermit) -> Result<Carried, Problem> {
    let now = app.now();
    let fresh = |at: &Instant| now.micros().saturating_sub(at.micros()) < KEPT_MICROS;
    // Held while a filter is made, so that fifty tablets do not have it made fifty times.
    let mut kept = app.used_coupons.0.lock().await;
    if let Some((at, filter)) = kept.get(&permit.city())
        && fresh(at)
    {
        return Ok(Arc::clone(filter));
    }
    let used = used(&app.db, permit).await?;
    let salt = (app.outside.salt)();
    let made = tokio::task::spawn_blocking(move || filter(&salt, now, &used)).await;
    let made = made
        .ok()
        .flatten()
        .map(Arc::new)
        .ok_or_else(Problem::internal)?;
    if kept.len() >= KEPT_MAX {
        kept.retain(|_, (at, _)| fresh(at));
    }
    if kept.len() < KEPT_MAX {
        kept.insert(permit.city(), (now, Arc::clone(&made)));
    }
    Ok(made)
}

/// What goes into a filter: `13101610000012345`, the municipality, the turn and the number as on the coupon.
async fn used(db: &Db, permit: &VenuePermit) -> Result<Vec<String>, Problem> {
    let mut all = Vec::new();
    let mut after: Option<Used> = None;
    while all.len() < DOSES_MAX {
        let part = used_in_city(db, permit, after).await?;
        after = part.last().cloned();
        let is_last = i64::try_from(part.len()).is_ok_and(|length| length < USED_MAX);
        let name = |(number, turn): Used| format!("{}{turn}{}", permit.city(), number.as_str());
        all.extend(part.into_iter().map(name));
        if is_last {
            break;
        }
    }
    Ok(all)
}

/// The bytes of a filter; none if it cannot be made, which takes two coupons of one print.
fn filter(salt: &[u8; SALT_BYTES], at: Instant, used: &[String]) -> Option<Vec<u8>> {
    let mut prints: Vec<u64> = used.iter().map(|name| print(salt, name)).collect();
    prints.sort_unstable();
    prints.dedup();
    let count = u32::try_from(prints.len()).ok()?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(salt);
    bytes.extend(at.micros().to_le_bytes());
    bytes.extend(count.to_le_bytes());
    if count == 0 {
        return Some(bytes);
    }
    let made = BinaryFuse8::try_from(prints.as_slice()).ok()?;
    bytes.extend(made.descriptor.seed.to_le_bytes());
    bytes.extend(made.descriptor.segment_length.to_le_bytes());
    bytes.extend(made.descriptor.segment_length_mask.to_le_bytes());
    bytes.extend(made.descriptor.segment_count_length.to_le_bytes());
    bytes.extend(made.fingerprints.iter());
    Some(bytes)
}

/// The first eight bytes of SHA-256 over salt and name, the least significant first.
fn print(salt: &[u8; SALT_BYTES], name: &str) -> u64 {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(salt)
        .chain_update(name.as_bytes())
        .finalize()
        .into();
    let (first, _) = hash.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    u64::from_le_bytes(*first)
}

#[cfg(test)]
mod tests {
    use xorf::{BinaryFuse8Ref, Filter, FilterRef};

    use super::*;

    fn names(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|n| format!("1310161{n:010}")).collect()
    }

    /// Reads the bytes as a tablet does, and asks.
    fn says_used(bytes: &[u8], name: &str) -> bool {
        let salt: [u8; SALT_BYTES] = bytes[4..20].try_into().unwrap();
        if bytes[28..32] == [0; 4] {
            return false;
        }
        let filter = BinaryFuse8Ref::from_dma(&bytes[32..52], &bytes[52..]);
        filter.contains(&print(&salt, name))
    }

    #[test]
    fn every_used_coupon_is_known_and_few_others_are_taken_for_one() {
        for count in [1, 2, 3, 17, 5_000] {
            let used = names(0..count);
            let bytes = filter(&[7; SALT_BYTES], Instant::from_micros(5), &used).unwrap();
            assert!(used.iter().all(|name| says_used(&bytes, name)), "{count}");
            let others = names(1_000_000..1_010_000);
            let wrong = others.iter().filter(|name| says_used(&bytes, name)).count();
            assert!(wrong < 100, "{wrong} of 10,000 beside {count}");
        }
    }

    #[test]
    fn a_city_without_a_dose_has_a_filter_too() {
        let bytes = filter(&[7; SALT_BYTES], Instant::from_micros(5), &[]).unwrap();
        assert_eq!(bytes.len(), 32);
        assert!(!says_used(&bytes, "13101610000012345"));
    }

    #[test]
    fn a_coupon_takes_little_more_than_a_byte() {
        let bytes = filter(
            &[7; SALT_BYTES],
            Instant::from_micros(5),
            &names(0..100_000),
        )
        .unwrap();
        assert!(bytes.len() < 130_000, "{}", bytes.len());
    }

    #[test]
    fn the_format_is_told_by_an_example() {
        let bytes = filter(&[7; SALT_BYTES], Instant::from_micros(5), &[]).unwrap();
        assert_eq!(
            hex::encode(bytes),
            "5355433107070707070707070707070707070707050000000000000000000000"
        );
    }
}
