//! Random bytes.
//!
//! The library's generator (NIST SP 800-90A, CTR_DRBG) asks the processor for fresh entropy at each call, which takes ten times as
//! long as the bytes do; and one command needs ten small pieces: receipt, traces, ids, salts. So each thread draws
//! [`STORE_BYTES`] at once and hands them out piece by piece, none twice: what was handed out is wiped from the store.

use std::cell::RefCell;
use zeroize::Zeroize;
use zeroize::Zeroizing;

/// How much a thread draws at once.
const STORE_BYTES: usize = 512;

/// Random bytes of one thread that nobody has had.
struct Store {
    bytes: Zeroizing<[u8; STORE_BYTES]>,
    /// So many of them, from the beginning, are gone.
    gone: usize,
}

thread_local! {
    static STORE: RefCell<Store> = RefCell::new(Store::empty());
}

/// `N` random bytes of the cryptographic library's generator.
///
/// Without random bytes no nonce, salt or receipt can be trusted, and a program that went on would repeat them: should
/// the generator ever fail, the process is aborted on the spot, as the library itself does where the kernel gives no
/// entropy.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // A thread that ends has no store any more.
    let taken = STORE.try_with(|store| store.borrow_mut().take(&mut bytes)).unwrap_or(false);
    if !taken {
        draw(&mut bytes);
    }
    bytes
}

impl Store {
    fn empty() -> Self {
        Self { bytes: Zeroizing::new([0; STORE_BYTES]), gone: STORE_BYTES }
    }

    /// Fills `out`; `false` where it is more than the store ever holds.
    fn take(&mut self, out: &mut [u8]) -> bool {
        if out.len() > STORE_BYTES {
            return false;
        }
        if out.len() > STORE_BYTES - self.gone {
            draw(self.bytes.as_mut_slice());
            self.gone = 0;
        }
        let Some(piece) = self.bytes.get_mut(self.gone..self.gone + out.len()) else { return false };
        out.copy_from_slice(piece);
        piece.zeroize();
        self.gone += out.len();
        true
    }
}

fn draw(bytes: &mut [u8]) {
    if aws_lc_rs::rand::fill(bytes).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_piece_is_handed_out_twice_over_many_stores_and_threads() {
        let pieces = || (0..4_000).map(|_| random::<16>()).collect::<Vec<_>>();
        let all: Vec<[u8; 16]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(pieces)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 16_000);
        assert!(!all.contains(&[0; 16]));
    }

    #[test]
    fn what_was_handed_out_is_gone_and_the_store_ends_exactly_where_it_ends() {
        let mut store = Store::empty();
        let (mut first, mut rest, mut next) = ([0; 12], [0; STORE_BYTES - 12], [0; 1]);
        assert!(store.take(&mut first));
        assert_eq!((store.gone, store.bytes[..12].iter().all(|byte| *byte == 0)), (12, true));
        assert!(store.take(&mut rest), "all that is left");
        assert_eq!((store.gone, store.bytes.iter().all(|byte| *byte == 0)), (STORE_BYTES, true));
        assert!(store.take(&mut next), "and one past it begins anew");
        assert_eq!(store.gone, 1);
    }

    #[test]
    fn more_than_a_store_holds_comes_from_the_generator() {
        let mut store = Store::empty();
        assert!(store.take(&mut [0; STORE_BYTES]));
        assert!(!store.take(&mut [0; STORE_BYTES + 1]));
        let long = random::<{ STORE_BYTES + 1 }>();
        assert_ne!(long, [0; STORE_BYTES + 1]);
        assert_ne!(long, random::<{ STORE_BYTES + 1 }>());
    }
}
