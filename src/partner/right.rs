//! What a token for a partner may be used for: one action on one object, as authorization details (RFC 9396 §2). Tokens that
//! are minted say it, and an authorisation server is asked for it in the same words.

use crate::json;
use crate::protect::Protected;

/// The one right that the command needs, as the JSON array that `authorization_details` is; `None` where its contract names
/// none.
pub(super) fn details(protected: &Protected) -> Option<String> {
    let (kind, action) = protected.right()?;
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"[{\"type\":");
    json::write_string(kind, &mut out);
    out.extend_from_slice(b",\"actions\":[");
    json::write_string(action, &mut out);
    out.push(b']');
    for (kind, id) in protected.object() {
        out.push(b',');
        json::write_string(kind.word(), &mut out);
        out.push(b':');
        json::write_string(id, &mut out);
    }
    out.extend_from_slice(b"}]");
    // `write_string` writes UTF-8 of what is text.
    String::from_utf8(out).ok()
}
