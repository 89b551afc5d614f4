//! What of a contract somebody should look at: fields whose names speak of a person and whose class does not, and text whose
//! pattern has no end.
//!
//! Nothing here is refused. Names are English, Russian or Russian in Latin letters; they are taken apart at capitals, `_` and
//! `-`. A name says little, so that this errs towards telling: that it is meant is said in the file (`bundle/allow.rs`).

use crate::contract::Contract;
use crate::contract::read;
use crate::contract::written::At;
use crate::contract::written::Body;
use crate::contract::written::Document;
use crate::contract::written::FieldWords;
use crate::contract::written::Parameter;
use crate::contract::written::Schema;
use crate::contract::written::Shape;
use crate::contract::written::Text;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use crate::diagnostic::Place;
use crate::diagnostic::Source;
use crate::model::DataClass;
use crate::model::IdentifierKind;
use crate::yaml;
use crate::yaml::Reader;
use std::collections::BTreeMap;

/// Words that speak of a person wherever they stand in a name.
const PERSONAL: &[&str] = &[
    // Names.
    "firstname",
    "lastname",
    "surname",
    "fullname",
    "middlename",
    "patronymic",
    "familyname",
    "givenname",
    "nickname",
    "imya",
    "imia",
    "familiya",
    "familia",
    "familija",
    "otchestvo",
    "fio",
    "имя",
    "фамилия",
    "отчество",
    "фио",
    // How to reach them.
    "phone",
    "telephone",
    "mobile",
    "msisdn",
    "tel",
    "email",
    "mail",
    "telefon",
    "telephon",
    "mobilny",
    "mobilnyy",
    "pochta",
    "телефон",
    "тел",
    "мобильный",
    "почта",
    // Documents.
    "passport",
    "ssn",
    "snils",
    "inn",
    "pasport",
    "паспорт",
    "снилс",
    "инн",
    // Where they live.
    "address",
    "street",
    "apartment",
    "flat",
    "adres",
    "ulitsa",
    "kvartira",
    "адрес",
    "улица",
    "квартира",
    // When they were born.
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "born",
    "rozhdeniya",
    "rozhdenie",
    "rozhdenia",
    "рождения",
    "рождение",
    // How they look.
    "photo",
    "photograph",
    "picture",
    "portrait",
    "avatar",
    "selfie",
    "face",
    "foto",
    "fotografiya",
    "litso",
    "фото",
    "фотография",
    "лицо",
    // Their cars.
    "plate",
    "licenseplate",
    "licenceplate",
    "numberplate",
    "vrn",
    "gosnomer",
    "госномер",
    "номеравто",
];

/// What has a name and is no person, where `name` stands after it.
const THINGS: &[&str] = &[
    "action",
    "barrier",
    "brand",
    "building",
    "camera",
    "city",
    "class",
    "company",
    "device",
    "door",
    "event",
    "field",
    "file",
    "gate",
    "group",
    "host",
    "house",
    "key",
    "model",
    "operation",
    "organization",
    "partner",
    "product",
    "role",
    "server",
    "service",
    "site",
    "tenant",
    "type",
    "zone",
];

impl Contract {
    /// Looks at a contract that compiles; of one that does not, nothing is told.
    #[must_use]
    pub fn lint(source: &Source) -> Diagnostics {
        let Ok(root) = yaml::parse(source) else { return Diagnostics::new() };
        let reader = Reader::new(source.clone());
        let mut look = Look { source, found: BTreeMap::new() };
        if let Some(document) = read::document(&reader, &root) {
            look.document(&document);
        }
        let mut found = Diagnostics::new();
        found.extend_with(look.found.into_values());
        found
    }
}

/// What is found, by place and code: a component that is referred to twice is looked at twice.
struct Look<'s> {
    source: &'s Source,
    found: BTreeMap<(Place, &'static str), Diagnostic>,
}

impl Look<'_> {
    fn document(&mut self, document: &Document<'_>) {
        for operation in document.paths.iter().flat_map(|path| path.operations.iter().flatten()) {
            self.parameters(&operation.parameters);
            self.bodies(&operation.bodies);
            for answer in &operation.answers {
                self.parameters(&answer.headers);
                self.bodies(&answer.bodies);
            }
        }
        for webhook in document.webhooks.iter().flatten() {
            self.schema(At { place: webhook.name.place, value: "" }, &webhook.body);
        }
    }

    fn parameters(&mut self, parameters: &[Parameter<'_>]) {
        for parameter in parameters {
            self.schema(parameter.name, &parameter.schema);
        }
    }

    fn bodies(&mut self, bodies: &[Body<'_>]) {
        for body in bodies {
            self.schema(At { place: body.schema.place, value: "" }, &body.schema);
        }
    }

    /// A schema that stands under this name: of a list's elements that of the list.
    fn schema(&mut self, name: At<&str>, schema: &Schema<'_>) {
        match &schema.shape {
            Shape::Object(object) => object.members.iter().for_each(|member| self.schema(member.name, &member.schema)),
            Shape::Map(map) => self.schema(name, &map.values),
            Shape::Choice(choice) => choice.branches.iter().for_each(|branch| self.schema(name, branch)),
            Shape::Kinds(branches) => branches.iter().for_each(|branch| self.schema(name, branch)),
            Shape::Array(array) => self.schema(name, &array.items),
            Shape::Text { limits, words } => {
                self.without_end(name, limits);
                self.personal(name, words.as_ref());
            }
            Shape::Number { words, .. } | Shape::Boolean { words, .. } => self.personal(name, words.as_ref()),
        }
    }

    /// A field that speaks of a person, as something that is nobody's.
    fn personal(&mut self, name: At<&str>, words: Option<&FieldWords<'_>>) {
        let Some(words) = words.filter(|words| is_soft(words)) else { return };
        let Some(word) = personal_word(name.value) else { return };
        let message =
            format!("`{}` looks like personal data (`{word}`), and its class is `{}`", name.value, words.class.word());
        let help = "class it `personal` or `biometric` and say how it is protected, or say here why it is nobody's";
        self.tell("soft-class", name.place, message, help);
    }

    /// Text that its pattern lets be as long as a body may be.
    fn without_end(&mut self, name: At<&str>, text: &Text<'_>) {
        let ends = text.max_length.is_some() || text.words.is_some();
        let ends = ends || text.format.is_some_and(|format| format.max_bytes().is_some());
        let Some(pattern) = text.pattern.filter(|pattern| !ends && has_no_end(pattern.value)) else { return };
        let message = format!("the pattern of `{}` has no end, and there is no `maxLength`", name.value);
        self.tell("pattern-without-end", pattern.place, message, "add `maxLength`, or write `{1,64}` for `+`");
    }

    fn tell(&mut self, code: &'static str, place: Place, message: String, help: &str) {
        let lint = self.source.fault(code, place, message).as_lint().help(help);
        self.found.entry((place, code)).or_insert(lint);
    }
}

/// Whether a class says that a value is nobody's. An identifier of a person or a car is treated as one.
const fn is_soft(words: &FieldWords<'_>) -> bool {
    match words.class {
        DataClass::Public | DataClass::Access => true,
        DataClass::Identifier => match &words.of {
            Some(of) => !matches!(of.value, IdentifierKind::User | IdentifierKind::Device | IdentifierKind::Car),
            None => true,
        },
        DataClass::Personal | DataClass::Biometric | DataClass::Secret => false,
    }
}

/// The word of a name that speaks of a person.
fn personal_word(name: &str) -> Option<String> {
    let words = words_of(name);
    let pairs = words.windows(2).map(|pair| pair.concat());
    let whole = words.concat();
    let known = |word: &String| PERSONAL.contains(&word.as_str());
    if let Some(found) = words.iter().cloned().chain(pairs).chain([whole]).find(known) {
        return Some(found);
    }
    let at = words.iter().position(|word| word == "name")?;
    let before = at.checked_sub(1).and_then(|before| words.get(before));
    before.is_none_or(|before| !THINGS.contains(&before.as_str())).then(|| "name".to_owned())
}

/// A name's words in lower case: `ownerPhone`, `owner_phone` and `OWNER-PHONE` are `owner` and `phone`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let begins = c.is_uppercase() && !before.is_uppercase();
        if !c.is_alphabetic() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphabetic()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a pattern repeats something without end.
fn has_no_end(pattern: &str) -> bool {
    let (mut in_class, mut escaped) = (false, false);
    for (at, c) in pattern.char_indices() {
        let rest = pattern.get(at..).unwrap_or_default();
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '*' | '+' if !in_class => return true,
            '{' if !in_class && rest.split('}').next().is_some_and(|bounds| bounds.ends_with(',')) => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_speak_of_a_person_are_found_in_three_spellings() {
        for (name, word) in [
            ("phone", "phone"),
            ("ownerPhone", "phone"),
            ("OWNER_PHONE", "phone"),
            ("contact-email", "email"),
            ("first_name", "firstname"),
            ("name", "name"),
            ("residentName", "name"),
            ("dateOfBirth", "birth"),
            ("licensePlate", "plate"),
            ("pasportNomer", "pasport"),
            ("data_rozhdeniya", "rozhdeniya"),
            ("gosNomer", "gosnomer"),
            ("familiya", "familiya"),
            ("домашнийАдрес", "адрес"),
            ("номер_телефон", "телефон"),
            ("фото", "фото"),
        ] {
            assert_eq!(personal_word(name).as_deref(), Some(word), "{name}");
        }
    }

    #[test]
    fn names_of_things_are_not() {
        for name in
            ["houseName", "file_name", "state", "template", "interface", "phonetic", "surfaceId", "result", "", "номер"]
        {
            assert_eq!(personal_word(name), None, "{name}");
        }
    }

    #[test]
    fn a_pattern_without_an_end_is_told_from_one_with() {
        for pattern in ["^[a-z]+$", "^a*$", "^a{3,}$", "^(ab)+$"] {
            assert!(has_no_end(pattern), "{pattern}");
        }
        for pattern in ["^[a-z+*]{1,64}$", r"^\+\d{3}$", "^a?b{3}$", "^$"] {
            assert!(!has_no_end(pattern), "{pattern}");
        }
    }
}
