# One static program in an otherwise empty image, for amd64 and arm64. Needs nothing but docker:
#   docker build --tag metrics-server:v0.1.0 .
#   docker build --tag fake-kubelet:v0.1.0 --target fake-kubelet .
ARG RUST_VERSION=1.95
FROM rust:${RUST_VERSION}-alpine AS toolchain
# For the C and assembly parts of aws-lc, the crypto library, and of jemalloc: no cmake, no bindgen, no Go.
# Alpine keeps no old versions, so that a pinned one would soon fail to build.
# hadolint ignore=DL3018
RUN apk add --no-cache gcc make musl-dev
WORKDIR /src

# The crates without their code: the same as long as no dependency changes.
FROM toolchain AS manifests
COPY . .
RUN release/manifests /manifests

FROM toolchain AS dependencies
COPY --from=manifests /manifests .
COPY release/program release/program

FROM dependencies AS build-fake-kubelet
RUN release/program fake-kubelet /none
COPY . .
# Cargo compares times: ours would seem older than the empty crates that were built before.
RUN find . -name '*.rs' -exec touch {} + && release/program fake-kubelet /

FROM scratch AS fake-kubelet
LABEL org.opencontainers.image.title="fake-kubelet" \
      org.opencontainers.image.description="Any number of kubelets in one process" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
COPY --from=build-fake-kubelet /fake-kubelet /fake-kubelet
USER 65532:65532
ENTRYPOINT ["/fake-kubelet"]

FROM dependencies AS build
RUN release/program metrics-server /none
COPY . .
# Shown by /version and --version=raw. They are new in each build, so what comes before has none of them.
ARG GIT_COMMIT=""
ARG GIT_TREE_STATE=""
ARG BUILD_DATE="1970-01-01T00:00:00Z"
# Alpine's toolchain links musl statically by default.
RUN find . -name '*.rs' -exec touch {} + && release/program metrics-server /

# The last one is what is built where no target is named.
FROM scratch AS metrics-server
ARG GIT_COMMIT=""
ARG BUILD_DATE="1970-01-01T00:00:00Z"
LABEL org.opencontainers.image.title="metrics-server" \
      org.opencontainers.image.description="A drop-in Metrics API server for Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${GIT_COMMIT}" \
      org.opencontainers.image.created="${BUILD_DATE}"
COPY --from=build /metrics-server /metrics-server
USER 65532:65532
EXPOSE 10250
ENTRYPOINT ["/metrics-server"]
