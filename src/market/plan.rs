//! What goes together into one push (rule C5). Pure: the oldest usage is handed in first, and one request comes out.

use super::metering::{Entity, MAX_ENTITIES, MAX_RECORDS, Record, query_bytes};
use crate::domain::value::Instant;

/// What an instance used of one item in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Names it to the caller.
    pub id: i64,
    pub instance_id: String,
    pub start: Instant,
    pub end: Instant,
    pub key: String,
    pub value: u64,
    pub assit: Option<String>,
    /// Two pieces of the same item and window, as of two organizations that paid through one instance within an hour, are
    /// added; of levels the larger one counts.
    pub is_sum: bool,
}

/// Limits of a request beside those of the marketplace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the encoded parameter.
    pub query_bytes: usize,
    /// Items over all records; fewer than the marketplace allows while one that spoils its request is looked for.
    pub entities: usize,
    /// Instances; one where a refused request might have been taken in part.
    pub instances: usize,
}

/// A request, and which pieces it carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    pub ids: Vec<i64>,
    pub records: Vec<Record>,
    pub entities: usize,
}

/// The next request of these pieces, which are all of one product and come in the order in which they are urgent. What it
/// leaves is for later requests; those of the same instance have to wait ([`super::metering::MIN_INTERVAL_MS`]).
#[must_use]
pub fn next(pieces: &[Piece], limits: Limits) -> Planned {
    let most_entities = limits.entities.clamp(1, MAX_ENTITIES);
    let mut planned = Planned::default();
    let mut instances: Vec<&str> = Vec::new();
    let mut bytes = query_bytes(&[]);
    for piece in pieces {
        let is_known = instances.contains(&piece.instance_id.as_str());
        if !is_known && instances.len() >= limits.instances.max(1) {
            continue;
        }
        let at = planned.records.iter().position(|r| r.instance_id == piece.instance_id && r.start == piece.start);
        if let Some(same) = at.and_then(|at| {
            let record = planned.records.get_mut(at)?;
            record.end = record.end.max(piece.end);
            record.entities.iter_mut().find(|entity| entity.key == piece.key)
        }) {
            same.value =
                if piece.is_sum { same.value.saturating_add(piece.value) } else { same.value.max(piece.value) };
            planned.ids.push(piece.id);
            continue;
        }
        let alone = alone(piece);
        // Too much by what joined records share, never too little.
        let more = query_bytes(std::slice::from_ref(&alone)) - query_bytes(&[]) + SEPARATOR + SUM_DIGITS;
        let is_first = planned.ids.is_empty();
        let is_full = planned.entities >= most_entities
            || bytes + more > limits.query_bytes
            || at.is_none() && planned.records.len() >= MAX_RECORDS;
        if is_full && !is_first {
            continue;
        }
        bytes += more;
        planned.entities += 1;
        planned.ids.push(piece.id);
        match at.and_then(|at| planned.records.get_mut(at)) {
            Some(record) => record.entities.extend(alone.entities),
            None => planned.records.push(alone),
        }
        if !is_known {
            instances.push(&piece.instance_id);
        }
    }
    planned
}

/// An encoded comma.
const SEPARATOR: usize = "%2C".len();
/// Added values may grow by so many digits before they are cut off at the largest number.
const SUM_DIGITS: usize = 20;

fn alone(piece: &Piece) -> Record {
    Record {
        instance_id: piece.instance_id.clone(),
        start: piece.start,
        end: piece.end,
        entities: vec![Entity { key: piece.key.clone(), value: piece.value, assit: piece.assit.clone() }],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::value::HOUR_MS;

    const LIMITS: Limits = Limits { query_bytes: 7 * 1024, entities: MAX_ENTITIES, instances: usize::MAX };

    fn piece(id: i64, instance: &str, hour: i64, key: &str, value: u64) -> Piece {
        let start = Instant::from_ms(1_700_000_000_000 - 1_700_000_000_000 % HOUR_MS + hour * HOUR_MS);
        Piece {
            id,
            instance_id: instance.into(),
            start,
            end: start.plus_ms(HOUR_MS),
            key: key.into(),
            value,
            assit: Some(format!("cmgj-{key}-1")),
            is_sum: key != "Storage",
        }
    }

    #[test]
    fn items_of_an_hour_share_a_record_and_hours_do_not() {
        let pieces = [
            piece(1, "a", 0, "Period", 5),
            piece(2, "a", 0, "Storage", 7),
            piece(3, "a", 1, "Period", 1),
            piece(4, "b", 0, "Period", 2),
        ];
        let planned = next(&pieces, LIMITS);
        assert_eq!((planned.ids.as_slice(), planned.entities), ([1, 2, 3, 4].as_slice(), 4));
        let shape: Vec<_> = planned.records.iter().map(|r| (r.instance_id.as_str(), r.entities.len())).collect();
        assert_eq!(shape, [("a", 2), ("a", 1), ("b", 1)]);
    }

    #[test]
    fn two_organizations_of_one_instance_and_hour_are_one_number() {
        let pieces = [
            piece(1, "a", 0, "Period", 5),
            piece(2, "a", 0, "Period", 6),
            piece(3, "a", 0, "Storage", 9),
            piece(4, "a", 0, "Storage", 7),
        ];
        let planned = next(&pieces, LIMITS);
        let values: Vec<u64> = planned.records.iter().flat_map(|r| &r.entities).map(|e| e.value).collect();
        assert_eq!((planned.records.len(), values, planned.ids.len()), (1, vec![11, 9], 4));
    }

    #[test]
    fn limits_that_were_lowered_hold() {
        let pieces: Vec<_> = (0..5).map(|n| piece(n, &n.to_string(), 0, "Period", 1)).collect();
        assert_eq!(next(&pieces, Limits { entities: 2, ..LIMITS }).ids, [0, 1]);
        assert_eq!(next(&pieces, Limits { instances: 1, ..LIMITS }).ids, [0]);
        assert_eq!(next(&pieces, Limits { query_bytes: 1, ..LIMITS }).ids, [0], "one always goes");
        assert_eq!(next(&[], LIMITS), Planned::default());
    }

    proptest! {
        #[test]
        fn every_request_keeps_the_limits_and_nothing_is_left_behind(
            many in prop::collection::vec((0_u8..60, 0_i64..4, prop::sample::select(&["Period", "Storage", "KTokens"]), any::<u32>()), 0..300),
            entities in 1_usize..120, query_bytes in 300_usize..8_000,
        ) {
            let mut left: Vec<_> = many.iter().zip(0..)
                .map(|((instance, hour, key, value), id)| piece(id, &format!("8604{instance}"), *hour, key, u64::from(*value)))
                .collect();
            let limits = Limits { query_bytes, entities, instances: usize::MAX };
            let (mut sums, all) = (0, left.iter().filter(|p| p.is_sum).map(|p| p.value).sum::<u64>());
            while !left.is_empty() {
                let planned = next(&left, limits);
                prop_assert!(!planned.ids.is_empty());
                prop_assert!(planned.records.len() <= MAX_RECORDS && planned.entities <= entities.min(MAX_ENTITIES));
                prop_assert_eq!(planned.entities, planned.records.iter().map(|r| r.entities.len()).sum::<usize>());
                prop_assert!(planned.entities == 1 || super::query_bytes(&planned.records) <= query_bytes);
                let windows: HashSet<_> = planned.records.iter().map(|r| (&r.instance_id, r.start)).collect();
                prop_assert_eq!(windows.len(), planned.records.len(), "one record per instance and hour");
                sums += planned.records.iter().flat_map(|r| &r.entities).filter(|e| e.key != "Storage").map(|e| e.value).sum::<u64>();
                let gone: HashSet<i64> = planned.ids.iter().copied().collect();
                prop_assert_eq!(gone.len(), planned.ids.len());
                left.retain(|piece| !gone.contains(&piece.id));
            }
            prop_assert_eq!(sums, all, "amounts are neither lost nor counted twice");
        }
    }
}
