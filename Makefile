# SPDX-License-Identifier: MIT
.PHONY: test lint setup

test: setup lint
	.venv/bin/python -m pytest $(PYTEST_ARGS)

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

setup:
	@tools/setup
