use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use apiserver::{
    access::{Access, ApiServer, ApiServers, RequestHeaderOptions, Settings},
    serving::{FilterOptions, Filters, Peer},
};
use axum::{Router, body::Body};
use fake_kubelet::{Authority, Subject, Validity};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::BodyExt;
use jiff::{Timestamp, ToSpan};
use kube::Client;
use net::{Clock, Doors, Files, HostNetwork, Programs, Random};
use rustls::pki_types::CertificateDer;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

thread_local! {
    static FRONT: Front = Front::new();
}

/// The head of a request, a method and a target in the first line and a header in each further one,
/// from a client without credentials and, if the first byte is odd, from the front proxy. There is
/// a response, and a client without credentials is served probes only.
pub fn request(input: &[u8]) {
    let Some((&first, head)) = input.split_first() else { return };
    FRONT.with(|front| front.ask(first % 2 == 1, head));
}

/// A server, and the certificate of its front proxy.
struct Front {
    runtime: Runtime,
    router: Router,
    proxy: CertificateDer<'static>,
}

// === impl Front ===

impl Front {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let now = Timestamp::from_second(1_600_000_000).expect("a time");
        let clock = Clock::starting_at(now);
        let authority = Authority::new("front-proxy-ca", now).expect("a CA");
        let subject = Subject { common_name: "front-proxy".to_owned(), ..Subject::default() };
        let validity = Validity { not_before: now, not_after: now + 24.hours() };
        let proxy = authority.client(&subject, validity).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.crt");
        std::fs::write(&file, authority.pem()).expect("a file");

        // The client has a task that passes requests on.
        let entered = runtime.enter();
        let away = tower::service_fn(|_: Request<kube::client::Body>| async {
            Err::<http::Response<Body>, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
        });
        let client = Client::new(away, "default");
        let asked = ApiServer { client, url: Uri::from_static("https://10.96.0.1/") };
        let servers = ApiServers { authentication: asked.clone(), authorization: asked };
        let settings = Settings {
            request_header: RequestHeaderOptions {
                client_ca_file: Some(file),
                uid_headers: vec!["X-Remote-Uid".to_owned()],
                ..RequestHeaderOptions::default()
            },
            skip_lookup: true,
            ..Settings::default()
        };
        let doors = Doors {
            clock,
            network: Arc::new(HostNetwork),
            random: Random::seeded(1),
            files: Files::default(),
            programs: Programs::default(),
        };
        let access = Access::new(&settings, servers, &doors).expect("authentication");
        let filters = Filters::new(FilterOptions::default(), None, &doors.random);
        let router = filters.before(access.guard(Router::new().fallback(async || "served")));
        drop(entered);
        Self { runtime, router, proxy: proxy.chain().swap_remove(0) }
    }

    fn ask(&self, is_proxy: bool, head: &[u8]) {
        let Some(mut request) = parse(head) else { return };
        let certificates = if is_proxy { vec![self.proxy.clone()] } else { Vec::new() };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        request.extensions_mut().insert(Peer::new(address, certificates));
        let path = request.uri().path().to_owned();
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await;
            let (head, body) = response.unwrap_or_else(|never| match never {}).into_parts();
            let body = body.collect().await.expect("a whole answer").to_bytes();
            assert!(head.headers.contains_key("audit-id"), "{head:?}");
            let is_open = ["/healthz", "/livez", "/readyz"].contains(&path.as_str());
            if !is_proxy && !is_open {
                let refused = !head.status.is_success();
                assert!(refused, "{path}: {} {}", head.status, String::from_utf8_lossy(&body));
            }
        });
    }
}

/// As far as an HTTP library would have read it; `None` when that would have refused it.
fn parse(head: &[u8]) -> Option<Request<Body>> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next()?;
    let space = first.iter().position(|byte| *byte == b' ')?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(&first[..space]).ok()?;
    *request.uri_mut() = Uri::try_from(&first[space + 1..]).ok()?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}
