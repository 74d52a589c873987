#!/bin/sh
# Licences, banned crates and sources of all dependencies; installs cargo-deny when it is missing.
set -eu
version=0.20.2
tools="${CARGO_TARGET_DIR:-target}/tools"
if ! command -v cargo-deny >/dev/null || ! cargo deny --version | grep -q "$version"; then
    [ -x "$tools/bin/cargo-deny" ] ||
        cargo install cargo-deny --version "$version" --locked --debug --no-default-features --root "$tools"
    PATH="$tools/bin:$PATH"
fi
cargo deny --all-features check bans licenses sources
