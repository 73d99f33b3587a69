//! `docs/architecture.md` draws the crates and modules that there are, and both keep their order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const PAGE: &str = "docs/architecture.md";

/// The imports between modules.
type Arrows = BTreeMap<String, BTreeSet<String>>;

/// The normal dependencies between crates of the workspace.
fn crates() -> Arrows {
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version=1"];
    let output = Command::new(cargo).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let arrows = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let normal = dependencies
            .filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string());
        (text(&package["name"]), normal.map(|dependency| text(&dependency["name"])).collect())
    });
    arrows.collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The imports between the modules of `src/`.
fn modules() -> Arrows {
    let mut arrows = Arrows::new();
    for file in rust_files(Path::new("src")) {
        let relative = file.strip_prefix("src").unwrap();
        let first = Path::new(relative.iter().next().unwrap());
        let module = first.file_stem().unwrap().to_str().unwrap().to_owned();
        if matches!(&*module, "lib" | "main") {
            continue;
        }
        let imports = imports(&production(&fs::read_to_string(&file).unwrap()));
        let others = imports.into_iter().filter(|other| *other != module).collect::<Vec<_>>();
        arrows.entry(module).or_default().extend(others);
    }
    arrows
}

/// The files of production code below `folder`.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path).into_iter().filter(|_| !path.ends_with("tests")));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && path.file_stem().is_some_and(|stem| stem != "tests")
        {
            files.push(path);
        }
    }
    files
}

/// A file's code without comments and without its own tests, which end it.
fn production(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        if line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{') {
            break;
        }
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// The first names after `crate::`, also those of `use crate::{…}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        // What ends with these letters is the name of another crate.
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(first_name(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for character in group.chars() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(first_name(item.trim()));
                    item.clear();
                    continue;
                }
                _ => {}
            }
            item.push(character);
        }
        names.insert(first_name(item.trim()));
    }
    names.remove("");
    names
}

fn first_name(path: &str) -> String {
    path.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The list below `<!-- NAME -->` in the page. With `UPDATE_DOCS` set, `arrows` is written there
/// first, in the order of the page and what is new at the end.
fn drawn(name: &str, arrows: &Arrows) -> Vec<(String, BTreeSet<String>)> {
    let page = fs::read_to_string(PAGE).unwrap();
    let start = format!("<!-- {name} -->\n```\n");
    let (before, rest) = page.split_once(&start).expect(&start);
    let (list, after) = rest.split_once("```\n").unwrap();
    let read = |line: &str| {
        let (from, to) = line.split_once(" ->").unwrap_or((line, ""));
        let to = to.split(',').map(str::trim).filter(|name| !name.is_empty());
        (from.to_owned(), to.map(str::to_owned).collect())
    };
    let drawn: Vec<(String, BTreeSet<String>)> = list.lines().map(read).collect();
    if env::var_os("UPDATE_DOCS").is_none() {
        return drawn;
    }
    let old = drawn.iter().map(|(from, _)| from).filter(|from| arrows.contains_key(*from));
    let new = arrows.keys().filter(|from| drawn.iter().all(|(old, _)| old != *from));
    let lines = old.chain(new).map(|from| {
        let to = arrows[from].iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        if to.is_empty() { format!("{from}\n") } else { format!("{from} -> {to}\n") }
    });
    let list: String = lines.collect();
    fs::write(PAGE, format!("{before}{start}{list}```\n{after}")).unwrap();
    list.lines().map(read).collect()
}

/// Both graphs in one test, because both are written to one page.
#[test]
fn the_page_has_all_imports_and_none_of_a_higher_module() {
    for (name, arrows) in [("crates", crates()), ("modules", modules())] {
        let drawn = drawn(name, &arrows);
        let as_map: Arrows = drawn.iter().cloned().collect();
        assert_eq!(as_map, arrows, "{PAGE} on the left, the code on the right; write: just docs");
        for (at, (from, to)) in drawn.iter().enumerate() {
            for to in to {
                let is_lower = drawn[..at].iter().any(|(lower, _)| lower == to);
                assert!(is_lower, "{from} imports {to}, which {PAGE} does not list before it");
            }
        }
    }
}

#[test]
fn no_crate_depends_on_one_that_it_must_not_know() {
    let crates = crates();
    let products = ["metrics-server", "fake-apiserver", "fake-kubelet", "harness"];
    for (from, to) in &crates {
        let forbidden: &[&str] = match &**from {
            "harness" | "benches" => &[],
            "metrics-server" => &["fake-apiserver", "fake-kubelet", "harness", "cluster-format"],
            "fake-apiserver" | "fake-kubelet" => &["metrics-server", "apiserver", "harness"],
            _ => &products,
        };
        for name in forbidden {
            assert!(!to.contains(*name), "{from} depends on {name}");
        }
    }
}

#[test]
fn the_generic_api_server_knows_neither_the_api_nor_the_flags() {
    let files = rust_files(Path::new("crates/apiserver/src"));
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let code = production(&fs::read_to_string(&file).unwrap());
        for word in ["metrics.k8s.io", "metrics_server", "metrics-server"] {
            assert!(!code.contains(word), "{} mentions {word}", file.display());
        }
    }
}
