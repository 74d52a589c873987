//! Which program this is, as it was compiled.

/// What a build is known by.
pub struct Build {
    pub version: &'static str,
    /// `unknown` where `BUSBAR_COMMIT` was not set for the compiler.
    pub commit: &'static str,
    /// The compiler's version.
    pub rustc: &'static str,
}

pub const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    commit: match option_env!("BUSBAR_COMMIT") {
        Some(commit) => commit,
        None => "unknown",
    },
    rustc: env!("BUSBAR_RUSTC"),
};
