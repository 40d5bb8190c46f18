# Every target brings what it needs: .venv is made on the first call and left alone after that.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PACKAGES := ops mmcv mmsegmentation mmdetection
SOURCES := ops/mmops mmcv/mmcv mmsegmentation/mmseg mmdetection/mmdet
PYTEST_ARGS ?=
BENCHMARKS := $(filter-out benchmarks/eager.py,$(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help install demo demo-det test test-slow bench check format golden lock

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(STAMP)  ## .venv with the locked versions and the four packages (editable)

# uv installs in a tenth of pip's time; where it cannot be had, pip reads the same lock.
$(STAMP): requirements.lock $(PACKAGES:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "error: Python >= 3.10 is needed, $$($(PYTHON) --version) was found; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (about 6 GB with the CUDA libraries of torch; once)"
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null; then \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(PACKAGES:%=-e %); \
	else \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation $(PACKAGES:%=-e %); \
	fi
	@touch $@

demo: $(STAMP)  ## make a small data set, train on it with DeepSpeed in 2 processes, evaluate, draw
	$(BIN)/python demo/run.py

demo-det: $(STAMP)  ## the same for detection: Mask R-CNN on a small data set in COCO format
	$(BIN)/python demo/run_detection.py

test: $(STAMP)  ## the CPU suite (under 15 minutes on two cores)
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

test-slow: $(STAMP)  ## the long tests: kills at random instants, every detector learns, two hosts
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

bench: $(STAMP)  ## every benchmark that needs no GPU, as ratios (benchmarks/RESULTS.md has ours)
	@for script in $(BENCHMARKS); do \
		echo "== $$script"; OMP_NUM_THREADS=1 $(BIN)/python $$script || exit 1; \
	done

# __init__.py files list names: re-exports under 1.x paths repeat them on purpose.
check: $(STAMP)  ## lint, format, types, import directions, duplicates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports
	$(BIN)/pylint --disable=all --enable=similarities --min-similarity-lines=8 \
		--ignore-imports=y --ignore-signatures=y --ignore-docstrings=y --score=n --ignore=__init__.py $(SOURCES)

golden: $(STAMP)  ## rewrite the frozen lists of state-dict keys and registered names
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q mmsegmentation/tests/configs/test_models_on_meta.py mmcv/tests/test_registered_names.py

format: $(STAMP)  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)  ## newest versions into requirements.lock: versions and hashes, no hosts
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate $(PACKAGES:%=%/pyproject.toml) --group dev \
		--no-emit-package ivds-ops --no-emit-package ivds-mmcv \
		--no-emit-package ivds-mmseg --no-emit-package ivds-mmdet -o requirements.lock
