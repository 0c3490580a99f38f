//! Calls: from the arguments as written to the parameters of the function.

use std::rc::Rc;

use super::Fault;
use super::interpreter::{Flow, Interpreter};
use super::syntax::{Argument, ArgumentKind, Definition, ParameterKind};
use super::values::{Arguments, Dict, Object, Span, Value};

/// Deepest call stack, in calls, built-in ones included: what Codex 0.169.0 allows (fixtures
/// `recursion-*`).
const CALLS: usize = 49;

impl Interpreter {
    pub(super) fn arguments(
        &mut self,
        given: &[Argument],
        frame: usize,
        at: usize,
    ) -> Result<Arguments, Fault> {
        let mut arguments = Arguments::default();
        for Argument { kind, value } in given {
            let value = self.expression(value, frame)?;
            match kind {
                ArgumentKind::Positional => arguments.positional.push(value),
                ArgumentKind::Named(name) => arguments.named.push((name.clone(), value)),
                ArgumentKind::Spread => {
                    if matches!(value, Value::None | Value::Bool(_) | Value::Int(_)) {
                        let message = "The argument provided for *args is not iterable";
                        return Err(Fault::refused(at, message));
                    }
                    arguments.positional.extend(self.iterate(&value, at)?);
                }
                ArgumentKind::NamedSpread => {
                    let Value::Dict(id) = value else {
                        let message = "The argument provided for **kwargs is not a dictionary";
                        return Err(Fault::refused(at, message));
                    };
                    let items = self.dict(id).map(Dict::items).unwrap_or_default();
                    self.charge(items.len(), at)?;
                    for (key, value) in items {
                        let Value::Text(name) = key else {
                            return Err(Fault::refused(at, "Argument names must be strings"));
                        };
                        arguments.named.push((name.as_ref().to_owned(), value));
                    }
                }
            }
        }
        Ok(arguments)
    }

    pub(super) fn call(
        &mut self,
        callee: &Value,
        arguments: Arguments,
        span: Span,
    ) -> Result<Value, Fault> {
        if self.calls >= CALLS {
            return Err(Fault::refused(span.at, "Starlark call stack overflow"));
        }
        self.calls += 1;
        let result = self.call_any(callee, arguments, span)?;
        self.calls -= 1;
        Ok(result)
    }

    fn call_any(
        &mut self,
        callee: &Value,
        arguments: Arguments,
        span: Span,
    ) -> Result<Value, Fault> {
        match callee {
            Value::Function(id) => self.call_function(*id, arguments, span),
            Value::Native(native) => self.call_native(*native, arguments, span),
            Value::Method(method) => {
                let (object, name) = method.as_ref();
                self.call_method(object, name, &arguments, span.at)
            }
            other => {
                let kind = other.type_name();
                let message = format!("Operation `call()` not supported on type `{kind}`");
                Err(Fault::refused(span.at, message))
            }
        }
    }

    fn call_function(
        &mut self,
        id: usize,
        arguments: Arguments,
        span: Span,
    ) -> Result<Value, Fault> {
        let Some(Object::Function { definition, defaults, frame }) = self.heap.get(id) else {
            return Err(Fault::refused(span.at, "no such function"));
        };
        let (definition, defaults, parent) = (Rc::clone(definition), defaults.clone(), *frame);
        let frame = self.frame(&definition.names, Some(parent));
        self.parameters(&definition, defaults, arguments, frame, span.at)?;
        let flow = self.block(&definition.body, frame)?;
        Ok(match flow {
            Flow::Return(value) => value,
            Flow::Next | Flow::Break | Flow::Continue => Value::None,
        })
    }

    fn parameters(
        &mut self,
        definition: &Definition,
        defaults: Vec<Option<Value>>,
        arguments: Arguments,
        frame: usize,
        at: usize,
    ) -> Result<(), Fault> {
        let Arguments { positional, mut named } = arguments;
        let callee = &definition.name;
        let mut positional = positional.into_iter();
        let mut named_only = false;
        let mut missing = None;
        for (parameter, default) in definition.parameters.iter().zip(defaults) {
            let name = &parameter.name;
            let value = match &parameter.kind {
                ParameterKind::Star => {
                    named_only = true;
                    continue;
                }
                ParameterKind::Rest => {
                    named_only = true;
                    self.new_tuple(positional.by_ref().collect())
                }
                ParameterKind::NamedRest => {
                    let mut rest = Dict::default();
                    for (name, value) in named.drain(..) {
                        let key_value = Value::text(&name);
                        rest.set(self.key(&key_value, at)?, key_value, value);
                    }
                    self.new_dict(rest)
                }
                ParameterKind::Plain(_) => {
                    let by_place = if named_only { None } else { positional.next() };
                    let by_name = take_named(&mut named, name);
                    if by_place.is_some() && by_name.is_some() {
                        let message = format!("Argument `{name}` occurs more than once");
                        return Err(Fault::refused(at, message));
                    }
                    let Some(value) = by_place.or(by_name).or(default) else {
                        missing = missing.or(Some((name, named_only)));
                        continue;
                    };
                    value
                }
            };
            self.bind(frame, name, value);
        }
        refuse_extra(callee, positional.count(), &[], at)?;
        if let Some((name, named_only)) = missing {
            let kind =
                if named_only { "Missing named-only parameter" } else { "Missing parameter" };
            let message = format!("{kind} `{name}` for call to `{callee}`");
            return Err(Fault::refused(at, message));
        }
        refuse_extra(callee, 0, &named, at)
    }
}

/// Takes the named argument out, if given.
pub(super) fn take_named(named: &mut Vec<(String, Value)>, name: &str) -> Option<Value> {
    let place = named.iter().position(|(given, _)| given == name)?;
    Some(named.remove(place).1)
}

/// Refuses arguments that no parameter took.
pub(super) fn refuse_extra(
    callee: &str,
    positional: usize,
    named: &[(String, Value)],
    at: usize,
) -> Result<(), Fault> {
    if positional > 0 {
        let message =
            format!("Found {positional} extra positional argument(s) for call to {callee}");
        return Err(Fault::refused(at, message));
    }
    if !named.is_empty() {
        let shown: Vec<String> = named.iter().map(|(name, _)| format!("`{name}`")).collect();
        let shown = shown.join(" ");
        let message = format!("Found {shown} extra named parameter(s) for call to {callee}");
        return Err(Fault::refused(at, message));
    }
    Ok(())
}
