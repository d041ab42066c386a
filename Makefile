# Every target works from a fresh clone. The modules are those of the workspace: no list is kept here.

SHELL    := /bin/bash
GO       := go
MODULES  := $(shell $(GO) list -m -f '{{.Dir}}')
PACKAGES := $(MODULES:%=%/...)
SERVICES := $(notdir $(wildcard services/*))
# The linter has a module of its own, so that its dependencies are nobody else's.
GOLANGCI := bin/golangci-lint

.PHONY: help up demo build test audit test-chaos sim sim-long fuzz lint generate bench chaos tidy clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: build ## Build and start everything on this machine: PostgreSQL, broker, simulators, services. ARGS='--help' lists its flags.
	@exec bin/waybill up $(ARGS)

demo: build ## Send an order each way it can go, through a running suite or one started for it.
	@bin/waybill demo $(ARGS)

PROGRAMS := ./simulators/cmd/simulators $(foreach service,$(SERVICES),./services/$(service)/cmd/$(service))

build: ## Build waybill, the services and the simulators into bin/.
	@$(GO) build -o bin/ ./cmd/waybill $(PROGRAMS)

test: ## Run every test, on real PostgreSQL and real Apache Kafka, with the race detector.
	@for tool in java mvn; do command -v $$tool >/dev/null || { \
		echo "make test: $$tool is missing; install Java 17 or later and Maven (Debian: apt-get install default-jre-headless maven)" >&2; exit 1; }; done
	@version=$$(java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p'); [ "$${version:-0}" -ge 17 ] || { \
		echo "make test: java is version $${version:-unknown}; Apache Kafka needs Java 17 or later" >&2; exit 1; }
	$(GO) test -race -timeout 15m $(PACKAGES)

# How many runs of the simulation make up CI.
RUNS := 50000

sim: ## Simulate the saga: every policy against simulated time, faults and people. RUNS= says how often, SEED= shows one run.
	@case "$(SEED)$(RUNS)" in *[!0-9]*) echo "make sim: SEED and RUNS are whole numbers" >&2; exit 1; esac
	@$(GO) run ./tests/sim/cmd/sim $(if $(SEED),-seed $(SEED),-runs $(RUNS))

sim-long: ## Simulate until Ctrl-C, and then tell what was seen, and what was not.
	@mkdir -p bin && $(GO) build -o bin/ ./tests/sim/cmd/sim && exec bin/sim -long -first $(if $(SEED),$(SEED),$$(date +%s))

audit: ## Write ORDERS=100000 orders, and hold the time and the memory that an audit of them takes against their bounds.
	WAYBILL_TEST_ORDERS=$(ORDERS) $(GO) test -run '^TestManyOrdersInLittleTimeAndMemory$$' -timeout 3h -count 1 -v ./tests/verify

test-chaos: ## Break real processes in every way, and see that what must hold holds. It takes minutes, and both cores.
	$(GO) test -tags chaos -run Clock ./platform/clock ./services/notifications ./services/orders
	$(GO) test -tags chaos -timeout 20m -v ./tests/chaos

fuzz: ## Run every fuzz target for FUZZTIME (10s), as they are found in the tests.
	@for module in $(MODULES); do cd $$module || exit 1; \
		for package in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do \
			folder=$$($(GO) list -f '{{.Dir}}' $$package); grep -qs '^func Fuzz' $$folder/*_test.go || continue; \
			listed=$$($(GO) test -list '^Fuzz' $$package) || exit 1; \
			for target in $$(grep '^Fuzz' <<< "$$listed"); do \
				echo "fuzz $${folder#$(CURDIR)/} $$target"; \
				$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZTIME),10s) $$package || exit 1; \
			done; done; done

lint: $(GOLANGCI) ## Check formatting, imports between services, exhaustive switches, and more.
	@for module in $(MODULES); do echo "lint $${module#$(CURDIR)/}"; (cd $$module && $(CURDIR)/$(GOLANGCI) run ./...) || exit 1; done

$(GOLANGCI): tools/go.mod tools/go.sum
	cd tools && GOWORK=off $(GO) build -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

generate: ## Write the event catalogue, the schemas and the AsyncAPI document from contracts/.
	@$(GO) generate $(PACKAGES)

bench: build ## Measure orders through five processes, real PostgreSQL and Apache Kafka. ARGS='--orders 2000 --concurrency 64 --json out.json'
	@bin/waybill bench --start $(ARGS)

chaos: build ## Break a suite while orders come in, and hold its books against what must be true. ARGS='--duration 10m --seed 7'
	@$(GO) build -tags chaos -o bin/chaos/ $(PROGRAMS)
	@bin/waybill chaos $(ARGS)

tidy: ## Tidy every module by itself.
	@for module in $(MODULES); do (cd $$module && GOWORK=off $(GO) mod tidy) || exit 1; done

clean: ## Remove what was built. Data in .waybill/ stays.
	rm -rf bin
