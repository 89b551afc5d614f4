//! Clients that others wrote: each opens a door.

use crate::harness::Command;
use crate::harness::Served;
use crate::harness::Stage;
use portcullis::devkit::AUTHORITY;
use portcullis::devkit::NORTH;
use std::io::Write;
use std::process::Output;
use std::process::Stdio;

#[test]
fn curl_opens_a_door_over_http_1_1_and_over_http_2() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    for version in ["--http1.1", "--http2"] {
        let command = Command::new(&stage);
        let port = gateway.address.port();
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "30", version, "--request", "POST", "--write-out"])
            .args([" %{http_version} %{http_code}", "--resolve", &format!("{AUTHORITY}:{port}:127.0.0.1")])
            .arg("--cacert")
            .arg(stage.path("pki/gateway-authority.pem"))
            .arg("--cert")
            .arg(stage.path("pki/backend.pem"))
            .arg("--key")
            .arg(stage.path("pki/backend.key"));
        for (name, value) in command.fields() {
            curl.args(["--header", &format!("{name}: {value}")]);
        }
        curl.args(["--data-binary", &String::from_utf8(command.body.clone()).unwrap()]);
        curl.arg(format!("https://{AUTHORITY}:{port}{}", command.target));
        let output = curl.stdin(Stdio::null()).output().unwrap();
        let said = text(&output);
        let protocol = if version == "--http2" { "2" } else { "1.1" };
        assert!(said.contains("\"status\":\"opened\"") && said.ends_with(&format!(" {protocol} 200")), "{said}");
    }
    assert_eq!(stage.partner.total_actuations(), 2);
}

#[test]
fn openssl_opens_a_door() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let command = Command::new(&stage);
    let mut request = format!("POST {} HTTP/1.1\r\nHost: {AUTHORITY}\r\nConnection: close\r\n", command.target);
    for (name, value) in command.fields() {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n", command.body.len()));
    let mut openssl = std::process::Command::new("openssl")
        .args(["s_client", "-quiet", "-servername", AUTHORITY, "-connect", &gateway.address.to_string()])
        .arg("-CAfile")
        .arg(stage.path("pki/gateway-authority.pem"))
        .arg("-cert")
        .arg(stage.path("pki/backend.pem"))
        .arg("-key")
        .arg(stage.path("pki/backend.key"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdin = openssl.stdin.as_mut().unwrap();
    stdin.write_all(request.as_bytes()).unwrap();
    stdin.write_all(&command.body).unwrap();
    stdin.flush().unwrap();
    let said = text(&openssl.wait_with_output().unwrap());
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("\"status\":\"opened\""), "{said}");
    assert_eq!(stage.partner.total_actuations(), 1);
}

#[test]
fn python_opens_a_door() {
    const PROGRAM: &str = r#"
import http.client, json, ssl, sys
address, authority, folder, target, fields, body = sys.argv[1:]
host, port = address.split(":")
context = ssl.create_default_context(cafile=folder + "/gateway-authority.pem")
context.load_cert_chain(folder + "/backend.pem", folder + "/backend.key")
class Connection(http.client.HTTPSConnection):
    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = context.wrap_socket(self.sock, server_hostname=authority)
connection = Connection(host, int(port), timeout=30)
connection.request("POST", target, body, dict(json.loads(fields), Host=authority))
answer = connection.getresponse()
print(answer.status, json.loads(answer.read())["status"])
"#;
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let command = Command::new(&stage);
    let fields: serde_json::Map<String, serde_json::Value> =
        command.fields().into_iter().map(|(name, value)| (name, value.into())).collect();
    let output = std::process::Command::new("python3")
        .args(["-c", PROGRAM, &gateway.address.to_string(), AUTHORITY])
        .arg(stage.path("pki"))
        .args([&command.target, &serde_json::Value::Object(fields).to_string()])
        .arg(String::from_utf8(command.body).unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(text(&output).trim(), "200 opened", "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(stage.partner.total_actuations(), 1);
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn curl_brings_a_face_of_8_mib_over_http_1_1_and_over_http_2_and_not_one_byte_more() {
    let stage = Stage::new();
    let gateway = Served::on(&stage);
    let port = gateway.address.port();
    let file = stage.path("face.json");
    for version in ["--http1.1", "--http2"] {
        for (length, expected) in [(8 << 20, "200"), ((8 << 20) + 1, "413")] {
            let command = Command::errand(&stage, &NORTH, "syncFace");
            let body = String::from_utf8(command.body.clone()).unwrap();
            // The shape is all that is looked at: what is missing goes into the ciphertext, and into a blank before the end.
            let (before, tag) = body.rsplit_once('.').unwrap();
            let missing = length - body.len();
            let blanks = missing % 4;
            let filled = format!("{before}{}.{tag}", "A".repeat(missing - blanks));
            let filled = filled.replacen('{', &format!("{{{}", " ".repeat(blanks)), 1);
            assert_eq!(filled.len(), length);
            std::fs::write(&file, filled).unwrap();
            let mut curl = std::process::Command::new("curl");
            curl.args([
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                version,
                "--request",
                "PUT",
                "--output",
                "/dev/null",
            ])
            .args(["--write-out", "%{http_version} %{http_code}"])
            .args(["--resolve", &format!("{AUTHORITY}:{port}:127.0.0.1"), "--cacert"])
            .arg(stage.path("pki/gateway-authority.pem"))
            .arg("--cert")
            .arg(stage.path("pki/backend.pem"))
            .arg("--key")
            .arg(stage.path("pki/backend.key"));
            for (name, value) in command.fields() {
                curl.args(["--header", &format!("{name}: {value}")]);
            }
            curl.arg("--data-binary").arg(format!("@{}", file.display()));
            curl.arg(format!("https://{AUTHORITY}:{port}{}", command.target));
            let output = curl.stdin(Stdio::null()).output().unwrap();
            let told = String::from_utf8(output.stdout).unwrap();
            let protocol = if version == "--http2" { "2" } else { "1.1" };
            // curl 7.88 sends on, and takes the end of the stream (RFC 9113 §8.1) for a fault before it reads the answer.
            let unread = expected == "413" && told == "0 000" && protocol == "2";
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(told == format!("{protocol} {expected}") || unread, "{told}, not {protocol} {expected}: {said}");
            let record = stage.records().pop().unwrap();
            let reason = if expected == "413" { "body-too-large" } else { "done" };
            assert_eq!(record.text("reason"), reason, "{version}");
        }
    }
    let faces = stage.partner.raw().iter().map(|connection| connection.bytes.len()).sum::<usize>();
    assert!(faces > 2 * (8 << 20) && faces < 2 * (8 << 20) + 16_384, "{faces} bytes of two faces and their heads");
    assert!(stage.partner.refusals().is_empty());
}
