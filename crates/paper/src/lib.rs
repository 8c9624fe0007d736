//! Papers people hold: the coupon (接種券) as a sheet to print and as a picture to show.
//!
//! Official forms are given in millimetres, so a paper is laid out once, in millimetres, and that
//! one layout is written as PDF or drawn as PNG. Nothing here reads a clock or draws lots: the same
//! paper is the same bytes, on every machine.

mod coupons;
mod document;
mod fonts;
mod layout;
mod picture;
mod refusals;
mod sheets;
mod symbols;

pub use coupons::{NAME_COLUMNS_MAX, coupon_png};
pub use picture::{PX_PER_MM_MAX, PX_PER_MM_MIN};
pub use refusals::{PaperRefusal, RefusedSheet};
pub use sheets::{ADDRESS_LINES_MAX, COUPONS_MAX, CouponSheet, SHEETS_MAX, coupon_sheet_pdf};
