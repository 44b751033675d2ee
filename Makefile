# Cairn: build, show, test. Only Go, gcc, git and make are needed; everything
# else (Go modules, lint tools) is fetched by the targets themselves.
GO      ?= go
BIN     := bin/cairn
TOOLS   := $(GO) tool -modfile=tools/go.mod

.PHONY: all build demo test lint unit e2e bench fuzz docs clean

all: build

build: ## build bin/cairn
	$(GO) build -trimpath -o $(BIN) ./cmd/cairn

demo: build ## tell the whole story on an embedded engine
	./$(BIN) demo

test: lint unit e2e ## everything CI runs

lint: ## vet, static checks, formatting, budgets
	$(GO) vet ./...
	$(TOOLS) gofumpt -l . | (! grep .)
	$(TOOLS) golangci-lint run --allow-parallel-runners ./...

unit: ## unit and script tests
	$(GO) test ./...

e2e: build ## the built program and real clients: aws, boto3, terraform
	CAIRN_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -tags=e2e -timeout=20m ./test/...

bench: build ## measurements, printed as ratios
	CAIRN_BIN=$(CURDIR)/$(BIN) $(GO) test -count=1 -run '^$$' -tags=bench -bench . -benchtime=1x -timeout=30m ./bench/...

fuzz: ## every fuzz target for FUZZTIME each
	./test/fuzz.sh $(or $(FUZZTIME),30s)

clean:
	rm -rf bin
