"""DenoisingImputer: completed tables, draws of them, and Rubin's rules."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from taciturn import DenoisingImputer

QUICK = {"n_networks": 2, "max_iter": 1, "random_state": 0}


@parametrize_with_checks([DenoisingImputer(16, n_networks=2, max_iter=1)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)
