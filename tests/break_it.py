"""Break the library one piece at a time, in a copy, and see which test notices.

Usage: python tests/break_it.py (or make break)

Each break replaces a piece of text in one file of a temporary copy of src/; the tests named beside it then run
against the copy. Prints a table: what was broken, which test failed first.
Exit status: 0 every break was noticed, 1 some were not, 2 a break or its tests do not fit the code any more.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Misfit(Exception):
    """A break cannot be made, or its tests cannot judge it."""


@dataclass(frozen=True)
class Break:
    """One piece of one file of src/taciturn, written wrongly, and the test files that must notice."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


KL = "return negative_entropy - rate * q.log() - (1 - rate) * (-q).log1p()"
KL_SUM = "return p.sum(self.cost(final(self.rate), p.mean_activation))"

SPARSE = ("test_sparse_rows.py",)
C = "kernels/native/"
COMPILED, SELECTED = ("test_compiled.py",), ("test_compiled_select.py",)
DOTS, ADAM = ("test_compiled_dots.py",), ("test_compiled_adam.py",)
KERAS = ("test_keras.py",)
VARIABLES = ("test_variables.py",)

BREAKS = (
    Break("KL: a sign swapped", "objective/rate.py", KL, KL.replace("log() -", "log() +"), ("test_terms.py",)),
    Break("KL: a sign swapped, replay", "objective/rate.py", KL, KL.replace("log() -", "log() +"), ("test_golden.py",)),
    Break(
        "KL: without ρ's negative entropy",
        "objective/rate.py",
        KL,
        KL.replace("negative_entropy -", "-"),
        ("test_terms.py",),
    ),
    Break(
        "KL: divided by the batch size", "objective/rate.py", KL_SUM, f"{KL_SUM} / p.codes.n_rows", ("test_terms.py",)
    ),
    Break(
        "KL: a mean over latents",
        "objective/rate.py",
        KL_SUM,
        f"{KL_SUM} / p.mean_activation.numel()",
        ("test_terms.py",),
    ),
    Break(
        "KL: the clamp stops the gradient",
        "objective/rate.py",
        "q + (_inside(q) - q).detach()",
        "_inside(q)",
        ("test_terms.py",),
    ),
    Break(
        "mean activation: a sum",
        "model/passes.py",
        "return self.model.world.rows.sum(self.codes.sum()) / self.n_rows",
        "return self.model.world.rows.sum(self.codes.sum())",
        ("test_terms.py",),
    ),
    Break(
        "squared error: summed over columns",
        "objective/squared_error.py",
        "p.mean_judged((p.recon - p.batch.target).square())",
        "(p.recon - p.batch.target).square().sum() / p.n_rows",
        ("test_terms.py",),
    ),
    Break(
        "squared error: of the corrupted rows",
        "objective/squared_error.py",
        "return p.mean_judged((p.recon - p.batch.target)",
        "return p.mean_judged((p.recon - p.batch.corrupted)",
        ("test_golden.py",),
    ),
    Break(
        "cross-entropy: from the outputs",
        "objective/cross_entropy.py",
        "F.binary_cross_entropy_with_logits(p.logits, p.batch.target",
        "F.binary_cross_entropy(p.recon, p.batch.target",
        ("test_terms.py",),
    ),
    Break(
        "l1: a sum over rows",
        "objective/l1.py",
        "return mean_per_row(p, size)",
        "return p.sum(p.codes.row_sums(size))",
        ("test_terms.py",),
    ),
    Break(
        "dropout: kept values not scaled up",
        "corruption/dropout.py",
        "x.masked_fill(random_mask(x, self.rate, rng, variables), 0) / (1 - final(self.rate))",
        "x.masked_fill(random_mask(x, self.rate, rng, variables), 0)",
        ("test_corruption.py",),
    ),
    Break(
        "masking: kept values scaled up",
        "corruption/masking.py",
        "x.masked_fill(random_mask(x, self.rate, rng, variables), 0)",
        "x.masked_fill(random_mask(x, self.rate, rng, variables), 0) / (1 - self.rate if self.rate < 1 else 1)",
        ("test_corruption.py",),
    ),
    Break(
        "swap: a row may take from itself",
        "corruption/swap.py",
        "torch.randint(1, n_rows,",
        "torch.randint(0, n_rows,",
        ("test_corruption.py",),
    ),
    Break(
        "noise from the global generator",
        "corruption/corruption.py",
        "torch.randn(x.shape, generator=rng, dtype=x.dtype, device=rng.device)",
        "torch.randn(x.shape, dtype=x.dtype)",
        ("test_corruption.py",),
    ),
    Break(
        "feed: the target is the corrupted row",
        "training/feed.py",
        "Batch(x=x, target=target, corrupted=corrupted, ",
        "Batch(x=x, target=corrupted, corrupted=corrupted, ",
        ("test_corruption.py",),
    ),
    Break(
        "feed: the same noise at every step",
        "training/feed.py",
        "keys(self.seed, purpose, steps[:, None], ",
        "keys(self.seed, purpose, 0 * steps[:, None], ",
        ("test_corruption.py",),
    ),
    Break(
        "tied weights: a copy",
        "model/autoencoder.py",
        "weight = layer.weight\n",
        "weight = nn.Parameter(layer.weight.detach().clone())\n",
        ("test_model.py",),
    ),
    Break(
        "adjusted weight: the penalty acts on the noisy codes",
        "objective/rate.py",
        "p.sum(self.cost(self.aimed_rate(aim), p.clean.mean_activation))",
        "p.sum(self.cost(self.aimed_rate(aim), p.mean_activation))",
        ("test_controller.py",),
    ),
    Break(
        "adjusted weight: the penalty aims at the target itself",
        "objective/controller.py",
        "return 1 - self.aim_offset * self.side.item() - self.correction.item()",
        "return 1 - self.correction.item()",
        ("test_controller.py",),
    ),
    Break(
        "adjusted weight: as fast up as down",
        "objective/controller.py",
        "_clip(-1, math.log(max(excess, 1e-3)), 0.25)",
        "_clip(-1, math.log(max(excess, 1e-3)), 1)",
        ("test_controller.py",),
    ),
    Break(
        "found weight: not initialised at the target",
        "training/step/step.py",
        "self.objective.by_name()[name].calibrate(self.model, x, each=True)",
        "pass",
        ("test_controller.py",),
    ),
    Break(
        "scaling: restored without the shift",
        "model/scaled_module.py",
        '(self.affine_rows(x, "target_", lengths) * self.target_scale + self.target_shift)',
        '(self.affine_rows(x, "target_", lengths) * self.target_scale)',
        ("test_scaling.py", "test_model.py"),
    ),
    Break(
        "TensorFlow's Adam: torch's epsilon",
        "training/solvers/adam.py",
        'group["eps"] = self.defaults["eps"] / math.sqrt(1 - group["betas"][1] ** step)',
        'group["eps"] = self.defaults["eps"] * math.sqrt(1.0)',
        ("test_golden.py",),
    ),
    Break(
        "weight decay: through SGD's momentum",
        "training/solvers/sgd.py",
        '            group["weight_decay"] = 0.0\n',
        "",
        ("test_solvers.py",),
    ),
    Break(
        "closing shift: the encoder's bias does not move against its centre",
        "model/coding_layers/coding_layer.py",
        "bias_L.sub_(rise_L)",
        "pass",
        ("test_calibration.py",),
    ),
    Break(
        "closing shift: Gated's magnitude does not move against its centre",
        "model/coding_layers/gated.py",
        "state.bias.sub_(state.log_scale.exp() * rise_L)",
        "pass",
        ("test_calibration.py",),
    ),
    Break(
        "closing shift: harm is not looked at",
        "training/step/step.py",
        "if not _mean_square(p.recon, y) <= highest:",
        "if False:",
        ("test_calibration.py",),
    ),
    Break(
        "closing shift: an interrupt leaves half of it",
        "training/step/step.py",
        "        finally:  # also after an interrupt\n            _copy(tensors, best)",
        "        finally:\n            pass",
        ("test_calibration.py",),
    ),
    Break(
        "rates: searched within 50 in any unit",
        "objective/rate.py",
        "2.0 ** max(math.ceil(math.log2((largest + 20) / 50)), 0)",
        "1.0",
        ("test_calibration.py",),
    ),
    Break(
        "JumpReLU: a unit of 0 for equal rows",
        "model/coding_layers/jumprelu.py",
        "spread.where(spread > 0, 1.0)",
        "spread",
        ("test_calibration.py",),
    ),
    Break(
        "frozen: decays under sgd",
        "training/solvers/sgd.py",
        "if parameter.grad is not None]",
        "]",
        ("test_constraints.py",),
    ),
    Break(
        "sparse rows: an absent entry is no least value",
        "data/stored_moments.py",
        "low = np.where(n_zeros > 0, 0.0, LARGEST)",
        "low = np.full(n_columns, LARGEST)",
        SPARSE,
    ),
    Break(
        "sparse rows: absent entries do not vary",
        "data/stored_moments.py",
        " + n_zeros * np.square(mean)",
        "",
        SPARSE,
    ),
    Break(
        "sparse rows: the mean is that of the stored entries",
        "data/stored_moments.py",
        "np.maximum(n_known, 1)",
        "np.maximum(n_stored, 1)",
        SPARSE,
    ),
    Break(
        "sparse rows: a fingerprint without the columns",
        "data/fingerprint.py",
        "return [lengths.astype(np.int64), rows.indices.astype(np.int64), rows.data]",
        "return [lengths.astype(np.int64), rows.data]",
        SPARSE,
    ),
    Break(
        "sparse rows: fingerprints of dense rows match dense rows only",
        "data/fingerprint.py",
        "fingerprint(source, sparse=self.sparse) == self",
        "fingerprint(source) == self",
        SPARSE,
    ),
    Break(
        "sparse rows: the user's matrix is changed",
        "data/sources/sparse_rows.py",
        "csr = csr.copy() if",
        "csr = csr if",
        SPARSE,
    ),
    Break(
        "sparse rows: an entry is placed a row too far",
        "data/sources/finite.py",
        'entries, side="right") - 1',
        'entries, side="right")',
        SPARSE,
    ),
    Break(
        "sparse rows: an archive's indices are not checked",
        "data/sources/npz.py",
        "matrix.check_format(full_check=True)",
        "pass",
        SPARSE,
    ),
    Break(
        "saved state: files are read from where they were written to",
        "training/saved_state.py",
        "file.seek(0)",
        "pass",
        SPARSE,
    ),
    Break(
        "guard: a second copy beside that of early stopping",
        "training/divergence_guard.py",
        "best or SavedState(run.step), run.steps",
        "SavedState(run.step), run.steps",
        SPARSE,
    ),
    Break(
        "guard: the weights are copied at epochs' ends only",
        "training/divergence_guard.py",
        "due = run.steps - self._first_step == self._next_copy",
        "due = False",
        ("test_learner.py",),
    ),
    Break(
        "interrupt: its epoch does not count",
        "training/learner.py",
        "self.epochs_done, self.steps_done = self.recorder.position",
        "self.epochs_done, self.steps_done = run.epoch, run.steps",
        ("test_learner.py",),
    ),
    Break(
        "state: without the controllers' horizon",
        "objective/controller.py",
        "self.horizon, self.scale = int(state[0]), state[1].item()",
        "pass",
        ("test_learner.py",),
    ),
    Break(
        "partial_fit: never resamples",
        "training/trigger.py",
        "(open_ended or step <= self.until * steps)",
        "(not open_ended and step <= self.until * steps)",
        ("test_learner.py",),
    ),
    Break(
        "weight decay: of biases as well",
        "training/solvers/solver.py",
        '{"params": others, "weight_decay": 0.0}',
        '{"params": others, "weight_decay": weight_decay}',
        ("test_solvers.py",),
    ),
    Break(
        "clip: never applied",
        "training/run.py",
        "if run.clip is not None:",
        "if run.clip is None and run.steps < 0:",
        ("test_solvers.py",),
    ),
    Break(
        "explained variance: a constant error costs",
        "metrics/errors.py",
        "1 - _ratio(self.residuals.squares.sum(),",
        "1 - _ratio(self.per_column.sum(),",
        ("test_metrics.py",),
    ),
    Break(
        "a mean over rows: of block means",
        "metrics/row_mean.py",
        "self.per_row(x, recon)[known].sum().item()\n        self.rows += int(known.sum())",
        "self.per_row(x, recon)[known].mean().item()\n        self.rows += 1",
        ("test_metrics.py",),
    ),
    Break(
        "SSIM: variances without their digits",
        "metrics/ssim.py",
        "return mean, images - mean",
        "return 0 * mean, images",
        ("test_metrics.py",),
    ),
    Break(
        "mean activation of codes: summed in float32",
        "metrics/sparsity.py",
        "total, squares = exact.sum().cpu()",
        "total, squares = codes.sum().double().cpu()",
        ("test_metrics.py",),
    ),
    Break(
        "dead: what cancels",
        "metrics/sparsity.py",
        "self._active_rows == 0",
        "self._sum == 0",
        ("test_metrics.py",),
    ),
    Break(
        "JumpReLU: no gradient from the gate to the pre-activations",
        "model/coding_layers/jumprelu.py",
        "return dz, -dz.sum_to_size(theta.shape), None",
        "return None, -dz.sum_to_size(theta.shape), None",
        ("test_coding_layers.py",),
    ),
    Break(
        "AuxK: the residual passes a gradient too",
        "objective/auxk.py",
        "residual = (p.batch.target - p.recon).detach()",
        "residual = p.batch.target - p.recon",
        ("test_modern_terms.py",),
    ),
    Break(
        "AuxK: the encoder gets no gradient",
        "objective/auxk.py",
        ".top(self.k).relu()\n",
        ".top(self.k).relu()\n        dead_codes = dead_codes.with_values(dead_codes.values.detach())\n",
        ("test_gradients.py",),
    ),
    Break(
        "Matryoshka: earlier parts are trained by later errors all the same",
        "objective/nested.py",
        "(logits.detach() if self.detach else logits)",
        "logits",
        ("test_gradients.py",),
    ),
    Break(
        "gated_aux: the decoder gets a gradient",
        "objective/gated_aux.py",
        "p.codes.with_values(p.codes.penalised), frozen=True)",
        "p.codes.with_values(p.codes.penalised))",
        ("test_gradients.py",),
    ),
    Break(
        "chunked kernels: the centre's gradient has the wrong sign",
        "kernels/chunked.py",
        "dcentre = -(db @ W)",
        "dcentre = db @ W",
        ("test_kernels_property.py",),
    ),
    Break(
        "device: buffers of the step stay on the CPU",
        "training/learner.py",
        "self.step.to(settings.device)",
        "self.model.to(settings.device)",
        ("test_elsewhere.py",),
    ),
    Break(
        "device: rows that fit are moved at every epoch",
        "training/feed.py",
        "    @cached_property\n    def _device_rows",
        "    @property\n    def _device_rows",
        ("test_elsewhere.py",),
    ),
    Break(
        "BatchTopK: a row with many large entries is cut short",
        "model/pre_activations.py",
        "if candidates < n_latents and len(",
        "if False and len(",
        ("test_kernels_property.py",),
    ),
    Break(
        "lists of codes: NaN left out",
        "kernels/index.py",
        "(pre_BL <= self.threshold).logical_not_()",
        "pre_BL > self.threshold",
        ("test_kernels_property.py",),
    ),
    Break(
        "two-level selection: only half of k groups",
        "kernels/select.py",
        "group_BK = grouped.amax(1).topk(k, dim=1",
        "group_BK = grouped.amax(1).topk(k - k // 2, dim=1",
        ("test_select.py",),
    ),
    Break(
        "rescored: no entry below the k-th is a candidate",
        "kernels/rescored.py",
        "MARGIN_STDS = 6.0",
        "MARGIN_STDS = 0.0",
        ("test_rescored.py",),
    ),
    Break(
        "shortlist: a row whose list is exhausted is not computed again",
        "kernels/shortlist.py",
        "(m < len(W))",
        "False",
        ("test_rescored.py",),
    ),
    Break(
        "rescored above a threshold: the rounded score decides",
        "kernels/rescored.py",
        "selected_N = rule.keeps(score_N, latent_N)",
        "selected_N = torch.ones_like(latent_N, dtype=torch.bool)",
        ("test_rescored.py",),
    ),
    Break(
        "bfloat16 factors: the bias is rounded too",
        "kernels/rescored.py",
        "            b = b - self.W[:, self.width + column]\n",
        "            b = 0 * b\n",
        ("test_rescored.py",),
    ),
    Break(
        "BatchTopK: a replaced row's old entries stay beside the new",
        "kernels/index.py",
        "stays_B[rows_R] = False",
        "pass",
        ("test_coding_layers.py", "test_kernels_property.py"),
    ),
    Break(
        "bfloat16 factors: equal numbers are rounded alike",
        "kernels/rescored.py",
        ".exp2_()",
        ".fill_(1)",
        ("test_rescored.py",),
    ),
    Break(
        "recorded step: replayed for weights at another address",
        "training/step/captured.py",
        "*(tensor.data_ptr() for tensor in tensors)",
        "*()",
        ("test_captured.py",),
    ),
    Break(
        "recorded step: the gradients are not set",
        "training/step/captured.py",
        "            parameter.grad = grad\n",
        "            pass\n",
        ("test_captured.py",),
    ),
    Break(
        "recorded step: penalty weights stay as recorded",
        "training/step/captured.py",
        "recording.weights_and_aims.copy_(",
        "recording.weights_and_aims.clone().copy_(",
        ("test_captured.py",),
    ),
    Break(
        "recorded step: numbers are overwritten by the next replay",
        "training/step/captured.py",
        "recording.numbers.clone().unbind()",
        "recording.numbers.unbind()",
        ("test_captured.py",),
    ),
    Break(
        "recorded step: the ratio is not used",
        "training/step/captured.py",
        "controller.update(ratio, ease)",
        "controller.update(1.0, ease)",
        ("test_captured.py",),
    ),
    Break(
        "IDX: more than the declared shape is unpacked",
        "data/sources/idx.py",
        "found < expected or file.read(1)",
        "found < expected",
        ("test_sources.py",),
    ),
    Break(
        "parquet: fewer rows than declared are read",
        "data/sources/arrow_columns.py",
        "if start != n_rows:",
        "if start > n_rows:",
        ("test_sources.py",),
    ),
    Break(
        "csv: a first row that counts is a header even if rows below do so",
        "data/sources/header.py",
        "if any(_counts_up(row) or (years and _are_years(row)) for row in rows):",
        "if False:",
        ("test_sources.py",),
    ),
    Break(
        "csv: an empty line of one column is lost",
        "data/sources/csv_columns.py",
        "ignore_empty_lines=head.width > 1",
        "ignore_empty_lines=True",
        ("test_sources.py",),
    ),
    Break(
        "csv: cells with another separator do not count against a dialect",
        "data/sources/find_dialect.py",
        "score += 1 - 2 * (wrong + ragged)",
        "score += 1 - 2 * ragged",
        ("test_dialects.py",),
    ),
    Break(
        "csv: lines of another width do not count against a dialect",
        "data/sources/find_dialect.py",
        "score += 1 - 2 * (wrong + ragged) / max(len(column) + ragged, 1)",
        "score += 1 - 2 * wrong / max(len(column), 1)",
        ("test_dialects.py",),
    ),
    Break(
        "csv: two separators that fit are not announced",
        "data/sources/find_dialect.py",
        "if found.score >= fits and found.width > 1]",
        "if found.score > fits and found.width > 1]",
        ("test_dialects.py",),
    ),
    Break(
        "csv: a price is two columns, silently",
        "data/sources/find_dialect.py",
        "return rows[0] if is_price or has_zero else None",
        "return None",
        ("test_dialects.py",),
    ),
    Break(
        "csv: 1,234 in quotes is 1.234",
        "data/sources/typed_columns.py",
        'if dialect.separator == ",":  # 1,234',
        'if dialect.separator == ";":  # 1,234',
        ("test_dialects.py",),
    ),
    Break(
        "csv: thousands that may be decimals are not announced",
        "data/sources/typed_columns.py",
        "thousands_doubt(best) if is_doubtful else",
        '"" if is_doubtful else',
        ("test_dialects.py",),
    ),
    Break(
        "csv: separators at the ends of lines make row labels",
        "data/sources/csv_head.py",
        "and any(cells[-1] not in missing_texts() for cells in below)",
        "and True",
        ("test_dialects.py",),
    ),
    Break(
        "csv: row labels are a column",
        "data/sources/csv_head.py",
        "return (0,) if self.has_labels else ()",
        "return ()",
        ("test_dialects.py",),
    ),
    Break(
        "csv: a late byte of another encoding is not seen",
        "data/sources/text_file.py",
        "while whole and (sample",
        "while False and (sample",
        ("test_dialects.py",),
    ),
    Break(
        "tables: codes lose their leading zeros",
        "data/sources/typed_columns.py",
        "(0[0-9xX]|[0-9]{19,}",
        "(0[xX]|[0-9]{19,}",
        ("test_dialects.py",),
    ),
    Break(
        "tables: an index with a name is a column",
        "data/sources/arrow_columns.py",
        "if name in names or name",
        "if name",
        ("test_dialects.py",),
    ),
    Break(
        "written integers: cut instead of rounded",
        "data/sources/batches.py",
        "np.clip(np.rint(np.where(missing, 0, numbers)",
        "np.clip(np.trunc(np.where(missing, 0, numbers)",
        ("test_sources.py",),
    ),
    Break(
        "the integers of a table: only the first rows decide",
        "data/sources/source.py",
        "source.read(start, start + _BLOCK_ROWS)[:, positions]",
        "source.read(start, start + 100)[:, positions]",
        ("test_sources.py",),
    ),
    Break(
        "dates between slashes: the day comes first",
        "data/variables/written_dates.py",
        "return possible[0] if len(possible) == 1 else None",
        'return "dm"',
        ("test_variables.py",),
    ),
    Break(
        "a text table: the line sep=; of Excel is a row",
        "data/sources/csv_head.py",
        "n_above = 0 if named is None else 1",
        "n_above = 0",
        ("test_dialects.py",),
    ),
    Break(
        "impute: known values are reconstructed, too",
        "inference/reconstruct.py",
        "torch.where(rows.isnan(), recon, rows)",
        "recon",
        ("test_missing.py",),
    ),
    Break(
        "an exported file: dates without the time of day of their offset",
        "data/variables/date.py",
        'f"T{time}" if rest else ""',
        '""',
        ("test_export.py",),
    ),
    Break(
        "rows: ids of a subset are those of the first rows",
        "data/sources/subset.py",
        "[ids[row] for row in self.indices]",
        "ids[: len(self)]",
        ("test_dialects.py",),
    ),
    Break(
        "command line: a run forgets its dialect",
        "cli/options.py",
        "dialect = {str(name): value for",
        "dialect = {str(name): None for",
        ("test_dialects.py",),
    ),
    Break(
        "labels: nan among strings is a class",
        "probes/labels.py",
        '{"", "nan", "NaN", "<NA>", "NaT"}',
        '{""}',
        ("test_relate.py",),
    ),
    Break(
        "imputer: all of the networks' corrections are believed",
        "estimators/imputing/ensemble.py",
        "belief = np.clip(share, 0.0, 1.0)",
        "belief = np.ones(width)",
        ("test_imputer.py",),
    ),
    Break(
        "imputer: none of the networks' corrections is believed",
        "estimators/imputing/ensemble.py",
        "belief = np.clip(share, 0.0, 1.0)",
        "belief = np.zeros(width)",
        ("test_imputer.py",),
    ),
    Break(
        "imputer: draws do not move the models",
        "estimators/imputing/ensemble.py",
        "model = mean + np.tensordot(weights, estimates - mean, 1)",
        "model = mean",
        ("test_imputer.py",),
    ),
    Break(
        "imputer: the values of a row are drawn independently",
        "estimators/imputing/factor_model.py",
        "np.where(known, 0.0, factors @ self.loadings.T + own)",
        "np.where(known, 0.0, self.std(X)[rows] * rng.standard_normal(known.shape))",
        ("test_imputer.py",),
    ),
    Break(
        "Rubin's rules: the variance between tables without 1 / m",
        "estimators/imputing/pool.py",
        "added = (1 + 1 / m) * between",
        "added = between",
        ("test_imputer.py",),
    ),
    Break(
        "Rubin's rules: the complete degrees of freedom without the known share",
        "estimators/imputing/pool.py",
        "* complete * (1 - share)",
        "* complete",
        ("test_imputer.py",),
    ),
    Break(
        "frames: decimals stay objects",
        "estimators/rows.py",
        'return array.astype(np.float64) if array.dtype.kind == "O" else array',
        "return array",
        ("test_bad_input.py",),
    ),
    Break(
        "rows shared with torch: negative strides",
        "data/device_rows.py",
        "source.array.flags.c_contiguous and ",
        "",
        ("test_device_rows.py",),
    ),
    Break(
        "rows shared with torch: any byte order",
        "data/device_rows.py",
        ".array.dtype in",
        ".dtype in",
        ("test_device_rows.py",),
    ),
    Break(
        "errors: in the network's units",
        "inference/units.py",
        "return x if self._ratio is None else x * self._ratio",
        "return x",
        ("test_units.py",),
    ),
    Break(
        "whitened outputs: compared without their colouring",
        "inference/units.py",
        'return self._times_ratio(self.model.affine_rows(output, "target_", lengths))',
        "return self._times_ratio(output)",
        ("test_units.py",),
    ),
    Break(
        "pairs: targets in the rows' scaling",
        "training/feed.py",
        "(self.scale_targets or self.scale_rows)(y)",
        "self.scale_rows(y)",
        ("test_units.py",),
    ),
    Break(
        "pairs: the output activation by the rows' range",
        "estimators/resolve/resolve.py",
        "scaled_range(target_scaling, fitted_targets, target_moments)",
        "scaled_range(scaling, moments, moments)",
        ("test_units.py",),
    ),
    Break(
        "pairs: latents are resampled towards the rows",
        "training/resampling.py",
        "residual = target - model",
        "residual = x - model",
        ("test_units.py",),
    ),
    Break(
        "partial_fit: targets of the first rows only",
        "training/learner.py",
        "self.target_moments.merge(moments if targets is None else targets)",
        "self.target_moments.merge(moments) if targets is None else None",
        ("test_units.py",),
    ),
    Break(
        "float64: a twin of old weights",
        "inference/precision.py",
        "if twin is None or not twin.is_of(model):",
        "if twin is None:",
        ("test_units.py",),
    ),
    Break(
        "denoising scorer: noise in raw units",
        "metrics/denoising.py",
        "Auto().resolve(moments, np.float64 if is_frame else rows.dtype).fit(moments)",
        "(0.0, 1.0)",
        ("test_units.py",),
    ),
    Break(
        "ranks: the ends are scikit-learn's",
        "model/rank_tables.py",
        "end = 0.5 / known[column]",
        "end = 1e-7",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: equal values get the score of their last share",
        "model/rank_tables.py",
        "(first + last) / 2 / (len(x) - 1)",
        "last / (len(x) - 1)",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: values that differ by rounding count as different",
        "model/rank_tables.py",
        "np.diff(x) > nearest",
        "np.diff(x) > 0",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: outer segments are computed from their far end",
        "model/rank_tables.py",
        "is_first = (y_right - y_left) / (x_right - x_left), left == 0",
        "is_first = (y_right - y_left) / (x_right - x_left), left < 0",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: the last segment is never found",
        "model/rank_tables.py",
        "knots.shape[1] - 2",
        "max(knots.shape[1] - 3, 0)",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: constant columns are ranked",
        "model/scaling.py",
        "scale, ~moments.constant)",
        "scale, moments.constant | True)",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: a missing value enters as the mean",
        "model/scaled_module.py",
        "torch.where(unchanged, self.mean, centre)",
        "self.mean",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: float32 rows skip the table",
        "model/scaled_module.py",
        "W.dtype == torch.float32 and not (self.whitened or self.quantiles)",
        "W.dtype == torch.float32 and not self.whitened",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: quantiles of a sample alone",
        "data/quantiles.py",
        "quantiles[0, column], quantiles[size - 1, column] = moments.low[column], moments.high[column]",
        "pass",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: directions are read through the tables",
        "inference/units.py",
        "components if self.model.quantiles else self.model.affine_rows",
        "self.model.affine_rows",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: the page forgets the targets' tables",
        "report/numbers/try_it.py",
        "**_plain_tables(module.target_knots, module.target_scores)",
        "**_plain_tables(module.knots, module.scores)",
        ("test_tryit.py",),
    ),
    Break(
        "ranks: a warm start changes the shape of the tables",
        "estimators/resolve/resolve.py",
        "len(moments.quantiles) * scaling.ranks if fitted is None else fitted.settings.layout.quantiles",
        "len(moments.quantiles) * scaling.ranks",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "ranks: files in float32 round the knots",
        "inference/program.py",
        "in_precision(module, self.dtype) if self.ranks else copy",
        "copy",
        ("test_scaling_ranks.py",),
    ),
    Break(
        "scaling: a scale alone does not count as rescaling",
        "model/scaled_module.py",
        " or bool((self.scale != 1).any())",
        "",
        ("test_scaling.py",),
    ),
    Break(
        "prefetched rows: the last is forgotten",
        "data/device_rows.py",
        "        if pending is not None:\n            yield pending.result()\n",
        "",
        ("test_device_rows.py",),
    ),
    Break(
        "fast products: the setting stays",
        "kernels/products.py",
        "        settings.fp32_precision = before",
        "        pass",
        ("test_select.py",),
    ),
    Break(
        "by hand: the bias has no gradient of the clean rows",
        "training/step/by_hand.py",
        "bias += d_pre.sum(0)",
        "pass",
        ("test_by_hand.py",),
    ),
    Break(
        "by hand: a tied weight has the decoder's gradient only",
        "training/step/by_hand.py",
        "weight.add_(dictionary)",
        "dictionary",
        ("test_by_hand.py",),
    ),
    Break("compiled: numbers beyond a row's end have an error", C + "dense.h", "first_n(cost, n)", "cost", COMPILED),
    Break(
        "compiled: tied, the encoder's side only",
        C + "dense.h",
        "s->corrupted, D, 1, s->of_to_codes, tied,",
        "s->corrupted, D, 1, s->of_to_codes, 0,",
        COMPILED,
    ),
    Break(
        "compiled: the clean rows give the bias no gradient",
        C + "dense.h",
        "sum_rows(clean_grads, B, L, 1,",
        "sum_rows(clean_grads, B, 0, 1,",
        COMPILED,
    ),
    Break(
        "compiled: all latents are active",
        C + "dense.h",
        "count -= code != (vec){0}",
        "count -= code == code",
        COMPILED,
    ),
    Break("compiled: tanh by one formula", C + "dense.h", "near * square * z + z", "z", COMPILED),
    Break(
        "compiled: a penalty on corrupted rows", C + "dense.h", "p->on_clean ? clean_grads", "0 ? clean_grads", COMPILED
    ),
    Break(
        "compiled: products of one block", C + "product.h", "int add = p->add || block;", "int add = p->add;", COMPILED
    ),
    Break(
        "compiled: a thread's share ends early",
        C + "kind.h",
        "return n * part / parts;",
        "return n / parts * part;",
        COMPILED,
    ),
    Break("compiled, rounded: half of a row's pairs", C + "words.h", "n > V ? load_n(", "0 ? load_n(", COMPILED),
    Break(
        "compiled, rounded: pairs the wrong way",
        C + "words.h",
        "(__m512)next, (__m512)row",
        "(__m512)row, (__m512)next",
        COMPILED,
    ),
    Break(
        "compiled, rounded: the next block begins early",
        C + "product.h",
        "skipped = first * WORD",
        "skipped = first",
        COMPILED,
    ),
    Break(
        "compiled, rounded: without being permitted",
        "training/step/compiled.py",
        'self.precision == "bf16" and loops.rounds',
        "loops.rounds",
        COMPILED,
    ),
    Break(
        "compiled, rounded: never",
        "training/step/compiled.py",
        'self.precision == "bf16" and loops.rounds',
        "False",
        COMPILED,
    ),
    Break(
        "compiled: prepared for other weights",
        "training/step/compiled.py",
        "if weight_ids != self._workspace.weight_ids",
        "if not self._workspace.weight_ids",
        COMPILED,
    ),
    Break(
        "compiled: prepared for other parameters", "training/step/compiled.py", "*map(id, weights), ", "*(), ", COMPILED
    ),
    Break(
        "threads: a small step uses all",
        "kernels/threads.py",
        "work > MAX_ONE_THREAD_STEP or",
        "work > 0 or",
        ("test_threads.py",),
    ),
    Break(
        "threads: not set back",
        "kernels/threads.py",
        "        set_openmp(before)",
        "        set_openmp(1)",
        ("test_threads.py",),
    ),
    Break(
        "threads: MKL uses all",
        "kernels/threads.py",
        "mkl_before = set_mkl(1)",
        "mkl_before = set_mkl(before)",
        ("test_threads.py",),
    ),
    Break(
        "threads: short waiting in spite of the user",
        "__init__.py",
        '{"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}',
        '{"GOMP_SPINCOUNT"}',
        ("test_threads.py",),
    ),
    Break(
        "compiled: other biases for a product of integers",
        "kernels/native/select.py",
        "select.bias = b.data_ptr()",
        "select.bias = step.data_ptr()",
        ("test_compiled_select.py",),
    ),
    Break(
        "compiled: prepared for fewer threads",
        "training/step/compiled.py",
        "torch.get_num_threads(), self",
        "0, self",
        COMPILED,
    ),
    Break(
        "compiled: prepared for another precision", "training/step/compiled.py", ", self.precision\n", "\n", COMPILED
    ),
    Break(
        "compiled: prepared for fewer rows",
        "training/step/compiled.py",
        "key = rows, loops",
        "key = 1, loops",
        COMPILED,
    ),
    Break(
        "compiled: a copy shares the workspace",
        "training/step/compiled.py",
        '{"_workspace": Workspace()}',
        "{}",
        COMPILED,
    ),
    Break(
        "compiled noise: the last 16 numbers not drawn again",
        C + "noise.h",
        "n->dropout || drawn % 16 == 0",
        "1",
        COMPILED,
    ),
    Break("compiled noise: 23 bits", C + "noise.h", "y & 0xffffff", "y & 0xfffffe", COMPILED),
    Break(
        "compiled dots: the end of a row", C + "vectors.h", "for (; j < n; j += V)", "for (; j + V <= n; j += V)", DOTS
    ),
    Break(
        "compiled Adam: any dtype",
        C + "adam.py",
        "readable(*arrays, steps)",
        "readable(arrays[0])",
        ADAM,
    ),
    Break(
        "compiled Adam: autograd does not notice",
        C + "adam.py",
        "    increment_version([weight for weight, *_ in weights])",
        "    #",
        ADAM,
    ),
    Break(
        "rows that need no scaling: scaled nevertheless",
        "training/learner.py",
        "if model.rescales else model.cast",
        "",
        ("test_estimators.py",),
    ),
    Break(
        "diverged: the optimiser stays",
        "training/learner.py",
        "self.optimiser = self._build_optimiser()\n                    if best",
        "if best",
        ("test_estimators.py",),
    ),
    Break("compiled Adam: one step ahead", C + "adam.h", "*w->steps + 1;", "*w->steps + 2;", ADAM),
    Break("compiled Adam: the last few weights stay", C + "adam.h", "(w->size + V - 1) / V", "w->size / V", ADAM),
    Break(
        "compiled Adam: nothing decays",
        C + "adam.h",
        "decayed * load_n(w->weight + i, n)",
        "load_n(w->weight + i, n)",
        ADAM,
    ),
    Break("compiled dots: any dtype", C + "dots.py", "readable(rows, table)", "readable(table)", DOTS),
    Break("compiled dots: another row", C + "dots.h", "d->row_index[n]", "d->row_index[0]", DOTS),
    Break("compiled selection: too few of equal scores", C + "select.h", "equal-- > 0", "equal-- > 1", SELECTED),
    Break(
        "compiled selection: NaN is small", C + "select.h", "((v != v) & INT32_MAX)", "((v != v) & INT32_MIN)", SELECTED
    ),
    Break("compiled selection: no margin", C + "select.h", "least - s->margin[row]", "least", SELECTED),
    Break(
        "compiled selection: rounded scores decide",
        C + "select.h",
        "value[i] = s->margin ?",
        "value[i] = 0 ?",
        SELECTED,
    ),
    Break(
        "kl: infinite at a rate of 0",
        "objective/rate.py",
        "        q = _inside(q)\n",
        "",
        ("test_by_hand.py",),
    ),
    Break(
        "feed: small batches are cut one row off",
        "training/feed.py",
        "zip(x.split(sizes), y.split(sizes), strict=True)",
        "zip(x.roll(1, 0).split(sizes), y.split(sizes), strict=True)",
        ("test_by_hand.py", "test_training.py"),
    ),
    Break(
        "history: sums of mean activations are lost",
        "training/history.py",
        "rate_sum = self._rate_sum + ",
        "rate_sum = ",
        ("test_training.py",),
    ),
    Break(
        "adam: no weight decay",
        "training/solvers/fused_adam.py",
        'weight_decay=group["weight_decay"]',
        "weight_decay=0.0",
        ("test_solvers.py",),
    ),
    Break(
        "scaling: only half of the shift",
        "model/scaled_module.py",
        "low = ((shift - high) * inverse).to(W)",
        "low = torch.zeros_like(high)",
        ("test_model.py", "test_scaling.py", "test_kernels_property.py"),
    ),
    Break(
        "scaling: in the rows' precision",
        "model/scaled_module.py",
        "scaled = (x.double() - shift) / scale",
        "scaled = (x - shift.to(x.dtype)) / scale.to(x.dtype)",
        ("test_kernels_property.py",),
    ),
    Break(
        "JumpReLU: a latent is active on its threshold",
        "model/coding_layers/jumprelu.py",
        "return (z > theta).to(z.dtype)",
        "return (z >= theta).to(z.dtype)",
        ("test_coding_layers.py",),
    ),
    Break(
        "rewritten rows: the optimiser keeps its moments",
        "training/latent_rows.py",
        "state[latents_M] = 0",
        "pass",
        ("test_constraints.py",),
    ),
    Break(
        "permuted rows: the optimiser's moments stay in the old order",
        "training/latent_rows.py",
        "state.copy_(state[order_L])",
        "pass",
        ("test_constraints.py",),
    ),
    Break(
        "frozen: the dictionary is trained",
        "training/constraints/frozen.py",
        "W.grad = None",
        "pass",
        ("test_constraints.py",),
    ),
    Break(
        "JumpReLU: the kernel's width in absolute units",
        "model/coding_layers/jumprelu.py",
        "width = self.bandwidth * state.spread",
        "width = torch.tensor(self.bandwidth)",
        ("test_modern_terms.py",),
    ),
    Break(
        "whitening: fewer rows than columns are whitened without the other components",
        "model/scaling.py",
        "@ components.T + rest / noise",
        "@ components.T + rest",
        ("test_scaling.py",),
    ),
    Break(
        "mask: errors are divided by all entries",
        "model/passes.py",
        "return total / rows.sum(judged.sum()).clamp_min(1)",
        "return total / (judged.numel() * rows.size)",
        ("test_missing.py",),
    ),
    Break(
        "mask: a compiled step does not read it",
        "training/step/compiled.py",
        "step.masked, step.judged = batch.judged is not None, target.numel()",
        "step.masked, step.judged = False, target.numel()",
        ("test_compiled.py",),
    ),
    Break(
        "mask: a compiled step divides errors by all entries",
        "training/step/compiled.py",
        "            step.judged = max(int(batch.judged.sum()), 1)\n",
        "",
        ("test_compiled.py",),
    ),
    Break(
        "imputer: the columns of a category are hidden one by one",
        "estimators/imputing/ensemble.py",
        "    variable_of = np.arange(width) if variable_of is None else variable_of\n",
        "    variable_of = np.arange(width)\n",
        ("test_imputer.py",),
    ),
    Break(
        "missing: noise on what is missing",
        "training/feed.py",
        "torch.where(x.isnan(), clean, self._filled(corrupted))",
        "self._filled(corrupted)",
        ("test_missing.py",),
    ),
    Break(
        "missing: swap hands a missing value on",
        "corruption/swap.py",
        "swapped &= ~missing",
        "pass",
        ("test_missing.py", "test_blind_spot.py"),
    ),
    Break(
        "missing: a model's own NaN is taken for a missing value",
        "metrics/errors.py",
        "return torch.where(undefined & ~x.isnan(), math.inf, errors) if bool(undefined.any()) else errors",
        "return errors",
        ("test_missing.py",),
    ),
    Break(
        "sparse rows: missing values of raw columns are filled by all rows",
        "probes/relate.py",
        "train = filled[in_train]",
        "train = filled[:]",
        ("test_sparse_rows.py",),
    ),
    Break(
        "blind spot: all entries are judged",
        "training/feed.py",
        "judged = corruption.hidden(x, noise, BLOCK) if corruption.judges_hidden else None",
        "judged = None",
        ("test_blind_spot.py",),
    ),
    Break(
        "blind spot: an estimate sees its entry",
        "model/blind_spots.py",
        "model.codes(torch.where(hidden, values, x))",
        "model.codes(x)",
        ("test_blind_spot.py",),
    ),
    Break(
        "blind spot: the noise's weight the wrong way round",
        "model/blind_spots.py",
        "own / self.error, self.error",
        "1 - own / self.error, self.error",
        ("test_blind_spot.py",),
    ),
    Break(
        "blind spot: the report judges what was copied from the row itself",
        "model/autoencoder.py",
        "return self.blind_spots.estimates(self, x)",
        "return self.output(self.decode(self.codes(x)))",
        ("test_blind_spot.py",),
    ),
    Break(
        "blind spot: clean rows judge the estimates of hidden entries",
        "inference/evaluate.py",
        "model.predicted(x) if hidden else model.denoised(x, missing_of(rows))",
        "model.predicted(x)",
        ("test_blind_spot.py",),
    ),
    Break(
        "blind spot: PCA sees the entries that it estimates",
        "probes/baselines.py",
        "np.linalg.solve(inverse_DD[np.ix_(hidden, hidden)], inverse_DD[hidden])",
        "inverse_DD[hidden]",
        ("test_blind_spot.py",),
    ),
    Break(
        "blind spot: the falling loss of training rows advises to go on",
        "report/numbers/verdict.py",
        'training = [] if only_validation else curves.get("loss", [])',
        'training = curves.get("loss", [])',
        ("test_blind_spot.py",),
    ),
    Break(
        "features: the decoder's hidden layers without their activation",
        "model/autoencoder.py",
        "layers.append(self.layout.hidden.activate(product + layer.bias))",
        "layers.append(product + layer.bias)",
        ("test_estimators.py",),
    ),
    Break(
        "features: scaled rows beside the codes",
        "inference/features.py",
        "source.read(start, stop).reshape(len(x), prod(source.shape)), block]",
        "model.scale_rows(x).numpy(), block]",
        ("test_estimators.py",),
    ),
    Break(
        "features: the way back reads the first columns",
        "inference/features.py",
        "return width, slice(first, first + n_latents)",
        "return width, slice(n_latents)",
        ("test_estimators.py",),
    ),
    Break(
        "features: two columns of one name",
        "inference/features.py",
        'while any(f"{name}{ending}" in taken for name in codes):',
        "while False:",
        ("test_cli.py",),
    ),
    Break(
        "moments: a deviation that float32 cannot invert",
        "data/moments.py",
        " | (deviation < SMALLEST))",
        ")",
        ("test_moments.py", "test_odd_data.py"),
    ),
    Break(
        "adopted: further training starts with new biases",
        "training/learner.py",
        "return self.steps_done == 0 and not isinstance(self.settings.unit, Given)",
        "return self.steps_done == 0",
        ("test_adopted.py",),
    ),
    Break(
        "adopted: further rows change the scaling",
        "training/learner.py",
        "if settings.scaling.fixed and self.moments.count:",
        "if False:",
        ("test_adopted.py",),
    ),
    Break(
        "moments: rounding is taken for a column's deviation",
        "data/moments.py",
        "<= rounding * np.abs(self.mean))",
        "<= 0)",
        ("test_moments.py", "test_scaling.py"),
    ),
    Break(
        "moments: empty ones lose their products",
        "data/moments.py",
        "self.products = other.products if self.with_products else self.products",
        "self.with_products = other.with_products",
        ("test_moments.py",),
    ),
    Break(
        "extreme rows: the rows that were not read do not count",
        "data/extreme_rows.py",
        "max(held.sum(), n * float((moments.variance / scale**2).sum()))",
        "held.sum()",
        ("test_moments.py",),
    ),
    Break(
        "extreme rows: a tenth of the rows carries the error",
        "data/extreme_rows.py",
        "FEW = 0.01",
        "FEW = 0.1",
        ("test_row_norm.py",),
    ),
    Break(
        "extreme rows: warned of where the others are reconstructed",
        "training/extreme_errors.py",
        "rest <= MAX_FVU * variance or not variance",
        "not variance",
        ("test_row_norm.py",),
    ),
    Break(
        "extreme rows: two warnings",
        "training/learner.py",
        "if not self.has_extreme_rows:",
        "if True:",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: lengths of rows with missing values are too short",
        "model/row_lengths.py",
        "known = (~missing).double()",
        "known = torch.ones_like(z).double()",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: rows of zeros are divided by nothing",
        "model/row_lengths.py",
        "lengths = torch.maximum((squares / known).sqrt() / divisor, least)",
        "lengths = (squares / known).sqrt() / divisor",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: codes are decoded at the median length",
        "model/row_lengths.py",
        "lengths = numbers[2:].double()[None]",
        "lengths = torch.ones_like(numbers[2:])[None]",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: targets keep their own lengths",
        "training/feed.py",
        "return y if lengths is None else divided(y, lengths)",
        "return y",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: corrupted rows are divided by the clean rows' lengths",
        "training/feed.py",
        "if corrupted is not x:",
        "if corrupted is None:",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: the error under noise is of clean rows' lengths",
        "inference/blocks.py",
        "return noisy, None if own is None else of_both(lengths, own)",
        "return noisy, lengths",
        ("test_row_norm.py",),
    ),
    Break(
        "layer_norm: the row's mean is not added again",
        "model/row_lengths.py",
        "return rows + lengths[:, 1:] if lengths.shape[1] == 2 else rows",
        "return rows",
        ("test_row_norm.py", "test_foreign.py"),
    ),
    Break(
        "layer_norm: the mean counts missing values",
        "model/row_lengths.py",
        "means = torch.where(missing, 0.0, rows).sum(1, keepdim=True) / known",
        "means = torch.where(missing, 0.0, rows).mean(1, keepdim=True)",
        ("test_row_norm.py",),
    ),
    Break(
        "layer_norm: the deviation is over D",
        "model/layer_norm.py",
        "divisor = np.sqrt((width - 1) / width)",
        "divisor = 1.0",
        ("test_row_norm.py", "test_foreign.py"),
    ),
    Break(
        "layer_norm: targets keep their rows' means",
        "model/row_lengths.py",
        "(y - lengths[:, 1:] if lengths.shape[1] == 2 else y)",
        "y",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: centred at the means",
        "model/robust_scaling.py",
        "np.where(moments.constant, moments.mean, median)",
        "moments.mean",
        ("test_row_norm.py",),
    ),
    Break(
        "row_norm: files decode at the median length",
        "model/inference_module.py",
        "y = lengthened(y.double(), lengths, self.row_lengths)",
        "y = y.double() if lengths is None else lengthened(y.double(), lengths, self.row_lengths)",
        ("test_row_norm.py", "test_inference_module.py"),
    ),
    Break(
        "partial_fit: the first rows decide",
        "estimators/resolve/rows.py",
        "return replace(parameters, scaling=scaling, output_activation=output)",
        "return parameters",
        ("test_estimators.py",),
    ),
    Break(
        "a table of small whole numbers is taken for images",
        "estimators/resolve/rows.py",
        "np.dtype(np.float64) if is_table else source.dtype",
        "source.dtype",
        ("test_estimators.py",),
    ),
    Break(
        "swap: a last block of one row gets no noise",
        "corruption/swap.py",
        "min_rows = 2",
        "min_rows = 1",
        ("test_corruption.py",),
    ),
    Break(
        "resume: the position and the hooks' state are not restored",
        "training/learner.py",
        "            restore_run(last, run, self.recorder, guard, keep_best)\n",
        "            pass\n",
        ("test_resume.py",),
    ),
    Break(
        "resume: a damaged checkpoint is loaded",
        "training/checkpoints.py",
        "if checksum(place / STATE) != description.checksum:",
        "if False:",
        ("test_resume.py",),
    ),
    Break(
        "long histories: an epoch's last step is dropped",
        "training/history.py",
        " % stride == 0) | history.ends_interval",
        " % stride == 0)",
        ("test_training.py",),
    ),
    Break(
        "whitening: noise is scaled up",
        "model/scaling.py",
        "np.maximum(variance, self.floor * variance.mean())",
        "variance.clip(1e-12)",
        ("test_scaling.py",),
    ),
    Break(
        "try it: signed codes lose their sign",
        "report/html/try_it.js",
        "coder.signed ? preActivations[l] : Math.max(preActivations[l], 0)",
        "Math.max(preActivations[l], 0)",
        ("test_tryit.py",),
    ),
    Break(
        "try it: names are HTML",
        "report/html/try_it.js",
        "choice.textContent = data.example_names[i]",
        "choice.innerHTML = data.example_names[i]",
        ("test_tryit.py",),
    ),
    Break(
        "try it: float16 however large its error",
        "report/numbers/try_it.py",
        "exact = error > MAX_ERROR and",
        "exact = error > 1 and",
        ("test_tryit.py",),
    ),
    Break(
        "report: a latent's share without its norm",
        "report/numbers/latents.py",
        "power = evaluation.sparsity.variances * np.square(norms)",
        "power = evaluation.sparsity.variances",
        ("test_report.py",),
    ),
    Break(
        "report: quantiles from the wrong end",
        "report/numbers/latents.py",
        "order[round((1 - quantile)",
        "order[round(quantile",
        ("test_report.py",),
    ),
    Break(
        "report: PCA with a component too many",
        "probes/baselines.py",
        "directions_DK = directions_DD[:, :size]",
        "directions_DK = directions_DD[:, : size + 1]",
        ("test_report.py",),
    ),
    Break(
        "report: opposite directions are not near-duplicates",
        "report/numbers/neighbours.py",
        "np.triu(np.abs(cosines) >= NEAR_DUPLICATE, 1)",
        "np.triu(cosines >= NEAR_DUPLICATE, 1)",
        ("test_report.py",),
    ),
    Break(
        "report: the untrained encoder is the trained one",
        "probes/baselines.py",
        "    Step(twin, objective).initialise(x, steps=1)",
        "    twin.load_state_dict(model.state_dict())",
        ("test_report.py",),
    ),
    Break(
        "report: PCA receives other rows than the model",
        "probes/baselines.py",
        "centred = _as_array(_in_unit(model, received, lengths)) - moments.mean",
        "centred = _as_array(_in_unit(model, received, lengths)) * 0.9 - moments.mean",
        ("test_report.py",),
    ),
    Break(
        "report: PCA under noise has all components",
        "probes/baselines.py",
        "sizes = [int(np.argmin(",
        "sizes = [int(np.argmax(",
        ("test_report.py",),
    ),
    Break(
        "report: a penalty without a target hides another's target",
        "report/numbers/summary.py",
        " for t in reversed(objective.terms) if t.target_value is not None}",
        " for t in reversed(objective.terms)}",
        ("test_report.py",),
    ),
    Break(
        "report: missing labels are a class",
        "report/numbers/relation.py",
        'np.asarray(study.labels, None if hasattr(study.labels, "dtype") else object)',
        "np.asarray(study.labels)",
        ("test_report.py",),
    ),
    Break(
        "report: a remedy names a parameter that the estimator has not",
        "report/numbers/advice.py",
        "if parameter in parameters and value != [parameters[parameter]]:",
        "if value != [parameters.get(parameter)]:",
        ("test_report.py",),
    ),
    Break(
        "compare: runs of one seed are taken for independent ones",
        "report/numbers/comparison.py",
        "if self.initially_shared == self.matched:",
        "if self.initially_shared > self.matched:",
        ("test_report.py",),
    ),
    Break(
        "report: what comes from data is HTML",
        "report/html/engine.py",
        "autoescape=True",
        "autoescape=False",
        ("test_pages.py",),
    ),
    Break(
        "report: ids of figures are shared",
        "report/html/figures.py",
        "rf'id=\"{prefix}-\\1\"'",
        "r'id=\"\\1\"'",
        ("test_pages.py",),
    ),
    Break(
        "report: the search box looks at the beginning of texts only",
        "report/html/page.js",
        "texts.get(row).includes(query)",
        "texts.get(row).startsWith(query)",
        ("test_pages.py",),
    ),
    Break(
        "report: rows with one id have one name",
        "report/numbers/row_names.py",
        "counts[text] == 1",
        "counts[text] >= 1",
        ("test_report.py",),
    ),
    Break(
        "report: a target may be a column that was trained on",
        "cli/row_values.py",
        "if target is not None and _is_trained_on(",
        "if target is None and _is_trained_on(",
        ("test_cli_report.py",),
    ),
    Break(
        "row shape: curves count as images",
        "data/row_shape.py",
        "half_line = _correlation(standardised, pixels[:, : width - half], pixels[:, half:])",
        "half_line = others",
        ("test_row_shape.py",),
    ),
    Break(
        "report: a table sorts upwards first",
        "report/html/page.js",
        "(descending ? b - a : a - b)",
        "(descending ? a - b : b - a)",
        ("test_pages.py",),
    ),
    Break(
        "relate: false discoveries not controlled",
        "probes/relate.py",
        "q_CL = stats.false_discovery_control(p_CL.ravel()).reshape(p_CL.shape)",
        "q_CL = p_CL",
        ("test_relate.py",),
    ),
    Break(
        "relate: ties forgotten",
        "probes/ranks.py",
        "return float((sizes**3 - sizes).sum())",
        "return 0.0",
        ("test_relate.py",),
    ),
    Break(
        "compare: latents shared before the first step are counted after training",
        "report/numbers/comparison.py",
        "matched(initial[first], initial[second])",
        "matched(directions[first], directions[second])",
        ("test_report.py",),
    ),
    Break(
        "overwrite: what came in the last moment is deleted",
        "core/atomic.py",
        "    if reason := objection(temporary):",
        "    if reason := None:",
        ("test_atomic.py",),
    ),
    Break(
        "overwrite: not checked again after the block",
        "core/atomic.py",
        "    if refusal := _refusal(target, overwrite, objection):\n        return refusal.reason",
        "    if refusal := None:\n        return refusal.reason",
        ("test_atomic.py",),
    ),
    Break(
        "overwrite: any configuration is a run's",
        "core/run_folder.py",
        "and config.keys() >= CONFIG_KEYS",
        "",
        ("test_atomic.py",),
    ),
    Break(
        "leftovers: temporary paths are not locked",
        "core/temporary.py",
        "fcntl.flock(descriptor, fcntl.LOCK_EX)\n",
        "pass\n",
        ("test_atomic.py",),
    ),
    Break(
        "arrays: the encoder's input is not centred",
        "inference/array_programs.py",
        'if layout.centred else "S"',
        'if False else "S"',
        ("test_arrays.py",),
    ),
    Break(
        "arrays: a refinement without its factor",
        "inference/array_programs.py",
        'f"Z = Z + eta * {left}',
        'f"Z = Z + {left}',
        ("test_arrays.py",),
    ),
    Break(
        "arrays: equal entries in any order",
        "inference/array_programs.py",
        "f'order = np.argsort(-{size}, axis=1, kind=\"stable\")'",
        'f"order = np.argsort(-{size}, axis=1)"',
        ("test_arrays.py",),
    ),
    Break(
        "arrays: signed codes by their value",
        "inference/array_programs.py",
        '("np.abs(Z)", "Z")',
        '("Z", "Z")',
        ("test_arrays.py",),
    ),
    Break(
        "arrays: a gate that is always open",
        "inference/array_programs.py",
        ', 0) * (Z > 0)"',
        ', 0)"',
        ("test_arrays.py",),
    ),
    Break(
        "arrays: the sign of a part of the sum",
        "inference/array_programs.py",
        "f'({affine})' if '-Z' in template else affine",
        "affine",
        ("test_arrays.py",),
    ),
    Break(
        "arrays: a tied weight of the wrong layer",
        "inference/array_programs.py",
        "len(module.encoder) + 1 - number",
        "number",
        ("test_arrays.py",),
    ),
    Break(
        "arrays: an elementwise product in MATLAB",
        "inference/array_programs.py",
        '    (r" @ ", " * "),',
        '    (r" @ ", " .* "),',
        ("test_arrays.py",),
    ),
    Break(
        "arrays: the rows' scaling for targets",
        "inference/array_programs.py",
        "{_array('target_scale')}",
        "{_array('scale')}",
        ("test_arrays.py",),
    ),
    Break(
        "arrays: the shift in float32",
        "inference/to_arrays.py",
        "named[name] = numbers",
        "named[name] = numbers.float()",
        ("test_arrays.py",),
    ),
    Break(
        "arrays: weights [out, in]", "inference/to_arrays.py", "layer.weight.T,", "layer.weight,", ("test_arrays.py",)
    ),
    Break(
        "arrays: single precision in MATLAB",
        "inference/to_arrays.py",
        "array.astype(float)",
        "array",
        ("test_arrays.py",),
    ),
    Break(
        "arrays: any ending",
        "inference/to_arrays.py",
        "suffix.lower() != ending",
        "suffix.lower() == ending + ending",
        ("test_arrays.py",),
    ),
    Break(
        "arrays: a tied decoder in the encoder's order",
        "estimators/plain_arrays.py",
        "decoder or encoder[::-1]",
        "decoder or encoder",
        ("test_arrays.py",),
    ),
    Break(
        "outliers: a training row is its own neighbour",
        "estimators/outlyingness.py",
        "distances[:, :1] < SAME_ROW",
        "distances[:, :1] < 0",
        ("test_outliers.py",),
    ),
    Break(
        "outliers: a missing value counts as an error",
        "estimators/outlyingness.py",
        "np.where(known, logs, 0).sum(1) / known.sum(1)",
        "np.where(known, logs, 1).mean(1)",
        ("test_outliers.py",),
    ),
    Break(
        "outliers: p-values without the row itself",
        "estimators/outliers.py",
        "(1 + np.searchsorted(self._calibration",
        "(0 + np.searchsorted(self._calibration",
        ("test_outliers.py",),
    ),
    Break(
        "outliers: held-out rows are trained on",
        "estimators/outliers.py",
        "super()._fit(Subset(source, training)",
        "super()._fit(source",
        ("test_outliers.py",),
    ),
    Break(
        "outliers: a cell explains itself",
        "estimators/outliers.py",
        "copies[:, hidden] = np.nan",
        "copies[:, hidden] = rows[:, of_column.argsort()]",
        ("test_outliers.py",),
    ),
    Break(
        "page of outliers: rows of fit have p-values",
        "artifact/artifact.py",
        "        trained[indices] = training is not None and training.matches(Subset(source, indices))\n",
        "",
        ("test_outlier_page.py",),
    ),
    Break(
        "page of outliers: a cell with its expected value is a reason",
        "report/numbers/outliers.py",
        " if value != other]",
        "]",
        ("test_outlier_page.py",),
    ),
    Break(
        "page of outliers: the score is below the threshold where it is above",
        "report/numbers/outliers.py",
        "(held_out < detection.offset).mean()",
        "(held_out > detection.offset).mean()",
        ("test_outlier_page.py",),
    ),
    Break(
        "page of outliers: a new level is shown as the first level",
        "data/variables/variables.py",
        "                columns[position][(block[:, place] == 0).all(1)] = NEW_LEVEL\n",
        "                pass\n",
        ("test_outlier_page.py",),
    ),
    Break(
        "outliers: the threshold of all scores",
        "estimators/outliers.py",
        "np.percentile(scores, [50, 75])",
        "np.percentile(scores, [50, 95])",
        ("test_outliers.py",),
    ),
    Break(
        "recipes: no bound on depth", "core/grammar.py", "MAX_DEPTH = 20", "MAX_DEPTH = 10**6", ("test_recipe_fuzz.py",)
    ),
    Break(
        "signals: an ignored one ends the command",
        "cli/signals.py",
        "signal.getsignal(number) is signal.SIG_DFL",
        "True",
        ("test_cli.py",),
    ),
    Break(
        "ONNX: a shift of one float32 number",
        "inference/program.py",
        " * self.inverse_scale - self.shift_low",
        " * self.inverse_scale",
        ("test_onnx.py",),
    ),
    Break(
        "ONNX: the targets' shift of one float32 number",
        "inference/program.py",
        " + self.target_shift_low",
        "",
        ("test_onnx.py",),
    ),
    Break(
        "ONNX: Python's paths in the file",
        "inference/to_onnx.py",
        "item.metadata_props.clear()",
        "pass",
        ("test_onnx.py",),
    ),
    Break(
        "exported: no row is compared",
        "inference/agreement.py",
        "if not bool((errors <= bound).all())",
        "if bool((errors > bound).all())",
        ("test_onnx.py",),
    ),
    Break(
        "exported: a tied weight is dropped",
        "inference/to_torch_export.py",
        "if id(number) not in used:",
        "if full_name not in {names.get(node.name) for node in traced.graph.nodes if node.users}:",
        ("test_export.py",),
    ),
    Break(
        "a file replaced without overwrite",
        "core/atomic.py",
        "if target.exists() and not overwrite:",
        "if False:",
        ("test_export.py",),
    ),
    Break(
        "Keras: the shift in one part",
        "inference/keras_layers.py",
        "(x - self.high) / self.scale - self.rest)",
        "(x - self.high) / self.scale)",
        KERAS,
    ),
    Break(
        "Keras: thresholds without the kernel's gradient",
        "inference/keras_layers.py",
        "return z * with_gradient(ops.cast(z > theta, z.dtype), ramp)",
        "return z * ops.cast(z > theta, z.dtype)",
        KERAS,
    ),
    Break(
        "Keras: saturated latents without gradient",
        "inference/keras_training.py",
        "with_gradient(ops.clip(q, EPSILON, 1 - EPSILON), q)",
        "ops.clip(q, EPSILON, 1 - EPSILON)",
        KERAS,
    ),
    Break(
        "Keras: biases decay",
        "inference/keras_training.py",
        'if each.name != "kernel"]',
        "if False]",
        KERAS,
    ),
    Break(
        "Keras: more than k codes where some are equal",
        "inference/keras_layers.py",
        'ops.cumsum(ops.cast(equal, "int32"), axis=1) <= missing',
        "missing > 0",
        KERAS,
    ),
    Break(
        "Keras: noise outside training",
        "inference/keras_training.py",
        "return self.corrupt(x) if training else x",
        "return self.corrupt(x)",
        KERAS,
    ),
    Break(
        "Keras: a mean over latents",
        "inference/keras_training.py",
        "return ops.sum(ops.square(q - rho))",
        "return ops.mean(ops.square(q - rho))",
        KERAS,
    ),
    Break(
        "Keras: a network with other connections is taken over",
        "inference/from_keras.py",
        "if ours.shape != theirs.shape or not",
        "if ours.shape != theirs.shape and not",
        KERAS,
    ),
    Break(
        "missing values: masked entries keep their numbers",
        "data/missing_values.py",
        "    if np.ma.is_masked(X):",
        "    if False:",
        ("test_missing.py",),
    ),
    Break(
        "missing values: NA of pandas beside numbers",
        "data/missing_values.py",
        "if not is_plain and",
        "if False and",
        ("test_missing.py",),
    ),
    Break(
        "missing values: a model's NaN is taken for one",
        "metrics/errors.py",
        "torch.where(undefined & ~x.isnan(), math.inf, errors)",
        "torch.where(undefined & x.isnan(), math.inf, errors)",
        ("test_missing.py",),
    ),
    Break(
        "missing values: whitened rows are mixed before they are filled",
        "model/scaled_module.py",
        "        if self.whitened:  # a product",
        "        if False:  # a product",
        ("test_missing.py",),
    ),
    Break(
        "missing values: denoising is judged on copied ones",
        "inference/blocks.py",
        "y.masked_fill(noisy == x, math.nan) if corruption.makes_missing else y",
        "y",
        ("test_missing_report.py",),
    ),
    Break(
        "missing values: a row without any has an error",
        "report/numbers/samples.py",
        "known = np.flatnonzero(~np.isnan(evaluation.row_errors))",
        "known = np.arange(len(evaluation.row_errors))",
        ("test_missing_report.py",),
    ),
    Break(
        "tables: shares right of all cells",
        "metrics/variable_errors.py",
        "self.hits / self.known, np.nan)",
        "self.hits / self.moments.count, np.nan)",
        ("test_mixed_report.py",),
    ),
    Break(
        "tables: directions with the levels' mean",
        "model/coding_layers/by_variable.py",
        "return (z - z.mean(2, keepdim=True)).flatten(1)",
        "return z.flatten(1)",
        ("test_mixed_report.py",),
    ),
    Break(
        "tables: missing values by encoded column",
        "report/numbers/summary.py",
        "missing, variables = missing[output.first_columns.numpy()], len(output.levels)",
        "variables = len(output.levels)",
        ("test_mixed_report.py",),
    ),
    Break(
        "tables: new levels count as missing",
        "report/numbers/summary.py",
        "missing=int(missing.sum()) - sum(evaluation.unseen),",
        "missing=int(missing.sum()),",
        ("test_mixed_report.py",),
    ),
    Break(
        "tables: the softmax over all categories together",
        "model/coding_layers/by_variable.py",
        "return run.by_variable(z).softmax(2).flatten(1)",
        "return z.softmax(1)",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: an unseen level has a gradient",
        "model/coding_layers/by_variable.py",
        "run.by_variable(y) * x.sum(2, keepdim=True) - x",
        "run.by_variable(y) - x",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: variables do not count as one",
        "objective/variable_error.py",
        "return p.mean_judged(output.losses(p.logits, p.batch.target) * factors, of_variables)",
        "return p.mean_judged(output.losses(p.logits, p.batch.target), of_variables)",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: a category's columns swapped one by one",
        "corruption/variable_noise.py",
        "return self.noise.by_variable(x, rng, self.variables)",
        "return self.noise(x, rng)",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: targets scaled like inputs",
        "training/learner.py",
        "own = target is None and settings.target_scaling == settings.scaling",
        "own = target is None",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: unseen levels counted",
        "model/coding_layers/by_variable.py",
        "x.masked_fill((x == 0).all(2, keepdim=True), math.nan)",
        "x",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: the score relative to the training rows' constants",
        "metrics/variable_errors.py",
        "self.column_means * self.best / np.array(best_constants(targets, self.moments))",
        "self.column_means",
        ("test_mixed_tables.py",),
    ),
    Break(
        "tables: categories scaled column by column",
        "model/variable_scaling.py",
        "spread = np.sqrt(np.where(variance > 0, variance, 1.0))[variables]",
        "spread = scale",
        ("test_mixed_tables.py",),
    ),
    Break(
        "missing values: not counted in a summary",
        "report/numbers/summary.py",
        "        missing=int(missing.sum()) - sum(evaluation.unseen),",
        "        missing=0,",
        ("test_missing_report.py",),
    ),
    Break(
        "missing values: the untrained decoder is fitted to means",
        "probes/baselines.py",
        "FILLS = 10",
        "FILLS = 1",
        ("test_missing_report.py",),
    ),
    Break(
        "missing values: PCA's number of components is best on means",
        "probes/baselines.py",
        "    if not masked:",
        "    if True:",
        ("test_missing_report.py",),
    ),
    Break(
        "missing values: raw columns are filled by all rows",
        "probes/relate.py",
        "_filled(raw, raw[in_train])",
        "_filled(raw, raw)",
        ("test_missing_report.py",),
    ),
    Break(
        "missing values: SSIM of filled images",
        "metrics/ssim.py",
        "means = means / weights.where(weights > 1e-12, math.nan)",
        "means = means / (weights * 0 + 1)",
        ("test_missing_report.py",),
    ),
    Break(
        "missing values: the page enters 0",
        "report/html/try_it.js",
        "(isNaN(value) ? mean[d] : value)",
        "(isNaN(value) ? 0 : value)",
        ("test_missing_report.py",),
    ),
    Break(
        "missing cells: NaN in one column of a category",
        "data/variables/source.py",
        "start : start + self._widths[number]] = np.nan",
        "start] = np.nan",
        VARIABLES,
    ),
    Break(
        "other levels: the next variable's first",
        "data/variables/source.py",
        "(codes >= 0) & (codes < self._widths)",
        "(codes >= 0)",
        VARIABLES,
    ),
    Break(
        "a category: the least probable level",
        "data/variables/category.py",
        ".argmax(axis=1))",
        ".argmin(axis=1))",
        VARIABLES,
    ),
    Break(
        "a category: 1 and '1' are one level",
        "data/variables/values.py",
        "return family(value), value",
        "return str(value)",
        VARIABLES,
    ),
    Break(
        "a boolean: True above 0.5 only",
        "data/variables/boolean.py",
        "block[:, 0] >= 0.5",
        "block[:, 0] > 0.5",
        VARIABLES,
    ),
    Break(
        "integers: rounded down",
        "data/variables/integer.py",
        "np.rint(block[:, 0])",
        "np.floor(block[:, 0])",
        VARIABLES,
    ),
    Break(
        "large integers: encoded without the offset",
        "data/variables/integer.py",
        "float(value - offset)",
        "float(value)",
        VARIABLES,
    ),
    Break(
        "dates: without the first one",
        "data/variables/date.py",
        "ticks = steps * ratio + first",
        "ticks = steps * ratio",
        VARIABLES,
    ),
    Break(
        "text: 51 levels are a category",
        "data/variables/decide.py",
        "<= MAX_LEVELS else None",
        "<= MAX_LEVELS + 1 else None",
        VARIABLES,
    ),
    Break("text: postal codes are numbers", "data/variables/cells.py", "(?:0|[1-9][0-9]*)", "(?:[0-9]+)", VARIABLES),
    Break(
        "columns in another order are taken",
        "data/variables/variables.py",
        "if labels == expected:",
        "if set(labels) == set(expected):",
        VARIABLES,
    ),
    Break(
        "known cells are overwritten",
        "data/variables/tables/pandas_table.py",
        "cells[~known] = built[~known]",
        "cells[:] = built",
        VARIABLES,
    ),
    Break(
        "decimals: cut, not rounded",
        "data/variables/casts.py",
        "scaled = round(Decimal(number).scaleb(kind.scale))",
        "scaled = int(Decimal(number).scaleb(kind.scale))",
        VARIABLES,
    ),
    Break(
        "shards: damaged ones taken for whole",
        "data/sources/manifest.py",
        "file.stat().st_size == self.bytes and checksum(file) == self.checksum",
        "file.stat().st_size == self.bytes",
        ("test_shards_out.py",),
    ),
    Break(
        "shards: another model's are continued",
        "data/sources/manifest.py",
        "        if before != now:",
        '        if before != now and key != "model":',
        ("test_shards_out.py",),
    ),
    Break(
        "sparse rows: all blocks held before they are written",
        "data/sources/csr.py",
        "if sum(each.nbytes for each in group) >= _GROUP_BYTES:",
        "if False:",
        ("test_shards_out.py",),
    ),
    Break(
        "log: callbacks get the run's own numbers",
        "training/log.py",
        'self._call({"kind": kind} | line)',
        "self._call(line)",
        ("test_watching.py",),
    ),
    Break(
        "log: a callback that fails ends the run",
        "training/log.py",
        "            except Exception as error:\n                self._callbacks",
        "            except KeyError as error:\n                self._callbacks",
        ("test_watching.py",),
    ),
    Break(
        "streamed rows: a window's rows stay in order",
        "data/order.py",
        "order: NDArray[np.int64] = torch.randperm(stop - start, generator=rng).numpy()",
        "order: NDArray[np.int64] = np.arange(stop - start)",
        ("test_order.py",),
    ),
    Break(
        "streamed rows: the same order in each epoch",
        "data/order.py",
        'generator(self.seed, "blocks", self.epoch)',
        'generator(self.seed, "blocks", 0)',
        ("test_order.py",),
    ),
    Break(
        "streamed rows: a window is read again",
        "data/windows.py",
        "begin(window + 1) if window + 1 in windows else []",
        "begin(window) if window + 1 in windows else []",
        ("test_order.py",),
    ),
    Break(
        "streamed rows: a resumed epoch begins at its first row",
        "data/windows.py",
        "rows.take(shuffled[start - offset : end - offset], axis=0)",
        "rows.take(shuffled[: end - start], axis=0)",
        ("test_order.py",),
    ),
    Break(
        "streamed rows: a part of a split loses its blocks",
        "data/sources/ranges.py",
        "return np.unique(self._before[of_range] + within)",
        "return np.array([0, len(self)])",
        ("test_order.py",),
    ),
    Break(
        "shards: in the order of their letters",
        "data/sources/folders.py",
        "(0, int(part)) if part.isdigit() else (1, part.lower())",
        "(1, part)",
        ("test_shards.py",),
    ),
    Break(
        "shards: bfloat16 is read as whole numbers",
        "data/sources/raw_shard.py",
        "np.left_shift(raw, 16, out=rows.view(np.uint32), dtype=np.uint32)",
        "rows[...] = raw",
        ("test_shards.py",),
    ),
    Break(
        "shards: a file that was cut is read",
        "data/sources/local_file.py",
        "if size != self.n_bytes:",
        "if False:",
        ("test_shards.py",),
    ),
    Break(
        "shards: any row group is read from where the last one was left",
        "data/sources/arrow_shards.py",
        "if self._cursor.part != part or self._cursor.start > offset:",
        "if self._cursor.part != part:",
        ("test_shards.py",),
    ),
    Break(
        "survey: infinite values of streamed rows are not seen",
        "data/survey.py",
        "check.add(moments.count, len(block), block)",
        "pass",
        ("test_survey.py",),
    ),
    Break(
        "survey: made anew at each use",
        "data/survey.py",
        "known = _surveys.get(source)\n    if known is None or",
        "known = None\n    if known is None or",
        ("test_survey.py",),
    ),
)


def broken(text: str, a_break: Break) -> str:
    """Return a file's text with the break made."""
    if (found := text.count(a_break.old)) != 1:
        raise Misfit(f"{a_break.what}: {a_break.file} holds {a_break.old!r} {found} times, not once")
    return text.replace(a_break.old, a_break.new)


def run(copy: Path, tests: tuple[str, ...], *options: str) -> tuple[int, str]:
    """Return pytest's exit status and what it said, run against the copy."""
    # no .pyc: a file of the same size, changed within a second, would be read from the old one
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rfE", *options]
    done = subprocess.run(
        [*command, *(f"tests/{test}" for test in tests)], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def at_home(copy: Path) -> None:
    """Raise Misfit unless it is the copy that the tests import."""
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", "import taciturn; print(taciturn.__file__)"]
    said = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.strip()
    if Path(said).resolve() != (copy / "taciturn" / "__init__.py").resolve():
        raise Misfit(f"the tests would import {said}, not the copy")


@contextmanager
def compiled(file: Path) -> Iterator[None]:
    """Have the library built with a file of C as it is now, while in scope."""
    if file.suffix not in (".c", ".h"):
        yield
        return
    libraries = list(file.parent.glob("_native*"))
    if len(libraries) != 1:
        raise Misfit(f"there are {len(libraries)} compiled libraries, not one: install with a C compiler")
    (library,) = libraries
    before = library.read_bytes()
    sources = map(str, sorted(file.parent.glob("*.c")))
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), *sources, "-lm"]
    try:
        subprocess.run(command, check=True, capture_output=True)
        yield
    except subprocess.CalledProcessError as error:
        raise Misfit(f"{file.name} does not compile\n{error.stderr.decode()}") from None
    finally:
        library.write_bytes(before)


def noticed_by(copy: Path, a_break: Break) -> str | None:
    """Make a break in the copy, run its tests, mend it; return the first test that failed."""
    file = copy / "taciturn" / a_break.file
    text = file.read_text(encoding="utf-8")
    file.write_text(broken(text, a_break), encoding="utf-8")
    try:
        with compiled(file):
            status, said = run(copy, a_break.tests, "-x")
    finally:
        file.write_text(text, encoding="utf-8")
    if status == 0:
        return None
    failed = [line[7:].split(" - ")[0] for line in said.splitlines() if line.startswith("FAILED ")]
    # anything but a failed test (a file that cannot be imported, say) is no notice of what was broken
    if status != 1 or not failed:
        raise Misfit(f"{a_break.what}: no test ran to its end\n{said}")
    return failed[0].removeprefix("tests/")


def check(copy: Path) -> None:
    """Raise Misfit unless every break can be made and all tests pass before."""
    at_home(copy)
    for a_break in BREAKS:
        broken((copy / "taciturn" / a_break.file).read_text(encoding="utf-8"), a_break)
    tests = tuple(sorted({test for a_break in BREAKS for test in a_break.tests}))
    if missing := [test for test in tests if not (ROOT / "tests" / test).exists()]:
        raise Misfit(f"tests/ lacks {', '.join(missing)}")
    status, said = run(copy, tests)
    if status != 0:
        raise Misfit(f"the tests must pass before anything is broken\n{said}")


def main() -> int:
    """Break everything in turn; return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        unnoticed = 0
        width = max(len(a_break.what) for a_break in BREAKS)
        try:
            check(copy)
            print(f"{'broken':{width}}  first test that failed")
            for a_break in BREAKS:
                test = noticed_by(copy, a_break)
                unnoticed += test is None
                print(f"{a_break.what:{width}}  {test or 'NOT NOTICED'}", flush=True)
        except Misfit as misfit:
            print(f"break_it: {misfit}", file=sys.stderr)
            return 2
    print(f"{len(BREAKS) - unnoticed} of {len(BREAKS)} noticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
