//! The router.
pub(super) struct Router;
