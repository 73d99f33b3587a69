//! The image, and the cluster of the end-to-end run.

use std::{env, fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use super::objects::{Manifests, directory};

/// What the image is called, and that the stages of the Dockerfile are those that the docs name;
/// what is built without naming one is the metrics server.
#[test]
fn the_dockerfile_builds_both_images() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let dockerfile = read("Dockerfile");
    let stages = dockerfile.lines().filter_map(|line| line.strip_prefix("FROM scratch AS "));
    assert_eq!(stages.collect::<Vec<_>>(), ["fake-kubelet", "metrics-server"]);
    assert!(dockerfile.ends_with("ENTRYPOINT [\"/metrics-server\"]\n"), "{dockerfile}");
    let rust = format!("ARG RUST_VERSION={}\n", env!("CARGO_PKG_RUST_VERSION"));
    assert!(dockerfile.contains(&rust), "{rust}");
    let version = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(dockerfile.matches(&version).count(), 2, "{version}");
    let image = concat!("fake-kubelet:v", env!("CARGO_PKG_VERSION"));
    let build = format!("docker build --tag {image} --target fake-kubelet .");
    assert!(dockerfile.contains(&build) && read("docs/fake-kubelet.md").contains(&build));
    assert!(read("kind-config/fake-nodes/deployment.yaml").contains(&format!("image: {image}\n")));
}

/// What the image's layer of dependencies is built from: cargo reads it as the same workspace, and there is
/// no code of ours in it, a change of which would have all dependencies built again.
#[test]
fn dependencies_are_built_without_our_code() {
    let folder = TempDir::new().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = Command::new(root.join("release/manifests")).arg(folder.path()).output().unwrap();
    assert!(script.status.success(), "{}", String::from_utf8_lossy(&script.stderr));
    let targets = |folder: &Path| {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--offline", "--no-deps", "--format-version=1"])
            .current_dir(folder)
            .output()
            .unwrap();
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut targets = Vec::new();
        for package in metadata["packages"].as_array().unwrap() {
            for target in package["targets"].as_array().unwrap() {
                let kind = target["kind"][0].as_str().unwrap();
                if !matches!(kind, "test" | "example") {
                    let path = target["src_path"].as_str().unwrap().to_owned();
                    targets.push((package["name"].clone(), kind.to_owned(), path));
                }
            }
        }
        targets
    };
    let copied = targets(folder.path());
    let names = |targets: &[(Value, String, String)]| -> Vec<_> {
        targets.iter().map(|(package, kind, _)| (package.clone(), kind.clone())).collect()
    };
    assert_eq!(names(&copied), names(&targets(root)));
    for (_, _, path) in copied {
        assert!(fs::read_to_string(&path).unwrap().starts_with("//! Empty.\n"), "{path}");
    }
}

/// A list that is cut short would build dependencies without some of them.
#[test]
fn a_list_of_manifests_that_is_not_whole_is_a_failure() {
    let folder = TempDir::new().unwrap();
    let find = folder.path().join("find");
    fs::write(&find, "#!/bin/sh\necho ./Cargo.toml\nexit 1\n").unwrap();
    fs::set_permissions(&find, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), env::var("PATH").unwrap());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut script = Command::new(root.join("release/manifests"));
    let output = script.arg(folder.path().join("to")).env("PATH", path).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_cluster_routes_to_pods() {
    let text = fs::read_to_string(directory().join("cluster.yaml")).unwrap();
    let cluster: Value = serde_yaml::from_str(&text).unwrap();
    let nodes = cluster["nodes"].as_array().unwrap();
    let roles: Vec<_> = nodes.iter().map(|node| node["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["control-plane", "worker", "worker"]);
    let patch: Value =
        serde_yaml::from_str(nodes[0]["kubeadmConfigPatches"][0].as_str().unwrap()).unwrap();
    assert_eq!(patch["apiServer"]["extraArgs"]["enable-aggregator-routing"], "true");
}

/// The image in the manifests is the one that the end-to-end run builds, at this version.
#[test]
fn the_image_is_the_one_that_is_built() {
    let image = Manifests::base().container().image.unwrap();
    assert_eq!(image, concat!("metrics-server:v", env!("CARGO_PKG_VERSION")));
    let script = fs::read_to_string(directory().join("e2e.sh")).unwrap();
    assert!(script.contains(&format!("image=\"{image}\"\n")));
}
