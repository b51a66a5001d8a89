//! What goes together into pushes (rule C5). Pure: the oldest usage is handed in first, and requests come out.

use std::collections::HashMap;

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

/// A request, and which pieces it carries; empty if there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Planned {
    pub ids: Vec<i64>,
    pub records: Vec<Record>,
    pub entities: usize,
}

/// The next request of these pieces, which are all of one product and come in the order in which they are urgent. Only an
/// instance that is too large for a request is split: what is left of it has to wait ([`super::metering::MIN_INTERVAL_MS`]).
#[must_use]
pub fn next(pieces: &[Piece], limits: Limits) -> Planned {
    let mut request = Request::new(limits);
    for slots in by_instance(pieces) {
        let is_first = request.instances == 0;
        if let Some(slots) = request.take_whole(slots)
            && is_first
        {
            request.take_part(slots);
        }
    }
    request.planned
}

/// One number of a request, and the pieces that it is made of.
struct Slot {
    record: Record,
    ids: Vec<i64>,
    is_sum: bool,
}

/// What each instance used, each number of a window once: a part of it that came later would overlap what was pushed.
fn by_instance(pieces: &[Piece]) -> Vec<Vec<Slot>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut instances: Vec<Vec<Slot>> = Vec::new();
    for piece in pieces {
        let at = *places.entry(&piece.instance_id).or_insert_with(|| {
            instances.push(Vec::new());
            instances.len() - 1
        });
        let Some(slots) = instances.get_mut(at) else { continue };
        let same = slots.iter_mut().find(|slot| {
            slot.record.start == piece.start && slot.record.entities.iter().any(|entity| entity.key == piece.key)
        });
        match same {
            Some(slot) => slot.add(piece),
            None => slots.push(Slot { record: alone(piece), ids: vec![piece.id], is_sum: piece.is_sum }),
        }
    }
    instances
}

impl Slot {
    fn add(&mut self, piece: &Piece) {
        self.ids.push(piece.id);
        self.record.end = self.record.end.max(piece.end);
        for entity in &mut self.record.entities {
            entity.value =
                if self.is_sum { entity.value.saturating_add(piece.value) } else { entity.value.max(piece.value) };
        }
    }
}

/// A request that is being filled.
struct Request {
    limits: Limits,
    planned: Planned,
    instances: usize,
    bytes: usize,
}

impl Request {
    fn new(limits: Limits) -> Self {
        let limits = Limits { entities: limits.entities.clamp(1, MAX_ENTITIES), ..limits };
        Self { limits, planned: Planned::default(), instances: 0, bytes: query_bytes(&[]) }
    }

    /// Takes what an instance used, or hands it back if it does not fit.
    fn take_whole(&mut self, slots: Vec<Slot>) -> Option<Vec<Slot>> {
        let records = join(slots.iter().map(|slot| slot.record.clone()));
        let bytes = self.bytes + cost(&records);
        let fits = self.instances < self.limits.instances.max(1)
            && bytes <= self.limits.query_bytes
            && self.planned.records.len() + records.len() <= MAX_RECORDS
            && self.planned.entities + slots.len() <= self.limits.entities;
        if !fits {
            return Some(slots);
        }
        self.bytes = bytes;
        self.instances += 1;
        self.planned.entities += slots.len();
        self.planned.ids.extend(slots.into_iter().flat_map(|slot| slot.ids));
        self.planned.records.extend(records);
        None
    }

    /// Takes of an instance what fits into a request of its own: the most urgent in any case, and the rest is left.
    fn take_part(&mut self, slots: Vec<Slot>) {
        self.instances += 1;
        for slot in slots {
            let records = join(self.planned.records.iter().cloned().chain([slot.record]));
            let bytes = query_bytes(&[]) + cost(&records);
            let fits = bytes <= self.limits.query_bytes
                && records.len() <= MAX_RECORDS
                && self.planned.entities < self.limits.entities;
            if fits || self.planned.ids.is_empty() {
                self.planned.entities += 1;
                self.planned.ids.extend(slot.ids);
                self.planned.records = records;
                self.bytes = bytes;
            }
        }
    }
}

/// Puts the items of an instance's window into one record.
fn join(all: impl Iterator<Item = Record>) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for one in all {
        match records.iter_mut().find(|record| record.start == one.start) {
            Some(record) => {
                record.end = record.end.max(one.end);
                record.entities.extend(one.entities);
            }
            None => records.push(one),
        }
    }
    records
}

/// Bytes that these records add to a request, with what parts them from those before.
fn cost(records: &[Record]) -> usize {
    query_bytes(records) - query_bytes(&[]) + SEPARATOR
}

/// An encoded comma.
const SEPARATOR: usize = "%2C".len();

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

    #[test]
    fn what_reaches_a_limit_exactly_still_goes() {
        let many = |instances: i64, hours: i64| -> Vec<Piece> {
            let each = |id| piece(id, &(id / hours).to_string(), id % hours, "Period", 1);
            (0..instances * hours).map(each).collect()
        };
        let wide = Limits { query_bytes: usize::MAX, ..LIMITS };
        let records = |pieces: &[Piece], limits| next(pieces, limits).records.len();
        assert_eq!(records(&many(101, 1), wide), MAX_RECORDS, "whole instances");
        assert_eq!(records(&many(1, 101), wide), MAX_RECORDS, "a part of one");
        let (three, of_one) = (many(3, 1), many(1, 3));
        for (pieces, what) in [(&three, "whole instances"), (&of_one, "a part of one")] {
            let of_two: Vec<Record> = pieces[..2].iter().map(alone).collect();
            // The separator is counted before the first record as well.
            let limits = |bytes| Limits { query_bytes: bytes, ..LIMITS };
            assert_eq!(records(pieces, limits(query_bytes(&of_two) + SEPARATOR)), 2, "{what}");
            assert_eq!(records(pieces, limits(query_bytes(&of_two) + SEPARATOR - 1)), 1, "{what}");
        }
        assert_eq!(records(&three, Limits { entities: 0, instances: 0, ..LIMITS }), 1, "one always goes");
        let items = many(101, 1);
        assert!(next(&items, Limits { entities: usize::MAX, ..wide }).entities <= MAX_ENTITIES);
    }

    #[test]
    fn a_window_ends_with_the_last_of_its_pieces() {
        let short = |id, key| {
            let whole = piece(id, "a", 0, key, 1);
            Piece { end: whole.start.plus_ms(HOUR_MS / 2), ..whole }
        };
        for pieces in
            [[short(1, "Period"), piece(2, "a", 0, "Period", 1)], [short(1, "Period"), piece(2, "a", 0, "Storage", 1)]]
        {
            let planned = next(&pieces, LIMITS);
            let ends: Vec<Instant> = planned.records.iter().map(|record| record.end).collect();
            assert_eq!(ends, [pieces[1].end]);
        }
    }

    #[test]
    fn an_instance_is_split_only_if_it_is_too_large_for_a_request() {
        let three = |n: i64, instance: &str| {
            [(n, "Period"), (n + 1, "Storage"), (n + 2, "KTokens")].map(|(id, key)| piece(id, instance, 0, key, 1))
        };
        let pieces = [three(0, "a"), three(10, "b"), three(20, "c")].concat();
        let ids = |limits| next(&pieces, limits).ids;
        assert_eq!(ids(Limits { entities: 5, ..LIMITS }), [0, 1, 2], "b is not begun");
        assert_eq!(ids(LIMITS), [0, 1, 2, 10, 11, 12, 20, 21, 22]);
        assert_eq!(ids(Limits { entities: 2, ..LIMITS }), [0, 1], "the rest waits for its minute");
    }

    #[test]
    fn what_belongs_to_one_number_travels_together_however_full_the_request_is() {
        // The large first part does not fit behind the others, the small second one alone would.
        let long = "9".repeat(15).parse().unwrap_or(0);
        let pieces = [piece(1, "a", 0, "Period", 1), piece(2, "b", 0, "Period", long), piece(3, "b", 0, "Period", 1)];
        let both = [alone(&pieces[0]), alone(&pieces[2])];
        let limits = Limits { query_bytes: query_bytes(&both), ..LIMITS };
        assert_eq!(next(&pieces, limits).ids, [1]);
        let split = [piece(1, "a", 0, "Storage", 1), piece(2, "a", 0, "Period", long), piece(3, "a", 0, "Period", 1)];
        let limits = Limits {
            query_bytes: query_bytes(&join([alone(&split[0]), alone(&split[2])].into_iter())) + SEPARATOR,
            ..LIMITS
        };
        assert_eq!(next(&split, limits).ids, [1], "within an instance, too");
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
            let mut rounds = 0;
            while !left.is_empty() {
                let planned = next(&left, limits);
                rounds += 1;
                prop_assert!(!planned.ids.is_empty() && rounds <= 300);
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
