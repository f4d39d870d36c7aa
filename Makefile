# Two commands set everything up on a fresh machine: `make app` and `make test`. They need Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin
RECIPE ?= first-minute

.PHONY: app test thorough lint train bench readme requirements clean

app: .venv/app
	$(BIN)/streamlit run app.py

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not thorough"

# Long stories, among them kills at random moments and the whole tour in a browser: another ten minutes.
thorough: .venv/dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m thorough

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

train: .venv/app
	$(BIN)/python -m vaelab train --recipe $(RECIPE)

bench: .venv/dev
	$(BIN)/python -m benchmarks

# The parts of the README that follow from the code.
readme: .venv/dev
	$(BIN)/python -m tests.readme

# The pinned sets, compiled anew from pyproject.toml.
requirements: .venv/uv
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --no-emit-index-url -o requirements.txt
	$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --no-emit-index-url --extra dev \
		-c requirements.txt -o requirements-dev.txt

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache

.venv/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'vaelab needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 app'; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q uv
	@touch $@

.venv/app: requirements.txt | .venv/uv
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt | .venv/uv
	$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python -r requirements-dev.txt
	@touch $@ .venv/app
