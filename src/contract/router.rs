//! The router: from method and raw path to the operation, or to none.
//!
//! A literal piece of a template fits only itself, byte for byte: no percent-decoding, no case folding, no merging of slashes.
//! A parameter fits any one piece that is not empty; what it may be is `target.rs`'s to say. The compiler has made sure that no
//! two templates fit the same path.

use crate::contract::operation::OperationIndex;

/// All paths of a contract.
pub(super) struct Router {
    paths: Vec<Template>,
}

/// One path and its methods.
struct Template {
    pieces: Vec<Piece>,
    methods: Vec<(http::Method, OperationIndex)>,
}

/// What may stand between two slashes.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum Piece {
    /// This text.
    Literal(Box<str>),
    /// Any value.
    Any,
}

/// Where a request goes.
pub(super) struct Route<'h> {
    pub(super) operation: OperationIndex,
    /// The raw values of the path parameters, in the order of the path.
    pub(super) values: Vec<&'h str>,
}

/// Why it goes nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoRoute {
    Path,
    Method,
}

impl Router {
    pub(super) const fn new() -> Self {
        Self { paths: Vec::new() }
    }

    /// Adds an operation; `true`, unless the path's method is taken.
    pub(super) fn add(&mut self, pieces: Vec<Piece>, method: http::Method, operation: OperationIndex) -> bool {
        let template = match self.paths.iter_mut().position(|template| template.pieces == pieces) {
            Some(index) => self.paths.get_mut(index),
            None => {
                self.paths.push(Template { pieces, methods: Vec::new() });
                self.paths.last_mut()
            }
        };
        let Some(template) = template else { return false };
        if template.methods.iter().any(|(known, _)| *known == method) {
            return false;
        }
        template.methods.push((method, operation));
        true
    }

    /// Finds the operation of a raw path.
    pub(super) fn route<'h>(&self, method: &http::Method, path: &'h str) -> Result<Route<'h>, NoRoute> {
        let inside = path.strip_prefix('/').ok_or(NoRoute::Path)?;
        let template = self.paths.iter().find(|template| template.fits(inside)).ok_or(NoRoute::Path)?;
        let (_, operation) = template.methods.iter().find(|(known, _)| known == method).ok_or(NoRoute::Method)?;
        let pieces = template.pieces.iter().zip(inside.split('/'));
        let values = pieces.filter(|(piece, _)| **piece == Piece::Any).map(|(_, value)| value).collect();
        Ok(Route { operation: *operation, values })
    }
}

/// Whether some path fits both.
pub(super) fn overlap(left: &[Piece], right: &[Piece]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| left == right || *left == Piece::Any || *right == Piece::Any)
}

impl Template {
    fn fits(&self, inside: &str) -> bool {
        let mut values = inside.split('/');
        self.pieces.iter().all(|piece| match (piece, values.next()) {
            (Piece::Literal(text), Some(value)) => **text == *value,
            (Piece::Any, Some(value)) => !value.is_empty(),
            (_, None) => false,
        }) && values.next().is_none()
    }
}
