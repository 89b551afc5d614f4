//! Reading `webhooks` as they are written: each an event by its name, which `post`s one body of one form.
//!
//! Known are the keys that events are held against, and annotations. Parameters, answers and further methods are faults: an event
//! is delivered as a webhook, and what ends a delivery is the same for all of them.

use crate::contract::read;
use crate::contract::refs::Refs;
use crate::contract::written::At;
use crate::contract::written::Webhook;
use crate::contract::written_words;
use crate::model::Name;
use crate::yaml::Key;
use crate::yaml::Node;

/// Reads all webhooks; one that could not be read is `None`.
pub(super) fn webhooks<'a>(refs: &Refs<'a>, node: &'a Node) -> Vec<Option<Webhook<'a>>> {
    let entries = refs.reader.fields(node).map(|fields| fields.rest()).unwrap_or_default();
    entries.into_iter().map(|(key, node)| webhook(refs, key, node)).collect()
}

fn webhook<'a>(refs: &Refs<'a>, key: &'a Key, node: &'a Node) -> Option<Webhook<'a>> {
    let reader = refs.reader;
    let name = match Name::new(&key.text) {
        Ok(value) => Some(At { place: key.place, value }),
        Err(error) => {
            reader.fault("invalid-name", key.place, format!("`{}` is no name: {error}", key.text));
            None
        }
    };
    let fields = reader.fields(node)?;
    let post = fields.required("post").and_then(|node| reader.fields(node));
    fields.finish();
    let post = post?;
    for annotation in ["summary", "description", "tags", "deprecated"] {
        post.optional(annotation);
    }
    let words = post.required("x-portcullis").and_then(|node| written_words::event(reader, node));
    let bodies =
        post.required("requestBody").and_then(|node| refs.follow(node, &|node| read::request_body(refs, node)));
    post.finish();
    let (name, words, mut bodies) = (name?, words?, bodies?);
    let one = bodies.len() == 1 && bodies.first().is_some_and(|body| body.media_type == "application/json");
    if !one {
        let fault = reader.source().fault("media-type", node.place, "the body of an event has one form");
        reader.report(fault.help("declare `application/json`, and nothing beside it"));
        return None;
    }
    Some(Webhook { name, words, body: bodies.pop()?.schema })
}
