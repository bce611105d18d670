//! The table of everything that can be asked for. The router is made from it,
//! and so are the OpenAPI document and the tests that walk every route.

use rushes_actions::media::Preview;
use rushes_actions::{ACTIONS, Verb};

/// Where the API begins.
pub(crate) const API: &str = "/api/v1";

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Only who has the token, where one is needed.
    Token,
}

/// One thing that can be asked for.
#[derive(Clone)]
pub struct Endpoint {
    /// `GET`, `POST`, `PATCH`, `DELETE` or `OPTIONS`; `GET` answers `HEAD` too.
    pub method: &'static str,
    /// The whole path, its parameters in braces.
    pub path: String,
    /// One line that says what it gives.
    pub summary: &'static str,
    /// Who may ask.
    pub access: Access,
    pub(crate) answers: Answers,
}

/// Who answers.
#[derive(Clone, Copy)]
pub(crate) enum Answers {
    Verb(&'static Verb),
    Media,
    Preview(Preview),
    Events,
    ShowSession,
    BeginSession,
    EndSession,
    OpenApi,
    Problem,
    Health,
    Page,
    Static,
    Compat(Compat),
    Send(Sending),
}

impl Answers {
    /// Whether what a request for it carries is written as it arrives, however
    /// much that is and however long it takes.
    pub(crate) fn receives_files(self) -> bool {
        use Sending::{Append, Create, Form, Override};
        matches!(self, Answers::Send(Create | Append | Override | Form))
    }
}

/// Sending files, and asking about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Describe,
    Create,
    Show,
    Append,
    Override,
    End,
    Batch,
    Form,
}

/// The prototype's own routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compat {
    Stats,
    Recent,
    Scan,
    Search,
    PostSearch,
    Paths,
    AddPath,
    RemovePath,
    Jobs,
    Job,
    CancelJob,
    Batches,
    Batch,
}

/// What is no verb.
#[rustfmt::skip]
const OWN: &[(&str, &str, Access, Answers, &str)] = &[
    ("GET", "/api/v1/assets/{id}/media", Access::Token, Answers::Media,
     "The asset's bytes, whole or in ranges"),
    ("GET", "/api/v1/assets/{id}/poster", Access::Token, Answers::Preview(Preview::Poster),
     "A good still of the asset"),
    ("GET", "/api/v1/assets/{id}/strip", Access::Token, Answers::Preview(Preview::Strip),
     "Stills from along the video, in one picture"),
    ("GET", "/api/v1/assets/{id}/waveform", Access::Token, Answers::Preview(Preview::Waveform),
     "A picture of the sound"),
    ("GET", "/api/v1/events", Access::Token, Answers::Events,
     "Live events: jobs that change, and the catalogue's version"),
    ("GET", "/api/v1/session", Access::Open, Answers::ShowSession,
     "Whether a token is needed, and whether this client has shown it"),
    ("POST", "/api/v1/session", Access::Open, Answers::BeginSession,
     "A cookie for the right token"),
    ("DELETE", "/api/v1/session", Access::Token, Answers::EndSession,
     "Make the cookie count no longer"),
    ("OPTIONS", "/api/v1/uploads", Access::Token, Answers::Send(Sending::Describe),
     "What the server can do with uploads (tus 1.0.0)"),
    ("POST", "/api/v1/uploads", Access::Token, Answers::Send(Sending::Create),
     "Begin an upload that can be resumed (tus 1.0.0)"),
    ("GET", "/api/v1/uploads/{id}", Access::Token, Answers::Send(Sending::Show),
     "What became of an upload; HEAD tells how much of it is here (tus 1.0.0)"),
    ("PATCH", "/api/v1/uploads/{id}", Access::Token, Answers::Send(Sending::Append),
     "Send the next part of an upload (tus 1.0.0)"),
    ("POST", "/api/v1/uploads/{id}", Access::Token, Answers::Send(Sending::Override),
     "The same for clients that cannot send PATCH or DELETE (tus 1.0.0)"),
    ("DELETE", "/api/v1/uploads/{id}", Access::Token, Answers::Send(Sending::End),
     "End an upload; what has its name keeps it (tus 1.0.0)"),
    ("POST", "/api/v1/uploads/batch", Access::Token, Answers::Send(Sending::Batch),
     "Begin a batch of uploads, look at it, or end it"),
    ("POST", "/batches/from-upload", Access::Token, Answers::Send(Sending::Form),
     "Send files in a form"),
    ("GET", "/openapi.json", Access::Token, Answers::OpenApi,
     "This API, described as OpenAPI 3.1"),
    ("GET", "/problems/{kind}", Access::Token, Answers::Problem,
     "What a kind of problem means"),
    ("GET", "/health", Access::Open, Answers::Health,
     "Whether the server works"),
    ("GET", "/", Access::Token, Answers::Page,
     "The dashboard"),
    ("GET", "/asset/{id}", Access::Token, Answers::Page,
     "The dashboard"),
    ("GET", "/roots", Access::Token, Answers::Page,
     "The dashboard"),
    ("GET", "/doctor", Access::Token, Answers::Page,
     "The dashboard"),
    ("GET", "/upload", Access::Token, Answers::Page,
     "The dashboard"),
    // The sign-in page cannot be without its script and style; they hold no data.
    ("GET", "/static/{*path}", Access::Open, Answers::Static,
     "The dashboard's files"),
    ("GET", "/stats", Access::Token, Answers::Compat(Compat::Stats),
     "Totals, as the prototype gave them"),
    ("GET", "/recent", Access::Token, Answers::Compat(Compat::Recent),
     "The files that came last, as the prototype gave them"),
    ("POST", "/scan", Access::Token, Answers::Compat(Compat::Scan),
     "Scan a folder beneath a registered root"),
    ("GET", "/search", Access::Token, Answers::Compat(Compat::Search),
     "Find files, as the prototype gave them"),
    ("POST", "/search", Access::Token, Answers::Compat(Compat::PostSearch),
     "Find files, as the prototype gave them"),
    ("GET", "/paths", Access::Token, Answers::Compat(Compat::Paths),
     "The paths of the registered roots"),
    ("POST", "/paths", Access::Token, Answers::Compat(Compat::AddPath),
     "Register a folder as a root"),
    ("DELETE", "/paths/{name}", Access::Token, Answers::Compat(Compat::RemovePath),
     "Forget a root; no file is touched"),
    ("GET", "/jobs", Access::Token, Answers::Compat(Compat::Jobs),
     "Jobs by number, as the prototype gave them"),
    ("GET", "/jobs/{id}", Access::Token, Answers::Compat(Compat::Job),
     "One job, as the prototype gave it"),
    ("DELETE", "/jobs/{id}", Access::Token, Answers::Compat(Compat::CancelJob),
     "Ask a job to stop"),
    ("GET", "/batches", Access::Token, Answers::Compat(Compat::Batches),
     "Batches and how many files each holds"),
    ("GET", "/batches/{name}", Access::Token, Answers::Compat(Compat::Batch),
     "The files of a batch"),
];

/// Everything that can be asked for: the verbs, then what is no verb.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let verbs = ACTIONS.iter().map(|verb| Endpoint {
        method: verb.route.method,
        path: format!("{API}{}", verb.route.path),
        summary: verb.summary,
        access: Access::Token,
        answers: Answers::Verb(verb),
    });
    let own = OWN.iter().map(|&(method, path, access, answers, summary)| Endpoint {
        method,
        path: path.to_owned(),
        summary,
        access,
        answers,
    });
    verbs.chain(own).collect()
}
