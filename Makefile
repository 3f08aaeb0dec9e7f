# Everything happens in .venv, made from requirements.lock on first use: `make run`, `make test`.

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
CODE := gridbot_tui tests

# Environment
# A Python to make .venv with: `make PYTHON=/path/to/python3 setup`, or the first of these that will do.
PYTHON ?=
CANDIDATES := python3.14 python3.13 python3.12 python3.11 python3 python
SERVES := (3, 11) <= sys.version_info < (3, 15)

# Arguments: `make run ARGS="--mode sim --no-ui"`, `make test PYTEST_ARGS="-k ledger"`, WORKERS=0 for one process.
ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= 3

RUFF = $(PY) -m ruff check $(CODE)
MYPY = $(PY) -m mypy --num-workers 2
CONTRACTS = $(VENV)/bin/lint-imports --no-logo
# Neighbours stay with one worker until the others have nothing left: what a file shares is made once. One worker more
# than there are cores on a small machine: tests of real processes and connections wait a third of their time.
PYTEST = $(PY) -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# Where the environment forbids bytecode (containers often do), each run of the suite would compile thousands of
# functions anew, and each bot that it starts the sources that have changed since `make setup`.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run setup test pytest lint format typecheck imports bench bench-ui screenshots bench-backtest validation mechanisms promises compiled screen campaign mutants kills faults conformance docs lock clean

help:
	@echo "make run        run gridbot (ARGS=...)"
	@echo "make test       lint, types, import contracts, then the test-suite (PYTEST_ARGS=...)"
	@echo "make setup      only make .venv from requirements.lock"
	@echo "make bench-ui   what the terminal app costs;  make screenshots   the pictures, from fixed snapshots"
	@echo "make bench-backtest   back-test throughput beside its peers;  make validation   docs/VALIDATION.md from recorded data"
	@echo "make mechanisms   what each mechanism of the strategy adds, with its interval"
	@echo "make compiled   engine against compiled back-tests on random windows, ugly markets and configs, to the last digit"
	@echo "make screen   the screen of gridbot optimize against the engine, fill by fill, on recorded and made markets (ARGS=--speed)"
	@echo "make promises   what every run promises, on windows of the recorded data that nobody chose and on made markets"
	@echo "                that are uglier (WINDOWS=..., UGLY=..., SEED=...)"
	@echo "make campaign   the fault campaign, into docs/VALIDATION.md (SEEDS=...);  make mutants   known bugs it must find"
	@echo "make kills      kill -9 against the served exchange, judged by its books (KILLS=...)"
	@echo "make faults     every fault of the served exchange met by a bot, judged by its books"
	@echo "make conformance   ccxt and Binance's own clients against the served exchange"
	@echo "make lint | typecheck | imports | pytest | format | bench | docs | lock | clean"

run: $(READY)
	@$(VENV)/bin/gridbot $(ARGS)

setup: $(READY)
	@echo "$(VENV) is ready"

# Bytecode is written here, as pip does for packages: where PYTHONDONTWRITEBYTECODE is set (containers often set it)
# each start would compile all sources anew. A tree that cannot be written to does without.
#
# The stamp names the folder it was made for: programs in .venv begin with that, and those of a copied or renamed
# clone would be the other folder's, or nobody's.
#
# One shell, so that the lock on descriptor 9 is held to the end: a second make waits for the first
# and then finds the stamp newer than its sources.
ifneq ($(shell cat $(READY) 2>/dev/null),$(realpath $(VENV)))
.PHONY: elsewhere
$(READY): elsewhere
elsewhere:
endif
$(READY): requirements.lock pyproject.toml
	@set -eu; \
	exec 9>>.venv.lock; \
	python=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
	    if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(not $(SERVES))' >/dev/null 2>&1; \
	    then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "gridbot needs Python 3.11 to 3.14 with its venv module, and found none$(if $(PYTHON), at $(PYTHON),): install it or name one with 'make PYTHON=/path/to/python3 $(or $(MAKECMDGOALS),setup)'." >&2; \
	    exit 2; \
	fi; \
	"$$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'; \
	here=$$(mkdir -p $(VENV) && cd $(VENV) && pwd -P); \
	made=$$(cat $(READY) 2>/dev/null || echo "$$here"); \
	if [ "$$made" = "$$here" ] && [ -e $(READY) ] && [ $(READY) -nt requirements.lock ] && \
	    [ $(READY) -nt pyproject.toml ]; then exit 0; fi; \
	{ [ "$$made" = "$$here" ] && $(PY) -c 'import sys, pip; sys.exit(not $(SERVES))'; } >/dev/null 2>&1 || { \
	    echo "making $(VENV) with $$("$$python" --version)"; "$$python" -m venv --clear $(VENV); }; \
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	$(PY) -m compileall -q gridbot_tui || :; \
	printf %s "$$here" > $(READY)

# One recipe, so that even under -j the closing line of pytest is the last one printed.
test: $(READY)
	@echo "lint"; $(RUFF)
	@echo "types"; $(MYPY)
	@echo "import contracts"; $(CONTRACTS)
	@$(PYTEST)

pytest: $(READY)
	@$(PYTEST)

lint: $(READY)
	@$(RUFF)

format: $(READY)
	@$(PY) -m ruff check --fix $(CODE)

typecheck: $(READY)
	@$(MYPY)

imports: $(READY)
	@$(CONTRACTS)

bench: $(READY)
	@$(PY) -m tests.bench $(ARGS)

# Peers in environments of their own, once: .venv/bin/python -m tests.bench.backtest_peers
bench-backtest: $(READY)
	@$(PY) -m tests.bench backtest $(ARGS)

validation: $(READY)
	@$(PY) -m tests.tools.make_validation $(ARGS)

# What each mechanism of the strategy adds, with its interval; part of validation, here alone and printed.
mechanisms: $(READY)
	@$(PY) -m tests.tools.mechanisms

# Windows drawn at random from every recorded series, and made markets that are uglier; fails where a promise is broken.
WINDOWS ?= 60
UGLY ?= 70
SEED ?= 1
promises: $(READY)
	@$(PY) -m tests.tools.check_promises --windows $(WINDOWS) --ugly $(UGLY) --seed $(SEED) $(ARGS)

# Engine against compiled code on random windows, ugly markets and random configs, to the last digit.
compiled: $(READY)
	@$(PY) -m tests.tools.check_compiled --windows $(WINDOWS) --ugly $(UGLY) --seed $(SEED) $(ARGS)

# How far the compiled screen of `gridbot optimize --screen` and the engine agree.
screen: $(READY)
	@$(PY) -m tests.tools.check_screen $(ARGS)

# The fault campaign writes its section of docs/VALIDATION.md; SEEDS=1000 is the whole.
SEEDS ?= 1000
campaign: $(READY)
	@$(PY) -m tests.tools.make_campaign --seeds $(SEEDS) $(ARGS)

mutants: $(READY)
	@$(PY) -m tests.simulation.mutants $(ARGS)

# Bytes, processor and latency of the terminal app, counted on a pty beside a naive build.
bench-ui: $(READY)
	@$(PY) -m tests.tools.bench_ui $(ARGS)

screenshots: $(READY)
	@$(PY) -m tests.tools.make_screenshots $(ARGS)

# kill -9 of a bot on the served exchange, judged by that exchange's books; prints what it found.
KILLS ?= 50
kills: $(READY)
	@$(PY) -m tests.e2e.kills --kills $(KILLS) $(ARGS)

# The served exchange's menu of faults beyond what the suite has of it: spot, cancels, stops, questions, several at once.
faults: $(READY)
	@$(PY) -m pytest tests/service/test_fault_menu.py tests/service/fault_menu.py -n $(WORKERS) $(PYTEST_ARGS)

# Foreign clients against the served exchange; part of the suite, here alone and in one process.
conformance: $(READY)
	@$(PY) -m pytest tests/conformance -p no:xdist $(PYTEST_ARGS)

docs: $(READY)
	@$(PY) -m tests.tools.make_docs $(ARGS)

# Needs uv on the PATH; it is no part of the environment.
# From an index that has every file of a release. What a folder of wheels holds beside it stands in the index's place, and
# its few hashes would let the lock be installed by one Python on one kind of machine.
lock:
	env -u UV_FIND_LINKS uv pip compile pyproject.toml --group dev --group conformance --group build --universal \
	    --python-version 3.11 --generate-hashes --no-config --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" --quiet -o requirements.lock $(ARGS)

clean:
	rm -rf $(VENV) .venv.lock build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
