//! A JSON value of a case in which a pseudonym is named by what it stands for: `{pseudonym: {user: resident-ivanov}}`.
//!
//! A pseudonym depends on a key, on the partner and on the tenant of the thing. A case names the person; the stage, which has
//! a key of its own, makes the text. So cases say who is meant and do not change with any key.

use crate::json::Number;
use crate::json::Object;
use crate::json::Value;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::model::TenantId;
use crate::protect::ProtectFault;
use crate::protect::Protector;

/// A JSON value, perhaps with pseudonyms to be made in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// A value as it is: a number, a boolean, a null, a text without pseudonyms.
    Plain(Value),
    /// A text with pseudonyms at its places, as paths have them.
    Text(Vec<Piece>),
    /// The elements of an array.
    List(Vec<Pattern>),
    /// The members of an object, in their order.
    Map(Vec<(String, Pattern)>),
    /// The text as it was written, byte by byte: for what is no JSON.
    Raw(String),
}

/// A piece of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// The pseudonym of somebody or something.
    Pseudonym(Named),
}

/// Whom or what a pseudonym stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Named {
    /// What the id names; `None` of what is no identifier.
    pub kind: Option<IdentifierKind>,
    /// The class of the field.
    pub class: DataClass,
    /// The id.
    pub id: String,
    /// In which tenant; `None` for that of the house that the case asks for.
    pub tenant: Option<TenantId>,
}

/// Why a pattern has no value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PatternFault {
    /// It is not known to which tenant a pseudonym belongs.
    #[error(
        "a pseudonym's tenant is not known: the case asks for no house of the directory; name it beside, `tenant: …`"
    )]
    Tenant,
    /// The id has no pseudonym.
    #[error("an id has no pseudonym: {0}")]
    Protect(#[from] ProtectFault),
}

impl Named {
    /// The kind of this word, for a field of that kind or class: `user`, `car`, `personal` …
    pub(super) fn of(word: &str, id: &str, tenant: Option<TenantId>) -> Option<Self> {
        let kind = IdentifierKind::ALL.into_iter().find(|kind| kind.word() == word);
        let class = match kind {
            Some(_) => DataClass::Identifier,
            None => DataClass::ALL.into_iter().find(|class| class.word() == word)?,
        };
        Some(Self { kind, class, id: id.to_owned(), tenant })
    }

    fn made(&self, by: &Protector, tenant: Option<&TenantId>) -> Result<String, PatternFault> {
        let tenant = self.tenant.as_ref().or(tenant).ok_or(PatternFault::Tenant)?;
        Ok(by.pseudonym(tenant, self.class, self.kind, &self.id)?)
    }
}

impl Pattern {
    /// The value, with the pseudonyms that `by` makes in `tenant`.
    ///
    /// # Errors
    /// [`PatternFault`].
    pub fn value(&self, by: &Protector, tenant: Option<&TenantId>) -> Result<Value, PatternFault> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Raw(text) => Value::from(text.as_str()),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    match piece {
                        Piece::Text(plain) => text.push_str(plain),
                        Piece::Pseudonym(named) => text.push_str(&named.made(by, tenant)?),
                    }
                }
                Value::from(text)
            }
            Self::List(items) => {
                let items: Result<Vec<Value>, _> = items.iter().map(|item| item.value(by, tenant)).collect();
                Value::from(items?)
            }
            Self::Map(members) => {
                let mut object = Object::new();
                for (name, member) in members {
                    object.insert(name.as_str(), member.value(by, tenant)?);
                }
                object.into()
            }
        })
    }

    /// The bytes that are sent for it: one line of JSON, or the text as it was written.
    ///
    /// # Errors
    /// [`PatternFault`].
    pub fn bytes(&self, by: &Protector, tenant: Option<&TenantId>) -> Result<Vec<u8>, PatternFault> {
        if let Self::Raw(text) = self {
            return Ok(text.as_bytes().to_vec());
        }
        let mut bytes = Vec::new();
        crate::json::write(&self.value(by, tenant)?, &mut bytes);
        Ok(bytes)
    }

    /// The bytes of a pattern that holds no pseudonym; `None` of any other.
    pub(super) fn plain_bytes(&self) -> Option<Vec<u8>> {
        if let Self::Raw(text) = self {
            return Some(text.as_bytes().to_vec());
        }
        let mut bytes = Vec::new();
        crate::json::write(&self.plain()?, &mut bytes);
        Some(bytes)
    }

    fn plain(&self) -> Option<Value> {
        match self {
            Self::Plain(value) => Some(value.clone()),
            Self::List(items) => items.iter().map(Self::plain).collect::<Option<Vec<Value>>>().map(Value::from),
            Self::Map(members) => {
                let mut object = Object::new();
                for (name, member) in members {
                    object.insert(name.as_str(), member.plain()?);
                }
                Some(object.into())
            }
            Self::Text(_) | Self::Raw(_) => None,
        }
    }

    /// The texts in it, for whoever looks for names.
    pub(super) fn texts<'p>(&'p self, found: &mut Vec<&'p str>) {
        match self {
            Self::Plain(value) => found.extend(value.as_str()),
            Self::Text(pieces) => found.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Pseudonym(_) => None,
            })),
            Self::List(items) => items.iter().for_each(|item| item.texts(found)),
            Self::Map(members) => members.iter().for_each(|(_, member)| member.texts(found)),
            Self::Raw(_) => {}
        }
    }

    /// A whole number.
    pub(super) fn integer(number: i64) -> Option<Self> {
        Number::try_from(number).ok().map(|number| Self::Plain(Value::Number(number)))
    }

    /// A text in which `{kind:id}` stands for a pseudonym: how paths name them. `None` where a brace opens nothing that
    /// is known.
    pub(super) fn path(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, behind) = after.split_once('}')?;
            let (word, id) = inside.split_once(':')?;
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Pseudonym(Named::of(word, id, None)?));
            rest = behind;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Some(Self::Text(pieces))
    }
}
