//! The real servers, started and ended by the tests: s3s-fs, a small one over a directory, and the
//! gateway of a whole Ceph cluster on this machine.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::{OrFail, Running, eventually};

/// The keys of all servers.
pub(crate) const ACCESS_KEY: &str = "testkey";
pub(crate) const SECRET_KEY: &str = "canary-testsecret";

/// A server that answers. It ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    /// Host and port.
    pub(crate) address: String,
    /// The last one was started last, and ends first.
    processes: Vec<Running>,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        while let Some(process) = self.processes.pop() {
            drop(process);
        }
    }
}

impl Server {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A directory over HTTP, by the program that `cargo xtask test` has installed.
    pub(crate) fn s3s_fs(program: &Path) -> Self {
        let directory = tempfile::tempdir().or_fail("make a directory");
        let data = directory.path().join("data");
        fs::create_dir(&data).or_fail("make a directory");
        let port = free_port();
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]).arg(&data);
        let processes = vec![Running::start(&mut command)];
        let address = format!("127.0.0.1:{port}");
        listens(&address);
        Self { name: "s3s-fs", address, processes, _directory: directory }
    }

    /// A monitor, a manager, one disk in a sparse file, and the gateway.
    pub(crate) fn ceph() -> Self {
        // The names of its sockets are limited: a short path.
        let directory = tempfile::Builder::new().prefix("ceph").tempdir_in("/tmp");
        let directory = directory.or_fail("make a directory");
        let at = Ceph { path: directory.path().to_owned(), monitor: free_ports() };
        let port = free_port();
        let processes = at.start(port);
        let address = format!("127.0.0.1:{port}");
        Self { name: "Ceph RGW", address, processes, _directory: directory }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").or_fail("find a free port");
    listener.local_addr().or_fail("find a free port").port()
}

/// Two free ports, one behind the other.
fn free_ports() -> u16 {
    eventually("two free ports are found", || {
        let first = free_port().checked_add(0).filter(|port| *port < u16::MAX)?;
        TcpListener::bind(("127.0.0.1", first + 1)).ok().map(|_| first)
    })
}

fn listens(address: &str) {
    eventually(&format!("something listens at {address}"), || TcpStream::connect(address).ok());
}

/// A cluster in a directory.
struct Ceph {
    path: PathBuf,
    /// The first of two ports.
    monitor: u16,
}

impl Ceph {
    fn start(&self, port: u16) -> Vec<Running> {
        let path = |name: &str| self.path.join(name).display().to_string();
        for name in ["mon", "mgr", "osd", "rgw", "run", "log"] {
            fs::create_dir(self.path.join(name)).or_fail("make a directory");
        }
        let cluster = fs::read_to_string("/proc/sys/kernel/random/uuid").or_fail("make an id");
        fs::write(self.path.join("ceph.conf"), self.configuration(cluster.trim(), port))
            .or_fail("write a configuration");
        let monitor = (self.monitor, self.monitor + 1);
        let all = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"];
        let make = ["--create-keyring", "--gen-key", "-n"];
        self.run(
            "ceph-authtool",
            &[&[&*path("mon.keyring")], &make[..], &["mon.", "--cap", "mon", "allow *"]].concat(),
        );
        let admin = path("admin.keyring");
        self.run("ceph-authtool", &[&[&*admin], &make[..], &["client.admin"], &all[..]].concat());
        self.run("ceph-authtool", &[&path("mon.keyring"), "--import-keyring", &admin]);
        let addresses = format!("[v2:127.0.0.1:{},v1:127.0.0.1:{}]", monitor.0, monitor.1);
        let map = path("monmap");
        self.run(
            "monmaptool",
            &["--create", "--fsid", cluster.trim(), "--addv", "a", &addresses, &map],
        );
        let keyring = path("mon.keyring");
        let mkfs = ["-i", "a", "--mkfs", "--monmap", &map, "--keyring", &keyring];
        self.run("ceph-mon", &mkfs);
        let mut processes = vec![self.daemon("ceph-mon", &["-i", "a"])];
        eventually("the monitor answers", || self.said("ceph", &["-s"]));

        let caps = ["mon", "allow profile mgr", "osd", "allow *", "mds", "allow *"];
        self.keep("mgr/keyring", &[&["auth", "get-or-create", "mgr.x"], &caps[..]].concat());
        processes.push(self.daemon("ceph-mgr", &["-i", "x"]));
        // The name of a disk and its key, as the cluster gives them.
        self.run("ceph", &["osd", "create"]);
        let caps = ["mon", "allow profile osd", "mgr", "allow profile osd", "osd", "allow *"];
        self.keep("osd/keyring", &[&["auth", "get-or-create", "osd.0"], &caps[..]].concat());
        self.run("ceph-osd", &["-i", "0", "--mkfs"]);
        processes.push(self.daemon("ceph-osd", &["-i", "0"]));
        eventually("the disk is up", || {
            self.said("ceph", &["osd", "stat"]).filter(|said| said.contains("1 up"))
        });

        let caps = ["mon", "allow rw", "osd", "allow rwx", "mgr", "allow rw"];
        self.keep("rgw/keyring", &[&["auth", "get-or-create", "client.rgw"], &caps[..]].concat());
        processes.push(self.daemon("radosgw", &["-n", "client.rgw"]));
        listens(&format!("127.0.0.1:{port}"));
        let user = ["user", "create", "--uid", "test", "--display-name", "test"];
        let keys = ["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY];
        self.run("radosgw-admin", &[&user[..], &keys[..]].concat());
        processes
    }

    fn configuration(&self, cluster: &str, port: u16) -> String {
        let (path, first, second) = (self.path.display(), self.monitor, self.monitor + 1);
        format!(
            "[global]\nfsid = {cluster}\n\
             mon host = [v2:127.0.0.1:{first}/0,v1:127.0.0.1:{second}/0]\n\
             public addr = 127.0.0.1\ncluster addr = 127.0.0.1\n\
             keyring = {path}/admin.keyring\nrun dir = {path}/run\n\
             admin socket = {path}/run/$name.asok\nlog file = {path}/log/$name.log\n\
             crash dir = {path}/log\n\
             osd pool default size = 1\nosd pool default min size = 1\n\
             osd pool default pg num = 8\nosd pool default pgp num = 8\n\
             osd pool default pg autoscale mode = off\nosd crush chooseleaf type = 0\n\
             mon allow pool size one = true\nmon max pg per osd = 1000\n\
             mon data avail warn = 2\nmon data avail crit = 1\n\
             auth allow insecure global id reclaim = false\n\
             [mon.a]\nmon data = {path}/mon\n\
             [mgr.x]\nmgr data = {path}/mgr\nkeyring = {path}/mgr/keyring\n\
             [osd.0]\nosd data = {path}/osd\nkeyring = {path}/osd/keyring\n\
             osd objectstore = bluestore\nosd memory target = 939524096\n\
             bluestore block create = true\nbluestore block size = 10737418240\n\
             osd class update on start = true\n\
             [client.rgw]\nrgw data = {path}/rgw\nkeyring = {path}/rgw/keyring\n\
             rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1\n\
             rgw enable usage log = false\nrgw thread pool size = 64\n\
             rgw dynamic resharding = false\nrgw gc obj min wait = 10\n"
        )
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.arg("-c").arg(self.path.join("ceph.conf")).args(arguments);
        command.env("CEPH_CONF", self.path.join("ceph.conf"));
        command
    }

    fn daemon(&self, program: &str, arguments: &[&str]) -> Running {
        Running::start(&mut self.command(program, &[&["-f"], arguments].concat()))
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        // Neither tool of keys and maps reads the configuration.
        let output = match program {
            "ceph-authtool" | "monmaptool" => Command::new(program).args(arguments).output(),
            _ => self.command(program, arguments).output(),
        };
        let output = output.or_fail(program);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        output.status.success().then_some(()).or_fail(&format!("{program} {arguments:?}: {said}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a command says, if it succeeds within a while.
    fn said(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let within = [&["--connect-timeout", "5"], arguments].concat();
        let output = self.command(program, &within).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn keep(&self, file: &str, arguments: &[&str]) {
        let said = self.run("ceph", arguments);
        fs::write(self.path.join(file), said).or_fail("write a keyring");
    }
}
