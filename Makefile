# make demo    train on bundled digits: a run folder, a closing table, a report
# make test    all checks and tests
# make bench   steps a second, ours and plain PyTorch's; benchmarks/*.py say how others are raced
# make break   break the code one piece at a time and see the tests notice

PYTHON ?= python3
BIN := .venv/bin
RUN ?= runs/digits

.PHONY: demo test lint bench break clean

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

bench: .venv/ready
	$(BIN)/python benchmarks/speed_topk.py --only "taciturn/taciturn int8/the product" --rounds 3 --seconds 1
	$(BIN)/python benchmarks/speed_classic.py --rounds 3 --seconds 1

break: .venv/ready
	$(BIN)/python tests/break_it.py

# torch comes first and alone: its version is pinned, so that nothing later pulls another build.
.venv/ready: pyproject.toml constraints.txt $(wildcard src/taciturn/kernels/native/*.[ch])
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv runs
