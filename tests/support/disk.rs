//! A disk that is full, for this process alone.

use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};

/// Mounts a disk of 64 KiB at `directory`, lets `before` put there what is to be there, and fills the rest. Returns what makes room again.
///
/// Only a process of one thread may call it: a child of [`super::child::in_a_child`], whose mounts end with it. Whoever may not mount gets
/// `None`, except where CI is set: there it has to be allowed.
pub fn fill(directory: &Path, before: impl FnOnce()) -> Option<impl Fn() + 'static> {
    let mounted = || -> Result<(), rustix::io::Errno> {
        // SAFETY: this process has one thread, and lets go of nothing that it needs.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        mount("none", directory, "tmpfs", MountFlags::empty(), c"size=64k")
    };
    if let Err(refused) = mounted() {
        assert!(std::env::var_os("CI").is_none(), "a disk cannot be mounted ({refused}), and CI is set");
        return None;
    }
    before();
    let filler = directory.join("filler");
    let full = std::fs::write(&filler, vec![0; 1 << 20]).expect_err("64 KiB are soon full");
    assert_eq!(full.raw_os_error(), Some(libc::ENOSPC));
    Some(move || std::fs::remove_file(&filler).expect("it is there"))
}

/// Lets this process write no more than `bytes` to a file, so that a write fails half-way; `None` ends that.
pub fn limit_files(bytes: Option<u64>) {
    // SAFETY: plain calls with values; a write past the limit is an error and no signal from now on.
    let limited = unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let rlim_cur = bytes.unwrap_or(libc::RLIM_INFINITY);
        libc::setrlimit(libc::RLIMIT_FSIZE, &libc::rlimit { rlim_cur, rlim_max: libc::RLIM_INFINITY })
    };
    assert_eq!(limited, 0, "the size of files is limited");
}
