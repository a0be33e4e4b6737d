"""The numbers of a run as a run of MLflow, on a server or in a local store."""

import time
from typing import Any

from .numbers import BEGIN, facts, numbers, package

EXPERIMENT = "taciturn"
MAX_BATCH = 1000  # metrics that MLflow takes at once


class MLflow:
    """A callback of `fit` that writes the numbers of each step and interval as MLflow's metrics.

    Parameters
    ----------
    uri : str
        A server, http://localhost:5000, or a local store, sqlite:///mlflow.db.

    Raises
    ------
    RecipeError
        The package mlflow is not installed.
    """

    def __init__(self, uri: str) -> None:
        self._client = package("mlflow", "mlflow").MlflowClient(tracking_uri=uri)
        self._metrics: list[Any] = []
        self._run = ""

    def __call__(self, line: dict[str, Any]) -> None:
        """Keep the numbers of a line of the log; send them at the end of each interval."""
        if line["kind"] in BEGIN:
            self._begin(line)
        elif line["kind"] == "end":
            self._send()
            self._client.set_terminated(self._run, "KILLED" if line["stopped"] else "FINISHED")
        else:
            self._keep(line)

    def _begin(self, line: dict[str, Any]) -> None:
        from mlflow.entities import Param

        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = self._client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
        self._run = self._client.create_run(experiment).info.run_id
        self._client.log_batch(self._run, params=[Param(name, str(value)) for name, value in facts(line).items()])

    def _keep(self, line: dict[str, Any]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * line.get("time", time.time()))
        self._metrics += [Metric(name, value, now, line["step"]) for name, value in numbers(line).items()]
        if line["kind"] == "interval" or len(self._metrics) >= MAX_BATCH:
            self._send()

    def _send(self) -> None:
        metrics, self._metrics = self._metrics, []
        for start in range(0, len(metrics), MAX_BATCH):
            self._client.log_batch(self._run, metrics=metrics[start : start + MAX_BATCH])
