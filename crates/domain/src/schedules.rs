//! Vaccination schedules (接種の規則) as data: which dose counts as what, and which is due next.
//!
//! A schedule is a folder of TOML files (`docs/rules.md` tells every field). A new notice of the
//! ministry is a new file with the days it holds from and to, not a change of code; every dose is
//! judged by the rules of *its own* day. Nothing here knows a disease by name.
//!
//! A turn of a programme has *rules*, each of which permits a dose: with these products, at this
//! age, so long after the last one, on these days. A dose is right if any rule permits it; else the
//! rule that comes nearest tells what is wrong. Every demand of a rule is a first or a last day, so
//! judging and forecasting are the same arithmetic: a day before the forecast is too early, and the
//! day itself is not.
//!
//! Invariant: a verdict depends on the person, the dose and the doses before it; never on a later
//! dose, on the order of entry, or on today.

mod bundled;
mod compile;
mod evaluate;
mod examples;
mod expiry;
mod fit;
mod forecast;
mod model;
mod period;
mod raw;

pub use compile::{Fault, Faults};
pub use evaluate::{DoseVerdict, Part};
pub use examples::{Checked, Difference};
pub use forecast::{Next, NextDose, Status};
pub use model::{FlagSet, Flags, Given, Person, ProductId, Schedules};
pub use period::Period;
