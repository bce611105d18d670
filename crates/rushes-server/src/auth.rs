//! Who may come in: the token, sessions that were begun with it, and a brake
//! on guessing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::extract::Request;
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderValue, SET_COOKIE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use rushes_media::{Error, ErrorKind, Result, UnixNanos};
use serde_json::{Value, json};

use crate::json::{read_object, retry_after, shown};
use crate::problem::{Answer, Problem};
use crate::server::{Peer, Shared};
use crate::token::{hash_of, new_secret};

const SECOND: i64 = 1_000_000_000;
const SESSION_SECS: i64 = 30 * 24 * 3600;
const MOST_SESSIONS: usize = 1_000;
/// Wrong tokens that one address may send in a minute.
const MOST_FAILURES: u32 = 10;
const FAILURE_WINDOW_SECS: i64 = 60;
/// Addresses whose failures are counted at a time.
const MOST_ADDRESSES: usize = 10_000;
const COOKIE_NAME: &str = "rushes_session";
const WHAT: &str = "letting the request in";

/// What lets a request in.
pub(crate) struct Access {
    token: Option<blake3::Hash>,
    /// Hash of each session's secret, and when it ends.
    sessions: Mutex<HashMap<[u8; 32], UnixNanos>>,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    since: UnixNanos,
    count: u32,
}

impl Access {
    /// With a token, everything needs it; without one, everybody may come in.
    pub(crate) fn new(token: Option<blake3::Hash>) -> Access {
        Access { token, sessions: Mutex::default(), failures: Mutex::default() }
    }

    /// Lets a request in, or says why not: status 401, or 429 after too many
    /// wrong tokens from its address.
    pub(crate) fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<Peer>,
        now: UnixNanos,
    ) -> std::result::Result<(), Problem> {
        if self.token.is_none() {
            return Ok(());
        }
        if let Some(bearer) = bearer(headers) {
            return self.check_token(bearer, peer, now);
        }
        // A session's secret cannot be guessed, and one that has ended is no
        // guess: it does not count as a failure.
        if self.has_session(headers, now) { Ok(()) } else { Err(unauthorized("it has no token")) }
    }

    fn check_token(
        &self,
        token: &str,
        peer: Option<Peer>,
        now: UnixNanos,
    ) -> std::result::Result<(), Problem> {
        let address =
            peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| network(peer.remote.ip()));
        let mut failures = lock(&self.failures);
        // Whoever has it comes in, also from where others guess: behind a proxy
        // all come from one address. No number of guesses finds 256 random bits.
        if self.token.is_some_and(|known| known == hash_of(token)) {
            failures.remove(&address);
            return Ok(());
        }
        let window = FAILURE_WINDOW_SECS * SECOND;
        let current = failures.get(&address).copied().filter(|found| now - found.since < window);
        if let Some(found) = current.filter(|found| found.count >= MOST_FAILURES) {
            let error =
                Error::new(ErrorKind::Limit, WHAT, "too many wrong tokens from this address");
            let wait = (found.since + window - now).div_euclid(SECOND) + 1;
            let problem = Problem::with_status(StatusCode::TOO_MANY_REQUESTS, error);
            return Err(retry_after(problem, u64::try_from(wait).unwrap_or(1)));
        }
        if failures.len() >= MOST_ADDRESSES {
            failures.retain(|_, found| now - found.since < window);
        }
        if failures.len() >= MOST_ADDRESSES {
            failures.clear();
        }
        let mut found = current.unwrap_or(Failures { since: now, count: 0 });
        found.count += 1;
        failures.insert(address, found);
        Err(unauthorized("the token is wrong"))
    }

    fn has_session(&self, headers: &HeaderMap, now: UnixNanos) -> bool {
        session_secrets(headers).any(|secret| {
            let key = *hash_of(secret).as_bytes();
            lock(&self.sessions).get(&key).is_some_and(|&ends| now < ends)
        })
    }

    fn begin_session(&self, now: UnixNanos) -> Result<String> {
        let secret = new_secret()?;
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, ends| now < *ends);
        if sessions.len() >= MOST_SESSIONS
            && let Some(oldest) =
                sessions.iter().min_by_key(|(_, ends)| **ends).map(|(key, _)| *key)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(*hash_of(&secret).as_bytes(), now + SESSION_SECS * SECOND);
        Ok(secret)
    }

    fn end_sessions(&self, headers: &HeaderMap) {
        let mut sessions = lock(&self.sessions);
        for secret in session_secrets(headers) {
            sessions.remove(hash_of(secret).as_bytes());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One household of addresses: an IPv6 host has 2^64 of them to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

fn unauthorized(why: &str) -> Problem {
    let error = Error::new(ErrorKind::Denied, WHAT, why).remedy(
        "send Authorization: Bearer TOKEN; the token was printed when the server first started",
    );
    Problem::with_status(StatusCode::UNAUTHORIZED, error)
        .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rushes\""))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn session_secrets(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
        .take(4)
}

/// `GET /api/v1/session`: whether a token is needed, and whether this client
/// has shown it.
pub(crate) fn show_session(server: &Shared, request: &Request) -> Answer {
    let access = &server.access;
    let signed_in = access.token.is_none() || access.has_session(request.headers(), server.now());
    shown(
        request.headers(),
        &json!({"needs_token": access.token.is_some(), "signed_in": signed_in}),
    )
}

/// `POST /api/v1/session {token}`: a cookie for the right token.
pub(crate) async fn begin_session(server: &Shared, request: Request) -> Answer {
    let what = "signing in";
    let peer = request.extensions().get::<Peer>().copied();
    let mut body = read_object(request).await?;
    let Some(Value::String(token)) = body.remove("token") else {
        return Err(Problem::invalid(what, "the body has no token"));
    };
    if let Some(unknown) = body.keys().next() {
        return Err(Problem::invalid(what, format!("there is no parameter {unknown:?}")));
    }
    let access = &server.access;
    if access.token.is_none() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let now = server.now();
    access.check_token(token.trim(), peer, now)?;
    Ok(with_cookie(&access.begin_session(now)?, SESSION_SECS))
}

/// `DELETE /api/v1/session`: the cookie counts no longer.
pub(crate) fn end_session(server: &Shared, request: &Request) -> Answer {
    server.access.end_sessions(request.headers());
    Ok(with_cookie("", 0))
}

fn with_cookie(secret: &str, max_age_secs: i64) -> axum::response::Response {
    let cookie = format!(
        "{COOKIE_NAME}={secret}; Path=/; Max-Age={max_age_secs}; HttpOnly; SameSite=Strict"
    );
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())])
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-token-for-tests";

    fn access() -> Access {
        Access::new(Some(hash_of(TOKEN)))
    }

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    fn from(address: &str) -> Option<Peer> {
        Some(Peer {
            remote: format!("{address}:1").parse().unwrap(),
            local: "10.0.0.5:8080".parse().unwrap(),
        })
    }

    fn status(found: std::result::Result<(), Problem>) -> u16 {
        found.err().map_or(200, |problem| problem.into_response().status().as_u16())
    }

    #[test]
    fn only_the_right_token() {
        let access = access();
        for (value, expected) in [
            (format!("Bearer {TOKEN}"), 200),
            (format!("bearer   {TOKEN} "), 200),
            (format!("Basic {TOKEN}"), 401),
            (TOKEN.to_owned(), 401),
            ("Bearer ".to_owned(), 401),
            ("Bearer a-token-for-test".to_owned(), 401),
            (format!("Bearer {}", hash_of(TOKEN)), 401),
        ] {
            let found = access.admit(&with("authorization", &value), None, 0);
            assert_eq!(status(found), expected, "{value}");
        }
        assert_eq!(status(access.admit(&HeaderMap::new(), None, 0)), 401);
        assert_eq!(status(Access::new(None).admit(&HeaderMap::new(), None, 0)), 200);
    }

    #[test]
    fn guessing_is_slowed_down_by_address() {
        let access = access();
        let wrong = with("authorization", "Bearer wrong");
        let right = with("authorization", &format!("Bearer {TOKEN}"));
        for _ in 0..MOST_FAILURES {
            assert_eq!(status(access.admit(&wrong, from("192.0.2.1"), 5)), 401);
        }
        assert_eq!(status(access.admit(&wrong, from("192.0.2.1"), 5)), 429);
        assert_eq!(status(access.admit(&wrong, from("192.0.2.2"), 5)), 401);
        let later = 5 + FAILURE_WINDOW_SECS * SECOND;
        assert_eq!(status(access.admit(&wrong, from("192.0.2.1"), later - 1)), 429);
        assert_eq!(status(access.admit(&wrong, from("192.0.2.1"), later)), 401);
        // The right one is no guess.
        for _ in 1..MOST_FAILURES {
            assert_eq!(status(access.admit(&wrong, from("192.0.2.1"), later)), 401);
        }
        assert_eq!(status(access.admit(&wrong, from("192.0.2.1"), later)), 429);
        assert_eq!(status(access.admit(&right, from("192.0.2.1"), later)), 200);
        // All of a /64 counts as one.
        for host in 0..MOST_FAILURES {
            let address = format!("[2001:db8::{host:x}]");
            assert_eq!(status(access.admit(&wrong, from(&address), 5)), 401);
        }
        assert_eq!(status(access.admit(&wrong, from("[2001:db8::ffff]"), 5)), 429);
    }

    #[test]
    fn ended_sessions_are_no_guesses() {
        let access = access();
        let stale = with("cookie", "rushes_session=gone");
        for _ in 0..100 {
            assert_eq!(status(access.admit(&stale, from("192.0.2.1"), 5)), 401);
        }
    }

    #[test]
    fn sessions_end_and_are_bounded() {
        let access = access();
        let secret = access.begin_session(0).unwrap();
        let cookie = with("cookie", &format!("other=1; {COOKIE_NAME}={secret}; x=y"));
        let end = SESSION_SECS * SECOND;
        assert_eq!(status(access.admit(&cookie, None, end - 1)), 200);
        assert_eq!(status(access.admit(&cookie, None, end)), 401);
        for started in 1..=MOST_SESSIONS as i64 {
            access.begin_session(started).unwrap();
        }
        assert_eq!(lock(&access.sessions).len(), MOST_SESSIONS);
        assert_eq!(status(access.admit(&cookie, None, 1)), 401, "the oldest made room");
        let secret = access.begin_session(9).unwrap();
        let cookie = with("cookie", &format!("{COOKIE_NAME}={secret}"));
        assert_eq!(status(access.admit(&cookie, None, 10)), 200);
        access.end_sessions(&cookie);
        assert_eq!(status(access.admit(&cookie, None, 10)), 401);
    }

    #[test]
    fn the_table_of_failures_is_bounded() {
        let access = access();
        let wrong = with("authorization", "Bearer wrong");
        for host in 0..MOST_ADDRESSES as u32 + 50 {
            let address = std::net::Ipv4Addr::from_bits(host);
            let _ = access.admit(&wrong, from(&address.to_string()), 5);
        }
        assert!(lock(&access.failures).len() <= MOST_ADDRESSES);
    }
}
