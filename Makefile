# What one does with Busbar. `make` alone lists it.
PROFILE ?= ci
ROUNDS ?= 25
DOCKER ?= docker
COMPOSE ?= $(shell $(DOCKER) compose version >/dev/null 2>&1 && echo $(DOCKER) compose || echo docker-compose)

help:         ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/: .*##/:/'
start:        ## all nine services, data in ./data
	cargo run --release --locked
compiled:
	cargo test --workspace --locked --profile $(PROFILE) --no-run
test:         ## all tests, on SQLite and PostgreSQL; installs PostgreSQL when it is missing
	sh tests/prepare.sh
	cargo test --workspace --locked --profile $(PROFILE)
proofs:       ## crashes, hangs and restarts of every service under load; ROUNDS times on each engine
	BUSBAR_TEST_PROOF_ROUNDS=$(ROUNDS) BUSBAR_TEST_PROOF_RATE=200 BUSBAR_TEST_PROOF_SECONDS=30 \
	BUSBAR_TEST_PROOF_BLOCKS=100 BUSBAR_TEST_PROOF_BACK_MS=5000 \
	cargo test --locked --profile $(PROFILE) --test it -- proofs:: --include-ignored --nocapture --test-threads=1
fuzz:         ## every service against its API description, by schemathesis from PyPI
	PROFILE=$(PROFILE) sh tests/fuzz.sh
cache-tests:  ## the public suite for HTTP caches, from npm, against the gateway
	PROFILE=$(PROFILE) sh tests/cache-tests.sh
console-tests: ## the status page in a headless Chromium, services killed under its eyes
	PROFILE=$(PROFILE) sh tests/console.sh
metrics-tests: ## a real Prometheus scrapes all nine; every expression of rules and dashboards has data
	PROFILE=$(PROFILE) sh tests/metrics.sh
lint: clippy deny ## formatting, clippy, licences and banned crates
clippy:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --profile $(PROFILE) -- -D warnings
deny:
	sh tests/deny.sh
bench:        ## Busbar beside nginx, HAProxy, Varnish and Node.js, into docs/benchmarks.md
	sh benches/run.sh
docker-build: ## one image for each service; BIN_FROM=prebuilt compiles here, not in a container
	DOCKER="$(DOCKER)" sh deploy/build-images.sh
docker-up:    ## what COMPOSE_PROFILES of deploy/.env names: nine containers, PostgreSQL, Prometheus, Grafana
	DOCKER="$(DOCKER)" COMPOSE="$(COMPOSE)" SCALE="$(SCALE)" sh deploy/up.sh
docker-down:  ## stops all containers; volumes stay
	[ ! -e deploy/.env ] || COMPOSE_PROFILES=split,all-in-one,observability \
	$(COMPOSE) -f deploy/compose.yml --env-file deploy/.env down

docker-test:  ## the containers for real, under load: each killed in turn, one scaled to two and back; needs root
	DOCKER="$(DOCKER)" sh tests/containers.sh

# Most of the time a test waits for something.
export RUST_TEST_THREADS ?= $(shell expr 2 \* $$(nproc))

.PHONY: help start compiled test clippy deny proofs fuzz cache-tests console-tests metrics-tests lint bench docker-build docker-up docker-down docker-test
