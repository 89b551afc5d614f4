//! How much a schema is: levels, schemas with references followed, and which components it needs.

use crate::contract::draft::Drafter;
use crate::contract::draft::shape::Drafted;
use crate::contract::draft::shape::Form;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Levels of objects and arrays, and schemas with references followed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) levels: usize,
    pub(super) schemas: usize,
}

/// What was measured of components.
pub(super) type Sizes = BTreeMap<String, Size>;

impl Drafter<'_> {
    /// How much this is; components are measured once.
    pub(super) fn size(&self, schema: &Drafted, known: &mut Sizes) -> Size {
        if let Form::Ref(name) = &schema.form {
            if let Some(size) = known.get(name) {
                return *size;
            }
            let target = self.components.get(name.as_str()).and_then(Option::as_ref);
            let size = target.map(|target| self.size(target, known)).unwrap_or_default();
            known.insert(name.clone(), size);
            return size;
        }
        let inner = parts(schema).into_iter().map(|part| self.size(part, known));
        let (levels, schemas) = inner.fold((0_usize, 1_usize), |(levels, schemas), size| {
            (levels.max(size.levels), schemas.saturating_add(size.schemas))
        });
        let own = match &schema.form {
            Form::Object(_) | Form::Array(..) => (1, 0),
            // The schema of the names.
            Form::Map(..) => (1, 1),
            Form::Ref(_) | Form::Leaf(_) | Form::Kinds(_) | Form::Choice(..) | Form::Unknown(..) => (0, 1),
        };
        Size { levels: levels + own.0, schemas: schemas.saturating_add(own.1) }
    }

    /// Adds the components that a schema needs, and those that they need.
    pub(super) fn needs(&self, schema: &Drafted, found: &mut BTreeSet<String>) {
        if let Form::Ref(name) = &schema.form {
            if found.insert(name.clone())
                && let Some(Some(target)) = self.components.get(name.as_str())
            {
                self.needs(target, found);
            }
            return;
        }
        for part in parts(schema) {
            self.needs(part, found);
        }
    }
}

/// The schemas that stand directly in one.
fn parts(schema: &Drafted) -> Vec<&Drafted> {
    match &schema.form {
        Form::Object(members) => members.iter().map(|member| &member.schema).collect(),
        Form::Map(values, _) => vec![values],
        Form::Array(items, ..) => vec![items],
        Form::Kinds(branches) | Form::Choice(_, branches) => branches.iter().collect(),
        Form::Ref(_) | Form::Leaf(_) | Form::Unknown(..) => Vec::new(),
    }
}
