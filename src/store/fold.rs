//! Folds the log into the file beside the writer, so that nobody waits for it who waits for a write. What is left to the
//! writer is to begin the log anew, which it can only when everything is folded in, and then little is left to fold.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::Bell;

/// Pages of the log that are worth it.
const WORTH: i64 = 1_000;
/// From so many pages on the writer folds in what is left after each COMMIT: half of what the log may keep on disk.
pub(super) const WRITERS: i64 = 8_000;
/// Near to that, fewer are worth it, so that the writer finds little.
const NEAR: i64 = WRITERS * 3 / 4;
const WORTH_NEAR: i64 = 100;
/// Between two looks, while there are writes.
const BREATH: Duration = Duration::from_millis(10);
/// Without any write, it looks whether it is over.
const NAP: Duration = Duration::from_mins(1);

/// The priority of the thread: what it copies in one go would keep the writer off the processor for milliseconds, where there
/// are few.
const NICE: i32 = 10;

/// Works until the bell, which is rung after each COMMIT, says that it is over.
pub(super) fn run(conn: &Connection, commits: &Arc<Bell>) {
    // Without the right to it the log is folded at normal priority.
    let _refused = rustix::process::setpriority_process(None, NICE);
    let mut known = 0;
    loop {
        known = commits.wait(known, NAP);
        if commits.is_stopping() {
            return;
        }
        if let Err(cause) = fold(conn) {
            // A full disk, or somebody else who does it: the writer's turn comes.
            tracing::debug!(%cause, "the log was not folded in");
        }
        std::thread::sleep(BREATH);
    }
}

fn fold(conn: &Connection) -> rusqlite::Result<()> {
    let (pages, folded) = look(conn, "NOOP")?;
    if is_worth(pages, folded) {
        look(conn, "PASSIVE")?;
    }
    Ok(())
}

/// Never when it is the writer's turn: where others need the processors, this thread is slow, and as long as it folds the
/// writer can neither fold nor begin the log anew.
fn is_worth(pages: i64, folded: i64) -> bool {
    pages < WRITERS && pages - folded >= if pages < NEAR { WORTH } else { WORTH_NEAR }
}

/// Pages of the log, and how many of them are in the file, after a checkpoint of this kind.
pub(super) fn look(conn: &Connection, kind: &str) -> rusqlite::Result<(i64, i64)> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({kind})"), (), |row| Ok((row.get(1)?, row.get(2)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_pages_are_worth_it_and_near_the_writers_turn_a_hundred_and_from_then_on_none() {
        for (pages, folded, is) in [
            (-1, -1, false),
            (999, 0, false),
            (1_000, 0, true),
            (5_000, 4_001, false),
            (6_000, 5_950, false),
            (6_000, 5_900, true),
            (7_999, 0, true),
            (8_000, 0, false),
        ] {
            assert_eq!(is_worth(pages, folded), is, "{pages} {folded}");
        }
    }
}
