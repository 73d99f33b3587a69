//! `run` in progress: what follows a change of its file, and which clients it accepts.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod program;

use std::fs;

use fake_kubelet::{Certificates, Subject, Validity};
use kube::{Client, Config, Error};
use net::Clock;

use self::program::{OwnFleet, PATIENCE};

const FLEET: &str = "
nodes:
  - name: fake-{n}
    count: 2
    listen: ['127.0.0.1:0']
    kubelet: {sampling: {every: 0s}}
    pods:
      - name: app-{n}
        containers: [{name: main, usage: {cpu: 250m, memory: 64Mi}}]
";

const SCRAPE: &str = "/metrics/resource";
const AT_64_MI: &str = "pod=\"app-1\"} 6.7108864e+07 ";
const AT_1_GI: &str = "pod=\"app-1\"} 1.073741824e+09 ";

fn status(answer: Result<String, Error>) -> u16 {
    match answer {
        Ok(_) => 200,
        Err(Error::Api(status)) => status.code,
        Err(error) => panic!("{error}"),
    }
}

async fn until_status(fleet: &OwnFleet, wanted: u16) {
    let until = async {
        while status(fleet.get("fake-1", SCRAPE).await) != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, until).await.unwrap();
}

#[tokio::test]
async fn faults_and_usage_follow_the_file_and_nothing_follows_a_bad_one() {
    let fleet = OwnFleet::start(FLEET, &[]).await;
    fleet.get_until("fake-1", SCRAPE, AT_64_MI).await;
    let file = fleet.path("fleet.yaml");
    let faulty = FLEET.replace("{every: 0s}}", "{every: 0s}, faults: {status: 500}}");
    fs::write(&file, &faulty).unwrap();
    until_status(&fleet, 500).await;
    let grown = FLEET.replace("64Mi", "1Gi");
    fs::write(&file, grown.replace("nodes:", "node:")).unwrap();
    fleet.log_until("Failed to load the changed configuration").await;
    assert_eq!(status(fleet.get("fake-1", SCRAPE).await), 500);
    fs::write(&file, &grown).unwrap();
    fleet.get_until("fake-1", SCRAPE, AT_1_GI).await;
    fs::write(&file, grown.replace("cpu: 250m", "cpu: 1M")).unwrap();
    fleet.log_until("more than 100000 cores, which no kubelet can count").await;
}

#[tokio::test]
async fn nodes_and_pods_follow_the_file() {
    let fleet = OwnFleet::start(FLEET, &[]).await;
    let file = fleet.path("fleet.yaml");
    fs::write(&file, FLEET.replace("count: 2", "count: 3")).unwrap();
    fleet.get_until("fake-2", SCRAPE, "pod=\"app-2\"").await;
    fleet.log_until("added=1 changed=0 removed=0").await;
    let names = || {
        let nodes = fs::read_to_string(fleet.path("nodes")).unwrap();
        nodes.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["fake-0", "fake-1", "fake-2"]);
    fs::write(&file, FLEET.replace("count: 2", "count: 1")).unwrap();
    until_status(&fleet, 404).await;
    fleet.log_until("added=0 changed=0 removed=2").await;
    assert_eq!(names(), ["fake-0"]);
    // A kubelet that is another one from now on, with another pod.
    let other = FLEET.replace("app-{n}", "other-{n}").replace("{every: 0s}", "{every: 1s}");
    fs::write(&file, other).unwrap();
    let scrape = fleet.get_until("fake-0", SCRAPE, "pod=\"other-0\"").await;
    assert!(!scrape.contains("pod=\"app-0\""), "{scrape}");
    fleet.get_until("fake-1", SCRAPE, "pod=\"other-1\"").await;
}

#[tokio::test]
async fn client_certificates_are_verified_with_the_configured_ca() {
    let now = Clock::system().now();
    let theirs = Certificates::new(now).unwrap();
    let unknown = Certificates::new(now).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("clients.crt");
    fs::write(&ca, theirs.cluster().pem()).unwrap();
    let fleet = OwnFleet::start(FLEET, &["--client-ca-file", ca.to_str().unwrap()]).await;
    let nodes = fs::read_to_string(fleet.path("nodes")).unwrap();
    let port = nodes.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
    let ask = async |certificates: &Certificates, group: &str| {
        let subject = Subject {
            common_name: "prometheus".to_owned(),
            organization: Some(group.to_owned()),
            ..Subject::default()
        };
        let validity = Validity::year_from_an_hour_before(now);
        let identity = certificates.cluster().client(&subject, validity).unwrap();
        let mut config = Config::new(format!("https://127.0.0.1:{port}").parse().unwrap());
        config.accept_invalid_certs = true;
        let file = |name: &str, text: String| {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            file.to_str().unwrap().to_owned()
        };
        config.auth_info.client_certificate = Some(file("crt", identity.chain_pem()));
        config.auth_info.client_key = Some(file("key", identity.key_pem()));
        let client = Client::try_from(config).unwrap();
        let request = http::Request::get(SCRAPE).body(kube::client::Body::empty()).unwrap();
        let answer = client.send(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect_bytes().await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(ask(&theirs, "system:masters").await.0, 200);
    let forbidden =
        "Forbidden (user=prometheus, verb=get, resource=nodes, subresource(s)=[metrics])\n";
    assert_eq!(ask(&theirs, "nobodies").await, (403, forbidden.to_owned()));
    assert_eq!(ask(&unknown, "system:masters").await, (401, "Unauthorized\n".to_owned()));
    assert_eq!(fleet.get("fake-0", "/healthz").await.unwrap(), "ok", "the API server gets in");
}
