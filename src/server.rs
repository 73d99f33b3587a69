//! Wires the parts together.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use apiserver::{
    GenericServer, ServerError,
    access::ApiConfigs,
    serving::{self, OpenFiles, Secure},
};
use axum::Router;
use k8s_text::duration;
use kube_dial::ApiClient;
use net::{Clock, Doors, dns::Resolver};
use prometheus::core::Collector;
use tokio::{sync::watch, time::sleep};

use crate::{
    api,
    clients::{Clients, ClientsError},
    cluster::{Cluster, watch},
    flags::{Flags, Warning},
    kubelet::KubeletMetrics,
    metrics::{self, FileMetrics, Telemetry},
    names::USER_AGENT,
    scrape::{Cycles, Scraper, Scrapes, Timing},
    status,
    store::Store,
    supervisor::Supervisor,
};

/// A metrics server that is ready to run.
pub struct Server {
    doors: Doors,
    api: ApiClient,
    cluster: Arc<Cluster>,
    scraper: Scraper,
    telemetry: Arc<Telemetry>,
    store: Arc<Store>,
    router: Router,
    generic: GenericServer,
    shutdown_delay: Duration,
    warnings: Vec<Warning>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There are no clients.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// Its own metrics cannot be registered.
    #[error("failed to register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// It cannot serve.
    #[error(transparent)]
    Serving(#[from] ServerError),
}

// === impl Server ===

impl Server {
    /// A server as `flags` configure it, for the API servers in `configs`. Its address is `address`
    /// instead of the flags' where given: in a simulated world a server has a pod's address.
    #[allow(clippy::needless_pass_by_value, reason = "nothing else uses the resolver")]
    pub fn new(
        flags: &Flags,
        configs: &ApiConfigs,
        doors: Doors,
        resolver: Resolver,
        address: Option<SocketAddr>,
    ) -> Result<Self, StartError> {
        // A server that shares its process does not change it.
        let open_files = address.is_none().then(OpenFiles::raise);
        let kubelet = &flags.kubelet;
        let resolution = flags.metrics_server.metric_resolution;
        let cluster = Arc::new(Cluster::selecting(kubelet.node_selector.clone()));
        let grace = flags.metrics_server.metric_grace_cycles;
        let store = Store::new(resolution).with_grace(grace);
        let known_pods = cluster.clone();
        let store =
            Arc::new(store.with_limit(kubelet.limits.containers(), move |namespace, pod| {
                known_pods.pod(namespace, pod).is_some()
            }));
        let telemetry = Arc::new(telemetry(flags, &doors.clock, address.is_none())?);
        let known = Arc::new(Scrapes::new(doors.clock.clone()));
        let metrics = KubeletMetrics::new()?;
        telemetry.add(metrics.collectors())?;
        telemetry.add(vec![Box::new(FileMetrics::new(doors.files.clone())?)])?;
        let Clients { api: own, credentials, kubelets } =
            Clients::new(kubelet, &configs.cluster, &doors, &resolver, open_files, metrics)?;
        let timing = Timing { resolution, request_timeout: kubelet.kubelet_request_timeout };
        let scraper = Scraper::new(
            cluster.clone(),
            kubelets,
            credentials,
            store.clone(),
            telemetry.clone(),
            known.clone(),
            timing,
            doors.random.clone(),
        );
        let address = address.unwrap_or_else(|| {
            SocketAddr::new(flags.serving.bind_address, flags.serving.secure_port)
        });
        let settings = api::Settings {
            preferred: flags.metrics_server.preferred_api_version,
            address: format!(":{}", address.port()),
        };
        let router = router(
            &api::Sources {
                cluster: cluster.clone(),
                store: store.clone(),
                scrapes: known.clone(),
                clock: doors.clock.clone(),
                served: {
                    let telemetry = telemetry.clone();
                    Arc::new(move |measured| telemetry.served(measured))
                },
                settings,
            },
            &status::Sources {
                telemetry: telemetry.clone(),
                cluster: cluster.clone(),
                store: store.clone(),
                scrapes: known,
            },
        );
        let options = flags.server_options(address);
        let mut generic =
            GenericServer::new(options, configs, &own, doors.clone(), &resolver, USER_AGENT)?;
        let limits = &mut generic.secure.limits;
        let request_timeout = flags.generic.request_timeout;
        // A request that reaches its timeout is answered with 504: that answer has a second.
        limits.answer = Some(request_timeout + Duration::from_secs(1));
        limits.shutdown = request_timeout;
        if let Some(files) = open_files {
            *limits = files.bound(*limits);
            files.warn_if_low(*limits);
        }
        Ok(Self {
            generic,
            doors,
            api: own.client,
            cluster,
            scraper,
            store,
            router: metrics::observed(router, telemetry.clone()),
            telemetry,
            shutdown_delay: flags.generic.shutdown_delay_duration,
            warnings: flags.warnings().to_vec(),
        })
    }

    /// Serves the metrics of the program around it too.
    pub fn add_metrics(&self, collectors: Vec<Box<dyn Collector>>) -> Result<(), StartError> {
        Ok(self.telemetry.add(collectors)?)
    }

    /// The number of scrape cycles so far.
    pub fn cycles(&self) -> watch::Receiver<Cycles> {
        self.scraper.cycles()
    }

    /// The store, for tests that read usage without a request.
    pub fn store(&self) -> Arc<Store> {
        self.store.clone()
    }

    /// Watches, scrapes and serves until `stop` is true, then for the shutdown delay, and then
    /// until requests in flight have been answered.
    pub async fn run(self, stop: watch::Receiver<bool>) -> Result<(), StartError> {
        let Self { doors, api, cluster, scraper, generic, .. } = self;
        for Warning { argument, reason } in &self.warnings {
            tracing::warn!(argument, reason, "This has no effect");
        }
        let listener = generic.listen().await?;
        let (end, ended) = watch::channel(false);
        let (telemetry, delay) = (self.telemetry, self.shutdown_delay);
        let guarded = metrics::contained(generic.guard(self.router), telemetry.clone());
        let GenericServer { access, secure: Secure { tls, limits, .. }, .. } = generic;
        let observer = {
            let telemetry = telemetry.clone();
            Arc::new(move |event| telemetry.serving(event))
        };
        let supervisor = Supervisor::new(telemetry.clone(), doors.random.clone());
        tokio::select! {
            biased;
            () = serving::serve_within(limits, listener, tls, guarded, ended, observer) => {}
            // Neither of these ends but with the process.
            _ = async { tokio::join!(
                supervisor.keep("cluster_watch", (api, cluster, doors.random), |(api, cluster, random)| {
                    Box::pin(watch(api.clone(), cluster.clone(), random.clone()))
                }),
                supervisor.keep("scrape_cycle", scraper, |scraper| Box::pin(scraper.run())),
                supervisor.keep("client_ca", access, |access| Box::pin(access.follow())),
                stop_after(stop, telemetry.clone(), delay, end),
            ) } => {}
        }
        Ok(())
    }
}

/// Pages that `/` does not list, as with the Go server.
const UNLISTED: [&str; 2] = ["/statusz", "/flagz"];

/// All paths.
fn router(api: &api::Sources, pages: &status::Sources) -> Router {
    let mut paths = api::paths(api);
    for (path, handler) in status::routes(pages) {
        let listed = !UNLISTED.contains(&path.as_str());
        paths = if listed { paths.route(&path, handler) } else { paths.unlisted(&path, handler) };
    }
    paths.into_router()
}

/// Fails `/readyz` once `stop` is true, and stops listening after `delay`.
async fn stop_after(
    mut stop: watch::Receiver<bool>,
    telemetry: Arc<Telemetry>,
    delay: Duration,
    end: watch::Sender<bool>,
) {
    // An error means that the sender is gone, which stops the server too.
    let _ = stop.wait_for(|stop| *stop).await;
    telemetry.stopping();
    let delayed = duration::format(delay);
    tracing::info!(delay = delayed, "Received SIGTERM, shutting down; /readyz now fails");
    sleep(delay).await;
    end.send_replace(true);
}

/// Process metrics are only reported by a server with a process to itself.
fn telemetry(
    flags: &Flags,
    clock: &Clock,
    owns_process: bool,
) -> Result<Telemetry, prometheus::Error> {
    let resolution = flags.metrics_server.metric_resolution;
    let telemetry = Telemetry::new(clock.clone(), resolution, flags.effective().clone())?;
    if owns_process { telemetry.with_process() } else { Ok(telemetry) }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn serving_continues_for_the_delay_after_the_signal() {
        let telemetry = Telemetry::new(Clock::system(), Duration::from_mins(1), [].into()).unwrap();
        let telemetry = Arc::new(telemetry);
        let ((stop, stopped), (end, mut ended)) = (watch::channel(false), watch::channel(false));
        let delay = Duration::from_secs(5);
        let stopping = tokio::spawn(stop_after(stopped, telemetry.clone(), delay, end));
        let start = Instant::now();
        stop.send_replace(true);
        ended.wait_for(|ended| *ended).await.unwrap();
        assert_eq!(start.elapsed(), delay);
        stopping.await.unwrap();
    }
}
