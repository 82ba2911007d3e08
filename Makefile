# Everything that is run on this project. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build fmt lint unit vm vm-image payload engines floor test test-all bench demo install uninstall deny clean
.PHONY: checked

target := $(or $(CARGO_TARGET_DIR),target)
sevorix := $(target)/release/sevorix
results := $(target)/results

KERNEL ?= 6.12
IMAGE ?= bookworm
RUNTIMES ?= runc sevorix
PREFIX ?= /usr/local
# Packages are made with DESTDIR, and must leave the engines of the machine they are made on alone.
ENGINES ?= $(if $(DESTDIR),,$(strip $(foreach engine,dockerd:docker containerd:containerd podman:podman,\
	$(if $(shell command -v $(firstword $(subst :, ,$(engine)))),$(lastword $(subst :, ,$(engine)))))))

build_packages := gcc libc6-dev make pkg-config clang clang-format llvm libseccomp-dev libelf-dev zlib1g-dev shellcheck
# Scripts that source each other share variables, which shellcheck takes for unused or unassigned.
shared_variables := SC2034,SC2154

vm_run = integration/vm/run --kernel $(KERNEL) --image $(IMAGE) \
	$(if $(ICOUNT),--icount) $(if $(SYSTEMD),--systemd) $(if $(HYBRID),--hybrid) $(if $(NO_BPF_LSM),--no-bpf-lsm) \
	$(if $(PAYLOAD),--payload '$(PAYLOAD)') $(if $(OUT),--out '$(OUT)') $(if $(TIMEOUT),--timeout $(TIMEOUT))

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

setup: ## install the Debian packages that are missing, check that Rust is there
	@integration/vm/setup $(build_packages)
	@cargo clippy --version >/dev/null && cargo fmt --version >/dev/null || \
		{ echo 'make: Rust is missing, or its clippy or rustfmt: install the stable toolchain with rustup' >&2; exit 1; }

build: ## build the runtime, without a dynamic linker, and the verdict service: target/release/sevorix, sevorix-slm
	cargo --locked build-static
	cargo build --release --locked -p sevorix-jury

fmt: ## format the Rust code
	cargo fmt --all

lint: ## formatting, clippy and shellcheck, without a warning
	cargo fmt --all --check
	clang-format --dry-run -Werror bpf/src/bpf/*.[ch]
	cargo clippy --locked --workspace --all-targets -- -D warnings
	shellcheck -x -S warning -e $(shared_variables) $$(find .ci integration -name cache -prune -o -type f \
		-exec awk 'FNR == 1 && /^#!\/bin\/(ba)?sh/ { print FILENAME }' {} +)

unit: ## the Rust tests, on this machine
	cargo test --locked --workspace --no-fail-fast

vm: ## a shell in the test bed; or CMD='...', with KERNEL=6.1|6.12 IMAGE=bookworm|trixie SYSTEMD=1 HYBRID=1 NO_BPF_LSM=1 ICOUNT=1 PAYLOAD=dir OUT=dir TIMEOUT=s
	@$(vm_run) $(if $(CMD),-- '$(subst ','\'',$(CMD))')

vm-image: ## make the test bed's kernels and root images, where they are out of date
	@integration/vm/build

payload: build ## what the engine suites take into the test bed: target/payload
	cargo build --release --locked -p sevorix-cri
	cargo build --locked -p sevorix-floor -p sevorix-guarded
	cargo rustc --locked -p sevorix-attacks --bin attack -- -C target-feature=+crt-static
	cargo rustc --locked -p sevorix-jury --bin sevorix-slm -- -C target-feature=+crt-static -C relocation-model=static
	integration/engines/build-fixtures
	rm -rf $(target)/payload && mkdir -p $(target)/payload
	cp -a $(sevorix) $(target)/release/sevorix-cri /bin/busybox $(target)/payload/
	cp -a configs integration/engines integration/scale integration/workloads $(target)/payload/
	mkdir $(target)/payload/floor
	cp -a $(target)/debug/sevorix-floor $(target)/debug/attack $(target)/debug/sevorix-guarded integration/floor/in-vm $(target)/payload/floor/
	cp -a $(target)/debug/sevorix-slm $(target)/payload/
	strip $(target)/payload/floor/sevorix-* $(target)/payload/floor/attack $(target)/payload/sevorix-slm

engines: payload ## engine cases in one VM: ARGS='--engine docker --filter exec', RUNTIMES='runc sevorix', and vm's options
	integration/vm/run --kernel $(KERNEL) --image $(IMAGE) $(if $(SYSTEMD),--systemd) $(if $(HYBRID),--hybrid) \
		--payload $(target)/payload --out $(or $(OUT),$(results)/engines) --timeout $(or $(TIMEOUT),3600) \
		-- "/payload/engines/run --runtimes '$(RUNTIMES)' $(ARGS)"

floor: ## the floor's own cases in the test bed, on both kernels: ARGS='rename' for some of them
	integration/floor/test $(ARGS)

# One after the other: two cargos would wait for each other.
checked:
	$(MAKE) lint
	$(MAKE) unit
	$(MAKE) payload

test: setup ## what CI runs: lint, unit tests, release build, the VM suites on both kernels; 20 to 40 minutes
	@integration/vm/test quick

test-all: setup ## the whole of it: every case on both kernels, the slow ones on one; two to three hours
	@integration/vm/test all

bench: RUNTIMES = runc crun sevorix
bench: setup build ## what a container costs beside runc and crun, and a system call under the floor: retired instructions in the test bed, time on this machine
	cargo build --locked -p sevorix-floor
	RUNTIMES='$(RUNTIMES)' integration/bench/run $(sevorix) $(target)/debug/sevorix-floor

demo: setup build ## an agent's container under sevorix, told in plain words
	@integration/demo/run $(sevorix)

install: build ## install to PREFIX (/usr/local), policies to /usr/share/sevorix, and tell the engines found here: ENGINES='docker containerd podman'
	install -D -m755 -t $(DESTDIR)$(PREFIX)/bin $(sevorix) $(sevorix)-slm
	install -D -m644 -t $(DESTDIR)/usr/share/sevorix configs/config.toml
	install -D -m644 -t $(DESTDIR)/usr/share/sevorix/policies.d configs/policies.d/*.toml
	install -D -m644 -t $(DESTDIR)/usr/share/sevorix/presets.d configs/presets.d/*.toml
	$(if $(ENGINES),$(PREFIX)/bin/sevorix install $(ENGINES),@echo 'no engine was configured: sevorix install docker|containerd|podman')

uninstall: ## take the engines' configuration back, and remove the binary
	$(if $(ENGINES),$(PREFIX)/bin/sevorix uninstall $(ENGINES))
	rm -f $(DESTDIR)$(PREFIX)/bin/sevorix $(DESTDIR)$(PREFIX)/bin/sevorix-slm
	rm -rf $(DESTDIR)/usr/share/sevorix

deny: ## licences, advisories and sources of the dependencies, where cargo-deny is installed
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; else echo 'make: cargo-deny is not installed: cargo install cargo-deny' >&2; exit 1; fi

clean: ## remove what was built, but not the test bed's cache (integration/vm/cache)
	cargo clean
	rm -rf $(results) $(target)/payload
