//! Mutants before the questions of all cases: what the policies would have said with one of them among them.

use crate::policy::Asked;
use crate::policy::Decision;
use crate::policy::Judgement;
use crate::policy::Met;
use crate::policy::Mutant;
use crate::policy::Policies;
use crate::policy::PolicyText;
use crate::policy::asked::Scene;
use crate::policy::policies::Vote;
use crate::policy::policies::weigh;
use std::sync::Arc;

/// Questions, each laid out once, with what every policy says to it.
pub struct Trial<'a> {
    texts: &'a [PolicyText],
    questions: Vec<Question>,
}

struct Question {
    scene: Scene,
    votes: Vec<Vote>,
}

impl<'a> Trial<'a> {
    /// Lays out `asked`; the policies are those of `texts`. Questions that these policies do not know are no part of it: their
    /// numbers stay free.
    #[must_use]
    pub fn new(policies: &Policies, texts: &'a [PolicyText], asked: &[&Asked]) -> Option<Self> {
        let lay_out = |asked: &&Asked| {
            let scene = policies.scene(asked)?;
            let votes = policies.votes(asked, &scene);
            Some(Question { scene, votes })
        };
        let questions = asked.iter().map(lay_out).collect::<Option<_>>()?;
        Some(Self { texts, questions })
    }

    /// What is said to the question of this number, and with the mutant in the policy's place; `None` where the policy says the
    /// same either way.
    #[must_use]
    pub fn judge(&self, number: usize, mutant: &Mutant) -> Option<(Judgement, Judgement)> {
        let (question, text) = (self.questions.get(number)?, self.texts.get(mutant.policy)?);
        let at = question.votes.iter().position(|vote| vote.order == mutant.policy);
        let before = at.and_then(|at| question.votes.get(at)).map_or(Some(false), |vote| vote.holds);
        let ended = text.until.is_some_and(|until| !until.holds(question.scene.now()));
        let after = match &mutant.condition {
            Some(condition) if !ended => question.scene.holds(condition),
            _ => Some(false),
        };
        if before == after && (mutant.forbids == text.forbids || after == Some(false)) {
            return None;
        }
        let vote = Vote { order: mutant.policy, id: text.id.as_str().into(), forbids: mutant.forbids, holds: after };
        let mut votes = question.votes.clone();
        match at.and_then(|at| votes.get_mut(at)) {
            Some(place) => *place = vote,
            None => {
                let at = votes.partition_point(|other| other.order < vote.order);
                votes.insert(at, vote);
            }
        }
        Some((judgement(&question.votes), judgement(&votes)))
    }

    /// How many questions meet the scope of a policy.
    #[must_use]
    pub fn in_scope(&self, policy: usize) -> usize {
        let Some(text) = self.texts.get(policy) else { return 0 };
        self.questions.iter().filter(|question| question.scene.meet(text).scope == [Met::True; 3]).count()
    }
}

fn judgement(votes: &[Vote]) -> Judgement {
    let all =
        votes.iter().map(|vote: &Vote| -> (&Arc<str>, bool, Option<bool>) { (&vote.id, vote.forbids, vote.holds) });
    weigh(Decision::default(), all)
}
