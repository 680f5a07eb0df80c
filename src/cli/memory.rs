//! The memory of this process: how much there is of it, and that it is given back.

/// Begins the command anew with a C library that gives freed memory back and keeps one heap a core. Without, glibc keeps what
/// opening a model took for a while: a scan with models on two cores takes some 80 MB more. It costs a few milliseconds.
///
/// Does nothing where the environment already says how memory is to be handled, or on other systems.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back() {
    use std::os::unix::process::CommandExt;
    use std::{env, process};

    /// Environment variables that glibc reads when a process begins. Any threshold also keeps its other ones from growing.
    const TRIM: &str = "MALLOC_TRIM_THRESHOLD_";
    const HEAPS: &str = "MALLOC_ARENA_MAX";
    /// Freed bytes in a row that are given back.
    const BYTES: &str = "1048576";

    if [TRIM, HEAPS, "GLIBC_TUNABLES"].iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    let mut args = env::args_os();
    let Some((program, path)) = args.next().zip(env::current_exe().ok()) else { return };
    // Where that fails, the scan takes more memory and is none the worse.
    let cores = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let _ = process::Command::new(path).arg0(program).args(args).env(TRIM, BYTES).env(HEAPS, cores).exec();
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
