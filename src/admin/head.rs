//! The request heads of the ops listener: HTTP/1.0 or 1.1 (RFC 9112), read strictly, without a body.
//!
//! It serves a few pages to a scraper, a probe and a person; so whatever is unusual is refused rather than understood. The bytes
//! come from `reading.rs`; nothing here does IO.

/// What can be asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Page {
    /// `/healthz`: the process answers.
    Health,
    /// `/readyz`: it takes requests, or why not.
    Readiness,
    /// `/readyz` for whoever accepts text: the same in words, with what to do.
    ReadinessInWords,
    /// `/-/checkpoint`: the newest checkpoint of the audit log.
    Checkpoint,
    /// `/-/status`: everything that an operator asks first.
    Status,
    /// `/metrics`: what it has counted.
    Metrics,
}

/// Why nothing is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum HeadFault {
    /// Not a head as RFC 9112 has it, or one that announces a body.
    #[error("request is malformed")]
    Malformed,
    /// The head does not end within the limit.
    #[error("request head is too large")]
    TooLarge,
    /// There is no such page.
    #[error("not found")]
    NotFound,
    /// The page is there, and is read with `GET` only.
    #[error("method not allowed")]
    MethodNotAllowed,
}

/// The mark that ends a head.
pub(super) const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The page that a whole head, [`END_OF_HEAD`] included, asks for.
///
/// # Errors
/// [`HeadFault`]; a malformed head is that whatever it asks for.
pub(super) fn asked_page(head: &[u8]) -> Result<Page, HeadFault> {
    let text = std::str::from_utf8(head).map_err(|_| HeadFault::Malformed)?;
    let text = text.strip_suffix("\r\n\r\n").ok_or(HeadFault::Malformed)?;
    let mut lines = text.split("\r\n");
    let (method, target, version) = request_line(lines.next().unwrap_or_default()).ok_or(HeadFault::Malformed)?;
    let (mut hosts, mut takes_text) = (0_usize, false);
    for line in lines {
        let (name, value) = field(line).ok_or(HeadFault::Malformed)?;
        if name.eq_ignore_ascii_case("accept") {
            // Whoever does not name it, as probes do, is given JSON.
            takes_text |= value.to_ascii_lowercase().contains("text/plain");
        } else if name.eq_ignore_ascii_case("host") {
            hosts += 1;
        } else if name.eq_ignore_ascii_case("transfer-encoding")
            || name.eq_ignore_ascii_case("content-length") && value != "0"
        {
            return Err(HeadFault::Malformed);
        }
    }
    // RFC 9112 §3.2: a 1.1 request has one `Host`, and no request has two.
    if hosts > 1 || hosts == 0 && version == "HTTP/1.1" {
        return Err(HeadFault::Malformed);
    }
    let page = match target {
        "/healthz" => Page::Health,
        "/readyz" if takes_text => Page::ReadinessInWords,
        "/readyz" => Page::Readiness,
        "/-/checkpoint" => Page::Checkpoint,
        "/-/status" => Page::Status,
        "/metrics" => Page::Metrics,
        _ => return Err(HeadFault::NotFound),
    };
    if method == "GET" { Ok(page) } else { Err(HeadFault::MethodNotAllowed) }
}

/// Method, target and version; one space between them, nothing else around them (RFC 9112 §3).
fn request_line(line: &str) -> Option<(&str, &str, &str)> {
    let (method, rest) = line.split_once(' ')?;
    let (target, version) = rest.split_once(' ')?;
    let visible = !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_graphic());
    (is_token(method) && visible && matches!(version, "HTTP/1.1" | "HTTP/1.0")).then_some((method, target, version))
}

/// A field's name and its value without the blanks around it (RFC 9112 §5); a folded line has no name.
fn field(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let plain = value.bytes().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t'));
    (is_token(name) && plain).then_some((name, value.trim_matches([' ', '\t'])))
}

/// A `token` of RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(head: &str) -> Result<Page, HeadFault> {
        asked_page(head.as_bytes())
    }

    #[test]
    fn the_pages_are_found() {
        assert_eq!(asked("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Page::Health));
        assert_eq!(asked("GET /readyz HTTP/1.0\r\n\r\n"), Ok(Page::Readiness));
        for (accept, page) in [("*/*", Page::Readiness), ("Text/Plain;q=1", Page::ReadinessInWords)] {
            assert_eq!(asked(&format!("GET /readyz HTTP/1.0\r\nAccept: {accept}\r\n\r\n")), Ok(page));
        }
        assert_eq!(asked("GET /-/checkpoint HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Page::Checkpoint));
        assert_eq!(asked("GET /-/status HTTP/1.1\r\nHost: a\r\n\r\n"), Ok(Page::Status));
        let scrape = "GET /metrics HTTP/1.1\r\nhost:\ta:9\r\nAccept: text/plain;q=0.5,*/*\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(scrape), Ok(Page::Metrics));
    }

    #[test]
    fn another_page_is_not_found_and_another_method_not_allowed() {
        for target in [
            "/",
            "/-/",
            "/-/status/",
            "/healthz/",
            "/healthz?a",
            "/HEALTHZ",
            "//healthz",
            "/%68ealthz",
            "http://a/healthz",
            "*",
        ] {
            assert_eq!(
                asked(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")),
                Err(HeadFault::NotFound),
                "{target}"
            );
        }
        for method in ["HEAD", "POST", "get", "OPTIONS"] {
            let head = format!("{method} /readyz HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(asked(&head), Err(HeadFault::MethodNotAllowed), "{method}");
        }
    }

    #[test]
    fn a_head_that_is_not_exactly_one_is_malformed() {
        let cases = [
            "",
            "\r\n\r\n",
            "GET /readyz HTTP/1.1\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET /readyz HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET /readyz HTTP/2.0\r\nHost: a\r\n\r\n",
            "GET /readyz\r\n\r\n",
            "GET  /readyz HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /readyz HTTP/1.1 \r\nHost: a\r\n\r\n",
            " GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /readyz HTTP/1.1\nHost: a\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\0\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: д\r\n\r\n",
            "GET /readyz\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
            "GET /readyz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        ];
        for head in cases {
            assert_eq!(asked(head), Err(HeadFault::Malformed), "{head:?}");
        }
    }
}
