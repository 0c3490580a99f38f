//! Checks before anything runs that every name used exists somewhere, as Codex does: a misspelt
//! name is refused even in a function that nobody calls.

use std::rc::Rc;

use super::Fault;
use super::builtins::Native;
use super::syntax::{
    Argument, Clause, Comprehension, Definition, Expression, FormatPiece, Kind, Module, Names,
    ParameterKind, Statement, StatementKind, Target, TargetKind,
};

/// Checks a whole file.
///
/// # Errors
/// The first name that is neither bound around its use nor built in.
pub(super) fn check(module: &Module) -> Result<(), Fault> {
    let mut scopes = Scopes(vec![Rc::clone(&module.names)]);
    scopes.statements(&module.body)
}

struct Scopes(Vec<Names>);

impl Scopes {
    fn name(&self, at: usize, name: &str) -> Result<(), Fault> {
        let bound = self.0.iter().any(|scope| scope.contains(name));
        if bound || Native::by_name(name).is_some() {
            return Ok(());
        }
        let fault = Fault::refused(at, format!("Variable `{name}` not found"));
        Err(match name {
            "true" | "false" | "none" => fault.with_help("write `True`, `False` or `None`"),
            "print" | "struct" | "set" => fault.with_help("Codex does not offer this function"),
            "prefix_rules" => fault.with_help("write `prefix_rule`"),
            _ => fault,
        })
    }

    fn statements(&mut self, body: &[Statement]) -> Result<(), Fault> {
        body.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Statement) -> Result<(), Fault> {
        match &statement.kind {
            StatementKind::Expression(value) | StatementKind::Return(Some(value)) => {
                self.expression(value)
            }
            StatementKind::Assign(target, value) | StatementKind::Augment(target, _, value) => {
                self.expression(value)?;
                self.target(target)
            }
            StatementKind::If(branches, otherwise) => {
                for (condition, branch) in branches {
                    self.expression(condition)?;
                    self.statements(branch)?;
                }
                self.statements(otherwise)
            }
            StatementKind::For(target, values, body) => {
                self.target(target)?;
                self.expression(values)?;
                self.statements(body)
            }
            StatementKind::Define(definition) => self.definition(definition),
            StatementKind::Return(None)
            | StatementKind::Break
            | StatementKind::Continue
            | StatementKind::Pass
            | StatementKind::Load(_) => Ok(()),
        }
    }

    fn definition(&mut self, definition: &Definition) -> Result<(), Fault> {
        for parameter in &definition.parameters {
            if let ParameterKind::Plain(Some(default)) = &parameter.kind {
                self.expression(default)?;
            }
        }
        self.0.push(Rc::clone(&definition.names));
        self.statements(&definition.body)?;
        self.0.pop();
        Ok(())
    }

    fn target(&mut self, target: &Target) -> Result<(), Fault> {
        match &target.kind {
            TargetKind::Name(_) => Ok(()),
            TargetKind::Index(object, index) => {
                self.expression(object)?;
                self.expression(index)
            }
            TargetKind::Unpack(parts) => parts.iter().try_for_each(|part| self.target(part)),
        }
    }

    fn expression(&mut self, expression: &Expression) -> Result<(), Fault> {
        match &expression.kind {
            Kind::None | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Text(_) => Ok(()),
            Kind::Format(pieces) => pieces.iter().try_for_each(|piece| match piece {
                FormatPiece::Text(_) => Ok(()),
                FormatPiece::Name(at, name) => self.name(*at, name),
            }),
            Kind::Name(name) => self.name(expression.at, name),
            Kind::List(items) | Kind::Tuple(items) => {
                items.iter().try_for_each(|item| self.expression(item))
            }
            Kind::Dict(items) => items.iter().try_for_each(|(key, value)| {
                self.expression(key)?;
                self.expression(value)
            }),
            Kind::Unary(_, inner) | Kind::Attribute(inner, _) => self.expression(inner),
            Kind::Binary(left, _, right)
            | Kind::And(left, right)
            | Kind::Or(left, right)
            | Kind::Index(left, right) => {
                self.expression(left)?;
                self.expression(right)
            }
            Kind::Conditional(parts) => parts.iter().try_for_each(|part| self.expression(part)),
            Kind::Slice(object, parts) => {
                self.expression(object)?;
                parts.iter().flatten().try_for_each(|part| self.expression(part))
            }
            Kind::Call(callee, arguments) => {
                self.expression(callee)?;
                arguments.iter().try_for_each(|Argument { value, .. }| self.expression(value))
            }
            Kind::Lambda(definition) => self.definition(definition),
            Kind::Comprehension(inner) => self.comprehension(inner),
        }
    }

    fn comprehension(&mut self, inner: &Comprehension) -> Result<(), Fault> {
        self.0.push(Rc::clone(&inner.names));
        for clause in &inner.clauses {
            match clause {
                Clause::For(target, values) => {
                    self.target(target)?;
                    self.expression(values)?;
                }
                Clause::If(condition) => self.expression(condition)?,
            }
        }
        inner.key.iter().try_for_each(|key| self.expression(key))?;
        self.expression(&inner.value)?;
        self.0.pop();
        Ok(())
    }
}
