//! The end-to-end tests: the real binary, real libraries, and plugins that are bad in every way.
//!
//! One file for each subject. A test says in its name what holds; what varies is a table. What the
//! tests load is built by the harness (`tests/src`).

#[cfg(test)]
mod backups;
#[cfg(test)]
mod cancellation;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod configure;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod constructors;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod filesystem;
#[cfg(test)]
mod host_services;
#[cfg(test)]
mod image_stores;
#[cfg(test)]
mod images;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod loading;
#[cfg(test)]
mod marker;
#[cfg(test)]
mod nfs;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod process;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod skew;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod vendor;
#[cfg(test)]
mod vm_snapshots;
