//! Where a command finds the ops listener of a gateway, and how it reads a page of it.

use crate::admin;
use crate::cli::output::plain;
use crate::config;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::json;
use crate::json::Value;
use clap::Args;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the gateway is; where nothing is said, `127.0.0.1:9464`, the default of the configuration.
#[derive(Args)]
#[group(multiple = false)]
pub(super) struct Ops {
    /// The configuration that the gateway runs with; only the address of its ops listener is taken from it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address of its ops listener [default: 127.0.0.1:9464]
    #[arg(long, value_name = "ADDRESS")]
    ops: Option<SocketAddr>,
}

/// What a status may hold; ours is a hundredth of it.
const LIMITS: json::Limits =
    json::Limits { max_depth: 16, max_members: 256, max_elements: 10_000, max_string_bytes: 64 * 1024 };

/// The version of the status that is understood here.
const STATUS_VERSION: i64 = 1;

impl Ops {
    /// The address.
    ///
    /// # Errors
    /// The faults of the configuration as it is written.
    pub(super) fn address(&self) -> Result<SocketAddr, Diagnostics> {
        match (&self.ops, &self.config) {
            (Some(address), _) => Ok(*address),
            (None, Some(file)) => config::ops_address(file),
            (None, None) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464))),
        }
    }
}

/// The status of the gateway at `address`, as text and as understood.
///
/// # Errors
/// `not-reached`, or `not-ours` for what is no status of a version that is known here.
pub(super) fn status(address: SocketAddr) -> Result<(String, Value), Diagnostics> {
    let text = page(address, "/-/status")?;
    let parsed = json::parse(text.as_bytes(), LIMITS).ok();
    let known = parsed.filter(|status| status.get("status").and_then(Value::as_integer) == Some(STATUS_VERSION));
    let status = known.ok_or_else(|| {
        Diagnostic::without_file("not-ours", format!("what `{address}` tells is no status that this version knows"))
            .help("is it the ops listener of a gateway of this version?")
    })?;
    Ok((text, status))
}

/// A page of the gateway at `address`.
///
/// # Errors
/// `not-reached`, or `not-ours` where there is no such page.
pub(super) fn page(address: SocketAddr, path: &str) -> Result<String, Diagnostics> {
    let looked = admin::look(address, path).map_err(|fault| {
        Diagnostic::without_file("not-reached", format!("`{address}`: {fault}"))
            .help("is it running, and is this `listeners.ops.address`? The log tells it at the start, as `ops`")
    })?;
    if looked.status == 200 {
        return Ok(looked.body);
    }
    let message = format!("`{address}` has no page `{path}`: status {}", looked.status);
    Err(Diagnostic::without_file("not-ours", message)
        .help("is it the ops listener of a gateway of this version?")
        .into())
}

/// A member that is text, safe to show; empty where it is none.
pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).map(plain).unwrap_or_default()
}

/// A member that is a whole number; zero where it is none.
pub(super) fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

/// A member that is a list; empty where it is none.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).unwrap_or_default()
}
