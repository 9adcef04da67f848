# Each target makes .venv and installs what it needs; when that is done already, it is quick.
PYTHON ?= python3.11
BIN := .venv/bin
# a path on sys.path, not an import hook: else the package is not found in the folder that the clone lies in
PATHS := --config-settings editable_mode=compat
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --constraint constraints.txt $(PATHS)
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt $(PATHS)
# uv installs in half the time, but does not read pip's settings: where pip has an index of its own, pip does it
PIP_INDEX = $$PIP_INDEX_URL$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)
INSTALL = test -z "$(PIP_INDEX)" && $(PIP) uv && $(UV) --editable '$(1)' || $(PIP) --editable '$(1)'
export TF_CPP_MIN_LOG_LEVEL ?= 3
# without bytecode each new process compiles TensorFlow and Keras for 20 seconds, and the tests start many
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all lint types package install install-dev clean

demo: .venv/installed ## pretrain, evaluate, fine-tune, deploy and report on the embedded digits
	$(BIN)/keras-ssl demo --out out

PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20

test: .venv/installed-dev lint types ## what must pass before each merge
	$(PYTEST)

test-all: .venv/installed-dev lint types ## also the dear tests of every objective, recipe and notebook, before each release
	$(PYTEST) -m ""

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/mypy

# on Python 3.12, which the suite does not run on; pyenv's own `python3.12` works only where that version is selected
OTHER_PYTHON ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.12.*/bin/python3.12) python3.12)

package: .venv/installed-dev ## the wheel installs and trains in an environment without TensorFlow
	rm -rf build && mkdir -p build/package
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir build/package .
	$(OTHER_PYTHON) -m venv build/package/venv
	wheel="$$(echo build/package/keras_ssl-*.whl)[jax]" python=build/package/venv/bin/python; \
		test -z "$(PIP_INDEX)" && $(BIN)/uv pip install --quiet --python $$python --constraint constraints.txt "$$wheel" || \
		$$python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt "$$wheel"
	cd build/package && KERAS_BACKEND=jax venv/bin/python ../../tests/without_tensorflow.py .

install: .venv/installed
install-dev: .venv/installed-dev

.venv/installed: setup.cfg setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call INSTALL,.[all])
	touch $@

.venv/installed-dev: setup.cfg setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(call INSTALL,.[dev])
	touch .venv/installed $@

clean:
	rm -rf out build .pytest_cache .mypy_cache .ruff_cache keras_ssl.egg-info
