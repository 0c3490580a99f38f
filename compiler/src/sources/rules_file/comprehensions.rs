//! `[value for name in values if condition]` and its dictionary form.

use super::Fault;
use super::interpreter::Interpreter;
use super::syntax::{Clause, Comprehension};
use super::values::{Dict, Value};

impl Interpreter {
    pub(super) fn comprehension(
        &mut self,
        inner: &Comprehension,
        frame: usize,
    ) -> Result<Value, Fault> {
        let frame = self.frame(&inner.names, Some(frame));
        let mut results = vec![];
        self.clauses(inner, &inner.clauses, frame, &mut results)?;
        if inner.key.is_none() {
            let items = results.into_iter().map(|(_, value)| value).collect();
            return Ok(self.new_list(items));
        }
        let mut dict = Dict::default();
        for (key_value, value) in results {
            let key = self.key(&key_value, inner.value.at)?;
            dict.set(key, key_value, value);
        }
        Ok(self.new_dict(dict))
    }

    fn clauses(
        &mut self,
        inner: &Comprehension,
        clauses: &[Clause],
        frame: usize,
        results: &mut Vec<(Value, Value)>,
    ) -> Result<(), Fault> {
        self.enter(inner.value.at)?;
        let Some((clause, rest)) = clauses.split_first() else {
            let key = match &inner.key {
                Some(key) => self.expression(key, frame)?,
                None => Value::None,
            };
            results.push((key, self.expression(&inner.value, frame)?));
            self.leave();
            return Ok(());
        };
        match clause {
            Clause::If(condition) => {
                let condition = self.expression(condition, frame)?;
                if self.truth(&condition) {
                    self.clauses(inner, rest, frame, results)?;
                }
            }
            Clause::For(target, values) => {
                let at = values.at;
                let values = self.expression(values, frame)?;
                let lock = self.lock(&values);
                for item in self.iterate(&values, at)? {
                    self.charge(1, at)?;
                    self.assign(target, item, frame)?;
                    self.clauses(inner, rest, frame, results)?;
                }
                self.unlock(lock);
            }
        }
        self.leave();
        Ok(())
    }
}
