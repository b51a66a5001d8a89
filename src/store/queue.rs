//! The bounded line in front of the database's threads: two lanes, so that what must get through is
//! never behind what can wait (rules B4).

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a thread that asked for work was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Work,
    /// Nothing came within the time it wanted to wait.
    Idle,
    /// The line is closed and empty: there will never be any more.
    Closed,
}

pub(super) struct Queue<J> {
    lanes: Mutex<Lanes<J>>,
    wake: Condvar,
    /// Most jobs that wait in the ordinary lane. Whoever fills the reserved lane bounds it.
    places: usize,
}

struct Lanes<J> {
    ordinary: VecDeque<J>,
    reserved: VecDeque<J>,
    /// Threads that sleep: a job that finds none of them needs no system call to be noticed.
    asleep: usize,
    closed: bool,
}

impl<J> Queue<J> {
    pub(super) fn new(places: usize) -> Self {
        let lanes = Lanes { ordinary: VecDeque::new(), reserved: VecDeque::new(), asleep: 0, closed: false };
        Self { lanes: Mutex::new(lanes), wake: Condvar::new(), places }
    }

    /// Lines a job up in the ordinary lane; hands it back if there is no place or the line is closed.
    pub(super) fn push(&self, job: J) -> Result<(), J> {
        let mut lanes = self.lock();
        if lanes.closed || lanes.ordinary.len() >= self.places {
            return Err(job);
        }
        lanes.ordinary.push_back(job);
        self.wake_one(lanes);
        Ok(())
    }

    /// Lines a job up in the reserved lane, for which the caller holds a place; hands it back if the line is closed.
    pub(super) fn push_reserved(&self, job: J) -> Result<(), J> {
        let mut lanes = self.lock();
        if lanes.closed {
            return Err(job);
        }
        lanes.reserved.push_back(job);
        self.wake_one(lanes);
        Ok(())
    }

    /// Moves up to `most` jobs into `jobs`, reserved ones first, sleeping up to `patience` for the first one.
    /// Returns how many of them came from the reserved lane, too.
    pub(super) fn take(&self, jobs: &mut Vec<J>, most: usize, patience: Option<Duration>) -> (Taken, usize) {
        let mut lanes = self.lock();
        loop {
            let reserved = move_front(&mut lanes.reserved, jobs, most);
            let ordinary = move_front(&mut lanes.ordinary, jobs, most - reserved);
            if reserved + ordinary > 0 {
                return (Taken::Work, reserved);
            }
            if lanes.closed {
                return (Taken::Closed, 0);
            }
            if patience == Some(Duration::ZERO) {
                return (Taken::Idle, 0);
            }
            lanes.asleep += 1;
            let mut idle = false;
            match patience {
                None => lanes = self.wake.wait(lanes).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let woken = self.wake.wait_timeout(lanes, patience).unwrap_or_else(PoisonError::into_inner);
                    lanes = woken.0;
                    idle = woken.1.timed_out() && lanes.len() == 0 && !lanes.closed;
                }
            }
            lanes.asleep -= 1;
            if idle {
                return (Taken::Idle, 0);
            }
        }
    }

    /// Refuses every further job; those that wait are still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// How many jobs wait, in both lanes.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn wake_one(&self, lanes: MutexGuard<'_, Lanes<J>>) {
        let asleep = lanes.asleep > 0;
        drop(lanes);
        if asleep {
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lanes<J>> {
        // Nothing here can panic half-way, so a poisoned line is still a line.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Lanes<J> {
    fn len(&self) -> usize {
        self.ordinary.len() + self.reserved.len()
    }
}

fn move_front<J>(lane: &mut VecDeque<J>, jobs: &mut Vec<J>, most: usize) -> usize {
    let count = lane.len().min(most);
    jobs.extend(lane.drain(..count));
    count
}
