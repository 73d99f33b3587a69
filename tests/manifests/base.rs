//! The manifests as they are in the files.

use std::fs;

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        batch::v1::Job,
        core::v1::Service,
        rbac::v1::{ClusterRole, ClusterRoleBinding},
    },
    apimachinery::pkg::util::intstr::IntOrString,
    kube_aggregator::pkg::apis::apiregistration::v1::APIService,
};

use metrics_server::flags::Flags;

use super::objects::{Manifests, directory};

/// The objects of the Go server's manifests, by the names under which others know them.
const GO_SERVERS: [(&str, &str); 9] = [
    ("APIService", "v1beta1.metrics.k8s.io"),
    ("ClusterRole", "system:aggregated-metrics-reader"),
    ("ClusterRole", "system:metrics-server"),
    ("ClusterRoleBinding", "metrics-server:system:auth-delegator"),
    ("ClusterRoleBinding", "system:metrics-server"),
    ("Deployment", "metrics-server"),
    ("RoleBinding", "metrics-server-auth-reader"),
    ("Service", "metrics-server"),
    ("ServiceAccount", "metrics-server"),
];

#[test]
fn every_object_is_what_kubernetes_reads() {
    let manifests = Manifests::base();
    manifests.check_types();
    for (kind, name) in GO_SERVERS {
        assert!(manifests.0.contains_key(&(kind.to_owned(), name.to_owned())), "no {kind} {name}");
    }
    assert_eq!(manifests.0.len(), GO_SERVERS.len(), "nothing is left where the Go server is back");
    let v1 = Manifests::v1();
    v1.check_types();
    assert_eq!(v1.0.len(), 1);
}

/// The way back to the Go server: it ends at arguments that it does not know, and an APIService that
/// it does not serve keeps namespaces from ending.
#[test]
fn the_way_back_undoes_what_the_go_server_does_not_know() {
    let page = fs::read_to_string(directory().join("../docs/migrating.md")).unwrap();
    let (_, back) = page.split_once("## The way back").unwrap();
    let (back, _) = back.split_once("\n## ").unwrap();
    let upstream = include_str!("../../src/flags/upstream.txt");
    let known: Vec<_> = upstream.lines().filter_map(|line| line.split(' ').next()).collect();
    let args = Manifests::base().container().args.unwrap();
    let ours: Vec<_> = args
        .iter()
        .filter_map(|arg| arg.trim_start_matches('-').split('=').next())
        .filter(|flag| !known.contains(flag))
        .collect();
    assert_eq!(ours, ["kubelet-address-fallback"]);
    for flag in ours {
        assert!(back.contains(&format!("`--{flag}`")), "{flag}");
    }
    for (_, name) in Manifests::v1().0.keys() {
        assert!(back.contains(&format!("kubectl delete apiservice {name} ")), "{name}");
    }
    for folder in page.split("--kustomize ").skip(1) {
        let folder = folder.split(['`', '\n', ',', ' ']).next().unwrap();
        let file = directory().join("..").join(folder).join("kustomization.yaml");
        assert!(folder.is_empty() || file.is_file(), "{folder}");
    }
}

#[test]
fn the_objects_refer_to_each_other() {
    let manifests = Manifests::base();
    let deployment: Deployment = manifests.get("Deployment", "metrics-server");
    let service: Service = manifests.get("Service", "metrics-server");
    let spec = deployment.spec;
    let labels = spec.template.metadata.unwrap().labels;
    assert_eq!(spec.selector.match_labels, labels);
    let service_spec = service.spec.unwrap();
    assert_eq!(service_spec.selector, labels);

    let port = service_spec.ports.unwrap().remove(0);
    let container = manifests.container();
    let named = container.ports.unwrap().remove(0);
    assert_eq!(port.target_port, Some(IntOrString::String(named.name.unwrap())));
    assert_eq!(named.container_port, i32::from(manifests.flags().serving.secure_port));
    for (version, manifests) in [("v1beta1", &manifests), ("v1", &Manifests::v1())] {
        let api: APIService = manifests.get("APIService", &format!("{version}.metrics.k8s.io"));
        let spec = api.spec.unwrap();
        assert_eq!(spec.version.as_deref(), Some(version));
        assert_eq!(spec.service.unwrap().name.as_deref(), Some("metrics-server"));
    }

    let pod = spec.template.spec.unwrap();
    assert_eq!(pod.service_account_name.as_deref(), Some("metrics-server"));
    let mounts = container.volume_mounts.unwrap();
    let volumes = pod.volumes.unwrap();
    assert!(mounts.iter().all(|mount| volumes.iter().any(|volume| volume.name == mount.name)));
}

#[test]
fn the_pod_may_do_as_little_as_possible() {
    let manifests = Manifests::base();
    let deployment: Deployment = manifests.get("Deployment", "metrics-server");
    let pod = deployment.spec.template.spec.unwrap();
    assert_eq!(pod.priority_class_name.as_deref(), Some("system-cluster-critical"));
    let pod_context = pod.security_context.unwrap();
    assert_eq!(pod_context.run_as_non_root, Some(true));
    assert_eq!(pod_context.seccomp_profile.unwrap().type_, "RuntimeDefault");
    let context = manifests.container().security_context.unwrap();
    assert_eq!(context.allow_privilege_escalation, Some(false));
    assert_eq!(context.read_only_root_filesystem, Some(true));
    assert_eq!(context.capabilities.unwrap().drop, Some(vec!["ALL".to_owned()]));

    let role: ClusterRole = manifests.get("ClusterRole", "system:metrics-server");
    let verbs: Vec<_> = role.rules.unwrap().into_iter().flat_map(|rule| rule.verbs).collect();
    assert!(
        verbs.iter().all(|verb| ["get", "list", "watch"].contains(&verb.as_str())),
        "{verbs:?}"
    );
}

#[test]
fn the_server_takes_its_flags() {
    let flags = Manifests::base().flags();
    assert_eq!(flags.kubelet.kubelet_preferred_address_types[0][0], "InternalIP");
    assert!(
        !flags.kubelet.kubelet_insecure_tls,
        "kubelets are verified unless someone gives that up"
    );
}

/// It must see what the server will see, and get none of its requests.
#[test]
fn the_check_runs_as_the_server_does_and_serves_nothing() {
    let (base, check) = (Manifests::base(), Manifests::check());
    check.check_types();
    let deployment: Deployment = base.get("Deployment", "metrics-server");
    let job: Job = check.get("Job", "metrics-server-check");
    assert_eq!(job.metadata.namespace, deployment.metadata.namespace);
    let template = job.spec.unwrap().template;
    let service: Service = base.get("Service", "metrics-server");
    let (selector, labels) = (service.spec.unwrap().selector, template.metadata.unwrap().labels);
    assert!(
        labels
            .unwrap()
            .iter()
            .all(|(name, value)| { selector.as_ref().unwrap().get(name) != Some(value) })
    );
    let (mut pod, server) = (template.spec.unwrap(), deployment.spec.template.spec.unwrap());
    assert_eq!(pod.restart_policy.as_deref(), Some("Never"));
    assert_eq!(pod.service_account_name, server.service_account_name);
    assert_eq!(pod.node_selector, server.node_selector);
    assert_eq!(pod.security_context, server.security_context);
    let (container, its) = (pod.containers.remove(0), base.container());
    assert_eq!((container.image, container.security_context), (its.image, its.security_context));
    let args: Vec<_> = its.args.unwrap().into_iter().chain(["--check".to_owned()]).collect();
    assert_eq!(container.args.as_ref(), Some(&args));
    assert!(Flags::parse_from_args(args).unwrap().metrics_server.check);
    assert_eq!(container.ports, None);

    let binding: ClusterRoleBinding =
        check.get("ClusterRoleBinding", "system:metrics-server-check");
    assert_eq!(binding.subjects.unwrap()[0].name, "metrics-server");
    let role: ClusterRole = check.get(&binding.role_ref.kind, &binding.role_ref.name);
    let [only] = &role.rules.unwrap()[..] else { panic!("one rule") };
    assert_eq!(
        (&only.verbs[..], only.resource_names.as_ref().unwrap().len()),
        (&["get".to_owned()][..], 2)
    );
}
