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

# Write the schema that editors read for scenario files.
schema:
    cargo scenario schema > scenarios/schema.json
