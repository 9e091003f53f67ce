# Kontor. `make help` lists what can be made. Needs make and python3 (3.11 or newer, with its venv module).
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install lock build demo up test check quick format chaos chaos-hosts mutate attack bench bench-growth bench-exports bench-imports bench-memory bench-outside bench-daily bench-charging bench-pool bench-pullers bench-portal bench-partitions house openapi-lint simulate migrate browser soak clean deploy-check production release docs clients

BIN := .venv/bin
# Options for the programs behind `test`, `browser`, `chaos`, `mutate`, `attack`, `bench` and `simulate`.
PYTEST ?=
CHAOS ?=
MUTATE ?=
ATTACK ?=
BENCH ?=
SIMULATE ?=
HOUSE ?=
# The stamp's name holds the folder's path: a copy or a moved clone gets a .venv of its own.
STAMP := .venv/.installed-$(shell printf '%s' '$(CURDIR)' | cksum | cut -d ' ' -f 1)
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null \
		|| sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1: \2/p' Makefile

install: $(STAMP) ## build .venv from requirements.lock

$(STAMP): requirements.lock .ci/install
	@flock requirements.lock sh .ci/install "$@"

lock: ## resolve the locks of checkout and deployment again (needs uv)
	$(COMPILE) --extra embedded --group dev pyproject.toml -o requirements.lock
	cp requirements.lock deploy/requirements.lock # its versions, without what only the checkout needs
	$(COMPILE) pyproject.toml -o deploy/requirements.lock

build: $(STAMP) ## build the wheel into dist/, with the commit it is made of
	@git rev-parse --short=12 HEAD >kontor/commit.txt
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build --target wheel; \
		status=$$?; rm -f kontor/commit.txt; exit $$status

demo: $(STAMP) ## run the stories of the example programmes with real processes, HTTP and SMTP
	@$(BIN)/kontor demo

up: $(STAMP) ## run everything on this machine until Ctrl-C
	@$(BIN)/kontor up

test: $(STAMP) ## run every test that needs nothing but pip packages
	@$(BIN)/python -m pytest -m "not browser" $(PYTEST)

browser: $(STAMP) ## run the tests that need a system Chromium
	@$(BIN)/python -m pytest -m browser $(PYTEST)

quick: $(STAMP) ## format, lint, types and contracts, without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/codespell

check: quick test ## format, lint, types, import contracts, tests

format: $(STAMP) ## format and fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

chaos: $(STAMP) ## kill real processes at every crash point, inflict other faults, then soak
	@$(BIN)/python -m tests.faults.chaos $(CHAOS)

chaos-hosts: $(STAMP) ## cut off hosts (network namespaces; needs root on Linux)
	@$(BIN)/python -m tests.faults.hosts $(CHAOS)

soak: $(STAMP) ## the seeded soak alone
	@$(BIN)/python -m tests.faults.chaos --only soak $(CHAOS)

mutate: $(STAMP) ## remove each promised guard in turn; a test must fail
	@$(BIN)/python -m tests.mutate $(MUTATE)

attack: $(STAMP) ## attack a running deployment in every way that got through or might; ATTACK=--short takes a minute
	@$(BIN)/python -m tests.attack $(ATTACK)

bench: $(STAMP) ## measure against peers on the same servers
	@$(BIN)/python -m bench $(BENCH)

bench-growth: $(STAMP) ## measure with ten million finished jobs
	@$(BIN)/python -m bench growth

bench-exports: $(STAMP) ## export client lists of 20,000 and 200,000, check them, measure time and memory
	@$(BIN)/python -m bench.exports --check

simulate: $(STAMP) ## a year of 200 resellers, three seeds, every day compared with an independent oracle
	@$(BIN)/python -m tests.simulation $(SIMULATE)

bench-imports: $(STAMP) ## import bank files of 10 and 100 MB, check the sums, measure time and memory
	@$(BIN)/python -m bench.imports

bench-memory: $(STAMP) ## print the memory of each process at rest and after 1,000 jobs
	@$(BIN)/python -m bench.memory $(BENCH)

bench-outside: $(STAMP) ## measure slow outside work, a neighbour's job and waiting callers on two workers
	@$(BIN)/python -m bench.outside $(BENCH)

bench-daily: $(STAMP) ## measure the daily run of discounts, 100,000 resellers and 3,000,000 payments
	@$(BIN)/python -m bench.daily $(BENCH)

bench-charging: $(STAMP) ## measure 100,000 recurring fees that fall due on one day
	@$(BIN)/python -m bench.charging $(BENCH)

bench-pool: $(STAMP) ## measure Dramatiq's worker beside a thread pool of our own
	@$(BIN)/python -m bench.pool $(BENCH)

bench-pullers: $(STAMP) ## measure pull workers that wait: how soon one gets a job, what a thousand cost other calls
	@$(BIN)/python -m bench.pullers $(BENCH)

bench-partitions: $(STAMP) ## move finished jobs into months while work goes on, then drop a month
	@$(BIN)/python -m bench.partitions $(BENCH)

bench-portal: $(STAMP) ## measure the pages of a reseller with 200,000 clients, and 1,000 visitors on /updates
	@$(BIN)/python -m bench.portal_reads $(BENCH)
	@$(BIN)/python -m bench.portal_live

house: $(STAMP) ## measure the code base against the limits of its style; HOUSE="--places" lists what exceeds one
	@$(BIN)/python -m devtools.house $(HOUSE)

openapi-lint: ## check docs/openapi.json with Redocly and Spectral (needs Node.js)
	@command -v npx >/dev/null || { echo "openapi-lint: npx is not installed; install Node.js" >&2; exit 1; }
	npx --yes @redocly/cli@2 lint --extends=recommended --max-problems=20 docs/openapi.json
	npx --yes @stoplight/spectral-cli@6 lint --ruleset .spectral.yaml --fail-severity=warn docs/openapi.json

migrate: $(STAMP) ## bring the database to the newest schema
	@$(BIN)/kontor migrate

clients: $(STAMP) .client-tools/.installed ## generate clients with four generators, compile them and let each live a story
	@$(BIN)/python -m pytest -n0 -q tests/acceptance/clients/test_generated_clients.py $(PYTEST)

.client-tools/.installed: pyproject.toml
	@sh .ci/tools clients .client-tools
	@npm install --silent --no-fund --no-audit --prefix .client-tools \
		openapi-typescript@7.13.0 openapi-fetch@0.17.0 typescript@5 @types/node@20
	@touch $@

release: $(STAMP) ## build the files of a release twice, compare them, write dist/release-VERSION with checksums
	@$(BIN)/python -m devtools.release

docs: $(STAMP) .docs-tools/.installed ## build the documentation as a site with offline search into site/
	@NO_MKDOCS_2_WARNING=1 .docs-tools/bin/mkdocs build --strict --quiet
	@echo site/index.html

.docs-tools/.installed: pyproject.toml
	@sh .ci/tools docs .docs-tools
	@touch $@

deploy-check: $(STAMP) .deploy-tools/.installed ## check every file under deploy by the tool that knows its format
	@$(BIN)/python -m pytest -n0 -q tests/deploy/test_files.py $(PYTEST)

.deploy-tools/.installed: pyproject.toml
	@sh .ci/tools deploy .deploy-tools nginx caddy systemd openssl
	@touch $@

production: $(STAMP) ## execute docs/how-to/production.md and the Dockerfile's steps on a fresh Debian (root; minutes)
	@sh .ci/packages mmdebstrap iproute2 util-linux
	@PRODUCTION=1 $(BIN)/python -m pytest -n0 -q -p no:randomly -m production tests/deploy $(PYTEST)

clean: ## remove .venv and the tools' caches; data stays
	rm -rf .venv .client-tools .deploy-tools .docs-tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
