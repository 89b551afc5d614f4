//! What the one who runs the gateway may order: that a subject, a device, a session or a token is revoked.

use crate::model::Epoch;
use crate::model::Reason;
use crate::model::Receipt;
use crate::model::Stranger;
use crate::model::TenantId;

/// What is revoked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum RevocationKind {
    /// Everything that a person does.
    Subject,
    /// Everything that comes from a device.
    Device,
    /// What was begun with one sign-in.
    Session,
    /// One token.
    Token,
}

/// One revocation, as ordered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationOrder {
    /// What kind of thing `value` names.
    pub kind: RevocationKind,
    /// The management company whose thing it is; `None` where the name is the whole installation's.
    pub tenant: Option<TenantId>,
    /// Its name.
    pub value: Stranger,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RevocationReply {
    /// The epoch in which it is effective; or why it is not, or may not last.
    pub outcome: Result<Epoch, Reason>,
    /// Where it stands on record.
    pub receipt: Receipt,
    /// How far it has come: `local` is this node.
    pub state: &'static str,
}
