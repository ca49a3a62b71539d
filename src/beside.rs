//! Large files in pieces: a thread of their own makes them (inflates, reads), while the caller's uses them (hashes, writes).
//!
//! Owns: that the pieces arrive in order, that few of them wait, and that neither side waits for one that has ended.
//! Never: calls a sink on another thread than its caller's.

use std::sync::mpsc::{channel, sync_channel};
use std::thread;

use crate::memory::Buffer;

/// The size of a file from which on a second thread pays, in bytes.
pub(crate) const FROM: u64 = 4 << 20;
/// The size of a piece, in bytes: what stays near the processor until it is hashed and written.
pub(crate) const PIECE: usize = 256 << 10;
/// How many pieces there are, whether they wait or are worked on.
const PIECES: usize = 4;

/// Whether a second thread can run beside this one.
pub(crate) fn has_cores() -> bool {
    thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
}

/// Hands what `next` puts into a buffer to `sink`, until `next` says that this was all. `None`, before anything was asked
/// for, where no second thread is to be had, or no core for it. `given_up` is what `next` would have ended in, where nobody
/// took its pieces; nobody is told then.
///
/// Each side ends when the other one does, also by a panic: what a thread drops closes the channel that the other waits at.
/// All threads of a pool may be here at once, since none of them waits for another.
pub(crate) fn hand_over<P: Send, E>(
    mut next: impl FnMut(&mut [u8]) -> Result<Option<usize>, P> + Send,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    given_up: P,
) -> Option<Result<Result<(), E>, P>> {
    if !has_cores() {
        return None;
    }
    thread::scope(|scope| {
        let (full, pieces) = sync_channel(PIECES);
        let (empty, buffers) = channel::<Buffer>();
        let make = move || {
            while let Ok(mut buffer) = buffers.recv() {
                let Some(given) = next(&mut buffer)? else { return Ok(()) };
                if full.send((buffer, given)).is_err() {
                    break;
                }
            }
            // Nobody takes pieces any more, and whoever took them has an error to tell.
            Err(given_up)
        };
        let making = thread::Builder::new().name("pipward-pieces".to_owned());
        let making = making.spawn_scoped(scope, make).ok()?;
        for _ in 0..PIECES {
            // Where this fails, the other side has ended already.
            let _ = empty.send(Buffer::new(PIECE));
        }
        for (buffer, given) in &pieces {
            if let Err(error) = sink(buffer.get(..given).unwrap_or_default()) {
                return Some(Ok(Err(error)));
            }
            let _ = empty.send(buffer);
        }
        match making.join() {
            Ok(ended) => Some(ended.map(Ok)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Problem};
    use rayon::prelude::*;
    use std::convert::Infallible;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    /// So many pieces are more than fit between the two sides.
    const MANY: usize = 3 * PIECES;

    /// Numbers each piece in its first bytes, and gives it a length of its own.
    fn count(pieces: usize) -> impl FnMut(&mut [u8]) -> Result<Option<usize>, Problem> + Send {
        let mut at = 0;
        move |buffer| {
            if at == pieces {
                return Ok(None);
            }
            buffer[..8].copy_from_slice(&at.to_le_bytes());
            at += 1;
            Ok(Some(8 + at))
        }
    }

    fn hand<E>(
        next: impl FnMut(&mut [u8]) -> Result<Option<usize>, Problem> + Send,
        sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Option<Result<Result<(), E>, Problem>> {
        hand_over(next, sink, Problem::new(Code::Internal, "nobody takes it"))
    }

    fn number(piece: &[u8]) -> usize {
        let at = usize::from_le_bytes(piece[..8].try_into().unwrap());
        assert_eq!(piece.len(), 9 + at);
        at
    }

    /// Runs something that must not hang, many times at once on some threads.
    fn many_at_once(run: impl Fn() + Send + Sync + Clone + 'static) {
        for threads in [1, 2, 8] {
            let run = run.clone();
            let (done, wait) = channel();
            let all = thread::spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| (0..32).into_par_iter().with_max_len(1).for_each(|_| run()));
                drop(done);
            });
            let waited = wait.recv_timeout(Duration::from_secs(120));
            assert_ne!(waited, Err::<(), _>(std::sync::mpsc::RecvTimeoutError::Timeout), "it hangs");
            all.join().unwrap();
        }
    }

    #[test]
    fn pieces_arrive_in_order_and_whole() {
        many_at_once(|| {
            for pieces in [0, 1, PIECES, MANY] {
                let mut taken = Vec::new();
                let caller = thread::current().id();
                let done = hand(count(pieces), |piece| {
                    assert_eq!(thread::current().id(), caller);
                    taken.push(number(piece));
                    Ok::<_, Infallible>(())
                });
                assert!(done.unwrap().is_ok());
                assert!(taken.into_iter().eq(0..pieces));
            }
        });
    }

    #[test]
    fn an_error_of_the_maker_ends_it_behind_what_came_before() {
        many_at_once(|| {
            for bad in [0, 1, PIECES, MANY - 1] {
                let (mut made, mut taken, mut honest) = (0, 0, count(MANY));
                let next = |buffer: &mut [u8]| {
                    made += 1;
                    if made > bad { Err(Problem::new(Code::ArchiveData, "bad")) } else { honest(buffer) }
                };
                let done = hand(next, |_| {
                    taken += 1;
                    Ok::<_, Infallible>(())
                });
                assert_eq!(done.unwrap().unwrap_err().code(), Code::ArchiveData);
                assert_eq!((made, taken), (bad + 1, bad));
            }
        });
    }

    #[test]
    fn an_error_of_the_sink_ends_it_at_once() {
        many_at_once(|| {
            for last in [0, 1, PIECES, MANY - 1] {
                let (mut made, mut honest) = (0, count(MANY));
                let mut taken = 0;
                let next = |buffer: &mut [u8]| {
                    made += 1;
                    honest(buffer)
                };
                let done = hand(next, |piece| {
                    taken += 1;
                    if number(piece) == last { Err("full") } else { Ok(()) }
                });
                assert_eq!(done.unwrap().unwrap(), Err("full"));
                assert_eq!(taken, last + 1);
                assert!(made <= last + 1 + PIECES, "{made} were made, {taken} taken");
            }
        });
    }

    #[test]
    fn a_panic_on_either_side_ends_both() {
        many_at_once(|| {
            for at in [0, 1, PIECES, MANY - 1] {
                let in_sink = || {
                    hand(count(MANY), |piece| {
                        assert!(number(piece) != at, "sink");
                        Ok::<_, Infallible>(())
                    })
                };
                assert!(catch_unwind(AssertUnwindSafe(in_sink)).is_err());
                let (mut made, mut honest) = (0, count(MANY));
                let next = |buffer: &mut [u8]| {
                    made += 1;
                    assert!(made <= at, "maker");
                    honest(buffer)
                };
                let in_maker = || hand(next, |_| Ok::<_, Infallible>(()));
                assert!(catch_unwind(AssertUnwindSafe(in_maker)).is_err());
            }
        });
    }
}
