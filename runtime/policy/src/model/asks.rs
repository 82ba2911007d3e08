//! A policy where nobody is asked.

use super::{Action, Policy};

impl Policy {
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
