//! The table: what can be wrong with a token, from the outside in.

use super::Row;
use super::forge::Forge;
use super::forge::Hand;
use portcullis::crypto::encode_base64url;
use portcullis::devkit::TokenClaims;

const MALFORMED: (u16, &str) = (401, "token-malformed");
const UNTRUSTED: (u16, &str) = (401, "token-untrusted");
const SIGNATURE: (u16, &str) = (401, "token-signature");
const EXPIRED: (u16, &str) = (401, "token-expired");
const AUDIENCE: (u16, &str) = (401, "token-audience");
const BINDING: (u16, &str) = (401, "token-binding");
const MISSING: (u16, &str) = (401, "token-missing");
const PASSES: (u16, &str) = (200, "done");

const MAX_TOKEN_BYTES: usize = 8 * 1024;
const MAX_LIFETIME: u64 = 600;
const SKEW: u64 = 5;

pub struct Rows<'f> {
    forge: &'f Forge,
    claims: TokenClaims,
    /// The good payload.
    payload: String,
    now: u64,
    of_session: String,
    /// Session tokens that are bound to something else than the app's key alone, each by what.
    misbound: Vec<(&'static str, String)>,
    rows: Vec<Row>,
}

impl<'f> Rows<'f> {
    pub fn new(
        forge: &'f Forge,
        claims: TokenClaims,
        now: u64,
        of_session: String,
        misbound: Vec<(&'static str, String)>,
    ) -> Self {
        Self { forge, payload: claims.text(), claims, now, of_session, misbound, rows: Vec::new() }
    }

    /// A good token's field.
    pub fn good(&self) -> Vec<String> {
        vec![format!("Bearer {}", self.good_token())]
    }

    /// All rows.
    pub fn all(mut self) -> Vec<Row> {
        self.fields();
        self.structure();
        self.spelling();
        self.headers();
        self.algorithms();
        self.keys();
        self.signatures();
        self.missing_claims();
        self.wrong_claims();
        self.times();
        self.bindings();
        self.sessions();
        self.payloads();
        self.rows
    }

    fn good_token(&self) -> String {
        self.forge.token(Hand::Es256, &header("ES256", "es256"), &self.payload)
    }

    fn field(&mut self, name: &str, sent: &[&str], (status, reason): (u16, &'static str)) {
        let sent = sent.iter().map(|value| (*value).to_owned()).collect();
        self.rows.push(Row { name: name.to_owned(), sent, status, reason });
    }

    fn token(&mut self, name: &str, token: &str, becomes: (u16, &'static str)) {
        self.field(name, &[&format!("Bearer {token}")], becomes);
    }

    /// Well signed, under this header.
    fn header(&mut self, name: &str, header: &str, becomes: (u16, &'static str)) {
        let token = self.forge.token(Hand::Es256, header, &self.payload);
        self.token(&format!("header: {name}"), &token, becomes);
    }

    /// Well signed, with this payload.
    fn payload(&mut self, name: &str, payload: &str, becomes: (u16, &'static str)) {
        let token = self.forge.token(Hand::Es256, &header("ES256", "es256"), payload);
        self.token(&format!("payload: {name}"), &token, becomes);
    }

    /// Well signed, with this claim, whose value is written as JSON.
    fn claim(&mut self, claim: &str, json: &str, becomes: (u16, &'static str)) {
        let rest = self.claims.clone().without(claim).text();
        let payload = rest.replacen('{', &format!("{{\"{claim}\":{json},"), 1);
        let shown = json.get(..json.len().min(60)).unwrap_or(json);
        self.payload(&format!("{claim} = {shown} ({} bytes)", json.len()), &payload, becomes);
    }

    fn fields(&mut self) {
        let token = self.good_token();
        self.field("no field", &[], MISSING);
        self.field("an empty field", &[""], MALFORMED);
        self.field("twice the same", &[&format!("Bearer {token}"), &format!("Bearer {token}")], MALFORMED);
        self.field("a good one and a Basic one", &[&format!("Bearer {token}"), "Basic YTpi"], MALFORMED);
        self.field("no scheme", &[&token], MALFORMED);
        self.field("the scheme alone", &["Bearer"], MALFORMED);
        for scheme in ["bearer", "BEARER", "DPoP", "Basic", "Token", "JWT"] {
            self.field(&format!("scheme {scheme}"), &[&format!("{scheme} {token}")], MALFORMED);
        }
        self.field("two blanks", &[&format!("Bearer  {token}")], MALFORMED);
        self.field("a tab", &[&format!("Bearer\t{token}")], MALFORMED);
        self.field("quoted", &[&format!("Bearer \"{token}\"")], MALFORMED);
        self.field("as a parameter", &[&format!("Bearer token={token}")], MALFORMED);
        self.field("two in one field", &[&format!("Bearer {token}, Bearer {token}")], MALFORMED);
    }

    fn structure(&mut self) {
        let token = self.good_token();
        let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let [header, payload, signature] = [0, 1, 2].map(|index| parts[index].clone());
        for (name, token) in [
            ("one point", ".".to_owned()),
            ("two points", "..".to_owned()),
            ("three points", "...".to_owned()),
            ("a word", "token".to_owned()),
            ("one part", header.clone()),
            ("two parts", format!("{header}.{payload}")),
            ("four parts", format!("{token}.{signature}")),
            ("five parts, as a JWE has", format!("{header}.{payload}.{payload}.{payload}.{signature}")),
            ("no header", format!(".{payload}.{signature}")),
            ("no payload", format!("{header}..{signature}")),
            ("no signature", format!("{header}.{payload}.")),
            ("a point in front", format!(".{token}")),
            ("a point behind", format!("{token}.")),
            (
                "the JSON serialization",
                format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#),
            ),
        ] {
            self.token(name, &token, MALFORMED);
        }
        let at_limit = self.of_length(MAX_TOKEN_BYTES);
        self.token("8 KiB", &at_limit, PASSES);
        let beyond = self.of_length(MAX_TOKEN_BYTES + 1);
        self.token("8 KiB and a byte", &beyond, MALFORMED);
    }

    /// A good token of so many bytes. Blanks in the header help where the payload's base64url cannot have the length.
    fn of_length(&self, bytes: usize) -> String {
        let blanks = (0..4).find_map(|blanks| {
            let header = header("ES256", "es256").replace('}', &format!("{}}}", " ".repeat(blanks)));
            let around = encode_base64url(header.as_bytes()).len() + 2 + 86;
            let payload_bytes = (bytes - around) * 3 / 4;
            let padding = payload_bytes.checked_sub(self.payload.len() + r#""pad":"","#.len())?;
            let pad = format!("{{\"pad\":\"{}\",", "x".repeat(padding));
            let token = self.forge.token(Hand::Es256, &header, &self.payload.replacen('{', &pad, 1));
            (token.len() == bytes).then_some(token)
        });
        blanks.unwrap()
    }

    fn spelling(&mut self) {
        let token = self.good_token();
        let parts: Vec<&str> = token.split('.').collect();
        for (index, part) in ["header", "payload", "signature"].into_iter().enumerate() {
            let with = |text: String| {
                let mut parts = parts.clone();
                parts[index] = &text;
                parts.join(".")
            };
            let own = parts[index];
            let (first, rest) = own.split_at(4);
            for (what, text) in [
                ("padded", format!("{own}=")),
                ("padded twice", format!("{own}==")),
                ("a blank inside", format!("{first} {rest}")),
                ("a tab inside", format!("{first}\t{rest}")),
                ("`+` of the other alphabet", format!("{first}+{}", rest.get(1..).unwrap())),
                ("`/` of the other alphabet", format!("{first}/{}", rest.get(1..).unwrap())),
                ("percent-encoded", format!("%65{}", own.get(1..).unwrap())),
                ("one character of a group", format!("{}A", own.get(..own.len() / 4 * 4).unwrap())),
            ] {
                self.token(&format!("{part} {what}"), &with(text), MALFORMED);
            }
        }
        // 64 bytes end with a character of which four bits are stray.
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let stray = format!("{signed}.{}B", signature.get(..85).unwrap());
        self.token("signature with stray bits", &stray, MALFORMED);
        let header = header("ES256", "es256");
        let blank = [header.replace('}', " }"), header.replace('}', "  }"), header];
        let ragged = blank.iter().find(|header| header.len() % 3 != 0).unwrap();
        let (of_header, rest) = self
            .forge
            .token(Hand::Es256, ragged, &self.payload)
            .split_once('.')
            .map(|(h, r)| (h.to_owned(), r.to_owned()))
            .unwrap();
        let last = of_header.chars().last().unwrap();
        let next = char::from_u32(u32::from(last) + 1).unwrap();
        let stray = format!("{}{next}.{rest}", of_header.get(..of_header.len() - 1).unwrap());
        self.token("header with stray bits", &stray, MALFORMED);
    }

    fn headers(&mut self) {
        let with = |more: &str| header("ES256", "es256").replace('}', &format!(",{more}}}"));
        let own_key = format!(r#""jwk":{}"#, self.forge.other_jwk());
        for more in [
            r#""crit":[]"#,
            r#""crit":["exp"]"#,
            r#""crit":["b64"],"b64":false"#,
            r#""b64":true"#,
            r#""zip":"DEF""#,
            &own_key,
            r#""jwk":null"#,
            r#""jku":"https://attacker.example/keys""#,
            r#""x5u":"https://attacker.example/chain""#,
            r#""x5c":["MIIB"]"#,
            r#""x5t":"AAAA""#,
            r#""x5t#S256":"AAAA""#,
            r#""cty":"JWT""#,
            r#""enc":"A256GCM""#,
            r#""epk":{}"#,
            r#""p2c":1000000000"#,
            r#""nonce":"n""#,
            r#""iss":"https://gateway.prop.example/sessions""#,
            r#""unknown":1"#,
            r#""alg":"ES256""#,
            r#""\u0061lg":"none""#,
            r#""kid":"eddsa""#,
            r#""k\u0069d":"eddsa""#,
            r#""typ":"JWT""#,
            r#""t\u0079p":"at+jwt""#,
            r#""Alg":"none""#,
        ] {
            self.header(more, &with(more), MALFORMED);
        }
        // An attacker's key in the header, and a signature that fits it.
        let token = self.forge.token(Hand::Es256Other, &with(&own_key), &self.payload);
        self.token("signed with the key in the header", &token, MALFORMED);
        for (name, typ) in [
            ("of an OpenID token", r#""JWT""#),
            ("in upper case", r#""AT+JWT""#),
            ("with a parameter", r#""at+jwt;v=1""#),
            ("of a proof of possession", r#""dpop+jwt""#),
            ("of a security event", r#""secevent+jwt""#),
            ("of a logout", r#""logout+jwt""#),
            ("of an introspection", r#""token-introspection+jwt""#),
            ("empty", r#""""#),
            ("null", "null"),
            ("a number", "1"),
            ("a list", r#"["at+jwt"]"#),
        ] {
            let header = header("ES256", "es256").replace(r#""at+jwt""#, typ);
            self.header(&format!("typ {name}"), &header, MALFORMED);
        }
        let whole = header("ES256", "es256").replace("at+jwt", "application/at+jwt");
        self.header("typ with its whole media type", &whole, PASSES);
        for member in ["alg", "kid", "typ"] {
            let without: Vec<String> = [("alg", "ES256"), ("kid", "es256"), ("typ", "at+jwt")]
                .into_iter()
                .filter(|(name, _)| *name != member)
                .map(|(name, value)| format!(r#""{name}":"{value}""#))
                .collect();
            self.header(&format!("without {member}"), &format!("{{{}}}", without.join(",")), MALFORMED);
        }
        let good = header("ES256", "es256");
        self.header("with blanks and escapes", &good.replace(r#"{"alg""#, r#"{ "\u0061lg" "#), PASSES);
        for (name, text) in [
            ("empty object", "{}".to_owned()),
            ("list", "[]".to_owned()),
            ("text", r#""alg""#.to_owned()),
            ("number", "1".to_owned()),
            ("null", "null".to_owned()),
            ("comma behind the last", good.replace('}', ",}")),
            ("comment", good.replace('}', "/**/}")),
            ("single quotes", good.replace('"', "'")),
            ("something behind", format!("{good}x")),
            ("a second object", format!("{good}{good}")),
            ("byte order mark", format!("\u{feff}{good}")),
            ("cut off", good.replace('}', "")),
            ("control character", good.replace("es256", "es\u{1}256")),
            ("lone surrogate", good.replace("es256", "\\ud800")),
        ] {
            self.header(&format!("JSON: {name}"), &text, MALFORMED);
        }
    }

    fn algorithms(&mut self) {
        for name in ["none", "None", "NONE", "nOnE", "HS256", "HS512", "RS256", "RS512", "PS256", "ES384", "ES512"] {
            self.header(&format!("alg {name}"), &header(name, "es256"), UNTRUSTED);
        }
        for name in ["ES256K", "EdDSA", "Ed25519", "es256", "ES256 ", "", "dir", "ECDH-ES"] {
            self.header(&format!("alg {name:?}"), &header(name, "es256"), UNTRUSTED);
        }
        for (name, value) in
            [("null", "null"), ("number", "256"), ("list", r#"["ES256"]"#), ("object", "{}"), ("true", "true")]
        {
            let header = header("ES256", "es256").replacen(r#""ES256""#, value, 1);
            self.header(&format!("alg is {name}"), &header, MALFORMED);
        }
        let unsigned = self.good_token().rsplit_once('.').unwrap().0.to_owned();
        let none = encode_base64url(header("none", "es256").as_bytes());
        let payload = unsigned.split_once('.').unwrap().1.to_owned();
        self.token("alg none without a signature", &format!("{none}.{payload}."), MALFORMED);
        // The public keys taken for a shared secret (CVE-2015-9235).
        for kid in ["es256", "rs256"] {
            let token = self.forge.token(Hand::Hs256, &header("HS256", kid), &self.payload);
            self.token(&format!("HMAC keyed by what is public, kid {kid}"), &token, UNTRUSTED);
            let claimed = if kid == "es256" { "ES256" } else { "RS256" };
            let token = self.forge.token(Hand::Hs256, &header(claimed, kid), &self.payload);
            self.token(&format!("the same, said to be {claimed}"), &token, SIGNATURE);
        }
        for (name, hand, alg, kid, becomes) in [
            ("ES384", Hand::Es384, "ES384", "es384", PASSES),
            ("RS256", Hand::Rs256, "RS256", "rs256", PASSES),
            ("PS256", Hand::Ps256, "PS256", "ps256", PASSES),
            ("Ed25519, which the issuer may not use", Hand::EdDsa, "EdDSA", "eddsa", UNTRUSTED),
            ("the same by its other name", Hand::EdDsa, "Ed25519", "eddsa", UNTRUSTED),
            ("RS256 with the key of PS256", Hand::Rs256, "RS256", "ps256", UNTRUSTED),
            ("PS256 with the key of RS256", Hand::Ps256, "PS256", "rs256", UNTRUSTED),
            ("PS256 said to be RS256", Hand::Ps256, "RS256", "rs256", SIGNATURE),
            ("RS256 said to be PS256", Hand::Rs256, "PS256", "ps256", SIGNATURE),
            ("RS512 said to be RS256", Hand::Rs512, "RS256", "rs256", SIGNATURE),
            ("PS384 said to be PS256", Hand::Ps384, "PS256", "ps256", SIGNATURE),
            ("RS512 with the key of RS256", Hand::Rs512, "RS512", "rs256", UNTRUSTED),
            ("ES256 with the key of ES384", Hand::Es256, "ES384", "es384", SIGNATURE),
            ("ES384 with the key of ES256", Hand::Es384, "ES256", "es256", SIGNATURE),
            ("RS256 with the key of ES256", Hand::Rs256, "ES256", "es256", SIGNATURE),
            ("an RSA key that is for no algorithm", Hand::Rs256, "RS256", "rsa-of-no-algorithm", UNTRUSTED),
            ("a key that is for encrypting", Hand::Es256Other, "ES256", "encryption", UNTRUSTED),
        ] {
            let token = self.forge.token(hand, &header(alg, kid), &self.payload);
            self.token(name, &token, becomes);
        }
    }

    fn keys(&mut self) {
        for kid in ["unknown", "ES256", "es256 ", "", "../../../../dev/null", "' OR '1'='1", "es256\\u0000", "0"] {
            self.header(&format!("kid {kid:?}"), &header("ES256", kid), UNTRUSTED);
        }
        let (long, longer) = ("k".repeat(256), "k".repeat(257));
        self.header("kid of 256 bytes", &header("ES256", &long), UNTRUSTED);
        self.header("kid of 257 bytes", &header("ES256", &longer), MALFORMED);
        for (name, value) in [("null", "null"), ("number", "256"), ("list", r#"["es256"]"#), ("object", "{}")] {
            let header = header("ES256", "es256").replace(r#""es256""#, value);
            self.header(&format!("kid is {name}"), &header, MALFORMED);
        }
        let of_session = self.of_session.clone();
        let (head, _) = of_session.split_once('.').unwrap();
        let parts: Vec<&str> = of_session.split('.').collect();
        let ours = self.good_token();
        let payload = ours.split('.').nth(1).unwrap().to_owned();
        self.token("another issuer's kid", &format!("{head}.{payload}.{}", parts[2]), UNTRUSTED);
        let theirs = self.forge.token(
            Hand::Es256,
            &header("ES256", "es256"),
            &self.payload.replace("login.prop.example", "gateway.prop.example/sessions"),
        );
        self.token("our key in another issuer's name", &theirs, UNTRUSTED);
        let other = self.forge.token(Hand::Es256Other, &header("ES256", "es256"), &self.payload);
        self.token("another key's signature under our kid", &other, SIGNATURE);
    }

    fn signatures(&mut self) {
        let token = self.good_token();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let own = portcullis::crypto::decode_base64url(signature).unwrap();
        let (r, s) = own.split_at(32);
        // The order of P-256 (SEC 2 §2.4.2).
        let order: Vec<u8> = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let zero = vec![0; 32];
        let elsewhere = self.forge.sign(Hand::Es256, b"something else");
        for (name, signature) in [
            ("zeros (CVE-2022-21449)", vec![0; 64]),
            ("ones", vec![0xff; 64]),
            ("r is zero", [&zero[..], s].concat()),
            ("s is zero", [r, &zero].concat()),
            ("r is the order", [&order[..], s].concat()),
            ("s is the order", [r, &order].concat()),
            ("r and s exchanged", [s, r].concat()),
            ("a byte short", own[..63].to_vec()),
            ("a byte more", [&own[..], &[0]].concat()),
            ("a byte in front", [&[0][..], &own].concat()),
            ("one byte", vec![1]),
            ("r alone", r.to_vec()),
            ("twice", [&own[..], &own].concat()),
            ("as ASN.1", self.forge.sign(Hand::Es256Der, signed.as_bytes())),
            ("of something else", elsewhere),
            ("as long as that of the largest key", vec![7; 1024]),
        ] {
            self.token(&format!("signature: {name}"), &format!("{signed}.{}", encode_base64url(&signature)), SIGNATURE);
        }
        let endless = format!("{signed}.{}", encode_base64url(&[7; 1025]));
        self.token("signature: longer than that of any key", &endless, MALFORMED);
        for (hand, alg, kid) in
            [(Hand::Rs256, "RS256", "rs256"), (Hand::Ps256, "PS256", "ps256"), (Hand::Es384, "ES384", "es384")]
        {
            let token = self.forge.token(hand, &header(alg, kid), &self.payload);
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let own = portcullis::crypto::decode_base64url(signature).unwrap();
            let mut flipped = own.clone();
            flipped[own.len() / 2] ^= 1;
            for (name, signature) in [
                ("zeros", vec![0; own.len()]),
                ("a byte short", own[1..].to_vec()),
                ("a byte more", [&[0][..], &own].concat()),
                ("a bit flipped", flipped),
            ] {
                let token = format!("{signed}.{}", encode_base64url(&signature));
                self.token(&format!("signature of {alg}: {name}"), &token, SIGNATURE);
            }
        }
        // A good signature of another header and payload.
        let richer = self.payload.replace("door-1", "door-2");
        let payload = encode_base64url(richer.as_bytes());
        let (head, _) = signed.split_once('.').unwrap();
        self.token("the payload exchanged", &format!("{head}.{payload}.{signature}"), SIGNATURE);
    }

    fn missing_claims(&mut self) {
        for (claim, becomes) in [
            ("iss", MALFORMED),
            ("sub", MALFORMED),
            ("jti", MALFORMED),
            ("client_id", MALFORMED),
            ("iat", MALFORMED),
            ("exp", MALFORMED),
            ("aud", AUDIENCE),
            ("cnf", BINDING),
            ("nbf", PASSES),
        ] {
            let payload = self.claims.clone().without(claim).text();
            self.payload(&format!("without {claim}"), &payload, becomes);
        }
    }

    fn wrong_claims(&mut self) {
        for claim in ["iss", "sub", "jti", "client_id", "tenant", "device_id", "sid", "car_id"] {
            for json in ["1", "null", r#"["a"]"#, r#""""#] {
                self.claim(claim, json, MALFORMED);
            }
        }
        self.claim("sub", r#""a\u0000b""#, MALFORMED);
        self.claim("sub", &format!("\"{}\"", "a".repeat(256)), MALFORMED);
        self.claim("tenant", r#""no/such/name""#, MALFORMED);
        for (json, becomes) in [
            (r#""https://attacker.example""#, UNTRUSTED),
            (r#""https://login.prop.example/""#, UNTRUSTED),
            (r#""HTTPS://LOGIN.PROP.EXAMPLE""#, UNTRUSTED),
            (r#""https://login.prop.example ""#, UNTRUSTED),
            (r#"["https://login.prop.example"]"#, MALFORMED),
            (r#"{"a":"https://login.prop.example"}"#, MALFORMED),
        ] {
            self.claim("iss", json, becomes);
        }
        for (json, becomes) in [
            (r#"["https://gateway.prop.example"]"#, PASSES),
            (r#"["https://other.example","https://gateway.prop.example"]"#, PASSES),
            (r#"["https://other.example"]"#, AUDIENCE),
            ("[]", AUDIENCE),
            (r#""https://other.example""#, AUDIENCE),
            (r#""https://gateway.prop.example/""#, AUDIENCE),
            (r#""https://gateway.prop.exampl""#, AUDIENCE),
            (r#""HTTPS://gateway.prop.example""#, AUDIENCE),
            (r#""https://gateway.prop.example/sessions""#, AUDIENCE),
            (r#"["https://gateway.prop.example",1]"#, MALFORMED),
            (r#"[["https://gateway.prop.example"]]"#, MALFORMED),
            ("null", MALFORMED),
            ("1", MALFORMED),
            ("{}", MALFORMED),
        ] {
            self.claim("aud", json, becomes);
        }
        for json in [r#""resident""#, "[1]", "null", "{}", r#"[["resident"]]"#] {
            self.claim("roles", json, MALFORMED);
        }
        for json in [r#"["a"]"#, r#"" a""#, r#""a  b""#, r#""a\tb""#] {
            self.claim("scope", json, MALFORMED);
        }
        for json in [
            "null",
            r#"{"type":"door_access"}"#,
            "[1]",
            r#"[{"type":"payment","house":"h","actions":["open"]}]"#,
            r#"[{"type":"door_access","house":"house-1","actions":[]}]"#,
            r#"[{"type":"door_access","house":"house-1","actions":["open"],"until":"never"}]"#,
        ] {
            self.claim("authorization_details", json, MALFORMED);
        }
    }

    fn times(&mut self) {
        let now = self.now;
        let claims = self.claims.clone();
        let mut window = |name: &str, iat: u64, exp: u64, becomes| {
            let payload = claims.clone().without("iat").without("exp").without("nbf").text();
            let payload = payload.replacen('{', &format!("{{\"iat\":{iat},\"exp\":{exp},"), 1);
            self.payload(name, &payload, becomes);
        };
        window("exp is now", now - 10, now, EXPIRED);
        window("exp is a second ago", now - 10, now - 1, EXPIRED);
        window("exp is in a second", now - 10, now + 1, PASSES);
        window("lives for the maximum", now, now + MAX_LIFETIME, PASSES);
        window("lives a second longer", now, now + MAX_LIFETIME + 1, EXPIRED);
        window("lives for no time", now, now, EXPIRED);
        window("ends before it begins", now + 2, now + 1, EXPIRED);
        window("issued as far ahead as clocks may differ", now + SKEW, now + 60, PASSES);
        window("issued a second further ahead", now + SKEW + 1, now + 60, EXPIRED);
        window("issued in 1970", 0, now + 60, EXPIRED);
        window("exp in milliseconds", now, now * 1000, EXPIRED);
        window("all in milliseconds", now * 1000, now * 1000 + 60, EXPIRED);
        self.claim("nbf", &(now + SKEW).to_string(), PASSES);
        self.claim("nbf", &(now + SKEW + 1).to_string(), EXPIRED);
        self.claim("exp", &format!("{}.0", now + 60), PASSES);
        for claim in ["exp", "iat", "nbf"] {
            for json in [
                format!("\"{}\"", now + 1),
                format!("{}.5", now + 1),
                "-1".to_owned(),
                "null".to_owned(),
                "true".to_owned(),
                format!("[{}]", now + 1),
                "{}".to_owned(),
                "9007199254740993".to_owned(),
                "18446744073709551616".to_owned(),
                "1e400".to_owned(),
                format!("0{}", now + 1),
            ] {
                self.claim(claim, &json, MALFORMED);
            }
        }
        self.claim("exp", "9007199254740991", EXPIRED);
        self.claim("iat", "9007199254740991", EXPIRED);
    }

    fn bindings(&mut self) {
        let text = self.payload.clone();
        let own = text.split("x5t#S256\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let bytes = portcullis::crypto::decode_base64url(own).unwrap();
        let other = encode_base64url(&[7; 32]);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for (json, becomes) in [
            ("{}".to_owned(), BINDING),
            (format!(r#"{{"x5t#S256":"{other}"}}"#), BINDING),
            (format!(r#"{{"jkt":"{own}"}}"#), BINDING),
            (format!(r#"{{"x5t":"{own}"}}"#), BINDING),
            (format!(r#"{{"X5T#S256":"{own}"}}"#), BINDING),
            (format!(r#"{{"x5t#S256":"{own}","jkt":"{own}"}}"#), BINDING),
            (r#"{"jwk":{"kty":"EC"}}"#.to_owned(), BINDING),
            (r#"{"kid":"es256"}"#.to_owned(), BINDING),
            (r#"{"x5t#S256":""}"#.to_owned(), MALFORMED),
            (r#"{"x5t#S256":null}"#.to_owned(), MALFORMED),
            (r#"{"x5t#S256":1}"#.to_owned(), MALFORMED),
            (format!(r#"{{"x5t#S256":["{own}"]}}"#), MALFORMED),
            (format!(r#"{{"x5t#S256":"{own}="}}"#), MALFORMED),
            (format!(r#"{{"x5t#S256":"{}"}}"#, encode_base64url(&bytes[1..])), MALFORMED),
            (format!(r#"{{"x5t#S256":"{}"}}"#, encode_base64url(&[&bytes[..], &[0]].concat())), MALFORMED),
            (format!(r#"{{"x5t#S256":"{hex}"}}"#), MALFORMED),
            (format!(r#"{{"x5t#S256":"{other}","x5t#S256":"{own}"}}"#), MALFORMED),
            (format!(r#"{{"x5t#S256":"{other}","x5t#\u0053256":"{own}"}}"#), MALFORMED),
            (format!("\"{own}\""), MALFORMED),
            (format!("[\"{own}\"]"), MALFORMED),
            ("null".to_owned(), MALFORMED),
        ] {
            self.claim("cnf", &json, becomes);
        }
    }

    fn sessions(&mut self) {
        for (by, token) in self.misbound.clone() {
            self.token(&format!("a session that is bound {by}"), &token, BINDING);
        }
        let bound = self.of_session.clone();
        self.token("a session as a bearer token", &bound, MALFORMED);
        self.field("a session without a proof", &[&format!("DPoP {bound}")], (401, "dpop-missing"));
    }

    fn payloads(&mut self) {
        let good = self.payload.clone();
        let twice = |name: &str, value: &str| good.replacen('{', &format!("{{\"{name}\":{value},"), 1);
        for (name, value) in [
            ("sub", r#""resident-petrov""#),
            (r"s\u0075b", r#""resident-petrov""#),
            ("exp", "9999999999"),
            (r"e\u0078p", "9999999999"),
            ("iss", r#""https://gateway.prop.example/sessions""#),
            ("aud", r#""https://other.example""#),
            ("cnf", r#"{"jkt":"a"}"#),
            ("jti", r#""again""#),
            ("tenant", r#""south""#),
            ("roles", r#"["admin"]"#),
            ("authorization_details", "[]"),
            ("x\":1,\"x", "2"),
            ("x\":{\"y\":1,\"y\":2},\"z", "2"),
        ] {
            self.payload(&format!("twice {name}"), &twice(name, value), MALFORMED);
        }
        for (name, value) in [
            ("a lone surrogate", r#""\ud800""#),
            ("a number beyond doubles", "1e400"),
            ("an integer beyond 2^53", "9007199254740993"),
            ("a leading zero", "01"),
            ("NaN", "NaN"),
            ("nesting of nine", "[[[[[[[[1]]]]]]]]"),
            ("a control character", "\"\u{1}\""),
            ("an unknown word", "nul"),
        ] {
            self.payload(&format!("an unknown claim with {name}"), &twice("unknown", value), MALFORMED);
        }
        self.payload("an unknown claim that is well formed", &twice("unknown", r#"{"a":[1,null,"x"]}"#), PASSES);
        for (name, text) in [
            ("list", format!("[{good}]")),
            ("text", "\"claims\"".to_owned()),
            ("number", "1".to_owned()),
            ("null", "null".to_owned()),
            ("empty object", "{}".to_owned()),
            ("something behind", format!("{good} x")),
            ("two objects", format!("{good}{good}")),
            ("byte order mark", format!("\u{feff}{good}")),
            ("comma behind the last", good.trim_end_matches('}').to_owned() + ",}"),
            ("cut off", good.trim_end_matches('}').to_owned()),
            ("another token", self.good_token()),
        ] {
            self.payload(&format!("JSON: {name}"), &text, MALFORMED);
        }
        let head = encode_base64url(header("ES256", "es256").as_bytes());
        let payload = encode_base64url(&[good.replace('}', "").as_bytes(), b",\"x\":\"\xff\"}"].concat());
        let signed = format!("{head}.{payload}");
        let signature = encode_base64url(&self.forge.sign(Hand::Es256, signed.as_bytes()));
        self.token("payload: no UTF-8", &format!("{signed}.{signature}"), MALFORMED);
    }
}

fn header(algorithm: &str, kid: &str) -> String {
    format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"at+jwt"}}"#)
}
