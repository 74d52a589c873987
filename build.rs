//! Tells the program by which compiler it was made.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "so cargo is spoken with")]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC");
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let told = Command::new(compiler).arg("--version").output();
    // "rustc 1.94.0 (4a4ef493e 2026-03-02)"
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version = told.ok().and_then(|told| told.split(' ').nth(1).map(str::to_owned));
    println!("cargo:rustc-env=BUSBAR_RUSTC={}", version.as_deref().unwrap_or("unknown"));
}
