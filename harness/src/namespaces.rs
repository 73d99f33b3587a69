//! Linux namespaces for the sandbox world. Every request to the system itself is here, and without
//! unsafe code: a process with one thread calls `unshare`, and its children are in the new
//! namespaces.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
    sys::{prctl::set_pdeathsig, signal},
    unistd::{Gid, Pid, Uid},
};
use tokio::{process, runtime::Handle};

/// Where a pod finds the token and CA of its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Parts of the machine's /etc that programs need to run and to verify certificates of others.
const KEPT_FOLDERS: [&str; 4] = ["ssl", "pki", "ca-certificates", "alternatives"];
const KEPT_FILES: [&str; 2] = ["ld.so.cache", "ld.so.conf"];

/// What shells add to the number of a signal that ended a program.
const SIGNALLED: i32 = 128;

/// Namespaces that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NamespaceError {
    /// The system refuses.
    #[error(
        "failed to {what}: {source}; the sandbox world needs namespaces: run it as root, or allow user namespaces, with \
         user.max_user_namespaces above 0, and where the system has them kernel.unprivileged_userns_clone=1 and kernel.apparmor_restrict_unprivileged_userns=0; \
         a container needs CAP_SYS_ADMIN for it"
    )]
    NotAllowed {
        /// To do what.
        what: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A program is missing.
    #[error("the sandbox world needs the program ip: {0}; install iproute2")]
    NoIp(io::Error),
}

/// Runs this program again, with the same arguments after `first`, in user, mount, PID and network
/// namespaces of its own, where it is root and its temporary files are in memory. They end with
/// this process, however it ends, and everything in them does.
pub(crate) fn enter(first: &str) -> Result<ExitCode, NamespaceError> {
    Command::new("ip").arg("-V").output().map_err(NamespaceError::NoIp)?;
    let to = |what| move |source: io::Error| NamespaceError::NotAllowed { what, source };
    let (user, group) = (Uid::effective(), Gid::effective());
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET,
    )
    .map_err(|errno| to("create namespaces")(errno.into()))?;
    // Without privileges a process may map only its own user, and must disable setgroups for it.
    fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("0 {user} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {group} 1")))
        .map_err(to("become root in a user namespace"))?;
    let folder = private_folder().map_err(to("mount folders in a mount namespace"))?;
    let status = env::current_exe()
        .and_then(|program| {
            Command::new(program)
                .arg(first)
                .args(env::args_os().skip(1))
                .env("TMPDIR", folder)
                // What is to be built has been built before.
                .env_remove("CARGO")
                .status()
        })
        .map_err(to("start this program in the namespaces"))?;
    let code = status.code().or(status.signal().map(|signal| SIGNALLED + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// A folder for temporary files, which is removed with the mount namespace.
fn private_folder() -> io::Result<PathBuf> {
    make_private()?;
    let run = fs::canonicalize("/var/run")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), &run, Some("tmpfs"), flags, Some("mode=755"))?;
    fs::create_dir_all(SERVICE_ACCOUNT)?;
    let folder = run.join("scenario");
    fs::create_dir(&folder)?;
    Ok(folder)
}

/// What is mounted from now on is seen in this namespace alone.
fn make_private() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?)
}

/// Ends this process when its parent ends, even by SIGKILL.
pub(crate) fn end_with_parent() -> io::Result<()> {
    Ok(set_pdeathsig(signal::Signal::SIGKILL)?)
}

/// Moves this thread, and what it starts from now on, into a network namespace of its own.
pub(crate) fn leave_network() -> io::Result<File> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    File::open("/proc/thread-self/ns/net")
}

/// Makes a network namespace for others.
pub(crate) fn new_network() -> io::Result<File> {
    on_thread(leave_network)
}

/// Does something in a network namespace.
pub(crate) fn inside<T: Send>(
    network: &File,
    work: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    on_thread(|| {
        setns(network, CloneFlags::CLONE_NEWNET)?;
        work()
    })
}

/// Starts a program as the first process of a PID namespace of its own, in a network namespace.
pub(crate) fn spawn(network: &File, command: &mut process::Command) -> io::Result<process::Child> {
    let runtime = Handle::current();
    inside(network, || {
        unshare(CloneFlags::CLONE_NEWPID)?;
        let _context = runtime.enter();
        command.spawn()
    })
}

/// The namespaces of a thread end with it.
fn on_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let panicked = |_| io::Error::other("a thread panicked");
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|it| Err(panicked(it))))
}

/// Sends SIGTERM.
pub(crate) fn terminate(process: u32) -> io::Result<()> {
    send(process, signal::Signal::SIGTERM)
}

/// Sends SIGKILL.
pub(crate) fn kill(process: u32) -> io::Result<()> {
    send(process, signal::Signal::SIGKILL)
}

fn send(process: u32, signal: signal::Signal) -> io::Result<()> {
    Ok(signal::kill(Pid::from_raw(process.cast_signed()), signal)?)
}

/// Replaces this process by a program that sees a pod's files: `etc` of `folder` in place of /etc,
/// and its `serviceaccount`. Returns only on an error.
pub(crate) fn become_pod(folder: &Path, program: &Path, args: &[OsString]) -> io::Error {
    match see_pod(folder) {
        Ok(()) => Command::new(program).args(args).current_dir("/").exec(),
        Err(error) => error,
    }
}

fn see_pod(folder: &Path) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    make_private()?;
    let etc = folder.join("etc");
    for name in KEPT_FOLDERS {
        let (there, here) = (Path::new("/etc").join(name), etc.join(name));
        if there.is_dir() {
            fs::create_dir_all(&here)?;
            bind(&there, &here)?;
        }
    }
    for name in KEPT_FILES {
        let there = Path::new("/etc").join(name);
        if there.is_file() {
            fs::copy(there, etc.join(name))?;
        }
    }
    bind(&etc, Path::new("/etc"))?;
    bind(&folder.join("serviceaccount"), Path::new(SERVICE_ACCOUNT))?;
    // Where parts of /proc are hidden, as in most containers, the system refuses to mount another
    // one: then the program sees the process IDs of other namespaces, which it does not use.
    let _ = mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>);
    Ok(())
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    Ok(mount(Some(from), to, None::<&str>, flags, None::<&str>)?)
}
