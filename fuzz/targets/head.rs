//! Request heads: what passes has one host and one framing, read by lines and colons alone.

use portcullis::limits::Limits;
use portcullis::listener::Framing;
use portcullis::listener::check_head;

pub const WORDS: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "\0",
    ": ",
    " ",
    "\t",
    "Host: a\r\n",
    "Content-Length: 1\r\n",
    "Content-Length: +1\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Connection: upgrade\r\n",
    "Expect: 100-continue\r\n",
    "HTTP/1.0",
    "HTTP/1.1",
    "#",
    "%00",
];

pub fn head(data: &[u8]) -> bool {
    let limits = Limits::default();
    let Ok(framing) = check_head(data, &limits) else { return false };
    assert!(data.len() <= usize::try_from(limits.head_max_bytes).unwrap());
    // From here on without a byte of the checker: lines end with CR LF, and no CR, LF or NUL stands elsewhere.
    let mut lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
    assert_eq!(lines.pop(), Some(&b""[..]), "ends with a line end");
    let lines: Vec<&[u8]> = lines.into_iter().map(|line| line.strip_suffix(b"\r").expect("CR before LF")).collect();
    assert!(lines.iter().all(|line| !line.contains(&b'\r') && !line.contains(&0)), "a stray CR or NUL");
    let (request_line, fields) = lines.split_first().unwrap();
    let (last, fields) = fields.split_last().unwrap();
    assert!(last.is_empty() && fields.iter().all(|line| !line.is_empty()), "one empty line, at the end");
    request_line_is_strict(request_line);

    let values = |name: &str| -> Vec<String> {
        let named = fields.iter().map(|line| String::from_utf8_lossy(line).into_owned()).filter_map(|line| {
            let (found, value) = line.split_once(':').expect("a colon");
            assert!(!found.is_empty() && found.chars().all(|c| c.is_ascii_graphic()), "a name with blanks: {found:?}");
            found.eq_ignore_ascii_case(name).then(|| value.trim_matches([' ', '\t']).to_ascii_lowercase())
        });
        named.collect()
    };
    let hosts = values("host");
    assert!(hosts.len() == 1 && !hosts[0].is_empty(), "one host: {hosts:?}");
    let expected = match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => Framing::Length,
        ([length], []) => {
            assert!(!length.is_empty() && length.chars().all(|c| c.is_ascii_digit()), "{length:?}");
            Framing::Length
        }
        ([], [coding]) => {
            assert_eq!(coding, "chunked");
            Framing::Chunked
        }
        both => panic!("more than one framing: {both:?}"),
    };
    assert_eq!(framing, expected);
    assert!(values("upgrade").is_empty(), "an upgrade");
    assert!(values("connection").iter().flat_map(|value| value.split(',')).all(|word| word.trim() != "upgrade"));
    assert!(values("expect").iter().all(|value| value == "100-continue"));
    true
}

fn request_line_is_strict(line: &[u8]) {
    let text = std::str::from_utf8(line).expect("ASCII");
    let [method, target, version] = text.split(' ').collect::<Vec<_>>()[..] else { panic!("three parts: {text:?}") };
    assert!(!method.is_empty() && method.chars().all(|c| c.is_ascii_uppercase()), "{method:?}");
    assert!(target.starts_with('/') && target.chars().all(|c| c.is_ascii_graphic() && c != '#'), "{target:?}");
    assert_eq!(version, "HTTP/1.1");
}
