PYTHON ?= .venv/bin/python
RUNS ?= train-runs/tiny

.PHONY: setup check fix test test-all demo tiny evaluate
setup:  ## make the virtual environment with everything in it
	python3 -m venv .venv
	.venv/bin/pip install -r requirements-dev.txt
	.venv/bin/pre-commit install

check:  ## form, lint, types and spelling, as CI checks them beside the tests
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m codespell_lib README.md CHANGELOG.md docs/*.md app.py seedstory_core storyworld demo benchmarks tests

fix:  ## format, and apply safe fixes
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

test:
	$(PYTHON) -m pytest

test-all:  ## also the slow tests and those that drive a browser
	$(PYTHON) -m pytest -m ""

demo:
	$(PYTHON) app.py

tiny:  ## train the next tiny weights (days of two CPU cores; every step resumes)
	$(PYTHON) -m seedstory_core.training all --runs $(RUNS)

evaluate:  ## print the model card's figures
	$(PYTHON) -m seedstory_core.evaluation all
