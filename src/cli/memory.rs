//! The memory of this process: how much there is of it, and that it is given back.

/// Begins the command anew with a C library that gives freed memory back. Without, glibc keeps what opening a model took for a
/// while, about 100 MB with two threads; that much of the memory of a scan would serve nothing. It costs a few milliseconds.
///
/// Does nothing where the environment already says how memory is to be handled, or on other systems.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back() {
    use std::os::unix::process::CommandExt;
    use std::{env, process};

    /// The environment variable, which glibc reads when a process begins; any value also keeps its other thresholds from growing.
    const TRIM: &str = "MALLOC_TRIM_THRESHOLD_";
    /// Freed bytes in a row that are given back.
    const BYTES: &str = "1048576";

    if env::var_os(TRIM).is_some() || env::var_os("GLIBC_TUNABLES").is_some() {
        return;
    }
    let mut args = env::args_os();
    let Some((program, path)) = args.next().zip(env::current_exe().ok()) else { return };
    // Where that fails, the scan takes more memory and is none the worse.
    let _ = process::Command::new(path).arg0(program).args(args).env(TRIM, BYTES).exec();
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back() {}

/// Resident memory in MB, where the system tells.
pub(super) fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
