//! Rushes as a library: one dependency that gives the crates below it.
//!
//! `media` holds the words, `store` files and hashes, `codec` readers,
//! `ops` operations, `tags` embedded metadata, `catalog` the catalogue and
//! `actions` the verbs.

pub use rushes_actions as actions;
pub use rushes_catalog as catalog;
pub use rushes_codec as codec;
pub use rushes_media as media;
pub use rushes_ops as ops;
pub use rushes_sandbox as sandbox;
pub use rushes_store as store;
pub use rushes_tags as tags;
