//! Who is asked, and a policy where nobody is.

use super::{Action, Asker, Policy, RuleId};
use crate::judge::Judgement;

impl Policy {
    /// Who decides what came to an `ask`. A person, if any of the rules that ask wants one.
    pub fn asker(&self, judged: &Judgement) -> Asker {
        let beaten = judged.beaten.iter();
        let also = beaten.filter(|beaten| beaten.action == Action::Ask && !beaten.audit);
        let mut asking = std::iter::once(&judged.rule).chain(also.map(|beaten| &beaten.rule));
        match asking.any(|rule| self.asker_of(rule) == Some(Asker::Operator)) {
            true => Asker::Operator,
            false => Asker::Jury,
        }
    }

    /// `None`: a setting, which has none of its own.
    fn asker_of(&self, rule: &RuleId) -> Option<Asker> {
        let execs = self.exec.rules.iter().map(|rule| (&rule.id, rule.asker));
        let files = self.file.rules.iter().map(|rule| (&rule.id, rule.asker));
        let nets = self.net.rules.iter().map(|rule| (&rule.id, rule.asker));
        let mut all = execs.chain(files).chain(nets);
        all.find(|(id, _)| *id == rule).map(|(_, asker)| asker)
    }

    /// Turns every `ask` into a denial: that is what it comes to where nobody answers.
    pub(crate) fn deny_asks(&mut self) {
        let settings = [
            &mut self.exec.default,
            &mut self.exec.writable,
            &mut self.exec.jit,
            &mut self.file.default,
            &mut self.net.default,
        ];
        let execs = self.exec.rules.iter_mut().map(|rule| &mut rule.action);
        let files = self.file.rules.iter_mut().map(|rule| &mut rule.action);
        let nets = self.net.rules.iter_mut().map(|rule| &mut rule.action);
        let actions = settings.into_iter().chain(execs).chain(files).chain(nets);
        for action in actions.filter(|action| **action == Action::Ask) {
            *action = Action::Deny;
        }
    }
}
