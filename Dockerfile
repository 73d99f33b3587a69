# One static program in an otherwise empty image. Needs nothing but docker:
#   docker build --tag metrics-server:v0.1.0 .
#   docker build --tag fake-kubelet:v0.1.0 --target fake-kubelet .
ARG RUST_VERSION=1.95
FROM rust:${RUST_VERSION}-alpine AS source
# For the C and assembly parts of aws-lc, the crypto library: no cmake, no bindgen, no Go.
# hadolint ignore=DL3018 -- Alpine keeps no old versions, so a pinned one would soon fail to build.
RUN apk add --no-cache gcc make musl-dev
WORKDIR /src
COPY . .

FROM source AS build-fake-kubelet
RUN cargo build --locked --profile dist --package fake-kubelet \
 && cp target/dist/fake-kubelet /fake-kubelet

FROM scratch AS fake-kubelet
COPY --from=build-fake-kubelet /fake-kubelet /fake-kubelet
USER 65532:65532
ENTRYPOINT ["/fake-kubelet"]

FROM source AS build
# Built before the arguments below, which are new in each build and would spoil this layer.
RUN cargo build --locked --profile dist --package metrics-server
# Shown by /version and --version=raw.
ARG GIT_COMMIT=""
ARG GIT_TREE_STATE=""
ARG BUILD_DATE="1970-01-01T00:00:00Z"
ENV GIT_COMMIT=${GIT_COMMIT} GIT_TREE_STATE=${GIT_TREE_STATE} BUILD_DATE=${BUILD_DATE}
# Alpine's toolchain links musl statically by default.
RUN cargo build --locked --profile dist --package metrics-server \
 && cp target/dist/metrics-server /metrics-server

# The last one is what is built where no target is named.
FROM scratch AS metrics-server
COPY --from=build /metrics-server /metrics-server
USER 65532:65532
EXPOSE 10250
ENTRYPOINT ["/metrics-server"]
