//! Requests for a session whose bytes are not what a token endpoint reads: spellings of the form, sizes, media types, methods
//! and paths. Each is a good request but for the one thing.

use super::BACKEND;
use super::RIGHTS;
use super::Request;
use super::Row;
use super::Who;
use super::World;
use crate::harness::TOKEN_PATH;

const INVALID: (u16, &str) = (400, "invalid_request");
const GIVEN: (u16, &str) = (200, "");

/// The longest value, once it is decoded, and the longest form, in bytes.
const VALUE_MAX: usize = 8 * 1024;
const FORM_MAX: usize = 32 * 1024;

struct Rows<'w> {
    world: &'w World,
    rows: Vec<Row>,
}

/// All rows.
pub fn rows(world: &World) -> Vec<Row> {
    let mut rows = Rows { world, rows: Vec::new() };
    rows.spellings();
    rows.repeated();
    rows.values();
    rows.sizes();
    rows.media_types();
    rows.places();
    rows.others();
    rows.rows
}

/// Every byte as an escape.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A value of a form in which nothing has a meaning of its own.
fn plain(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let spelled = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(spelled).collect()
}

impl Rows<'_> {
    fn row(&mut self, name: &str, request: Request, told: (u16, &'static str), reason: &'static str) {
        self.rows.push(Row { name: format!("form: {name}"), request, told, reason });
    }

    /// The parameters of a good form.
    fn parameters(&self) -> Vec<(String, String)> {
        self.world.exchange(&self.world.user()).form
    }

    /// A request with these bytes, and a proof that nobody has used.
    fn bringing(&self, body: &[u8]) -> Request {
        let proof = self.world.proof("POST", TOKEN_PATH, None);
        let media_type = "application/x-www-form-urlencoded".to_owned();
        let fields = vec![("Content-Type", media_type), ("DPoP", proof)];
        Request { who: Who::Backend, method: "POST", target: TOKEN_PATH.to_owned(), fields, body: body.to_vec() }
    }

    /// The good form with the parameters that `change` makes of it, plainly spelled.
    fn with(&self, change: impl FnOnce(&mut Vec<(String, String)>)) -> String {
        let mut parameters = self.parameters();
        change(&mut parameters);
        let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", plain(value)));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn good(&self) -> String {
        self.with(|_| ())
    }

    /// The good form with one more pair of these very bytes.
    fn and(&self, more: &[u8]) -> Request {
        self.bringing(&[self.good().as_bytes(), b"&", more].concat())
    }

    fn malformed(&mut self, name: &str, body: &[u8]) {
        let request = self.bringing(body);
        self.row(name, request, INVALID, "token-request-invalid");
    }

    fn spellings(&mut self) {
        let good = self.good();
        let request = self.bringing(good.as_bytes());
        self.row("as it is meant to be", request, GIVEN, "done");
        let all = self.parameters();
        let all: Vec<String> =
            all.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        let request = self.bringing(all.join("&").as_bytes());
        self.row("with every byte escaped", request, GIVEN, "done");
        let spaced = RIGHTS.replace(',', ", ");
        let spaced = self.with(|form| set(form, "authorization_details", &spaced)).replace("%20", "+");
        let request = self.bringing(spaced.as_bytes());
        self.row("with plus signs for spaces", request, GIVEN, "done");
        let bare = good.replace("%3a", ":");
        let request = self.bringing(bare.as_bytes());
        self.row("with colons as they are", request, GIVEN, "done");
        for (name, more) in [
            ("a pair without a sign", "scope"),
            ("a pair of two signs", "scope=a=b"),
            ("a name of nothing", "=a"),
            ("an escape of one digit", "scope=%4"),
            ("an escape without digits", "scope=%"),
            ("an escape of other letters", "scope=%4g"),
            ("an escape with a sign", "scope=%+4"),
            ("an escape of an escape's sign in a name", "sc%256fpe=a"),
            ("NUL", "scope=a%00b"),
            ("NUL at the end of a name", "scope%00=a"),
            ("the end of a line", "scope=a%0D%0Ab"),
            ("a control of C1", "scope=%C2%85"),
            ("an overlong slash", "scope=%C0%AF"),
            ("an overlong NUL", "scope=%C0%80"),
            ("half of a pair of UTF-16", "scope=%ED%A0%80"),
            ("beyond Unicode", "scope=%F4%90%80%80"),
            ("a cut letter", "scope=%D1"),
            ("Latin-1", "scope=%E4"),
            ("braces as they are", "scope={}"),
            ("a quote as it is", "scope=\"a\""),
            ("a space as it is", "scope=a b"),
            ("a tab as it is", "scope=a\tb"),
            ("a letter as it is", "scope=\u{44f}"),
            ("an unknown parameter", "audiences=a"),
            ("a name in capitals", "SCOPE=a"),
            ("a name with a space", "scope+=a"),
            ("a name in the style of PHP", "scope%5B%5D=a"),
        ] {
            let request = self.and(more.as_bytes());
            self.row(name, request, INVALID, "token-request-invalid");
        }
        let request = self.and(b"scope=\xff");
        self.row("a byte that is no text", request, INVALID, "token-request-invalid");
        self.malformed("nothing at all", b"");
        self.malformed("an ampersand before", format!("&{good}").as_bytes());
        self.malformed("an ampersand behind", format!("{good}&").as_bytes());
        self.malformed("two ampersands", good.replacen('&', "&&", 1).as_bytes());
        self.malformed("semicolons between", good.replace('&', ";").as_bytes());
        self.malformed("a line end behind", format!("{good}\r\n").as_bytes());
        self.malformed("a mark of byte order before", format!("%EF%BB%BF{good}").as_bytes());
        self.malformed("a question mark before", format!("?{good}").as_bytes());
        self.malformed("JSON", br#"{"grant_type":"urn:ietf:params:oauth:grant-type:token-exchange"}"#);
    }

    fn repeated(&mut self) {
        for name in ["subject_token", "subject_token_type", "authorization_details", "grant_type"] {
            let value = self.parameters().into_iter().find(|(known, _)| known == name).unwrap().1;
            let request = self.and(format!("{}={}", escaped(name), plain(&value)).as_bytes());
            self.row(&format!("{name} once more in another spelling"), request, INVALID, "token-request-invalid");
            let request = self.and(format!("{name}=").as_bytes());
            self.row(&format!("{name} once more with nothing"), request, INVALID, "token-request-invalid");
        }
        let request = self.and(b"expires_in=&scope=");
        self.row("parameters with nothing, which are left out", request, GIVEN, "done");
    }

    fn values(&mut self) {
        let details = (400, "invalid_authorization_details");
        let one = RIGHTS.trim_matches(['[', ']']);
        for (name, rights, told, reason) in [
            ("64 rights", format!("[{}]", [one; 64].join(",")), GIVEN, "done"),
            ("65 rights", format!("[{}]", [one; 65].join(",")), details, "token-request-invalid"),
            (
                "rights twice in an object",
                format!("[{}]", one.replacen('{', r#"{"type":"door_access","#, 1)),
                details,
                "token-request-invalid",
            ),
            (
                "a right of an unknown member",
                format!("[{}]", one.replacen('{', r#"{"locations":["https://a"],"#, 1)),
                details,
                "token-request-invalid",
            ),
            (
                "a right of an unknown type",
                RIGHTS.replace("door_access", "payment_initiation"),
                details,
                "token-request-invalid",
            ),
            ("rights with a mark of byte order", format!("\u{feff}{RIGHTS}"), details, "token-request-invalid"),
            ("rights with something behind", format!("{RIGHTS} []"), details, "token-request-invalid"),
            ("an object for rights", one.to_owned(), details, "token-request-invalid"),
            ("a comma too many", RIGHTS.replace(']', ",]"), details, "token-request-invalid"),
            ("rights in a string", format!("\"{}\"", RIGHTS.replace('"', "\\\"")), details, "token-request-invalid"),
            (
                "an end before the beginning",
                format!("[{}]", one.replacen('{', r#"{"not_before":9,"not_after":8,"#, 1)),
                details,
                "token-request-invalid",
            ),
            (
                "a time with a fraction",
                format!("[{}]", one.replacen('{', r#"{"not_after":1790000000.5,"#, 1)),
                details,
                "token-request-invalid",
            ),
        ] {
            let form = self.with(|form| set(form, "authorization_details", &rights));
            let request = self.bringing(form.as_bytes());
            self.row(name, request, told, reason);
        }
        for (name, scope) in
            [("two spaces in a scope", "a  b"), ("a space before a scope", " a"), ("a quote in a scope", "\"")]
        {
            let form = self.with(|form| set(form, "scope", scope));
            let request = self.bringing(form.as_bytes());
            self.row(name, request, (400, "invalid_scope"), "exchange-refused");
        }
        for lifetime in ["+5", " 5", "5 ", "0x5", "٥", "5.0"] {
            let form = self.with(|form| set(form, "expires_in", lifetime));
            let request = self.bringing(form.as_bytes());
            self.row(&format!("a lifetime of `{lifetime}`"), request, INVALID, "token-request-invalid");
        }
        let mut forms = Vec::new();
        for (name, subject) in [
            ("a subject token with a space for a plus", "a+b.c.d".replace('+', " ")),
            ("a subject token in quotes", "\"a.b.c\"".to_owned()),
            ("a subject token under its scheme", "Bearer a.b.c".to_owned()),
            ("a subject token of the longest length", "a".repeat(VALUE_MAX)),
        ] {
            forms.push((name, self.with(|form| set(form, "subject_token", &subject))));
        }
        for (name, form) in forms {
            let request = self.bringing(form.as_bytes());
            self.row(name, request, INVALID, "token-malformed");
        }
        let form = self.with(|form| set(form, "subject_token", &"a".repeat(VALUE_MAX + 1)));
        self.malformed("a subject token one byte longer", form.as_bytes());
        let form = self.with(|form| set(form, "client_id", BACKEND));
        let request = self.bringing(form.as_bytes());
        self.row("the backend's own name besides", request, GIVEN, "done");
        let form = self.with(|form| set(form, "client_id", &BACKEND.to_ascii_uppercase()));
        let request = self.bringing(form.as_bytes());
        self.row("the backend's name in capitals", request, (401, "invalid_client"), "client-refused");
    }

    /// A good form of this many bytes: with zeros before its lifetime, and rights with white space.
    fn of_length(&self, length: usize) -> Vec<u8> {
        let spaced = format!("{RIGHTS}{}", " ".repeat(VALUE_MAX - RIGHTS.len()));
        let start = self.with(|form| set(form, "authorization_details", &spaced)) + "&expires_in=";
        let zeros = length.checked_sub(start.len() + 1).unwrap();
        assert!(zeros < VALUE_MAX, "{zeros}");
        format!("{start}{}7", "0".repeat(zeros)).into_bytes()
    }

    fn sizes(&mut self) {
        let request = self.bringing(&self.of_length(FORM_MAX));
        self.row("of the longest length", request, GIVEN, "done");
        let request = self.bringing(&self.of_length(FORM_MAX + 1));
        self.row("one byte longer", request, (413, "too-large"), "body-too-large");
    }

    fn media_types(&mut self) {
        let good = self.good();
        for media_type in [
            "",
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=a",
            "application/x-www-form-urlencoded-data",
            "application/x-www-form-urlencoded, application/json",
            "application/x-www-form-urlencoded; charset=utf-16",
        ] {
            let mut request = self.bringing(good.as_bytes());
            request.fields[0].1 = media_type.to_owned();
            self.row(
                &format!("as `{media_type}`"),
                request,
                (415, "unsupported-media-type"),
                "media-type-not-declared",
            );
        }
        let mut request = self.bringing(good.as_bytes());
        request.fields.remove(0);
        self.row("as nothing", request, (415, "unsupported-media-type"), "media-type-not-declared");
        let request = self.bringing(good.as_bytes()).with("Content-Encoding", "gzip");
        self.row("said to be packed", request, (415, "unsupported-media-type"), "media-type-not-declared");
    }

    fn places(&mut self) {
        let good = self.good();
        for (method, target, told, reason) in [
            ("PUT", TOKEN_PATH, (405, "method-not-allowed"), "method-not-declared"),
            ("PATCH", TOKEN_PATH, (405, "method-not-allowed"), "method-not-declared"),
            ("POST", "/-/oauth/token?", (400, "invalid-request"), "query-invalid"),
            ("POST", "/-/oauth/token?grant_type=a", (400, "invalid-request"), "query-invalid"),
            ("POST", "/-/oauth/token/", (404, "not-found"), "unknown-operation"),
            ("POST", "/-/oauth/Token", (404, "not-found"), "unknown-operation"),
            ("POST", "/-/oauth/%74oken", (404, "not-found"), "unknown-operation"),
            ("POST", "/-/oauth/token%00", (404, "not-found"), "unknown-operation"),
            ("POST", "/-/oauth/./token", (404, "not-found"), "unknown-operation"),
            ("POST", "/-//oauth/token", (404, "not-found"), "unknown-operation"),
            ("POST", "/-/oauth", (404, "not-found"), "unknown-operation"),
        ] {
            let request = Request { method, target: target.to_owned(), ..self.bringing(good.as_bytes()) };
            self.row(&format!("{method} {target}"), request, told, reason);
        }
    }

    fn others(&mut self) {
        let good = self.good();
        let request = self.bringing(good.as_bytes()).from(Who::Replica);
        self.row("by a replica", request, GIVEN, "done");
        let request = self.bringing(good.as_bytes()).from(Who::Other);
        self.row("by another backend", request, (400, "unauthorized_client"), "exchange-refused");
        let request = self.bringing(good.as_bytes()).from(Who::Revoked);
        self.row("by a machine whose certificate was revoked", request, (401, "invalid_client"), "certificate-revoked");
        let request = self.bringing(good.as_bytes()).with("X-Forwarded-For", "10.0.0.1");
        self.row("with a field that is refused", request, (400, "bad-request"), "refused-field");
    }
}

/// The parameter with this value, in its place or at the end.
fn set(form: &mut Vec<(String, String)>, name: &str, value: &str) {
    match form.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => value.clone_into(known),
        None => form.push((name.to_owned(), value.to_owned())),
    }
}
