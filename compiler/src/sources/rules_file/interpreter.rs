//! Runs the tree. Every step is counted and every recursion is bounded, so any text ends.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::builtins::Native;
use super::rule_calls::Collected;
use super::syntax::{
    Binary, Definition, Expression, FormatPiece, Kind, Module, Names, ParameterKind, Statement,
    StatementKind, Target, TargetKind, Unary,
};
use super::values::{Dict, Frame, Object, Span, Value};
use super::{Fault, Limits};

/// Runs a file and gives the rules that it made.
///
/// # Errors
/// The first problem of the evaluation, or a limit.
pub(super) fn run(module: &Module, limits: &Limits) -> Result<Collected, Fault> {
    let mut interpreter = Interpreter {
        limits: *limits,
        steps: 0,
        depth: 0,
        calls: 0,
        heap: vec![],
        frames: vec![],
        locked: HashSet::new(),
        collected: Collected::default(),
    };
    let frame = interpreter.frame(&module.names, None);
    interpreter.block(&module.body, frame)?;
    Ok(interpreter.collected)
}

pub(super) struct Interpreter {
    limits: Limits,
    steps: u64,
    depth: usize,
    /// Open calls.
    pub(super) calls: usize,
    pub(super) heap: Vec<Object>,
    frames: Vec<Frame>,
    /// Lists and dictionaries that a loop is walking.
    locked: HashSet<usize>,
    pub(super) collected: Collected,
}

/// How a statement ends.
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return(Value),
}

impl Interpreter {
    /// Counts work.
    pub(super) fn charge(&mut self, steps: usize, at: usize) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(steps as u64);
        if self.steps > self.limits.steps {
            let message = format!("rules need more than {} steps", self.limits.steps);
            return Err(Fault::limit(at, message));
        }
        Ok(())
    }

    /// Counts one level and one step; the caller takes the level back with [`Self::leave`].
    pub(super) fn enter(&mut self, at: usize) -> Result<(), Fault> {
        self.charge(1, at)?;
        self.depth += 1;
        if self.depth > self.limits.evaluation_depth {
            let message = format!("rules nest more than {} levels", self.limits.evaluation_depth);
            return Err(Fault::limit(at, message));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn allocate(&mut self, object: Object) -> usize {
        self.heap.push(object);
        self.heap.len() - 1
    }

    pub(super) fn new_list(&mut self, items: Vec<Value>) -> Value {
        Value::List(self.allocate(Object::List(items)))
    }

    pub(super) fn new_tuple(&mut self, items: Vec<Value>) -> Value {
        Value::Tuple(self.allocate(Object::Tuple(items)))
    }

    pub(super) fn new_dict(&mut self, dict: Dict) -> Value {
        Value::Dict(self.allocate(Object::Dict(dict)))
    }

    /// Items of a list or tuple; nothing for anything else.
    pub(super) fn items(&self, id: usize) -> &[Value] {
        match self.heap.get(id) {
            Some(Object::List(items) | Object::Tuple(items)) => items,
            _ => &[],
        }
    }

    pub(super) fn dict(&self, id: usize) -> Option<&Dict> {
        match self.heap.get(id) {
            Some(Object::Dict(dict)) => Some(dict),
            _ => None,
        }
    }

    /// The list or dictionary, to be changed.
    pub(super) fn change(&mut self, id: usize, at: usize) -> Result<&mut Object, Fault> {
        if self.locked.contains(&id) {
            let message = "This operation mutates an iterable for an iterator while iterating.";
            return Err(Fault::refused(at, message));
        }
        self.heap.get_mut(id).ok_or_else(|| Fault::refused(at, "no such object"))
    }

    pub(super) fn frame(&mut self, names: &Names, parent: Option<usize>) -> usize {
        let values = HashMap::new();
        self.frames.push(Frame { names: Rc::clone(names), values, parent });
        self.frames.len() - 1
    }

    pub(super) fn bind(&mut self, frame: usize, name: &str, value: Value) {
        if let Some(frame) = self.frames.get_mut(frame) {
            frame.values.insert(name.to_owned(), value);
        }
    }

    fn lookup(&self, name: &str, frame: usize, at: usize) -> Result<Value, Fault> {
        let mut next = Some(frame);
        while let Some(frame) = next.and_then(|index| self.frames.get(index)) {
            if frame.names.contains(name) {
                let missing = format!("Local variable `{name}` referenced before assignment");
                let found = frame.values.get(name).cloned();
                return found.ok_or_else(|| Fault::refused(at, missing));
            }
            next = frame.parent;
        }
        let native = Native::by_name(name).map(Value::Native);
        native.ok_or_else(|| Fault::refused(at, format!("Variable `{name}` not found")))
    }

    pub(super) fn block(&mut self, body: &[Statement], frame: usize) -> Result<Flow, Fault> {
        for statement in body {
            self.enter(statement.at)?;
            let flow = self.statement(statement, frame)?;
            self.leave();
            if !matches!(flow, Flow::Next) {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, statement: &Statement, frame: usize) -> Result<Flow, Fault> {
        match &statement.kind {
            StatementKind::Expression(value) => {
                self.expression(value, frame)?;
            }
            StatementKind::Assign(target, value) => {
                let value = self.expression(value, frame)?;
                self.assign(target, value, frame)?;
            }
            StatementKind::Augment(target, operator, value) => {
                self.augment(target, *operator, value, frame, statement.at)?;
            }
            StatementKind::If(branches, otherwise) => {
                for (condition, branch) in branches {
                    let condition = self.expression(condition, frame)?;
                    if self.truth(&condition) {
                        return self.block(branch, frame);
                    }
                }
                return self.block(otherwise, frame);
            }
            StatementKind::For(target, values, body) => {
                return self.repeat(target, values, body, frame, statement.at);
            }
            StatementKind::Define(definition) => {
                let function = self.function(definition, frame)?;
                self.bind(frame, &definition.name, function);
            }
            StatementKind::Return(value) => {
                let value = match value {
                    Some(value) => self.expression(value, frame)?,
                    None => Value::None,
                };
                return Ok(Flow::Return(value));
            }
            StatementKind::Break => return Ok(Flow::Break),
            StatementKind::Continue => return Ok(Flow::Continue),
            StatementKind::Pass => {}
            StatementKind::Load(path) => {
                let message = format!(
                    "No imports are available, you tried `{path}` \
                     (no call to `Evaluator.set_loader`)"
                );
                let fault = Fault::refused(statement.at, message);
                return Err(fault.with_help("put the rules into this file"));
            }
        }
        Ok(Flow::Next)
    }

    fn repeat(
        &mut self,
        target: &Target,
        values: &Expression,
        body: &[Statement],
        frame: usize,
        at: usize,
    ) -> Result<Flow, Fault> {
        let values = self.expression(values, frame)?;
        let items = self.iterate(&values, at)?;
        let lock = self.lock(&values);
        let mut result = Flow::Next;
        for item in items {
            self.charge(1, at)?;
            self.assign(target, item, frame)?;
            match self.block(body, frame)? {
                Flow::Next | Flow::Continue => {}
                Flow::Break => break,
                Flow::Return(value) => {
                    result = Flow::Return(value);
                    break;
                }
            }
        }
        self.unlock(lock);
        Ok(result)
    }

    /// Marks what a loop walks; `None` if nothing was to mark or a loop outside has done it.
    pub(super) fn lock(&mut self, value: &Value) -> Option<usize> {
        match value {
            Value::List(id) | Value::Dict(id) => self.locked.insert(*id).then_some(*id),
            _ => None,
        }
    }

    pub(super) fn unlock(&mut self, lock: Option<usize>) {
        if let Some(id) = lock {
            self.locked.remove(&id);
        }
    }

    pub(super) fn assign(
        &mut self,
        target: &Target,
        value: Value,
        frame: usize,
    ) -> Result<(), Fault> {
        match &target.kind {
            TargetKind::Name(name) => self.bind(frame, name, value),
            TargetKind::Index(object, index) => {
                let object = self.expression(object, frame)?;
                let index = self.expression(index, frame)?;
                self.set_index(&object, &index, value, target.at)?;
            }
            TargetKind::Unpack(parts) => {
                let items = self.iterate(&value, target.at)?;
                if items.len() != parts.len() {
                    let (got, wanted) = (items.len(), parts.len());
                    let message = format!("Unpacked {got} values but expected {wanted}");
                    return Err(Fault::refused(target.at, message));
                }
                for (part, item) in parts.iter().zip(items) {
                    self.assign(part, item, frame)?;
                }
            }
        }
        Ok(())
    }

    fn augment(
        &mut self,
        target: &Target,
        operator: Binary,
        value: &Expression,
        frame: usize,
        at: usize,
    ) -> Result<(), Fault> {
        let (old, place) = match &target.kind {
            TargetKind::Name(name) => (self.lookup(name, frame, target.at)?, None),
            TargetKind::Index(object, index) => {
                let object = self.expression(object, frame)?;
                let index = self.expression(index, frame)?;
                (self.index(&object, &index, target.at)?, Some((object, index)))
            }
            TargetKind::Unpack(_) => {
                return Err(Fault::refused(at, "cannot augment a list of targets"));
            }
        };
        let value = self.expression(value, frame)?;
        // A list is extended in place, so that every other name of it sees the change.
        if let (Value::List(id), Binary::Add) = (&old, operator) {
            let more = self.iterate(&value, at)?;
            if let Object::List(items) = self.change(*id, at)? {
                items.extend(more);
            }
            return Ok(());
        }
        let result = self.binary(operator, &old, &value, at)?;
        match (&target.kind, place) {
            (TargetKind::Name(name), _) => self.bind(frame, name, result),
            (_, Some((object, index))) => self.set_index(&object, &index, result, at)?,
            (_, None) => {}
        }
        Ok(())
    }

    fn function(&mut self, definition: &Rc<Definition>, frame: usize) -> Result<Value, Fault> {
        let mut defaults = vec![];
        for parameter in &definition.parameters {
            defaults.push(match &parameter.kind {
                ParameterKind::Plain(Some(default)) => Some(self.expression(default, frame)?),
                _ => None,
            });
        }
        let definition = Rc::clone(definition);
        Ok(Value::Function(self.allocate(Object::Function { definition, defaults, frame })))
    }

    pub(super) fn expression(
        &mut self,
        expression: &Expression,
        frame: usize,
    ) -> Result<Value, Fault> {
        self.enter(expression.at)?;
        let value = self.evaluate(expression, frame)?;
        self.leave();
        Ok(value)
    }

    fn evaluate(&mut self, expression: &Expression, frame: usize) -> Result<Value, Fault> {
        let at = expression.at;
        match &expression.kind {
            Kind::None => Ok(Value::None),
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Int(value) => Ok(Value::Int(*value)),
            Kind::Float(value) => Ok(Value::Float(*value)),
            Kind::Text(text) => Ok(Value::Text(Rc::clone(text))),
            Kind::Format(pieces) => self.format_text(pieces, frame),
            Kind::Name(name) => self.lookup(name, frame, at),
            Kind::List(items) => {
                let items = self.all(items, frame)?;
                Ok(self.new_list(items))
            }
            Kind::Tuple(items) => {
                let items = self.all(items, frame)?;
                Ok(self.new_tuple(items))
            }
            Kind::Dict(items) => self.dictionary(items, frame),
            Kind::Unary(operator, inner) => {
                let value = self.expression(inner, frame)?;
                match operator {
                    Unary::Not => Ok(Value::Bool(!self.truth(&value))),
                    Unary::Minus | Unary::Plus | Unary::Invert => Self::unary(*operator, value, at),
                }
            }
            Kind::Binary(left, operator, right) => {
                let left = self.expression(left, frame)?;
                let right = self.expression(right, frame)?;
                self.binary(*operator, &left, &right, at)
            }
            Kind::And(left, right) | Kind::Or(left, right) => {
                let value = self.expression(left, frame)?;
                let decided = self.truth(&value) == matches!(expression.kind, Kind::Or(..));
                if decided { Ok(value) } else { self.expression(right, frame) }
            }
            Kind::Conditional(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                let condition = self.expression(condition, frame)?;
                let chosen = if self.truth(&condition) { then } else { otherwise };
                self.expression(chosen, frame)
            }
            Kind::Attribute(object, name) => {
                let object = self.expression(object, frame)?;
                Self::attribute(object, name, at)
            }
            Kind::Index(object, index) => {
                let object = self.expression(object, frame)?;
                let index = self.expression(index, frame)?;
                self.index(&object, &index, at)
            }
            Kind::Slice(object, parts) => self.slice_of(object, parts, frame, at),
            Kind::Call(callee, arguments) => {
                let callee = self.expression(callee, frame)?;
                let arguments = self.arguments(arguments, frame, at)?;
                self.call(&callee, arguments, Span { at, end: expression.end })
            }
            Kind::Lambda(definition) => self.function(definition, frame),
            Kind::Comprehension(inner) => self.comprehension(inner, frame),
        }
    }

    fn all(&mut self, items: &[Expression], frame: usize) -> Result<Vec<Value>, Fault> {
        items.iter().map(|item| self.expression(item, frame)).collect()
    }

    fn slice_of(
        &mut self,
        object: &Expression,
        parts: &[Option<Expression>; 3],
        frame: usize,
        at: usize,
    ) -> Result<Value, Fault> {
        let object = self.expression(object, frame)?;
        let mut bounds = [None, None, None];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            if let Some(part) = part {
                *bound = Some(self.expression(part, frame)?);
            }
        }
        self.slice(&object, &bounds, at)
    }

    fn dictionary(
        &mut self,
        items: &[(Expression, Expression)],
        frame: usize,
    ) -> Result<Value, Fault> {
        let mut dict = Dict::default();
        for (key_expression, value) in items {
            let key_value = self.expression(key_expression, frame)?;
            let value = self.expression(value, frame)?;
            let key = self.key(&key_value, key_expression.at)?;
            if dict.find(&key).is_some() {
                let shown = self.repr(&key_value, key_expression.at)?;
                let message = format!("Dictionary key repeated for `{shown}`");
                return Err(Fault::refused(key_expression.at, message));
            }
            dict.set(key, key_value, value);
        }
        Ok(self.new_dict(dict))
    }

    fn format_text(&mut self, pieces: &[FormatPiece], frame: usize) -> Result<Value, Fault> {
        let mut result = String::new();
        for piece in pieces {
            match piece {
                FormatPiece::Text(text) => result.push_str(text),
                FormatPiece::Name(at, name) => {
                    let value = self.lookup(name, frame, *at)?;
                    result.push_str(&self.show(&value, *at)?);
                }
            }
        }
        Ok(Value::text(result))
    }
}
