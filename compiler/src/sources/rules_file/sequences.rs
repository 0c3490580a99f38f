//! Indexing and slicing.

use super::Fault;
use super::interpreter::Interpreter;
use super::operations::unsupported_types;
use super::values::{Object, Value};

impl Interpreter {
    pub(super) fn index(
        &mut self,
        object: &Value,
        index: &Value,
        at: usize,
    ) -> Result<Value, Fault> {
        let out_of_bound =
            |index: i64| Fault::refused(at, format!("Index `{index}` is out of bound"));
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

fn sliced(items: &[Value], [start, stop, stride]: [Option<i64>; 3]) -> Option<Vec<Value>> {
    let length = i64::try_from(items.len()).ok()?;
    let stride = stride.unwrap_or(1);
    if stride == 0 {
        return None;
    }
    let (low, high) = if stride > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |value: i64| {
        (if value < 0 { value.saturating_add(length) } else { value }).clamp(low, high)
    };
    let start = start.map_or(if stride > 0 { low } else { high }, clamp);
    let stop = stop.map_or(if stride > 0 { high } else { low }, clamp);
    let mut chosen = vec![];
    let mut next = start;
    while (stride > 0 && next < stop) || (stride < 0 && next > stop) {
        chosen.extend(usize::try_from(next).ok().and_then(|place| items.get(place)).cloned());
        next = next.saturating_add(stride);
    }
    Some(chosen)
}

/// Place in a sequence of `length`; a negative index counts from the end.
pub(super) fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { index.checked_add(length)? } else { index };
    usize::try_from(place).ok().filter(|_| place < length)
}
