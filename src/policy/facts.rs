//! The context of one question, built from values by the plan that was made at load, and the same facts for the record.

use crate::json;
use crate::model::InputValue;
use crate::model::LocalTime;
use crate::model::Recordable;
use crate::policy::context::Attribute;
use crate::policy::context::ContextPlan;
use crate::policy::context::Provider;
use crate::policy::context::RequestValue;
use crate::policy::decision::Input;
use crate::policy::demand::ValueKind;
use crate::policy::entities::BARRIER;
use crate::policy::entities::DOOR;
use crate::policy::entities::HOUSE;
use crate::policy::entities::PARTNER;
use crate::policy::entities::Types;
use crate::policy::entities::is_of_a_house;
use crate::policy::footprint::Above;
use crate::policy::question::Question;
use cedar_policy_core::ast;
use cedar_policy_core::ast::Context;
use cedar_policy_core::ast::Entity;
use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::ast::Literal;
use cedar_policy_core::ast::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

impl ContextPlan {
    /// The context of a question: what the plan holds and the question has.
    pub(super) fn build(&self, question: &Question<'_>, types: &Types) -> Context {
        let mut context = BTreeMap::new();
        for attribute in &self.attributes {
            if let Some(value) = self.value(attribute, question, types) {
                context.insert(Arc::clone(&attribute.name).into(), value);
            }
        }
        Context::Value(Arc::new(context))
    }

    /// The context of a peer's question.
    pub(super) fn build_for_peer(&self, peer: &str) -> Context {
        let mut context = BTreeMap::new();
        for attribute in self.attributes.iter().filter(|attribute| attribute.provider == Provider::Peer) {
            context.insert(Arc::clone(&attribute.name).into(), text(peer));
        }
        Context::Value(Arc::new(context))
    }

    /// What this plan would have built, out of a context that another has built with all of that and more.
    pub(super) fn kept(&self, context: &Context) -> Context {
        let Context::Value(values) = context else { return context.clone() };
        let kept = self.attributes.iter().filter_map(|attribute| {
            let value = values.get(&*attribute.name)?;
            let value = match (attribute.provider, value.value_kind()) {
                (Provider::Request, ast::ValueKind::Record(values)) => {
                    let kept = self.values.iter().filter_map(|declared| {
                        values.get(&*declared.name).map(|value| (Arc::clone(&declared.name), value.clone()))
                    });
                    Value::record(kept, None)
                }
                _ => value.clone(),
            };
            Some((Arc::clone(&attribute.name).into(), value))
        });
        Context::Value(Arc::new(kept.collect()))
    }

    /// The facts of a context that this plan built, for the record.
    pub(super) fn inputs(&self, context: &Context) -> Vec<Input> {
        let Context::Value(values) = context else {
            return Vec::new();
        };
        let mut inputs = Vec::with_capacity(self.attributes.len() + self.values.len());
        for attribute in &self.attributes {
            let Some(value) = values.get(&*attribute.name) else {
                continue;
            };
            if attribute.provider == Provider::Request {
                self.request_inputs(value, &mut inputs);
            } else {
                inputs.push(input(&attribute.name, value, attribute.provider.recordable()));
            }
        }
        inputs
    }

    fn request_inputs(&self, request: &Value, inputs: &mut Vec<Input>) {
        let ast::ValueKind::Record(values) = request.value_kind() else {
            return;
        };
        for declared in &self.values {
            if let Some(value) = values.get(&*declared.name) {
                inputs.push(input(&declared.path, value, declared.recordable));
            }
        }
    }

    /// `None` only for what the plan knows to be optional.
    fn value(&self, attribute: &Attribute, question: &Question<'_>, types: &Types) -> Option<Value> {
        let bearer = &question.bearer;
        match attribute.provider {
            Provider::GrantedBarriers => Some(granted(BARRIER, question, types)),
            Provider::GrantedDoors => Some(granted(DOOR, question, types)),
            Provider::GrantedHouses => Some(granted(HOUSE, question, types)),
            Provider::Houses => Some(houses(question, types)),
            Provider::Scopes => Some(texts(bearer.scopes.iter().map(|scope| scope.expose()))),
            Provider::Roles => Some(texts(bearer.roles.iter().map(|role| role.expose()))),
            Provider::Tenant => bearer.tenant.and_then(|tenant| types.tenant(tenant)).map(entity),
            Provider::ResourceTenant => types.tenant(&question.located.tenant).map(entity),
            Provider::Partner => question.partner.and_then(|partner| types.uid(PARTNER, partner)).map(entity),
            Provider::Peer => Some(text(question.peer)),
            Provider::Purpose => Some(text(question.purpose)),
            Provider::AgeSeconds => question.age_seconds.map(age),
            Provider::LocalMinuteOfDay => local_time(question).map(|local| long(local.minute_of_day.into())),
            Provider::LocalWeekday => local_time(question).map(|local| long(local.weekday.into())),
            Provider::TokenKind => Some(text(bearer.kind)),
            Provider::Issuer => Some(text(bearer.issuer)),
            Provider::ClientId => bearer.client_id.map(text),
            Provider::Acr => bearer.acr.map(text),
            Provider::Amr => Some(texts(bearer.amr.iter().map(|means| means.expose()))),
            Provider::AuthAgeSeconds => authentication_age(question).map(age),
            Provider::RightType => question.right.map(|(kind, _)| text(kind.word())),
            Provider::RightAction => question.right.map(|(_, action)| text(action)),
            Provider::Device => bearer.device.map(text),
            Provider::Request => Some(self.request(question)),
        }
    }

    fn request(&self, question: &Question<'_>) -> Value {
        let found = self.values.iter().filter_map(|declared| {
            let value = validated(declared, (question.request)(&declared.name)?)?;
            Some((Arc::clone(&declared.name), value))
        });
        Value::record(found, None)
    }
}

/// The rights of `kind` as a set of entities. They speak of the token's tenant, or of the resource's where the token
/// has none (`entities.rs` says why).
fn granted(kind: &str, question: &Question<'_>, types: &Types) -> Value {
    let tenant = question.bearer.tenant.unwrap_or(&question.located.tenant);
    let uids = question.grants.iter().filter_map(|grant| types.granted(kind, grant, question.partner, tenant));
    Value::set_of_lits(uids.map(Literal::from), None)
}

/// The houses that the token calls the person's, of the token's tenant. A list of bare names is weaker than a right: where the
/// token has no tenant, it is empty.
fn houses(question: &Question<'_>, types: &Types) -> Value {
    let bearer = &question.bearer;
    let all = bearer.tenant.into_iter().flat_map(|tenant| bearer.houses.iter().map(move |house| (tenant, house)));
    let uids = all.filter_map(|(tenant, house)| types.house(house.expose(), question.partner, tenant));
    Value::set_of_lits(uids.map(Literal::from), None)
}

/// The contract has checked the type already; a value of another is left out, so that what reads it errs and denies.
fn validated(declared: &RequestValue, value: &json::Value) -> Option<Value> {
    match declared.kind {
        ValueKind::Text => value.as_str().map(text),
        ValueKind::Integer => value.as_integer().map(|number| Value::new(number, None)),
        ValueKind::Boolean => value.as_boolean().map(|truth| Value::new(truth, None)),
    }
}

fn text(value: &str) -> Value {
    Value::new(value, None)
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Value {
    Value::set_of_lits(values.map(Literal::from), None)
}

fn entity(uid: EntityUID) -> Value {
    Value::new(uid, None)
}

fn age(seconds: u64) -> Value {
    long(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn long(number: i64) -> Value {
    Value::new(number, None)
}

/// How long ago the person was authenticated; nothing where the token does not say when.
fn authentication_age(question: &Question<'_>) -> Option<u64> {
    Some(question.now?.since(question.bearer.authenticated_at?))
}

/// What the clocks of the resource's house show. Where there are none, what reads them errs and denies.
fn local_time(question: &Question<'_>) -> Option<LocalTime> {
    let located = question.located;
    let now = question.now.filter(|_| is_of_a_house(&located.resource.kind))?;
    LocalTime::at(&located.zone, now.get())
}

fn input(name: &Arc<str>, value: &Value, recordable: Recordable) -> Input {
    let value = match recordable {
        Recordable::Value => json_text(|out| write(value, out)),
        Recordable::Handle(kind) => InputValue::Person(kind),
        Recordable::Nothing => InputValue::Withheld,
    };
    Input { name: Arc::clone(name), value }
}

/// What an entity is in, as far as policies ask, for the record.
pub(super) fn above(name: &Arc<str>, asked: &Above, entity: &Entity) -> Option<Input> {
    if !asked.is_asked() {
        return None;
    }
    let mut found: Vec<&EntityUID> = entity.ancestors().filter(|uid| asked.reads(uid)).collect();
    found.sort_unstable();
    let value = json_text(|out| {
        out.push(b'[');
        for (index, uid) in found.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_uid(uid, out);
        }
        out.push(b']');
    });
    Some(Input { name: Arc::clone(name), value })
}

fn json_text(write: impl FnOnce(&mut Vec<u8>)) -> InputValue {
    let mut out = Vec::with_capacity(64);
    write(&mut out);
    // Our own writer makes UTF-8 only.
    InputValue::Json(String::from_utf8(out).unwrap_or_default().into_boxed_str())
}

fn write_uid(uid: &EntityUID, out: &mut Vec<u8>) {
    out.push(b'{');
    json::write_string(uid.entity_type().name().basename().as_ref(), out);
    out.push(b':');
    json::write_string(uid.eid().as_ref(), out);
    out.push(b'}');
}

/// A value as JSON: an entity as `{TYPE: ID}`, its type without namespace; sets as arrays in Cedar's order.
fn write(value: &Value, out: &mut Vec<u8>) {
    match value.value_kind() {
        ast::ValueKind::Lit(Literal::Bool(truth)) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        ast::ValueKind::Lit(Literal::Long(number)) => out.extend_from_slice(number.to_string().as_bytes()),
        ast::ValueKind::Lit(Literal::String(text)) => json::write_string(text, out),
        ast::ValueKind::Lit(Literal::EntityUID(uid)) => write_uid(uid, out),
        ast::ValueKind::Set(set) => {
            out.push(b'[');
            for (index, element) in set.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, out);
            }
            out.push(b']');
        }
        // No provider makes these.
        ast::ValueKind::Record(_) | ast::ValueKind::ExtensionValue(_) => out.extend_from_slice(b"null"),
    }
}
