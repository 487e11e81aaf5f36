"""From numbers to a verdict: what a design could have seen, the rule, and the decision."""
