//! Where a source may lie: which addresses are connected to, which directories are read.
//!
//! A URL comes from a user, and the host stands in the operator's inner network: without a policy
//! it would fetch for the user what only it can reach.
//!
//! **Invariant:** an address is judged when it is about to be connected to, after the name was
//! resolved, at every hop; what a name resolves to later is never used.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use storage_plugin_api::{PluginError, PluginResult};

/// Networks that are not the public internet, and what they are. The first that fits counts.
const INNER: [(&str, &str); 26] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a carrier"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "the metadata of a cloud"),
    ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "for documentation"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "this host"),
    ("::1/128", "loopback"),
    ("64:ff9b:1::/48", "private, translated"),
    ("100::/64", "discarded"),
    ("2001::/32", "a Teredo tunnel"),
    ("2001:db8::/32", "for documentation"),
    ("3fff::/20", "for documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

/// Where sources may lie.
#[derive(Debug, Clone)]
pub struct SourcePolicy {
    inner: Vec<(IpNet, &'static str)>,
    networks: Vec<IpNet>,
    hosts: Vec<String>,
    directories: Vec<PathBuf>,
}

impl SourcePolicy {
    /// A policy that allows the public internet, and besides it what is named here.
    ///
    /// `allowed` are networks (`10.1.0.0/16`), addresses (`10.1.2.3`) and names of hosts, whatever
    /// address these have; `directories` are those that `file:` URLs may read, with what is below.
    ///
    /// # Errors
    /// `InvalidConfig` for what is none of these.
    pub fn new(allowed: &[String], directories: &[PathBuf]) -> PluginResult<Self> {
        let inner = INNER.iter().filter_map(|(network, what)| Some((network.parse().ok()?, *what)));
        let mut policy = Self {
            inner: inner.collect(),
            networks: Vec::new(),
            hosts: Vec::new(),
            directories: directories.to_vec(),
        };
        for entry in allowed {
            policy.allow(entry)?;
        }
        if let Some(relative) = directories.iter().find(|directory| !directory.is_absolute()) {
            return Err(PluginError::invalid_config(format!(
                "{} is no absolute path: name the directories of file: URLs from / on",
                relative.display()
            )));
        }
        Ok(policy)
    }

    fn allow(&mut self, entry: &str) -> PluginResult<()> {
        let entry = entry.trim();
        if let Ok(network) = entry.parse::<IpNet>() {
            self.networks.push(network);
        } else if let Ok(address) = entry.parse::<IpAddr>() {
            self.networks.push(address.into());
        } else if is_host_name(entry) {
            self.hosts.push(entry.to_ascii_lowercase());
        } else {
            return Err(PluginError::invalid_config(format!(
                "{entry:?} is no network (10.1.0.0/16), no address and no name of a host"
            )));
        }
        Ok(())
    }

    /// Whether a host is allowed by its name, whatever its address.
    pub(super) fn names(&self, host: &str) -> bool {
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.contains(&name)
    }

    /// Judges an address that `host` resolved to.
    ///
    /// # Errors
    /// `PermissionDenied` for one of the inner network that is not allowed.
    pub(super) fn check_address(&self, host: &str, address: IpAddr) -> PluginResult<()> {
        if self.names(host) {
            return Ok(());
        }
        let carried = carried(address);
        if self.networks.iter().any(|network| network.contains(&address)) {
            return Ok(());
        }
        let what = [Some(address), carried].into_iter().flatten().find_map(|address| {
            let is_allowed = self.networks.iter().any(|network| network.contains(&address));
            let row = self.inner.iter().find(|(network, _)| network.contains(&address));
            row.filter(|_| !is_allowed).map(|(_, what)| *what)
        });
        let Some(what) = what else {
            return Ok(());
        };
        let resolved =
            if host == address.to_string() { String::new() } else { format!("{host} is ") };
        Err(PluginError::permission_denied(format!(
            "{resolved}{address}, which is {what}: sources are read from the public internet \
             only; an administrator may allow the address, its network or the host"
        )))
    }

    /// The directory in which a file lies, as it was allowed, and the rest of the path.
    ///
    /// # Errors
    /// `PermissionDenied` for a file elsewhere.
    pub(super) fn check_file(&self, canonical: &Path) -> PluginResult<(PathBuf, PathBuf)> {
        let directories = self.directories.iter().filter_map(|allowed| allowed.canonicalize().ok());
        for directory in directories {
            if let Ok(rest) = canonical.strip_prefix(&directory)
                && rest.file_name().is_some()
            {
                return Ok((directory, rest.to_owned()));
            }
        }
        Err(self.outside())
    }

    /// The refusal of a file that is in none of the directories, whether it exists or not.
    pub(super) fn outside(&self) -> PluginError {
        PluginError::permission_denied(match self.directories.as_slice() {
            [] => "file: URLs are not allowed on this host; an administrator may allow a directory"
                .to_owned(),
            _ => "the file is in none of the directories that file: URLs may read (links are \
                  followed first); an administrator may move it there, or allow its directory"
                .to_owned(),
        })
    }
}

fn is_host_name(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // All digits: a mistyped address.
    text.split('.').all(is_part) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The IPv4 address that an IPv6 address carries, by whichever way of carrying it.
fn carried(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    let segments = address.segments();
    let pair = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Some(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
    };
    match segments {
        // Mapped, translated by SIIT, compatible (::1 and :: have rows of their own).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => pair(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if address != Ipv6Addr::LOCALHOST => pair(high, low),
        // NAT64 and 6to4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => pair(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage_plugin_api::PluginErrorKind;

    fn policy(allowed: &[&str]) -> SourcePolicy {
        let allowed: Vec<_> = allowed.iter().map(|&entry| entry.to_owned()).collect();
        SourcePolicy::new(&allowed, &[]).unwrap()
    }

    fn is_allowed(policy: &SourcePolicy, host: &str, address: &str) -> bool {
        policy.check_address(host, address.parse().unwrap()).is_ok()
    }

    #[test]
    fn every_network_of_the_table_is_one() {
        assert_eq!(policy(&[]).inner.len(), INNER.len());
    }

    #[test]
    fn the_public_internet_is_allowed_and_the_inner_network_is_not() {
        let policy = policy(&[]);
        for address in ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"] {
            assert!(is_allowed(&policy, "h", address), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "192.168.1.1",
            "100.100.100.200",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "::",
            "fd00:ec2::254",
            "fe80::1",
            // Each of them is 127.0.0.1 or 169.254.169.254 in a disguise.
            "::ffff:127.0.0.1",
            "::ffff:0:7f00:1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(!is_allowed(&policy, "h", address), "{address}");
        }
    }

    #[test]
    fn what_an_administrator_allows_is_allowed_and_no_more() {
        let policy = policy(&["10.1.0.0/16", "127.0.0.1", "Mirror.Example"]);
        assert!(is_allowed(&policy, "h", "10.1.2.3"));
        assert!(!is_allowed(&policy, "h", "10.2.2.3"));
        assert!(is_allowed(&policy, "h", "::ffff:10.1.2.3"));
        assert!(!is_allowed(&policy, "h", "127.0.0.2"));
        assert!(is_allowed(&policy, "mirror.example.", "10.9.9.9"));
        let refused = policy.check_address("db.inner", [10, 9, 9, 9].into()).unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::PermissionDenied);
        assert!(refused.message().starts_with("db.inner is 10.9.9.9, which is private"));
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for entry in ["", "10.1.0.0/33", "10.1.0", "a host", "http://h/"] {
            let refused = SourcePolicy::new(&[entry.to_owned()], &[]).unwrap_err();
            assert_eq!(refused.kind(), PluginErrorKind::InvalidConfig, "{entry}");
        }
        let refused = SourcePolicy::new(&[], &[PathBuf::from("images")]).unwrap_err();
        assert_eq!(refused.kind(), PluginErrorKind::InvalidConfig);
    }
}
