# SPDX-License-Identifier: MIT
.PHONY: demo test bench lint setup accept

demo: setup
	@.venv/bin/python tools/demo.py $(DECL)

test: setup lint
	.venv/bin/python -m pytest $(PYTEST_ARGS)

bench: setup
	.venv/bin/python bench/bench.py

# Take the output of today as what tests expect; look at the difference before committing it.
accept: setup
	SYSCRAFT_ACCEPT=1 .venv/bin/python -m pytest -q -k golden

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

setup:
	@tools/setup
