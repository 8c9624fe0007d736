//! The venue's tablet (端末): what it carries for a day without network, and what it sends from its outbox.
//!
//! Both the calls of the API and the pages of the desk come here: a queue that was handed in as a file is taken in by
//! the same steps as one that was sent.

pub mod lots;
pub mod outbox;
pub mod sealed;
pub mod used;
