#!/usr/bin/env bash
# Creates a kind cluster, installs the metrics server in it as built from this checkout, and sends
# users' requests: readiness, kubectl top for every node and pod, both versions of the API. The
# cluster is deleted at the end, also after a failure.
#
#   kind-config/e2e.sh                 run everything
#   KEEP=1 kind-config/e2e.sh          leave the cluster for looking around
#   NODE_IMAGE=kindest/node:v1.36.1 …  another Kubernetes
#
# Exit status: 0 everything passed, 1 an expectation failed, 2 something it needs is missing.
#
# It passed with Kubernetes 1.36, in 80 s. docs/install.md has what has changed since.
set -euo pipefail
export LC_ALL=C # comm wants what sort does

cd "$(dirname "$0")/.."
cluster=${CLUSTER:-metrics-server-e2e}
image="metrics-server:v0.1.0"
# How long to wait for something that takes a few cycles of 15 s.
timeout=${TIMEOUT:-180}

heading() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

missing=()
for tool in docker kind kubectl; do
  command -v "$tool" >/dev/null || missing+=("$tool (no such program in PATH)")
done
if command -v docker >/dev/null && ! docker info >/dev/null 2>&1; then
  missing+=("a docker engine (docker info fails: is it running, may you use it?)")
fi
if ((${#missing[@]})); then
  printf 'This needs what is not here:\n' >&2
  printf '  - %s\n' "${missing[@]}" >&2
  exit 2
fi

# A file of its own, so that no user's current context changes.
KUBECONFIG=$(mktemp)
export KUBECONFIG

finish() {
  local status=$?
  if ((status != 0)) && kind get clusters 2>/dev/null | grep --quiet --line-regexp "$cluster"; then
    heading 'State and log of the metrics server'
    kubectl --namespace kube-system get pods --selector k8s-app=metrics-server --output wide || true
    kubectl --namespace kube-system logs --selector k8s-app=metrics-server --tail 60 || true
    kubectl get apiservices v1beta1.metrics.k8s.io v1.metrics.k8s.io --output yaml || true
  fi
  if [[ -n ${KEEP:-} ]]; then
    printf 'The cluster stays: KUBECONFIG=%s; kind delete cluster --name %s\n' "$KUBECONFIG" "$cluster"
  else
    kind delete cluster --name "$cluster" || true
    rm -f "$KUBECONFIG"
  fi
  exit "$status"
}
trap finish EXIT

# Tries a command until it succeeds or until a limit, and then prints its last output.
eventually() {
  local what=$1 deadline=$((SECONDS + timeout)) output
  shift
  until output=$("$@" 2>&1); do
    ((SECONDS < deadline)) || fail "$what: not within $timeout s: $output"
    sleep 3
  done
  printf 'ok: %s\n' "$what"
}

heading 'The image'
docker build --tag "$image" \
  --build-arg GIT_COMMIT="$(git rev-parse HEAD 2>/dev/null || true)" \
  --build-arg BUILD_DATE="$(date -u +%Y-%m-%dT%H:%M:%SZ)" .

heading 'The cluster'
kind delete cluster --name "$cluster" >/dev/null 2>&1 || true
kind create cluster --name "$cluster" --config kind-config/cluster.yaml --wait 180s \
  ${NODE_IMAGE:+--image "$NODE_IMAGE"}
kind load docker-image "$image" --name "$cluster"

heading 'The metrics server'
kubectl apply --kustomize kind-config/kind
kubectl --namespace kube-system rollout status deployment/metrics-server --timeout "${timeout}s"
for version in v1beta1 v1; do
  kubectl wait --for condition=Available "apiservice/$version.metrics.k8s.io" --timeout "${timeout}s"
done

heading 'Requests of users'
proxy=/api/v1/namespaces/kube-system/services/https:metrics-server:https/proxy
is_ready() { [[ $(kubectl get --raw "$proxy/readyz") == ok ]]; }
eventually 'the metrics server is ready' is_ready

names() { kubectl get "$@" --no-headers --output custom-columns=NAME:.metadata.name | sort; }
# Everything in the first list is in the second.
contains() {
  local absent
  absent=$(comm -23 <(printf '%s\n' "$1") <(printf '%s\n' "$2"))
  [[ -z $absent ]] || { printf 'without metrics: %s\n' "$absent"; return 1; }
}

# kubectl lists nodes without metrics as well, with the usage <unknown>.
top_has_every_node() {
  contains "$(names nodes)" \
    "$(kubectl top nodes --no-headers | awk '$2 != "<unknown>" {print $1}' | sort)"
}
eventually 'kubectl top nodes has every node' top_has_every_node

top_has_every_pod() {
  contains \
    "$(kubectl get pods --all-namespaces --field-selector status.phase=Running --no-headers | awk '{print $1 "/" $2}' | sort)" \
    "$(kubectl top pods --all-namespaces --no-headers | awk '{print $1 "/" $2}' | sort)"
}
eventually 'kubectl top pods has every running pod' top_has_every_pod

v1_has_every_node() {
  local metrics node
  metrics=$(kubectl get --raw /apis/metrics.k8s.io/v1/nodes)
  [[ $metrics == *'"apiVersion":"metrics.k8s.io/v1"'* ]] || { printf '%s\n' "$metrics"; return 1; }
  for node in $(names nodes); do
    [[ $metrics == *"\"name\":\"$node\""* ]] || { printf 'no %s in %s\n' "$node" "$metrics"; return 1; }
  done
}
eventually 'metrics.k8s.io/v1 has every node' v1_has_every_node

heading 'Everything passed'
kubectl top nodes
kubectl top pods --all-namespaces
