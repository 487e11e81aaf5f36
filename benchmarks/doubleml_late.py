"""What DoubleML's interactive instrumental variable model says of one made-up offer; the numbers stand in tests/test_late.py.

pip install --no-deps DoubleML && python benchmarks/doubleml_late.py      prints effect and standard error
"""

from __future__ import annotations

import numpy as np
from doubleml import DoubleMLData, DoubleMLIIVM
from sklearn.linear_model import LinearRegression, LogisticRegression

from causal.testing.worlds import Offered


def main() -> None:
    """2,000 places, linear and logistic nuisances, five folds, eleven repetitions."""
    frame = Offered(effect=2.0, seed=0, authorities=2_000).load().frame.reset_index(drop=True)
    np.random.seed(1)  # DoubleML draws its folds from the global state
    data = DoubleMLData(frame, y_col="plans", d_cols="cut", z_cols="offer", x_cols=["poverty"])
    model = DoubleMLIIVM(
        data,
        LinearRegression(),
        LogisticRegression(C=1e6),
        LogisticRegression(C=1e6),
        n_folds=5,
        n_rep=11,
        subgroups={"always_takers": True, "never_takers": True},
    )
    model.fit()
    print(f"{model.coef[0]:.6f} {model.se[0]:.6f}")


if __name__ == "__main__":
    main()
