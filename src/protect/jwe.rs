//! The shape of an encrypted value: JWE in compact form (RFC 7516 §7.1). Shape alone: only the recipient can decrypt.

use crate::crypto::decode_base64url;
use crate::json;

/// The longest protected header, in bytes once decoded.
const MAX_HEADER_BYTES: usize = 4_096;

/// Whether `text` is five parts of base64url, the first a JSON object that names a key management algorithm and a
/// content encryption; only the encrypted key may be empty (direct agreement and direct use, RFC 7516 §5.1).
pub(super) fn has_shape(text: &str) -> bool {
    let mut parts = text.split('.');
    let five = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    let ([Some(header), Some(key), Some(iv), Some(ciphertext), Some(tag)], None) = (five, parts.next()) else {
        return false;
    };
    let filled = [iv, ciphertext, tag].iter().all(|part| !part.is_empty() && decode_base64url(part).is_some());
    filled && decode_base64url(key).is_some() && names_algorithms(header)
}

/// An `alg` of `none` does not exist in JWE, but in JWS, whose unsecured form must not pass for encrypted.
fn names_algorithms(header: &str) -> bool {
    if header.len() > MAX_HEADER_BYTES / 3 * 4 {
        return false;
    }
    let limits = json::Limits { max_depth: 4, max_members: 32, ..json::Limits::default() };
    let header = decode_base64url(header).and_then(|bytes| json::parse(&bytes, limits).ok());
    let named = |member| header.as_ref().and_then(|header| header.get(member)?.as_str()).unwrap_or_default();
    !matches!(named("alg"), "" | "none") && !named("enc").is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::encode_base64url;

    fn with_header(header: &str) -> String {
        format!("{}.a2V5.aXYtaXYtaXYtaXY.Y2lwaGVydGV4dA.dGFnLXRhZy10YWctdGFnLQ", encode_base64url(header.as_bytes()))
    }

    /// RFC 7516 appendix A.1.7.
    const EXAMPLE: &str = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGeipsEdY3mx_etLbbWSrFr05kLzcSr4qKAq7YN7e9jwQRb23nfa6c9d-StnImGyFDbSv04uVuxIp5Zms1gNxKKK2Da14B8S4rzVRltdYwam_lDp5XnZAYpQdb76FdIKLaVmqgfwX7XWRxv2322i-vDxRfqNzo_tETKzpVLzfiwQyeyPGLBIO56YJ7eObdv0je81860ppamavo35UgoRdbYaBcoh9QcfylQr66oc6vFWXRcZ_ZT2LawVCWTIy3brGPi6UklfCpIMfIjf7iGdXKHzg.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A.XFBoMYUZodetZdvTiFvSkQ";

    #[test]
    fn the_example_of_the_rfc_has_the_shape() {
        assert!(has_shape(EXAMPLE));
        assert!(has_shape(&with_header(r#"{"alg":"ECDH-ES+A256KW","enc":"A256GCM"}"#)));
    }

    #[test]
    fn what_is_not_encrypted_does_not_have_the_shape() {
        let parts: Vec<&str> = EXAMPLE.split('.').collect();
        for text in [
            "",
            "Иванов",
            "....",
            "plain.text.with.five.parts",
            &parts[..4].join("."),
            &format!("{EXAMPLE}.AA"),
            &EXAMPLE.replace("XFBo", "XF+o"),
            &format!("{EXAMPLE}="),
            &[parts[0], parts[1], parts[2], "", parts[4]].join("."),
            &[parts[0], parts[1], parts[2], parts[3], ""].join("."),
            &with_header(r#"{"alg":"none","enc":"A256GCM"}"#),
            &with_header(r#"{"alg":"dir"}"#),
            &with_header(r#"{"enc":"A256GCM"}"#),
            &with_header(r#"{"alg":"dir","alg":"dir","enc":"A256GCM"}"#),
            &with_header("[]"),
        ] {
            assert!(!has_shape(text), "{text}");
        }
    }
}
