//! The steps of cures: commands to run, and what to write into files.

/// One step of a cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does.
    pub what: &'static str,
    /// A command, or the lines of a file that `what` names. Words in capitals are to be replaced.
    pub text: &'static str,
}

/// Adds a flag to the metrics server's Deployment, which has the same name and the same place for
/// flags in the manifests of both servers and in the Helm chart.
macro_rules! add_flag {
    ($flag:literal) => {
        concat!(
            "kubectl --namespace kube-system patch deployment metrics-server --type=json --patch '[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/0/args/-\",\"value\":\"",
            $flag,
            "\"}]'"
        )
    };
}

macro_rules! grant {
    ($resources:literal, $verbs:literal) => {
        concat!(
            "kubectl patch clusterrole system:metrics-server --type=json --patch '[{\"op\":\"add\",\"path\":\"/rules/-\",\"value\":{\"apiGroups\":[\"\"],\"resources\":[",
            $resources,
            "],\"verbs\":[",
            $verbs,
            "]}}]'"
        )
    };
}

macro_rules! steps {
    ($($name:ident: $what:literal, $text:expr;)+) => {
        $(pub(crate) const $name: Step = Step { what: $what, text: $text };)+
    };
}

steps! {
    PREFER_INTERNAL_IP: "prefer IP addresses; if the Deployment has the flag already, change it there", add_flag!("--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname");
    COREDNS_HOSTS: "or add the names to CoreDNS: in its Corefile, before forward, with a line for each node", "hosts {\n    NODE_IP NODE_NAME\n    fallthrough\n}";
    NODE_ADDRESSES: "the lines, from the nodes' own addresses", "kubectl get nodes --output=jsonpath='{range .items[*]}{.status.addresses[?(@.type==\"InternalIP\")].address}{\" \"}{.metadata.name}{\"\\n\"}{end}'";
    SEE_DNS: "see whether the cluster's DNS runs, and what it logs", "kubectl --namespace kube-system get pods --selector=k8s-app=kube-dns --output=wide\nkubectl --namespace kube-system logs --selector=k8s-app=kube-dns --prefix";
    FIX_LOOP: "let CoreDNS forward to a real name server, not to its node's /etc/resolv.conf, which leads back to it: in its Corefile", "forward . DNS_SERVER_IP";
    SEE_NODE: "see the node's conditions and addresses", "kubectl describe node NODE_NAME";
    REACH_KUBELET: "see whether a pod reaches the kubelet: it does if any HTTP status is printed, 401 and 403 too; 000 means that it does not", "kubectl --namespace kube-system run reach --rm --attach --restart=Never --image=curlimages/curl -- curl --insecure --silent --max-time 5 --output /dev/null --write-out '%{http_code}\\n' https://NODE_IP:10250/healthz";
    NODE_STATUS_PORT: "if kubelets listen on another port, take it from the node's status", add_flag!("--kubelet-use-node-status-port");
    SERVING_CERTIFICATES: "let kubelets get serving certificates from the cluster: in /var/lib/kubelet/config.yaml of each node, then restart the kubelet", "serverTLSBootstrap: true";
    APPROVE_CSRS: "approve their requests for certificates", "kubectl get csr\nkubectl certificate approve CSR_NAME";
    INSECURE_TLS: "or do without verification: a host between them can then read the metrics server's token", add_flag!("--kubelet-insecure-tls");
    KUBELET_CA: "name the CA that signs the kubelets' certificates, in a file that the pod mounts", add_flag!("--kubelet-certificate-authority=/FILE");
    CLIENT_CERTIFICATE: "show kubelets a client certificate, from files that the pod mounts", concat!(add_flag!("--kubelet-client-certificate=/FILE"), "\n", add_flag!("--kubelet-client-key=/FILE"));
    COMPARE_CLOCKS: "compare the clocks of the nodes", "timedatectl";
    SEE_CERTIFICATE: "see who answers there, and with which certificate", "openssl s_client -connect NODE_IP:10250 </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName";
    WEBHOOK: "let the kubelet check tokens: in /var/lib/kubelet/config.yaml of each node, then restart the kubelet", "authentication:\n  webhook:\n    enabled: true\nauthorization:\n  mode: Webhook";
    RESTART_SERVER: "give the metrics server a new token", "kubectl --namespace kube-system rollout restart deployment metrics-server";
    GRANT_NODES_METRICS: "add the rule", grant!("\"nodes/metrics\"", "\"get\"");
    GRANT_NODES_STATS: "add the rule; servers before 0.6 and kubelets before 1.18 need it", grant!("\"nodes/stats\"", "\"get\"");
    GRANT_LIST: "add the rule; only servers before 0.6 need namespaces", grant!("\"nodes\",\"pods\",\"namespaces\"", "\"get\",\"list\",\"watch\"");
    AUTH_READER: "let it read how the API server authenticates", "kubectl --namespace kube-system create rolebinding metrics-server-auth-reader --role=extension-apiserver-authentication-reader --serviceaccount=kube-system:metrics-server";
    AUTH_DELEGATOR: "let it ask the API server for reviews", "kubectl create clusterrolebinding metrics-server:system:auth-delegator --clusterrole=system:auth-delegator --serviceaccount=kube-system:metrics-server";
    LET_USER_READ: "let the user read metrics, and the nodes and pods that kubectl top lists too", "kubectl create clusterrole metrics-reader --verb=get,list,watch --resource=nodes.metrics.k8s.io,pods.metrics.k8s.io,nodes,pods\nkubectl create clusterrolebinding metrics-reader --clusterrole=metrics-reader --user=USER";
    MORE_TIME: "allow more time", concat!(add_flag!("--metric-resolution=60s"), "\n", add_flag!("--kubelet-request-timeout=30s"));
    KUBELET_LOG: "read the kubelet's log, on the node", "journalctl --unit kubelet --since -15min";
    RESTART_KUBELET: "restart the kubelet, on the node", "systemctl restart kubelet";
    SEE_RESOURCE_METRICS: "see what the kubelet reports", "kubectl get --raw /api/v1/nodes/NODE_NAME/proxy/metrics/resource";
    SEE_SERVER: "see whether the metrics server runs, and its log", "kubectl --namespace kube-system get deployment metrics-server --output=wide\nkubectl --namespace kube-system logs deployment/metrics-server --tail=-1";
    SEE_LAST_LINES: "see what it logged before it ended", "kubectl --namespace kube-system logs deployment/metrics-server --tail=-1 --previous";
    SEE_EVENTS: "see what happened to its pods", "kubectl --namespace kube-system describe pods metrics-server";
    SEE_APISERVICE: "see why the API server cannot use it", "kubectl describe apiservice v1beta1.metrics.k8s.io\nkubectl --namespace kube-system get endpointslices --selector=kubernetes.io/service-name=metrics-server";
    RESTORE_SERVICE: "make the Service from the Deployment; if it is there with other ports, delete it first", "kubectl --namespace kube-system expose deployment metrics-server --port=443 --target-port=https";
    HOST_NETWORK: "or put the metrics server into the node's network, with a port that the kubelet does not have", "kubectl --namespace kube-system patch deployment metrics-server --type=json --patch '[{\"op\":\"add\",\"path\":\"/spec/template/spec/hostNetwork\",\"value\":true},{\"op\":\"add\",\"path\":\"/spec/template/spec/dnsPolicy\",\"value\":\"ClusterFirstWithHostNet\"},{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/0/args/-\",\"value\":\"--secure-port=4443\"},{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/ports/0/containerPort\",\"value\":4443}]'";
    OTHER_PORT: "let it listen on another port", "kubectl --namespace kube-system patch deployment metrics-server --type=json --patch '[{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/0/args/-\",\"value\":\"--secure-port=4443\"},{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/ports/0/containerPort\",\"value\":4443}]'";
    SKIP_VERIFICATION: "let the API server accept the metrics server's self-signed certificate", "kubectl patch apiservice v1beta1.metrics.k8s.io --type=merge --patch '{\"spec\":{\"insecureSkipTLSVerify\":true,\"caBundle\":null}}'";
    FRONT_PROXY_FLAGS: "in the API server's flags, on every control plane node", "--requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt\n--requestheader-allowed-names=front-proxy-client\n--requestheader-username-headers=X-Remote-User\n--requestheader-group-headers=X-Remote-Group\n--requestheader-extra-headers-prefix=X-Remote-Extra-\n--proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt\n--proxy-client-key-file=/etc/kubernetes/pki/front-proxy-client.key";
    SEE_FRONT_PROXY: "see which CA and which names the metrics server gets to know", "kubectl --namespace kube-system get configmap extension-apiserver-authentication --output=yaml";
    RENEW_FRONT_PROXY: "renew the front proxy's certificate, then restart the API server", "kubeadm certs renew front-proxy-client";
    SET_REQUESTS: "set the containers' requests", "kubectl set resources deployment NAME --requests=cpu=100m,memory=128Mi";
    MORE_MEMORY: "allow more memory", "kubectl --namespace kube-system set resources deployment metrics-server --limits=memory=512Mi";
    NO_PROXY: "leave the nodes and the API server out", "kubectl --namespace kube-system set env deployment metrics-server NO_PROXY=NODE_RANGE,POD_RANGE,SERVICE_RANGE,.svc,.cluster.local";
}
