//! Children: forks of the test program, which ask and leave, or stand until they are killed.

use std::io::{Read, Write};
use std::os::raw::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Forks; the child runs `body` and leaves with its answer.
///
/// The child prints nothing and unwinds nothing, because it is the copy of one thread of many.
fn forked(body: impl FnOnce() -> c_int) -> c_int {
    // SAFETY: a fork by itself breaks nothing; the child runs `body` alone and never returns from here.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "the process forks");
    if pid == 0 {
        let answer = catch_unwind(AssertUnwindSafe(body)).unwrap_or(255);
        // SAFETY: leaves without running what the parent has registered for its own end.
        unsafe { libc::_exit(answer) };
    }
    pid
}

fn wait(pid: c_int) -> c_int {
    let mut status = 0;
    // SAFETY: `status` is a place for one number, and `pid` is a child of this process that nobody else waits for.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    status
}

/// Runs `questions` in a forked child; the number of the first that is answered wrongly, or 0.
pub fn in_a_child(questions: impl FnOnce() -> Vec<bool>) -> c_int {
    ended(questions).expect("the child ended by itself")
}

/// The same for a child that may not live to answer: the number of the signal that ended it is the error.
pub fn ended(questions: impl FnOnce() -> Vec<bool>) -> Result<c_int, c_int> {
    let pid = forked(|| questions().iter().position(|right| !right).map_or(0, |at| at as c_int + 1));
    let status = wait(pid);
    if status & 0x7F == 0 { Ok(status >> 8) } else { Err(status & 0x7F) }
}

/// A child that stands until it is killed; dropping it kills it.
pub struct Standing {
    pid: c_int,
    waited: bool,
    /// What it has told of itself.
    pub told: i32,
}

impl Standing {
    /// A child that has run `body`, tells what that returned, and keeps what it holds.
    pub fn after<T>(body: impl FnOnce() -> (T, i32)) -> Self {
        let (mut told, mut tell) = std::io::pipe().expect("a pipe");
        let pid = forked(|| {
            let (kept, number) = body();
            tell.write_all(&number.to_ne_bytes()).expect("the parent reads");
            stand(kept)
        });
        drop(tell);
        let mut number = [0; 4];
        let read = told.read_exact(&mut number);
        let child = Self { pid, waited: false, told: i32::from_ne_bytes(number) };
        read.expect("the child has done its part");
        child
    }

    /// Sends a signal.
    pub fn signal(&self, signal: c_int) {
        // SAFETY: a child that was not waited for yet, so its number is its own.
        assert_eq!(unsafe { libc::kill(self.pid, signal) }, 0);
    }

    /// Its process number.
    pub fn pid(&self) -> u64 {
        self.pid as u64
    }

    /// Kills it and waits until it is no more.
    pub fn kill(&mut self) {
        self.signal(libc::SIGKILL);
        wait(self.pid);
        self.waited = true;
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if !self.waited {
            self.kill();
        }
    }
}

/// Keeps `kept` until the process is killed.
pub fn stand<T>(kept: T) -> ! {
    let _kept = kept;
    loop {
        // SAFETY: waits for a signal.
        unsafe { libc::pause() };
    }
}

/// Forks a grandchild that only stands, by the C library or past it; its process number.
pub fn leave_a_copy(by_the_library: bool) -> i32 {
    // SAFETY: as in `forked`; the copy made past the library does nothing but wait.
    let pid = unsafe {
        if by_the_library {
            libc::fork()
        } else {
            libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) as c_int
        }
    };
    assert!(pid >= 0, "the process forks");
    if pid == 0 {
        stand(());
    }
    pid
}

/// Kills a process that is no child of this one.
pub fn kill_stray(pid: i32) {
    // SAFETY: the caller was told the number by the process's parent, and it stands until it is killed.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}
