//! Syslog over TLS (RFC 5425): a connection for each batch, whose messages stand behind their lengths.
//!
//! Syslog has no acknowledgement. What there is instead says `wire::OneWay`: a batch counts as taken once the other side has read
//! the last byte of its connection and closed it in order. What it does with it then, and whether it keeps it, it does not say.

use crate::audit::Format;
use crate::exporters::fault::ExportFault;
use crate::wire::Client;

/// One who takes syslog messages.
pub struct SyslogSink {
    /// The connections to it.
    pub client: Client,
    /// What the messages hold.
    pub format: Format,
}

impl SyslogSink {
    pub(super) async fn bring(&self, batch: &[u8]) -> Result<(), ExportFault> {
        let connection = self.client.one_way().await.map_err(ExportFault::Connect)?;
        connection.deliver(batch).await.map_err(|fault| ExportFault::Exchange(fault.kind))
    }
}
