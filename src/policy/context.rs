//! What a policy may ask about: the attributes of `context`, where each comes from, and the plan that an action's schema
//! makes of them at load.
//!
//! The schema chooses: an action's context declares attributes by name, and each name must be one of [`PROVIDERS`] with
//! its type. A name that nothing provides, a type that is not the provider's, or a required attribute that may be absent
//! is a fault at load, so that at run time no attribute is missing and none is of a wrong type. At run time values are
//! built from values (`facts.rs`), and only for attributes that some policy of the action reads.

use crate::model::IdentifierKind;
use crate::model::Recordable;
use crate::policy::demand::Demand;
use crate::policy::demand::ValueKind;
use crate::policy::entities::BARRIER;
use crate::policy::entities::DOOR;
use crate::policy::entities::HOUSE;
use crate::policy::entities::PARTNER;
use crate::policy::entities::TENANT;
use crate::policy::entities::Types;
use crate::policy::entities::is_of_a_house;
use crate::policy::footprint::Footprint;
use cedar_policy_core::ast::EntityType;
use cedar_policy_core::validator::types::AttributeType;
use cedar_policy_core::validator::types::Attributes;
use cedar_policy_core::validator::types::EntityKind;
use cedar_policy_core::validator::types::EntityLUB;
use cedar_policy_core::validator::types::Type;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where an attribute of `context` comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Provider {
    /// The rights for this operation that name a barrier.
    GrantedBarriers,
    /// The rights for this operation that name a door.
    GrantedDoors,
    /// The rights for this operation that name a house alone.
    GrantedHouses,
    /// The houses that the token says are the person's.
    Houses,
    /// The token's scopes.
    Scopes,
    /// The token's roles.
    Roles,
    /// The token's tenant.
    Tenant,
    /// The tenant in which the resource stands.
    ResourceTenant,
    /// The partner towards whom the operation goes.
    Partner,
    /// The name in the peer's certificate.
    Peer,
    /// The purpose that the contract declares.
    Purpose,
    /// The command's age.
    AgeSeconds,
    /// The minute of the day by the clocks of the resource's house.
    LocalMinuteOfDay,
    /// The day of the week by the same clocks.
    LocalWeekday,
    /// `session` or `sign-in`.
    TokenKind,
    /// The token's issuer.
    Issuer,
    /// The OAuth client.
    ClientId,
    /// At which level the user was authenticated.
    Acr,
    /// By which means.
    Amr,
    /// How long ago.
    AuthAgeSeconds,
    /// The type of the right that is asked for.
    RightType,
    /// The action of the right that is asked for.
    RightAction,
    /// The app instance.
    Device,
    /// Validated values of the request.
    Request,
}

/// All attributes by name.
pub(super) const PROVIDERS: &[(&str, Provider)] = &[
    ("acr", Provider::Acr),
    ("ageSeconds", Provider::AgeSeconds),
    ("amr", Provider::Amr),
    ("authAgeSeconds", Provider::AuthAgeSeconds),
    ("clientId", Provider::ClientId),
    ("device", Provider::Device),
    ("grantedBarriers", Provider::GrantedBarriers),
    ("grantedDoors", Provider::GrantedDoors),
    ("grantedHouses", Provider::GrantedHouses),
    ("houses", Provider::Houses),
    ("issuer", Provider::Issuer),
    ("localMinuteOfDay", Provider::LocalMinuteOfDay),
    ("localWeekday", Provider::LocalWeekday),
    ("partner", Provider::Partner),
    ("peer", Provider::Peer),
    ("purpose", Provider::Purpose),
    ("request", Provider::Request),
    ("resourceTenant", Provider::ResourceTenant),
    ("rightAction", Provider::RightAction),
    ("rightType", Provider::RightType),
    ("roles", Provider::Roles),
    ("scopes", Provider::Scopes),
    ("tenant", Provider::Tenant),
    ("tokenKind", Provider::TokenKind),
];

/// The names of all attributes that `context` may have, sorted.
pub fn context_attributes() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|(name, _)| *name)
}

/// The attributes of one action, in the order of their names.
pub(super) struct ContextPlan {
    pub(super) attributes: Vec<Attribute>,
    /// The values under `request`, in the order of their names.
    pub(super) values: Vec<RequestValue>,
}

/// One attribute that is built.
#[derive(Clone)]
pub(super) struct Attribute {
    pub(super) name: Arc<str>,
    pub(super) provider: Provider,
}

/// One attribute of `request` that is built.
#[derive(Clone)]
pub(super) struct RequestValue {
    pub(super) name: Arc<str>,
    /// `request.<name>`, as records name it.
    pub(super) path: Arc<str>,
    pub(super) kind: ValueKind,
    /// What of it a record may hold, whichever operation of the action it comes from.
    pub(super) recordable: Recordable,
}

/// Who asks: a user or a partner by an operation of a contract, whoever tells an event, or a peer at the gateway's own paths.
pub(super) enum Asker<'a> {
    /// The operations that are this action.
    Operations(&'a [&'a Demand]),
    /// The operations that are this action and that a partner asks for: its token tells of itself, and of no person.
    Clients(&'a [&'a Demand]),
    /// The events that are this action; no token comes with them.
    Events(&'a [&'a Demand]),
    /// A peer; nothing but its name is known.
    Peer,
    /// A user who asks for rights of a session, by way of a peer.
    Session,
}

/// What is wrong with an attribute of the schema.
pub(super) struct Unfit {
    /// `context.<name>` or `context.request.<name>`.
    pub(super) path: String,
    pub(super) message: String,
    pub(super) help: String,
}

impl ContextPlan {
    /// The plan for a context type, of those attributes that `footprint` reads; all faults of the type.
    pub(super) fn new(
        context: &Attributes,
        asker: &Asker<'_>,
        types: &Types,
        footprint: &Footprint,
    ) -> Result<Self, Vec<Unfit>> {
        let mut faults = Vec::new();
        let mut plan = Self { attributes: Vec::new(), values: Vec::new() };
        for (name, declared) in context.iter() {
            match provider(name, declared, asker, types) {
                Ok(Provider::Request) => plan.add_request(declared, asker, footprint, &mut faults),
                Ok(_) => {}
                Err(unfit) => {
                    faults.push(unfit);
                    continue;
                }
            }
            if let Some((known, provider)) = known(name)
                && footprint.reads(known)
            {
                plan.attributes.push(Attribute { name: known.into(), provider });
            }
        }
        if faults.is_empty() { Ok(plan) } else { Err(faults) }
    }

    /// The names of its attributes, those of the request as `request.<name>`.
    pub(super) fn names(&self) -> impl Iterator<Item = Arc<str>> {
        let attributes = self.attributes.iter().filter(|attribute| attribute.provider != Provider::Request);
        let values = self.values.iter().map(|value| Arc::clone(&value.path));
        attributes.map(|attribute| Arc::clone(&attribute.name)).chain(values)
    }

    /// What of an attribute a record may hold, if there is one of this name.
    pub(super) fn recordable(&self, name: &str) -> Option<Recordable> {
        let attribute = self.attributes.iter().find(|attribute| *attribute.name == *name);
        let value = || self.values.iter().find(|value| *value.path == *name).map(|value| value.recordable);
        attribute.map(|attribute| attribute.provider.recordable()).or_else(value)
    }

    /// Whether an entity is of the type that the elements of an attribute have.
    pub(super) fn takes(&self, name: &str, entity: &EntityType, types: &Types) -> bool {
        let attribute = self.attributes.iter().find(|attribute| *attribute.name == *name);
        let kind = attribute.and_then(|attribute| match attribute.provider {
            Provider::GrantedBarriers => Some(BARRIER),
            Provider::GrantedDoors => Some(DOOR),
            Provider::GrantedHouses => Some(HOUSE),
            _ => None,
        });
        kind.and_then(|kind| types.get(kind)) == Some(entity)
    }

    /// What of this plan `footprint` reads.
    pub(super) fn read_by(&self, footprint: &Footprint) -> Self {
        let attributes = self.attributes.iter().filter(|attribute| footprint.reads(&attribute.name));
        let values = self.values.iter().filter(|value| footprint.reads_request(&value.name));
        Self { attributes: attributes.cloned().collect(), values: values.cloned().collect() }
    }

    /// All that is on offer to whoever asks, whether or not the schema declares it.
    pub(super) fn offered(asker: &Asker<'_>) -> Self {
        let attributes = PROVIDERS.iter().filter(|(name, _)| is_offered(name, asker));
        let attributes = attributes.map(|(name, provider)| Attribute { name: (*name).into(), provider: *provider });
        let demands = match asker {
            Asker::Operations(demands) | Asker::Clients(demands) | Asker::Events(demands) => *demands,
            Asker::Peer | Asker::Session => &[],
        };
        let mut values: BTreeMap<&str, RequestValue> = BTreeMap::new();
        for value in demands.iter().flat_map(|demand| &demand.values) {
            let path = || format!("request.{}", value.name).into();
            let made = || RequestValue {
                name: (*value.name).into(),
                path: path(),
                kind: value.kind,
                recordable: value.recordable,
            };
            let known = values.entry(&value.name).or_insert_with(made);
            if known.recordable != value.recordable {
                known.recordable = Recordable::Nothing;
            }
        }
        Self { attributes: attributes.collect(), values: values.into_values().collect() }
    }

    fn add_request(
        &mut self,
        declared: &AttributeType,
        asker: &Asker<'_>,
        footprint: &Footprint,
        faults: &mut Vec<Unfit>,
    ) {
        let Type::Record { attrs, .. } = declared.attr_type.as_ref() else {
            return;
        };
        for (name, declared) in attrs.iter() {
            match request_value(name, declared, asker) {
                Ok(value) if footprint.reads_request(name) => self.values.push(value),
                Ok(_) => {}
                Err(unfit) => faults.push(unfit),
            }
        }
    }
}

impl Provider {
    /// The type that the schema must declare; `None` for `request`, whose attributes are looked at one by one.
    fn wanted(self, types: &Types) -> Option<Type> {
        match self {
            Self::GrantedBarriers => entity(BARRIER, types).map(set),
            Self::GrantedDoors => entity(DOOR, types).map(set),
            Self::GrantedHouses | Self::Houses => entity(HOUSE, types).map(set),
            Self::Scopes | Self::Roles | Self::Amr => Some(set(Type::primitive_string())),
            Self::Tenant | Self::ResourceTenant => entity(TENANT, types),
            Self::Partner => entity(PARTNER, types),
            Self::AgeSeconds | Self::AuthAgeSeconds | Self::LocalMinuteOfDay | Self::LocalWeekday => {
                Some(Type::primitive_long())
            }
            Self::Peer
            | Self::Purpose
            | Self::TokenKind
            | Self::Issuer
            | Self::ClientId
            | Self::Acr
            | Self::RightType
            | Self::RightAction
            | Self::Device => Some(Type::primitive_string()),
            Self::Request => None,
        }
    }

    /// Whether the value may be absent, so that the schema must declare it optional.
    fn may_be_absent(self, asker: &Asker<'_>) -> bool {
        match (self, asker) {
            (Self::Tenant | Self::Device | Self::Acr | Self::AuthAgeSeconds, _) => true,
            (Self::AgeSeconds, Asker::Operations(demands)) => demands.iter().any(|demand| !demand.dated),
            (Self::LocalMinuteOfDay | Self::LocalWeekday, Asker::Operations(demands) | Asker::Clients(demands)) => {
                demands.iter().any(|demand| !is_of_a_house(&demand.resource))
            }
            _ => false,
        }
    }

    /// What of its value a record may hold.
    pub(super) const fn recordable(self) -> Recordable {
        match self {
            Self::Device => Recordable::Handle(IdentifierKind::Device),
            Self::GrantedBarriers
            | Self::GrantedDoors
            | Self::GrantedHouses
            | Self::Houses
            | Self::Scopes
            | Self::Roles
            | Self::Tenant
            | Self::ResourceTenant
            | Self::Partner
            | Self::Peer
            | Self::Purpose
            | Self::AgeSeconds
            | Self::LocalMinuteOfDay
            | Self::LocalWeekday
            | Self::TokenKind
            | Self::Issuer
            | Self::ClientId
            | Self::Acr
            | Self::Amr
            | Self::AuthAgeSeconds
            | Self::RightType
            | Self::RightAction
            | Self::Request => Recordable::Value,
        }
    }
}

fn known(name: &str) -> Option<(&'static str, Provider)> {
    PROVIDERS.iter().find(|(known, _)| *known == name).copied()
}

/// The provider of an attribute, if the schema's declaration fits it.
fn provider(name: &str, declared: &AttributeType, asker: &Asker<'_>, types: &Types) -> Result<Provider, Unfit> {
    let unfit = |message: String, help: String| Unfit { path: format!("context.{name}"), message, help };
    let offered = || PROVIDERS.iter().map(|(name, _)| *name).filter(|name| is_offered(name, asker));
    let Some((_, provider)) = known(name).filter(|(known, _)| is_offered(known, asker)) else {
        let list: Vec<String> = offered().map(|name| format!("`{name}`")).collect();
        let help = match crate::diagnostic::nearest(name, offered()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("provided are {}", list.join(", ")),
        };
        return Err(unfit(format!("nothing provides `context.{name}`"), help));
    };
    if provider == Provider::Request {
        return match declared.attr_type.as_ref() {
            Type::Record { .. } => Ok(provider),
            _ => {
                Err(unfit("`context.request` is no record".into(), "declare it as `request: { name?: String }`".into()))
            }
        };
    }
    let wanted = provider.wanted(types);
    if wanted.as_ref() != Some(declared.attr_type.as_ref()) {
        let message = format!("`context.{name}` is declared as `{}`", declared.attr_type);
        let help = wanted.map_or_else(
            || "the schema lacks the entity type that it is made of".into(),
            |wanted| format!("declare it as `{wanted}`"),
        );
        return Err(unfit(message, help));
    }
    if declared.is_required && provider.may_be_absent(asker) {
        let message = format!("`context.{name}` is declared as always there, and it may be absent");
        return Err(unfit(message, format!("declare it as `{name}?`, and let policies ask `context has {name}`")));
    }
    Ok(provider)
}

/// A peer brings its name; all else comes with a token, a right that is asked for, or an operation.
fn is_offered(name: &str, asker: &Asker<'_>) -> bool {
    match asker {
        Asker::Operations(_) => !matches!(name, "rightAction" | "rightType"),
        Asker::Clients(_) => matches!(
            name,
            "clientId"
                | "issuer"
                | "localMinuteOfDay"
                | "localWeekday"
                | "partner"
                | "peer"
                | "purpose"
                | "request"
                | "resourceTenant"
                | "scopes"
        ),
        Asker::Events(_) => matches!(name, "partner" | "peer" | "purpose" | "request" | "resourceTenant"),
        Asker::Peer => name == "peer",
        Asker::Session => !matches!(name, "ageSeconds" | "partner" | "purpose" | "request"),
    }
}

fn request_value(name: &str, declared: &AttributeType, asker: &Asker<'_>) -> Result<RequestValue, Unfit> {
    let path = format!("request.{name}");
    let unfit = |message: String, help: &str| Unfit { path: format!("context.{path}"), message, help: help.into() };
    let no_kind = || {
        let message = format!("`context.{path}` is declared as `{}`", declared.attr_type);
        unfit(message, "values of a request are `String`, `Long` or `Bool`")
    };
    let kind = [
        (Type::primitive_string(), ValueKind::Text),
        (Type::primitive_long(), ValueKind::Integer),
        (Type::primitive_boolean(), ValueKind::Boolean),
    ];
    let kind = kind.into_iter().find(|(known, _)| known == declared.attr_type.as_ref());
    let (_, kind) = kind.ok_or_else(no_kind)?;
    let demands = match asker {
        Asker::Operations(demands) | Asker::Clients(demands) | Asker::Events(demands) => *demands,
        Asker::Peer | Asker::Session => &[],
    };
    let mut recordable = None;
    for demand in demands {
        let value = demand.values.iter().find(|value| &*value.name == name);
        if let Some(value) = value {
            if value.kind != kind {
                let message = format!("`context.{path}` is not what `{}` declares it to be", demand.operation);
                return Err(unfit(message, "give it the type that it has in the contract"));
            }
            // Where two operations disagree, the record holds nothing of it.
            let agreed = recordable.is_none_or(|known| known == value.recordable);
            recordable = Some(if agreed { value.recordable } else { Recordable::Nothing });
        }
        if declared.is_required && !value.is_some_and(|value| value.required) {
            let message = format!("`context.{path}` may be absent from `{}`", demand.operation);
            return Err(unfit(message, "declare it as optional, with `?` after its name"));
        }
    }
    let Some(recordable) = recordable else {
        let message = format!("no operation or event of the action has the value `{name}`");
        return Err(unfit(
            message,
            "values are those of the path, the query and the top level of the body, or of an event's data",
        ));
    };
    Ok(RequestValue { name: name.into(), path: path.into(), kind, recordable })
}

fn entity(name: &str, types: &Types) -> Option<Type> {
    let found = types.get(name)?;
    Some(Type::Entity(EntityKind::Entity(EntityLUB::single_entity(found.clone()))))
}

fn set(element: Type) -> Type {
    Type::set(Arc::new(element))
}
