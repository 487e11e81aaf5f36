"""Contracts that a class of anybody's can be held to: `check_estimator`, `check_refuter`, `check_source`, `check_decomposition`.

The project's own tests use the same functions. What is asked follows from what a class says of itself; a broken clause raises `ContractBroken` with what was
wanted, what came and what to try. From the command line:  python -m causal.testing FOLDER
"""

from causal.testing.contract import Checked as Checked
from causal.testing.contract import ContractBroken as ContractBroken
from causal.testing.contract import quickened as quickened
from causal.testing.decompositions import check_decomposition as check_decomposition
from causal.testing.estimators import GROUNDS as GROUNDS
from causal.testing.estimators import check_estimator as check_estimator
from causal.testing.faults import FAULTS as FAULTS
from causal.testing.faults import Fault as Fault
from causal.testing.refuters import check_refuter as check_refuter
from causal.testing.sources import check_source as check_source

__all__ = ["FAULTS", "GROUNDS", "Checked", "ContractBroken", "Fault", "check_decomposition", "check_estimator", "check_refuter", "check_source", "quickened"]
