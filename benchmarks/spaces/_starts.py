"""The two starts that are held against each other, and the report of one part.

"ours" are our defaults (a linear path from probabilistic PCA, SiLU, annealing), "random" is the
papers' start with ReLU. Where the start alone does what anchors or an ensemble promise, the tables
show it, and where it hurts what a model is for.
"""

import numpy as np

from benchmarks._common import PAPERS, Report, over_seeds, parser

OURS = {"init": "pca"}
STARTS = {"ours": OURS, "random": PAPERS}


def reported(description, write):
    """Read the options and write one part's report."""
    options = parser(description).parse_args()
    report = Report("Two starts", options.out)
    write(report, options.size == "quick")
    report.write()


def rows_of(results):
    """One row for each key, an interval over seeds for each column."""
    return [
        [*key, *(over_seeds(column) for column in np.transpose(values))]
        for key, values in results.items()
    ]
