# SPDX-License-Identifier: MIT
.PHONY: demo check test test-all bench lint setup setup-tests accept

demo: setup
	@.venv/bin/python tools/demo.py $(DECL)

PYTEST := .venv/bin/python -m pytest
# One more than processors: kernels are built beside other tests, and a build often waits.
WITH_KERNELS := -n $(shell expr $$(nproc) + 1)

# What needs no kernel to be built or booted: for every change, in about three minutes.
check: setup-tests lint
	$(PYTEST) -n auto --ignore tests/kernel $(PYTEST_ARGS)

test: setup-tests lint
	$(PYTEST) $(WITH_KERNELS) $(PYTEST_ARGS)

# Also every guest, on two kernels: about an hour where nothing is cached.
test-all: setup-tests lint
	$(PYTEST) $(WITH_KERNELS) --everywhere $(PYTEST_ARGS)

bench: setup-tests
	.venv/bin/python bench/wrappers.py
	.venv/bin/python bench/python_calls.py
	.venv/bin/python bench/spawn.py
	.venv/bin/python bench/registry.py
	.venv/bin/python bench/bench.py

# Take the output of today as what tests expect; look at the difference before committing it.
accept: setup-tests
	SYSCRAFT_ACCEPT=1 $(PYTEST) -q -k golden

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

setup:
	@tools/setup

setup-tests:
	@tools/setup --tests
