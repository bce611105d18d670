//! JSON from a child, parsed under a budget.
//!
//! The length of a JSON text says little about the memory that its value
//! takes: `[{"":0},{"":0}...]` grows ninetyfold. Each value costs one, each
//! object as much as its table takes.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What one object costs, in values: its first table node holds eleven.
const OBJECT_COST: usize = 16;

/// The value of this JSON text, when it has at most `budget` values.
///
/// # Errors
/// When it is not JSON, nests over 128 deep, or has too many values.
pub fn value_from_slice(text: &[u8], budget: usize) -> serde_json::Result<Value> {
    let left = Cell::new(budget);
    let mut source = serde_json::Deserializer::from_slice(text);
    let value = Budgeted(&left).deserialize(&mut source)?;
    source.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Budgeted<'a>(&'a Cell<usize>);

impl Budgeted<'_> {
    fn spend<E: serde::de::Error>(self, cost: usize) -> Result<(), E> {
        match self.0.get().checked_sub(cost) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(E::custom("too many values")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Budgeted<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        self.spend::<D::Error>(1)?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Budgeted<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.spend::<A::Error>(OBJECT_COST)?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.spend::<A::Error>(1)?;
            let value = entries.next_value_seed(self)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom("a key that occurs twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_as_serde_json() {
        let text = r#"{"a":[1,-2,3.5,true,null,"é\n"],"b":{"c":{}},"d":18446744073709551615}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(value_from_slice(text.as_bytes(), 100).unwrap(), expected);
    }

    #[test]
    fn just_enough_and_one_too_few() {
        let text = b"[1,2,3]";
        assert!(value_from_slice(text, 4).is_ok());
        assert!(value_from_slice(text, 3).is_err());
        assert!(value_from_slice(b"[{}]", 1 + 1 + OBJECT_COST).is_ok());
        assert!(value_from_slice(b"[{}]", OBJECT_COST).is_err());
    }

    #[test]
    fn not_json() {
        for text in [&b""[..], b"{", b"1 2", b"\xff", b"{\"a\":1,\"a\":2}", &b"[".repeat(100_000)] {
            assert!(value_from_slice(text, 1_000_000).is_err());
        }
    }
}
