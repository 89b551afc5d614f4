# Everything here is short for one or two commands; read them when in doubt.

# Tests start gateways, partners and clients as processes: more than four at once only wait for each other.
export RUST_TEST_THREADS ?= 4

.PHONY: help demo test torture fmt lint bench setup

help:
	@echo 'make demo    play one opening of a door in the terminal, and what must fail'
	@echo 'make test    every test'
	@echo 'make torture what takes too long for every day: kill -9 two hundred times under load'
	@echo 'make fmt     format the code'
	@echo 'make lint    clippy, warnings denied'
	@echo 'make bench   how to measure'
	@echo 'make setup   install the tools that are missing (the others do it by themselves)'
	@echo
	@echo 'bash .ci/run is what must pass before a change goes in: format, lint, test.'

setup:
	@scripts/setup

demo: setup
	cargo run --locked --bin portcullis -- demo

test: setup
	cargo test --locked

torture: setup
	cargo test --locked --test it torture:: -- --ignored --nocapture --test-threads 1

fmt:
	cargo fmt

lint: setup
	cargo clippy --all-targets --locked -- -D warnings

bench:
	@echo 'Single steps (contract, decision), in this process:'
	@echo '    cargo bench --locked --bench components'
	@echo
	@echo 'The whole gateway beside Envoy, HAProxy and nginx, same load, same machine; needs root and two quiet cores:'
	@echo '    cargo build --profile dist --locked'
	@echo '    benches/peers/run.sh --gateway-name portcullis'
	@echo
	@echo 'benches/peers/README.md says what it measures; benches/results/ holds earlier runs, by date.'
