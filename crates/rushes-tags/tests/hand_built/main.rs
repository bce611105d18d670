//! Files built here byte by byte: what they mean, and that no damage to them
//! makes the reader panic or hang.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod build;
mod damage;
mod meaning;
mod png;
