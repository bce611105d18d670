//! Unpacking zlib's format (RFC 1950), within bounds.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::source::Budget;

/// What came out, and how it ended.
pub(crate) struct Inflated {
    pub bytes: Vec<u8>,
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All of it.
    Whole,
    /// There is more than was asked for.
    Cut,
    /// It is damaged from there on, or ends too early.
    Damaged,
}

/// Unpacks at most `most_bytes`, and no more than the budget has left: a few
/// bytes may unpack to a thousand times as many.
pub(crate) fn inflate(packed: &[u8], most_bytes: u64, budget: &Budget) -> Inflated {
    let most_bytes = most_bytes.min(budget.left_bytes());
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(packed).take(most_bytes.saturating_add(1)).read_to_end(&mut bytes);
    let is_more = bytes.len() as u64 > most_bytes;
    budget.spend(bytes.len() as u64);
    bytes.truncate(usize::try_from(most_bytes).unwrap_or(usize::MAX));
    let end = match read {
        Err(_) => End::Damaged,
        Ok(_) if is_more => End::Cut,
        Ok(_) => End::Whole,
    };
    Inflated { bytes, end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::ZlibEncoder};
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn whole_cut_and_damaged() {
        let budget = Budget::new(10_000);
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n * n % 251) as u8).collect();
        let small = packed(&bytes);
        let found = inflate(&small, 1000, &budget);
        assert_eq!((found.bytes.as_slice(), found.end), (bytes.as_slice(), End::Whole));
        let found = inflate(&small, 999, &budget);
        assert_eq!((found.bytes.len(), found.end), (999, End::Cut));
        let found = inflate(&small[..small.len() / 2], 1000, &budget);
        assert_eq!(found.end, End::Damaged);
        assert_eq!(found.bytes, bytes[..found.bytes.len()]);
        assert_eq!(inflate(b"none", 1000, &budget).end, End::Damaged);
    }

    #[test]
    fn a_bomb_costs_no_more_than_the_budget() {
        let budget = Budget::new(5000);
        let bomb = packed(&vec![0; 10 << 20]);
        assert_eq!(inflate(&bomb, 3000, &budget).bytes.len(), 3000);
        assert_eq!(inflate(&bomb, 3000, &budget).bytes.len(), 1999);
        assert!(budget.is_spent());
        assert_eq!(inflate(&bomb, 3000, &budget).bytes.len(), 0);
    }
}
