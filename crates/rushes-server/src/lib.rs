//! HTTP: routes, authority, ranges, live progress and the dashboard.
//!
//! Every verb of the registry is a route below `/api/v1`; [`endpoints`] lists
//! these and all others. [`serve`] runs the whole server, [`App`] is the same
//! without a listener.

mod app;
mod auth;
mod base64;
mod compat;
mod conditions;
mod events;
mod explained;
mod forms;
mod guard;
mod hosts;
mod json;
mod listen;
mod media;
mod openapi;
mod params;
mod problem;
mod range;
mod routes;
mod serve;
mod server;
mod static_files;
mod stream;
mod token;
mod tus;
mod uploads;
mod verbs;
mod workers;

pub use routes::{Access, Endpoint, endpoints};
pub use serve::{App, Ready, Settings, interrupted, serve};
