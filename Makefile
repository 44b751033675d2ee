# Cairn: build, show, test. Only Go, gcc, git and make are needed; everything
# else (Go modules, lint tools, gcc's C++ library) is fetched by the targets
# themselves.
GO      ?= go
BIN     := bin/cairn
TOOLS   := $(GO) tool -modfile=tools/go.mod

.PHONY: all libstdc++ build demo test lint unit e2e crash crash-short soak bench fuzz fuzz-short docs clean

all: build

build: libstdc++ ## build bin/cairn
	$(GO) build -trimpath -o $(BIN) ./cmd/cairn

# DuckDB is C++, and gcc alone may come without its library.
libstdc++:
	@test -e "$$($(shell $(GO) env CC) -print-file-name=libstdc++.a)" || \
	{ test "$$(id -u)" = 0 && apt-get -q update && apt-get -qy install g++; } || \
	{ echo "The C++ library of gcc is missing: install it (Debian: apt-get install g++) and run this again." >&2; exit 1; }

demo: build ## tell the whole story on an embedded engine
	./$(BIN) demo

test: lint unit fuzz-short e2e crash-short ## everything CI runs

lint: libstdc++ ## vet, static checks, formatting, budgets
	$(GO) vet ./...
	$(TOOLS) gofumpt -l . | (! grep .)
	$(TOOLS) golangci-lint run --allow-parallel-runners ./...

unit: libstdc++ ## unit and script tests
	$(GO) test ./...

e2e: build ## the built program and real clients: aws, boto3, terraform
	CAIRN_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -tags=e2e -timeout=20m ./test/...

crash: build ## break the engine on purpose: kills, power cuts, full disks, write errors, damage
	CAIRN_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -tags=crash -timeout=90m -v ./test/crash -kills 100 -inject 200 -damages 200 -clock $(if $(SEED),-seed $(SEED))

crash-short: build ## a sample of it: kills, SIGTERM, a full disk, write errors, damage
	CAIRN_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -tags=crash -timeout=10m ./test/crash -run 'Kill|Terminate|DiskFull|Inject|Damage' -kills 3 -inject 2 -damages 4

soak: build ## full speed for SOAK: memory, files and goroutines must not grow
	CAIRN_BIN=$(CURDIR)/$(BIN) SOAK=$(or $(SOAK),30m) $(GO) test -count=1 -tags=e2e -timeout=24h -v -run TestSoak ./test/soak

bench: build ## measurements, printed as ratios
	CAIRN_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -run '^$$' -tags=bench -bench . -benchtime=1x -timeout=30m ./bench/...

fuzz: ## every fuzz target, for FUZZTIME together
	./test/fuzz.sh $(or $(FUZZTIME),1h)

fuzz-short: libstdc++ ## every fuzz target, a few hundred inputs each
	./test/fuzz.sh 200x

clean:
	rm -rf bin
