# Each target sets up its own .venv; run any of them first.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# Jupyter refuses root unless told; in a container there is often nobody else.
JUPYTER_ARGS ?= $(if $(filter 0,$(shell id -u)),--allow-root)
# Two threads on shared cores make small cells ten times slower.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1

# Files of tests that run side by side. A test may start two processes of its own, so more than four help nobody.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ $$n -gt 4 ] && echo 4 || echo $$n)

# The grader's sandbox. Only root may install it; everybody else is told, and the tests that need it are skipped.
define BUBBLEWRAP
if [ "$$(uname -s)" = Linux ] && ! command -v bwrap >/dev/null; then \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "== installing bubblewrap, the grader's sandbox"; \
    (apt-get install -y -qq bubblewrap || (apt-get update -qq && apt-get install -y -qq bubblewrap)) >/dev/null 2>&1; \
  fi; \
  command -v bwrap >/dev/null || echo "== bubblewrap is missing: grading falls back on Landlock. Install it as root: apt-get install bubblewrap (or dnf, pacman). Then: autograder doctor"; \
fi
endef

# The browser that the tests drive. Only root may install it; where there is none those tests are skipped, and say so.
define CHROMIUM
if [ "$$(uname -s)" = Linux ] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then \
  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
    echo "== installing chromium, for the tests in a browser"; \
    (apt-get install -y -qq chromium || (apt-get update -qq && apt-get install -y -qq chromium)) >/dev/null 2>&1; \
  fi; \
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || echo "== chromium is missing: the tests in a browser are skipped. Install it as root: apt-get install chromium"; \
fi
endef

.PHONY: lab test demo build site lint setup clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@echo "== setting up .venv (a few minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/jupyter labextension disable "@jupyterlab/apputils-extension:announcements"  # it asks the network at every start
	@$(BUBBLEWRAP)
	@$(CHROMIUM)
	touch $(STAMP)

lab: $(STAMP)
	cd course && PATH="$(CURDIR)/$(BIN):$$PATH" jupyter lab $(JUPYTER_ARGS)

build: $(STAMP)
	$(BIN)/autograder build

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

test: $(STAMP) lint
	@echo "== hand-outs against their sources, through all the gates"
	$(BIN)/autograder build --check
	@echo "== tests"
	$(BIN)/python -m pytest -ra --durations=10 -n $(WORKERS) --dist loadfile --no-loadscope-reorder

site: $(STAMP)
	$(BIN)/autograder site

demo: $(STAMP)
	$(BIN)/autograder demo

clean:
	rm -rf .venv .gradus demo site .pytest_cache .mypy_cache .ruff_cache
