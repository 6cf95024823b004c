# Two commands matter: `make demo` and `make test`. Each does its own set-up.

VENV    := .venv
PYTHON  ?= python3
STAMP   := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit slow nightly fuzz interop interop-report conformance lint types check-format bench bench-report mininet lab lab-clean p4 proto shell clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP) ## create the virtual environment in .venv

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "error: Python 3.11 or newer is needed (set PYTHON=...)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	    || { echo "error: Python has no venv module (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(STAMP) ## three routers on embedded switches: no root, nothing compiled
	$(VENV)/bin/python -m demo $(DEMO_ARGS)

test: $(STAMP) unit slow interop ## everything: unit tests, slow ones, then real peers (as root)

unit: $(STAMP) ## unit tests, in under a minute
	$(VENV)/bin/python -m pytest -q -n 2 -m "not interop and not slow"

slow: $(STAMP) ## tests that take longer; properties with four times as many examples
	$(VENV)/bin/python -m pytest -q -n 2 -m "slow and not interop"
	P4IPSEC_PROPERTIES=thorough \
	    $(VENV)/bin/python -m pytest -q -n 2 -m "hypothesis and not slow and not interop"

nightly: $(STAMP) ## 10,000 schedules of two IKE endpoints (SCHEDULES=n), long floods
	P4IPSEC_SCHEDULES=$(SCHEDULES) P4IPSEC_EXAMPLES=2000 P4IPSEC_FLOOD=100000 \
	    nice $(VENV)/bin/python -m pytest -q -n 2 tests/ike/model tests/ike/limits

FUZZ_SECONDS ?= 60
FUZZ_STAMP := .venv-fuzz/.installed
fuzz: $(FUZZ_STAMP) ## coverage-guided fuzzing of what strangers send (FUZZ_SECONDS=n in all)
	.venv-fuzz/bin/python -m fuzz all $(FUZZ_SECONDS)

$(FUZZ_STAMP): pyproject.toml
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-fuzz/bin/python -m pip install --quiet --editable . --group fuzz
	@touch $@

interop: $(STAMP) ## real peers in network namespaces (root); skips with a reason where it can't
	P4IPSEC_INTEROP_REPORT=build $(VENV)/bin/python -m pytest -q -m interop

interop-report: $(STAMP) ## run the matrix against strongSwan, and write docs/interop.md and .json
	P4IPSEC_INTEROP_REPORT=docs $(VENV)/bin/python -m pytest -q -m interop tests/interop/matrix

SCHEDULES ?= 10000
conformance: TARGET ?= bmv2
conformance: $(STAMP) ## record a real bmv2 (with build/extern), compare with the traces; RECORD=1 accepts
	$(VENV)/bin/python -m tests.conformance --target $(TARGET) $(if $(RECORD),--record)

lint: $(STAMP) ## ruff
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(STAMP) ## mypy --strict
	$(VENV)/bin/mypy

bench: $(STAMP) ## speed of everything that can be measured here (root), with a report in benchmarks/results/
	$(VENV)/bin/python -m benchmarks

bench-report: $(STAMP) ## the same, with the report in docs/performance.md and .json, and its summary in README.md
	$(VENV)/bin/python -m benchmarks docs --readme README.md

# Mininet is the system's, for the system's own Python.
mininet: $(STAMP) ## the network to migrate in Mininet, with a prompt (root); TARGET=bmv2 or embedded
	PYTHONPATH=$(CURDIR) P4IPSEC=$(CURDIR)/$(VENV)/bin/p4ipsec /usr/bin/python3 -m bmv2.topology $(MININET_ARGS)

lab: $(STAMP) ## namespaces with our router, strongSwan and a legacy router, and a prompt (root)
	$(VENV)/bin/python -m tests.interop.lab shell

lab-clean: $(STAMP) ## remove every trace of the lab (root)
	$(VENV)/bin/python -m tests.interop.lab down

p4: $(STAMP) ## recompile p4src/, and what `make bench` measures beside it (needs p4c-bm2-ss, or P4C=path)
	$(VENV)/bin/python -m p4src.compile
	$(VENV)/bin/python -m benchmarks.plain_forwarding

proto: $(STAMP) ## regenerate the gRPC code of controller/api/proto
	$(VENV)/bin/python -m controller.api.generate

SHELL_STAMP := .venv-shell/.installed
shell: $(SHELL_STAMP) ## p4runtime-shell in a venv of its own: make shell SWITCH=127.0.0.1:9559
	PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python .venv-shell/bin/python -m p4runtime_sh \
	    --grpc-addr $(or $(SWITCH),127.0.0.1:9559) --device-id $(or $(DEVICE_ID),1) --election-id 0,100

$(SHELL_STAMP): pyproject.toml
	$(PYTHON) -m venv .venv-shell
	.venv-shell/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	.venv-shell/bin/python -m pip install --quiet --group shell
	@touch $@

clean: ## remove what the targets above made
	rm -rf $(VENV) .venv-shell .venv-fuzz fuzz/corpus fuzz/crashes .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/results
