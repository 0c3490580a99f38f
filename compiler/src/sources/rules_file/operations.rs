//! Operators, truth, equality, order, indexing and iteration.

use std::cmp::Ordering;

use super::Fault;
use super::interpreter::Interpreter;
use super::syntax::{Binary, Unary};
use super::values::{Dict, Value};

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
            Value::Range(start, stop, stride) => range_length(*start, *stop, *stride) > 0,
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
            Value::Range(start, stop, stride) => {
                let length = range_length(*start, *stop, *stride);
                self.charge(length, at)?;
                let mut next = *start;
                let mut items = vec![];
                for _ in 0..length {
                    items.push(Value::Int(next));
                    next = next.saturating_add(*stride);
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
                    key.extend([part.len().to_string().as_str(), ":", part.as_str()]);
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
            (_, Value::Text(_)) => {
                let (kind, shown) = (item.type_name(), self.repr(item, at)?);
                let message = format!(
                    "Type of parameters mismatch, expected `str`, actual `{kind} (repr: {shown})`"
                );
                Err(Fault::refused(at, message))
            }
            _ => Err(unsupported_types("in", item, holder, at)),
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
            (Unary::Minus, Value::Int(value)) => {
                value.checked_neg().map(Value::Int).ok_or_else(big)
            }
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
}

pub(super) fn unsupported_types(operation: &str, left: &Value, right: &Value, at: usize) -> Fault {
    let (left, right) = (left.type_name(), right.type_name());
    let message = format!("Operation `{operation}` not supported for types `{left}` and `{right}`");
    Fault::refused(at, message)
}

/// How many numbers a range has.
pub(super) fn range_length(start: i64, stop: i64, stride: i64) -> usize {
    let (from, to, stride) =
        if stride > 0 { (start, stop, stride) } else { (stop, start, -stride) };
    if from >= to {
        return 0;
    }
    let distance = i128::from(to) - i128::from(from);
    let stride = i128::from(stride);
    usize::try_from((distance + stride - 1) / stride).unwrap_or(usize::MAX)
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
            if exact || (left < 0) == (right < 0) {
                Some(quotient)
            } else {
                quotient.checked_sub(1)
            }
        }),
        Binary::Remainder => left
            .checked_rem(right)
            .map(|rest| if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }),
        Binary::BitAnd => Some(left & right),
        Binary::BitOr => Some(left | right),
        Binary::BitXor => Some(left ^ right),
        Binary::ShiftLeft => shift.and_then(|shift| left.checked_mul(1_i64.checked_shl(shift)?)),
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
