# SPDX-License-Identifier: MIT
.PHONY: demo test test-all bench lint setup setup-tests accept

demo: setup
	@.venv/bin/python tools/demo.py $(DECL)

test: setup-tests lint
	.venv/bin/python -m pytest $(PYTEST_ARGS)

# Also every guest, on two kernels: about an hour where nothing is cached.
test-all: setup-tests lint
	.venv/bin/python -m pytest --everywhere $(PYTEST_ARGS)

bench: setup-tests
	.venv/bin/python bench/wrappers.py
	.venv/bin/python bench/python_calls.py
	.venv/bin/python bench/spawn.py
	.venv/bin/python bench/registry.py
	.venv/bin/python bench/bench.py

# Take the output of today as what tests expect; look at the difference before committing it.
accept: setup-tests
	SYSCRAFT_ACCEPT=1 .venv/bin/python -m pytest -q -k golden

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

setup:
	@tools/setup

setup-tests:
	@tools/setup --tests
