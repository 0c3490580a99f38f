//! Operators, truth, equality, order, indexing and iteration.

use std::cmp::Ordering;

use super::Fault;
use super::interpreter::Interpreter;
use super::syntax::{Binary, Unary};
use super::values::{Dict, Object, Value};

impl Interpreter {
    /// Whether `if` takes the value.
    pub(super) fn truth(&self, value: &Value) -> bool {
        match value {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(id) | Value::Tuple(id) => !self.items(*id).is_empty(),
            Value::Dict(id) => self.dict(*id).is_some_and(|dict| dict.len() > 0),
            Value::Range(start, stop, step) => range_length(*start, *stop, *step) > 0,
            Value::Function(_) | Value::Native(_) | Value::Method(_) => true,
        }
    }

    /// What a loop over the value sees.
    pub(super) fn iterate(&mut self, value: &Value, at: usize) -> Result<Vec<Value>, Fault> {
        let items = match value {
            Value::List(id) | Value::Tuple(id) => self.items(*id).to_vec(),
            Value::Dict(id) => {
                let items = self.dict(*id).map(Dict::items).unwrap_or_default();
                items.into_iter().map(|(key, _)| key).collect()
            }
            Value::Range(start, stop, step) => {
                let length = range_length(*start, *stop, *step);
                self.charge(length, at)?;
                let mut next = *start;
                let mut items = vec![];
                for _ in 0..length {
                    items.push(Value::Int(next));
                    next = next.saturating_add(*step);
                }
                return Ok(items);
            }
            other => {
                let kind = other.type_name();
                let message = format!("Operation `(iter)` not supported on type `{kind}`");
                return Err(Fault::refused(at, message));
            }
        };
        self.charge(items.len(), at)?;
        Ok(items)
    }

    /// A text that is equal for equal keys.
    pub(super) fn key(&mut self, value: &Value, at: usize) -> Result<String, Fault> {
        self.enter(at)?;
        let key = match value {
            Value::Tuple(id) => {
                let mut key = String::from("(");
                for item in self.items(*id).to_vec() {
                    let part = self.key(&item, at)?;
                    self.charge(part.len() / 16, at)?;
                    key.push_str(&format!("{}:{part}", part.len()));
                }
                key
            }
            Value::List(_) | Value::Dict(_) => {
                let kind = value.type_name();
                let message = format!("Value of type `{kind}` is not hashable");
                return Err(Fault::refused(at, message));
            }
            #[expect(clippy::cast_precision_loss, reason = "only asks whether it is whole")]
            Value::Int(number) => format!("n{:?}/{number}", *number as f64),
            Value::Float(_) => return Err(Fault::unsupported(at, "a float as a key")),
            Value::Text(text) => format!("s{text}"),
            other => format!("{}{}", other.type_name(), self.repr(other, at)?),
        };
        self.leave();
        Ok(key)
    }

    pub(super) fn equal(&mut self, left: &Value, right: &Value, at: usize) -> Result<bool, Fault> {
        self.enter(at)?;
        let result = match (left, right) {
            (Value::None, Value::None) => true,
            (Value::Bool(left), Value::Bool(right)) => left == right,
            (Value::Text(left), Value::Text(right)) => left == right,
            (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
                let (left, right) = (self.items(*left).to_vec(), self.items(*right).to_vec());
                self.charge(left.len(), at)?;
                let mut same = left.len() == right.len();
                for (left, right) in left.iter().zip(&right) {
                    same = same && self.equal(left, right, at)?;
                }
                same
            }
            (Value::Dict(left), Value::Dict(right)) => self.equal_dicts(*left, *right, at)?,
            (Value::Range(..), Value::Range(..)) => {
                return Err(Fault::unsupported(at, "comparing ranges"));
            }
            (Value::Function(left), Value::Function(right)) => left == right,
            (Value::Native(left), Value::Native(right)) => left == right,
            _ => match (number(left), number(right)) {
                (Some(_), Some(_)) => order_numbers(left, right) == Some(Ordering::Equal),
                _ => false,
            },
        };
        self.leave();
        Ok(result)
    }

    fn equal_dicts(&mut self, left: usize, right: usize, at: usize) -> Result<bool, Fault> {
        let left = self.dict(left).map(Dict::items).unwrap_or_default();
        let right = self.dict(right).cloned().unwrap_or_default();
        self.charge(left.len() + right.len(), at)?;
        if left.len() != right.len() {
            return Ok(false);
        }
        for (key, value) in left {
            let key = self.key(&key, at)?;
            match right.find(&key) {
                Some(other) if self.equal(&value, other, at)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    pub(super) fn order(
        &mut self,
        left: &Value,
        right: &Value,
        at: usize,
    ) -> Result<Ordering, Fault> {
        self.enter(at)?;
        let result = match (left, right) {
            (Value::Text(left), Value::Text(right)) => left.cmp(right),
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
                let (left, right) = (self.items(*left).to_vec(), self.items(*right).to_vec());
                let mut result = left.len().cmp(&right.len());
                for (left, right) in left.iter().zip(&right) {
                    let order = self.order(left, right, at)?;
                    if order != Ordering::Equal {
                        result = order;
                        break;
                    }
                }
                result
            }
            _ => match order_numbers(left, right) {
                Some(order) => order,
                None => return Err(unsupported_types("compare", left, right, at)),
            },
        };
        self.leave();
        Ok(result)
    }

    pub(super) fn binary(
        &mut self,
        operator: Binary,
        left: &Value,
        right: &Value,
        at: usize,
    ) -> Result<Value, Fault> {
        let order = |interpreter: &mut Self| interpreter.order(left, right, at);
        Ok(Value::Bool(match operator {
            Binary::Equal => self.equal(left, right, at)?,
            Binary::NotEqual => !self.equal(left, right, at)?,
            Binary::Less => order(self)? == Ordering::Less,
            Binary::Greater => order(self)? == Ordering::Greater,
            Binary::LessEqual => order(self)? != Ordering::Greater,
            Binary::GreaterEqual => order(self)? != Ordering::Less,
            Binary::In => self.contains(left, right, at)?,
            Binary::NotIn => !self.contains(left, right, at)?,
            Binary::Add
            | Binary::Subtract
            | Binary::Multiply
            | Binary::Divide
            | Binary::FloorDivide
            | Binary::Remainder
            | Binary::BitAnd
            | Binary::BitOr
            | Binary::BitXor
            | Binary::ShiftLeft
            | Binary::ShiftRight => return self.compute(operator, left, right, at),
        }))
    }

    fn contains(&mut self, item: &Value, holder: &Value, at: usize) -> Result<bool, Fault> {
        match (item, holder) {
            (Value::Text(item), Value::Text(text)) => {
                self.charge(text.len() / 16, at)?;
                Ok(text.contains(item.as_ref()))
            }
            (_, Value::Dict(id)) => {
                let key = self.key(item, at)?;
                Ok(self.dict(*id).is_some_and(|dict| dict.find(&key).is_some()))
            }
            (_, Value::List(_) | Value::Tuple(_) | Value::Range(..)) => {
                for other in self.iterate(holder, at)? {
                    if self.equal(item, &other, at)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(unsupported_types("in", holder, item, at)),
        }
    }

    fn compute(
        &mut self,
        operator: Binary,
        left: &Value,
        right: &Value,
        at: usize,
    ) -> Result<Value, Fault> {
        match (operator, left, right) {
            (_, Value::Int(left), Value::Int(right)) => integers(operator, *left, *right, at),
            (Binary::Add, Value::Text(left), Value::Text(right)) => {
                self.charge((left.len() + right.len()) / 16, at)?;
                Ok(Value::text(format!("{left}{right}")))
            }
            (Binary::Add, Value::List(left), Value::List(right)) => {
                let items = [self.items(*left), self.items(*right)].concat();
                self.charge(items.len(), at)?;
                Ok(self.new_list(items))
            }
            (Binary::Add, Value::Tuple(left), Value::Tuple(right)) => {
                let items = [self.items(*left), self.items(*right)].concat();
                self.charge(items.len(), at)?;
                Ok(self.new_tuple(items))
            }
            (Binary::Multiply, Value::Int(times), value)
            | (Binary::Multiply, value, Value::Int(times)) => self.times(value, *times, at),
            (Binary::Remainder, Value::Text(template), values) => {
                self.percent(template, values, at)
            }
            (Binary::BitOr, Value::Dict(left), Value::Dict(right)) => {
                let mut dict = self.dict(*left).cloned().unwrap_or_default();
                let more = self.dict(*right).map(Dict::items).unwrap_or_default();
                self.charge(dict.len() + more.len(), at)?;
                for (key, value) in more {
                    dict.set(self.key(&key, at)?, key, value);
                }
                Ok(self.new_dict(dict))
            }
            _ => match (number(left), number(right)) {
                (Some(left), Some(right)) => floats(operator, left, right, at),
                _ => Err(unsupported_types(operator.symbol(), left, right, at)),
            },
        }
    }

    fn times(&mut self, value: &Value, times: i64, at: usize) -> Result<Value, Fault> {
        let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
        match value {
            Value::Text(text) => {
                self.charge(text.len().saturating_mul(times) / 16, at)?;
                Ok(Value::text(text.repeat(times)))
            }
            Value::List(id) | Value::Tuple(id) => {
                self.charge(self.items(*id).len().saturating_mul(times), at)?;
                let items = self.items(*id);
                let times = if items.is_empty() { 0 } else { times };
                let items = (0..times).flat_map(|_| items.iter().cloned()).collect();
                let list = matches!(value, Value::List(_));
                Ok(if list { self.new_list(items) } else { self.new_tuple(items) })
            }
            Value::Float(_) => Err(Fault::unsupported(at, "this float operation")),
            other => Err(unsupported_types("*", other, &Value::Int(0), at)),
        }
    }

    pub(super) fn unary(operator: Unary, value: Value, at: usize) -> Result<Value, Fault> {
        let big = || Fault::unsupported(at, "an integer of more than 64 bits");
        match (operator, value) {
            (Unary::Minus, Value::Int(value)) => value.checked_neg().map(Value::Int).ok_or_else(big),
            (Unary::Plus, value @ (Value::Int(_) | Value::Float(_))) => Ok(value),
            (Unary::Minus, Value::Float(value)) => Ok(Value::Float(-value)),
            (Unary::Invert, Value::Int(value)) => Ok(Value::Int(!value)),
            (operator, value) => {
                let symbol = match operator {
                    Unary::Minus => "-",
                    Unary::Plus => "+",
                    Unary::Invert => "~",
                    Unary::Not => "not",
                };
                let kind = value.type_name();
                let message = format!("Operation `{symbol}` not supported on type `{kind}`");
                Err(Fault::refused(at, message))
            }
        }
    }

    pub(super) fn index(
        &mut self,
        object: &Value,
        index: &Value,
        at: usize,
    ) -> Result<Value, Fault> {
        let out_of_bound = |index: i64| {
            Fault::refused(at, format!("Index `{index}` is out of bound"))
        };
        match (object, index) {
            (Value::Dict(id), _) => {
                let key = self.key(index, at)?;
                if let Some(value) = self.dict(*id).and_then(|dict| dict.find(&key)) {
                    return Ok(value.clone());
                }
                let shown = self.repr(index, at)?;
                Err(Fault::refused(at, format!("Key `{shown}` was not found")))
            }
            (Value::List(id) | Value::Tuple(id), Value::Int(index)) => {
                let items = self.items(*id);
                let place = place(*index, items.len());
                place.and_then(|p| items.get(p)).cloned().ok_or_else(|| out_of_bound(*index))
            }
            (Value::Text(text), Value::Int(index)) => {
                self.charge(text.len() / 16, at)?;
                let place = place(*index, text.chars().count());
                let found = place.and_then(|place| text.chars().nth(place));
                let found = found.ok_or_else(|| out_of_bound(*index))?;
                Ok(Value::text(found.to_string()))
            }
            (Value::Range(..), Value::Int(_)) => Err(Fault::unsupported(at, "indexing a range")),
            _ => Err(unsupported_types("[]", object, index, at)),
        }
    }

    pub(super) fn set_index(
        &mut self,
        object: &Value,
        index: &Value,
        value: Value,
        at: usize,
    ) -> Result<(), Fault> {
        match (object, index) {
            (Value::Dict(id), _) => {
                let key = self.key(index, at)?;
                if let Object::Dict(dict) = self.change(*id, at)? {
                    dict.set(key, index.clone(), value);
                }
                Ok(())
            }
            (Value::List(id), Value::Int(number)) => {
                let place = place(*number, self.items(*id).len());
                let Object::List(items) = self.change(*id, at)? else { return Ok(()) };
                let Some(slot) = place.and_then(|place| items.get_mut(place)) else {
                    let message = format!("Index `{number}` is out of bound");
                    return Err(Fault::refused(at, message));
                };
                *slot = value;
                Ok(())
            }
            _ => {
                let kind = object.type_name();
                let message = format!("Operation `[]=` not supported on type `{kind}`");
                Err(Fault::refused(at, message))
            }
        }
    }

    pub(super) fn slice(
        &mut self,
        object: &Value,
        bounds: &[Option<Value>; 3],
        at: usize,
    ) -> Result<Value, Fault> {
        let mut numbers = [None; 3];
        for (number, bound) in numbers.iter_mut().zip(bounds) {
            *number = match bound {
                None | Some(Value::None) => None,
                Some(Value::Int(value)) => Some(*value),
                Some(other) => {
                    let message = format!("slice bound must be an int, not {}", other.type_name());
                    return Err(Fault::refused(at, message));
                }
            };
        }
        let items: Vec<Value> = match object {
            Value::List(id) | Value::Tuple(id) => self.items(*id).to_vec(),
            Value::Text(text) => {
                self.charge(text.len(), at)?;
                text.chars().map(|c| Value::text(c.to_string())).collect()
            }
            other => {
                let kind = other.type_name();
                let message = format!("Operation `[::]` not supported on type `{kind}`");
                return Err(Fault::refused(at, message));
            }
        };
        self.charge(items.len(), at)?;
        let Some(chosen) = sliced(&items, numbers) else {
            return Err(Fault::refused(at, "slice step cannot be zero"));
        };
        match object {
            Value::Tuple(_) => Ok(self.new_tuple(chosen)),
            Value::Text(_) => {
                let mut text = String::new();
                for part in chosen {
                    if let Value::Text(part) = part {
                        text.push_str(&part);
                    }
                }
                Ok(Value::text(text))
            }
            _ => Ok(self.new_list(chosen)),
        }
    }
}

pub(super) fn unsupported_types(operation: &str, left: &Value, right: &Value, at: usize) -> Fault {
    let (left, right) = (left.type_name(), right.type_name());
    let message = format!("Operation `{operation}` not supported for types `{left}` and `{right}`");
    Fault::refused(at, message)
}

/// How many numbers a range has.
pub(super) fn range_length(start: i64, stop: i64, step: i64) -> usize {
    let (from, to, step) = if step > 0 { (start, stop, step) } else { (stop, start, -step) };
    if from >= to {
        return 0;
    }
    let distance = i128::from(to) - i128::from(from);
    let step = i128::from(step);
    usize::try_from((distance + step - 1) / step).unwrap_or(usize::MAX)
}

fn sliced(items: &[Value], [start, stop, step]: [Option<i64>; 3]) -> Option<Vec<Value>> {
    let length = i64::try_from(items.len()).ok()?;
    let step = step.unwrap_or(1);
    if step == 0 {
        return None;
    }
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |value: i64| {
        (if value < 0 { value.saturating_add(length) } else { value }).clamp(low, high)
    };
    let start = start.map_or(if step > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
    let mut chosen = vec![];
    let mut next = start;
    while (step > 0 && next < stop) || (step < 0 && next > stop) {
        chosen.extend(usize::try_from(next).ok().and_then(|place| items.get(place)).cloned());
        next = next.saturating_add(step);
    }
    Some(chosen)
}

/// Place in a sequence of `length`; a negative index counts from the end.
pub(super) fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { index.checked_add(length)? } else { index };
    usize::try_from(place).ok().filter(|_| place < length)
}

#[expect(clippy::cast_precision_loss, reason = "what an int next to a float becomes")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

fn order_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        _ => number(left)?.partial_cmp(&number(right)?),
    }
}

fn integers(operator: Binary, left: i64, right: i64, at: usize) -> Result<Value, Fault> {
    if right == 0 {
        let message = match operator {
            Binary::FloorDivide => Some(format!("Floor division by zero: {left} // 0")),
            Binary::Remainder => Some(format!("Modulo by zero: {left} % 0")),
            Binary::Divide => Some(format!("Division by zero: {left} / 0")),
            _ => None,
        };
        if let Some(message) = message {
            return Err(Fault::refused(at, message));
        }
    }
    let shift = u32::try_from(right).ok().filter(|shift| *shift < 63);
    let result = match operator {
        Binary::Add => left.checked_add(right),
        Binary::Subtract => left.checked_sub(right),
        Binary::Multiply => left.checked_mul(right),
        Binary::FloorDivide => left.checked_div(right).and_then(|quotient| {
            let exact = left.checked_rem(right)? == 0;
            if exact || (left < 0) == (right < 0) { Some(quotient) } else { quotient.checked_sub(1) }
        }),
        Binary::Remainder => left.checked_rem(right).map(|rest| {
            if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }
        }),
        Binary::BitAnd => Some(left & right),
        Binary::BitOr => Some(left | right),
        Binary::BitXor => Some(left ^ right),
        Binary::ShiftLeft => {
            shift.and_then(|shift| left.checked_mul(1_i64.checked_shl(shift)?))
        }
        Binary::ShiftRight => shift.map(|shift| left >> shift),
        #[expect(clippy::cast_precision_loss, reason = "`/` gives a float")]
        Binary::Divide => return Ok(Value::Float(left as f64 / right as f64)),
        _ => None,
    };
    result.map(Value::Int).ok_or_else(|| Fault::unsupported(at, "an integer of more than 64 bits"))
}

fn floats(operator: Binary, left: f64, right: f64, at: usize) -> Result<Value, Fault> {
    Ok(Value::Float(match operator {
        Binary::Add => left + right,
        Binary::Subtract => left - right,
        Binary::Multiply => left * right,
        Binary::Divide if right != 0.0 => left / right,
        _ => return Err(Fault::unsupported(at, "this float operation")),
    }))
}
