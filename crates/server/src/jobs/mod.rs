//! Work that goes on by itself: started by a page or the command line, and gone on with after a restart.

pub mod approvals;
pub mod coupons;
pub mod demand;
pub mod exports;
pub mod imports;
pub mod inquiries;
pub mod packs;
pub mod venue_files;
