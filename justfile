# Lists what there is.
default:
    @just --list

# Format and lint, as the build server does.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# All tests.
test:
    cargo test --workspace

# Scenarios, all or those in a file or folder, with a report of each.
scenarios *what:
    cargo scenario run {{what}}

# Everything the build server does.
ci:
    .ci/run

# Take what scenarios show now as what they should: review the difference before you commit it.
snapshots:
    INSTA_UPDATE=always cargo test --test scenarios

# Write schemas and references that follow from the code: of scenarios, flags, reports and fake kubelets.
docs:
    UPDATE_DOCS=1 cargo test -p metrics-server --test library --test architecture
    UPDATE_DOCS=1 cargo test -p metrics-server --lib flags
    UPDATE_DOCS=1 cargo test -p harness --test report
    UPDATE_DOCS=1 cargo test -p fake-kubelet reference

# Instructions of decoding, storing and lists, against those that are kept.
counts:
    cargo bench --package benches

# Search for input that breaks a fuzz target: resource, summary, answer, selector, request, policy or kubeconfig.
fuzz target runs="10000000":
    cd fuzz && cargo +nightly fuzz run {{target}} -- -runs={{runs}}
