# The two commands of the README: `make demo` and `make test`. Each makes the virtual environment if there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Percent of the lines of driver_monitor that the tests must reach. Half of the tests, without the data outside the
# repository, reach 92.7 %. Lines that only run in a process of their own (such as replay --jobs 2) do not count.
COVERAGE_FLOOR := 92

.PHONY: demo fleet-demo test coverage lint hooks manifest deb clean

demo: $(VENV)/.installed
	$(BIN)/driver-monitor run --source demo

# A whole fleet on this computer until Ctrl-C, or for FLEET_DEMO_SECONDS (docs/fleet.md).
fleet-demo: $(VENV)/.installed-operator
	$(BIN)/python -m tools.fleet.demo

# Tests that run a daemon have limits of real time, so at most four of them run at once.
PARALLEL := --numprocesses auto --maxprocesses 4 --dist worksteal
test: $(VENV)/.installed-dev
	$(BIN)/pytest $(PARALLEL) $(PYTEST_FLAGS)

# The same tests, with the lines that they reach. From Python 3.12 on, sys.monitoring makes this cost little time.
CORE := import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")
COVERAGE_FLAGS := --cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR)
coverage: $(VENV)/.installed-dev
	COVERAGE_CORE=$$($(BIN)/python -c '$(CORE)') $(MAKE) test PYTEST_FLAGS="$(COVERAGE_FLAGS)"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Once in each clone: linters before each commit, and the length of its subject line.
hooks: $(VENV)/.installed-dev
	$(BIN)/pre-commit install

# After a model file was exchanged: writes models/manifest.yaml, which is checked at every start.
manifest: $(VENV)/.installed
	$(BIN)/python -m tools.manifest models

# Debian packages in dist/: one for each Python and processor, or one: make deb PYTHON_VERSION=3.11 ARCH=arm64
deb: $(VENV)/.installed
	$(BIN)/python -m tools.package.build $(if $(PYTHON_VERSION),--python $(PYTHON_VERSION)) $(if $(ARCH),--arch $(ARCH))

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Cannot make a virtual environment. On Debian, Ubuntu and Raspberry Pi OS: sudo apt install python3-venv"; exit 1; }

$(VENV)/.installed: $(BIN)/pip pyproject.toml
	@echo "Installing into $(VENV): about a minute and 500 MB. Nothing is printed meanwhile."
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-operator: $(VENV)/.installed pyproject.toml
	@echo "Installing what an operator needs into $(VENV): 30 MB more."
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[operator]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed pyproject.toml
	@echo "Installing the tools of the tests into $(VENV): 480 MB more."
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage
