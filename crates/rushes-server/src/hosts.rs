//! Which names this server answers to, and which pages may drive it. A page
//! elsewhere can make a browser send requests here, under a name of its own
//! that leads here (DNS rebinding) or across sites; neither gets an answer.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, Method, Uri};
use rushes_media::{Error, ErrorKind};

use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names that this server answers to.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    bound: Vec<IpAddr>,
    allowed: Vec<Authority>,
}

/// A host, and a port when one was named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `name`, `name:port`, `[v6]` or `[v6]:port`, as in a `Host` header.
    fn read(text: &str) -> Option<Authority> {
        let (host, port) = match text.rfind(':') {
            Some(colon) if !text.ends_with(']') => {
                let (host, port) = text.split_at_checked(colon)?;
                let digits = port.strip_prefix(':')?;
                if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                (host, if digits.is_empty() { None } else { Some(digits.parse().ok()?) })
            }
            _ => (text, None),
        };
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let plain = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        (bracketed || plain).then_some(Authority { host, port })
    }

    fn address(&self) -> Option<IpAddr> {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(&self.host).parse().ok()
    }
}

impl Hosts {
    /// The names of a server bound here, with these beside its own.
    ///
    /// # Errors
    /// `Invalid` when one of them is no host name.
    pub(crate) fn new(bound: Vec<IpAddr>, allowed: &[String]) -> rushes_media::Result<Hosts> {
        let allowed = allowed
            .iter()
            .map(|text| {
                let bare_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
                let text = if bare_v6 { &format!("[{text}]") } else { text };
                Authority::read(text).ok_or_else(|| {
                    let why = format!("{text:?} is no host name");
                    Error::new(ErrorKind::Invalid, "reading the allowed hosts", why)
                        .remedy("write it like media.example or media.example:8080")
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Hosts { bound, allowed })
    }

    /// Refuses a request that came under a foreign name or from a page
    /// elsewhere. `local` is the address that the connection came in at.
    pub(crate) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        local: Option<SocketAddr>,
    ) -> Result<(), Problem> {
        let what = "looking at where the request comes from";
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).and_then(Authority::read);
        let (Some(host), None) = (host, hosts.next()) else {
            return Err(Problem::invalid(what, "it needs one Host header"));
        };
        let in_target = uri.authority().map(|authority| Authority::read(authority.as_str()));
        let known = self.answers_to(&host, local)
            && in_target.is_none_or(|target| target.as_ref() == Some(&host));
        if !known {
            let why = format!("this server does not answer to {}", host.host);
            return Err(Error::new(ErrorKind::Denied, what, why)
                .remedy("open it under its own address, or allow the name with --allow-host")
                .into());
        }
        let foreign = |why: &str| Err(Error::new(ErrorKind::Denied, what, why).into());
        if let Some(origin) = headers.get(ORIGIN) {
            let origin = origin.to_str().ok().and_then(authority_of_origin);
            let own = |origin: &Authority| *origin == host || self.allows(origin);
            if !origin.is_some_and(|origin| own(&origin)) {
                return foreign("a page of another origin sent it");
            }
        }
        let word = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let other_site =
            word(SEC_FETCH_SITE).is_some_and(|site| !matches!(site, "same-origin" | "none"));
        if other_site {
            if !matches!(*method, Method::GET | Method::HEAD) {
                return foreign("a page of another site sent it");
            }
            // A link from elsewhere may open a page here; nothing else may be
            // loaded from elsewhere.
            let opens_page = word(SEC_FETCH_MODE) == Some("navigate")
                && word(SEC_FETCH_DEST).is_none_or(|dest| dest == "document");
            if !opens_page {
                return foreign("a page of another site loads it");
            }
        }
        Ok(())
    }

    fn answers_to(&self, host: &Authority, local: Option<SocketAddr>) -> bool {
        let own_address = host.address().is_some_and(|address| {
            address.to_canonical().is_loopback()
                || self.bound.contains(&address)
                || local.is_some_and(|local| local.ip().to_canonical() == address.to_canonical())
        });
        own_address || host.host == "localhost" || self.allows(host)
    }

    fn allows(&self, host: &Authority) -> bool {
        self.allowed.iter().any(|allowed| {
            allowed.host == host.host && allowed.port.is_none_or(|port| host.port == Some(port))
        })
    }
}

/// The authority of an `Origin`, the port of its scheme left out as `Host`
/// leaves it out.
fn authority_of_origin(origin: &str) -> Option<Authority> {
    let (scheme, rest) = origin.split_once("://")?;
    let mut authority = Authority::read(rest)?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    if authority.port == Some(usual) {
        authority.port = None;
    }
    Some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bound: &str, local: Option<&str>, method: Method, pairs: &[(&str, &str)]) -> bool {
        let hosts = Hosts::new(
            vec![bound.parse().unwrap()],
            &["media.example".to_owned(), "nas:8443".to_owned()],
        )
        .unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let local = local.map(|address| address.parse().unwrap());
        hosts.check(&method, &Uri::from_static("/"), &headers, local).is_ok()
    }

    #[test]
    fn names_of_its_own_only() {
        for (host, allowed) in [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("localhost.:8080", true),
            ("127.0.0.1:1", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("10.0.0.5:8080", true),
            ("192.168.1.9", true),
            ("media.example", true),
            ("media.example:444", true),
            ("nas:8443", true),
            ("nas", false),
            ("nas:80", false),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("evil-localhost", false),
            ("127.0.0.1.evil.example", false),
            ("user@localhost", false),
            ("localhost/x", false),
            ("localhost:80:80", false),
            ("8.8.8.8", false),
            ("", false),
        ] {
            let found = check("10.0.0.5", Some("192.168.1.9:8080"), Method::GET, &[("host", host)]);
            assert_eq!(found, allowed, "{host}");
        }
        assert!(!check("127.0.0.1", None, Method::GET, &[]), "without a Host");
        let two = [("host", "localhost"), ("host", "localhost")];
        assert!(!check("127.0.0.1", None, Method::GET, &two), "with two");
    }

    #[test]
    fn a_target_of_another_name_is_refused() {
        let hosts = Hosts::new(vec!["127.0.0.1".parse().unwrap()], &[]).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:8080".parse().unwrap());
        for (target, allowed) in
            [("http://localhost:8080/", true), ("http://evil.example/", false), ("/", true)]
        {
            let uri: Uri = target.parse().unwrap();
            let found = hosts.check(&Method::GET, &uri, &headers, None).is_ok();
            assert_eq!(found, allowed, "{target}");
        }
    }

    #[test]
    fn pages_of_its_own_only() {
        let origins = [
            ("http://localhost:8080", true),
            ("https://media.example", true),
            ("http://localhost:3000", false),
            ("http://127.0.0.1:8080", false),
            ("http://localhost", false),
            ("http://evil.example", false),
            ("null", false),
            ("file://", false),
            ("chrome-extension://localhost:8080", false),
        ];
        for method in [Method::GET, Method::POST, Method::DELETE] {
            for (origin, allowed) in origins {
                let pairs = [("host", "localhost:8080"), ("origin", origin)];
                assert_eq!(check("127.0.0.1", None, method.clone(), &pairs), allowed, "{origin}");
            }
        }
        let default_port = [("host", "localhost"), ("origin", "http://localhost:80")];
        assert!(check("127.0.0.1", None, Method::POST, &default_port));
    }

    #[test]
    fn other_sites_may_link_here_and_no_more() {
        for (method, site, mode, dest, allowed) in [
            (Method::POST, "same-origin", "cors", "empty", true),
            (Method::POST, "none", "navigate", "document", true),
            (Method::POST, "cross-site", "navigate", "document", false),
            (Method::POST, "same-site", "cors", "empty", false),
            (Method::DELETE, "cross-site", "cors", "empty", false),
            (Method::GET, "cross-site", "navigate", "document", true),
            (Method::GET, "cross-site", "navigate", "iframe", false),
            (Method::GET, "cross-site", "no-cors", "image", false),
            (Method::GET, "same-site", "no-cors", "video", false),
            (Method::GET, "same-origin", "no-cors", "video", true),
        ] {
            let pairs = [
                ("host", "localhost"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            let found = check("127.0.0.1", None, method.clone(), &pairs);
            assert_eq!(found, allowed, "{method} {site} {mode} {dest}");
        }
    }
}
