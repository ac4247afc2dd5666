# `make help` lists the targets. Needs Python 3.11 or newer, git and make; everything else goes into
# .venv and build/, which `make clean` removes.

PYTHON ?= python3
PYTEST_ARGS ?=
# One more than there are cores: many tests wait for a network, or for a process to end.
TEST_WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN); echo $$((cores < 8 ? cores + 1 : 9)))
ENGINE ?= podman
IMAGE ?= localhost/plugin-factory
BASE_IMAGE ?=
IMAGE_ARGS ?=

# Compiled test modules are kept, whatever the caller's environment says: each worker needs them all.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := build/example

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install example check test coverage test-tools test-modules lint lint-types lint-style lint-imports lint-words docs docs-site changelog distribution image clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.package ## Install plugin-factory into .venv

example: $(VENV)/.package ## Build the example workspace into build/example/outputs
	@mkdir -p $(EXAMPLE)
	$(BIN)/plugin-factory build \
	  --config-dir examples/local-workspace \
	  --repo-path $(EXAMPLE)/source \
	  --output-dir $(EXAMPLE)/outputs \
	  --clean
	@echo
	@echo "The artifacts are in $(EXAMPLE)/outputs:"
	@cd $(EXAMPLE)/outputs && ls -1 *.tgz*

check: lint ## Run the linters, the type checker and the tests that install nothing: minutes
	memory=$$(tests/memory-folder 3000000) && env $${memory:+TMPDIR="$$memory"} \
	  $(BIN)/pytest --light --numprocesses $(TEST_WORKERS) $(PYTEST_ARGS)

test: lint test-tools ## Run the linters, the type checker and all tests
	$(BIN)/pytest --numprocesses $(TEST_WORKERS) $(PYTEST_ARGS)

# A target of its own: to measure costs much time before Python 3.14.
coverage: lint test-tools ## Run all tests and measure what they reach, with a floor
	$(BIN)/pytest --numprocesses $(TEST_WORKERS) $(PYTEST_ARGS) \
	  --cov --cov-report=term --cov-report=xml:build/coverage/report.xml

test-tools: # what tests use of the system
	@tests/install-tools

test-modules: $(VENV)/.dev # compiled once, before several workers would do it at the same time
	@$(BIN)/pytest --collect-only --quiet >/dev/null

# Side by side, so that no core waits for the type checker; what each says stays together.
ORDERLY := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

lint: $(VENV)/.dev ## Run the linters and the type checker
	@$(MAKE) --no-print-directory --jobs 2 $(ORDERLY) lint-types lint-style lint-imports lint-words

lint-types:
	$(BIN)/mypy

lint-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/vulture

lint-imports:
	$(BIN)/lint-imports --no-logo

lint-words:
	$(BIN)/codespell
	$(BIN)/python docs/wording.py

docs: $(VENV)/.dev ## Write the generated reference pages anew
	$(BIN)/python docs/generate.py

docs-site: $(VENV)/.dev ## Build the documentation as a site into build/site
	$(BIN)/mkdocs build --strict

changelog: $(VENV)/.dev ## Print what the next release's changelog would say
	$(BIN)/towncrier build --draft --version next

# Of a tag that says another version than the package, nothing is built.
distribution: $(VENV)/.dev ## Build the package for PyPI into dist
	@case "$${GITHUB_REF_NAME:-}" in \
	  v*) test "$$GITHUB_REF_NAME" = "v$$($(BIN)/python -c 'import factory; print(factory.__version__)')" || { \
	    echo "error: the tag $$GITHUB_REF_NAME is not the version in factory/__init__.py" >&2; exit 1; } ;; \
	esac
	rm -rf dist
	$(BIN)/python -m build

image: ## Build the container image (BASE_IMAGE=... for another base)
	$(ENGINE) build --tag $(IMAGE) --file Containerfile \
	  $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) \
	  --build-arg VERSION="$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' factory/__init__.py)" \
	  --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
	  $(IMAGE_ARGS) .

clean: ## Remove .venv, build/ and the tools' caches
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# A stamp is touched when its step is done, so that a second run goes straight to the point.

$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "error: there is no $(PYTHON) here; name a Python 3.11 or newer: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(PYTHON) is $$("$(PYTHON)" -V 2>&1), but 3.11 or newer is needed: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) has no venv module (on Debian and Ubuntu: apt-get install python3-venv)" >&2; \
	  exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	@touch $@

$(VENV)/.package: $(VENV)/.made pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

# Dependency groups need pip 25.1; distributions bring an older one.
$(VENV)/.dev: $(VENV)/.package
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev
	@touch $@
