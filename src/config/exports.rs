//! Where records of the audit log go out to: `audit.exports` of `gateway.yaml`, first as written, then what it means.

use crate::audit::Format;
use crate::config::deliver::Target;
use crate::config::deliver::target;
use crate::config::files::Files;
use crate::config::headers;
use crate::config::headers::Header;
use crate::config::remote;
use crate::config::remote::Remote;
use crate::config::remote::RemotePlace;
use crate::config::values;
use crate::config::values::At;
use crate::config::values::Map;
use crate::model::Name;
use crate::yaml::Node;
use crate::yaml::Reader;
use std::path::PathBuf;

/// How many destinations there may be. Each has a task, and each holds the log up to where it has come.
pub(super) const EXPORTS_MAX: usize = 8;

/// The formats of a destination that takes syslog messages.
pub(super) const IN_SYSLOG: [(&str, Format); 3] =
    [("rfc5424", Format::Syslog), ("ocsf", Format::Ocsf), ("cef", Format::Cef)];
/// Those of a file.
pub(super) const IN_FILES: [(&str, Format); 4] =
    [("jsonl", Format::Jsonl), ("ocsf", Format::Ocsf), ("cef", Format::Cef), ("rfc5424", Format::Syslog)];

/// A destination.
pub struct ExportSettings {
    /// Its name, by which its place in the log is kept.
    pub name: Name,
    /// What it is.
    pub to: ExportTo,
}

/// What a destination is.
pub enum ExportTo {
    /// Whoever takes syslog messages over TLS (RFC 5425).
    Syslog {
        /// Where.
        at: RemotePlace,
        /// What the messages hold.
        format: Format,
    },
    /// Whoever takes logs over OTLP/HTTP.
    Otlp {
        /// Where.
        at: RemotePlace,
        /// The path there.
        path: Box<str>,
        /// Fields that go with each request: by them the receiver knows who sends.
        headers: Vec<Header>,
    },
    /// A file, to which lines are added.
    File {
        /// Its path.
        path: PathBuf,
        /// What the lines hold.
        format: Format,
    },
}

/// A destination as it is written.
pub(super) struct Export {
    name: At<Name>,
    to: Kind,
}

enum Kind {
    Syslog { place: Remote, format: Format },
    Otlp { place: Remote, path: Box<str>, headers: Option<At<PathBuf>> },
    File { path: At<PathBuf>, format: Format },
}

/// Reads the list.
pub(super) fn read(reader: &Reader, node: &Node) -> Option<Vec<Export>> {
    let items = reader.list(node)?;
    if items.is_empty() {
        let help = "leave it out to export nothing";
        return values::fault(reader, node, "empty-list", "this list needs an entry", Some(help));
    }
    if items.len() > EXPORTS_MAX {
        let message = format!("there are {} destinations", items.len());
        let help = format!("take at most {EXPORTS_MAX}; what stands behind one of them can send it on");
        return values::fault(reader, node, "out-of-bounds", &message, Some(&help));
    }
    let read: Vec<_> = items.iter().map(|item| export(reader, item)).collect();
    let read: Vec<Export> = read.into_iter().collect::<Option<_>>()?;
    for (index, export) in read.iter().enumerate() {
        if read.iter().take(index).any(|earlier| earlier.name.value == export.name.value) {
            let message = format!("the destination `{}` stands here twice", export.name.value);
            let fault = reader.source().fault("twice", export.name.place, message);
            reader.report(fault.help("by its name its place in the log is kept: give this one a name of its own"));
        }
    }
    Some(read)
}

fn export(reader: &Reader, node: &Node) -> Option<Export> {
    let map = Map::open(reader, node)?;
    let name = map.need("name", values::name);
    let syslog = map.may("syslog", syslog);
    let otlp = map.may("otlp", otlp);
    let file = map.may("file", file);
    map.close();
    let (name, syslog, otlp, file) = (name?, syslog?, otlp?, file?);
    let mut kinds = [syslog, otlp, file].into_iter().flatten();
    match (kinds.next(), kinds.next()) {
        (Some(to), None) => Some(Export { name, to }),
        (None, _) => {
            let message = "nothing says what this destination is";
            values::fault(reader, node, "missing-key", message, Some("add one of `syslog`, `otlp` and `file`"))
        }
        (Some(_), Some(_)) => {
            let message = "this destination is two things";
            values::fault(reader, node, "two-destinations", message, Some("make it two, each with a name of its own"))
        }
    }
}

fn syslog(reader: &Reader, node: &Node) -> Option<Kind> {
    let map = Map::open(reader, node)?;
    let at = map.need("address", values::remote);
    let server_name = map.may("server_name", values::host_name);
    let tls = map.need("tls", remote::tls);
    let format = map.need("format", |reader, node| reader.word(node, &IN_SYSLOG));
    map.close();
    let (ca, own) = tls?;
    Some(Kind::Syslog { place: Remote { at: at?, server_name: server_name?, ca, own }, format: format? })
}

fn otlp(reader: &Reader, node: &Node) -> Option<Kind> {
    let map = Map::open(reader, node)?;
    let url = map.need("url", target);
    let server_name = map.may("server_name", values::host_name);
    let headers = map.may("headers_file", values::path);
    let tls = map.need("tls", remote::tls);
    map.close();
    let (ca, own) = tls?;
    let At { place, value: Target { place: value, path } } = url?;
    let place = Remote { at: At { place, value }, server_name: server_name?, ca, own };
    Some(Kind::Otlp { place, path, headers: headers? })
}

fn file(reader: &Reader, node: &Node) -> Option<Kind> {
    let map = Map::open(reader, node)?;
    let path = map.need("path", values::path);
    let format = map.need("format", |reader, node| reader.word(node, &IN_FILES));
    map.close();
    Some(Kind::File { path: path?, format: format? })
}

/// What they mean: the files are read.
pub(super) fn meant(reader: &Reader, files: &mut Files<'_>, written: Vec<Export>) -> Option<Vec<ExportSettings>> {
    let meant: Vec<_> = written.into_iter().map(|export| one(reader, files, export)).collect();
    meant.into_iter().collect()
}

fn one(reader: &Reader, files: &mut Files<'_>, export: Export) -> Option<ExportSettings> {
    let name = export.name.value;
    let to = match export.to {
        Kind::Syslog { place, format } => ExportTo::Syslog { at: at(reader, files, place, &name)?, format },
        Kind::Otlp { place, path, headers } => {
            let purpose = format!("what the destination `{name}` knows us by");
            let headers = headers.map_or(Some(Vec::new()), |file| headers::read(files, &file, &purpose));
            ExportTo::Otlp { at: at(reader, files, place, &name)?, path, headers: headers? }
        }
        Kind::File { path, format } => ExportTo::File { path: files.place_for_file(&path)?, format },
    };
    Some(ExportSettings { name, to })
}

fn at(reader: &Reader, files: &mut Files<'_>, written: Remote, name: &Name) -> Option<RemotePlace> {
    remote::meant(reader, files, written, ("a destination", &format!("the destination `{name}`")))
}
