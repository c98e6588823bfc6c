# Copyright (c) 2026 the vmrops.o365 authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What is installed goes to $(VENV), what is built or remembered to .cache; `make clean` removes both.
# Another Python: make test PYTHON=python3.12 VENV=.cache/venv-3.12

PYTHON ?= python3
VENV ?= .venv

bin := $(CURDIR)/$(VENV)/bin
ready := $(VENV)/ready
collections := $(VENV)/collections
collection := $(collections)/ansible_collections/vmrops/o365
yaml_dirs := $(wildcard roles playbooks)
typed := ansible_collections.vmrops.o365.plugins $(notdir $(patsubst %/,%,$(wildcard $(addprefix tests/,simulator/ controller/ support/ tools/ demo/ sweep/ bench/ live/))))

export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/$(collections)
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export MYPYPATH := tests:$(collections)
# Tests wait a good part of their time, and some are long: whoever has none left takes over those of others.
workers := -n 3 --dist worksteal
# The tools start each other by name.
run := PATH="$(bin):$$PATH"

.NOTPARALLEL:
.PHONY: help setup demo tenant sweep bench live test matrix matrix-ends importer docs lint format types docs-lint package sanity unit integration apart pytest permissions changelog clean
.DEFAULT_GOAL := help

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(ready) ## install what the other targets need, into $(VENV)

$(ready): requirements.txt tests/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'
	test -x "$(bin)/pip" || $(PYTHON) -m venv $(VENV)
	"$(bin)/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt -r tests/requirements.txt
	@# Ansible finds a collection only under this path.
	mkdir -p $(dir $(collection))
	ln -sfn "$(CURDIR)" $(collection)
	touch $@

demo: $(ready) ## run the role on a simulated tenant and prove what it did
	PYTHONPATH=tests $(run) python -m demo

tenant: $(ready) ## start a simulated tenant to try things on by hand
	PYTHONPATH=tests $(run) python -m demo tenant

sweep: $(ready) ## disturb the role and every module at each request: 2 hours on 2 cores; SWEEP=--resume goes on
	PYTHONPATH=tests $(run) python -m sweep $(SWEEP)

bench: $(ready) ## measure what the collection costs: ten minutes; BENCH="overhead" measures one part, BENCH=--small tries it out
	"$(bin)/python" -m pip install --quiet --disable-pip-version-check -r tests/bench/requirements.txt
	PYTHONPATH=tests $(run) python -m bench $(BENCH)

live: $(ready) ## compare a real test tenant with the simulator; writes to it, so off until LIVE names it: docs/live.md
	@PYTHONPATH=tests $(run) python -m live $(LIVE)

test: lint types docs-lint package ## run every check and test; of the matrix, its two ends
	@# Tests wait a good part of their time, and what does not depend on them fills it. What that printed comes at the end.
	@mkdir -p .cache
	@$(MAKE) --no-print-directory checks > .cache/checks.log 2>&1 & checks=$$!; trap "kill $$checks" INT TERM; \
	$(MAKE) --no-print-directory pytest; tests=$$?; \
	wait $$checks; checks=$$?; cat .cache/checks.log; exit $$((tests || checks))

checks: sanity importer docs matrix-ends

matrix: ## units, sanity, integration on each ansible-core and Python: hours; MATRIX="--pairs 2.19 --parts smoke --jobs 2"
	$(PYTHON) tests/tools/matrix.py $(MATRIX)

matrix-ends: ## oldest and newest ansible-core and Python: the role, and a test of each module
	$(PYTHON) tests/tools/matrix.py --pairs oldest newest --parts smoke

lint: $(ready) ## style: ruff, ansible-lint
	$(run) ruff check
	$(run) ruff format --check
	$(run) ansible-lint --offline --profile production

format: $(ready) ## let ruff lay out the code
	$(run) ruff check --fix
	$(run) ruff format

types: $(ready) ## mypy --strict, over the plugins and what tests them
	$(run) mypy $(addprefix -p ,$(typed)) -m conftest

importer: $(ready) ## what galaxy-importer says of the archive, in a virtual environment of its own
	PYTHONPATH=tests $(run) python -m tools.importer

docs: $(ready) ## the documentation site, in .cache/docs/html; no warning, no broken link within it
	PYTHONPATH=tests $(run) python -m tools.site

docs-lint: $(ready) ## the modules' and the role's documentation, and the changelog fragments
	$(run) antsibull-docs lint-collection-docs --plugin-docs .
	$(run) antsibull-changelog lint

package: $(ready) ## build the archive, install it elsewhere, read its documentation from there
	$(run) python tests/tools/package.py

sanity: $(ready) ## ansible-test sanity, with no ignore file
	$(run) python tests/tools/sanity.py

unit: $(ready) ## tests of pure logic and of the clients
	$(run) python -m pytest $(workers) tests/unit

integration: $(ready) ## playbooks on a simulated tenant
	$(run) python -m pytest $(workers) tests/integration

apart: $(ready) ## integration again, with each module in a process of its own, as on hosts that are not the controller
	VMROPS_O365_OWN_PROCESS=1 $(run) python -m pytest $(workers) tests/integration

pytest: $(ready) ## unit and integration
	$(run) python -m pytest $(workers)

permissions: $(ready) ## write the tables of docs/permissions.md
	$(run) python tests/tools/permissions.py

changelog: $(ready) ## write CHANGELOG.md from the fragments
	$(run) antsibull-changelog release --update-existing --reload-plugins

clean: ## remove what was installed, built and remembered
	rm -rf $(VENV) .cache .demo .tenant *.tar.gz
