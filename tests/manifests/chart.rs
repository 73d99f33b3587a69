//! The Helm chart, by the objects that it makes of values.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use insta::Settings;
use serde_json::{Value, json};

use super::{objects::Manifests, tools};

const CHART: &str = "charts/metrics-server";
/// The Go server's values, which this chart must know.
const GO_VALUES: &str = include_str!("go-values.txt");

/// What Helm makes of the chart; `None` where there is no Helm.
fn helm(arguments: &[&str]) -> Option<Output> {
    let mut helm = tools::helm()?;
    // No cluster's version, and none of its objects.
    helm.env("KUBECONFIG", "/dev/null").current_dir(root());
    Some(helm.args(arguments).output().unwrap())
}

/// The objects of a release of the chart's own name.
fn rendered(more: &[&str]) -> Option<Manifests> {
    let arguments = ["template", "metrics-server", CHART, "--namespace=kube-system"];
    let output = helm(&[&arguments, more].concat())?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{more:?}: {errors}");
    Some(Manifests::read(&String::from_utf8(output.stdout).unwrap()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(CHART).join(file)).unwrap()
}

fn values_files() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/manifests/values")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The paths of all values: a map that the schema gives fields to is not one itself.
fn values(defaults: &Value, schema: &Value, path: &str) -> Vec<String> {
    let Some(fields) = schema["properties"].as_object() else { return vec![path.to_owned()] };
    let defaults = defaults.as_object().unwrap_or_else(|| panic!("{path} is not a map"));
    for name in defaults.keys() {
        assert!(fields.contains_key(name), "{path} {name}: the schema does not know it");
    }
    let field = |(name, schema): (&String, &Value)| {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let default = defaults.get(name).unwrap_or_else(|| panic!("{path}: not in values.yaml"));
        values(default, schema, &path)
    };
    fields.iter().flat_map(field).collect()
}

#[test]
fn values_make_these_objects() {
    for file in values_files() {
        let values = format!("--values={}", file.display());
        let Some(objects) = rendered(&[&values, "--kube-version=1.37.0"]) else { return };
        objects.check_types();
        let flags = objects.flags();
        let deployment = objects.deployment();
        let port = deployment.spec.template.spec.unwrap().containers[0].ports.as_ref().unwrap()[0]
            .container_port;
        assert_eq!(i32::from(flags.serving.secure_port), port, "{}", file.display());

        // They are immutable, and those of the Go server's chart.
        let selector = deployment.spec.selector.match_labels.unwrap();
        let names: Vec<_> = selector.keys().collect();
        assert_eq!(names, ["app.kubernetes.io/instance", "app.kubernetes.io/name"]);
        let labels = deployment.spec.template.metadata.unwrap().labels.unwrap();
        assert!(selector.iter().all(|(name, value)| labels.get(name) == Some(value)), "{labels:?}");

        // The kubelet probes without a token.
        let allowed = flags.authorization.authorization_always_allow_paths.concat();
        for path in ["/healthz", "/livez", "/readyz"] {
            assert!(allowed.iter().any(|allowed| allowed == path), "{}: {path}", file.display());
        }
        // The API server refuses a CA beside insecureSkipTLSVerify, also one that cert-manager writes.
        for ((kind, _), object) in &objects.0 {
            let annotations = &object["metadata"]["annotations"];
            let injected = annotations.get("cert-manager.io/inject-ca-from").is_some();
            let verified = injected || !object["spec"]["caBundle"].is_null();
            let skipped = object["spec"]["insecureSkipTLSVerify"] == true;
            assert!(kind != "APIService" || !(verified && skipped), "{}", file.display());
        }

        let objects: Vec<_> = objects.0.values().collect();
        let text = serde_yaml::to_string(&objects).unwrap();
        let mut settings = Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        // Helm signs a new certificate each time.
        settings.add_filter("[A-Za-z0-9+/]{400,}=*", "BASE64");
        let name = file.file_stem().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(name, text));
    }
}

/// A test reads the same of the manifests, so both install the same.
#[test]
fn without_values_the_objects_are_those_of_the_manifests() {
    let Some(mut chart) = rendered(&[]) else { return };
    let selector = json!({
        "app.kubernetes.io/instance": "metrics-server",
        "app.kubernetes.io/name": "metrics-server",
    });
    let theirs = json!({"k8s-app": "metrics-server"});
    let key = ("ClusterRole".to_owned(), "system:metrics-server-aggregated-reader".to_owned());
    let mut reader = chart.0.remove(&key).unwrap();
    // The Go server's chart has another name for it than the Go server's manifests.
    reader["metadata"]["name"] = "system:aggregated-metrics-reader".into();
    chart.0.insert((key.0, "system:aggregated-metrics-reader".to_owned()), reader);

    for ((kind, name), object) in &mut chart.0 {
        let labels = object["metadata"]["labels"].as_object_mut().unwrap();
        let before = labels.len();
        for label in ["name", "instance", "version", "managed-by"] {
            labels.remove(&format!("app.kubernetes.io/{label}")).unwrap();
        }
        labels.remove("helm.sh/chart").unwrap();
        assert_eq!(labels.len(), before - 5, "{kind} {name}");
        labels.insert("k8s-app".to_owned(), "metrics-server".into());
        let Some(spec) = object.get_mut("spec") else { continue };
        match kind.as_str() {
            // What is Kubernetes' default is written out in one of them.
            "APIService" => drop(spec["service"].as_object_mut().unwrap().remove("port")),
            "Service" => {
                assert_eq!(spec["selector"], selector);
                spec["selector"] = theirs.clone();
                assert_eq!(spec.as_object_mut().unwrap().remove("type").unwrap(), "ClusterIP");
            }
            "Deployment" => {
                assert_eq!(spec["selector"]["matchLabels"], selector);
                spec["selector"]["matchLabels"] = theirs.clone();
                spec["template"]["metadata"]["labels"] = theirs.clone();
                assert_eq!(spec.as_object_mut().unwrap().remove("replicas").unwrap(), 1);
                // A quarter of one replica is none.
                spec["strategy"] = json!({"rollingUpdate": {"maxUnavailable": 0}});
                // Values of the container's replace those here, as in the Go server's chart.
                let pod = &mut spec["template"]["spec"];
                let container = &mut pod["containers"][0];
                let context = container["securityContext"].as_object_mut().unwrap();
                let fields = ["runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile"];
                let moved = fields.map(|field| (field.to_owned(), context.remove(field).unwrap()));
                let probe = container["livenessProbe"].as_object_mut().unwrap();
                assert_eq!(probe.remove("initialDelaySeconds").unwrap(), 0);
                let args = container["args"].as_array_mut().unwrap();
                args.swap(0, 1);
                pod["securityContext"] = moved.into_iter().collect();
            }
            _ => panic!("{kind} {name}"),
        }
    }
    let base = Manifests::base();
    assert!(chart.0.keys().eq(base.0.keys()));
    for (key, object) in &base.0 {
        assert_eq!(chart.0[key], *object, "{key:?}");
    }
}

/// By the schema, by the list for the notes, and by the README; and those of the Go server's chart are
/// among them.
#[test]
fn every_value_is_known_everywhere() {
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    let defaults: Value = serde_yaml::from_str(&read("values.yaml")).unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap().validate(&defaults).unwrap();
    let values = values(&defaults, &schema, "");
    for path in GO_VALUES.lines().filter(|line| !line.starts_with('#')) {
        assert!(values.iter().any(|value| value == path), "{path}");
    }
    let readme = read("README.md");
    for path in &values {
        assert!(readme.contains(&format!("`{path}`")), "{path} is not in the README");
    }
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `"));
    let mentioned = rows.filter_map(|row| row.split(" |").next()).flat_map(|cell| cell.split(", "));
    for path in mentioned.map(|path| path.trim_matches('`')) {
        assert!(values.iter().any(|value| value == path), "{path} of the README is no value");
    }

    let helpers = read("templates/_helpers.tpl");
    let (_, known) = helpers.split_once("\"metrics-server.knownValues\" -}}").unwrap();
    let known: Vec<_> = known.split("{{").next().unwrap().split_whitespace().collect();
    let mut names: Vec<_> = defaults.as_object().unwrap().keys().map(String::as_str).collect();
    // Of charts that this one is a part of.
    names.push("global");
    names.sort_unstable();
    assert_eq!(known, names);
}

#[test]
fn wrong_values_are_refused_with_their_place() {
    for (value, expected) in [
        ("tls.type=own", "'/tls/type'"),
        ("service.port=0", "'/service/port'"),
        ("containerPort=70000", "'/containerPort'"),
        ("replicas=two", "'/replicas'"),
        ("args[0]=30", "'/args/0'"),
        ("podAnnotations.a=true", "'/podAnnotations/a'"),
        ("hostNetwork=true", "'/hostNetwork'"),
        ("image.digest=abc", "'/image/digest'"),
        ("tls.type=helm", "apiService.insecureSkipTLSVerify=false"),
        ("apiService.caBundle=a", "apiService.insecureSkipTLSVerify=false"),
    ] {
        let Some(output) = helm(&["template", "metrics-server", CHART, "--set", value]) else {
            return;
        };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(expected), "{value}: {errors}");
    }
}

/// A value of null is taken away, with its default: what does not work without it says so, by its name.
#[test]
fn values_may_be_null() {
    let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
    for path in paths(&schema, "") {
        // One in which the value has an effect.
        let file = match path.as_str() {
            path if path.starts_with("tls.helm") => "tls-helm",
            path if path.starts_with("tls.certManager") => "tls-issuer",
            _ => "everything",
        };
        let values = format!("--values=tests/manifests/values/{file}.yaml");
        let null = format!("--set=networkPolicy.enabled=true,{path}=null");
        let Some(output) = helm(&["template", "a", CHART, &values, &null]) else { return };
        if output.status.success() {
            let objects = Manifests::read(&String::from_utf8(output.stdout).unwrap());
            objects.check_types();
            objects.flags();
        } else {
            let errors = String::from_utf8_lossy(&output.stderr);
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", &path));
            let place = parent.replace('.', "/");
            assert!(errors.contains(&format!("missing property '{name}'")), "{path}: {errors}");
            assert!(errors.contains(&place), "{path}: {errors}");
        }
    }
}

/// The paths of all values, and of the maps that they are in.
fn paths(schema: &Value, parent: &str) -> Vec<String> {
    let fields = schema["properties"].as_object().into_iter().flatten();
    let field = |(name, schema): (&String, &Value)| {
        let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
        let within = paths(schema, &path);
        [vec![path], within].concat()
    };
    fields.flat_map(field).collect()
}

/// As in the Go server's chart: a release of another name has its name in all names, but one that has
/// the chart's name in it does not repeat it; and old clusters get no fields that they do not know.
#[test]
fn names_follow_the_release_and_fields_the_version() {
    for (release, name) in [
        ("usage", "usage-metrics-server"),
        ("metrics-server-2", "metrics-server-2"),
        ("metrics-server", "metrics-server"),
    ] {
        let arguments = ["template", release, CHART, "--kube-version=1.26.0"];
        let more = ["--set=hostUsers=false", "--set=podDisruptionBudget.enabled=true"];
        let policy = ["--set=podDisruptionBudget.unhealthyPodEvictionPolicy=AlwaysAllow"];
        let Some(output) = helm(&[&arguments[..], &more[..], &policy[..]].concat()) else { return };
        let objects = Manifests::read(&String::from_utf8(output.stdout).unwrap());
        let names: Vec<_> = objects.0.keys().map(|(_, name)| name.clone()).collect();
        assert!(names.contains(&format!("system:{name}")), "{names:?}");
        assert!(names.contains(&format!("{name}-auth-reader")), "{names:?}");
        let deployment = objects.deployment();
        assert_eq!(deployment.metadata.name.unwrap(), name);
        assert_eq!(deployment.spec.template.spec.unwrap().host_users, None);
        let budget = &objects.0[&("PodDisruptionBudget".to_owned(), name.to_owned())];
        assert_eq!(budget["spec"]["unhealthyPodEvictionPolicy"], Value::Null);
    }
}

#[test]
fn the_notes_name_values_without_effect() {
    let install = ["install", "metrics-server", CHART, "--dry-run=client"];
    let notes = |values: &[&str]| {
        let values: Vec<_> = values.iter().flat_map(|value| ["--set", value]).collect();
        let output = helm(&[&install[..], &values].concat())?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(String::from_utf8(output.stdout).unwrap().split_once("NOTES:\n").unwrap().1.to_owned())
    };
    let Some(plain) = notes(&["global.a=b"]) else { return };
    assert!(!plain.contains("WARNING"), "{plain}");
    for (values, expected) in [
        (&["extraArgs.a=b"][..], "extraArgs is not a value of this chart"),
        (&["rbac.pspEnabled=true"], "rbac.pspEnabled has no effect"),
        (&["serviceMonitor.enabled=true"], "without metrics.enabled"),
        (&["networkPolicy.enabled=true", "hostNetwork.enabled=true"], "with hostNetwork.enabled"),
        (&["image.repository=registry.k8s.io/metrics-server/metrics-server"], "defaultArgs"),
    ] {
        let notes = notes(values).unwrap();
        assert!(notes.contains(expected), "{notes}");
    }
}

#[test]
fn the_chart_has_the_version_of_the_programs() {
    let chart: Value = serde_yaml::from_str(&read("Chart.yaml")).unwrap();
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
}
