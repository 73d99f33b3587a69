//! The table of causes.

use crate::steps::{self, Step};

/// What the table says of a cause besides its meaning.
struct Row {
    name: &'static str,
    scenario: Option<&'static str>,
    cure: &'static str,
    steps: &'static [Step],
}

/// Where the causes are described for users, each with an anchor of its own.
const PAGE: &str = "docs/troubleshooting.md";

causes! {
    scrapes {
        /// The node has no address of a type that may be used.
        NoAddress ("no_address", "addresses/no-usable-type", "list a type that the node has in --kubelet-preferred-address-types", [SEE_NODE])
        /// The node's address is not valid in a URL.
        BadAddress ("bad_address", "addresses/not-fit-for-a-url", "correct the address in the node's status, or prefer another type with --kubelet-preferred-address-types", [SEE_NODE])
        /// DNS does not know the name.
        DnsNoSuchHost ("dns_no_such_host", "field-report/installed-as-it-comes", "use the nodes' IP addresses with --kubelet-preferred-address-types=InternalIP, or add the name to the cluster's DNS, such as with CoreDNS's hosts plugin", [PREFER_INTERNAL_IP, COREDNS_HOSTS, NODE_ADDRESSES])
        /// The DNS server answers with an error.
        DnsServerFailure ("dns_server_failure", "dns/server-failure", "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP", [SEE_DNS, PREFER_INTERNAL_IP])
        /// The DNS server does not answer in time.
        DnsTimeout ("dns_timeout", "dns/silent-server", "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP", [SEE_DNS, PREFER_INTERNAL_IP])
        /// Too many lookups wait for an answer of DNS.
        DnsTooMany ("dns_too_many", none, "look at the load of the cluster's DNS, which answers slowly or not at all, or do without it with --kubelet-preferred-address-types=InternalIP", [SEE_DNS, PREFER_INTERNAL_IP])
        /// The DNS server cannot be reached.
        DnsUnreachable ("dns_unreachable", "dns/link-local-server", "check the cluster's DNS, or do without it with --kubelet-preferred-address-types=InternalIP", [SEE_DNS, PREFER_INTERNAL_IP])
        /// Nothing listens at the kubelet's address and port.
        ConnectionRefused ("connection_refused", "kubelet/each-fault", "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection", [REACH_KUBELET, SEE_NODE, NODE_STATUS_PORT])
        /// There is no route to the kubelet's address.
        NoRoute ("no_route", none, "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection", [REACH_KUBELET, SEE_NODE])
        /// The kubelet's address does not answer in time.
        ConnectTimeout ("connect_timeout", "kubelet/firewall", "open the way from the metrics server's pod to that address and port: firewall, security group, network plugin", [REACH_KUBELET, HOST_NETWORK])
        /// The connection to the kubelet fails.
        Connect ("connect", none, "check that the kubelet runs and listens on that address and port, and that no firewall rejects the connection", [REACH_KUBELET, SEE_NODE])
        /// The proxy cannot be reached, or does not connect to the kubelet.
        Proxy ("proxy", none, "kubelets are reached through the proxy of the kubeconfig's proxy-url or of HTTPS_PROXY: let it connect to them, or list the nodes' addresses in NO_PROXY, in CIDR notation too", [NO_PROXY])
        /// The kubelet's certificate is for other names.
        CertificateName ("certificate_name", "tls/other-name-or-time", "see first where that name or address leads: another node or a proxy may answer there, as on Fargate; if it is the right kubelet, let it get a serving certificate with its names and addresses from the cluster (serverTLSBootstrap: true, then approve its CSR)", [SEE_CERTIFICATE, SERVING_CERTIFICATES, APPROVE_CSRS])
        /// The kubelet's certificate has no IP addresses, or no names but a Common Name.
        CertificateNoSan ("certificate_no_san", "field-report/right-address-wrong-certificate", "let the kubelets get serving certificates from the cluster (serverTLSBootstrap: true, then approve their CSRs), or give up verification with --kubelet-insecure-tls", [SERVING_CERTIFICATES, APPROVE_CSRS, INSECURE_TLS])
        /// The kubelet's certificate is signed by an unknown authority.
        CertificateAuthority ("certificate_authority", "tls/bad-certificates", "name the CA that signs the kubelets' serving certificates with --kubelet-certificate-authority, or give up verification with --kubelet-insecure-tls", [SERVING_CERTIFICATES, APPROVE_CSRS, KUBELET_CA, INSECURE_TLS])
        /// The kubelet's certificate is signed by another key of an authority of the same name.
        CertificateAuthorityReplaced ("certificate_authority_replaced", "tls/authority-replaced", "the CA was replaced: name the one that signs now with --kubelet-certificate-authority, and let the kubelets get new serving certificates from it", [SEE_CERTIFICATE, KUBELET_CA, APPROVE_CSRS])
        /// The kubelet's certificate has expired or is not yet valid.
        CertificateTime ("certificate_time", "tls/other-name-or-time", "renew the kubelet's serving certificate, and compare the clocks of the node and the metrics server", [SEE_CERTIFICATE, APPROVE_CSRS, COMPARE_CLOCKS])
        /// The kubelet's certificate is not for servers.
        CertificateUsage ("certificate_usage", none, "replace the kubelet's serving certificate by one for servers (extended key usage serverAuth)", [SEE_CERTIFICATE, SERVING_CERTIFICATES, APPROVE_CSRS])
        /// The kubelet's certificate is unusable.
        Certificate ("certificate", none, "replace the kubelet's serving certificate", [SEE_CERTIFICATE, SERVING_CERTIFICATES, APPROVE_CSRS])
        /// Another node's kubelet answers at the address.
        OtherNode ("other_node", none, "another node has that address now: let the node's status say where it is, or delete the Node if its machine is gone", [SEE_NODE])
        /// The kubelet demands a client certificate.
        ClientCertificateRequired ("client_certificate_required", "tls/demands-client-certificate", "show the kubelet a certificate that its client CA has signed with --kubelet-client-certificate and --kubelet-client-key", [CLIENT_CERTIFICATE])
        /// The kubelet refuses the metrics server's client certificate.
        ClientCertificateRefused ("client_certificate_refused", none, "the kubelet refuses the metrics server's client certificate: renew the one in --kubelet-client-certificate, signed by the kubelet's client CA, and compare the clocks", [CLIENT_CERTIFICATE, COMPARE_CLOCKS])
        /// The kubelet has no serving certificate.
        TlsAlert ("tls_alert", "tls/csr-not-approved", "see that the kubelet has a serving certificate: its CSR may wait for approval (kubectl get csr)", [APPROVE_CSRS, KUBELET_LOG])
        /// The TLS handshake with the kubelet fails.
        Tls ("tls", "tls/not-tls", "check what listens on that address and port, and the kubelet's log", [SEE_CERTIFICATE, NODE_STATUS_PORT, KUBELET_LOG])
        /// The TLS handshake with the kubelet takes too long.
        TlsTimeout ("tls_timeout", "kubelet/each-fault", "look at the load of the node and its kubelet, or allow more time with --kubelet-request-timeout", [SEE_NODE, KUBELET_LOG, MORE_TIME])
        /// The connection breaks before the kubelet's response, or it is not HTTP.
        BrokenConnection ("broken_connection", "kubelet/breaks-off", "check what listens on that address and port, and the kubelet's log", [KUBELET_LOG, REACH_KUBELET])
        /// The kubelet's response does not come in time.
        Timeout ("timeout", "kubelet/each-fault", "look at the load of the node and its kubelet, or allow more time with --kubelet-request-timeout", [SEE_NODE, KUBELET_LOG, MORE_TIME])
        /// The kubelet cannot authenticate the metrics server (401).
        Unauthorized ("unauthorized", "auth/kubelet-rejects-token", "let the kubelet accept service account tokens: authentication.webhook.enabled: true in its configuration; if it does, see that the kubelet reaches the API server, and that the metrics server's own token or client certificate has neither expired nor been replaced", [WEBHOOK, KUBELET_LOG, RESTART_SERVER])
        /// The metrics server may not read the kubelet's metrics (403).
        Forbidden ("forbidden", "field-report/role-lacks-permission", "grant the metrics server's ClusterRole the verb get on nodes/metrics (kubelets before 1.18 want nodes/stats)", [GRANT_NODES_METRICS])
        /// The metrics server may not read the kubelet's /stats/summary (403).
        ForbiddenSummary ("forbidden_summary", "kubelet/old-kubelets", "grant the metrics server's ClusterRole the verb get on nodes/stats, which /stats/summary wants", [GRANT_NODES_STATS])
        /// The kubelet has no /metrics/resource (404).
        NotFound ("not_found", "kubelet/no-resource-endpoint", "the kubelet has no /metrics/resource: if it is older than 1.18, ask for /stats/summary with --kubelet-endpoint=auto; else name another path with the node's annotation metrics.k8s.io/resource-metrics-path, or leave the node out with --node-selector", [SEE_NODE, SEE_RESOURCE_METRICS])
        /// The kubelet has no /stats/summary (404).
        NotFoundSummary ("not_found_summary", "kubelet/old-kubelets", "the kubelet has no /stats/summary: ask for /metrics/resource with --kubelet-endpoint=auto", [SEE_NODE, SEE_RESOURCE_METRICS])
        /// What answers in the kubelet's place redirects or upgrades (1xx, 3xx).
        Redirect ("http_redirect", "kubelet/redirects", "redirects and upgrades are not followed, because they would show the token to others: check what listens there, and --kubelet-port and --kubelet-preferred-address-types", [SEE_CERTIFICATE, SEE_NODE])
        /// The kubelet answers with an error.
        HttpStatus ("http_status", "kubelet/each-fault", "look into the kubelet's log on that node", [KUBELET_LOG, SEE_RESOURCE_METRICS])
        /// The kubelet reports that it cannot measure.
        KubeletScrapeError ("kubelet_scrape_error", "kubelet/scrape-error", "look into the kubelet's log on that node: its container runtime may be down, slow or without statistics", [KUBELET_LOG, SEE_RESOURCE_METRICS])
        /// The kubelet's response breaks off.
        BodyBroken ("body_broken", "kubelet/breaks-off", "check the network between the metrics server and the node, and the node's load", [SEE_NODE, KUBELET_LOG])
        /// The kubelet's response does not end in time.
        BodyTimeout ("body_timeout", "kubelet/hundreds-without-end", "check the network between the metrics server and the node, and the node's load", [SEE_NODE, KUBELET_LOG, MORE_TIME])
        /// The kubelet's response is compressed, unasked.
        BodyEncoded ("body_encoded", "kubelet/encoded-unasked", "check what listens on the kubelet's port of that node", [SEE_CERTIFICATE])
        /// The kubelet's response is too large.
        BodyTooLarge ("body_too_large", "kubelet/too-much", "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-body-size", [SEE_RESOURCE_METRICS])
        /// Responses of other kubelets take up all memory for them.
        BodyMemoryLimit ("body_memory_limit", "kubelet/bounds", "find the nodes whose responses are too large in the log, or allow more with --kubelet-max-bodies-size", [SEE_RESOURCE_METRICS])
        /// The kubelet reports too many series.
        TooManySeries ("too_many_series", "kubelet/bounds", "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-series", [SEE_RESOURCE_METRICS])
        /// The response has no metrics in it.
        NoMetrics ("no_metrics_in_body", "kubelet/each-fault", "check what listens on the kubelet's port of that node", [SEE_RESOURCE_METRICS, SEE_CERTIFICATE])
        /// A bug of the metrics server.
        Panic ("panic", none, "report the line of the log that says Panicked", [])
    }
    others {
        /// The node is not ready.
        NodeNotReady ("node_not_ready", none, "see the node's conditions and its kubelet's log: a kubelet that has stopped cannot be scraped", [SEE_NODE, KUBELET_LOG, RESTART_KUBELET])
        /// The kubelet reports no usage at all.
        NoUsage ("no_usage", "api/node-says-why", NO_MEASUREMENT, [KUBELET_LOG, SEE_RESOURCE_METRICS, RESTART_KUBELET])
        /// The kubelet reports no usage of its node.
        NoNodeUsage ("no_node_usage", "api/node-says-why", NO_MEASUREMENT, [KUBELET_LOG, SEE_RESOURCE_METRICS, RESTART_KUBELET])
        /// The kubelet reports no usage of containers.
        NoContainerUsage ("no_container_usage", "api/pod-says-why", "if pods run on that node, look into the logs of the kubelet and the container runtime, and update the runtime: it gives no, or incomplete, CRI stats", [SEE_RESOURCE_METRICS, KUBELET_LOG])
        /// The kubelet has stopped measuring.
        StaleSamples ("stale_samples", "kubelet/frozen-samples", "look at the load of the node and at the kubelet's housekeeping interval, and restart the kubelet", [SEE_NODE, RESTART_KUBELET])
        /// A container has no CPU or memory usage, so that its pod is left out.
        ContainerIncomplete ("container_incomplete", "api/pod-says-why", "none is needed for containers that have just started or ended; else update the container runtime, which gives no, or incomplete, CRI stats", [SEE_RESOURCE_METRICS, KUBELET_LOG])
        /// A CPU counter fell without a restart.
        CounterDecreased ("counter_decreased", "kubelet/counters-begin-anew", "wait for two scrapes; if it happens again and again, update the container runtime, which resets counters of containers that go on running", [SEE_RESOURCE_METRICS])
        /// A container's start time fell.
        StartTimeDecreased ("start_time_decreased", none, "wait for two scrapes; if it happens again and again, update the container runtime, or set the node's clock right", [SEE_RESOURCE_METRICS, COMPARE_CLOCKS])
        /// CPU usage is more than the node can have.
        CpuBeyondCapacity ("cpu_beyond_capacity", "kubelet/usage-beyond-capacity", BEYOND_CAPACITY, [SEE_RESOURCE_METRICS, SEE_NODE])
        /// Memory usage is more than the node has.
        MemoryBeyondCapacity ("memory_beyond_capacity", "kubelet/usage-beyond-capacity", BEYOND_CAPACITY, [SEE_RESOURCE_METRICS, SEE_NODE])
        /// A kubelet reports a container twice, with different values.
        ConflictingUsage ("conflicting_usage", "kubelet/duplicates-of-one-kubelet", "restart the kubelet: it reports a container that no longer runs beside the one that does, because the earlier one's cgroup was not removed (kubernetes/kubernetes#134518)", [RESTART_KUBELET])
        /// Two kubelets report one pod or node.
        DuplicatePod ("duplicate_pod", "kubelet/one-pod-two-kubelets", "stop the kubelet of the machine that is gone from the cluster: two machines have one node's name, or one was replaced while the old one still runs", [SEE_NODE])
        /// Lines of the kubelet's response cannot be parsed.
        BadLines ("bad_lines", "kubelet/odd-lines", "update the program that wrote the line, which the log quotes; with the Go server one such line costs the whole node, or ends the server", [SEE_RESOURCE_METRICS])
        /// Labels in the kubelet's response are too long.
        LongLabels ("long_labels", "kubelet/bounds", "check what listens on the kubelet's port of that node, or allow more with --kubelet-max-label-length", [SEE_RESOURCE_METRICS])
        /// Kubelets report more pods than may be kept.
        PodsDropped ("pods_dropped", "kubelet/pods-that-do-not-exist", "find the nodes that report pods that do not exist, or allow more with --kubelet-max-containers", [SEE_RESOURCE_METRICS])
        /// A scrape of all nodes takes longer than there is between two.
        CycleLate ("cycle_late", none, "look for slow nodes in the log, and for the metrics server's CPU limit; or scrape less often with --metric-resolution", [SEE_SERVER])
        /// There is only one sample yet, and usage takes two.
        OneSample ("one_sample", "api/node-says-why", "wait for two scrapes, which take twice --metric-resolution", [])
        /// The metrics server has no metrics to serve.
        NotReady ("not_ready", "field-report/installed-as-it-comes", "wait for two scrapes; if it lasts, the metrics server's log has the reason why each scrape fails", [SEE_SERVER])
        /// A node, pod or autoscaler has no usage.
        UsageMissing ("usage_missing", "api/what-an-autoscaler-reads", "see the metrics server's log: it has the reason why the node is not scraped or the pod is left out", [SEE_SERVER])
        /// The metrics server refuses its flags.
        BadFlags ("bad_flags", "life/bad-flags", "correct the flag that the message names", [SEE_LAST_LINES])
        /// The metrics server cannot use a file that its flags name.
        BadFile ("bad_file", "life/bad-flags", "correct the path, or the file there: the message names both; see that the pod mounts it", [SEE_EVENTS])
        /// Another program has the metrics server's port.
        PortTaken ("port_taken", "life/port-taken", "choose another address with --secure-port or --bind-address: with hostNetwork: true the kubelet has port 10250", [OTHER_PORT])
        /// The metrics server's container ends again and again, or is killed.
        ServerRestarts ("server_restarts", none, "see the last lines that it logged before it ended, and why it ended", [SEE_LAST_LINES, SEE_EVENTS])
        /// The metrics server has too little memory.
        OutOfMemory ("out_of_memory", none, "raise the memory limit: it must grow with the number of nodes and containers", [MORE_MEMORY])
        /// The metrics server's image cannot be pulled.
        ImagePull ("image_pull", none, "correct the image's name, push it where the nodes can pull from, or give them the credentials", [SEE_EVENTS])
        /// No node takes the metrics server's pod.
        Unschedulable ("unschedulable", none, "make room on a node, or tolerate its taints; with hostNetwork: true a node's port may be taken", [SEE_EVENTS])
        /// The API server is no front proxy: requests through it are anonymous.
        NoFrontProxy ("no_front_proxy", "auth/no-front-proxy", "start the API server with --requestheader-client-ca-file, --proxy-client-cert-file and --proxy-client-key-file, or name the CA with --requestheader-client-ca-file here", [SEE_FRONT_PROXY, FRONT_PROXY_FLAGS])
        /// A client's certificate is signed by an unknown authority.
        ClientAuthority ("client_authority", "auth/who-may-read", "use a certificate signed by a CA in kube-system/extension-apiserver-authentication, --client-ca-file or --requestheader-client-ca-file", [SEE_FRONT_PROXY])
        /// A client's certificate is signed by another key of a known authority.
        ClientAuthorityReplaced ("client_authority_replaced", "auth/front-proxy-certificate", "the CA was replaced: check that kube-system/extension-apiserver-authentication, --client-ca-file or --requestheader-client-ca-file has the new CA, and that the client uses a certificate signed by it", [SEE_FRONT_PROXY, RENEW_FRONT_PROXY])
        /// A client's certificate has expired or is not yet valid.
        ClientCertificateTime ("client_certificate_time", "auth/front-proxy-certificate", "renew the client's certificate, or set the clocks right", [RENEW_FRONT_PROXY, COMPARE_CLOCKS])
        /// The front proxy's certificate has a name that is not allowed.
        FrontProxyName ("front_proxy_name", "auth/front-proxy-certificate", "add the name to the API server's --requestheader-allowed-names", [SEE_FRONT_PROXY])
        /// A client's token is not accepted.
        TokenRejected ("token_rejected", "auth/token-expired", "use a token that this cluster issued and that has not expired", [COMPARE_CLOCKS])
        /// A client does not accept the metrics server's certificate.
        ServingCertificate ("serving_certificate", none, "give the client the CA of --tls-cert-file, for example as the APIService's caBundle", [SKIP_VERIFICATION])
        /// TLS handshakes with clients fail.
        ClientHandshake ("client_handshake", none, "look into the client's log", [SEE_APISERVICE])
        /// The metrics server may not list nodes or pods.
        RoleLacksList ("role_lacks_list", "auth/role-lacks-list", "let the metrics server's ClusterRole get, list and watch nodes and pods", [GRANT_LIST])
        /// The metrics server may not read how the API server authenticates.
        RoleLacksAuthReader ("role_lacks_auth_reader", none, "kubectl create rolebinding -n kube-system ROLEBINDING_NAME --role=extension-apiserver-authentication-reader --serviceaccount=YOUR_NS:YOUR_SA", [AUTH_READER])
        /// The metrics server may not ask for reviews of tokens and permissions.
        RoleLacksReviews ("role_lacks_reviews", none, "bind the ClusterRole system:auth-delegator to the metrics server's service account", [AUTH_DELEGATOR])
        /// The API server cannot be reached.
        ApiServerUnreachable ("api_server_unreachable", "life/api-server-away", "check that the API server runs and can be reached from here", [])
        /// The API server does not accept the metrics server's credentials.
        ApiServerUnauthorized ("api_server_unauthorized", "auth/token-expires", "give the metrics server valid credentials: its service account token or kubeconfig", [RESTART_SERVER])
        /// The API server fails, or has too many requests.
        ApiServerFailing ("api_server_failing", "life/api-server-restarts", "look at the API server", [])
        /// The API server's certificate is not accepted.
        ApiServerCertificate ("api_server_certificate", none, "see that the address is that of the API server, and that the CA of the service account or kubeconfig is the one that signed its certificate", [RESTART_SERVER, COMPARE_CLOCKS])
        /// Clients exceed a limit of the metrics server.
        ClientLimits ("client_limits", none, "find the clients that hold connections open or send too much, and keep them out with a NetworkPolicy", [])
        /// No APIService for metrics.k8s.io is registered.
        ApiServiceMissing ("apiservice_missing", none, "install the metrics server, its APIService among its objects: docs/install.md", [])
        /// The API server gets no response from the metrics server.
        ApiServiceUnavailable ("apiservice_unavailable", "life/not-available", "see the APIService's condition, and the metrics server's log", [SEE_APISERVICE, SEE_SERVER])
        /// The API server cannot reach the metrics server's pod.
        ApiServiceUnreachable ("apiservice_unreachable", none, "open the way from the API server to the pod's port: firewall, security group, NetworkPolicy, network plugin; or use hostNetwork: true where the API server is outside of the pods' network", [SEE_APISERVICE, HOST_NETWORK])
        /// The API server does not accept the metrics server's certificate.
        ApiServiceCertificate ("apiservice_certificate", none, "give the APIService the CA of the metrics server's certificate as caBundle, or set insecureSkipTLSVerify", [SKIP_VERIFICATION])
        /// The metrics server refuses the API server's requests.
        ApiServiceUnauthorized ("apiservice_unauthorized", none, "the metrics server's log has the client that it refuses (Unable to authenticate the request): compare its CA with kube-system/extension-apiserver-authentication", [SEE_FRONT_PROXY, SEE_SERVER])
        /// The metrics server's Service has no endpoints.
        MissingEndpoints ("missing_endpoints", "life/not-available", "see the metrics server's pods and their log: none is ready", [SEE_SERVER, SEE_EVENTS])
        /// The Service that the APIService names is missing, or has other ports.
        ServiceMissing ("service_missing", none, "make the Service that the APIService names again, with its port", [SEE_APISERVICE, RESTORE_SERVICE])
        /// A user may not read metrics, or the nodes and pods that they are of.
        UserForbidden ("user_forbidden", "auth/readers-need-a-role", "grant the user the verbs get, list and watch on nodes and pods of the API group metrics.k8s.io, and on the nodes and pods themselves, which kubectl top lists too", [LET_USER_READ])
        /// The API server does not accept the user's own credentials.
        UserUnauthorized ("user_unauthorized", none, "log in again, or renew the token or certificate in kubectl's kubeconfig; if only kubectl top says so, the metrics server refuses the API server: its log has the reason (Unable to authenticate the request)", [SEE_SERVER])
        /// The pods' containers have no resource requests, which an autoscaler by percent needs.
        NoRequests ("no_requests", none, "set requests for each container, sidecars included, or use averageValue as the HPA's target", [SET_REQUESTS])
        /// CoreDNS forwards to itself.
        DnsLoop ("dns_loop", none, "let CoreDNS forward to a real name server: its node's /etc/resolv.conf names a local one, such as that of systemd-resolved", [FIX_LOOP])
    }
}

/// Both for a node and for all that a kubelet reports.
const NO_MEASUREMENT: &str = "look into the kubelet's log: it cannot measure, for example because of cgroups; restarting it often helps";

/// Both for CPU and for memory.
const BEYOND_CAPACITY: &str = "compare with the kubelet's /metrics/resource: update the container runtime, or correct the capacity in the node's status";

// === impl Cause ===

impl Cause {
    /// Its stable name: the label `cause` of metrics, and the anchor of its description.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The cause of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cause| cause.name() == name)
    }

    /// What cures it where nothing more is known.
    pub const fn cure(self) -> &'static str {
        self.row().cure
    }

    /// What to run or to write, in order.
    pub const fn steps(self) -> &'static [Step] {
        self.row().steps
    }

    /// The scenario that shows it, as a path from the repository's folder, where one can.
    pub const fn scenario(self) -> Option<&'static str> {
        self.row().scenario
    }

    /// Where users can read about it.
    pub fn page(self) -> String {
        format!("{PAGE}#{}", self.name())
    }

    /// Whether it follows from another cause, most likely: it is what users see first.
    pub const fn is_consequence(self) -> bool {
        matches!(
            self,
            Self::NotReady
                | Self::UsageMissing
                | Self::OneSample
                | Self::ServerRestarts
                | Self::ApiServiceUnavailable
                | Self::MissingEndpoints
        )
    }

    /// Whether it is about the metrics server's own pods: other pods' events have the same words.
    pub const fn is_of_server_pod(self) -> bool {
        matches!(
            self,
            Self::NotReady
                | Self::ServerRestarts
                | Self::OutOfMemory
                | Self::ImagePull
                | Self::Unschedulable
                | Self::PortTaken
                | Self::BadFlags
                | Self::BadFile
                | Self::Panic
        )
    }
}
