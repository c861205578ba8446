# Targets for people and for CI. What runs against real servers needs go, java 17, mvn and python 3.11, and says so.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
# The model of the protocol is one goroutine that visits millions of states: ten times slower under the race detector, for nothing.
MODEL = ./offsets/model
# Each command of its scripts is a process, which takes three times as long under the race detector: that is for the long suite.
COMMAND = ./cmd/shadoof
RACED = $$(go list ./... | grep -v -e /offsets/model -e /cmd/shadoof)
# Seeded histories of many processes, and years of schedules: few or none under the race detector, all of them without it.
HISTORIES = TestHistoriesOf|TestAMarkerIsNeverWrong|TestTheFeedIsAlwaysExact|TestAYearOf|TestSimulation|TestThemes|TestMutantsAreFound|TestEveryFailureOfTheStoreIsSurvived|TestAnswersSurviveAPowerCut|TestEachFsyncIsNeeded|PowerCuts
# The race detector needs a C compiler.
RACE := $(shell command -v $${CC:-cc} >/dev/null 2>&1 && echo -race)
WITHSERVERS = cd testbed && go run ./cmd/withservers

# Modules of their own, so that neither the product nor the testbed inherit Helm, registries and Kubernetes.
MODULES = deploy/image testbed/charts testbed/kubernetes

# What takes apart what others wrote, without a net below it. Each is fuzzed for so long, two at once.
FUZZERS = ./record/avro:FuzzDecode ./record/avro:FuzzWriter ./record/json:FuzzDecode ./record/protobuf:FuzzDecode ./extract:FuzzAnswer
# The others: as tests over what they keep, and for a while in the long suite.
MORE_FUZZERS = ./record/avro:FuzzSkip ./record/avro:FuzzResolve ./record/avro:FuzzResolveSchemas ./record/json:FuzzKeep ./record/json:FuzzPrint ./record/protobuf:FuzzFramed \
	./record/jsonschema:FuzzParse ./record/infer:FuzzAdd ./record/internal/fallback:FuzzMake ./record/internal/jsonvalue:FuzzParse ./partitioning:FuzzPattern \
	./partitioning:FuzzRFC3339 ./jobs:FuzzSchedule ./jobs:FuzzParseOffsetName ./jobs:FuzzParsePositions ./writers:FuzzParse ./writers/parquet:FuzzRecords \
	./writers/parquet:FuzzIdentity ./writers/avro:FuzzIdentity ./config:FuzzParse ./offsets:FuzzDecode ./offsets:FuzzSplitMembers ./offsets:FuzzDecodeCheckpoint ./offsets:FuzzDecodePack ./offsets:FuzzAttachment ./offsets:FuzzNames ./record/registry:FuzzAnswers \
	./storage:FuzzCheckName ./storage/hdfs:FuzzConfiguration ./storage/hdfs:FuzzToken ./storage/local:FuzzToken ./storage/s3:FuzzToken ./internal/ui:FuzzText ./internal/ui:FuzzHarmless ./jobs:FuzzBound ./jobs:FuzzStoreInfo ./cmd/shadoof:FuzzSettings
FUZZTIME = 10s

.PHONY: build image test-short test test-alone test-histories test-long test-servers-long fuzz-long test-deploy test-kubernetes faults lint fuzz bench bench-functions testbed-up testbed-check clean

build:
	CGO_ENABLED=0 go build -trimpath -o bin/shadoof ./cmd/shadoof

# The container image, without Docker: a file for docker load, or pushed with PUSH=REGISTRY/NAME:TAG; also for several PLATFORMS then.
VERSION ?= development
PLATFORMS ?= linux/amd64
image:
	@mkdir -p bin
	cd deploy/image && go run . -source ../.. -version $(VERSION) -revision "$$(git rev-parse HEAD 2>/dev/null)" -platforms $(PLATFORMS) $(if $(PUSH),-push $(PUSH),-o ../../bin/shadoof-image.tar -tag shadoof:$(VERSION))

# No servers, under a minute.
test-short:
	go test -short ./...

# Everything that must hold for each change.
test: testbed-check lint
	$(if $(RACE),,@echo 'no C compiler: these tests run without the race detector')
	go test $(RACE) -vet=off -count=1 -timeout 10m $(RACED)
	@$(MAKE) --no-print-directory -j 2 test-alone test-histories
	$(WITHSERVERS) -- go test -vet=off -count=1 -timeout 10m -p 3 ./...
	@$(MAKE) --no-print-directory test-deploy
	@$(MAKE) --no-print-directory fuzz

# Without the race detector: what is one goroutine each, and what is many processes in one.
test-alone:
	go test -vet=off -count=1 -timeout 30m $(MODEL) $(if $(SHADOOF_LONG),,$(COMMAND))
test-histories:
	go test -vet=off -count=1 -timeout 30m -run '$(HISTORIES)' ./jobs ./storage/local

# The image and the Helm chart, with Helm, kubeconform and registries in the process: nothing is installed.
test-deploy:
	cd deploy/image && go test -vet=off -count=1 -timeout 10m ./...
	cd testbed/charts && go test -vet=off -count=1 -timeout 10m ./...

# Also what takes long: clusters of three brokers, large topics, faults of network and disk.
test-long: testbed-check lint
	go test $(RACE) -vet=off -count=1 -timeout 30m $(RACED) $(COMMAND)
	@SHADOOF_LONG=1 $(MAKE) --no-print-directory -j 2 test-alone test-histories
	@$(MAKE) --no-print-directory -j 2 test-servers-long fuzz-long
	@$(MAKE) --no-print-directory test-deploy

# Most of these tests wait for servers: three packages at once, also where there are two processors.
test-servers-long:
	SHADOOF_LONG=1; export SHADOOF_LONG; $(WITHSERVERS) -- go test -vet=off -count=1 -timeout 60m -p 3 -tags long ./...

# Beside the servers, of which most tests wait: it takes what they leave of the processors.
fuzz-long:
	@nice -n 10 $(MAKE) --no-print-directory fuzz FUZZTIME=5m
	@nice -n 10 $(MAKE) --no-print-directory fuzz FUZZERS="$(MORE_FUZZERS)" FUZZTIME=20s

# Faults on demand, and a table of what came of it: docs/faults.md. BACKEND is s3, local or hdfs; BROKERS is 3 or 1.
MINUTES ?= 3
BACKEND ?= s3
BROKERS ?= 3
SEED ?=
faults: testbed-check
	@MINUTES=$(MINUTES) BACKEND=$(BACKEND) BROKERS=$(BROKERS) SEED=$(SEED); export MINUTES BACKEND BROKERS SEED; $(WITHSERVERS) -servers readers -- go test -vet=off -count=1 -timeout 0 -v -run 'TestOnDemand$$' ./faults

lint:
	go mod verify
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	cd testbed && go vet -tags long ./... && go run $(STATICCHECK) -tags long ./...
	for m in $(MODULES); do (cd $$m && go vet ./... && go run $(STATICCHECK) ./...) || exit 1; done

# The end of the time may look like a failure (golang/go#75804, Go 1.26): one that counts says where it wrote its input, or something else.
# To make interesting inputs smaller takes up to a minute of each worker by default, which is longer than these run.
fuzz:
	@echo 'fuzz for $(FUZZTIME) each, two at once'
	@printf '%s\n' $(FUZZERS) | FUZZTIME=$(FUZZTIME) xargs -P 2 -n 1 sh -c ' \
		out=$$(go test -vet=off -run "^\$$" -fuzz "^$${0##*:}\$$" -fuzztime $$FUZZTIME -fuzzminimizetime 10x -parallel 1 $${0%%:*} 2>&1) || case "$$out" in \
			*"Failing input"*) echo "$$0: $$out"; exit 1;; \
			*"context deadline exceeded"*) ;; \
			*) echo "$$0: $$out"; exit 1;; \
		esac; \
		case "$$out" in *"no fuzz tests"*) echo "$$0: $$out"; exit 1;; esac; \
		line=$$(echo "$$out" | grep "execs:" | tail -1); echo "$$0 $${line:-had no time: it only saw what is kept}"'

# The chart on a real control plane of Kubernetes, which is built once (seven minutes of CPU): about four minutes. The tests wait more than they work.
test-kubernetes: testbed-check
	$(WITHSERVERS) -servers kafka,s3,readers -- sh -c 'cd kubernetes && go test -vet=off -count=1 -parallel 12 -timeout 15m ./...'

# Against the programs that people write instead, on a real broker; see docs/performance.md. BENCH="-records 100000 -rounds 1" is quick.
bench:
	@$(WITHSERVERS) -servers kafka,hdfs -- go run ./cmd/bench $(BENCH)

bench-functions:
	go test -run '^$$' -bench . -benchmem ./...

# Servers for people: prints their addresses as export lines, until Ctrl-C.
testbed-up:
	@$(WITHSERVERS)

testbed-check:
	@$(WITHSERVERS) -check

clean:
	rm -rf bin
